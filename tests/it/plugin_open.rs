//! What is refused once a plugin is mapped, and what opening it can end in.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use investbot::clock::VirtualClock;
use investbot::plugin::{LoadError, Plugin, PluginVenue, SearchPath, Venue};
use investbot_plugin_api::OpenParams;
#[cfg(target_os = "linux")]
use investbot_tests::patch;
use investbot_tests::{Scratch, plugin, scratch};

/// Far longer than any `open` that is meant to end.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn inspect(path: &Path) -> Plugin {
    Plugin::inspect(path.to_str().unwrap(), &SearchPath::default(), None).unwrap()
}

pub(crate) fn misbehaving(fault: &str, at: &str) -> OpenParams {
    OpenParams::new(format!(r#"{{"fault":"{fault}","at":"{at}"}}"#))
}

pub(crate) fn open(plugin: &Plugin, params: &OpenParams) -> Result<PluginVenue, LoadError> {
    let clock = Arc::new(VirtualClock::default());
    plugin.open(params, clock, Arc::default(), PATIENCE)
}

fn refusal(dir: &Scratch, error: &LoadError) -> String {
    let text = error.to_string();
    assert!(text.lines().count() <= 8, "too long:\n{text}");
    assert!(text.contains(&format!("[{}]", error.code())), "{text}");
    text.replace(dir.to_str().unwrap(), "[DIR]")
}

fn not_opened(dir: &Scratch, path: &Path) -> String {
    let error = open(&inspect(path), &misbehaving("none", "")).expect_err("it is spoilt");
    refusal(dir, &error)
}

#[test]
fn a_root_module_of_another_layout() {
    let dir = scratch();
    let path = dir.copy("fixture_layout", "layout.so");
    insta::assert_snapshot!(not_opened(&dir, &path), @r"
    cannot load plugin [DIR]/layout.so [LAYOUT]: its binary interface differs
      found: PluginRoot.abi_epoch: u64 instead of u32
      expected: the layout of ABI epoch 1
      hint: rebuild it with an unmodified investbot-plugin-api 1.0.0
    ");
}

#[test]
#[cfg(target_os = "linux")]
fn a_library_without_the_entry() {
    let dir = scratch();
    let path = dir.spoilt("fixture_echo", "entry.so", |bytes| {
        patch(
            bytes,
            b"_1as_0lib_1header_0root_b",
            b"_1as_0lib_1header_0root_x",
        );
    });
    insta::assert_snapshot!(not_opened(&dir, &path), @r"
    cannot load plugin [DIR]/entry.so [HEADER]: its entry cannot be used
      found: no entry symbol
      expected: the entry that export_adapter! of investbot-plugin-api 1.0.0 makes
      hint: rebuild it with that version; use export_adapter! once, in the cdylib itself
    ");
}

#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_library_that_needs_what_is_not_there() {
    let dir = scratch();
    let path = dir.spoilt("fixture_echo", "needs.so", |bytes| {
        patch(bytes, b"\0libgcc_s.so.1\0", b"\0libxxx_s.so.1\0");
    });
    insta::assert_snapshot!(not_opened(&dir, &path), @r"
    cannot load plugin [DIR]/needs.so [DLOPEN]: the system's loader refused it
      found: libxxx_s.so.1: cannot open shared object file: No such file or directory
      expected: a library whose every dependency and symbol is on this machine
      hint: ldd [DIR]/needs.so shows what it needs
    ");
}

/// Bound lazily, it would end the process at the first call.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn a_library_with_an_unknown_symbol() {
    let dir = scratch();
    let path = dir.spoilt("fixture_echo", "symbol.so", |bytes| {
        patch(bytes, b"\0pthread_key_create\0", b"\0pthread_key_xxxxxx\0");
    });
    let text = not_opened(&dir, &path);
    assert!(text.contains("[DLOPEN]"), "{text}");
    assert!(text.contains("pthread_key_xxxxxx"), "{text}");
}

#[test]
fn an_adapter_that_will_not_open() {
    let dir = scratch();
    let echo = inspect(&plugin("fixture_echo"));
    let error = open(&echo, &misbehaving("error", "open")).expect_err("told so");
    insta::assert_snapshot!(refusal(&dir, &error), @r"
    plugin `echo` would not open [OPEN_FAILED]: told to fail in open\u{1b}[31m (network, venue code E1)
      hint: check that its venue can be reached, then try again
    ");
    let error = open(&echo, &OpenParams::new("[]")).expect_err("no object");
    insta::assert_snapshot!(refusal(&dir, &error), @r"
    plugin `echo` would not open [OPEN_FAILED]: configuration: invalid type: sequence, expected a map at line 1 column 0 (config)
      hint: change the plugin's configuration as it says
    ");
    let error = open(&echo, &misbehaving("panic", "open")).expect_err("told so");
    let LoadError::OpenPanicked { message, .. } = &error else {
        panic!("{error}")
    };
    assert!(
        message.contains("src/lib.rs:"),
        "names the place: {message}"
    );
    let line = message.split(':').find(|part| part.parse::<u32>().is_ok());
    let text = refusal(&dir, &error).replace(line.unwrap(), "[LINE]");
    insta::assert_snapshot!(text, @r"
    plugin `echo` would not open [OPEN_PANICKED]: it panicked in `open` at tests/fixtures/echo/src/lib.rs:[LINE]: told to panic in open
      hint: this is a defect of the plugin; send this line to its author
    ");
}

#[test]
fn an_adapter_that_hangs() {
    let dir = scratch();
    let echo = inspect(&plugin("fixture_echo"));
    let hang = |cancel: bool, timeout| {
        let clock = Arc::new(VirtualClock::default());
        let cancel = Arc::new(AtomicBool::new(cancel));
        echo.open(&misbehaving("hang", "open"), clock, cancel, timeout)
    };
    let error = hang(false, Duration::from_millis(50)).expect_err("it hangs");
    insta::assert_snapshot!(refusal(&dir, &error), @r"
    plugin `echo` would not open [OPEN_TIMED_OUT]: no answer within 50ms
      hint: check that its venue can be reached, or allow it more time
    ");
}

/// With the flag set before, `open` may fail on its own or be given up, but never succeed or hang.
#[test]
fn a_stopped_run_does_not_wait_for_open() {
    let echo = inspect(&plugin("fixture_echo"));
    let clock = Arc::new(VirtualClock::default());
    let cancel = Arc::new(AtomicBool::new(true));
    let error = echo
        .open(&misbehaving("hang", "open"), clock, cancel, PATIENCE)
        .expect_err("it hangs");
    assert!(
        matches!(error.code(), "OPEN_CANCELLED" | "OPEN_FAILED"),
        "{error}"
    );
}

fn counts(venue: &PluginVenue) -> (String, String) {
    let balances = venue.balances().unwrap();
    (balances[0].total.to_string(), balances[1].total.to_string())
}

/// Opens an adapter of each, places another number of orders on each, and expects that neither orders nor
/// statics are shared.
fn live_side_by_side(plugins: &[&Plugin]) {
    let params = misbehaving("none", "");
    let venues: Vec<_> = plugins
        .iter()
        .map(|plugin| open(plugin, &params).unwrap())
        .collect();
    for (n, venue) in venues.iter().enumerate() {
        for id in 0..n {
            let order = super::plugin_calls::order(&id.to_string());
            venue.place(&order).unwrap();
        }
    }
    for (n, venue) in venues.iter().enumerate() {
        assert_eq!(counts(venue), (n.to_string(), "1".to_owned()));
    }
}

#[test]
fn the_same_plugin_twice() {
    let dir = scratch();
    let one = inspect(&plugin("fixture_echo"));
    let again = inspect(&plugin("fixture_echo"));
    let copy = inspect(&dir.copy("fixture_echo", "copy.so"));
    live_side_by_side(&[&one, &again, &one, &copy]);
}

/// Elsewhere a library that was changed after it was signed is not mapped.
#[test]
#[cfg(target_os = "linux")]
fn several_plugins_side_by_side() {
    let dir = scratch();
    let one = inspect(&plugin("fixture_echo"));
    let other = inspect(&dir.spoilt("fixture_echo", "other.so", |bytes| {
        patch(bytes, b"id = \"echo\"", b"id = \"ohce\"");
    }));
    assert_eq!(other.manifest().plugin.id, "ohce");
    assert_ne!(one.sha256(), other.sha256());
    live_side_by_side(&[&one, &other, &one, &other]);
}

#[test]
fn a_file_that_is_replaced_after_it_was_read_changes_nothing() {
    let dir = scratch();
    let path = dir.copy("fixture_echo", "echo.so");
    let echo = inspect(&path);
    std::fs::write(&path, "something else").unwrap();
    let venue = open(&echo, &misbehaving("none", "")).unwrap();
    drop(dir);
    assert_eq!(venue.instruments().unwrap()[0].symbol, "BTC/USD");
}

#[test]
fn a_stop_of_the_run_reaches_the_adapter() {
    let echo = inspect(&plugin("fixture_echo"));
    let cancel = Arc::new(AtomicBool::new(false));
    let clock = Arc::new(VirtualClock::default());
    let venue = echo
        .open(
            &misbehaving("hang", "place"),
            clock,
            cancel.clone(),
            PATIENCE,
        )
        .unwrap();
    std::thread::scope(|scope| {
        let call = scope.spawn(|| venue.place(&super::plugin_calls::order("1")));
        cancel.store(true, Ordering::Release);
        let error = call.join().unwrap().expect_err("it hangs until then");
        assert_eq!(error.message, "given up");
    });
}
