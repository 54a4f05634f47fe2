//! What the runs of a drill do: little, so that a life is short, and of every kind, so that a kill finds
//! them at something.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use investbot_plugin_api::UnixNanos;
use serde::Serialize;

use crate::clock::rfc3339;

/// Where the orders of a run come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// A strategy that trades every few bars.
    Strategy,
    /// A stream of intents: orders of all types, with ids and without, cancels, and a repeated line.
    Intents,
}

impl Work {
    /// All of it.
    pub const ALL: [Self; 2] = [Self::Strategy, Self::Intents];

    /// Its name, for directories.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::Intents => "intents",
        }
    }
}

/// The files that the runs read.
#[derive(Clone, Debug)]
pub(super) struct Data {
    bars: PathBuf,
    intents: PathBuf,
}

impl Data {
    /// Writes them.
    pub(super) fn write(dir: &Path) -> io::Result<Self> {
        let data = Self {
            bars: dir.join("bars.csv"),
            intents: dir.join("intents.jsonl"),
        };
        std::fs::write(&data.bars, bars())?;
        std::fs::write(&data.intents, intents())?;
        Ok(data)
    }

    /// The flags of a run that does `work`.
    pub(super) fn flags(&self, work: Work) -> Vec<String> {
        let bars = self.bars.display().to_string();
        let intents = self.intents.display().to_string();
        let flags: &[&str] = match work {
            Work::Strategy => &[
                "--strategy",
                "sma-cross",
                "--param",
                "fast=2",
                "--param",
                "slow=4",
            ],
            Work::Intents => &["--intents", &intents],
        };
        let common = ["--bars", &bars, "--instrument", INSTRUMENT];
        common
            .iter()
            .chain(flags)
            .map(|&flag| flag.to_owned())
            .collect()
    }
}

const INSTRUMENT: &str = "BTC/USD";
const BARS: i64 = 48;
const MINUTE: i64 = 60_000_000_000;
/// 2020-01-01.
const BEGIN: i64 = 1_577_836_800_000_000_000;

/// A price that goes up and down every six bars, in a market so thin that an order is filled by and by.
fn bars() -> String {
    const WAVE: [i64; 6] = [100, 102, 104, 103, 101, 99];
    let close = |bar: i64| {
        let phase = usize::try_from(bar.rem_euclid(6)).unwrap_or_default();
        WAVE[phase] + bar / 6
    };
    let mut text = "timestamp,open,high,low,close,volume\n".to_owned();
    for bar in 0..BARS {
        let (open, close) = (close(bar - 1), close(bar));
        let (high, low) = (open.max(close) + 1, open.min(close) - 1);
        let time = rfc3339(UnixNanos(BEGIN + bar * 30 * MINUTE));
        let _ = writeln!(text, "{time},{open},{high},{low},{close},500");
    }
    text
}

fn intents() -> String {
    let mut text = String::new();
    for (minute, fields) in [
        (
            0,
            r#""id":"first","side":"buy","type":"market","quantity":"5""#,
        ),
        (
            45,
            r#""id":"rests","side":"buy","type":"limit","quantity":"3","limit_price":"98""#,
        ),
        (46, r#""side":"buy","type":"market","quantity":"2""#),
        (
            100,
            r#""id":"first","side":"buy","type":"market","quantity":"5""#,
        ),
        (
            130,
            r#""id":"far","side":"buy","type":"limit","quantity":"1","limit_price":"20""#,
        ),
        (
            131,
            r#""id":"by-and-by","side":"buy","type":"market","quantity":"70""#,
        ),
        (
            190,
            r#""id":"stop","side":"sell","type":"stop","quantity":"2","stop_price":"99""#,
        ),
        (250, r#""cancel":"far""#),
        (
            251,
            r#""id":"dust","side":"buy","type":"market","quantity":"0.000000001""#,
        ),
        (
            310,
            r#""side":"sell","type":"limit","quantity":"4","limit_price":"101","time_in_force":"ioc""#,
        ),
        (
            370,
            r#""id":"too-much","side":"sell","type":"limit","quantity":"9000","limit_price":"101""#,
        ),
        (
            430,
            r#""id":"maker","side":"sell","type":"limit","quantity":"6","limit_price":"106","post_only":true"#,
        ),
        (490, r#""cancel":"maker""#),
        (550, r#""cancel":"first""#),
        (
            610,
            r#""id":"wide","side":"buy","type":"stop_limit","quantity":"3","stop_price":"104","limit_price":"105""#,
        ),
        (
            670,
            r#""id":"half","side":"sell","type":"market","quantity":"30""#,
        ),
        (
            900,
            r#""id":"last","side":"buy","type":"limit","quantity":"1","limit_price":"50""#,
        ),
    ] {
        let time = rfc3339(UnixNanos(BEGIN + minute * MINUTE));
        let instrument = if fields.contains("cancel") {
            String::new()
        } else {
            format!(r#""instrument":"{INSTRUMENT}","#)
        };
        let _ = writeln!(text, r#"{{{instrument}{fields},"time":"{time}"}}"#);
    }
    text
}
