//! The table of settings: the one place where a setting, its names and its default are written.

use super::setting::{Kind, Setting};

/// What every variable of this program starts with.
pub(crate) const PREFIX: &str = "INVESTBOT_";

/// Variables that other parts of the project read themselves, with their help.
pub(crate) const OTHER_VARIABLES: &[(&str, &str, &str)] = &[(
    "INVESTBOT_INTEGRATION",
    "1",
    "Lets the tests that talk to real venues run",
)];

/// The plugin that runs a program as an adapter, and of which `plugin wrap` makes others.
pub const PROGRAM_PLUGIN: &str = "exec";

/// Says where `investbot drill` wants a process of its own to die. For nobody else, so it is not among the
/// examples.
pub const DRILL_KILL: &str = "INVESTBOT_DRILL_KILL";

/// Secrets that bundled plugins ask for; any plugin's manifest may name others.
pub(crate) const EXAMPLE_SECRETS: &[(&str, &str)] = &[
    (
        "INVESTBOT_API_KEY",
        "The key that a venue's request signature is made with",
    ),
    (
        "INVESTBOT_API_SECRET",
        "The secret that a venue's request signature is made with",
    ),
];

/// The greatest limit on a quantity or an amount of money.
const LARGE: u64 = 1_000_000_000_000_000_000;

/// A timeout between a millisecond and ten minutes.
const TIMEOUT: Kind = Kind::Whole {
    min: 1,
    max: 600_000,
};

