//! SIGINT and SIGTERM: the first asks for a clean stop, a second ends the process at once. A limit is an
//! error of the call that meets it, and no end of the process.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::exit::ExitCode;

/// Whether somebody asked the run to stop.
#[derive(Clone, Debug, Default)]
pub struct StopFlag {
    signal: Arc<AtomicUsize>,
}

/// Lets a file that may grow no more fail the write, so that what is under way can still be settled, rather
/// than end the process by SIGXFSZ.
pub fn outlive_file_limits() -> io::Result<()> {
    // A handler that nobody listens to; unlike a signal that is ignored it is not passed on to children.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    Ok(())
}

impl StopFlag {
    /// A flag that the system's signals raise. A second signal, the same or the other, ends the process
    /// with its exit code: nothing is lost by it that a kill would not lose.
    pub fn from_signals() -> io::Result<Self> {
        use signal_hook::consts::{SIGINT, SIGTERM};

        let flag = Self::default();
        let raised = Arc::new(AtomicBool::new(false));
        for (signal, code) in [
            (SIGINT, ExitCode::Interrupted),
            (SIGTERM, ExitCode::Terminated),
        ] {
            // The order matters: the shutdown looks at the flag before the next handler raises it.
            signal_hook::flag::register_conditional_shutdown(signal, code as i32, raised.clone())?;
            signal_hook::flag::register(signal, raised.clone())?;
            signal_hook::flag::register_usize(signal, flag.signal.clone(), code as usize)?;
        }
        Ok(flag)
    }

    /// Asks for a stop as SIGINT would.
    pub fn raise(&self) {
        self.signal
            .store(ExitCode::Interrupted as usize, Ordering::Release);
    }

    /// Whether a stop was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.signal.load(Ordering::Acquire) != 0
    }

    /// The exit code that the stop asks for.
    #[must_use]
    pub fn exit_code(&self) -> Option<ExitCode> {
        match self.signal.load(Ordering::Acquire) {
            0 => None,
            code if code == ExitCode::Terminated as usize => Some(ExitCode::Terminated),
            _ => Some(ExitCode::Interrupted),
        }
    }
}
