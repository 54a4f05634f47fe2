//! Where in the host a bug is planted, as its source says.

use std::path::{Path, PathBuf};

use investbot::planted::Bug;
use investbot_tests::artifacts::workspace;

/// The files in which a bug can happen; at least one.
pub(super) fn of(bug: Bug) -> Vec<String> {
    let root = workspace().join("host/src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    let here = files.iter().filter(|file| happens_in(bug, file));
    let names: Vec<String> = here
        .map(|file| {
            let name = file.strip_prefix(&root).expect("it was found there");
            name.display().to_string()
        })
        .collect();
    assert!(!names.is_empty(), "{} is planted nowhere", bug.name());
    names
}

fn happens_in(bug: Bug, file: &Path) -> bool {
    let text = std::fs::read_to_string(file).expect("a source");
    let site =
        |call: &str, end: char| text.contains(&format!("planted::{call}(Bug::{}{end}", bug.name()));
    site("is", ')') || site("unless", ',')
}

fn sources(path: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(path).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
