use super::*;
use crate::engine::retry::Backoff;
use investbot_plugin_api::Side;
use proptest::prelude::*;

const LAG: Duration = Duration::from_millis(2_000);
const SKEW: Duration = Duration::from_millis(1_000);
const T: UnixNanos = UnixNanos::from_millis(10_000);
/// The first moment at which "not found" proves something: T + δ + Λ and a nanosecond.
const PROOF: UnixNanos = UnixNanos(13_000_000_001);
const NOW: UnixNanos = UnixNanos::from_millis(1_000);
const KEY: &str = "00112233445566778899aabbccddeeff";

fn retry() -> RetryPolicy {
    RetryPolicy {
        max_attempts: 3,
        max_queries: 4,
        backoff: Backoff {
            seed: 1,
            base: Duration::from_millis(100),
            cap: Duration::from_secs(1),
        },
    }
}

fn capabilities(class: &str) -> Capabilities {
    let (dedupe, deadline, query) = match class {
        "A" => ("permanent", "none", "by_client_id"),
        "B" => ("open_only", "enforced", "by_client_id"),
        "C" => ("none", "none", "by_client_id"),
        "D" => ("none", "none", "open_only"),
        _ => ("none", "none", "none"),
    };
    serde_json::from_value(serde_json::json!({
        "order_types": ["market"],
        "times_in_force": ["gtc"],
        "max_in_flight": 1,
        "client_order_id": {"charset": "hex", "max_length": 32},
        "dedupe": {"kind": dedupe},
        "deadline": {"kind": deadline, "max_ms": 60_000, "skew_ms": 1_000},
        "query": {"kind": query, "includes_closed": true, "visibility_lag_ms": 2_000},
        "definitive_codes": ["-2010"],
    }))
    .expect("capabilities")
}

fn protocol(class: &str) -> Protocol {
    let protocol = Protocol::new(&capabilities(class), retry());
    assert_eq!(protocol.class.as_str(), class);
    protocol
}

fn pending(attempt: u32, in_doubt: bool) -> Pending<'static> {
    Pending {
        key: KEY,
        attempt,
        first_sent: UnixNanos(0),
        deadline: Some(T),
        inherited_at: None,
        in_doubt,
        failed_queries: 0,
    }
}

fn report(status: OrderStatus) -> OrderReport {
    OrderReport::new(
        "c",
        "v",
        "BTC/USD",
        Side::Buy,
        status,
        1.into(),
        UnixNanos(5),
    )
}

fn unknown() -> AdapterError {
    AdapterError::unknown(ErrorKind::Timeout, "no answer in 5 s")
}

fn not_sent() -> AdapterError {
    AdapterError::not_sent(ErrorKind::Network, "connection refused")
}

fn refused() -> AdapterError {
    AdapterError::rejected(ErrorKind::InvalidOrder, "too small").with_venue_code("-1013")
}

fn duplicate() -> AdapterError {
    AdapterError::rejected(ErrorKind::DuplicateClientOrderId, "seen")
}

/// A step in a few words: what kind, and when relative to NOW in nanoseconds where it has a time.
fn words(step: &Step) -> String {
    let backoff = |attempt: u32| NOW.after(retry().backoff.delay(KEY, attempt));
    let when = |at: UnixNanos, after: u32| {
        if at == PROOF {
            "at proof".to_owned()
        } else if at == NOW.after(LAG) {
            "after lag".to_owned()
        } else if at == backoff(after) {
            "after backoff".to_owned()
        } else {
            format!("at {}", at.0)
        }
    };
    match step {
        Step::Done(Outcome::Accepted(_)) => "accepted".into(),
        Step::Done(Outcome::Rejected { code, .. }) => format!("rejected {code}"),
        Step::Done(Outcome::Abandoned { .. }) => "abandoned".into(),
        Step::Done(Outcome::Held { .. }) => "held".into(),
        Step::Done(other) => format!("{other:?}"),
        Step::Resend { attempt, at } => format!("resend {attempt} {}", when(*at, attempt - 1)),
        Step::NextAttempt { attempt, at } => {
            format!("attempt {attempt} {}", when(*at, attempt - 1))
        }
        Step::Query { at } => format!("query {}", when(*at, 1)),
    }
}

