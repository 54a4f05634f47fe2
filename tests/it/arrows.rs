//! Arrows point one way: which room of the host may know which other.

use std::path::{Path, PathBuf};

use investbot_tests::artifacts::workspace;

const ROOMS: &[(&str, &[&str])] = &[
    ("planted", &[]),
    ("engine", &["planted"]),
    ("clock", &[]),
    ("exit", &[]),
    ("config", &["clock"]),
    ("fs", &[]),
    ("sealed", &[]),
    ("store", &["engine", "fs", "planted", "sealed"]),
    ("plugin", &["clock", "sealed"]),
    ("feed", &["clock", "engine", "exit"]),
    ("observe", &["clock", "engine", "feed", "fs", "sealed"]),
    (
        "exec",
        &[
            "clock", "config", "engine", "exit", "feed", "fs", "observe", "planted", "plugin",
            "sealed", "store",
        ],
    ),
    (
        "drill",
        &["clock", "config", "exec", "exit", "fs", "observe"],
    ),
    (
        "cli",
        &["config", "drill", "exec", "exit", "observe", "plugin"],
    ),
];

fn sources(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            sources(&entry.unwrap().path(), files);
        }
    } else if path.extension().is_some_and(|e| e == "rs") {
        files.push(path.to_owned());
    }
}

#[test]
fn no_room_knows_a_room_above_it() {
    let host = workspace().join("host/src");
    for (room, allowed) in ROOMS {
        let mut files = Vec::new();
        sources(&host.join(room), &mut files);
        sources(&host.join(format!("{room}.rs")), &mut files);
        assert!(!files.is_empty(), "{room}");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            for (other, _) in ROOMS.iter().filter(|(other, _)| other != room) {
                let knows = text.contains(&format!("crate::{other}::"));
                let may = allowed.contains(other);
                assert!(may || !knows, "{} may not know {other}", file.display());
            }
        }
    }
}

#[test]
fn the_host_knows_no_plugin_by_name_but_the_default() {
    let mut files = Vec::new();
    sources(&workspace().join("host/src"), &mut files);
    let manifest = std::fs::read_to_string(workspace().join("host/Cargo.toml")).unwrap();
    for plugin in ["paper", "stub", "realish", "exec", "venue-sim"] {
        assert!(
            !manifest.contains(&format!("investbot-{plugin}")),
            "{plugin} is a dependency"
        );
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let named = ["\"paper\"", "\"stub\"", "\"realish\"", "\"exec\""]
                .iter()
                .any(|name| code.contains(name));
            let place = format!("{}:{}", file.display(), number + 1);
            let allowed = place.contains("/config/") || is_test(&file, &text, line);
            assert!(!named || allowed, "{place} knows a plugin by name: {line}");
        }
    }
}

/// Whether the line belongs to a test.
fn is_test(file: &Path, text: &str, line: &str) -> bool {
    let in_test_file = file
        .components()
        .any(|c| c.as_os_str().to_string_lossy().starts_with("tests"));
    let tests_begin = text.find("#[cfg(test)]").unwrap_or(text.len());
    in_test_file || text.find(line).is_some_and(|at| at > tests_begin)
}
