//! Other versions and other compilers' settings: what was built once must work for ever. docs/VERSIONS.md says what is
//! promised; tests/corpus has what must never be edited.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::program::{Ended, Run, program, run};
use investbot_tests::artifacts::{plugin, workspace};
use investbot_tests::corpus::{API_1_0, Source, api_1_0, build};
use investbot_tests::{Scratch, patch, scratch};
use serde_json::{Value, json};

/// Builds a crate once a process.
fn once(built: &'static OnceLock<PathBuf>, make: impl FnOnce() -> PathBuf) -> &'static Path {
    built.get_or_init(make)
}

fn built(dir: &Path, args: &[&str]) -> PathBuf {
    build(dir, args).unwrap_or_else(|said| panic!("{said}"))
}

/// The plugin of 1.0, built against the API of 1.0.
fn stub_1_0() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    once(&BUILT, || {
        let stub = Source::of("tests/corpus/stub-1.0").plugin("stub-of-1-0", &api_1_0(), "");
        built(&stub.place("stub-of-1-0"), &[])
    })
}

/// The host of 1.0.
fn host_1_0() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    once(&BUILT, || {
        let host = Source::of("tests/corpus/old-host").host("host-of-1-0", &api_1_0());
        built(&host.place("host-of-1-0"), &[])
    })
}

/// An API that has grown as a minor version may: a field more in an order, a field more in a report, a status and a
/// liquidity more.
fn api_1_1() -> PathBuf {
    let order = "    #[n(11)]\n    pub deadline: Option<UnixNanos>,\n";
    let report = "    #[n(9)]\n    pub fills: Vec<Fill>,\n";
    Source::of(API_1_0)
        .edited("Cargo.toml", "version = \"1.0.0\"", "version = \"1.1.0\"")
        .edited(
            "src/order.rs",
            order,
            &format!("{order}    /// Shown in parts.\n    #[n(12)]\n    pub iceberg: Option<u64>,\n"),
        )
        .edited(
            "src/order.rs",
            "            deadline: None,\n",
            "            deadline: None,\n            iceberg: None,\n",
        )
        .edited("src/op.rs", "Self::Place | Self::PlaceBatch => Some(12)", "Self::Place | Self::PlaceBatch => Some(13)")
        .edited(
            "src/report.rs",
            report,
            &format!("{report}    /// Where it stands.\n    #[n(10)]\n    pub queue: Option<u64>,\n"),
        )
        .edited(
            "src/report.rs",
            "            fills: Vec::new(),\n",
            "            fills: Vec::new(),\n            queue: None,\n",
        )
        .edited(
            "src/report.rs",
            "        Rejected = 5 \"rejected\",\n",
            "        Rejected = 5 \"rejected\",\n        /// Waits for an auction.\n        Parked = 6 \"parked\",\n",
        )
        .edited(
            "src/report.rs",
            "        Taker = 1 \"taker\",\n",
            "        Taker = 1 \"taker\",\n        /// In an auction.\n        Auction = 2 \"auction\",\n",
        )
        .place("plugin-api-1.1")
}

/// A plugin of the future: an order is parked at first, its fill comes from an auction, and its report has a field that
/// today's host has never heard of.
fn stub_1_1() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    once(&BUILT, || {
        let answer = "        Ok(filled.report())\n";
        let parked = "        let mut report = filled.report();\n        report.status = OrderStatus::Parked;\n        \
                      report.filled_quantity = Decimal::ZERO;\n        report.fills.clear();\n        \
                      report.queue = Some(7);\n        Ok(report)\n";
        let fills = "let fills = orders.flat_map(|order| order.report().fills).collect();";
        let auction = "let fills = orders\n            .flat_map(|order| order.report().fills)\n            \
                       .map(|mut fill| {\n                fill.liquidity = Liquidity::Auction;\n                fill\n            \
                       })\n            .collect();";
        let stub = Source::of("tests/corpus/stub-1.0")
            .edited("src/lib.rs", answer, parked)
            .edited("src/lib.rs", fills, auction)
            .plugin("stub-of-1-1", &api_1_1(), "");
        built(&stub.place("stub-of-1-1"), &[])
    })
}

/// A copy that only its owner can write, as the host wants it.
fn copy(dir: &Scratch, library: &Path, name: &str) -> PathBuf {
    dir.file(name, std::fs::read(library).unwrap())
}

fn trade(dir: &Scratch, library: &Path) -> Run {
    run(["--json", "--run-id", "versions", "--exchange"])
        .arg(library)
        .in_dir(dir)
}