fn next(class: &str, order: Pending<'_>, event: &Event<'_>) -> String {
    words(&protocol(class).next(&order, event, NOW))
}

const CLASSES: [&str; 5] = ["A", "B", "C", "D", "E"];

fn row(order: Pending<'_>, event: &Event<'_>) -> [String; 5] {
    CLASSES.map(|class| next(class, order, event))
}

/// Where a new session ends the old one, nothing is under way of an order that was inherited: a query tells.
#[test]
fn a_session_fence_proves_absence_without_a_deadline() {
    let inherited = Pending {
        deadline: None,
        inherited_at: Some(NOW),
        ..pending(1, true)
    };
    let visible = NOW.after(LAG);
    let next_attempt = Step::NextAttempt {
        attempt: 2,
        at: visible.after(retry().backoff.delay(KEY, 1)),
    };
    for class in ["A", "C"] {
        let mut fenced = protocol(class);
        fenced.session_fence = true;
        let asked = fenced.next(&inherited, &Event::Interrupted, NOW);
        assert_eq!(asked, Step::Query { at: visible }, "{class}");
        let not_found = |began_at| fenced.next(&inherited, &Event::NotFound { began_at }, visible);
        assert_eq!(not_found(visible), next_attempt, "{class}");
        // Asked too early, it proves nothing yet.
        let early = UnixNanos(visible.0 - 1);
        assert_eq!(not_found(early), Step::Query { at: visible }, "{class}");
        // What this session sent is under way still.
        let ours = Pending {
            inherited_at: None,
            ..inherited
        };
        let answer = fenced.next(&ours, &Event::NotFound { began_at: visible }, visible);
        assert!(
            !matches!(answer, Step::NextAttempt { .. }),
            "{class}: {answer:?}"
        );
        let unfenced = protocol(class);
        let answer = unfenced.next(&inherited, &Event::NotFound { began_at: visible }, visible);
        assert!(
            !matches!(answer, Step::NextAttempt { .. }),
            "{class}: {answer:?}"
        );
    }
}

#[test]
fn what_the_venue_says_is_the_same_in_every_class() {
    for class in CLASSES {
        for status in [
            OrderStatus::Open,
            OrderStatus::Filled,
            OrderStatus::Unrecognized,
        ] {
            let report = report(status);
            for in_doubt in [false, true] {
                let order = pending(1, in_doubt);
                assert_eq!(next(class, order, &Event::Placed(&report)), "accepted");
                assert_eq!(next(class, order, &Event::Found(&report)), "accepted");
            }
        }
        let rejected = report(OrderStatus::Rejected);
        let order = pending(1, false);
        assert_eq!(
            next(class, order, &Event::Placed(&rejected)),
            "rejected rejected"
        );
        assert_eq!(
            next(class, pending(1, true), &Event::Found(&rejected)),
            "rejected rejected"
        );
        assert_eq!(
            next(class, order, &Event::PlaceFailed(&refused())),
            "rejected -1013"
        );
        let declared = unknown().with_venue_code("-2010");
        assert_eq!(
            next(class, order, &Event::PlaceFailed(&declared)),
            "rejected -2010"
        );
    }
}

#[test]
fn an_unbelieved_venue_has_no_definitive_codes() {
    let declared = unknown().with_venue_code("-2010");
    let step =
        Protocol::untrusted(retry()).next(&pending(1, false), &Event::PlaceFailed(&declared), NOW);
    assert_eq!(words(&step), "held");
}

