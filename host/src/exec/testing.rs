//! What the tests of this room share: a venue of which a test writes only what it is about, and
//! manifests of every class.

use investbot_plugin_api::manifest::{Manifest, VenueClass};
use investbot_plugin_api::{
    AdapterError, AmendOrder, Balance, BarBatch, CancelOrder, ErrorKind, FillsPage, Health,
    Instrument, NewOrder, OpenOrders, OrderRef, OrderReport, Position, VenueEvent,
};

use crate::plugin::{Answer, Venue};

/// How a venue answers about orders.
pub(super) trait Behaviour: Send + Sync {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport>;

    fn order(&self, _: &OrderRef) -> Answer<Option<OrderReport>> {
        Ok(None)
    }

    fn open_orders(&self) -> Answer<OpenOrders> {
        Ok(OpenOrders::complete(Vec::new()))
    }
}

/// A venue that trades nothing but what its behaviour says.
pub(super) struct TestVenue<B>(pub(super) B);

impl<B: Behaviour> Venue for TestVenue<B> {
    fn place(&self, order: &NewOrder) -> Answer<OrderReport> {
        self.0.place(order)
    }
    fn order(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        self.0.order(order)
    }
    fn open_orders(&self) -> Answer<OpenOrders> {
        self.0.open_orders()
    }
    fn cancel(&self, _: &CancelOrder) -> Answer<OrderReport> {
        Err(AdapterError::rejected(
            ErrorKind::UnknownOrder,
            "no such order",
        ))
    }
    fn amend(&self, _: &AmendOrder) -> Answer<OrderReport> {
        Err(AdapterError::unsupported("amend"))
    }
    fn fills_since(&self, _: Option<&str>) -> Answer<FillsPage> {
        Ok(FillsPage::default())
    }
    fn instruments(&self) -> Answer<Vec<Instrument>> {
        Ok(Vec::new())
    }
    fn balances(&self) -> Answer<Vec<Balance>> {
        Ok(Vec::new())
    }
    fn positions(&self) -> Answer<Vec<Position>> {
        Ok(Vec::new())
    }
    fn health(&self) -> Answer<Health> {
        Ok(Health::ok())
    }
    fn on_bars(&self, _: &BarBatch) -> Answer<()> {
        Ok(())
    }
    fn shutdown(&self) -> Answer<()> {
        Ok(())
    }
    fn drain_events(&self, _: &mut Vec<VenueEvent>) {}
}

const FULL_QUERY: &str =
    "{ kind = 'by_client_id', includes_closed = true, visibility_lag_ms = 2000 }";

/// The manifest of a venue of the class.
pub(super) fn manifest(class: VenueClass) -> Manifest {
    const NONE: &str = "{ kind = 'none' }";
    let (dedupe, deadline, query) = match class {
        VenueClass::A => ("permanent", NONE, FULL_QUERY),
        VenueClass::B => (
            "open_only",
            "{ kind = 'enforced', max_ms = 60000, skew_ms = 250 }",
            FULL_QUERY,
        ),
        VenueClass::C => ("none", NONE, FULL_QUERY),
        VenueClass::D => ("none", NONE, "{ kind = 'open_only' }"),
        _ => ("none", NONE, NONE),
    };
    let text = format!(
        "plugin = {{ id = 'test', version = '1.0.0', requires_api = '1.0', description = 'x' }}
        [capabilities]
        order_types = ['market']
        times_in_force = ['gtc']
        max_in_flight = 4
        client_order_id = {{ charset = 'hex', max_length = 32 }}
        dedupe = {{ kind = '{dedupe}' }}
        deadline = {deadline}
        query = {query}"
    );
    let manifest: Manifest = toml::from_str(&text).expect("a manifest");
    assert_eq!(manifest.capabilities.class(), class);
    manifest
}
