//! The README's commands work as printed.

use std::path::Path;
use std::process::Command;

use investbot_tests::artifacts::workspace;
use investbot_tests::{investbot, scratch};

/// The commands of the README's console blocks; those that build, fetch or test are not for here.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).expect("there is a README");
    let mut commands = Vec::new();
    let mut in_block = false;
    for line in readme.lines() {
        if line.starts_with("```") {
            in_block = line == "```console";
        } else if in_block {
            commands.push(line.trim_start_matches("$ ").to_owned());
        }
    }
    let others = ["cargo build --release && ", "cd ", "git ", "cargo "];
    commands
        .iter()
        .map(|command| command.strip_prefix(others[0]).unwrap_or(command))
        .filter(|command| !others.iter().any(|other| command.starts_with(other)))
        .map(str::to_owned)
        .collect()
}

/// The command with every run directory in `dir`.
fn kept_in(dir: &Path, command: &str) -> String {
    let moved = |word: &str| match Path::new(word).file_name() {
        Some(name) if word.starts_with("/tmp/") => dir.join(name).display().to_string(),
        _ => word.to_owned(),
    };
    let words: Vec<String> = command.split(' ').map(moved).collect();
    words.join(" ")
}

/// A command as its reader types it, with the program on the path and none of the settings of whoever runs the tests.
pub(crate) fn shell(command: &str) -> Command {
    let program = investbot();
    let bin = Path::new(program.get_program()).parent().unwrap();
    let path = std::env::join_paths(
        std::iter::once(bin.to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut shell = Command::new("sh");
    for (name, _) in program.get_envs() {
        shell.env_remove(name);
    }
    shell.args(["-ec", command]).env("PATH", path.unwrap());
    shell
}

#[test]
fn every_command_succeeds() {
    let commands = commands();
    assert!(
        commands
            .iter()
            .any(|command| command == "target/release/investbot run"),
        "{commands:?}"
    );
    // Relative paths of the README are those of the repository, and what is written goes elsewhere.
    let dir = scratch();
    for entry in std::fs::read_dir(workspace()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name() != "target" && entry.file_name() != "runs" {
            std::os::unix::fs::symlink(entry.path(), dir.join(entry.file_name())).unwrap();
        }
    }
    let program = investbot();
    let bin = Path::new(program.get_program()).parent().unwrap();
    std::fs::create_dir(dir.join("target")).unwrap();
    std::os::unix::fs::symlink(bin, dir.join("target/release")).unwrap();
    for command in commands {
        let command = kept_in(&dir, &command);
        let output = shell(&command).current_dir(&*dir).output().unwrap();
        assert!(
            output.status.success(),
            "{command}\n{}\n{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
}
