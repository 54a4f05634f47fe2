//! The author's guide: its commands work as printed, its edits do what it says, and it leaves out no error.

use std::path::{Path, PathBuf};
use std::process::Output;

use crate::readme::shell;
use investbot_tests::artifacts::workspace;
use investbot_tests::author::{Crate, cargo_environment};
use investbot_tests::scratch;

/// What the guide has its reader do.
enum Step {
    /// Type a command, which ends with this exit code.
    Type(String, i32),
    /// Change a file: each text, which is there once, becomes the other.
    Edit(String, Vec<(String, String)>),
}

fn guide() -> String {
    std::fs::read_to_string(workspace().join("docs/ADAPTERS.md")).expect("there is a guide")
}

/// The blocks of one kind or another, in the order in which they come.
fn steps(guide: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut blocks = guide.split("\n```").skip(1);
    while let (Some(block), after) = (blocks.next(), blocks.next()) {
        assert!(after.is_some(), "a block without its end: {block}");
        let (kind, text) = block.split_once('\n').unwrap();
        match kind {
            "console" => steps.extend(text.lines().map(command)),
            "diff" => steps.push(edit(text)),
            _ => {}
        }
    }
    steps
}

fn command(line: &str) -> Step {
    let (command, code) = match line.split_once("# exit code ") {
        Some((command, code)) => (command.trim_end(), code.parse().unwrap()),
        None => (line, 0),
    };
    let command = command.replace(".so", std::env::consts::DLL_SUFFIX);
    Step::Type(command, code)
}

fn edit(text: &str) -> Step {
    let (head, hunks) = text.split_once("\n@@\n").expect("a diff has hunks");
    let file = head.strip_prefix("--- ").expect("a diff names its file");
    let side = |hunk: &str, other: char| -> String {
        let lines = hunk.lines().filter(|line| !line.starts_with(other));
        lines
            .map(|line| line.get(1..).unwrap_or_default().to_owned() + "\n")
            .collect()
    };
    let hunks = hunks.split("\n@@\n");
    let hunks = hunks
        .map(|hunk| (side(hunk, '+'), side(hunk, '-')))
        .collect();
    Step::Edit(file.to_owned(), hunks)
}

fn apply(path: &Path, hunks: &[(String, String)]) {
    let mut text = std::fs::read_to_string(path).unwrap();
    for (from, to) in hunks {
        assert_eq!(
            text.matches(from).count(),
            1,
            "{} has it once:\n{from}",
            path.display()
        );
        text = text.replace(from, to);
    }
    std::fs::write(path, text).unwrap();
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_reader_who_types_everything_gets_there() {
    // Nothing is there yet. It cleans up after the reader.
    let author = Crate::made_in(scratch(), "my-venue");
    let mut here: PathBuf = author.root().parent().unwrap().to_owned();
    let guide = guide();
    let (mut typed, mut told) = (Vec::new(), String::new());
    for step in steps(&guide) {
        let (command, code) = match step {
            Step::Edit(file, hunks) => {
                apply(&here.join(file), &hunks);
                continue;
            }
            Step::Type(command, code) => (command, code),
        };
        if let Some(to) = command.strip_prefix("cd ") {
            here.push(to);
            continue;
        }
        let mut shell = shell(&command);
        for (name, value) in cargo_environment() {
            // What cargo makes goes where the guide says; only what is in between is shared with other tests.
            let name = if name == "CARGO_TARGET_DIR" {
                "CARGO_BUILD_BUILD_DIR"
            } else {
                name
            };
            shell.env(name, value);
        }
        let output = shell.current_dir(&here).output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{command}\n{}",
            said(&output)
        );
        told += &said(&output);
        typed.push(command);
    }
    for first in [
        "investbot plugin new",
        "cargo build",
        "investbot plugin check",
        "investbot run",
        "investbot plugin pin",
    ] {
        assert!(
            typed.iter().any(|command| command.starts_with(first)),
            "{first}"
        );
    }
    // What the guide prints of it.
    let shown = guide
        .split("\n```\n")
        .find(|block| block.starts_with("fills.balances: "));
    let shown = shown.expect("the guide shows the failure");
    for line in shown.lines().filter(|line| *line != "…") {
        let line = line.replace(".so", std::env::consts::DLL_SUFFIX);
        assert!(told.contains(&line), "{line}\n{told}");
    }
    // The crate is as tidy after the edits as it was before.
    let tidy = shell("cargo fmt --check")
        .current_dir(&here)
        .output()
        .unwrap();
    assert!(tidy.status.success(), "{}", said(&tidy));
}

/// Every code of an error, and every group of the kit's tests, has its line.
#[test]
fn nothing_is_left_out() {
    let guide = guide();
    let errors = std::fs::read_to_string(workspace().join("host/src/plugin/error.rs")).unwrap();
    let codes: Vec<_> = errors
        .lines()
        .filter_map(|line| line.trim().split_once(" => \"")?.1.strip_suffix("\","))
        .collect();
    assert!(
        codes.len() >= 21 && codes.contains(&"OPEN_FAILED"),
        "{codes:?}"
    );
    for code in codes {
        assert!(
            guide.contains(&format!("`{code}`")),
            "{code} is not in the guide"
        );
    }
    let tests = crate::program::program("plugin").args(["check", "--list", "--json"]);
    for line in &tests.end().with_code(0).lines()[1..] {
        let id = line["id"].as_str().unwrap();
        let group = id.split('.').next().unwrap();
        assert!(
            guide.contains(&format!("\n| `{group}` | ")),
            "{group} is not in the guide"
        );
    }
    let errors = investbot_plugin_api::ErrorKind::ALL.iter();
    let told = errors.filter(|kind| guide.contains(&format!("{kind:?}")));
    assert!(told.count() >= 12);
}

/// Links to other files lead somewhere, and so do links to its own headings.
#[test]
fn its_links_lead_somewhere() {
    let guide = guide();
    let anchors: Vec<String> = guide
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    let links = guide
        .split("](")
        .skip(1)
        .map(|rest| rest.split(')').next().unwrap());
    for link in links {
        match link.strip_prefix('#') {
            Some(anchor) => assert!(anchors.iter().any(|known| known == anchor), "{link}"),
            None => assert!(workspace().join("docs").join(link).exists(), "{link}"),
        }
    }
}
