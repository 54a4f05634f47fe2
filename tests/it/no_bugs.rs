//! The program that everything else is tested with has no planted bugs.

use investbot::planted::{Bug, is};

#[test]
fn nothing_is_planted_where_nobody_asked_for_it() {
    // With the feature this is no constant, and does not compile.
    const PLANTED: bool = is(Bug::SendBeforeSync);
    const { assert!(!PLANTED) };
}
