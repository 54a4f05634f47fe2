//! What bars do to open orders.

use investbot_plugin_api::{
    Bar, BarBatch, Decimal, Instrument, Liquidity, Side, TimeInForce, UnixNanos, VenueEvent,
};

use super::SimVenue;
use crate::account::Lock;
use crate::books::Before;
use crate::matching::{self, Effect, Execution, Moment};
use crate::order::Spec;
use crate::pricing;
use crate::record::{CloseReason, Entry, Record};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// A bar at work.
struct Turn<'a> {
    listing: usize,
    bar: &'a Bar,
    moment: Moment,
    /// How much of the bar's volume is left; `None` for no limit.
    capacity: Option<Decimal>,
    /// What it has done so far: in the books, and not in the ledger yet.
    records: Vec<Record>,
    /// The books before it did anything; `None` until it does.
    before: Option<Before>,
}

impl SimVenue {
    /// Shows the venue bars of one instrument, oldest first. What they did to orders is added to
    /// `events`, oldest first, also when an error stops it half way: what a bar does is in the ledger
    /// whole before any of it is told, and if it cannot be, then the bar did nothing.
    ///
    /// A bar that does not close after the latest one that is known was shown before: nothing happens.
    pub fn on_bars(
        &mut self,
        batch: &BarBatch,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), Refusal> {
        let Some(listing) = self.books.listing(&batch.instrument) else {
            return Ok(());
        };
        let shown = self.books.listings[listing].shown;
        let is_known = |bar: &&Bar| Some(bar.close_time) <= shown;
        for bar in batch.bars.iter().skip_while(is_known) {
            // Nothing opens an order between two bars: without one, only the last bar matters.
            if self.books.listings[listing].open.is_empty() {
                break;
            }
            self.match_bar(listing, bar, events)?;
        }
        if let Some(bar) = batch.bars.last() {
            self.books.show(listing, bar);
        }
        Ok(())
    }

    fn match_bar(
        &mut self,
        listing: usize,
        bar: &Bar,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), Refusal> {
        let share = self.settings.volume_share;
        let mut turn = Turn {
            listing,
            bar,
            moment: Moment::Open,
            capacity: (!share.is_zero())
                .then(|| bar.volume.checked_mul(share).unwrap_or(bar.volume)),
            records: Vec::new(),
            before: None,
        };
        let told = events.len();
        for moment in [Moment::Open, Moment::Inside] {
            turn.moment = moment;
            for index in self.books.listings[listing].open.clone() {
                self.match_and_tell(&mut turn, index, events);
            }
        }
        if let Err(error) = self.ledger.append(&mut turn.records) {
            events.truncate(told);
            if let Some(before) = turn.before {
                self.books.restore(before);
            }
            return Err(error.into());
        }
        self.books.show(listing, bar);
        Ok(())
    }

    fn match_and_tell(&mut self, turn: &mut Turn<'_>, index: usize, events: &mut Vec<VenueEvent>) {
        let order = self.books.order(index);
        if Some(turn.bar.open_time) < order.after {
            return;
        }
        let (status, filled) = (order.status(), order.filled);
        let fills = self.books.fill_count();
        self.match_order(turn, index);
        if self.books.fill_count() > fills {
            events.push(VenueEvent::Fill(self.books.fill_at(fills)));
        }
        let order = self.books.order(index);
        if (status, filled) != (order.status(), order.filled) {
            events.push(VenueEvent::Order(self.books.report(index)));
        }
    }

    fn match_order(&mut self, turn: &mut Turn<'_>, index: usize) {
        let order = self.books.order(index);
        let (accepted, expires) = (order.accepted, order.expires);
        let over = match turn.moment {
            Moment::Open => order.is_over_at(turn.bar.open_time),
            Moment::Inside => order.is_over_at(turn.bar.close_time),
        };
        if let (true, Some(expires)) = (over, expires) {
            return self.end(turn, index, CloseReason::TimeOver, expires);
        }
        let effect = matching::effect(order, turn.bar, turn.moment);
        let time = turn.moment.time(turn.bar, accepted);
        if effect.triggers {
            self.note(turn, time, Entry::Trigger(self.books.name(index)));
        }
        if let Some(execution) = effect.execution {
            self.execute(turn, index, effect, execution, time);
        }
        let order = self.books.order(index);
        if turn.moment == Moment::Open && order.is_immediate() && order.is_open() {
            let reason = match order.spec.time_in_force {
                TimeInForce::Fok => CloseReason::FillOrKill,
                _ => CloseReason::ImmediateOrCancel,
            };
            self.end(turn, index, reason, time);
        }
    }

