use super::*;
use investbot_plugin_api::{OrderReport, OrderStatus, UnixNanos};
use proptest::prelude::*;

fn dec(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

fn fill(side: Side, price: Decimal, quantity: Decimal, fee: Decimal, currency: &str) -> Fill {
    fill_of("BTC/USD", side, price, quantity, fee, currency)
}

fn fill_of(
    instrument: &str,
    side: Side,
    price: Decimal,
    quantity: Decimal,
    fee: Decimal,
    currency: &str,
) -> Fill {
    let report = OrderReport::new(
        "c",
        "v",
        instrument,
        side,
        OrderStatus::Filled,
        quantity,
        UnixNanos(0),
    );
    let mut fill = Fill::of(&report, "f", price, quantity, UnixNanos(0));
    fill.fee = fee;
    fill.fee_currency = currency.to_owned();
    fill
}

fn account() -> Portfolio {
    Portfolio::new("BTC/USD", "USD", dec("10000"), Decimal::ZERO)
}

fn simple(side: Side, price: &str, quantity: &str) -> Fill {
    fill(side, dec(price), dec(quantity), Decimal::ZERO, "")
}

#[test]
fn a_round_trip() {
    let mut account = account();
    let buy = fill(Side::Buy, dec("100"), dec("2"), dec("0.2"), "USD");
    account.apply(&buy).expect("fits");
    account.apply(&simple(Side::Buy, "110", "2")).expect("fits");
    assert_eq!(account.main().average_price(), Some(dec("105")));
    account.mark(dec("120")).expect("fits");
    assert_eq!(account.equity(), Ok(dec("10059.8")));

    account
        .apply(&simple(Side::Sell, "120", "1"))
        .expect("fits");
    assert_eq!(account.main().realised, dec("15"));
    account.apply(&simple(Side::Sell, "90", "3")).expect("fits");
    assert_eq!(account.main().realised, dec("-30"));
    assert_eq!(account.main().quantity, Decimal::ZERO);
    assert_eq!(account.main().cost, Decimal::ZERO);
    assert_eq!(account.cash(), dec("9969.8"));
    assert_eq!(account.fees()["USD"], dec("0.2"));
    assert_eq!(account.turnover(), dec("810"));
}

#[test]
fn a_sale_can_turn_the_position_short() {
    let mut account = account();
    account.apply(&simple(Side::Buy, "100", "1")).expect("fits");
    account
        .apply(&simple(Side::Sell, "110", "3"))
        .expect("fits");
    assert_eq!(account.main().quantity, dec("-2"));
    assert_eq!(account.main().average_price(), Some(dec("110")));
    account.apply(&simple(Side::Buy, "100", "2")).expect("fits");
    assert_eq!(account.main().realised, dec("30"));
    assert_eq!(account.cash(), dec("10030"));
}

#[test]
fn a_fee_in_base_currency_costs_position() {
    let mut account = account();
    let buy = fill(Side::Buy, dec("100"), dec("2"), dec("0.002"), "BTC");
    account.apply(&buy).expect("fits");
    account.mark(dec("100")).expect("fits");
    assert_eq!(account.main().quantity, dec("1.998"));
    assert_eq!(account.equity(), Ok(dec("9999.8")));
    assert_eq!(account.main().realised, dec("-0.2"));
}

#[test]
fn a_fee_in_something_else_is_only_summed_up() {
    let mut account = account();
    let buy = fill(Side::Buy, dec("100"), dec("2"), dec("0.5"), "BNB");
    account.apply(&buy).expect("fits");
    assert_eq!(account.equity(), Ok(dec("10000")));
    assert_eq!(account.fees()["BNB"], dec("0.5"));
}

#[test]
fn what_was_held_at_the_start_is_worth_its_first_price() {
    let mut account = Portfolio::new("BTC/USD", "USD", dec("100"), dec("2"));
    assert_eq!(account.start_equity(), None);
    account.mark(dec("50")).expect("fits");
    account.mark(dec("60")).expect("fits");
    assert_eq!(account.start_equity(), Some(dec("200")));
    assert_eq!(account.equity(), Ok(dec("220")));
    account.apply(&simple(Side::Sell, "60", "2")).expect("fits");
    assert_eq!(account.main().realised, dec("20"));
}

#[test]
fn other_instruments_are_worth_their_last_fill() {
    let mut account = account();
    let buy = |price| {
        fill_of(
            "ETH/USD",
            Side::Buy,
            dec(price),
            dec("1"),
            Decimal::ZERO,
            "",
        )
    };
    account.apply(&buy("10")).expect("fits");
    account.apply(&buy("12")).expect("fits");
    assert_eq!(account.equity(), Ok(dec("10002")));
    assert_eq!(account.position("ETH/USD"), dec("2"));
    assert_eq!(account.mark_of("ETH/USD"), Some(dec("12")));
}

#[test]
fn too_much_is_an_answer() {
    let mut account = account();
    let huge = fill(Side::Buy, Decimal::MAX, dec("2"), Decimal::ZERO, "");
    assert!(account.apply(&huge).is_err());
}

proptest! {
    /// The account is what adding its fills up gives, and profit adds up: what was realised and what is
    /// not yet are the change in worth, less fees.
    #[test]
    fn equals_recomputation(
        fills in prop::collection::vec((any::<bool>(), 1_i64..100_000, 1_i64..1_000_000, 0_i64..1_000), 0..60),
        mark in 1_i64..100_000,
    ) {
        let mut account = account();
        let (mut cash, mut position, mut fees, mut turnover) = (dec("10000"), Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
        for (buy, price, quantity, fee) in fills {
            let (price, quantity, fee) = (Decimal::new(price, 2), Decimal::new(quantity, 5), Decimal::new(fee, 4));
            let side = if buy { Side::Buy } else { Side::Sell };
            account.apply(&fill(side, price, quantity, fee, "USD")).expect("fits");
            position += side.sign() * quantity;
            cash -= side.sign() * quantity * price + fee;
            fees += fee;
            turnover += quantity * price;
        }
        let mark = Decimal::new(mark, 2);
        account.mark(mark).expect("fits");
        let equity = cash + position * mark;
        prop_assert_eq!(account.cash(), cash);
        prop_assert_eq!(account.main().quantity, position);
        prop_assert_eq!(account.turnover(), turnover);
        prop_assert_eq!(account.equity(), Ok(equity));
        let unrealised = position * mark - account.main().cost;
        prop_assert_eq!(account.main().realised + unrealised - fees, equity - dec("10000"));
    }
}
