use super::*;
use investbot_plugin_api::UnixNanos;
use proptest::prelude::*;

const HOUR_NS: i64 = 3_600_000_000_000;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn bar(number: i64) -> Bar {
    Bar {
        open_time: UnixNanos(number * HOUR_NS),
        close_time: UnixNanos((number + 1) * HOUR_NS),
        open: Decimal::ONE,
        high: Decimal::ONE,
        low: Decimal::ONE,
        close: Decimal::ONE,
        volume: Decimal::ONE,
    }
}

fn run(equities: &[Decimal]) -> Performance {
    let mut performance = Performance::default();
    for (number, equity) in (0..).zip(equities) {
        performance
            .on_bar(&bar(number), *equity, number % 4 == 0)
            .expect("fits");
    }
    performance
}

#[test]
fn the_deepest_fall_is_relative_to_its_peak() {
    let equities = ["100", "90", "200", "185", "150", "210", "170"].map(dec);
    // 100 to 90 is 10 %, 200 to 150 is 25 %, 210 to 170 is 19 %.
    assert_eq!(run(&equities).max_drawdown(), dec("0.25"));
    assert_eq!(run(&equities[..2]).max_drawdown(), dec("0.1"));
    assert_eq!(run(&equities[..1]).max_drawdown(), Decimal::ZERO);
    assert_eq!(run(&[]).max_drawdown(), Decimal::ZERO);
}

#[test]
fn sharpe_by_hand() {
    // Returns 10 %, -5 %, 20 %: mean 8.3333 %, sample deviation 12.583 %; 8760 hours a year.
    let equities = ["100", "110", "104.5", "125.4"].map(dec);
    assert_eq!(run(&equities).sharpe(), Some(61.984_718));
    assert_eq!(
        run(&equities[..2]).sharpe(),
        None,
        "one return has no deviation"
    );
    assert_eq!(run(&[dec("5"); 9]).sharpe(), None, "nothing moved");
}

#[test]
fn exposure_is_a_share_of_bars() {
    assert_eq!(run(&[Decimal::ONE; 10]).exposure(), Some(dec("0.3")));
    assert_eq!(run(&[]).exposure(), None);
}

#[test]
fn a_ruined_account_is_no_fault() {
    let performance = run(&["100", "50", "0", "-50", "20"].map(dec));
    assert_eq!(performance.max_drawdown(), dec("1.5"));
    assert!(performance.sharpe().is_some());
}

proptest! {
    #[test]
    fn drawdown_equals_the_definition(equities in prop::collection::vec(1_i64..1_000_000, 0..50)) {
        let equities: Vec<_> = equities.into_iter().map(|cents| Decimal::new(cents, 2)).collect();
        let (mut peak, mut worst) = (Decimal::ZERO, Decimal::ZERO);
        for equity in &equities {
            peak = peak.max(*equity);
            worst = worst.max((peak - equity) / peak);
        }
        prop_assert_eq!(run(&equities).max_drawdown(), worst.round_dp(8).normalize());
    }
}
