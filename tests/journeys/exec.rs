//! Adapters that are programs: an example in another language, and programs that fail in every way.

use std::path::Path;

use crate::program::{Ended, Run, program, run};
use investbot_plugin_api::op::Operation;
use investbot_tests::artifacts::{self, workspace};
use investbot_tests::schema::check;
use investbot_tests::{Scratch, scratch};
use serde_json::Value;

/// The example, if there is a Python to run it.
fn example() -> Option<String> {
    let found = std::process::Command::new("python3")
        .arg("--version")
        .output();
    if found.is_ok_and(|output| output.status.success()) {
        let file = workspace().join("plugins/exec/examples/venue.py");
        return Some(format!("'{}'", file.display()));
    }
    assert!(
        std::env::var_os("CI").is_none_or(|ci| ci != "true"),
        "CI has no python3"
    );
    #[allow(clippy::print_stderr, reason = "a test that says why it tests nothing")]
    {
        eprintln!("SKIPPED: there is no python3 to run the example with");
    }
    None
}

fn with_python(run: Run, file: &str) -> Run {
    run.args(["--set", "program=python3"])
        .flag("--set", format!("args={file}"))
}

/// A run of the order `a` at a venue that is the test's own program, in `dir`.
fn order(dir: &Scratch, fault: &str, set: &[&str]) -> Ended {
    let line = r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;
    let run = faulty(run(["--exchange", "exec", "--intents", "-"]), dir, fault)
        .stdin(format!("{line}\n"));
    set.iter()
        .fold(run, |run, pair| run.flag("--set", pair))
        .end()
}

fn faulty(run: Run, dir: &Path, fault: &str) -> Run {
    let program = artifacts::program("venue_program");
    run.flag("--set", format!("program={}", program.display()))
        .flag("--set", format!("args='{}' {fault}", dir.display()))
        .in_dir(dir)
}

/// The states that the order went through.
fn states(ended: &Ended) -> Vec<String> {
    let lines = ended.lines();
    let states = lines.iter().filter_map(|line| line["state"].as_str());
    states.map(str::to_owned).collect()
}

/// How many orders the venue's own file has.
fn orders(dir: &Scratch) -> usize {
    std::fs::read_to_string(dir.join("orders.jsonl")).map_or(0, |text| text.lines().count())
}

#[test]
fn the_example_passes_the_check() {
    let Some(file) = example() else { return };
    for seed in ["0", "7"] {
        let dir = scratch();
        let check =
            program("plugin").args(["check", "exec", "--json", "--limit", "300", "--seed", seed]);
        let ended = with_python(check, &file).in_dir(&dir).end().with_code(0);
        let summary = ended.lines().pop().unwrap();
        assert_eq!(summary["bad"], 0);
        assert!(summary["passed"].as_u64() >= Some(75), "{summary}");
    }
}

#[test]
fn the_example_trades_and_does_the_same_again() {
    let Some(file) = example() else { return };
    let trade = || {
        with_python(run(["--exchange", "exec", "--json"]), &file)
            .end()
            .with_code(0)
    };
    let first = trade();
    assert!(
        first.summary()["result"]["fills"].as_u64() > Some(100),
        "{}",
        first.summary()
    );
    assert_eq!(first.digest(), trade().digest());
    let batches = with_python(run(["--exchange", "exec", "--json"]), &file);
    let batches = batches.env("INVESTBOT_BARS_BATCH", "7").end().with_code(0);
    assert_eq!(
        first.digest(),
        batches.digest(),
        "however many bars it is shown at once"
    );
}

