//! From an intent to an order on its way, or to a denial.

use super::{Core, quote_of, stop};
use crate::engine::arithmetic::Checked;
use crate::engine::event::Command;
use crate::engine::identity::{Key, Seen, SourcePlace, SpecDigest};
use crate::engine::intent::{Intent, OrderSpec};
use crate::engine::orders::Order;
use crate::engine::report::ReportKind;
use crate::engine::risk::{Denial, DenialCode, Situation, check_rules};
use crate::planted::{self, Bug};

use super::tell::{About, Detail};

impl Core {
    /// A line of the stream.
    pub(super) fn on_intent(
        &mut self,
        position: u64,
        intent: Intent,
        seen: Option<Seen>,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        match (intent, seen) {
            (Intent::Order { id: Some(id), spec }, Some(seen)) => {
                self.repeat(id, seen, &spec, out);
            }
            (Intent::Order { id, spec }, _) => {
                let place = SourcePlace { position, index: 0 };
                return self.take_up(place, id, spec, out);
            }
            (Intent::Cancel { id }, seen) => self.cancel(&id, seen, out),
        }
        Ok(())
    }

    /// Takes up a new intent. One that carries an id is known by it.
    pub(super) fn take_up(
        &mut self,
        place: SourcePlace,
        id: Option<String>,
        spec: OrderSpec,
        out: &mut Vec<Command>,
    ) -> Checked<()> {
        let digest = SpecDigest::new(&spec);
        let key = Key::of(&self.origin, id.as_deref(), place);
        let client_order_id = self.client_order_ids.id(key);
        let verdict = self.judge(&spec, &client_order_id);
        if let Some(id) = &id {
            let seen = Seen {
                digest,
                client_order_id: verdict.is_ok().then(|| client_order_id.clone()),
            };
            let id = id.clone();
            out.push(Command::TakenUp { id, seen });
        }
        match verdict {
            Err(denial) => {
                self.orders.count_denied();
                self.tell_denied(id, &spec, &denial, out);
                Ok(())
            }
            Ok(()) => {
                let mut order = Order::new(key, digest, id, client_order_id, spec);
                order.place = order.id.is_none().then_some(place);
                self.submit(order, out)
            }
        }
    }

    /// Whether the order may and can be sent.
    fn judge(&self, spec: &OrderSpec, client_order_id: &str) -> Result<(), Denial> {
        if let Some(reason) = &self.halted {
            return Err(Denial::new(
                DenialCode::Halted,
                format!("the run was halted: {reason}"),
            ));
        }
        let is_known = self.orders.get(client_order_id).is_some();
        if is_known && !planted::is(Bug::IdsForgotten) {
            return Err(Denial::new(
                DenialCode::ClientOrderIdTaken,
                format!("another order of this run has the client order id {client_order_id}"),
            ));
        }
        let rules = match &self.instruments {
            None => None,
            Some(known) => Some(known.get(&spec.instrument).ok_or_else(|| {
                Denial::new(
                    DenialCode::UnknownInstrument,
                    format!("the venue does not trade {}", spec.instrument),
                )
            })?),
        };
        let quote = rules.map_or_else(|| quote_of(&spec.instrument), |rules| &rules.quote);
        let reference = self.portfolio.mark_of(&spec.instrument);
        check_rules(spec, &self.support, rules, reference)?;
        if quote != self.portfolio.currency() {
            return Err(Denial::new(
                DenialCode::QuoteCurrency,
                format!(
                    "{} is quoted in {quote}, and the account is kept in {}",
                    spec.instrument,
                    self.portfolio.currency()
                ),
            ));
        }
        let situation = Situation {
            position: self.portfolio.position(&spec.instrument),
            exposure: self.orders.exposure(&spec.instrument),
            reference,
            now: self.now,
        };
        self.risk.check(spec, &situation)
    }

    fn submit(&mut self, order: Order, out: &mut Vec<Command>) -> Checked<()> {
        let client_order_id = order.client_order_id.clone();
        let submission = order.submission();
        self.orders.insert(order)?;
        self.risk.note_sent(self.now);
        self.tell(&client_order_id, About::of(ReportKind::Order), out);
        out.push(Command::Submit(submission));
        Ok(())
    }

    /// A caller's id that is known: the same order is told again, another one stops the run.
    fn repeat(&mut self, id: String, seen: Seen, spec: &OrderSpec, out: &mut Vec<Command>) {
        let same = seen.digest == SpecDigest::new(spec);
        let client_order_id = seen.client_order_id.unwrap_or_default();
        let (code, text) = if same {
            (
                "DUPLICATE_INTENT",
                "this id was taken up before; nothing was sent".to_owned(),
            )
        } else {
            (
                stop::IDEMPOTENCY_CONFLICT,
                format!(
                    "the id `{id}` came again with other parameters; give every order an id of its own"
                ),
            )
        };
        let detail = Detail::code(code, text.clone());
        self.tell_spec(Some(id), client_order_id, spec, detail, out);
        if !same {
            self.stop(stop::IDEMPOTENCY_CONFLICT, text, out);
        }
    }

    /// Takes back an order of the caller's.
    fn cancel(&mut self, id: &str, seen: Option<Seen>, out: &mut Vec<Command>) {
        let Some(seen) = seen else {
            let text = "no order has this id".to_owned();
            return self.tell_cancel_failed("", Some(id), "UNKNOWN_ORDER", text, out);
        };
        let client_order_id = seen.client_order_id.unwrap_or_default();
        match self.orders.get(&client_order_id) {
            Some(order) if !order.state.is_final() => {
                out.push(Command::Cancel(order.reference()));
                self.orders.want_cancel(&client_order_id);
            }
            _ => {
                let text = "the order is final already".to_owned();
                self.tell_cancel_failed(&client_order_id, Some(id), "ALREADY_FINAL", text, out);
            }
        }
    }
}
