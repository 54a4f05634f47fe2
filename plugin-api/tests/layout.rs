//! Pins the layout of the binary layer. If this snapshot changes, every plugin that exists is refused by
//! the new host: take the change back, or begin a new major version and a new epoch.

#![cfg(target_pointer_width = "64")]

use std::fmt::Write as _;

use abi_stable::StableAbi as _;
use abi_stable::type_layout::TypeLayout;
use investbot_plugin_api::API_VERSION;
use investbot_plugin_api::abi::PluginRootRef;

/// What abi_stable's load check compares, of every type that the root module reaches.
#[test]
fn the_layout_is_frozen() {
    let mut types = Vec::new();
    collect(PluginRootRef::LAYOUT, &mut types);
    let text = types.into_iter().map(describe).collect::<String>();
    insta::assert_snapshot!(text);
}

fn collect(layout: &'static TypeLayout, types: &mut Vec<&'static TypeLayout>) {
    if types
        .iter()
        .any(|t| t.get_utypeid() == layout.get_utypeid())
    {
        return;
    }
    types.push(layout);
    for inner in layout.shared_vars().type_layouts() {
        collect(inner(), types);
    }
}

fn describe(layout: &'static TypeLayout) -> String {
    let (package, version) = layout.package_and_version();
    let major = version
        .version
        .as_str()
        .split('.')
        .next()
        .unwrap_or_default();
    let mut text = format!(
        "{} ({package} {major}): {:?}, {} bytes aligned to {}, nonzero {}, {:?}, checks {}\n",
        layout.full_type(),
        layout.data_discriminant(),
        layout.size(),
        layout.alignment(),
        layout.is_nonzero(),
        layout.repr_attr(),
        layout.extra_checks().is_some(),
    );
    // A field names the version of its type's crate in full; only the major one is compared.
    let data = layout.data().to_string();
    let data = data.replace(
        &format!(
            "package:'{}' version:'{API_VERSION}'",
            env!("CARGO_PKG_NAME")
        ),
        "package: this one",
    );
    for line in data.lines() {
        let _ = writeln!(text, "  {}", line.trim_end());
    }
    text
}
