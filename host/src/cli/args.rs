//! The flags of `run`, made from the table of settings: one flag for each setting that has one.
//!
//! Values stay text here. What they mean is the configuration's business, which tells all mistakes at
//! once, whether they are in a flag, a variable or a file.

use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::config::{FlagValue, Kind, SETTINGS, Setting};

/// The flags that were given. Add it to a command with `#[command(flatten)]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunArgs {
    /// In the order of the table.
    pub flags: Vec<FlagValue>,
}

impl RunArgs {
    /// The text of a flag that was given.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        let flag = self.flags.iter().find(|flag| flag.key == key)?;
        flag.texts.last().map(String::as_str)
    }
}

impl clap::FromArgMatches for RunArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = SETTINGS
            .iter()
            .filter(|setting| setting.flag.is_some())
            .filter_map(|setting| {
                let texts = matches.get_many::<String>(setting.key)?;
                Some(FlagValue {
                    key: setting.key,
                    texts: texts.cloned().collect(),
                })
            })
            .collect();
        Ok(Self { flags })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for RunArgs {
    fn augment_args(command: Command) -> Command {
        let args = SETTINGS
            .iter()
            .filter_map(|setting| Some(arg(setting, setting.flag?)));
        command.args(args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn arg(setting: &'static Setting, flag: &'static str) -> Arg {
    let arg = Arg::new(setting.key)
        .long(flag)
        .value_name(setting.kind.value_name())
        .help(help(setting))
        .help_heading(setting.heading());
    // A run is a new one or one that goes on.
    let arg = match setting.key {
        "resume" => arg.conflicts_with("run.dir"),
        _ => arg,
    };
    match setting.kind {
        Kind::Table | Kind::Paths => arg.action(ArgAction::Append),
        Kind::Switch => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("true"),
        Kind::Word(words) if setting.key == "exchange.isolation" => arg
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(words[0]),
        // A number below 0 gets its answer from the configuration, with the others.
        Kind::Whole { .. } | Kind::Decimal { .. } => arg.allow_negative_numbers(true),
        _ => arg,
    }
}

/// The help line, with the variable and the default.
fn help(setting: &Setting) -> String {
    let mut help = setting.help_line();
    if let Some(env) = setting.env {
        let key = if setting.kind == Kind::Table {
            "<KEY>"
        } else {
            ""
        };
        help.push_str(&format!(" [env: {env}{key}]"));
    }
    match (setting.kind, setting.default) {
        (Kind::Switch, _) | (_, None) => help,
        (_, Some(default)) => format!("{help} [default: {default}]"),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn parse(args: &[&str]) -> Result<RunArgs, clap::Error> {
        let command = RunArgs::augment_args(Command::new("run").no_binary_name(true));
        RunArgs::from_arg_matches(&command.try_get_matches_from(args)?)
    }

    #[test]
    fn every_flag_of_the_table_is_accepted_and_kept() {
        RunArgs::augment_args(Command::new("run")).debug_assert();
        for setting in SETTINGS {
            let Some(flag) = setting.flag else { continue };
            let args = parse(&[&format!("--{flag}=a=b")]).expect(flag);
            let expected = FlagValue {
                key: setting.key,
                texts: vec!["a=b".to_owned()],
            };
            assert_eq!(args.flags, [expected], "--{flag}");
        }
    }

    #[test]
    fn it_can_be_a_subcommand() {
        #[derive(clap::Parser)]
        enum Cli {
            Run(RunArgs),
        }
        let Cli::Run(args) = <Cli as clap::Parser>::parse_from(["investbot", "run", "--seed=1"]);
        assert_eq!(args.flags.len(), 1);
    }

    #[test]
    fn settings_without_a_flag_are_settings_of_the_house() {
        let without: Vec<_> = SETTINGS
            .iter()
            .filter(|setting| setting.flag.is_none())
            .map(|setting| setting.key)
            .collect();
        assert_eq!(
            without,
            [
                "exchange.open_timeout_ms",
                "exchange.call_timeout_ms",
                "exchange.isolation_read",
                "exchange.isolation_memory_mb",
                "plugin.path",
                "plugin.sha256",
                "plugin.lock",
                "bars.batch",
                "retry.base_ms",
                "retry.cap_ms",
                "retry.max_attempts",
                "store.ttl_s",
                "reconcile.interval_s",
                "reconcile.on_difference",
            ]
        );
    }

    #[test]
    fn switches_repeats_dashes_and_negative_numbers() {
        let args = parse(&[
            "--json",
            "--live=false",
            "--set",
            "a=1",
            "--set",
            "b=-2",
            "--seed",
            "-5",
            "--intents",
            "-",
        ])
        .expect("valid flags");
        let texts = |key: &str| {
            let flag = args.flags.iter().find(|flag| flag.key == key);
            flag.map(|flag| flag.texts.join(" ")).unwrap_or_default()
        };
        assert_eq!(texts("output.json"), "true");
        assert_eq!(texts("live"), "false");
        assert_eq!(texts("exchange.config"), "a=1 b=-2");
        assert_eq!(texts("run.seed"), "-5");
        assert_eq!(texts("intents"), "-");
        assert!(parse(&["--sede", "1"]).is_err());
        assert!(parse(&["--seed", "1", "--seed", "2"]).is_err());
    }

    #[test]
    fn help_names_variable_and_default() {
        let help = RunArgs::augment_args(Command::new("run").term_width(200))
            .render_help()
            .to_string();
        assert!(
            help.contains("[env: INVESTBOT_EXCHANGE_KIND] [default: paper]"),
            "{help}"
        );
        assert!(help.contains("--set <KEY=VALUE>"), "{help}");
        assert!(
            help.contains("[env: INVESTBOT_STRATEGY_PARAMS_<KEY>]"),
            "{help}"
        );
    }
}
