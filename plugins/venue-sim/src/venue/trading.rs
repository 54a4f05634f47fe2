//! What bars do to open orders.

use investbot_plugin_api::{
    Bar, BarBatch, Decimal, Instrument, Liquidity, Side, TimeInForce, UnixNanos, VenueEvent,
};

use super::SimVenue;
use crate::account::Lock;
use crate::matching::{self, Effect, Execution, Moment};
use crate::order::Spec;
use crate::pricing;
use crate::record::{CloseReason, Entry};
use crate::refusal::Refusal;
use crate::settings::Settings;

/// How much of a bar's volume is left; `None` for no limit.
type Capacity = Option<Decimal>;

impl SimVenue {
    /// Shows the venue bars of one instrument, oldest first. What they did to orders is added to
    /// `events`, oldest first, also when an error stops it half way.
    pub fn on_bars(
        &mut self,
        batch: &BarBatch,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), Refusal> {
        let Some(listing) = self.books.listing(&batch.instrument) else {
            return Ok(());
        };
        for bar in &batch.bars {
            // Nothing opens an order between two bars: without one, only the last bar matters.
            if self.books.listings[listing].open.is_empty() {
                break;
            }
            self.match_bar(listing, bar, events)?;
        }
        if let Some(bar) = batch.bars.last() {
            self.books.listings[listing].last = Some(bar.close);
            self.books.market_time = self.books.market_time.max(Some(bar.close_time));
        }
        Ok(())
    }

    fn match_bar(
        &mut self,
        listing: usize,
        bar: &Bar,
        events: &mut Vec<VenueEvent>,
    ) -> Result<(), Refusal> {
        self.books.market_time = self.books.market_time.max(Some(bar.close_time));
        let share = self.settings.volume_share;
        let mut capacity =
            (!share.is_zero()).then(|| bar.volume.checked_mul(share).unwrap_or(bar.volume));
        for moment in [Moment::Open, Moment::Inside] {
            for index in self.books.listings[listing].open.clone() {
                let order = self.books.order(index);
                if Some(bar.open_time) < order.after {
                    continue;
                }
                let (status, filled) = (order.status(), order.filled);
                let fills = self.books.fill_count();
                let matched = self.match_order(index, bar, moment, &mut capacity);
                if self.books.fill_count() > fills {
                    events.push(VenueEvent::Fill(self.books.fill_at(fills)));
                }
                let order = self.books.order(index);
                if (status, filled) != (order.status(), order.filled) {
                    events.push(VenueEvent::Order(self.books.report(index)));
                }
                matched?;
            }
        }
        Ok(())
    }

    fn match_order(
        &mut self,
        index: usize,
        bar: &Bar,
        moment: Moment,
        capacity: &mut Capacity,
    ) -> Result<(), Refusal> {
        let order = self.books.order(index);
        let (accepted, expires) = (order.accepted, order.expires);
        let over = match moment {
            Moment::Open => order.is_over_at(bar.open_time),
            Moment::Inside => order.is_over_at(bar.close_time),
        };
        if let (true, Some(expires)) = (over, expires) {
            return self.close(index, CloseReason::TimeOver, expires);
        }
        let effect = matching::effect(order, bar, moment);
        let time = moment.time(bar, accepted);
        if effect.triggers {
            self.record(time, Entry::Trigger(self.books.name(index)))?;
        }
        if let Some(execution) = effect.execution {
            self.execute(index, effect, execution, moment, time, capacity)?;
        }
        let order = self.books.order(index);
        if moment == Moment::Open && order.is_immediate() && order.is_open() {
            let reason = match order.spec.time_in_force {
                TimeInForce::Fok => CloseReason::FillOrKill,
                _ => CloseReason::ImmediateOrCancel,
            };
            return self.close(index, reason, time);
        }
        Ok(())
    }

    /// Fills as much of an order as the bar, the position and the account allow.
    fn execute(
        &mut self,
        index: usize,
        effect: Effect,
        execution: Execution,
        moment: Moment,
        time: UnixNanos,
        capacity: &mut Capacity,
    ) -> Result<(), Refusal> {
        let order = self.books.order(index);
        let (spec, locked) = (order.spec.clone(), order.locked);
        let (remaining, nth) = (order.remaining(), order.fills + 1);
        let liquidity = effect.liquidity(order, moment);
        let fill_id = order.fill_id(nth);
        let instrument = &self.books.listings[spec.instrument].instrument;

        let wanted = if spec.reduce_only {
            remaining.min(self.reducible(&spec))
        } else {
            remaining
        };
        if wanted.is_zero() {
            return self.close(index, CloseReason::NothingToReduce, time);
        }
        let quantity = pricing::whole_lots(
            capacity.map_or(wanted, |left| wanted.min(left)),
            instrument.lot_size,
        );
        let killed = spec.time_in_force == TimeInForce::Fok && quantity < remaining;
        if quantity.is_zero() || killed {
            return Ok(());
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
            return self.close(index, CloseReason::TooLarge, time);
        };
        if !self.can_pay(&spec, locked, quantity, &terms) {
            return self.close(index, CloseReason::InsufficientFunds, time);
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
        self.record(time, entry)?;
        if let Some(left) = capacity {
            *left -= quantity;
        }
        Ok(())
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
