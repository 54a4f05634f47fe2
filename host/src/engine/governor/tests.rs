use super::*;
use Sending::{First, Read, Retry};
use proptest::prelude::*;

const MILLI: i64 = 1_000_000;
const SECOND: i64 = 1_000 * MILLI;

fn limits() -> Limits {
    Limits {
        retry_burst: 3,
        retry_interval: Duration::from_secs(2),
        failures_to_open: 2,
        cool_down: Duration::from_secs(1),
        cool_down_cap: Duration::from_secs(5),
        pause: Duration::from_millis(300),
        requests_per_second: None,
    }
}

fn error(kind: ErrorKind) -> AdapterError {
    AdapterError::not_sent(kind, "x")
}

fn at(seconds: i64) -> UnixNanos {
    UnixNanos(seconds * SECOND)
}

fn fail(governor: &mut Governor, kind: ErrorKind, seconds: i64) {
    governor.heard(Err(&error(kind)), at(seconds));
}

#[test]
fn a_burst_of_retries_and_then_one_at_a_time() {
    let mut governor = Governor::new(&limits());
    for _ in 0..3 {
        assert_eq!(governor.may_send(Retry, at(10)), Ok(()));
    }
    assert_eq!(governor.may_send(Retry, at(10)), Err(at(12)));
    assert_eq!(governor.may_send(First, at(10)), Ok(()), "free");
    assert_eq!(governor.may_send(Read, at(10)), Ok(()), "free");
    assert_eq!(governor.may_send(Retry, at(11)), Err(at(12)));
    assert_eq!(governor.may_send(Retry, at(12)), Ok(()));
    assert_eq!(governor.may_send(Retry, at(12)), Err(at(14)));
    // No more than the burst is ever saved up.
    for _ in 0..3 {
        assert_eq!(governor.may_send(Retry, at(1_000)), Ok(()));
    }
    assert_eq!(governor.may_send(Retry, at(1_000)), Err(at(1_002)));
}

#[test]
fn an_ill_venue_is_left_alone_for_longer_and_longer() {
    let mut governor = Governor::new(&limits());
    fail(&mut governor, ErrorKind::Network, 0);
    assert_eq!(governor.may_send(First, at(0)), Ok(()), "once is chance");
    fail(&mut governor, ErrorKind::Timeout, 0);
    assert!(governor.is_open());
    let mut now = 0;
    for cool_down in [1, 2, 4, 5, 5] {
        for sending in [First, Retry, Read] {
            let told = governor.may_send(sending, at(now));
            assert_eq!(told, Err(at(now + cool_down)));
        }
        now += cool_down;
        assert_eq!(governor.may_send(Read, at(now)), Ok(()), "a probe");
        assert!(governor.may_send(First, at(now)).is_err(), "one of them");
        fail(&mut governor, ErrorKind::Network, now);
    }
    assert_eq!(governor.may_send(First, at(now + 5)), Ok(()));
    governor.heard(Ok(()), at(now + 5));
    assert!(!governor.is_open());
    assert_eq!(governor.may_send(First, at(now + 5)), Ok(()));
    // The next illness begins at the beginning.
    fail(&mut governor, ErrorKind::Network, 100);
    fail(&mut governor, ErrorKind::Network, 100);
    assert_eq!(governor.may_send(First, at(100)), Err(at(101)));
}

#[test]
fn what_was_sent_before_it_opened_is_old_news() {
    let mut governor = Governor::new(&limits());
    for _ in 0..5 {
        fail(&mut governor, ErrorKind::Timeout, 0);
    }
    assert_eq!(governor.may_send(First, at(0)), Err(at(1)));
}

#[test]
fn a_refusal_is_an_answer_of_a_venue_that_is_well() {
    for kind in [
        ErrorKind::RateLimited,
        ErrorKind::Auth,
        ErrorKind::InsufficientFunds,
        ErrorKind::InvalidOrder,
        ErrorKind::DuplicateClientOrderId,
        ErrorKind::UnknownOrder,
        ErrorKind::UnknownInstrument,
    ] {
        let mut governor = Governor::new(&limits());
        fail(&mut governor, ErrorKind::Network, 0);
        fail(&mut governor, kind, 1);
        fail(&mut governor, ErrorKind::Network, 2);
        assert_eq!(governor.may_send(First, at(2)), Ok(()), "{kind}");
    }
}

#[test]
fn a_fault_of_our_own_says_nothing_of_the_venue() {
    for kind in [
        ErrorKind::Unsupported,
        ErrorKind::Config,
        ErrorKind::Cancelled,
        ErrorKind::Panicked,
        ErrorKind::Poisoned,
        ErrorKind::Internal,
        ErrorKind::DeadlinePassed,
        ErrorKind::Unrecognized,
    ] {
        let mut governor = Governor::new(&limits());
        fail(&mut governor, ErrorKind::Network, 0);
        fail(&mut governor, kind, 0);
        assert!(!governor.is_open(), "{kind} is no illness");
        fail(&mut governor, ErrorKind::Network, 0);
        assert!(governor.is_open(), "{kind} is no health either");
        assert_eq!(governor.may_send(First, at(1)), Ok(()));
        fail(&mut governor, kind, 1);
        assert!(governor.is_open());
        assert_eq!(governor.may_send(First, at(1)), Ok(()), "another probe");
    }
}

