//! What the venue behind the network demands and promises.

use std::time::Duration;

use investbot_plugin_api::manifest::{Deadline, Query, VenueClass};
use investbot_plugin_api::op::Operation;
use investbot_plugin_api::serde_json::json;
use investbot_plugin_api::*;
use investbot_venue_sim::testing::params;

use super::world::{SECRET, World, buy, calm, failed, manifest, rest};
use crate::auth::{Credentials, KEY, SECRET as SECRET_NAME};
use crate::exchange::{DEADLINE_MAX, SKEW_MAX};

#[test]
fn the_manifest_is_what_the_adapter_does() {
    let manifest = manifest();
    assert_eq!(manifest.plugin.id, "realish");
    assert!(manifest.plugin.simulated && !manifest.plugin.real_money);
    let capabilities = &manifest.capabilities;
    assert_eq!(capabilities.class(), VenueClass::B);
    let Deadline::Enforced { max_ms, skew_ms } = capabilities.deadline else {
        panic!("{:?}", capabilities.deadline);
    };
    assert_eq!(Duration::from_millis(max_ms), DEADLINE_MAX);
    assert_eq!(Duration::from_millis(skew_ms), SKEW_MAX);
    let Query::ByClientId {
        visibility_lag_ms, ..
    } = capabilities.query
    else {
        panic!("{:?}", capabilities.query);
    };
    let max = |key: &str| manifest.config[key].max.clone();
    let integer = |n: u64| {
        Some(investbot_plugin_api::manifest::ConfigValue::Integer(
            n as i64,
        ))
    };
    assert_eq!(max("visibility_lag_ms"), integer(visibility_lag_ms));
    assert_eq!(max("clock_skew_ms"), integer(skew_ms));
    let secrets: Vec<_> = manifest.secrets.iter().map(|s| s.env.as_str()).collect();
    assert_eq!(secrets, [KEY, SECRET_NAME]);
}

#[test]
fn a_resend_after_the_fill_is_a_second_order() {
    let mut world = World::with(&[]);
    world.bar(1_000);
    let first = world.place(&buy("a")).unwrap();
    assert_eq!(
        failed(world.place(&buy("a"))),
        (Effect::Unknown, ErrorKind::DuplicateClientOrderId)
    );
    world.bar(1_000);
    let second = world.place(&buy("a")).unwrap();
    assert_ne!(first.venue_order_id, second.venue_order_id);
    world.bar(1_000);
    assert_eq!(world.fills().len(), 2);
}

#[test]
fn the_deadline_is_kept_to_the_nanosecond_of_the_venues_clock() {
    for skew in [-250, 0, 250] {
        let world = World::with(&[("clock_skew_ms", json!(skew))]);
        world.wait(10_000);
        let clock = world.fake.now().0 + skew * 1_000_000;
        let mut order = rest("late");
        order.deadline = Some(UnixNanos(clock - 1));
        assert_eq!(
            failed(world.place(&order)),
            (Effect::Rejected, ErrorKind::DeadlinePassed)
        );
        order.client_order_id = "exact".to_owned();
        order.deadline = Some(UnixNanos(clock));
        assert!(world.place(&order).is_ok());
        order.client_order_id = "far".to_owned();
        order.deadline = Some(world.fake.now().after(Duration::from_millis(60_000)));
        assert!(world.place(&order).is_ok(), "within what the manifest says");
        order.client_order_id = "too-far".to_owned();
        order.deadline = Some(world.fake.now().after(Duration::from_millis(60_501)));
        let error = world.place(&order).unwrap_err();
        assert_eq!(error.venue_code.as_deref(), Some("DEADLINE_TOO_FAR"));
        assert_eq!(error.effect, Effect::Rejected);
    }
}

#[test]
fn too_many_requests_are_turned_away_until_the_time_they_name() {
    let world = World::with(&[("requests_per_second", json!(4))]);
    for n in 0..4 {
        world.place(&rest(&format!("o{n}"))).unwrap();
    }
    let error = world.place(&rest("o4")).unwrap_err();
    assert_eq!(
        (error.effect, error.kind),
        (Effect::NotSent, ErrorKind::RateLimited)
    );
    assert!(!world.lives("o4"));
    assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
    world.wait(249);
    assert!(world.place(&rest("o4")).is_err());
    world.wait(1);
    assert!(world.place(&rest("o4")).is_ok());
    assert_eq!(
        failed(world.query("o4")),
        (Effect::NotSent, ErrorKind::RateLimited)
    );
}

