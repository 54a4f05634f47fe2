//! The way through the whole tree of choices, depth first, alone or in shares.

use super::Fork;

/// Which part of the tree a worker walks. All shares together are the whole tree, and no two of them have
/// a schedule in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Which worker, from 0.
    pub worker: u32,
    /// How many there are.
    pub of: u32,
}

impl Share {
    /// One worker walks the whole tree.
    pub const WHOLE: Self = Self { worker: 0, of: 1 };
}

/// Where a worker is.
///
/// A tree of crashes and faults is lopsided: the branch where nothing has gone wrong yet holds most of
/// it. So the tree is not split where it forks first but by the first [`SPLIT`] choices that are not
/// harmless, wherever they are: that makes many subtrees of every size, and they are dealt out in turn.
/// The few schedules with fewer such choices show where the subtrees begin; every worker runs them, and
/// they count for one of them.
#[derive(Debug)]
pub(super) struct Walk {
    share: Share,
    /// How many parts were dealt out.
    dealt: u32,
    mine: bool,
}

/// How many choices that are not harmless name a subtree.
const SPLIT: usize = 2;

impl Walk {
    pub(super) const fn new(share: Share) -> Self {
        assert!(share.worker < share.of, "there are fewer workers");
        Self {
            share,
            dealt: 0,
            mine: share.worker == 0,
        }
    }

    pub(super) const fn is_mine(&self) -> bool {
        self.mine
    }

    /// Moves the path on to the next schedule that this worker has to run; false after the last.
    pub(super) fn advance(&mut self, path: &mut Vec<Fork>) -> bool {
        loop {
            while path.pop_if(|last| last.chosen + 1 == last.of).is_some() {}
            let Some(last) = path.last_mut() else {
                return false;
            };
            last.chosen += 1;
            last.name = "";
            let strays = path.iter().filter(|fork| fork.chosen != 0).count();
            if strays > SPLIT {
                // Within a subtree that is ours, for others are not entered.
                return true;
            }
            self.dealt = (self.dealt + 1) % self.share.of;
            self.mine = self.dealt == self.share.worker;
            if self.mine || strays < SPLIT {
                return true;
            }
        }
    }
}