    /// Fills as much of an order as the bar, the position and the account allow.
    fn execute(
        &mut self,
        turn: &mut Turn<'_>,
        index: usize,
        effect: Effect,
        execution: Execution,
        time: UnixNanos,
    ) {
        let order = self.books.order(index);
        let (spec, locked) = (order.spec.clone(), order.locked);
        let (remaining, nth) = (order.remaining(), order.fills + 1);
        let liquidity = effect.liquidity(order, turn.moment);
        let fill_id = order.fill_id(nth);
        let instrument = &self.books.listings[spec.instrument].instrument;

        let wanted = if spec.reduce_only {
            remaining.min(self.reducible(&spec))
        } else {
            remaining
        };
        if wanted.is_zero() {
            return self.end(turn, index, CloseReason::NothingToReduce, time);
        }
        let quantity = pricing::whole_lots(
            turn.capacity.map_or(wanted, |left| wanted.min(left)),
            instrument.lot_size,
        );
        let killed = spec.time_in_force == TimeInForce::Fok && quantity < remaining;
        if quantity.is_zero() || killed {
            return;
        }

        let terms = Terms::of(
            &self.settings,
            instrument,
            spec.side,
            execution,
            liquidity,
            quantity,
        );
        let account = &self.books.account;
        let terms = terms.filter(|t| {
            let traded = account.after_trade(instrument, spec.side, quantity, t.price, t.fee);
            traded.is_ok()
        });
        let Some(terms) = terms else {
            return self.end(turn, index, CloseReason::TooLarge, time);
        };
        if !self.can_pay(&spec, locked, quantity, &terms) {
            return self.end(turn, index, CloseReason::InsufficientFunds, time);
        }
        let entry = Entry::Fill {
            order: self.books.name(index),
            fill_id,
            instrument: instrument.symbol.clone(),
            side: spec.side,
            price: terms.price,
            quantity,
            fee: terms.fee,
            fee_currency: instrument.quote.clone(),
            liquidity,
        };
        self.note(turn, time, entry);
        if let Some(left) = &mut turn.capacity {
            *left -= quantity;
        }
    }

    fn end(&mut self, turn: &mut Turn<'_>, index: usize, reason: CloseReason, time: UnixNanos) {
        self.note(turn, time, self.closing(index, reason));
    }

    /// Enters into the books what a bar did. The ledger gets it together with the rest of the bar.
    fn note(&mut self, turn: &mut Turn<'_>, time: UnixNanos, entry: Entry) {
        if turn.before.is_none() {
            turn.before = Some(self.books.before(turn.listing));
        }
        let record = Record {
            time,
            market_time: Some(turn.bar.close_time),
            more: false,
            entry,
        };
        self.apply(&record);
        turn.records.push(record);
    }

    /// Whether the account can pay for a fill of an order that has `locked` something for it.
    fn can_pay(&self, spec: &Spec, locked: Lock, quantity: Decimal, terms: &Terms) -> bool {
        let currency = self.books.lock_currency(spec);
        let payable = self.books.account.available(currency) + locked;
        match spec.side {
            Side::Sell => self.settings.allow_short || quantity <= payable,
            _ => terms.notional + terms.fee <= payable,
        }
    }
}

/// What a fill comes to.
struct Terms {
    price: Decimal,
    notional: Decimal,
    fee: Decimal,
}

impl Terms {
    /// `None` if a decimal cannot hold it.
    fn of(
        settings: &Settings,
        instrument: &Instrument,
        side: Side,
        execution: Execution,
        liquidity: Liquidity,
        quantity: Decimal,
    ) -> Option<Self> {
        let price = if execution.slips {
            let tick = instrument.tick_size;
            pricing::slipped(execution.price, side, settings.slippage_bps, tick)?
        } else {
            execution.price
        };
        let bps = match liquidity {
            Liquidity::Maker => settings.maker_fee_bps,
            _ => settings.taker_fee_bps,
        };
        let notional = price.checked_mul(quantity)?;
        let fee = pricing::fee(notional, bps)?;
        notional.checked_add(fee)?;
        Some(Self {
            price,
            notional,
            fee,
        })
    }
}
