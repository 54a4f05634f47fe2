//! Exit codes: a documented public type, so that scripts can act on them.

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// Everything was done.
    Ok = 0,
    /// Something nobody expected, such as a full disk.
    Unexpected = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The configuration or the data cannot be used.
    ConfigOrData = 3,
    /// The plugin was refused or would not open.
    PluginRefused = 4,
    /// Finished, with orders in doubt or held.
    InDoubt = 5,
    /// Halted by a risk limit or the kill switch.
    Halted = 6,
    /// The run directory is locked, taken or of another mode.
    RunDir = 7,
    /// A verification found a difference.
    Mismatch = 8,
    /// A clean stop after SIGINT.
    Interrupted = 130,
    /// A clean stop after SIGTERM.
    Terminated = 143,
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}
