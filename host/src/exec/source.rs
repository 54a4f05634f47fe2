//! Where work comes from: bars, intents, or both merged by time.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use investbot_plugin_api::{Bar, UnixNanos};

use super::replay::Bars;
use super::session::SessionError;
use crate::feed::{BarStream, DataError, IntentError, IntentLine, IntentReader};
use crate::observe::result::BarsRead;

/// The next thing to do.
#[derive(Debug)]
pub enum Item {
    /// A bar closed.
    Bar(Bar),
    /// Somebody wants something.
    Intent(Box<IntentLine>),
    /// Nothing has come yet.
    Nothing,
    /// Nothing will come any more.
    End,
}

/// Bars and intents in the order in which they take effect.
///
/// An intent with a time comes after the bars that closed by then and before the others. An intent
/// without one comes as soon as it is read.
#[derive(Default)]
pub struct Source {
    /// What comes before everything else.
    listed: VecDeque<Item>,
    bars: Option<BarSource>,
    intents: Option<Intents>,
}

impl Source {
    /// Bars within `window`, intents, or both.
    #[must_use]
    pub fn new(bars: Option<BarStream>, window: Window, intents: Option<Intents>) -> Self {
        let bars = bars.map(|stream| BarSource {
            stream,
            window,
            at: 0,
        });
        Self {
            listed: VecDeque::new(),
            bars,
            intents,
        }
    }

    /// Just these items: for runs whose source is no file.
    #[must_use]
    pub fn listed(items: impl IntoIterator<Item = Item>) -> Self {
        Self {
            listed: items.into_iter().collect(),
            ..Self::default()
        }
    }

    /// The next item, after waiting at most `patience` for an intent.
    pub fn next(&mut self, patience: Duration) -> Result<Item, SessionError> {
        if let Some(item) = self.listed.pop_front() {
            return Ok(item);
        }
        let Some(intents) = &mut self.intents else {
            return self.next_bar();
        };
        match intents.peek(patience)? {
            Peeked::Nothing => Ok(Item::Nothing),
            Peeked::End => {
                self.intents = None;
                self.next_bar()
            }
            Peeked::Intent(time) => {
                if let (Some(time), Some(bars)) = (time, &mut self.bars)
                    && let Some(bar) = bars.peek()?
                    && bar.close_time <= time
                {
                    return self.next_bar();
                }
                Ok(intents
                    .take()
                    .map_or(Item::Nothing, |line| Item::Intent(Box::new(line))))
            }
        }
    }

    fn next_bar(&mut self) -> Result<Item, SessionError> {
        let next = Bars::next(self)?;
        Ok(next.map_or(Item::End, Item::Bar))
    }

    /// Takes up a stream of intents.
    pub fn listen_to(&mut self, intents: Intents) {
        self.intents = Some(intents);
    }

    /// Stops reading, and tells what the bars were.
    pub fn finish(self) -> Result<Option<BarsRead>, DataError> {
        let Some(bars) = self.bars else {
            return Ok(None);
        };
        let reader = bars.stream.finish()?;
        Ok(Some(BarsRead {
            source: reader.name().to_owned(),
            interval: reader.interval(),
            stats: *reader.stats(),
            digest: reader.digest().map(str::to_owned),
        }))
    }
}

/// The bars once more, for a run that is read back.
impl Bars for Source {
    fn next(&mut self) -> Result<Option<Bar>, DataError> {
        let Some(bars) = &mut self.bars else {
            return Ok(None);
        };
        let next = bars.peek()?;
        bars.at += 1;
        Ok(next)
    }
}

/// Which bars count, by the time they open.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Not the ones before this.
    pub from: Option<UnixNanos>,
    /// Not the ones at or after this.
    pub to: Option<UnixNanos>,
}

struct BarSource {
    stream: BarStream,
    window: Window,
    /// The next bar's place in the stream's current batch.
    at: usize,
}

impl BarSource {
    fn peek(&mut self) -> Result<Option<Bar>, DataError> {
        loop {
            while let Some(bar) = self.stream.current().get(self.at) {
                if self.window.to.is_some_and(|to| bar.open_time >= to) {
                    return Ok(None);
                }
                if self.window.from.is_none_or(|from| bar.open_time >= from) {
                    return Ok(Some(*bar));
                }
                self.at += 1;
            }
            self.at = 0;
            match self.stream.next() {
                Some(batch) => batch?,
                None => return Ok(None),
            };
        }
    }
}

/// Intents, read by a thread of their own so that nobody waits for a pipe.
pub struct Intents {
    lines: Receiver<Result<IntentLine, IntentError>>,
    next: Option<IntentLine>,
}

enum Peeked {
    Intent(Option<UnixNanos>),
    Nothing,
    End,
}

impl Intents {
    /// How many lines may be read ahead.
    const READ_AHEAD: usize = 256;

    /// Reads intents from now on.
    pub fn spawn<R: Read + Send + 'static>(reader: IntentReader<R>) -> std::io::Result<Self> {
        let (send, lines) = bounded(Self::READ_AHEAD);
        std::thread::Builder::new()
            .name("intents".to_owned())
            .spawn(move || {
                for line in reader {
                    if send.send(line).is_err() {
                        break;
                    }
                }
            })?;
        Ok(Self { lines, next: None })
    }

    fn peek(&mut self, patience: Duration) -> Result<Peeked, IntentError> {
        if self.next.is_none() {
            match self.lines.recv_timeout(patience) {
                Ok(line) => self.next = Some(line?),
                Err(RecvTimeoutError::Timeout) => return Ok(Peeked::Nothing),
                Err(RecvTimeoutError::Disconnected) => return Ok(Peeked::End),
            }
        }
        Ok(self
            .next
            .as_ref()
            .map_or(Peeked::Nothing, |line| Peeked::Intent(line.time)))
    }

    fn take(&mut self) -> Option<IntentLine> {
        self.next.take()
    }
}