#[test]
fn after_unknown() {
    let error = unknown();
    let event = Event::PlaceFailed(&error);
    assert_eq!(
        row(pending(1, false), &event),
        [
            "resend 2 after backoff",
            "query at proof",
            "query after lag",
            "query at 1000000000",
            "held"
        ]
    );
    assert_eq!(
        row(pending(3, true), &event),
        [
            "query after lag",
            "query at proof",
            "query after lag",
            "query at 1000000000",
            "held"
        ]
    );
}

#[test]
fn after_not_sent() {
    let error = not_sent();
    let event = Event::PlaceFailed(&error);
    assert!(
        row(pending(2, false), &event)
            .iter()
            .all(|s| s == "attempt 3 after backoff")
    );
    assert!(
        row(pending(3, false), &event)
            .iter()
            .all(|s| s == "abandoned")
    );
    // That this attempt was not sent says nothing about the one before.
    assert_eq!(
        row(pending(2, true), &event),
        [
            "resend 3 after backoff",
            "query at proof",
            "query after lag",
            "query at 1000000000",
            "held"
        ]
    );
    let futile = AdapterError::not_sent(ErrorKind::InvalidOrder, "no such type");
    assert!(
        row(pending(1, false), &Event::PlaceFailed(&futile))
            .iter()
            .all(|s| s == "abandoned")
    );
}

#[test]
fn a_refusal_of_a_resent_order_is_no_proof() {
    let (refused, rejected) = (refused(), report(OrderStatus::Rejected));
    for event in [Event::PlaceFailed(&refused), Event::Placed(&rejected)] {
        assert_eq!(
            row(pending(2, true), &event),
            [
                "query after lag",
                "query at proof",
                "query after lag",
                "query at 1000000000",
                "held"
            ]
        );
    }
}

#[test]
fn a_taken_client_order_id_is_never_a_rejection() {
    let taken = duplicate();
    for (attempt, in_doubt) in [(1, false), (2, true)] {
        assert_eq!(
            row(pending(attempt, in_doubt), &Event::PlaceFailed(&taken)),
            [
                "query after lag",
                "query at proof",
                "query after lag",
                "query at 1000000000",
                "held"
            ]
        );
    }
}

#[test]
fn after_an_unclean_end_the_venue_is_asked_first() {
    assert_eq!(
        row(pending(1, true), &Event::Interrupted),
        [
            "query after lag",
            "query at proof",
            "query after lag",
            "query at 1000000000",
            "held"
        ]
    );
    let mut blind = protocol("A");
    blind.asking = Asking::Nothing;
    let step = blind.next(&pending(1, true), &Event::Interrupted, NOW);
    assert_eq!(words(&step), "resend 2 after backoff");
}

#[test]
fn not_found() {
    let event = Event::NotFound { began_at: PROOF };
    assert_eq!(
        row(pending(1, true), &event),
        [
            "resend 2 after backoff",
            "attempt 2 after backoff",
            "held",
            "held",
            "held"
        ]
    );
    assert_eq!(
        row(pending(3, true), &event),
        ["held", "abandoned", "held", "held", "held"]
    );
}

#[test]
fn not_found_before_the_deadline_has_passed_proves_nothing() {
    // At T, at T + δ, at T + δ + Λ exactly: each is too early by at least a nanosecond.
    for began_at in [T, T.after(SKEW), T.after(SKEW).after(LAG)] {
        let event = Event::NotFound { began_at };
        assert_eq!(next("B", pending(1, true), &event), "query at proof");
    }
    let event = Event::NotFound { began_at: PROOF };
    assert_eq!(
        next("B", pending(1, true), &event),
        "attempt 2 after backoff"
    );
}

#[test]
fn no_deadline_in_the_order_is_no_proof() {
    let mut order = pending(1, true);
    order.deadline = None;
    let error = unknown();
    assert_eq!(
        next("B", order, &Event::PlaceFailed(&error)),
        "query after lag"
    );
    assert_eq!(
        next(
            "B",
            order,
            &Event::NotFound {
                began_at: UnixNanos(i64::MAX)
            }
        ),
        "held"
    );
    order.deadline = Some(UnixNanos(i64::MAX));
    assert_eq!(
        next(
            "B",
            order,
            &Event::NotFound {
                began_at: UnixNanos(i64::MAX)
            }
        ),
        "held"
    );
}

