//! investbot.
fn main() {}
