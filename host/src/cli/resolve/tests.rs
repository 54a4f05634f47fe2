use clap::{Command, FromArgMatches as _};

use super::*;

fn command() -> Command {
    let command = Command::new("resolve").no_binary_name(true).term_width(100);
    ResolveArgs::augment_args(command)
        .long_about(ABOUT)
        .after_long_help(EXAMPLES)
}

fn parse(args: &[&str]) -> Result<ResolveArgs, String> {
    let matches = command()
        .try_get_matches_from(args)
        .map_err(|error| error.to_string())?;
    ResolveArgs::from_arg_matches(&matches).map_err(|error| error.to_string())
}

#[test]
fn a_decision_needs_an_order_a_word_and_a_reason() {
    let whole = ["runs/1", "ib7", "--as", "absent", "--reason", "ticket 4711"];
    let want = ResolveArgs {
        run_dir: "runs/1".into(),
        key: Some("ib7".to_owned()),
        decision: Some(Decision::Absent),
        reason: Some("ticket 4711".to_owned()),
        places: Places::default(),
        json: false,
    };
    assert_eq!(parse(&whole), Ok(want.clone()));
    for (decision, _) in DECISIONS {
        let mut args = whole;
        args[3] = name_of(decision);
        assert_eq!(parse(&args).expect("a word").decision, Some(decision));
    }
    let list = parse(&whole[..1]).expect("a list");
    assert_eq!((list.key, list.decision, list.reason), (None, None, None));
    let without_order = ["runs/1", "--as", "absent"];
    for missing in [&whole[..2], &whole[..4], &whole[1..], &without_order, &[]] {
        let said = parse(missing).expect_err("something is missing");
        assert!(said.contains("required"), "{said}");
    }
    for (reason, says) in [
        ("", "say how"),
        ("  ", "say how"),
        ("two\nlines", "one line"),
        (&"x".repeat(501), "at most 500"),
    ] {
        let mut args = whole;
        args[5] = reason;
        let said = parse(&args).expect_err("no reason");
        assert!(said.contains(says), "{said}");
    }
    let said = parse(&["r", "k", "--as", "accept", "--reason", "x"]).expect_err("no word");
    assert!(
        said.contains("accepted, rejected, absent") && said.contains("similar"),
        "{said}"
    );
}

#[test]
fn help_says_what_each_word_does() {
    let help = command().render_long_help().to_string();
    for part in ["rejected: ", "absent: ", "--as <DECISION>", "Examples:"] {
        assert!(help.contains(part), "{help}");
    }
}

#[test]
fn what_was_recorded_is_told() {
    let args = ["runs/1", "k1", "--as", "rejected", "--reason", "said so"];
    let mut args = parse(&args).expect("valid");
    let decided = Line {
        kind: "resolved",
        key: "k1",
        client_order_id: "c1",
        decision: "rejected",
        reason: "said so",
    };
    let told = |args: &ResolveArgs| {
        let file = tempfile::NamedTempFile::new().expect("a temporary directory");
        let out = file.reopen().expect("it is there");
        print(&mut Output::to(Box::new(out)), args, &decided).expect("writable");
        std::fs::read_to_string(file.path()).expect("text")
    };
    insta::assert_snapshot!(told(&args), @"order c1 is rejected: recorded; `investbot run --resume runs/1` goes on with it");
    args.json = true;
    insta::assert_snapshot!(told(&args), @r#"
    {"kind":"format","format":"investbot.resolve","version":1}
    {"kind":"resolved","key":"k1","client_order_id":"c1","decision":"rejected","reason":"said so"}
    "#);
}