#[test]
fn a_window_closes() {
    let mut protocol = protocol("A");
    protocol.dedupe_window = Some(Duration::from_secs(4));
    let (order, error) = (pending(1, true), unknown());
    let at = |now: UnixNanos| words(&protocol.next(&order, &Event::PlaceFailed(&error), now));
    assert!(at(NOW).starts_with("resend"));
    let backoff = retry().backoff.delay(KEY, 1);
    let last = UnixNanos::from_millis(2_000).after(Duration::ZERO).0 - backoff.as_nanos() as i64;
    assert!(at(UnixNanos(last - 1)).starts_with("resend"));
    assert!(
        at(UnixNanos(last)).starts_with("query"),
        "exactly half of the window"
    );
}

#[test]
fn the_venues_wish_wins() {
    let wait = Duration::from_secs(30);
    let late = NOW.after(wait);
    let not_sent = not_sent().with_retry_after(wait);
    let unknown = unknown().with_retry_after(wait);
    for class in CLASSES {
        let step = protocol(class).next(&pending(1, false), &Event::PlaceFailed(&not_sent), NOW);
        assert_eq!(
            step,
            Step::NextAttempt {
                attempt: 2,
                at: late
            }
        );
    }
    for class in ["B", "C", "D"] {
        let step = protocol(class).next(&pending(1, false), &Event::PlaceFailed(&unknown), NOW);
        assert_eq!(step, Step::Query { at: late });
    }
    let step = protocol("A").next(&pending(1, false), &Event::PlaceFailed(&unknown), NOW);
    assert_eq!(
        step,
        Step::Resend {
            attempt: 2,
            at: late
        }
    );
    let step = protocol("C").next(&pending(1, true), &Event::QueryFailed(&unknown), NOW);
    assert_eq!(step, Step::Query { at: late });
}

#[test]
fn queries_are_retried_and_then_it_is_held() {
    let error = unknown();
    for failed in 0..3 {
        let mut order = pending(1, true);
        order.failed_queries = failed;
        let step = protocol("B").next(&order, &Event::QueryFailed(&error), NOW);
        let wait = retry().backoff.delay(&format!("{KEY}/query"), failed + 1);
        assert_eq!(
            step,
            Step::Query {
                at: NOW.after(wait)
            }
        );
    }
    let mut order = pending(1, true);
    order.failed_queries = 3;
    assert_eq!(next("B", order, &Event::QueryFailed(&error)), "held");
    let no_such_call = AdapterError::unsupported("order");
    assert_eq!(
        next("B", pending(1, true), &Event::QueryFailed(&no_such_call)),
        "held"
    );
    // An error that says "unknown order" is a failed query, not an answer.
    let odd = AdapterError::rejected(ErrorKind::UnknownOrder, "?");
    assert!(next("B", pending(1, true), &Event::QueryFailed(&odd)).starts_with("query"));
}

#[derive(Clone, Debug)]
enum Any {
    Placed(OrderReport),
    PlaceFailed(AdapterError),
    Interrupted,
    Found(OrderReport),
    NotFound(i64),
    QueryFailed(AdapterError),
}

fn any_report() -> impl Strategy<Value = OrderReport> {
    let statuses: Vec<_> = OrderStatus::ALL
        .iter()
        .copied()
        .chain([OrderStatus::Unrecognized])
        .collect();
    prop::sample::select(statuses).prop_map(report)
}

fn any_error() -> impl Strategy<Value = AdapterError> {
    (
        prop::sample::select(ErrorKind::ALL),
        prop::sample::select(Effect::ALL),
        prop::option::of(prop::sample::select(vec!["-2010", "-1"])),
        prop::option::of(any::<u64>()),
    )
        .prop_map(|(kind, effect, code, wait)| {
            let mut error = AdapterError::new(kind, effect, "x");
            error.venue_code = code.map(str::to_owned);
            error.retry_after_ns = wait;
            error
        })
}

