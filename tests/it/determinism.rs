//! The same run gives the same digest, whatever does not belong to it.

use investbot_tests::artifacts::workspace;
use investbot_tests::run::{Session, realish, run};

fn digest(session: Session) -> String {
    session.args(&["--json"]).output().expect(0).digest()
}

#[test]
fn twice_the_same() {
    for args in [
        &["--exchange", "paper"][..],
        &["--exchange", "stub"],
        &["--strategy", "mean-reversion", "--bars", "ethusd-30m"],
        &[
            "--strategy",
            "buy-and-hold",
            "--bars",
            "aapl-1d",
            "--set",
            "volume_share=1",
        ],
    ] {
        assert_eq!(digest(run(args)), digest(run(args)), "{args:?}");
    }
}

#[test]
fn the_seed_decides_what_goes_wrong() {
    let seed = |seed| digest(realish(&["--seed", seed]));
    assert_eq!(seed("1"), seed("1"));
    assert_ne!(seed("1"), seed("2"));
}

#[test]
fn time_zone_and_language_do_not_matter() {
    for session in [|| run(&[]), || realish(&["--seed", "3"])] {
        let elsewhere = session()
            .env("TZ", "Asia/Kathmandu")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("LANG", "ar_EG");
        assert_eq!(digest(session()), digest(elsewhere));
    }
}

/// Bars are shown to a simulated venue lazily; how many at once must not show in what comes of it.
#[test]
fn how_many_bars_are_shown_at_once_does_not_matter() {
    for session in [
        || run(&[]),
        || realish(&["--seed", "4"]),
        || run(&["--exchange", "stub"]),
    ] {
        let batch = |bars| digest(session().env("INVESTBOT_BARS_BATCH", bars));
        let one = batch("1");
        assert_eq!(one, batch("7"));
        assert_eq!(one, batch("65536"));
    }
}

#[test]
fn the_same_bars_from_a_file_give_the_same_digest() {
    let file = workspace().join("data/btcusd-30m.csv");
    let path = file.to_str().expect("the workspace's path is text");
    let from_file = digest(run(&["--bars", path, "--instrument", "BTC/USD"]));
    assert_eq!(digest(run(&[])), from_file);
}

#[test]
fn where_the_record_goes_does_not_matter() {
    assert_eq!(digest(run(&[])), digest(run(&["--run-dir", "kept"])));
}
