//! Starting a program, and what is said if that does not go.

use std::io::{self, ErrorKind as Io};
use std::process::{Child, Command, Stdio};

use investbot_plugin_api::*;

use crate::settings::Settings;

/// The variables that every program gets, where they are set: what finds programs and files, and says how text and time
/// are written. Nothing else, because the host's environment has the secrets of other plugins.
const GIVEN: [&str; 10] = [
    "PATH",
    "HOME",
    "USER",
    "TMPDIR",
    "LANG",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "SYSTEMROOT",
    "TEMP",
];

/// Starts it, with its three streams as pipes.
pub(crate) fn start(settings: &Settings) -> Result<Child, AdapterError> {
    let mut command = Command::new(&settings.program);
    command
        .args(&settings.args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env_clear();
    let more = settings.environment.iter().map(String::as_str);
    for name in GIVEN.into_iter().chain(more) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // A group of its own: Ctrl-C at the terminal is for the host, which ends the session in order, and what the
        // program started itself can be ended with it.
        command.process_group(0);
    }
    command.spawn().map_err(|error| failed(settings, &error))
}

fn failed(settings: &Settings, error: &io::Error) -> AdapterError {
    let program = &settings.program;
    let is_path = program.contains(std::path::is_separator);
    let why = match error.kind() {
        Io::NotFound if !is_path => {
            format!(
                "there is none in PATH; a file is named by a path with a /, such as ./{program}"
            )
        }
        Io::NotFound if std::path::Path::new(program).exists() => {
            "the file is there, but not the interpreter that its first line names".to_owned()
        }
        Io::NotFound => {
            "there is no such file; a relative path begins in the directory in which investbot runs"
                .to_owned()
        }
        Io::PermissionDenied if is_executable(program) => {
            "this process is kept from it: name it in exchange.isolation_read if the plugin is isolated, with what it \
             needs to run"
                .to_owned()
        }
        Io::PermissionDenied => format!(
            "it may not be run; chmod +x {program}, or name its interpreter as the program and the file in args"
        ),
        _ if error.raw_os_error() == Some(NO_EXEC) => format!(
            "it is no program; begin it with a line such as #!/usr/bin/env python3, or name its interpreter as the \
             program and {program} in args"
        ),
        _ => error.to_string(),
    };
    let text = format!("the program `{program}` cannot be started: {why}");
    AdapterError::not_sent(ErrorKind::Config, text)
}

/// ENOEXEC, which std has no name for.
const NO_EXEC: i32 = 8;

/// Whether its owner may run the file; who is kept from running it may still look.
fn is_executable(program: &str) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let metadata = std::fs::metadata(program);
        metadata.is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o100 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = program;
        false
    }
}
