//! What a simulated run has to do, and how it goes about it.

use std::sync::OnceLock;

use investbot::engine::identity::{ClientOrderIds, Key, Origin, SourcePlace};
use investbot::engine::{Intent, OrderSpec};
use investbot::exec::checkpoint::Interval;
use investbot::feed::IntentLine;
use investbot::store::journal::Sizes;
use investbot_plugin_api::{Decimal, OrderType, Side};

use super::RUN_ID;
use crate::simulator::model::Model;
use crate::simulator::oracle::Named;

/// How much is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// One order.
    One,
    /// Two orders, or one and what is done to it.
    Two,
    /// Twenty orders, and more.
    Many,
}

impl Named for Scope {
    fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
            Self::Many => "many",
        }
    }
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::One, Self::Two, Self::Many];

    /// The ways in which a run of that much can go.
    #[must_use]
    pub const fn courses(self) -> &'static [Course] {
        match self {
            Self::One => &[Course::OneInStep, Course::OneAtLarge],
            Self::Two => &[
                Course::TwoAtLarge,
                Course::TwoInStep,
                Course::Twice,
                Course::TakenBack,
            ],
            Self::Many => &[
                Course::ManyInStep,
                Course::ManyAtLarge,
                Course::ManyWhileInDoubt,
            ],
        }
    }
}

/// One way in which a run goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Course {
    /// An order that is known by its place; everything one after another.
    OneInStep,
    /// A caller's order, with threads, checkpoints and short files.
    OneAtLarge,
    /// Two orders at once, of which one is a caller's.
    TwoAtLarge,
    /// Two orders of one instrument, one after the other.
    TwoInStep,
    /// A caller's order that comes twice.
    Twice,
    /// A caller's order, and its cancel.
    TakenBack,
    /// Many orders, one after another.
    ManyInStep,
    /// Many orders, several at once.
    ManyAtLarge,
    /// The same, where an instrument takes new orders while another of it is in doubt.
    ManyWhileInDoubt,
}

impl Named for Course {
    fn name(self) -> &'static str {
        match self {
            Self::OneInStep => "one order by its place, in lockstep",
            Self::OneAtLarge => "one order by its caller's id, with threads and checkpoints",
            Self::TwoAtLarge => "two orders at once",
            Self::TwoInStep => "two orders of one instrument, in lockstep",
            Self::Twice => "an order that comes twice",
            Self::TakenBack => "an order and its cancel",
            Self::ManyInStep => "many orders, in lockstep",
            Self::ManyAtLarge => "many orders at once",
            Self::ManyWhileInDoubt => "many orders at once, also while one is in doubt",
        }
    }
}

/// The instruments.
pub(super) const INSTRUMENTS: [&str; 4] = ["BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD"];

impl Course {
    /// Whether everything that an order causes is waited for before the next is taken up.
    pub(super) const fn is_in_step(self) -> bool {
        matches!(self, Self::OneInStep | Self::TwoInStep | Self::ManyInStep)
    }

    pub(super) const fn is_many(self) -> bool {
        matches!(
            self,
            Self::ManyInStep | Self::ManyAtLarge | Self::ManyWhileInDoubt
        )
    }

    pub(super) const fn allows_while_in_doubt(self) -> bool {
        matches!(self, Self::TwoAtLarge | Self::ManyWhileInDoubt)
    }

    /// How many requests may be under way at once.
    pub(super) const fn threads(self) -> usize {
        if self.is_in_step() { 1 } else { 4 }
    }

    /// How often a write is tried.
    pub(super) const fn max_attempts(self) -> u32 {
        if self.is_many() { 4 } else { 2 }
    }

    /// When a checkpoint is due.
    pub(super) const fn interval(self) -> Interval {
        let records = match self {
            Self::OneAtLarge => 4,
            Self::ManyAtLarge => 7,
            Self::ManyWhileInDoubt => 30,
            _ => 1_000_000,
        };
        let bars = 1_000_000;
        Interval { records, bars }
    }

    /// How large the journal's files are.
    pub(super) const fn sizes(self) -> Sizes {
        let segment = match self {
            Self::OneAtLarge => 1_500,
            Self::ManyAtLarge => 4_000,
            _ => 1_000_000,
        };
        let reserve = 16;
        Sizes { segment, reserve }
    }

