//! What can be wrong with a configuration. Every text that a user can meet is here.

use std::path::Path;
use std::sync::Arc;

use super::origin::Origin;
use super::started::Difference;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// A file that was named, or is there, cannot be read.
    #[error("{}: {reason}", file.display())]
    Unreadable {
        /// The file.
        file: Arc<Path>,
        /// Why.
        reason: String,
    },
    /// The TOML file is not TOML.
    #[error("{at}: {reason}")]
    Syntax {
        /// Where.
        at: Origin,
        /// What the parser says.
        reason: String,
    },
    /// A line of the `.env` file is not one.
    #[error(
        "{}:{line}: this is not a NAME=value line; a value with spaces, `$`, `#`, quotes or \
         backslashes goes in single quotes", file.display()
    )]
    DotEnvSyntax {
        /// The file.
        file: Arc<Path>,
        /// From 1.
        line: usize,
    },
    /// A variable is there twice in the `.env` file.
    #[error("{at} was set on line {first} already; keep one of the two")]
    SetTwice {
        /// The second time.
        at: Origin,
        /// The line of the first.
        first: usize,
    },
    /// A flag's `KEY=VALUE` is not one.
    #[error("{at}: `{text}` is not KEY=VALUE")]
    NotKeyValue {
        /// The flag.
        at: Origin,
        /// What it got.
        text: String,
    },
    /// A variable's bytes are not text.
    #[error("{at}: the value is not UTF-8 text")]
    NotUtf8 {
        /// The variable.
        at: Origin,
    },
    /// A key in the file that nothing reads.
    #[error("{at}: unknown key `{key}`{}", did_you_mean(nearest.as_deref()))]
    UnknownKey {
        /// Where.
        at: Origin,
        /// The whole dotted key.
        key: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// A key that cannot be in the file.
    #[error("{at}: `{key}` cannot be set in this file; use the flag --{flag}")]
    NotInFile {
        /// Where.
        at: Origin,
        /// The key.
        key: &'static str,
        /// What to use.
        flag: &'static str,
    },
    /// A variable with our prefix that nothing reads.
    #[error("{at} is not a variable of investbot{}", did_you_mean(nearest.as_deref()))]
    UnknownVariable {
        /// The variable.
        at: Origin,
        /// Its name.
        name: String,
        /// What was probably meant.
        nearest: Option<String>,
    },
    /// The TOML type is not the setting's.
    #[error("{}: found {found}, expected {expected}", at.naming(key))]
    WrongType {
        /// Where.
        at: Origin,
        /// The key.
        key: String,
        /// The type that was found.
        found: &'static str,
        /// The type that is right.
        expected: &'static str,
    },
    /// The value is out of the setting's range, or none of its kind.
    #[error("{}: `{text}` is not {expected}", at.naming(key))]
    BadValue {
        /// Where.
        at: Origin,
        /// The key.
        key: String,
        /// The value.
        text: String,
        /// What a value must be.
        expected: String,
    },
    /// Two values that contradict each other.
    #[error("{}: {reason}", at.naming(key))]
    Conflict {
        /// Where the one is.
        at: Origin,
        /// Its key.
        key: String,
        /// What is wrong.
        reason: String,
    },
    /// A run that goes on was started with something else.
    #[error("{at}: {difference}")]
    Differs {
        /// Where it is said now.
        at: Origin,
        /// What is different.
        difference: Box<Difference>,
    },
    /// A plugin's configuration has no such key.
    #[error("{at}: the plugin `{plugin}` has no configuration key `{key}`; {advice}")]
    UnknownPluginKey {
        /// Where.
        at: Origin,
        /// The plugin.
        plugin: String,
        /// The key.
        key: String,
        /// What was probably meant, or which keys it has.
        advice: String,
    },
    /// A plugin needs a key that nobody gave.
    #[error(
        "`exchange.config.{key}` is not set: the plugin `{plugin}` needs it ({help}); set it under \
         [exchange.config], in {variable} or with --set {key}=…"
    )]
    MissingPluginKey {
        /// The plugin.
        plugin: String,
        /// The key.
        key: String,
        /// The manifest's words for it.
        help: String,
        /// The variable that sets it.
        variable: String,
    },
    /// A plugin needs a secret that nobody gave.
    #[error(
        "{name} is not set: the plugin `{plugin}` needs it ({help}); set it in the environment or in \
         .env, or name a file that holds it in {name}_FILE{}", instead_of(found.as_deref())
    )]
    MissingSecret {
        /// The secret's variable.
        name: String,
        /// The plugin.
        plugin: String,
        /// The manifest's words for it.
        help: String,
        /// A variable that is set and has nearly this name.
        found: Option<String>,
    },
    /// The file that a secret is in cannot be used.
    #[error("{at}: {}: {reason}", file.display())]
    SecretFile {
        /// The variable that names it.
        at: Origin,
        /// The file.
        file: Arc<Path>,
        /// Why.
        reason: String,
    },
    /// The manifest contradicts itself, or needs a newer host.
    #[error("the manifest of the plugin `{plugin}` cannot be used: {reason}")]
    Manifest {
        /// The plugin.
        plugin: String,
        /// What is wrong.
        reason: String,
    },
    /// Real money was not asked for twice.
    #[error("the plugin `{plugin}` trades with real money: {missing}")]
    RealMoney {
        /// The plugin.
        plugin: String,
        /// What to add.
        missing: &'static str,
    },
    /// Bars are history; a real venue cannot be shown them.
    #[error(
        "the plugin `{plugin}` is not a simulated venue, and a strategy on bars of the past can only \
         trade on one: choose another --exchange, or send orders with --intents"
    )]
    NotSimulated {
        /// The plugin.
        plugin: String,
    },
    /// More in flight than the plugin takes.
    #[error("{}: {wanted} is more than the plugin `{plugin}` takes at once, which is {max}", at.naming("worker.max_in_flight"))]
    TooManyInFlight {
        /// Where.
        at: Origin,
        /// The plugin.
        plugin: String,
        /// What is configured.
        wanted: u32,
        /// What the manifest says.
        max: u32,
    },
}

