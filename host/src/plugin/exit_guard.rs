//! A plugin of this process that calls `exit` must not look like a run that went well.
//!
//! `exit` runs the destructors of the thread that calls it, and only then ends the process. So a thread notes that it is
//! in foreign code, and a destructor that finds the note says what happened and aborts.

use std::cell::Cell;
use std::io::Write as _;

thread_local! {
    static IN_PLUGIN: Note = const { Note(Cell::new(None)) };
}

/// The call that this thread is in.
struct Note(Cell<Option<&'static str>>);

impl Drop for Note {
    fn drop(&mut self) {
        let Some(call) = self.0.take() else {
            return;
        };
        // The log may be gone by now.
        let _ = writeln!(
            std::io::stderr(),
            "error: the plugin ended the process from inside `{call}`\n  \
             hint: nothing is lost that a kill would not lose: resume the run (--resume DIR); --isolate keeps a plugin from \
             ending its host"
        );
        std::process::abort();
    }
}

/// Runs foreign code.
pub(super) fn in_plugin<T>(call: &'static str, code: impl FnOnce() -> T) -> T {
    let note = |call| {
        // A thread that is ending has no note any more.
        let _ = IN_PLUGIN.try_with(|note| note.0.set(call));
    };
    note(Some(call));
    let result = code();
    note(None);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process that exits does with it, the misbehaving plugins show.
    #[test]
    fn a_thread_that_came_back_ends_in_peace() {
        let thread = std::thread::spawn(|| in_plugin("place", || 7));
        assert_eq!(thread.join().expect("it ends"), 7);
    }
}
