//! What ends a run before its source does.

use super::*;

#[test]
fn a_loss_beyond_the_limit_halts_and_cancels() {
    let mut bench = Bench::new(RiskLimits {
        loss_limit: Some(dec("50")),
        ..RiskLimits::default()
    });
    let filled = bench.open("a", "1");
    bench.fill(fill(&filled, "f", "1"));
    let open = bench.open("b", "1");
    assert!(bench.bar(0, "50").stops.is_empty(), "exactly the limit");
    let halted = bench.bar(1, "49.99");
    assert_eq!(halted.stops, ["LOSS_LIMIT"]);
    assert_eq!(halted.cancelled, [open]);
    assert!(bench.bar(2, "1").stops.is_empty(), "once");
    assert_eq!(bench.intent(None, buy("1")).told(), ["HALTED"]);
}

#[test]
fn numbers_too_large_stop_the_run() {
    let mut bench = Bench::new(RiskLimits::default());
    let id = bench.open("a", "1");
    bench.fill(fill(&id, "f", "1"));
    let stopped = bench.bar(0, "79228162514264337593543950335");
    assert_eq!(stopped.stops, ["ARITHMETIC"]);
    assert_eq!(bench.core.summary().end_equity, None);
    let mut bench = Bench::new(RiskLimits::default());
    let max = "79228162514264337593543950335";
    assert!(bench.intent(None, buy(max)).stops.is_empty());
    assert_eq!(bench.intent(None, buy(max)).stops, ["ARITHMETIC"]);
    bench.bar(0, "1");
}

#[test]
fn a_halt_from_outside() {
    let mut bench = Bench::new(RiskLimits::default());
    let open = bench.open("a", "1");
    let halted = bench.step(Input::Halt {
        reason: "SIGINT".into(),
        now: UnixNanos(5),
    });
    assert_eq!(halted.told(), ["HALTED"]);
    assert_eq!(halted.reports[0].kind, ReportKind::Halt);
    assert!(halted.stops.is_empty() && halted.cancelled.is_empty());
    assert_eq!(bench.core.halted(), Some("SIGINT"));
    assert_eq!(bench.state(&open), OrderState::Accepted);
}