#[test]
fn a_probe_without_an_answer_is_followed_by_another() {
    let mut governor = Governor::new(&limits());
    fail(&mut governor, ErrorKind::Network, 0);
    fail(&mut governor, ErrorKind::Network, 0);
    assert_eq!(governor.may_send(First, at(7)), Ok(()));
    assert_eq!(governor.may_send(First, at(7)), Err(at(8)));
    assert_eq!(governor.may_send(First, at(8)), Ok(()));
}

#[test]
fn the_venues_own_word_wins() {
    let asks = |kind, seconds| error(kind).with_retry_after(Duration::from_secs(seconds));
    for kind in [ErrorKind::RateLimited, ErrorKind::Maintenance] {
        let mut governor = Governor::new(&limits());
        governor.heard(Err(&asks(kind, 30)), at(0));
        governor.heard(Err(&asks(kind, 10)), at(1));
        governor.heard(Ok(()), at(2));
        for sending in [First, Retry, Read] {
            assert_eq!(governor.may_send(sending, at(29)), Err(at(30)));
        }
        assert_eq!(governor.may_send(First, at(30)), Ok(()));
    }

    let mut governor = Governor::new(&limits());
    governor.heard(Err(&error(ErrorKind::RateLimited)), at(0));
    let pause = UnixNanos(300 * MILLI);
    assert_eq!(governor.may_send(First, at(0)), Err(pause));

    let mut governor = Governor::new(&limits());
    governor.heard(Err(&asks(ErrorKind::InsufficientFunds, 30)), at(0));
    assert_eq!(governor.may_send(First, at(0)), Ok(()), "of one order only");
}

#[test]
fn never_more_within_a_second_than_the_venue_takes() {
    let mut governor = Governor::new(&Limits {
        requests_per_second: Some(2),
        ..limits()
    });
    assert_eq!(governor.may_send(First, UnixNanos(0)), Ok(()));
    assert_eq!(governor.may_send(Read, UnixNanos(900 * MILLI)), Ok(()));
    let full = governor.may_send(First, UnixNanos(950 * MILLI));
    assert_eq!(full, Err(at(1)));
    assert_eq!(governor.may_send(First, at(1)), Ok(()));
    assert_eq!(
        governor.may_send(First, at(1)),
        Err(UnixNanos(1_900 * MILLI))
    );
}

#[test]
fn absurd_limits_and_times_are_no_panic() {
    let zero = Limits {
        retry_burst: 0,
        retry_interval: Duration::ZERO,
        failures_to_open: 0,
        cool_down: Duration::MAX,
        cool_down_cap: Duration::ZERO,
        pause: Duration::ZERO,
        requests_per_second: Some(0),
    };
    let most = Limits {
        retry_burst: u32::MAX,
        retry_interval: Duration::MAX,
        failures_to_open: u32::MAX,
        cool_down: Duration::MAX,
        cool_down_cap: Duration::MAX,
        pause: Duration::MAX,
        requests_per_second: Some(u32::MAX),
    };
    for limits in [zero, most] {
        let mut governor = Governor::new(&limits);
        for now in [i64::MIN, -1, 0, i64::MAX] {
            for sending in [First, Retry, Read] {
                let _ = governor.may_send(sending, UnixNanos(now));
                governor.heard(Err(&error(ErrorKind::Network)), UnixNanos(now));
                governor.heard(Err(&error(ErrorKind::RateLimited)), UnixNanos(now));
            }
        }
    }
}

/// Something that happens, so many nanoseconds after what happened before.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Ask(Sending),
    Hear(Option<ErrorKind>, Option<u64>),
}

fn happenings() -> impl Strategy<Value = Vec<(i64, Happening)>> {
    let sending = prop::sample::select(vec![First, Retry, Retry, Read]);
    let kind = prop::sample::select(ErrorKind::ALL.to_vec());
    let ill = prop::sample::select(vec![ErrorKind::Network, ErrorKind::Timeout]);
    let kind = prop_oneof![2 => kind, 3 => ill].prop_map(Some);
    let kind = prop_oneof![2 => kind, 1 => Just(None)];
    let wait = prop::option::weighted(0.3, 0..10 * SECOND.unsigned_abs());
    let happening = prop_oneof![
        3 => sending.prop_map(Happening::Ask),
        2 => (kind, wait).prop_map(|(kind, wait)| Happening::Hear(kind, wait)),
    ];
    let later = prop_oneof![Just(0), 0..SECOND / 4, 0..4 * SECOND];
    prop::collection::vec((later, happening), 1..120)
}

