//! The same run is the same to the last byte, on whatever machine, in whatever batches.

use std::collections::BTreeSet;

use crate::program::{Run, run};
use investbot_tests::scratch;

/// A short run with much trouble.
const RUNS: [&[&str]; 5] = [
    &["--exchange", "paper"],
    &["--exchange", "stub", "--strategy", "mean-reversion"],
    &[
        "--exchange",
        "paper",
        "--strategy",
        "buy-and-hold",
        "--bars",
        "ethusd-30m",
    ],
    &[
        "--exchange",
        "realish",
        "--seed",
        "7",
        "--param",
        "fast=3",
        "--param",
        "slow=9",
    ],
    &[
        "--exchange",
        "realish",
        "--seed",
        "8",
        "--bars",
        "ethusd-30m",
        "--set",
        "ack_lost=0.3",
        "--set",
        "event_lost=0.3",
        "--set",
        "event_late=0.3",
    ],
];

fn of(args: &[&str]) -> Run {
    run(args)
        .keys()
        .args(["--json", "--from", "2017-10-01", "--to", "2018-04-01"])
}

fn digest(run: Run) -> String {
    run.end().with_code(0).digest()
}

#[test]
fn the_same_run_twice_leaves_the_same_bytes() {
    for args in RUNS {
        let dir = scratch();
        let files = ["one", "two"].map(|name| {
            let _ = of(args)
                .flag("--run-dir", dir.join(name))
                .end()
                .with_code(0);
            [
                "reports.jsonl",
                "fills.jsonl",
                "fills.csv",
                "venue/ledger.jsonl",
            ]
            .map(|file| std::fs::read_to_string(dir.join(name).join(file)).unwrap())
        });
        assert!(files[0] == files[1], "{args:?}");
        assert!(!files[0][1].is_empty(), "{args:?} trades");
    }
}

#[test]
fn surroundings_change_nothing() {
    for args in RUNS {
        let here = digest(of(args));
        let abroad = of(args)
            .env("TZ", "Asia/Kathmandu")
            .env("LC_ALL", "tr_TR.UTF-8")
            .env("LANG", "de_DE");
        assert_eq!(digest(abroad), here, "{args:?}");
        let dir = scratch();
        let elsewhere = of(args)
            .in_dir(&dir)
            .flag("--log", "trace")
            .flag("--run-dir", dir.join("run"));
        assert_eq!(digest(elsewhere), here, "{args:?}");
    }
}

/// A venue with nothing to fill has nothing to say about a bar: how many it is shown at once is a matter
/// of speed alone.
#[test]
fn how_many_bars_are_shown_at_once_changes_nothing() {
    for args in RUNS {
        let digests: BTreeSet<_> = ["1", "2", "256", "65536"]
            .map(|batch| digest(of(args).env("INVESTBOT_BARS_BATCH", batch)))
            .into();
        assert_eq!(digests.len(), 1, "{args:?}: {digests:?}");
    }
}

#[test]
fn another_seed_is_another_bad_network() {
    let digests: BTreeSet<_> = (0..5)
        .map(|seed: u32| {
            let seed = seed.to_string();
            // Without the name of the run, which is made of its configuration.
            digest(of(&[
                "--exchange",
                "realish",
                "--run-id",
                "seeds",
                "--seed",
                &seed,
            ]))
        })
        .collect();
    assert_eq!(digests.len(), 5);
    let paper: BTreeSet<_> = ["1", "2"]
        .map(|seed| digest(of(&["--run-id", "seeds", "--seed", seed])))
        .into();
    assert_eq!(paper.len(), 1, "on paper nothing is drawn");
}

/// The path of the configuration makes no difference either: a flag, a variable, a file.
#[test]
fn the_way_of_a_setting_changes_nothing() {
    let dir = scratch();
    dir.file(
        "investbot.toml",
        "[exchange]\nkind = \"realish\"\n[run]\nseed = 3\n[strategy.params]\nfast = 5\n",
    );
    dir.file(
        ".env",
        "INVESTBOT_API_KEY=key\nINVESTBOT_API_SECRET=secret\n",
    );
    let file = digest(run(["--json"]).in_dir(&dir));
    let flags = run([
        "--json",
        "--exchange",
        "realish",
        "--seed",
        "3",
        "--param",
        "fast=5",
    ])
    .keys();
    let variables = run(["--json"])
        .keys()
        .env("INVESTBOT_EXCHANGE_KIND", "realish")
        .env("INVESTBOT_RUN_SEED", "3")
        .env("INVESTBOT_STRATEGY_PARAMS_FAST", "5");
    assert_eq!(digest(flags), file);
    assert_eq!(digest(variables), file);
}