/// Whatever a program does instead of answering an order, the order is in doubt, and what became of it is found out.
#[test]
fn an_order_that_has_no_answer_is_in_doubt_and_sent_again_to_the_next_program() {
    for (fault, said) in [
        ("exit", "ended with exit code 3: these are its last words"),
        ("exit_after", "ended with exit code 5"),
        ("abort", "ended with signal 6"),
        ("half", "ended with exit code 0"),
        (
            "garbage",
            "wrote a line that makes no sense: expected ident",
        ),
        ("endless", "wrote a line of more than 16777216 bytes"),
        (
            "flood",
            "wrote more than 100000 lines without an answer among them",
        ),
        (
            "stranger",
            "answered request 999999, which does not wait for an answer",
        ),
        ("early", "which does not wait for an answer"),
        ("effect", "missing field `effect`"),
        ("both", "it is neither an answer (id, and ok or error)"),
    ] {
        let dir = scratch();
        let ended = order(&dir, &format!("{fault} place 1"), &[]).with_code(0);
        assert_eq!(states(&ended), ["new", "in_doubt", "filled"], "{fault}");
        assert_eq!(orders(&dir), 1, "{fault}");
        assert!(ended.stderr.contains(said), "{fault}: {}", ended.stderr);
        assert!(
            ended.stderr.contains("it is started again in 100 ms"),
            "{fault}: {}",
            ended.stderr
        );
    }
}

/// Its own limit of time is in real time, whatever the run's clock says.
#[test]
fn a_program_that_hangs_is_ended() {
    for fault in ["hang", "hang_after"] {
        let dir = scratch();
        let ended = order(
            &dir,
            &format!("{fault} place 1"),
            &["answer_timeout_ms=3000"],
        )
        .with_code(0);
        assert_eq!(states(&ended), ["new", "in_doubt", "filled"], "{fault}");
        assert_eq!(orders(&dir), 1, "{fault}");
        let said = "did not answer `place` within 3000 ms; a program has to flush its standard output after every line";
        assert!(ended.stderr.contains(said), "{fault}: {}", ended.stderr);
    }
}

/// The end of a program shows, though what it has started holds its pipes open; and that is ended too.
#[test]
fn what_a_program_has_started_ends_with_it() {
    let dir = scratch();
    let ended = order(&dir, "child place 1", &[]).with_code(0);
    assert_eq!(states(&ended), ["new", "in_doubt", "filled"]);
    assert!(
        ended.stderr.contains("ended with exit code 4"),
        "{}",
        ended.stderr
    );
    let child = std::fs::read_to_string(dir.join("child")).unwrap();
    let is_there = || {
        Path::new("/proc")
            .join(&child)
            .join("exe")
            .read_link()
            .is_ok()
    };
    // The system takes its time to tell, and a test of something that stays would not end.
    while is_there() {
        std::thread::yield_now();
    }
}

/// An answer that makes no sense is about one request: the program goes on.
#[test]
fn an_answer_that_makes_no_sense_leaves_the_order_in_doubt() {
    for (fault, said) in [
        (
            "shape",
            "the program's answer to `place` makes no sense: invalid type: integer `7`, expected a string",
        ),
        (
            "number",
            "invalid type: floating point `0.1`, expected a Decimal",
        ),
        ("other", "answered about `another`"),
    ] {
        let dir = scratch();
        let ended = order(&dir, &format!("{fault} place 1"), &[]).with_code(0);
        assert_eq!(states(&ended), ["new", "in_doubt", "filled"], "{fault}");
        assert!(ended.stdout.contains(said), "{fault}: {}", ended.stdout);
        assert!(
            !ended.stderr.contains("started again"),
            "{fault}: {}",
            ended.stderr
        );
        assert_eq!(orders(&dir), 1, "{fault}");
    }
}

/// What is said too often is left out, and nothing waits for it.
#[test]
fn a_noisy_program_does_no_harm() {
    let dir = scratch();
    let ended = order(&dir, "noise place 1", &[]).with_code(0);
    assert_eq!(states(&ended), ["new", "filled"]);
    let dir = scratch();
    let line = r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;
    let run = run([
        "--exchange",
        "exec",
        "--intents",
        "-",
        "--log",
        "info",
        "--json",
    ])
    .stdin(line);
    let ended = faulty(run, &dir, "noise place 1").end().with_code(0);
    let lines = ended
        .stderr
        .lines()
        .filter(|line| line.contains("plugin: line "))
        .count();
    assert!((200..2_000).contains(&lines), "{lines} of 10,000 lines");
    assert!(ended.stderr.lines().all(|line| line.len() < 2_200));
}