/// The digest of a run on today's stub, and on another build of it.
#[track_caller]
fn trades_like_the_stub(dir: &Scratch, library: &Path) {
    let stub = trade(dir, Path::new("stub")).end().with_code(0);
    let other = trade(dir, library).end().with_code(0);
    assert_eq!(other.digest(), stub.digest());
    let filled = other.summary()["result"]["orders"]["filled"].as_u64();
    assert!(filled > Some(100), "it traded: {filled:?}");
    let sha256 = |ended: &Ended| ended.summary()["plugin"]["sha256"].to_string();
    assert_ne!(sha256(&other), sha256(&stub), "it is another library");
}

/// What a host of some version is answered by a plugin.
fn conversation(host: &Path, library: &Path) -> String {
    let config = r#"{"latency_ms":5,"price":"100","starting_cash":"10000"}"#;
    conversation_with(host, library, config)
}

fn conversation_with(host: &Path, library: &Path, config: &str) -> String {
    let mut host = Command::new(host);
    host.arg(library).arg(config);
    host.args(["INVESTBOT_API_KEY=key", "INVESTBOT_API_SECRET=secret"]);
    let output = host.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_corpus_is_what_it_was() {
    let digest = |dir: &str| format!("{dir} {}", Source::of(dir).sha256());
    let corpus = [API_1_0, "tests/corpus/stub-1.0", "tests/corpus/surface-1.0"].map(digest);
    insta::assert_snapshot!(corpus.join("\n"), @r"
    tests/corpus/plugin-api-1.0 59e7ae653adaff8036aca1b0504ba4c0605f60590a1ad69b7094340243895ee9
    tests/corpus/stub-1.0 762b88a98839a7f4cda3f4e1adca5d4682d5ef4280423e2ed1f9c4c0acd36605
    tests/corpus/surface-1.0 8aae1c9a5370054e79012ecaae8d271492c96f943eba2b40c793e2411296da48
    ");
}

#[test]
fn a_plugin_of_1_0_trades_as_it_does_today_and_conforms() {
    let dir = scratch();
    let library = copy(&dir, stub_1_0(), "old.so");
    trades_like_the_stub(&dir, &library);
    let checked = program("plugin")
        .args(["check", "./old.so", "--json"])
        .in_dir(&dir)
        .end()
        .with_code(0);
    assert_eq!(checked.lines().pop().unwrap()["bad"], 0);
}

/// Frozen, so that a change of today's plugin or API that an old host would see is seen here first.
#[test]
fn a_plugin_of_today_is_understood_by_a_host_of_1_0() {
    let today = conversation(host_1_0(), &plugin("investbot_stub"));
    insta::assert_snapshot!(today, @r#"
    {"host_api":"1.0.0"}
    {"ok":{"message":"","status":"ok"},"op":"health"}
    {"ok":[{"base":"BTC","lot_size":"0.00000001","max_quantity":null,"min_notional":"0","min_quantity":"0.00000001","quote":"USD","symbol":"BTC/USD","tick_size":"0.00000001"}],"op":"instruments"}
    {"ok":null,"op":"on_bars"}
    {"ok":{"client_order_id":"first","filled_quantity":"0.50","fills":[{"client_order_id":"first","fee":"0","fee_currency":"","fill_id":"first","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"0.50","side":"buy","time":1700000000005000000,"venue_order_id":"first"}],"instrument":"BTC/USD","quantity":"0.50","reason":null,"side":"buy","status":"filled","time":1700000000005000000,"venue_order_id":"first"},"op":"place"}
    {"ok":{"client_order_id":"first","filled_quantity":"0.50","fills":[{"client_order_id":"first","fee":"0","fee_currency":"","fill_id":"first","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"0.50","side":"buy","time":1700000000005000000,"venue_order_id":"first"}],"instrument":"BTC/USD","quantity":"0.50","reason":null,"side":"buy","status":"filled","time":1700000000005000000,"venue_order_id":"first"},"op":"place"}
    {"ok":{"client_order_id":"second","filled_quantity":"1","fills":[{"client_order_id":"second","fee":"0","fee_currency":"","fill_id":"second","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"1","side":"buy","time":1700000000015000000,"venue_order_id":"second"}],"instrument":"BTC/USD","quantity":"1","reason":null,"side":"buy","status":"filled","time":1700000000015000000,"venue_order_id":"second"},"op":"place"}
    {"ok":{"client_order_id":"first","filled_quantity":"0.50","fills":[{"client_order_id":"first","fee":"0","fee_currency":"","fill_id":"first","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"0.50","side":"buy","time":1700000000005000000,"venue_order_id":"first"}],"instrument":"BTC/USD","quantity":"0.50","reason":null,"side":"buy","status":"filled","time":1700000000005000000,"venue_order_id":"first"},"op":"order"}
    {"ok":{"client_order_id":"first","filled_quantity":"0.50","fills":[{"client_order_id":"first","fee":"0","fee_currency":"","fill_id":"first","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"0.50","side":"buy","time":1700000000005000000,"venue_order_id":"first"}],"instrument":"BTC/USD","quantity":"0.50","reason":null,"side":"buy","status":"filled","time":1700000000005000000,"venue_order_id":"first"},"op":"cancel"}
    {"ok":{"client_order_id":"second","filled_quantity":"1","fills":[{"client_order_id":"second","fee":"0","fee_currency":"","fill_id":"second","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"1","side":"buy","time":1700000000015000000,"venue_order_id":"second"}],"instrument":"BTC/USD","quantity":"1","reason":null,"side":"buy","status":"filled","time":1700000000015000000,"venue_order_id":"second"},"op":"order"}
    {"ok":{"client_order_id":"second","filled_quantity":"1","fills":[{"client_order_id":"second","fee":"0","fee_currency":"","fill_id":"second","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"1","side":"buy","time":1700000000015000000,"venue_order_id":"second"}],"instrument":"BTC/USD","quantity":"1","reason":null,"side":"buy","status":"filled","time":1700000000015000000,"venue_order_id":"second"},"op":"cancel"}
    {"ok":{"complete":true,"orders":[]},"op":"open_orders"}
    {"ok":{"cursor":"2","fills":[{"client_order_id":"first","fee":"0","fee_currency":"","fill_id":"first","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"0.50","side":"buy","time":1700000000005000000,"venue_order_id":"first"},{"client_order_id":"second","fee":"0","fee_currency":"","fill_id":"second","instrument":"BTC/USD","liquidity":"taker","price":"4000","quantity":"1","side":"buy","time":1700000000015000000,"venue_order_id":"second"}],"more":false},"op":"fills_since"}
    {"ok":[{"available":"1.50","currency":"BTC","total":"1.50"},{"available":"4000.00","currency":"USD","total":"4000.00"}],"op":"balances"}
    {"ok":[{"average_price":null,"instrument":"BTC/USD","quantity":"1.50"}],"op":"positions"}
    {"error":{"effect":"not_sent","kind":"unsupported"},"op":"cancel_all"}
    {"ok":null,"op":"shutdown"}
    "#);
    assert_eq!(conversation(host_1_0(), stub_1_0()), today);
}

/// A host that cannot read an answer says so and fails.
#[test]
fn every_bundled_plugin_is_understood_by_a_host_of_1_0() {
    for name in ["paper", "realish"] {
        let dir = scratch();
        let _ = program("plugin")
            .args(["check", name, "--only", "manifest", "--result", "r.json"])
            .keys()
            .in_dir(&dir)
            .end()
            .with_code(0);
        let result = std::fs::read_to_string(dir.join("r.json")).unwrap();
        let result: Value = serde_json::from_str(&result).unwrap();
        let config = result["body"]["asked"]["config"].to_string();
        let library = plugin(&format!("investbot_{name}"));
        let said = conversation_with(host_1_0(), &library, &config);
        assert_eq!(said.lines().count(), 17, "{said}");
        assert!(said.contains(r#"{"ok":null,"op":"on_bars"}"#), "{said}");
    }
}

#[test]
fn a_plugin_of_the_future_trades_in_the_host_of_today() {
    let dir = scratch();
    let library = copy(&dir, stub_1_1(), "new.so");
    let order =
        r#"{"id":"a1","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.5"}"#;
    let ended = run(["--intents", "-", "--exchange"])
        .arg(&library)
        .args(["--to", "2017-10-03"])
        .in_dir(&dir)
        .stdin(format!("{order}\n"))
        .end()
        .with_code(0);
    let reports = ended.reports().into_iter();
    let states: Vec<_> = reports.map(|report| report["state"].clone()).collect();
    assert_eq!(states, ["new", "accepted", "filled"]);
    // And the host of 1.0 reads it too.
    let said = conversation(host_1_0(), stub_1_1());
    assert!(said.contains(r#""status":"Unrecognized""#), "{said}");
    assert!(said.contains(r#""liquidity":"Unrecognized""#), "{said}");
}

#[test]
fn a_plugin_that_needs_a_newer_host_is_refused() {
    let dir = scratch();
    let mut bytes = std::fs::read(stub_1_1()).unwrap();
    patch(
        &mut bytes,
        b"requires_api = \"1.0\"",
        b"requires_api = \"1.1\"",
    );
    dir.file("new.so", bytes);
    let refused = trade(&dir, Path::new("./new.so")).end().with_code(4);
    insta::assert_snapshot!(refused.said(&dir), @r"
    error: cannot load plugin ./new.so [API_RANGE]: its API version does not fit
      found: requires a host with plugin API 1.1
      expected: at most 1.0, the API of this host
      hint: update investbot, or use an older release of the plugin
    ");
}

/// The host of the future sets an order field that did not exist when the plugin was built. Ignored, it would make
/// another order of it.
#[test]
fn a_plugin_of_1_0_refuses_an_order_of_the_future_that_it_does_not_understand() {
    let newer =
        "    let newer = NewOrder::new(\"second\", \"BTC/USD\", Side::Buy, Decimal::ONE);\n";
    let host = Source::of("tests/corpus/old-host")
        .edited(
            "src/main.rs",
            newer,
            &(newer.replace("let newer", "let mut newer") + "    newer.iceberg = Some(1);\n"),
        )
        .host("host-of-1-1", &api_1_1());
    let host = built(&host.place("host-of-1-1"), &[]);
    let said = conversation(&host, stub_1_0());
    let lines: Vec<Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["host_api"], "1.1.0");
    let placed: Vec<_> = lines.iter().filter(|line| line["op"] == "place").collect();
    assert_eq!(placed[0]["ok"]["status"], "filled", "{said}");
    assert_eq!(placed[0]["ok"]["queue"], Value::Null);
    assert_eq!(
        placed[2]["error"],
        json!({ "kind": "protocol", "effect": "not_sent" })
    );
    let asked: Vec<_> = lines.iter().filter(|line| line["op"] == "order").collect();
    assert_eq!(asked[1]["ok"], Value::Null, "nothing is there");

    // What grew is understood where both know it.
    let said = conversation(&host, stub_1_1());
    assert!(said.contains(r#""status":"parked""#), "{said}");
    assert!(said.contains(r#""queue":7"#), "{said}");
}

/// Everything that an author of 1.0 could name compiles against today's API, and so does a plugin of that time.
#[test]
fn the_source_of_a_plugin_of_1_0_compiles_today() {
    let today = workspace().join("plugin-api");
    for source in ["surface-1.0", "stub-1.0"] {
        let name = format!("source-of-{}", source.replace('.', "-"));
        let dir = Source::of(&format!("tests/corpus/{source}"))
            .plugin(&name, &today, "")
            .place(&name);
        built(&dir, &[]);
    }
}

/// The boundary does not care how either side was compiled, nor which allocator is behind it.
#[test]
fn other_settings_of_the_compiler_make_no_difference() {
    let dir = scratch();
    let today = workspace().join("plugin-api");
    let other_allocator =
        "#[global_allocator]\nstatic ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;\n";
    let lib = "mod books;\n";
    let small = Source::of("plugins/stub").plugin("stub-small", &today, "");
    let fast = Source::of("plugins/stub")
        .edited("src/lib.rs", lib, &format!("{other_allocator}\n{lib}"))
        .plugin(
            "stub-fast",
            &today,
            "mimalloc = { version = \"0.1\", default-features = false, features = [\"local_dynamic_tls\"] }",
        );
    let with = |settings: &[&str]| -> Vec<String> {
        let settings = settings.iter();
        let flags = settings
            .flat_map(|setting| ["--config".to_owned(), format!("profile.release.{setting}")]);
        ["--release".to_owned()].into_iter().chain(flags).collect()
    };
    let fast_flags = with(&[
        "opt-level=3",
        "lto=\"fat\"",
        "codegen-units=1",
        "strip=\"symbols\"",
    ]);
    let small_flags = with(&[
        "opt-level=\"s\"",
        "lto=\"thin\"",
        "overflow-checks=true",
        "debug-assertions=true",
        "incremental=false",
    ]);
    for (source, name, flags) in [
        (small, "stub-small", small_flags),
        (fast, "stub-fast", fast_flags),
    ] {
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let library = built(&source.place(name), &flags);
        let library = copy(&dir, &library, &format!("{name}.so"));
        trades_like_the_stub(&dir, &library);
    }
}
