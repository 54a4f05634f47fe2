//! From the table's values to the typed parts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use investbot_plugin_api::{Decimal, UnixNanos};

use super::parse::Value;
use super::runtime::Effective;
use super::typed::{Bars, Color, Exchange, Gaps, Isolation, Output, Pace, PluginSearch, Risk, Run};

/// Reads typed values. A key of another kind, or one without default, reads as the type's zero: that a
/// setting reaches its field is tested for each one.
pub(super) struct Values<'a>(pub(super) &'a BTreeMap<&'static str, Effective>);

impl Values<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)?.value.as_ref()
    }

    pub(super) fn opt_text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn text(&self, key: &str) -> String {
        self.opt_text(key).unwrap_or_default().to_owned()
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.opt_text(key).map(str::to_owned)
    }

    fn opt_whole(&self, key: &str) -> Option<u64> {
        match self.get(key)? {
            Value::Whole(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn whole(&self, key: &str) -> u64 {
        self.opt_whole(key).unwrap_or_default()
    }

    pub(super) fn opt_u32(&self, key: &str) -> Option<u32> {
        self.opt_whole(key)
            .map(|number| u32::try_from(number).unwrap_or(u32::MAX))
    }

    pub(super) fn millis(&self, key: &str) -> Duration {
        Duration::from_millis(self.whole(key))
    }

    fn switch(&self, key: &str) -> bool {
        matches!(self.get(key), Some(Value::Switch(true)))
    }

    fn decimal(&self, key: &str) -> Option<Decimal> {
        match self.get(key)? {
            Value::Decimal(decimal) => Some(*decimal),
            _ => None,
        }
    }

    fn time(&self, key: &str) -> Option<UnixNanos> {
        match self.get(key)? {
            Value::Time(time) => Some(*time),
            _ => None,
        }
    }

    fn paths(&self, key: &str) -> Vec<PathBuf> {
        match self.get(key) {
            Some(Value::Paths(paths)) => paths.clone(),
            _ => Vec::new(),
        }
    }

    pub(super) fn exchange(&self) -> Exchange {
        Exchange {
            kind: self.text("exchange.kind"),
            open_timeout: self.millis("exchange.open_timeout_ms"),
            call_timeout: self.millis("exchange.call_timeout_ms"),
            isolation: match self.opt_text("exchange.isolation") {
                Some("process") => Some(Isolation::Process),
                Some(_) => Some(Isolation::None),
                None => None,
            },
            isolation_read: self.paths("exchange.isolation_read"),
            isolation_memory: self.whole("exchange.isolation_memory_mb") << 20,
        }
    }

    pub(super) fn plugin(&self) -> PluginSearch {
        PluginSearch {
            dirs: self.paths("plugin.dir"),
            path: self.paths("plugin.path"),
            sha256: self.owned("plugin.sha256"),
            lock: self.text("plugin.lock").into(),
        }
    }

    pub(super) fn bars(&self) -> Bars {
        Bars {
            source: self.text("bars.source"),
            instrument: self.owned("bars.instrument"),
            interval: match self.get("bars.interval") {
                Some(Value::Interval(interval)) => Some(*interval),
                _ => None,
            },
            gaps: match self.opt_text("bars.gaps") {
                Some("halt") => Gaps::Halt,
                _ => Gaps::Keep,
            },
            from: self.time("bars.from"),
            to: self.time("bars.to"),
            batch: usize::try_from(self.whole("bars.batch")).unwrap_or(usize::MAX),
        }
    }

    pub(super) fn risk(&self) -> Risk {
        Risk {
            max_order_quantity: self.decimal("risk.max_order_quantity"),
            max_order_notional: self.decimal("risk.max_order_notional"),
            max_position: self.decimal("risk.max_position"),
            price_band_percent: self.decimal("risk.price_band_percent"),
            max_orders_per_minute: self.opt_u32("risk.max_orders_per_minute"),
            loss_limit: self.decimal("risk.loss_limit"),
        }
    }

    pub(super) fn run(&self) -> Run {
        let resume = self.owned("resume").map(PathBuf::from);
        let dir = self.owned("run.dir").map(PathBuf::from);
        Run {
            seed: self.whole("run.seed"),
            dir: dir.filter(|_| resume.is_none()),
            resume,
            id: self.owned("run.id"),
            pace: match self.opt_text("run.pace") {
                Some("realtime") => Pace::Realtime,
                _ => Pace::Virtual,
            },
        }
    }

    pub(super) fn output(&self) -> Output {
        Output {
            json: self.switch("output.json"),
            quiet: self.switch("output.quiet"),
            color: match self.opt_text("output.color") {
                Some("always") => Color::Always,
                Some("never") => Color::Never,
                _ => Color::Auto,
            },
        }
    }
}
