//! The parts of a configuration, typed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use investbot_plugin_api::{Decimal, UnixNanos};

/// The venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// A plugin's name or the path of its library.
    pub kind: String,
    /// How long it may take to open.
    pub open_timeout: Duration,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// Where its plugin runs; `None` if nobody said.
    pub isolation: Option<Isolation>,
    /// What an isolated plugin may read besides the system's files and its own.
    pub isolation_read: Vec<PathBuf>,
    /// How much memory an isolated plugin may have, in bytes.
    pub isolation_memory: u64,
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// In the host's own process, with all its rights.
    None,
    /// In a process of its own.
    Process,
}

/// Where a plugin is looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginSearch {
    /// First here,
    pub dirs: Vec<PathBuf>,
    /// then here.
    pub path: Vec<PathBuf>,
    /// The digest it must have, in lower case hexadecimal.
    pub sha256: Option<String>,
    /// The file of pinned plugins.
    pub lock: PathBuf,
}

/// The bars.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// A file or the name of a bundled series.
    pub source: String,
    /// What they are of, if the source does not know.
    pub instrument: Option<String>,
    /// Their length, if the source does not tell.
    pub interval: Option<Duration>,
    /// What to do about missing ones.
    pub gaps: Gaps,
    /// Bars that open before are left out.
    pub from: Option<UnixNanos>,
    /// Bars that open then or later are left out.
    pub to: Option<UnixNanos>,
    /// How many are shown to a venue in one call, at most.
    pub batch: usize,
}

/// What to do about missing bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gaps {
    /// Go on, and count them.
    Keep,
    /// Stop.
    Halt,
}

/// Where intents come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IntentSource {
    /// Standard input.
    Stdin,
    /// A file.
    File(PathBuf),
}

/// The strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strategy {
    /// Its name.
    pub name: String,
    /// Its parameters, as written; decimals are still exact.
    pub params: BTreeMap<String, String>,
}

/// The limits; `None` is no limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Of an order's quantity, in base units.
    pub max_order_quantity: Option<Decimal>,
    /// Of an order's price times quantity, in quote currency.
    pub max_order_notional: Option<Decimal>,
    /// Of a position, long or short, in base units.
    pub max_position: Option<Decimal>,
    /// Of a limit price's distance from the last close, in percent.
    pub price_band_percent: Option<Decimal>,
    /// Of the orders within a minute.
    pub max_orders_per_minute: Option<u32>,
    /// Of the loss, in quote currency; beyond it the run is halted.
    pub loss_limit: Option<Decimal>,
}

/// The retries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The delay before the first.
    pub base: Duration,
    /// The longest delay.
    pub cap: Duration,
    /// How often an order is tried.
    pub max_attempts: u32,
}

/// How the books are compared with the venue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// How often; `None` for at the start alone.
    pub interval: Option<Duration>,
    /// Whether a difference stops the run.
    pub strict: bool,
}

/// The run itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Everything random is drawn from it.
    pub seed: u64,
    /// A new directory for its records.
    pub dir: Option<PathBuf>,
    /// The directory of a run to go on with; then there is no new one.
    pub resume: Option<PathBuf>,
    /// Its name.
    pub id: Option<String>,
    /// How fast simulated time passes.
    pub pace: Pace,
}

/// How fast simulated time passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// As fast as the machine.
    Virtual,
    /// As fast as the clock on the wall.
    Realtime,
}

/// Whether real money may be spent: it takes both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// The flag.
    pub flag: bool,
    /// The word in the environment, in `.env` or in the file.
    pub word: bool,
}

/// What is written to the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// JSON lines instead of tables.
    pub json: bool,
    /// No progress.
    pub quiet: bool,
    /// Colours.
    pub color: Color,
}

/// Whether the terminal gets colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// If it is a terminal that can show them.
    Auto,
    /// Yes.
    Always,
    /// No.
    Never,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// A level or a filter.
    pub filter: String,
    /// The form of a line.
    pub format: LogFormat,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}
