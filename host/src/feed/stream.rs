//! Bars from a thread that reads ahead.

use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use investbot_plugin_api::Bar;

use super::error::DataError;
use super::reader::BarReader;

/// How many bars a batch has.
const BATCH: usize = 4_096;

/// How many batches are read ahead.
const AHEAD: usize = 4;

type Batch = Result<Vec<Bar>, DataError>;

/// Batches of bars, in order, read by a thread of its own. Dropping it ends the thread.
#[derive(Debug)]
pub struct BarStream {
    name: Arc<str>,
    full: Receiver<Batch>,
    empty: Sender<Vec<Bar>>,
    current: Vec<Bar>,
    reader: JoinHandle<BarReader>,
}

impl BarStream {
    /// Starts reading.
    ///
    /// # Errors
    ///
    /// [`DataError::Thread`] if the system gives no thread.
    pub fn spawn(mut reader: BarReader) -> Result<Self, DataError> {
        let name: Arc<str> = reader.name().into();
        let (to_user, full) = bounded(AHEAD);
        // Never full: there are at most `AHEAD` batches on their way, one here and one there.
        let (empty, used) = bounded(AHEAD + 2);
        let reader = std::thread::Builder::new()
            .name("bar-reader".to_owned())
            .spawn(move || {
                read_ahead(&mut reader, &to_user, &used);
                reader
            })
            .map_err(|cause| DataError::Thread {
                source_name: Arc::clone(&name),
                cause: cause.to_string(),
            })?;
        Ok(Self {
            name,
            full,
            empty,
            current: Vec::new(),
            reader,
        })
    }

    /// The next bars, never none; `None` at the end and after an error.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator cannot lend its batches, and so could not reuse them"
    )]
    pub fn next(&mut self) -> Option<Result<&[Bar], DataError>> {
        match self.full.recv().ok()? {
            Ok(batch) => {
                let used = std::mem::replace(&mut self.current, batch);
                // A batch that the reader does not want back is simply freed.
                let _ = self.empty.try_send(used);
                Some(Ok(&self.current))
            }
            Err(error) => Some(Err(error)),
        }
    }

    /// The bars that [`next`](Self::next) gave last; none before.
    #[must_use]
    pub fn current(&self) -> &[Bar] {
        &self.current
    }

    /// Stops reading; the reader, for its statistics and, if all was read, its digest.
    ///
    /// # Errors
    ///
    /// [`DataError::Thread`] if the reading thread panicked.
    pub fn finish(self) -> Result<BarReader, DataError> {
        drop(self.full);
        self.reader.join().map_err(|_| DataError::Thread {
            source_name: self.name,
            cause: "it panicked".to_owned(),
        })
    }
}

fn read_ahead(reader: &mut BarReader, to_user: &Sender<Batch>, used: &Receiver<Vec<Bar>>) {
    loop {
        let mut batch = used.try_recv().unwrap_or_default();
        batch.clear();
        batch.reserve(BATCH);
        let result = match reader.next_batch(&mut batch, BATCH) {
            Ok(0) => return,
            Ok(_) => Ok(batch),
            Err(error) => Err(error),
        };
        // An error when nobody listens any more.
        if to_user.send(result).is_err() {
            return;
        }
    }
}