    /// Whether it matters how much was written: some of it is counted.
    pub(super) const fn counts(self) -> bool {
        !matches!(
            self,
            Self::OneInStep | Self::TwoAtLarge | Self::TwoInStep | Self::Twice | Self::TakenBack
        )
    }

    /// What is wanted, in order.
    #[must_use]
    pub fn lines(self) -> &'static [IntentLine] {
        static MADE: [OnceLock<Vec<IntentLine>>; 9] = [const { OnceLock::new() }; 9];
        MADE[self as usize].get_or_init(|| {
            let wants = self.wants();
            let lines = wants
                .into_iter()
                .zip(0..)
                .map(|(intent, position)| IntentLine {
                    position,
                    line: position + 1,
                    time: None,
                    intent,
                });
            lines.collect()
        })
    }

    fn wants(self) -> Vec<Intent> {
        match self {
            Self::OneInStep => vec![order(0, None)],
            Self::OneAtLarge => vec![order(0, Some("a"))],
            Self::TwoAtLarge => vec![order(0, None), order(1, Some("b"))],
            Self::TwoInStep => vec![order(0, Some("a")), order(4, None)],
            Self::Twice => vec![order(0, Some("a")), order(0, Some("a"))],
            Self::TakenBack => vec![order(0, Some("a")), cancel("a")],
            Self::ManyInStep | Self::ManyAtLarge | Self::ManyWhileInDoubt => many(),
        }
    }

    /// The orders among them: the quantity and the client order id of each.
    #[must_use]
    pub fn orders(self) -> &'static [(Decimal, String)] {
        static MADE: [OnceLock<Vec<(Decimal, String)>>; 9] = [const { OnceLock::new() }; 9];
        MADE[self as usize].get_or_init(|| {
            let mut orders = Vec::new();
            for line in self.lines() {
                if let Intent::Order { id, spec } = &line.intent {
                    let order = (spec.quantity, client_order_id(line.position, id.as_deref()));
                    if !orders.contains(&order) {
                        orders.push(order);
                    }
                }
            }
            orders
        })
    }
}

/// Where all intents come from.
pub(super) const STREAM: &str = "intents";

fn client_order_id(position: u64, id: Option<&str>) -> String {
    let origin = Origin {
        run_id: RUN_ID.to_owned(),
        stream: STREAM.to_owned(),
        partition: 0,
    };
    let key = Key::of(&origin, id, SourcePlace { position, index: 0 });
    let rule = &Model::A.manifest().capabilities.client_order_id;
    ClientOrderIds::new(RUN_ID, rule).id(key)
}

/// The n-th order: no two have the same quantity, so that a report tells which it is about.
fn order(number: u32, id: Option<&str>) -> Intent {
    let quantity = Decimal::new(1000 + i64::from(number), 3);
    let side = if number % 3 == 2 {
        Side::Sell
    } else {
        Side::Buy
    };
    let instrument = INSTRUMENTS[number as usize % INSTRUMENTS.len()];
    let mut spec = OrderSpec::market(instrument, side, quantity);
    if number % 2 == 1 {
        spec.order_type = OrderType::Limit;
        spec.limit_price = Some(Decimal::from(101));
    }
    Intent::Order {
        id: id.map(str::to_owned),
        spec,
    }
}

fn cancel(id: &str) -> Intent {
    Intent::Cancel { id: id.to_owned() }
}

/// Twenty orders, half of them a caller's, some of which come again or are taken back.
fn many() -> Vec<Intent> {
    const IDS: [&str; 10] = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let mut wants = Vec::new();
    for number in 0..20_u32 {
        let id = (number % 2 == 0).then(|| IDS[number as usize / 2]);
        wants.push(order(number, id));
        match number {
            5 => wants.push(order(2, Some("b"))),
            9 => wants.push(cancel("e")),
            13 => wants.push(order(0, Some("a"))),
            16 => wants.push(cancel("i")),
            18 => wants.push(cancel("nobody")),
            _ => {}
        }
    }
    wants
}
