//! Tells the crate which target it is compiled for: rustc itself offers no such constant.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").expect("cargo sets TARGET for build scripts");
    println!("cargo::rustc-env=INVESTBOT_TARGET={target}");
}