fn any_event() -> impl Strategy<Value = Any> {
    prop_oneof![
        any_report().prop_map(Any::Placed),
        any_error().prop_map(Any::PlaceFailed),
        Just(Any::Interrupted),
        any_report().prop_map(Any::Found),
        prop_oneof![
            0..20_000_000_000_i64,
            PROOF.0 - 2..PROOF.0 + 2,
            any::<i64>()
        ]
        .prop_map(Any::NotFound),
        any_error().prop_map(Any::QueryFailed),
    ]
}

proptest! {
    /// Whatever happens, nothing negative is concluded without one of the three proofs, nothing is
    /// resent where the venue does not dedupe, and nothing is tried more often than allowed.
    #[test]
    fn nothing_negative_without_proof(
        class in prop::sample::select(CLASSES.to_vec()),
        attempt in 1_u32..6,
        in_doubt: bool,
        deadline in prop::option::of(prop_oneof![Just(T.0), any::<i64>()]),
        failed_queries in 0_u32..6,
        now in prop_oneof![Just(NOW.0), any::<i64>()],
        event in any_event(),
    ) {
        let protocol = protocol(class);
        let order = Pending { deadline: deadline.map(UnixNanos), failed_queries, ..pending(attempt, in_doubt) };
        let now = UnixNanos(now);
        let input = match &event {
            Any::Placed(report) => Event::Placed(report),
            Any::PlaceFailed(error) => Event::PlaceFailed(error),
            Any::Interrupted => Event::Interrupted,
            Any::Found(report) => Event::Found(report),
            Any::NotFound(began_at) => Event::NotFound { began_at: UnixNanos(*began_at) },
            Any::QueryFailed(error) => Event::QueryFailed(error),
        };
        let step = protocol.next(&order, &input, now);

        let refused = match &event {
            Any::Found(report) => report.status == OrderStatus::Rejected,
            Any::Placed(report) => report.status == OrderStatus::Rejected && !in_doubt,
            Any::PlaceFailed(error) => {
                let definitive = error.effect == Effect::Rejected
                    || (error.effect == Effect::Unknown && error.venue_code.as_deref() == Some("-2010"));
                definitive && error.kind != ErrorKind::DuplicateClientOrderId && !in_doubt
            }
            _ => false,
        };
        let absent = match &event {
            Any::PlaceFailed(error) => {
                error.effect == Effect::NotSent && error.kind != ErrorKind::DuplicateClientOrderId && !in_doubt
            }
            Any::NotFound(began_at) => {
                // In whole numbers of another kind, so that nothing saturates here.
                class == "B" && deadline.is_some_and(|t| i128::from(*began_at) > i128::from(t) + 3_000_000_000)
            }
            _ => false,
        };
        match &step {
            Step::Done(Outcome::Rejected { .. }) => prop_assert!(refused),
            Step::Done(Outcome::Abandoned { .. }) => prop_assert!(absent),
            Step::Done(Outcome::Absent | Outcome::Unknown { .. }) => prop_assert!(false, "no outcome of this function"),
            Step::Done(Outcome::Held { .. }) => prop_assert!(!refused && !absent),
            Step::Done(Outcome::Accepted(_)) => prop_assert!(matches!(event, Any::Placed(_) | Any::Found(_))),
            Step::NextAttempt { attempt: next, at } => {
                prop_assert!(absent && *next == attempt + 1 && *next <= 3 && *at >= now);
            }
            Step::Resend { attempt: next, at } => {
                prop_assert!(class == "A" && *next == attempt + 1 && *next <= 3 && *at >= now);
            }
            Step::Query { at } => prop_assert!(class != "E" && *at >= now),
        }
        if step.leaves_doubt() {
            prop_assert!(!refused && !absent);
        }
    }
}