#[test]
fn maintenance_comes_and_goes() {
    let world = World::with(&[
        ("maintenance_every_hours", json!(1)),
        ("maintenance_minutes", json!(6)),
    ]);
    let mut closed = 0;
    for n in 0..600 {
        let id = format!("o{n}");
        let health = crate::Adapter::health(
            &world.adapter,
            &investbot_venue_sim::testing::call(&world.host),
        );
        let down = health.unwrap().status == HealthStatus::Down;
        let mut order = rest(&id);
        order.quantity = Decimal::new(3, 2);
        match world.place(&order) {
            Ok(_) => {
                assert!(!down);
                world.cancel(&id).unwrap();
            }
            Err(error) => {
                assert!(down);
                assert_eq!(
                    (error.effect, error.kind),
                    (Effect::NotSent, ErrorKind::Maintenance)
                );
                let left = error.retry_after().unwrap();
                assert!(!left.is_zero() && left <= Duration::from_secs(360));
                assert!(!world.lives(&id));
                closed += 1;
            }
        }
        world.wait(60_000);
    }
    assert_eq!(closed, 60, "6 minutes of every hour");
}

#[test]
fn secrets_are_needed_and_stay_secret() {
    let error = World::of(params(&manifest(), &calm())).err().unwrap();
    assert!(error.message.contains("INVESTBOT_API_KEY"), "{error}");
    let empty = params(&manifest(), &calm())
        .with_secret(KEY, "a key".to_owned().into())
        .with_secret(SECRET_NAME, String::new().into());
    let error = World::of(empty).err().unwrap();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.message.contains("INVESTBOT_API_SECRET"), "{error}");

    let world = World::with(&[]);
    world.place(&rest("a")).unwrap();
    let shown = format!("{:?}{}", world.adapter.client, world.fake.log());
    assert!(!shown.contains(SECRET), "{shown}");
}

#[test]
fn a_request_that_somebody_else_signed_is_refused() {
    let mut world = World::with(&[]);
    let other = params(&manifest(), &calm())
        .with_secret(KEY, "a key".to_owned().into())
        .with_secret(SECRET_NAME, "another secret".to_owned().into());
    world.adapter.client = Credentials::of(&other).unwrap();
    let error = world.place(&rest("a")).unwrap_err();
    assert_eq!(
        (error.effect, error.kind),
        (Effect::Rejected, ErrorKind::Auth)
    );
    assert!(!world.lives("a"));
    assert_eq!(
        failed(world.query("a")),
        (Effect::Rejected, ErrorKind::Auth)
    );
}

#[test]
fn a_signature_covers_operation_time_and_body() {
    let world = World::with(&[]);
    let client = &world.adapter.client;
    let (place, cancel) = (Operation::Place.as_str(), Operation::Cancel.as_str());
    let sign = || client.sign(place, UnixNanos(1), b"body");
    assert!(client.verify(&sign()).is_ok());
    let mut forged = sign();
    forged.operation = cancel;
    assert!(client.verify(&forged).is_err());
    let mut forged = sign();
    forged.time = UnixNanos(2);
    assert!(client.verify(&forged).is_err());
    let mut forged = sign();
    forged.body = b"Body";
    assert!(client.verify(&forged).is_err());
}

#[test]
fn configurations_that_contradict_themselves_are_refused() {
    for (changes, names) in [
        (
            vec![("ack_lost", json!("0.6")), ("request_lost", json!("0.6"))],
            "ack_lost",
        ),
        (
            vec![("event_lost", json!("0.6")), ("event_late", json!("0.6"))],
            "event_late",
        ),
        (vec![("latency_min_ms", json!(30))], "latency_mean_ms"),
        (
            vec![
                ("maintenance_every_hours", json!(1)),
                ("maintenance_minutes", json!(60)),
            ],
            "maintenance_minutes",
        ),
        (vec![("tick_size", json!("0"))], "tick_size"),
    ] {
        let mut all = calm();
        all.extend(changes);
        let error = World::open(&all, 0, None).err().unwrap();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.contains(names), "{error}");
    }
}

#[test]
fn the_venue_survives_its_client() {
    let dir = tempfile::tempdir().unwrap();
    let mut world = World::open(&calm(), 1, Some(dir.path())).unwrap();
    world.bar(1_000);
    world.place(&rest("a")).unwrap();
    let world = World::open(&calm(), 1, Some(dir.path())).unwrap();
    assert_eq!(world.query("a").unwrap().unwrap().status, OrderStatus::Open);
}