#[test]
fn a_program_that_fails_again_and_again_stays_down() {
    for (fault, last) in [
        (
            "exit place 1 99",
            "ended with exit code 3: these are its last words",
        ),
        (
            "exit open,place 2 99",
            "cannot be opened: it ended with exit code 3: these are its last words",
        ),
    ] {
        let dir = scratch();
        let ended = order(&dir, fault, &["restarts=2"]);
        assert_eq!(states(&ended), ["new", "in_doubt", "held"], "{fault}");
        for wait in [
            "it is started again in 100 ms",
            "it is started again in 200 ms",
            "it is not started again",
        ] {
            assert_eq!(
                ended.stderr.matches(wait).count(),
                1,
                "{fault}: {}",
                ended.stderr
            );
        }
        assert!(
            ended
                .stderr
                .contains("failed 3 times in a row and stays down until"),
            "{}",
            ended.stderr
        );
        assert!(ended.stderr.contains(last), "{fault}: {}", ended.stderr);
        let starts = std::fs::read(dir.join("requests")).unwrap().len();
        assert_eq!(starts, 3 + usize::from(fault.contains("open")), "{fault}");
        assert_eq!(orders(&dir), 0, "{fault}");
    }
    let dir = scratch();
    let ended = order(&dir, "exit place 1 99", &["restarts=0"]);
    assert!(
        ended.stderr.contains("failed once and stays down"),
        "{}",
        ended.stderr
    );
}

/// A read that fails has done nothing, and a run that cannot begin says why.
#[test]
fn a_program_that_fails_before_the_first_order() {
    let dir = scratch();
    let ended = order(&dir, "exit instruments 1 99", &["restarts=1"]);
    assert!(
        ended
            .stderr
            .contains("error: the venue did not tell its instruments: "),
        "{}",
        ended.stderr
    );
    assert_eq!(orders(&dir), 0);
}

/// The host's variables have the secrets of other plugins.
#[test]
fn a_program_is_given_few_variables() {
    let dir = scratch();
    let leak = |set: &[&str]| {
        let flags = [
            "--exchange",
            "exec",
            "--intents",
            "-",
            "--log",
            "info",
            "--json",
        ];
        let run = faulty(run(flags), &dir, "leak open 1 99")
            .env("MY_KEY", "hush")
            .env("MY_PROXY", "none");
        let run = run.env("LANG", "C.UTF-8");
        set.iter()
            .fold(run, |run, pair| run.flag("--set", pair))
            .end()
            .with_code(0)
            .stderr
    };
    let few = leak(&[]);
    let names = few
        .split_once("its variables: ")
        .unwrap()
        .1
        .split_once(" plugin=")
        .unwrap()
        .0;
    assert!(
        names.split(' ').any(|name| name == "LANG") && names.split(' ').any(|name| name == "PATH"),
        "{names}"
    );
    assert!(
        !names.contains("MY_") && !names.contains("CARGO"),
        "{names}"
    );
    let more = leak(&["environment=MY_PROXY NO_SUCH"]);
    assert!(
        more.contains("MY_PROXY") && !more.contains("MY_KEY"),
        "{more}"
    );
}

