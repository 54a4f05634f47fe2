//! The files of a new crate.

use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};

use super::api::Api;
use super::name::Name;

/// A file of the crate.
pub(super) struct File {
    /// Where in the crate.
    pub(super) path: &'static str,
    /// What it is for, in a few words.
    pub(super) about: &'static str,
    pub(super) text: String,
}

/// Where it is, what it is for, and its template.
const TEMPLATES: &[(&str, &str, &str)] = &[
    (
        "Cargo.toml",
        "the crate, with one dependency",
        include_str!("../../../../templates/plugin/Cargo.toml.in"),
    ),
    (
        "plugin.toml",
        "what the plugin claims: change it with the code",
        include_str!("../../../../templates/plugin/plugin.toml"),
    ),
    (
        "src/lib.rs",
        "the adapter: begin here",
        include_str!("../../../../templates/plugin/lib.rs"),
    ),
    (
        "README.md",
        "for its users",
        include_str!("../../../../templates/plugin/README.md"),
    ),
    (
        ".github/workflows/ci.yml",
        "builds and checks every commit",
        include_str!("../../../../templates/plugin/ci.yml"),
    ),
    (
        ".gitignore",
        "what is not to be committed",
        include_str!("../../../../templates/plugin/gitignore"),
    ),
];

/// All files of a crate.
pub(super) fn of(name: &Name, api: &Api) -> Vec<File> {
    let use_api = match api {
        Api::Registry => "",
        Api::Path { .. } => {
            "      # Cargo.toml names the plugin API of the machine on which it was written.\n      \
             - run: cargo add investbot-plugin-api --path ../investbot/plugin-api\n"
        }
    };
    let words = [
        ("{{name}}", name.to_string()),
        ("{{library}}", library(name)),
        ("{{library_on_linux}}", library_as(name, "lib", ".so")),
        ("{{repository}}", env!("CARGO_PKG_REPOSITORY").to_owned()),
        ("{{api}}", api.dependency()),
        ("{{use_api}}", use_api.to_owned()),
    ];
    let filled = |template: &str| {
        words.iter().fold(template.to_owned(), |text, (word, by)| {
            text.replace(word, by)
        })
    };
    let mut files: Vec<File> = TEMPLATES
        .iter()
        .map(|(path, about, template)| File {
            path,
            about,
            text: filled(template),
        })
        .collect();
    if let Api::Path {
        lock: Some(lock), ..
    } = api
    {
        let lock = File {
            path: "Cargo.lock",
            about: "the versions that the plugin API is tested with",
            text: lock.clone(),
        };
        files.insert(1, lock);
    }
    files
}

/// The file name of the library that cargo makes of it on this machine.
pub(super) fn library(name: &Name) -> String {
    library_as(name, DLL_PREFIX, DLL_SUFFIX)
}

fn library_as(name: &Name, prefix: &str, suffix: &str) -> String {
    format!("{prefix}{}{suffix}", name.as_str().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The other half, a crate with a path, is built and run by the tests of the whole program.
    #[test]
    fn a_crate_for_the_registry_is_filled_in() {
        let name = Name::new("my-venue").expect("it is a name");
        for File { path, text, .. } in of(&name, &Api::Registry) {
            assert!(!text.replace("${{", "").contains("{{"), "{path}:\n{text}");
            assert!(
                text.ends_with('\n') && !text.contains("cargo add"),
                "{path}"
            );
            if path.ends_with(".toml") {
                assert!(text.parse::<toml::Table>().is_ok(), "{path}:\n{text}");
            }
            if path == "Cargo.toml" {
                assert!(
                    text.contains("\ninvestbot-plugin-api = \"1.0\"\n"),
                    "{text}"
                );
            }
        }
    }
}
