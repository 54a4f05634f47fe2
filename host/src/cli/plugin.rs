//! `investbot plugin`: which plugins there are, what one says about itself, and which may be loaded.

mod check;
mod info;
mod list;
mod new;
mod pin;
mod wrap;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::settings::{configure, plugin_dirs};
use crate::config::{FlagValue, RuntimeConfig};
use crate::exit::ExitCode;

/// The text above the arguments in the long help.
pub(super) const ABOUT: &str = "\
Begins, shows, tests and pins exchange adapters. But for the tests none of a plugin's code runs: everything is read \
out of its file.";

/// The text below the arguments in the long help.
pub(super) const EXAMPLES: &str = "\
Examples:
  investbot plugin new my-venue           the crate of a plugin of your own
  investbot plugin list                   every plugin that a name would find, and the file
  investbot plugin info paper             what it can do, how it is configured, which secrets it needs
  investbot plugin info ./libmine.so      the same of a file
  investbot plugin check ./libmine.so     whether it does what the contract asks and what it claims
  investbot plugin wrap plugin.toml --program ./venue.py
                                          makes a plugin of a program in any language
  investbot plugin pin paper              notes its digest in plugins.lock; another file is refused from then on
  investbot plugin pin mine --result r.json
                                          notes what `plugin check mine --result r.json` came to as well
  investbot plugin list --json            one line a plugin, for scripts";

/// What to do with plugins.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub(super) struct PluginArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
enum Command {
    /// Writes the crate of a new plugin, which builds, passes the check and trades
    #[command(after_long_help = new::EXAMPLES, long_about = new::ABOUT)]
    New(new::NewArgs),
    /// Lists the plugins in the directories that are searched
    List(Common),
    /// Tells all that a plugin says about itself
    Info {
        /// A plugin's name, or the path of its library
        #[arg(value_name = "NAME|PATH")]
        plugin: String,
        #[command(flatten)]
        common: Common,
    },
    /// Tests whether a plugin does what the contract asks and what it claims
    #[command(after_long_help = check::EXAMPLES, long_about = check::ABOUT)]
    Check(Box<check::CheckArgs>),
    /// Makes a plugin of a program in any language: its own name, claims, secrets and settings
    #[command(after_long_help = wrap::EXAMPLES, long_about = wrap::ABOUT)]
    Wrap(wrap::WrapArgs),
    /// Notes the digest of a plugin's file: from then on no other file is loaded in its place
    Pin {
        /// A plugin's name, or the path of its library
        #[arg(value_name = "NAME|PATH")]
        plugin: String,
        /// Notes what a whole check of the file came to: a real venue's claims are believed once they have passed
        #[arg(long, value_name = "FILE")]
        result: Option<PathBuf>,
        #[command(flatten)]
        common: Common,
    },
    /// Takes a pin back
    Unpin {
        /// The plugin's id
        #[arg(value_name = "ID")]
        id: String,
        #[command(flatten)]
        common: Common,
    },
}

/// What all take.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
struct Common {
    /// A directory that is searched for plugins before all others
    #[arg(long, value_name = "DIR")]
    plugin_dir: Vec<String>,
    /// Writes JSON to standard output, one object a line
    #[arg(long)]
    json: bool,
}

impl Common {
    fn configure(&self) -> RuntimeConfig {
        self.configure_with(Vec::new())
    }

    fn configure_with(&self, mut flags: Vec<FlagValue>) -> RuntimeConfig {
        flags.extend(plugin_dirs(self.plugin_dir.clone()));
        configure(flags, None)
    }
}

/// Does it.
pub(super) fn run(args: PluginArgs) -> ExitCode {
    match args.command {
        Command::New(args) => new::run(&args),
        Command::List(common) => list::run(&common),
        Command::Info { plugin, common } => info::run(&plugin, &common),
        Command::Check(args) => check::run(&args),
        Command::Wrap(args) => wrap::run(&args),
        Command::Pin {
            plugin,
            result,
            common,
        } => pin::pin(&plugin, result.as_deref(), &common),
        Command::Unpin { id, common } => pin::unpin(&id, &common),
    }
}

/// The format of all, in JSON.
const FORMAT: &str = "investbot.plugin";