#[test]
fn a_program_that_cannot_be_started_is_a_mistake_with_a_way_out() {
    let dir = scratch();
    dir.file("no_program", "{}");
    dir.file("no_interpreter", "#!/no/such/interpreter\n");
    dir.file("plain.py", "print()");
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir.join("plain.py"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let said = |program: &str, args: &str| {
        let run = run(["--exchange", "exec"]).flag("--set", format!("program={program}"));
        let ended = run
            .flag("--set", format!("args={args}"))
            .in_dir(&dir)
            .end()
            .with_code(4);
        ended
            .stderr
            .lines()
            .next()
            .unwrap()
            .replace("error: plugin `exec` would not open [OPEN_FAILED]: ", "")
    };
    let texts = [
        said("no-such-program", ""),
        said("./no-such-program", ""),
        said("./no_program", ""),
        said("./no_interpreter", ""),
        said("./plain.py", ""),
        said("sh", "'"),
        said("sh", "-c 'echo unhappy >&2; exit 7'"),
        said("sh", "-c 'echo hello'"),
        said(
            "sh",
            r#"-c 'read line; echo "{\"id\":1,\"ok\":{\"protocol\":2}}"; read line'"#,
        ),
        said(
            "sh",
            r#"-c 'read line; echo "{\"id\":1,\"ok\":{}}"; read line'"#,
        ),
    ];
    insta::assert_snapshot!(texts.join("\n"), @r#"
    the program `no-such-program` cannot be started: there is none in PATH; a file is named by a path with a /, such as ./no-such-program (config)
    the program `./no-such-program` cannot be started: there is no such file; a relative path begins in the directory in which investbot runs (config)
    the program `./no_program` cannot be started: it is no program; begin it with a line such as #!/usr/bin/env python3, or name its interpreter as the program and ./no_program in args (config)
    the program `./no_interpreter` cannot be started: the file is there, but not the interpreter that its first line names (config)
    the program `./plain.py` cannot be started: it may not be run; chmod +x ./plain.py, or name its interpreter as the program and the file in args (config)
    config.args: a quote is not closed in `'` (config)
    the program `sh` cannot be opened: it ended with exit code 7: unhappy (config)
    the program `sh` cannot be opened: it wrote a line that makes no sense: expected value at line 1 column 1: hello (config)
    the program `sh` speaks version 2 of the protocol, and this plugin version 1 (config)
    the program `sh` answered `open` with what makes no sense: missing field `protocol` at line 1 column 2; expected {"protocol":1} (config)
    "#);
}

fn schema() -> Value {
    let text = std::fs::read(workspace().join("docs/exec-protocol.schema.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The session in the documentation, whose long lines are broken.
#[test]
fn the_documented_session_fits_the_schema() {
    let text = std::fs::read_to_string(workspace().join("docs/EXEC_PROTOCOL.md")).unwrap();
    let session = text
        .split("```\n")
        .find(|block| block.starts_with("> "))
        .unwrap();
    let session = session.replace("\n   ", " ");
    let mut asked = String::new();
    for line in session.lines() {
        let (from, line) = line.split_once(' ').unwrap();
        let value: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let name = if from == ">" {
            asked = value["op"].as_str().unwrap().to_owned();
            "request"
        } else {
            "said"
        };
        assert_eq!(check(&schema(), name, &value), Ok(()));
        if let Some(ok) = value.get("ok") {
            assert_eq!(check(&schema(), &format!("ok_{asked}"), ok), Ok(()));
        }
    }
    assert!(session.lines().count() > 10);
}

/// What is said in docs/exec-protocol.schema.json is what is said.
#[test]
fn every_line_fits_the_schema() {
    let Some(file) = example() else { return };
    let schema = schema();
    let dir = scratch();
    let relay = |run: Run| {
        let relay = artifacts::program("venue_program");
        run.flag("--set", format!("program={}", relay.display()))
            .flag(
                "--set",
                format!("args=relay '{}' python3 {file}", dir.join("said").display()),
            )
            .in_dir(&dir)
    };
    for group in ["lifecycle", "orders", "fills", "errors", "instruments"] {
        let check = program("plugin").args([
            "check", "exec", "--jobs", "1", "--only", group, "--limit", "300",
        ]);
        let _ = relay(check).end().with_code(0);
    }
    let _ = relay(run(["--exchange", "exec", "--to", "2017-10-20"]))
        .end()
        .with_code(0);

    let said = std::fs::read_to_string(dir.join("said")).unwrap();
    let mut asked = std::collections::BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    for line in said.lines() {
        let (from, text) = line.split_once(' ').unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        let id = value["id"].as_u64().unwrap();
        let fits = if from == ">" {
            let op = value["op"].as_str().unwrap().to_owned();
            asked.insert(id, op.clone());
            check(&schema, "request", &value)
                .and_then(|()| check(&schema, &format!("request_{op}"), &value))
        } else {
            let ok = format!("ok_{}", asked[&id]);
            let ok = value
                .get("ok")
                .map_or(Ok(()), |value| check(&schema, &ok, value));
            seen.insert((asked[&id].clone(), value.get("ok").is_some()));
            check(&schema, "said", &value).and(ok)
        };
        fits.unwrap_or_else(|why| panic!("{why}\n{line}"));
    }
    for op in [
        "open",
        "place",
        "order",
        "open_orders",
        "fills_since",
        "instruments",
        "balances",
        "on_bars",
    ] {
        assert!(
            seen.contains(&(op.to_owned(), true)),
            "{op} was not asked: {seen:?}"
        );
    }
    for op in ["place", "cancel", "amend", "fills_since"] {
        assert!(
            seen.contains(&(op.to_owned(), false)),
            "{op} was not refused: {seen:?}"
        );
    }
    for op in Operation::ALL {
        for kind in ["request", "ok"] {
            let name = format!("{kind}_{}", op.as_str());
            assert!(
                schema["$defs"][&name].is_object(),
                "the schema has no {name}"
            );
        }
    }
}

/// A plugin in a process of its own starts the program there, under its limits, and ends it there.
#[cfg(target_os = "linux")]
#[test]
fn an_isolated_program() {
    let (program, dir) = (artifacts::program("venue_program"), scratch());
    let line = r#"{"id":"a","instrument":"BTC/USD","side":"buy","type":"market","quantity":"0.1"}"#;
    let isolated = |name: &str, fault: &str| {
        let run_dir = dir.join(name);
        run([
            "--exchange",
            "exec",
            "--intents",
            "-",
            "--isolate",
            "--json",
        ])
        .flag("--run-dir", &run_dir)
        .flag("--set", format!("program={}", program.display()))
        .flag(
            "--set",
            format!("args='{}' {fault}", run_dir.join("venue").display()),
        )
        .args(["--set", "answer_timeout_ms=3000"])
        .stdin(format!("{line}\n"))
    };
    for fault in ["exit_after", "hang"] {
        let readable = program.parent().unwrap();
        let run = isolated(fault, &format!("{fault} place 1"))
            .env("INVESTBOT_EXCHANGE_ISOLATION_READ", readable);
        let ended = run.end().with_code(0);
        assert_eq!(
            states(&ended),
            ["new", "in_doubt", "filled"],
            "{fault}: {}",
            ended.stderr
        );
    }
    let kept = isolated("kept", "").end();
    // A kernel without Landlock keeps it from nothing.
    if kept.code != Some(0) {
        assert!(
            kept.stderr.contains("name it in exchange.isolation_read"),
            "{}",
            kept.stderr
        );
    }
}

/// The program of a run that was killed ends by itself, and the next one knows what it kept.
#[test]
fn a_run_of_the_example_goes_on_after_a_kill() {
    let Some(file) = example() else { return };
    let dir = scratch();
    let trade = || {
        with_python(
            run(["--exchange", "exec", "--json", "--to", "2017-12-01"]),
            &file,
        )
    };
    let whole = trade().end().with_code(0).digest();
    for moment in ["before:30", "half:60", "after:90"] {
        let run_dir = dir.join(moment.replace(':', "-"));
        let killed = trade()
            .flag("--run-dir", &run_dir)
            .env("INVESTBOT_DRILL_KILL", moment);
        let killed = killed.end();
        assert_eq!(killed.code, None, "{moment}: {}", killed.stderr);
        let resumed = run(["--json"])
            .flag("--resume", &run_dir)
            .end()
            .with_code(0);
        assert_eq!(resumed.digest(), whole, "{moment}");
    }
}
