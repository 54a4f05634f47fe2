//! The README's commands do what they say.

use std::process::Command;

use investbot_tests::artifacts::workspace;

/// The commands of the README's console blocks, without those of cargo.
fn commands() -> Vec<String> {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mut inside = false;
    let mut commands = Vec::new();
    for line in readme.lines() {
        match line {
            "```console" => inside = true,
            "```" => inside = false,
            _ if inside && !line.starts_with("cargo ") => commands.push(line.to_owned()),
            _ => {}
        }
    }
    commands
}

#[test]
fn every_command_works_as_printed() {
    let commands = commands();
    assert!(commands.len() >= 7, "{commands:?}");
    let investbot = investbot_tests::investbot();
    let binaries = std::path::Path::new(investbot.get_program())
        .parent()
        .unwrap()
        .to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(binaries).chain(std::env::split_paths(&path)));
    let kept = investbot_tests::scratch();
    for command in commands {
        // What a user keeps in /tmp, a test keeps in a directory of its own.
        let command = command.replace("/tmp/", &format!("{}/", kept.display()));
        let mut sh = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("INVESTBOT_") {
                sh.env_remove(name);
            }
        }
        let output = sh
            .args(["-ec", &command])
            .current_dir(workspace())
            .env("PATH", path.as_ref().unwrap())
            .output()
            .expect("sh is there");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "$ {command}\n{said}");
        assert!(!output.stdout.is_empty(), "$ {command}");
    }
}

/// What a fresh clone is told to do first.
#[test]
fn the_first_command_is_the_one_that_is_promised() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    assert!(readme.contains("\ncargo build --release && target/release/investbot run\n"));
    let ran = investbot_tests::run::run(&[]).output().expect(0);
    for row in [
        "bars",
        "orders",
        "fills",
        "fees",
        "return",
        "max drawdown",
        "Sharpe",
        "exposure",
    ] {
        assert!(ran.stdout.contains(row), "{row}: {}", ran.stdout);
    }
    assert!(
        ran.stderr.is_empty(),
        "no warning, no progress bar: {}",
        ran.stderr
    );
}
