//! `investbot plugin wrap`.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Common, FORMAT};
use crate::cli::terminal::fail;
use crate::config::PROGRAM_PLUGIN;
use crate::exec::search_path;
use crate::exit::ExitCode;
use crate::observe::output::{Output, OutputError};
use crate::plugin::About;
use crate::plugin::wrap::{Wrap, WrapError, wrap};

/// The text above the arguments in the long help.
pub(super) const ABOUT: &str = "\
Makes a plugin of a program that speaks the protocol of docs/EXEC_PROTOCOL.md: a copy of the library that runs programs, \
with your manifest in it. It has its own id, digest and pin, and the capabilities, secrets and configuration keys of your \
plugin.toml. No compiler is needed.

The keys that say how the program is run (args, restarts, …) are added where your manifest leaves them out.";

/// The text below the arguments in the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  investbot plugin wrap plugin.toml --program ./venue.py     writes ./libMYVENUE.so, named after its id
  investbot plugin wrap plugin.toml --out plugins/libmyvenue.so
  investbot plugin check ./libmyvenue.so                     then: whether its claims are true";

/// What is made of what.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct WrapArgs {
    /// The manifest, as an author in Rust writes it
    #[arg(value_name = "PLUGIN.toml")]
    manifest: PathBuf,
    /// The program, unless the manifest names it as the default of config.program: a path, or a name in PATH
    #[arg(long, value_name = "PATH")]
    program: Option<String>,
    /// The file to write [default: ./lib<ID>.so, or as such files are named here]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The plugin that runs the program
    #[arg(long, value_name = "NAME|PATH", default_value = PROGRAM_PLUGIN)]
    exec: String,
    #[command(flatten)]
    common: Common,
}

/// Makes the plugin.
pub(super) fn run(args: &WrapArgs) -> ExitCode {
    let config = args.common.configure();
    let asked = Wrap {
        base: &args.exec,
        manifest: &args.manifest,
        program: args.program.as_deref(),
        out: args.out.as_deref(),
    };
    match wrap(&asked, &search_path(&config)) {
        Ok((file, about)) => match tell(args, &file.display().to_string(), &about) {
            Ok(()) => ExitCode::Ok,
            Err(error) => fail(error, ExitCode::Unexpected),
        },
        Err(error) => {
            let code = code(&error);
            fail(error, code)
        }
    }
}

const fn code(error: &WrapError) -> ExitCode {
    match error {
        WrapError::Base(_) | WrapError::NotReplaceable(_) => ExitCode::PluginRefused,
        WrapError::Unwritable { .. } => ExitCode::Unexpected,
        _ => ExitCode::ConfigOrData,
    }
}

fn tell(args: &WrapArgs, file: &str, about: &About) -> Result<(), OutputError> {
    let mut out = Output::stdout();
    let info = &about.manifest.plugin;
    let class = about.manifest.capabilities.class().as_str();
    if args.common.json {
        let line = Line {
            kind: "wrapped",
            file,
            id: &info.id,
            version: &info.version,
            sha256: &about.sha256,
            class,
        };
        out.header_of(FORMAT)?;
        out.line(&serde_json::to_string(&line).expect("strings are JSON"))?;
    } else {
        let (id, version, sha256) = (&info.id, &info.version, &about.sha256);
        out.line(&format!(
            "{id} {version} {sha256}: written to {file}; class {class}, if its claims are true"
        ))?;
        out.line(&format!("  next: investbot plugin check {file}"))?;
    }
    out.flush()
}

/// What was made, as a line of JSON.
#[derive(Serialize)]
struct Line<'a> {
    kind: &'static str,
    file: &'a str,
    id: &'a str,
    version: &'a str,
    sha256: &'a str,
    class: &'static str,
}
