//! What a power failure leaves, as the oracle chooses.

use investbot::fs::Loss;

use crate::simulator::oracle::{Named, Oracle};

/// What a power failure may do to a write that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Cut it at the end of any of its lines, in the middle, or before its last byte; or take all of it.
    Lines,
    /// The same, or cut it at any other byte.
    AnyByte,
}

/// What becomes of something that was not synced.
#[derive(Clone, Copy)]
enum Fate {
    Kept,
    Lost,
    Cut,
}

impl Named for Fate {
    fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Lost => "lost",
            Self::Cut => "cut",
        }
    }
}

pub(super) struct Chosen<'a> {
    oracle: &'a Oracle,
    damage: Damage,
}

impl<'a> Chosen<'a> {
    pub(super) const fn new(oracle: &'a Oracle, damage: Damage) -> Self {
        Self { oracle, damage }
    }

    fn keeps(&self, what: &'static str) -> bool {
        matches!(
            self.oracle.pick(what, &[Fate::Kept, Fate::Lost]),
            Fate::Kept
        )
    }
}

impl Loss for Chosen<'_> {
    fn keeps_name(&mut self) -> bool {
        self.keeps("a change of the directory is")
    }

    fn of_write(&mut self, bytes: &[u8]) -> usize {
        let ways: &[Fate] = if bytes.len() > 1 {
            &[Fate::Kept, Fate::Lost, Fate::Cut]
        } else {
            &[Fate::Kept, Fate::Lost]
        };
        match self.oracle.pick("an unsynced write is", ways) {
            Fate::Kept => bytes.len(),
            Fate::Lost => 0,
            Fate::Cut => self.cut(bytes),
        }
    }

    fn keeps_cut(&mut self) -> bool {
        self.keeps("the cut of a file is")
    }
}

impl Chosen<'_> {
    /// Where a write is cut: inside, so that something is kept and something lost.
    fn cut(&self, bytes: &[u8]) -> usize {
        let last = bytes.len() - 1;
        let mut places = vec![last];
        let ends = memchr::memchr_iter(b'\n', &bytes[..last]).map(|at| at + 1);
        places.extend(ends);
        places.push(bytes.len() / 2);
        if self.damage == Damage::AnyByte {
            places.push(0);
        }
        places.dedup();
        let options = u32::try_from(places.len()).expect("a write has few lines");
        match places[self.oracle.choose(options, "where it is cut") as usize] {
            0 => {
                let bytes = u32::try_from(last).expect("writes are short");
                1 + self.oracle.choose(bytes, "after which byte it is cut") as usize
            }
            place => place,
        }
    }
}