fn any_limits() -> impl Strategy<Value = Limits> {
    let nanos = |most: i64| (0..most.unsigned_abs()).prop_map(Duration::from_nanos);
    let per_second = prop::option::of(1..6_u32);
    (
        1..6_u32,
        nanos(3 * SECOND),
        1..5_u32,
        nanos(2 * SECOND),
        nanos(9 * SECOND),
        per_second,
    )
        .prop_map(
            |(burst, interval, failures, first, longest, per_second)| Limits {
                retry_burst: burst,
                retry_interval: interval,
                failures_to_open: failures,
                cool_down: first,
                cool_down_cap: longest,
                pause: Duration::from_millis(200),
                requests_per_second: per_second,
            },
        )
}

/// Whether no `most + 1` of these moments lie closer together than it takes for one more: within any time
/// `t` there are no more than `most + t / interval`.
fn within(moments: &[UnixNanos], most: u32, interval: Duration) -> bool {
    moments.iter().enumerate().all(|(first, from)| {
        (first..moments.len()).all(|last| {
            let count = (last - first + 1) as u128;
            let time = moments[last].since(*from).as_nanos();
            let more = time.checked_div(interval.as_nanos()).unwrap_or(u128::MAX);
            count <= u128::from(most).saturating_add(more)
        })
    })
}

proptest! {
    /// The first moment that is told is in the future, it is allowed then and not a nanosecond before; and
    /// neither budget nor rate is ever overdrawn.
    #[test]
    fn what_is_told_is_true(limits in any_limits(), happenings in happenings()) {
        let mut governor = Governor::new(&limits);
        let mut now = UnixNanos(0);
        let (mut sent, mut retries) = (Vec::new(), Vec::new());
        for (later, happening) in happenings {
            now = now.after(Duration::from_nanos(later.unsigned_abs()));
            match happening {
                Happening::Ask(sending) => match governor.may_send(sending, now) {
                    Ok(()) => {
                        sent.push(now);
                        if sending == Retry {
                            retries.push(now);
                        }
                    }
                    Err(not_before) => {
                        prop_assert!(not_before > now);
                        let just_before = UnixNanos(not_before.0 - 1);
                        prop_assert_eq!(governor.clone().may_send(sending, just_before), Err(not_before));
                        prop_assert_eq!(governor.clone().may_send(sending, not_before), Ok(()));
                    }
                },
                Happening::Hear(None, _) => governor.heard(Ok(()), now),
                Happening::Hear(Some(kind), wait) => {
                    let mut error = error(kind);
                    error.retry_after_ns = wait;
                    governor.heard(Err(&error), now);
                }
            }
        }
        prop_assert!(within(&retries, limits.retry_burst, limits.retry_interval));
        if let Some(most) = limits.requests_per_second {
            let second = Duration::from_secs(1);
            for (first, from) in sent.iter().enumerate() {
                let count = sent[first..].iter().filter(|at| at.since(*from) < second).count();
                prop_assert!(count <= most as usize);
            }
        }
    }

    /// While nothing is wrong with the venue and it has no rate, only retries ever wait.
    #[test]
    fn a_closed_breaker_never_delays(limits in any_limits(), happenings in happenings()) {
        let mut governor = Governor::new(&Limits { requests_per_second: None, ..limits });
        let mut now = UnixNanos(0);
        let mut in_a_row = 0;
        for (later, happening) in happenings {
            now = now.after(Duration::from_nanos(later.unsigned_abs()));
            match happening {
                Happening::Ask(sending) => {
                    let told = governor.may_send(sending, now);
                    prop_assert!(told.is_ok() || sending == Retry);
                }
                Happening::Hear(kind, _) => {
                    let kind = kind.filter(|kind| !matches!(kind, ErrorKind::RateLimited));
                    in_a_row += u32::from(kind.is_some_and(|kind| sign_of(kind) == Sign::Ill));
                    match kind {
                        Some(kind) if in_a_row < limits.failures_to_open => {
                            governor.heard(Err(&error(kind)), now);
                        }
                        _ => {
                            in_a_row = 0;
                            governor.heard(Ok(()), now);
                        }
                    }
                }
            }
            prop_assert!(!governor.is_open());
        }
    }

    /// While the venue is ill there is at most one request a cool-down, however many ask.
    #[test]
    fn an_open_breaker_lets_no_more_than_probes_through(
        limits in any_limits(),
        times in prop::collection::vec((0..2 * SECOND, any::<bool>()), 1..80),
    ) {
        let mut governor = Governor::new(&limits);
        for _ in 0..limits.failures_to_open {
            governor.heard(Err(&error(ErrorKind::Network)), UnixNanos(0));
        }
        let first = limits.cool_down.min(limits.cool_down_cap);
        let (mut now, mut probes) = (UnixNanos(0), vec![UnixNanos(0)]);
        for (later, fails) in times {
            now = now.after(Duration::from_nanos(later.unsigned_abs()));
            if governor.may_send(First, now).is_ok() {
                probes.push(now);
                if fails {
                    governor.heard(Err(&error(ErrorKind::Timeout)), now);
                }
            }
        }
        for pair in probes.windows(2) {
            prop_assert!(pair[1].since(pair[0]) >= first);
        }
    }
}
