//! How a process ended, in words.

use std::process::ExitStatus;

#[cfg(unix)]
pub(super) fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(not(unix))]
pub(super) fn how(status: ExitStatus) -> String {
    status.to_string()
}