/// Every setting, in the order in which it is shown.
pub const SETTINGS: &[Setting] = &[
    // Which venue
    Setting::new(
        "exchange.kind",
        "INVESTBOT_EXCHANGE_KIND",
        Kind::Text,
        "The exchange adapter: a plugin's name, or the path of its library",
    )
    .flag("exchange")
    .default("paper"),
    Setting::new(
        "exchange.config",
        "INVESTBOT_EXCHANGE_CONFIG_",
        Kind::Table,
        "A key of the plugin's own configuration; its manifest names them",
    )
    .flag("set"),
    Setting::new(
        "exchange.open_timeout_ms",
        "INVESTBOT_EXCHANGE_OPEN_TIMEOUT_MS",
        TIMEOUT,
        "How long a plugin may take to open, in milliseconds",
    )
    .default("10000"),
    Setting::new(
        "exchange.call_timeout_ms",
        "INVESTBOT_EXCHANGE_CALL_TIMEOUT_MS",
        TIMEOUT,
        "By when a plugin is asked to answer a call, in milliseconds; soon after, it is given up",
    )
    .default("10000"),
    Setting::new(
        "exchange.isolation",
        "INVESTBOT_EXCHANGE_ISOLATION",
        Kind::Word(&["process", "none"]),
        "Runs the plugin in a process of its own, which may do little; the default with real money",
    )
    .flag("isolate")
    .presentation(),
    Setting::new(
        "exchange.isolation_read",
        "INVESTBOT_EXCHANGE_ISOLATION_READ",
        Kind::Paths,
        "Files and directories that an isolated plugin may read besides the system's and its own",
    )
    .presentation(),
    Setting::new(
        "exchange.isolation_memory_mb",
        "INVESTBOT_EXCHANGE_ISOLATION_MEMORY_MB",
        Kind::Whole {
            min: 16,
            max: 1_048_576,
        },
        "How much memory an isolated plugin may have, in megabytes",
    )
    .default("2048")
    .presentation(),
    Setting::new(
        "plugin.dir",
        "INVESTBOT_PLUGIN_DIR",
        Kind::Paths,
        "A directory that is searched for plugins before all others",
    )
    .flag("plugin-dir")
    .presentation(),
    Setting::new(
        "plugin.path",
        "INVESTBOT_PLUGIN_PATH",
        Kind::Paths,
        "Directories that are searched for plugins after those of --plugin-dir",
    )
    .presentation(),
    Setting::new(
        "plugin.sha256",
        "INVESTBOT_PLUGIN_SHA256",
        Kind::Sha256,
        "The SHA-256 digest that the plugin's library must have",
    ),
    Setting::new(
        "plugin.lock",
        "INVESTBOT_PLUGIN_LOCK",
        Kind::Path,
        "The file of pinned plugins, which `investbot plugin pin` writes",
    )
    .default("plugins.lock")
    .presentation(),
    // What it is run on
    Setting::new(
        "bars.source",
        "INVESTBOT_BARS_SOURCE",
        Kind::Text,
        "The bars: a file, or the name of a bundled series",
    )
    .flag("bars")
    .default("btcusd-30m"),
    Setting::new(
        "bars.instrument",
        "INVESTBOT_BARS_INSTRUMENT",
        Kind::Text,
        "The instrument that the bars are of, such as BTC/USD; bundled bars know theirs",
    )
    .flag("instrument"),
    Setting::new(
        "bars.interval",
        "INVESTBOT_BARS_INTERVAL",
        Kind::Interval,
        "The length of a bar, such as 30m, 1h or 1d; otherwise taken from the data",
    )
    .flag("interval"),
    Setting::new(
        "bars.gaps",
        "INVESTBOT_BARS_GAPS",
        Kind::Word(&["keep", "halt"]),
        "What to do about missing bars: go on and count them, or stop",
    )
    .flag("gaps")
    .default("keep"),
    Setting::new(
        "bars.from",
        "INVESTBOT_BARS_FROM",
        Kind::Time,
        "Leaves out bars that open before this time",
    )
    .flag("from"),
    Setting::new(
        "bars.to",
        "INVESTBOT_BARS_TO",
        Kind::Time,
        "Leaves out bars that open at or after this time",
    )
    .flag("to"),
    Setting::new(
        "bars.batch",
        "INVESTBOT_BARS_BATCH",
        Kind::Whole {
            min: 1,
            max: 65_536,
        },
        "How many bars are shown to a simulated venue in one call, at most",
    )
    .default("256"),
    Setting::new(
        "intents",
        "INVESTBOT_INTENTS",
        Kind::Path,
        "Order intents, one JSON object a line, instead of a strategy; - is standard input",
    )
    .flag("intents"),
    Setting::new(
        "strategy.name",
        "INVESTBOT_STRATEGY_NAME",
        Kind::Text,
        "The built-in strategy that trades: sma-cross, buy-and-hold or mean-reversion",
    )
    .flag("strategy")
    .default("sma-cross"),
    Setting::new(
        "strategy.params",
        "INVESTBOT_STRATEGY_PARAMS_",
        Kind::Table,
        "A parameter of the strategy",
    )
    .flag("param"),
    // What it must not do
    Setting::new(
        "risk.max_order_quantity",
        "INVESTBOT_RISK_MAX_ORDER_QUANTITY",
        Kind::Decimal { max: LARGE },
        "The largest quantity of an order, in base units",
    )
    .flag("max-order-quantity"),
    Setting::new(
        "risk.max_order_notional",
        "INVESTBOT_RISK_MAX_ORDER_NOTIONAL",
        Kind::Decimal { max: LARGE },
        "The largest price times quantity of an order, in quote currency",
    )
    .flag("max-order-notional"),
    Setting::new(
        "risk.max_position",
        "INVESTBOT_RISK_MAX_POSITION",
        Kind::Decimal { max: LARGE },
        "The largest position, long or short, in base units",
    )
    .flag("max-position"),
    Setting::new(
        "risk.price_band_percent",
        "INVESTBOT_RISK_PRICE_BAND_PERCENT",
        Kind::Decimal { max: 100 },
        "How far a limit price may be from the last close, in percent",
    )
    .flag("price-band-percent"),
    Setting::new(
        "risk.max_orders_per_minute",
        "INVESTBOT_RISK_MAX_ORDERS_PER_MINUTE",
        Kind::Whole {
            min: 1,
            max: 1_000_000,
        },
        "How many orders may be sent within a minute",
    )
    .flag("max-orders-per-minute"),
    Setting::new(
        "risk.loss_limit",
        "INVESTBOT_RISK_LOSS_LIMIT",
        Kind::Decimal { max: LARGE },
        "The loss, in quote currency, at which the run is halted",
    )
    .flag("loss-limit"),
    // How orders are sent
    Setting::new(
        "worker.max_in_flight",
        "INVESTBOT_WORKER_MAX_IN_FLIGHT",
        Kind::Whole { min: 1, max: 1024 },
        "How many orders may be under way at once; otherwise what the plugin takes",
    )
    .flag("max-in-flight"),
    Setting::new(
        "retry.base_ms",
        "INVESTBOT_RETRY_BASE_MS",
        Kind::Whole {
            min: 1,
            max: 60_000,
        },
        "The delay before the first retry, in milliseconds; doubled for each further one",
    )
    .default("100"),
    Setting::new(
        "retry.cap_ms",
        "INVESTBOT_RETRY_CAP_MS",
        Kind::Whole {
            min: 1,
            max: 3_600_000,
        },
        "The longest delay before a retry, in milliseconds",
    )
    .default("10000"),
    Setting::new(
        "retry.max_attempts",
        "INVESTBOT_RETRY_MAX_ATTEMPTS",
        Kind::Whole { min: 1, max: 100 },
        "How often an order is tried before a person decides",
    )
    .default("5"),
    Setting::new(
        "store.ttl_s",
        "INVESTBOT_STORE_TTL_S",
        Kind::Whole {
            min: 1,
            max: 3_153_600_000,
        },
        "How long callers' ids are remembered in memory, in seconds of the run's time",
    )
    .default("31536000"),
    // What the venue says is compared with the books, not put in their place: no order depends on it, and a
    // run that was stopped by a difference must be able to go on with another setting.
    Setting::new(
        "reconcile.interval_s",
        "INVESTBOT_RECONCILE_INTERVAL_S",
        Kind::Whole {
            min: 0,
            max: 86_400,
        },
        "How often the books are compared with the venue, in seconds; 0 for at the start alone",
    )
    .default("300")
    .presentation(),
    Setting::new(
        "reconcile.on_difference",
        "INVESTBOT_RECONCILE_ON_DIFFERENCE",
        Kind::Word(&["stop", "warn"]),
        "What to do if the account is not as the books say: stop the run, or only tell",
    )
    .default("stop")
    .presentation(),
    // The run itself
    Setting::new(
        "run.seed",
        "INVESTBOT_RUN_SEED",
        Kind::Whole {
            min: 0,
            max: u64::MAX,
        },
        "Everything random is drawn from it: the same seed gives the same run",
    )
    .flag("seed")
    .default("0"),
    Setting::new(
        "run.dir",
        "INVESTBOT_RUN_DIR",
        Kind::Path,
        "A new directory for the run's records; without it nothing is written",
    )
    .flag("run-dir")
    .presentation(),
    Setting::new(
        "resume",
        "",
        Kind::Path,
        "Goes on with the run in this directory, which --run-dir has made",
    )
    .flag("resume")
    .flag_only()
    .presentation(),
    Setting::new(
        "run.id",
        "INVESTBOT_RUN_ID",
        Kind::Id,
        "The name of the run; client order ids are made from it",
    )
    .flag("run-id"),
    Setting::new(
        "run.pace",
        "INVESTBOT_RUN_PACE",
        Kind::Word(&["virtual", "realtime"]),
        "Simulated time: as fast as the machine, or as fast as the clock on the wall",
    )
    .flag("pace")
    .default("virtual"),
    Setting::new(
        "live",
        "INVESTBOT_LIVE",
        Kind::Switch,
        "Real money: needs the flag --live and, as a second word, this setting",
    )
    .flag("live")
    .default("false"),
    // What the user sees
    Setting::new(
        "output.json",
        "INVESTBOT_OUTPUT_JSON",
        Kind::Switch,
        "Writes JSON to standard output, one object a line",
    )
    .flag("json")
    .default("false")
    .presentation(),
    Setting::new(
        "output.quiet",
        "INVESTBOT_OUTPUT_QUIET",
        Kind::Switch,
        "Shows no progress",
    )
    .flag("quiet")
    .default("false")
    .presentation(),
    Setting::new(
        "output.color",
        "INVESTBOT_OUTPUT_COLOR",
        Kind::Word(&["auto", "always", "never"]),
        "Whether the terminal gets colours",
    )
    .flag("color")
    .default("auto")
    .presentation(),
    Setting::new(
        "log.level",
        "INVESTBOT_LOG",
        Kind::LogFilter,
        "What is logged to standard error: off, error, warn, info, debug, trace or a filter",
    )
    .flag("log")
    .default("warn")
    .presentation(),
    Setting::new(
        "log.format",
        "INVESTBOT_LOG_FORMAT",
        Kind::Word(&["text", "json"]),
        "The form of log lines",
    )
    .flag("log-format")
    .default("text")
    .presentation(),
    Setting::new(
        "config",
        "INVESTBOT_CONFIG",
        Kind::Path,
        "The configuration file; otherwise ./investbot.toml, if there is one",
    )
    .flag("config")
    .not_in_file()
    .presentation(),
    Setting::new(
        "env_file",
        "",
        Kind::Path,
        "The file of variables; otherwise ./.env, if there is one",
    )
    .flag("env-file")
    .flag_only()
    .presentation(),
];

/// The setting of a key.
pub(crate) fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}
