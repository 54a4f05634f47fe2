//! Compares what a run told with what the venue's ledger says. The ledger is believed.

use std::collections::{BTreeMap, BTreeSet};

use investbot_plugin_api::Side;
use serde::Serialize;

use super::ledger::{FillEntry, Known, Ledger, Standing};
use super::told::{Account, Told, ToldOrder};

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Breach {
    /// One client order id stands for several orders at the venue.
    Duplicate,
    /// An order has no true end: it is nowhere, or the run does not say what became of it.
    Lost,
    /// An order is called rejected, abandoned or denied, and the venue has it.
    FalseRejection,
    /// The run says something else of an order than the venue.
    WrongState,
    /// The fills of the run, or what they add up to, are not the venue's.
    WrongTotal,
    /// What is in the run directory is not what the run comes to.
    Unverified,
    /// The reports are not those of a run that nobody killed.
    OtherReports,
    /// The run could not be resumed, or did not come to its end.
    Broken,
}

/// A broken promise, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which promise.
    pub breach: Breach,
    /// What shows it.
    pub text: String,
}

/// What an audit comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Audited {
    pub(super) orders: u64,
    pub(super) held: u64,
    pub(super) findings: Vec<Finding>,
}

impl Audited {
    /// A run of which there is nothing else to say.
    pub(super) fn only(finding: Finding) -> Self {
        Self {
            findings: vec![finding],
            ..Self::default()
        }
    }
}

/// What a run has to come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its orders, with their callers' ids.
    orders: BTreeMap<String, Option<String>>,
    /// How many intents without an id are denied.
    denied: usize,
}

impl Wanted {
    /// The same as this run.
    pub(super) fn of(told: &Told) -> Self {
        let orders = told.orders.iter();
        Self {
            orders: orders
                .map(|(name, order)| (name.clone(), order.id.clone()))
                .collect(),
            denied: nameless(told),
        }
    }
}

fn nameless(told: &Told) -> usize {
    told.denied.iter().filter(|id| id.is_none()).count()
}

/// Audits a run that came to its end.
pub(super) fn audit(ledger: &Ledger, told: &Told, wanted: &Wanted) -> Audited {
    let known = ledger.orders.keys().chain(told.orders.keys());
    let known: BTreeSet<&String> = known.collect();
    let mut findings: Vec<Finding> = known
        .iter()
        .flat_map(|id| about_order(id, ledger.orders.get(*id), told))
        .collect();
    findings.extend(about_wanted(&known, told, wanted));
    findings.extend(about_fills(ledger, told));
    findings.extend(about_totals(ledger, told));
    Audited {
        orders: known.len() as u64,
        held: told.held(),
        findings,
    }
}

/// An order that is nowhere. Where another order is held, intents are denied and get no client order id.
fn about_wanted(known: &BTreeSet<&String>, told: &Told, wanted: &Wanted) -> Vec<Finding> {
    let mut excused = nameless(told).saturating_sub(wanted.denied);
    let missing = wanted
        .orders
        .iter()
        .filter(|(name, _)| !known.contains(name));
    let lost = missing.filter(|(_, id)| match id {
        Some(_) => !told.denied.contains(id),
        None if excused > 0 => {
            excused -= 1;
            false
        }
        None => true,
    });
    lost.map(|(name, _)| Finding {
        breach: Breach::Lost,
        text: format!("order {name} is in no report, and the venue does not have it"),
    })
    .collect()
}

fn about_order(id: &str, known: Option<&Known>, told: &Told) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find = |breach, text: String| {
        let text = format!("order {id} {text}");
        findings.push(Finding { breach, text });
    };
    if let Some(Known { times: 2.., .. }) = known {
        find(
            Breach::Duplicate,
            "is at the venue more than once".to_owned(),
        );
    }
    let standing = known.map(Known::standing);
    let at_venue = match standing {
        None => "does not have it".to_owned(),
        Some(Standing::Open) => "has it in its book".to_owned(),
        Some(Standing::Filled) => "has filled it".to_owned(),
        Some(Standing::Closed(status)) => format!("has {status} it"),
    };
    let Some(ToldOrder { state, .. }) = told.orders.get(id) else {
        find(
            Breach::Lost,
            format!("is in no report; the venue {at_venue}"),
        );
        return findings;
    };
    let breach = match (state.as_str(), standing) {
        ("held", _) => None,
        ("new" | "in_doubt" | "absent", _) => Some(Breach::Lost),
        ("denied" | "rejected" | "abandoned", None) => None,
        ("denied" | "rejected" | "abandoned", Some(_)) => Some(Breach::FalseRejection),
        ("accepted" | "partially_filled", Some(Standing::Open)) => None,
        ("filled", Some(Standing::Filled)) => None,
        (state, Some(Standing::Closed(status))) if state == status => None,
        _ => Some(Breach::WrongState),
    };
    if let Some(breach) = breach {
        find(
            breach,
            format!("is {state} in the reports; the venue {at_venue}"),
        );
    }
    findings
}

fn about_fills(ledger: &Ledger, told: &Told) -> Vec<Finding> {
    let wrong = |text: String| Finding {
        breach: Breach::WrongTotal,
        text,
    };
    let mut findings = Vec::new();
    for (id, fill) in &ledger.fills {
        match told.fills.get(id).map(Vec::as_slice) {
            None => findings.push(wrong(format!("fill {id} is not in the reports"))),
            Some([one]) if same(one, fill) => {}
            Some([_]) => findings.push(wrong(format!("fill {id} is another one in the reports"))),
            Some(_) => findings.push(wrong(format!("fill {id} was booked more than once"))),
        }
    }
    let unknown = told
        .fills
        .keys()
        .filter(|id| !ledger.fills.contains_key(*id));
    findings.extend(unknown.map(|id| wrong(format!("fill {id} is not the venue's"))));
    if told.unmatched > 0 {
        let text = format!("{} fills were told as nobody's", told.unmatched);
        findings.push(wrong(text));
    }
    findings
}

/// A venue that takes no fees need not say in which currency.
fn same(told: &FillEntry, ledger: &FillEntry) -> bool {
    let currency = ledger.fee.is_zero() || told.fee_currency == ledger.fee_currency;
    let numbers = |fill: &FillEntry| [fill.price, fill.quantity, fill.fee];
    currency
        && numbers(told) == numbers(ledger)
        && told.side == ledger.side
        && told.client_order_id == ledger.client_order_id
}

/// What the run began with and the venue's fills have to add up to what the run came to.
fn about_totals(ledger: &Ledger, told: &Told) -> Option<Finding> {
    let wrong = |text| {
        Some(Finding {
            breach: Breach::WrongTotal,
            text,
        })
    };
    let (Some(summary), Some(Account { cash, position })) = (&told.summary, &told.began) else {
        return wrong("the run has no summary, or never began".to_owned());
    };
    let totals = &summary.result;
    let (mut cash, mut position) = (*cash, *position);
    for fill in ledger.fills.values() {
        let quantity = match fill.side {
            Side::Buy => fill.quantity,
            _ => -fill.quantity,
        };
        position += quantity;
        cash -= quantity * fill.price;
        if fill.fee_currency.is_empty() || fill.fee_currency == totals.currency {
            cash -= fill.fee;
        } else {
            position -= fill.fee;
        }
    }
    let fills = ledger.fills.len() as u64;
    if (cash, position, fills) == (totals.cash, totals.position, totals.fills) {
        return None;
    }
    wrong(format!(
        "{fills} fills of the venue's come to cash {cash} and position {position}; the summary says {} \
         fills, cash {} and position {}",
        totals.fills, totals.cash, totals.position
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
