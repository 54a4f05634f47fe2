//! What the author of a plugin meets: one dependency, no unsafe code, and a clear word from the compiler.

use investbot::plugin::Venue as _;
use investbot_tests::author::Crate;

use super::plugin_open::{inspect, misbehaving, open};

/// The fixture forbids unsafe code; here it is also outside the workspace.
#[test]
fn a_crate_of_its_own_needs_one_dependency() {
    let source = include_str!("../fixtures/echo/src/lib.rs");
    assert!(source.contains("#![forbid(unsafe_code)]"));
    let author = Crate::copy_of("tests/fixtures/echo", "my-venue");
    let venue = open(&inspect(&author.build()), &misbehaving("none", "")).unwrap();
    let report = venue.place(&super::plugin_calls::order("1")).unwrap();
    assert_eq!(report.client_order_id, "1");
}

#[test]
fn a_profile_that_aborts_is_refused_at_compile_time() {
    let output = Crate::copy_of("tests/fixtures/echo", "my-abort").cargo(&[
        "check",
        "--config",
        "profile.dev.panic=\"abort\"",
    ]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    let errors: Vec<_> = said.lines().filter(|l| l.starts_with("error")).collect();
    assert_eq!(
        errors,
        [
            "error: an investbot plugin needs panic = \"unwind\": remove panic = \"abort\" from the profile",
            "error: could not compile `my-abort` (lib) due to 1 previous error",
        ]
    );
}
