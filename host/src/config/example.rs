//! `.env.example`, made from the table of settings.

use std::fmt::Write as _;

use super::setting::{Kind, Setting};
use super::table::{EXAMPLE_SECRETS, OTHER_VARIABLES, SETTINGS};

const HEAD: &str = "\
# Every variable of investbot. Copy this file to .env and take away the # before what you set.
#
# A flag wins over the environment, the environment over .env, .env over investbot.toml, and that over
# the default, which is shown here. An empty value counts as not set. A value with spaces, $, #, quotes
# or backslashes goes in single quotes.
";

const SECRETS: &str = "
# --- Secrets. Each plugin's manifest says which ones it needs; any variable NAME of a secret can be
# --- replaced by NAME_FILE, the path of a file that holds it. Keep .env out of version control.
";

/// The text of `.env.example`.
#[must_use]
pub fn env_example() -> String {
    let mut text = HEAD.to_owned();
    let mut heading = "";
    for setting in SETTINGS {
        let Some(env) = setting.env else { continue };
        if setting.heading() != heading {
            heading = setting.heading();
            let _ = writeln!(text, "\n# --- {heading}");
        }
        let _ = writeln!(text, "\n# {}", setting.help_line());
        let _ = match setting.kind {
            Kind::Table => writeln!(text, "#{env}<KEY>="),
            _ => writeln!(text, "#{env}={}", setting.default.unwrap_or_default()),
        };
    }
    text.push_str("\n# --- Tests\n");
    for (name, value, help) in OTHER_VARIABLES {
        let _ = writeln!(text, "\n# {help}\n#{name}={value}");
    }
    text.push_str(SECRETS);
    for (name, help) in EXAMPLE_SECRETS {
        let _ = writeln!(text, "\n# {help}\n#{name}=");
    }
    text
}

impl Setting {
    /// The group it is shown in.
    #[must_use]
    pub fn heading(&self) -> &'static str {
        match self.key.split('.').next().unwrap_or_default() {
            "exchange" | "plugin" => "Exchange",
            "bars" | "intents" | "strategy" => "Bars, intents and strategy",
            "risk" => "Risk limits",
            "worker" | "retry" | "store" => "Sending orders",
            "run" | "resume" | "live" => "Run",
            _ => "Output and configuration",
        }
    }

    /// The help with what the value must be, where its name does not tell.
    #[must_use]
    pub fn help_line(&self) -> String {
        match self.kind {
            Kind::Word(words) => format!("{} ({})", self.help, words.join(", ")),
            Kind::Whole { max: u64::MAX, .. } => self.help.to_owned(),
            Kind::Whole { min, max } => format!("{} ({min} to {max})", self.help),
            _ => self.help.to_owned(),
        }
    }
}
