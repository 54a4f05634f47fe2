//! What came of a run: a table for people, one JSON object for programs.

use investbot_plugin_api::Decimal;
use serde::Serialize;

use super::result::{BarsRead, End, RunResult};
use super::table::{grouped, table};
use crate::engine::{OrderState, Summary};

/// The summary as the last line of JSON output and as `summary.json`.
#[derive(Debug, Serialize)]
pub struct SummaryView<'a> {
    kind: &'static str,
    ended: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<Reason<'a>>,
    plugin: Plugin<'a>,
    stream: &'a str,
    instrument: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Source<'a>>,
    result: &'a Summary,
    report_digest: &'a str,
    elapsed_s: f64,
}

#[derive(Debug, Serialize)]
struct Reason<'a> {
    code: &'static str,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct Plugin<'a> {
    id: &'a str,
    version: &'a str,
    sha256: &'a str,
}

#[derive(Debug, Serialize)]
struct Source<'a> {
    name: &'a str,
    interval_s: u64,
    rows: u64,
    gaps: u64,
    missing_bars: u64,
    duplicates: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
}

impl<'a> SummaryView<'a> {
    /// The summary of a run.
    #[must_use]
    pub fn of(run: &'a RunResult) -> Self {
        let (ended, reason) = match &run.end {
            End::Complete => ("complete", None),
            End::Stopped => ("stopped", None),
            End::Halted { code, text } => ("halted", Some(Reason { code, text })),
        };
        Self {
            kind: "summary",
            ended,
            reason,
            plugin: Plugin {
                id: &run.plugin.id,
                version: &run.plugin.version,
                sha256: &run.plugin.sha256,
            },
            stream: &run.stream,
            instrument: &run.instrument,
            source: run.bars.as_ref().map(|bars| Source {
                name: &bars.source,
                interval_s: bars.interval.as_secs(),
                rows: bars.stats.rows,
                gaps: bars.stats.gaps,
                missing_bars: bars.stats.missing_bars,
                duplicates: bars.stats.duplicates,
                sha256: bars.digest.as_deref(),
            }),
            result: &run.summary,
            report_digest: &run.report_digest,
            elapsed_s: run.elapsed.as_secs_f64(),
        }
    }

    /// As one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        serde_json::to_string(self).expect("a summary is strings and numbers, which JSON can say")
    }
}

/// The summary as a table.
#[must_use]
pub fn to_table(run: &RunResult) -> String {
    let title = format!("{} on {}", run.stream, run.instrument);
    let venue = format!("{} {}", run.plugin.id, run.plugin.version);
    let mut text = table([title, venue], rows(run));
    match &run.end {
        End::Complete => {}
        End::Stopped => text.push_str("\nstopped on request; the rest of the source was not read"),
        End::Halted { code, text: why } => text.push_str(&format!("\nhalted ({code}): {why}")),
    }
    if run.open_questions() > 0 {
        text.push_str(
            "\norders in doubt or held: look them up at the venue before you do anything else",
        );
    }
    text
}

fn rows(run: &RunResult) -> Vec<(&'static str, String)> {
    let Summary { currency, .. } = &run.summary;
    let money = |value: Option<Decimal>| {
        value.map_or_else(unknown, |value| format!("{} {currency}", rounded(value, 2)))
    };
    let sum = &run.summary;
    let mut rows = Vec::new();
    if let Some(bars) = &run.bars {
        rows.push(("bars", bars_text(sum.bars, bars)));
    }
    rows.push(("orders", orders_text(sum)));
    rows.push(("fills", grouped(&sum.fills.to_string())));
    if sum.unmatched_fills > 0 {
        rows.push(("fills of unknown orders", sum.unmatched_fills.to_string()));
    }
    rows.push(("fees", fees_text(sum)));
    rows.push(("equity at start", money(sum.start_equity)));
    rows.push(("equity at end", money(sum.end_equity)));
    rows.push(("return", sum.total_return.map_or_else(unknown, percent)));
    rows.push(("max drawdown", percent(sum.max_drawdown)));
    let sharpe = sum
        .sharpe
        .map_or_else(unknown, |sharpe| format!("{sharpe:.2}"));
    rows.push(("Sharpe ratio (a year)", sharpe));
    rows.push(("exposure", sum.exposure.map_or_else(unknown, percent)));
    rows.push(("time", format!("{:.3} s", run.elapsed.as_secs_f64())));
    if sum.bars > 0 {
        rows.push(("bars a second", grouped(&bars_a_second(run).to_string())));
    }
    rows.push((
        "report digest",
        run.report_digest.chars().take(16).collect(),
    ));
    rows
}

/// Whole bars a second; the clock's own resolution is the least a run takes.
fn bars_a_second(run: &RunResult) -> u128 {
    u128::from(run.summary.bars) * 1_000_000_000 / run.elapsed.as_nanos().max(1)
}

fn bars_text(count: u64, bars: &BarsRead) -> String {
    let mut text = grouped(&count.to_string());
    let stats = &bars.stats;
    if stats.gaps > 0 {
        text.push_str(&format!(
            "; {} gaps, {} missing",
            stats.gaps, stats.missing_bars
        ));
    }
    if stats.duplicates > 0 {
        text.push_str(&format!("; {} duplicates left out", stats.duplicates));
    }
    text
}

fn orders_text(sum: &Summary) -> String {
    if sum.orders.is_empty() {
        return "none".to_owned();
    }
    let parts: Vec<String> = sum
        .orders
        .iter()
        .map(|(state, count)| format!("{} {}", grouped(&count.to_string()), state_text(*state)))
        .collect();
    parts.join(", ")
}

const fn state_text(state: OrderState) -> &'static str {
    match state {
        OrderState::Denied => "denied",
        OrderState::New => "not sent",
        OrderState::InDoubt => "IN DOUBT",
        OrderState::Accepted => "open",
        OrderState::PartiallyFilled => "partly filled",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Expired => "expired",
        OrderState::Rejected => "rejected",
        OrderState::Absent => "absent",
        OrderState::Abandoned => "abandoned",
        OrderState::Held => "HELD",
    }
}

fn fees_text(sum: &Summary) -> String {
    let parts: Vec<String> = sum
        .fees
        .iter()
        .map(|(currency, fee)| format!("{} {currency}", rounded(*fee, 2)))
        .collect();
    if parts.is_empty() {
        "none".to_owned()
    } else {
        parts.join(", ")
    }
}

fn percent(share: Decimal) -> String {
    share
        .checked_mul(Decimal::ONE_HUNDRED)
        .map_or_else(unknown, |percent| format!("{} %", rounded(percent, 2)))
}

fn rounded(value: Decimal, decimals: u32) -> String {
    grouped(&format!(
        "{:.*}",
        decimals as usize,
        value.round_dp(decimals)
    ))
}

fn unknown() -> String {
    "n/a".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_shown_as_percent() {
        assert_eq!(percent(Decimal::new(-12_345, 5)), "-12.34 %");
        assert_eq!(percent(Decimal::MAX), "n/a");
    }
}
