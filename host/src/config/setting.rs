//! What a setting is: its names in every layer, its type, its default and its help.

use std::fmt;

/// One line of the table of settings.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The dotted key: its path in the TOML file and its name in messages.
    pub key: &'static str,
    /// The flag of `run`, without the dashes.
    pub flag: Option<&'static str>,
    /// The environment variable; for [`Kind::Table`] the prefix of its variables.
    pub env: Option<&'static str>,
    /// Whether the TOML file may hold it.
    pub in_file: bool,
    /// Its type and range.
    pub kind: Kind,
    /// Its value if nobody gives one.
    pub default: Option<&'static str>,
    /// One line for a person; starts with a capital, has no full stop.
    pub help: &'static str,
    /// Whether a run's result may depend on it, so that it belongs to the run's canonical text.
    pub shapes_result: bool,
}

impl Setting {
    /// A setting without flag and without default.
    #[must_use]
    pub const fn new(key: &'static str, env: &'static str, kind: Kind, help: &'static str) -> Self {
        Self {
            key,
            flag: None,
            env: Some(env),
            in_file: true,
            kind,
            default: None,
            help,
            shapes_result: true,
        }
    }

    /// With a flag.
    #[must_use]
    pub const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    /// With a default.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    /// Does not change what a run does, only where it is found and how it is shown.
    #[must_use]
    pub const fn presentation(mut self) -> Self {
        self.shapes_result = false;
        self
    }

    /// Says where the file is, so the file cannot hold it.
    #[must_use]
    pub const fn not_in_file(mut self) -> Self {
        self.in_file = false;
        self
    }

    /// Says where the variables are, so no variable can hold it.
    #[must_use]
    pub const fn flag_only(mut self) -> Self {
        self.env = None;
        self.in_file = false;
        self
    }
}

/// The type of a setting and the values it may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text but an empty one.
    Text,
    /// A name that is safe in file names and client order ids.
    Id,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A log level or a list of filter directives.
    LogFilter,
    /// A path; relative ones start at the current directory.
    Path,
    /// Several directories.
    Paths,
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Whole {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// An exact decimal above 0.
    Decimal {
        /// The greatest.
        max: u64,
    },
    /// A length of time such as `30m`.
    Interval,
    /// A moment or a date.
    Time,
    /// A digest.
    Sha256,
    /// Free keys below this one, which somebody else checks.
    Table,
}

impl Kind {
    /// The placeholder in help texts.
    #[must_use]
    pub const fn value_name(self) -> &'static str {
        match self {
            Self::Text | Self::Id => "NAME",
            Self::Word(_) => "WORD",
            Self::LogFilter => "LEVEL",
            Self::Path => "PATH",
            Self::Paths => "DIR",
            Self::Switch => "BOOL",
            Self::Whole { .. } => "N",
            Self::Decimal { .. } => "DECIMAL",
            Self::Interval => "INTERVAL",
            Self::Time => "TIME",
            Self::Sha256 => "HEX",
            Self::Table => "KEY=VALUE",
        }
    }

    /// The type that the TOML file must use.
    #[must_use]
    pub const fn toml_type(self) -> &'static str {
        match self {
            Self::Switch => "boolean",
            Self::Whole { .. } => "integer",
            Self::Decimal { .. } => "string, integer or float",
            Self::Time => "string or datetime",
            Self::Paths => "array of strings",
            Self::Table => "table",
            Self::Text
            | Self::Id
            | Self::Word(_)
            | Self::LogFilter
            | Self::Path
            | Self::Interval
            | Self::Sha256 => "string",
        }
    }
}

/// What a value must be: the end of the sentence "… is not".
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text on one line"),
            Self::Id => f.write_str("1 to 64 letters, digits, `.`, `_` or `-`"),
            Self::Word(words) => write!(f, "one of: {}", words.join(", ")),
            Self::LogFilter => f.write_str(
                "a level (off, error, warn, info, debug, trace) or a filter such as \
                 `warn,investbot=debug`",
            ),
            Self::Path => f.write_str("a path"),
            Self::Paths => f.write_str("a list of directories"),
            Self::Switch => f.write_str("true or false"),
            Self::Whole { min, max } => write!(f, "a whole number from {min} to {max}"),
            Self::Decimal { max } => {
                write!(f, "a plain decimal number above 0 and at most {max}")
            }
            Self::Interval => {
                f.write_str("an interval of at most 366d such as 30s, 30m, 1h, 1d or 1w")
            }
            Self::Time => f.write_str("a time such as 2024-01-31T00:00:00Z or a date"),
            Self::Sha256 => f.write_str("64 hexadecimal digits"),
            Self::Table => f.write_str("a table"),
        }
    }
}
