//! `investbot plugin new`.

mod api;
mod files;
mod name;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::terminal::fail;
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};

use api::{Api, ApiError};
use files::{File, library};
use name::{Name, NameError};

/// The text above the arguments in the long help.
pub(super) const ABOUT: &str = "\
Writes the crate of a new plugin: a simulated venue that builds, passes `investbot plugin check` and trades as it is, to \
be changed into yours. Nothing that is there is overwritten.

The crate depends on investbot-plugin-api alone: on the one in --api, on that of the checkout in which this program was \
built, or else on the one of the registry.";

/// The text below the arguments in the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  investbot plugin new my-venue                          in ./my-venue
  investbot plugin new my-venue --api ../investbot/plugin-api";

/// What is made.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct NewArgs {
    /// The plugin's id, and the name of its crate and directory: lower case letters, digits, dashes
    #[arg(value_name = "NAME")]
    name: String,
    /// The directory of the crate investbot-plugin-api
    #[arg(long, value_name = "DIR")]
    api: Option<PathBuf>,
}

/// Makes the crate of a plugin.
pub(super) fn run(args: &NewArgs) -> ExitCode {
    let made = Name::new(&args.name)
        .map_err(NewError::Name)
        .and_then(|name| make(name, args.api.as_deref()));
    let told = match made {
        Ok(made) => tell(&made),
        Err(error) => return fail(&error, error.exit_code()),
    };
    match told {
        Ok(()) => ExitCode::Ok,
        Err(error) => fail(error, ExitCode::Unexpected),
    }
}

/// A crate that was made.
struct Made {
    name: Name,
    api: Api,
    files: Vec<File>,
}

fn make(name: Name, api: Option<&Path>) -> Result<Made, NewError> {
    let dir = Path::new(name.as_str());
    if dir.symlink_metadata().is_ok() {
        return Err(NewError::Exists { name });
    }
    let api = match api {
        Some(dir) => Api::at(dir).map_err(NewError::Api)?,
        None => Api::around_this_program(),
    };
    let files = files::of(&name, &api);
    write(dir, &files).map_err(|error| NewError::Write {
        name: name.clone(),
        error,
    })?;
    Ok(Made { name, api, files })
}

/// Writes everything beside its place and moves it there: what fails half way leaves nothing behind. A rename puts no
/// directory in the place of a file, nor of a directory that has something in it.
fn write(dir: &Path, files: &[File]) -> io::Result<()> {
    let prefix = format!(".{}-", dir.display());
    let mut builder = tempfile::Builder::new();
    builder.prefix(&prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As for any directory, less what the umask takes away; the default is for secrets.
        builder.permissions(std::fs::Permissions::from_mode(0o777));
    }
    let aside = builder.tempdir_in(".")?;
    for file in files {
        let path = aside.path().join(file.path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, &file.text)?;
    }
    std::fs::rename(aside.path(), dir)?;
    // It is not there any more: there is nothing to remove.
    let _ = aside.keep();
    Ok(())
}

fn tell(made: &Made) -> Result<(), OutputError> {
    let Made { name, api, files } = made;
    let mut out = Output::stdout();
    out.line(&format!("made {name}, with the plugin API {api}"))?;
    for File { path, about, .. } in files {
        out.line(&format!("  {path:<26}{about}"))?;
    }
    out.line("\nnext:")?;
    let library = library(name);
    for command in [
        format!("cd {name}"),
        "cargo build".to_owned(),
        format!("investbot plugin check ./target/debug/{library}"),
        format!("investbot run --exchange ./target/debug/{library}"),
    ] {
        out.line(&format!("  {command}"))?;
    }
    out.flush()
}

/// Why there is no new crate.
#[derive(Debug)]
enum NewError {
    Name(NameError),
    Exists { name: Name },
    Api(ApiError),
    Write { name: Name, error: io::Error },
}

impl NewError {
    const fn exit_code(&self) -> ExitCode {
        match self {
            Self::Name(_) => ExitCode::Usage,
            Self::Exists { .. } | Self::Api(_) => ExitCode::ConfigOrData,
            Self::Write { .. } => ExitCode::Unexpected,
        }
    }
}

impl fmt::Display for NewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(error) => error.fmt(f),
            Self::Api(error) => error.fmt(f),
            Self::Exists { name } => write!(
                f,
                "./{name} is there already, and nothing is overwritten\n  hint: choose another name, move it away, or \
                 work in another directory"
            ),
            Self::Write { name, error } => write!(
                f,
                "./{name} cannot be made: {error}\n  hint: work in a directory in which you may write, on a disk with room"
            ),
        }
    }
}