impl Problem {
    /// Where it is written, if it is written anywhere.
    const fn origin(&self) -> Option<&Origin> {
        match self {
            Self::Syntax { at, .. }
            | Self::SetTwice { at, .. }
            | Self::NotKeyValue { at, .. }
            | Self::NotUtf8 { at }
            | Self::UnknownKey { at, .. }
            | Self::NotInFile { at, .. }
            | Self::UnknownVariable { at, .. }
            | Self::WrongType { at, .. }
            | Self::BadValue { at, .. }
            | Self::Conflict { at, .. }
            | Self::Differs { at, .. }
            | Self::UnknownPluginKey { at, .. }
            | Self::SecretFile { at, .. }
            | Self::TooManyInFlight { at, .. } => Some(at),
            Self::Unreadable { .. }
            | Self::DotEnvSyntax { .. }
            | Self::MissingPluginKey { .. }
            | Self::MissingSecret { .. }
            | Self::Manifest { .. }
            | Self::RealMoney { .. }
            | Self::NotSimulated { .. } => None,
        }
    }

    /// The order in which problems are shown: layer by layer, within a file by line and column, and
    /// what is missing at the end.
    pub(super) fn place(&self) -> (u8, usize, usize) {
        match (self, self.origin()) {
            (Self::Unreadable { .. }, _) => (0, 0, 0),
            (Self::DotEnvSyntax { line, .. }, _) => (3, *line, 0),
            (_, Some(Origin::Flag(_))) => (1, 0, 0),
            (_, Some(Origin::Env(_))) => (2, 0, 0),
            (_, Some(Origin::DotEnv { line, .. })) => (3, *line, 0),
            (_, Some(Origin::File { line, column, .. })) => (4, *line, *column),
            (_, Some(Origin::Started { .. } | Origin::Default) | None) => (5, 0, 0),
        }
    }

    pub(super) const fn is_difference(&self) -> bool {
        matches!(self, Self::Differs { .. })
    }

    /// The line of the TOML file, if it is there.
    pub(super) const fn line(&self) -> Option<usize> {
        match self.origin() {
            Some(Origin::File { line, .. }) => Some(*line),
            _ => None,
        }
    }
}

/// Text from outside, made fit for one line of a message.
pub(super) fn excerpt(text: &str) -> String {
    shorten(text, 80)
}

/// A sentence of somebody else's, made fit for a message.
pub(super) fn sentence(text: &str) -> String {
    shorten(text, 240)
}

fn shorten(text: &str, longest: usize) -> String {
    let mut short: String = text
        .chars()
        .take(longest)
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect();
    if text.chars().nth(longest).is_some() {
        short.push('…');
    }
    short
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn instead_of(found: Option<&str>) -> String {
    found.map_or_else(String::new, |name| {
        format!("; {name} is set: is that a slip of the pen?")
    })
}
