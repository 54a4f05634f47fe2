//! The lines themselves.

use serde_json::Value;

use super::*;

#[test]
fn every_kind_of_record_comes_back_as_it_was() {
    let fs = SimFs::new();
    let (mut journal, opening, none) = open(&fs).expect("new");
    assert_eq!((none.len(), opening.torn), (0, None));
    let end = append(&mut journal, &every_kind()).expect("room");
    assert_eq!(end.seq, every_kind().len() as u64);
    let (contents, records) = look(&fs, Some(end)).expect("whole");
    assert_eq!(records, every_kind());
    assert_eq!(contents.mark.position, end);
}

#[test]
fn a_journal_goes_on_where_it_ended_over_many_files() {
    let fs = SimFs::new();
    let mut expected = Vec::new();
    for number in 0..12 {
        let (mut journal, _, records) = open(&fs).expect("whole");
        assert_eq!(records, expected);
        append(&mut journal, &[attempt(number)]).expect("room");
        expected.push(attempt(number));
    }
    let (contents, records) = look(&fs, None).expect("whole");
    assert_eq!(records, expected);
    assert!(contents.segments > 3, "{}", contents.segments);
    assert!(
        fs.peek(Path::new("/run/idempotency_keys.000002.jsonl"))
            .is_some()
    );
}

#[test]
fn the_batch_size_changes_no_byte() {
    let content = |sizes: usize| {
        let fs = SimFs::new();
        let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
        for batch in every_kind().chunks(sizes) {
            append(&mut journal, batch).expect("room");
        }
        fs.peek(&segment::path(dir(), 1))
    };
    assert_eq!(content(1), content(100));
}

#[test]
fn a_batch_is_one_write_and_one_sync() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    let before = fs.calls();
    let batch: Vec<_> = (0..64).map(attempt).collect();
    append(&mut journal, &batch).expect("room");
    assert_eq!(fs.calls() - before, 2);
    append(&mut journal, &[]).expect("nothing to do");
    assert_eq!(fs.calls() - before, 2);
}

fn numbers(value: &Value) -> usize {
    match value {
        Value::Number(_) => 1,
        Value::Array(values) => values.iter().map(numbers).sum(),
        Value::Object(fields) => fields.values().map(numbers).sum(),
        _ => 0,
    }
}

#[test]
fn every_line_is_json_without_numbers() {
    let fs = SimFs::new();
    let (mut journal, ..) = open_with(&fs, Sizes::default()).expect("new");
    append(&mut journal, &every_kind()).expect("room");
    let content = fs.peek(&segment::path(dir(), 1)).expect("there");
    for line in std::str::from_utf8(&content).expect("text").lines() {
        let value: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(numbers(&value), 0, "{line}");
    }
}

#[test]
fn a_position_survives_being_written_down() {
    let fs = SimFs::new();
    let (mut journal, ..) = open(&fs).expect("new");
    let position = append(&mut journal, &[attempt(1)]).expect("room");
    let text = serde_json::to_string(&position).expect("plain data");
    assert_eq!(
        serde_json::from_str::<Position>(&text).expect("its own"),
        position
    );
}

#[test]
fn a_record_that_is_too_long_is_refused_and_leaves_no_trace() {
    let fs = SimFs::new();
    let (mut journal, ..) = open(&fs).expect("new");
    let mut long = claim(1);
    long.key = "k".repeat(line::MAX_LINE);
    let answer = append(
        &mut journal,
        &[attempt(0), Record::Attempt(Cow::Owned(long))],
    );
    assert!(
        matches!(answer, Err(JournalError::Record { .. })),
        "{answer:?}"
    );
    append(&mut journal, &[attempt(2)]).expect("still well");
    let records = look(&fs, None).expect("whole").1;
    assert_eq!(
        records,
        [attempt(0), attempt(2)],
        "but what was staged before"
    );
}

#[test]
fn a_record_of_a_kind_that_is_not_known_is_refused_by_line() {
    let fs = SimFs::new();
    let (mut journal, ..) = open(&fs).expect("new");
    append(&mut journal, &[attempt(1)]).expect("room");
    let file = segment::path(dir(), 1);
    let text = String::from_utf8(fs.peek(&file).expect("there")).expect("text");
    let body = text.replace("\"attempt\",\"data\"", "\"novelty\",\"data\"");
    let body = &body[..body.find(",\"crc\"").expect("a checksum")];
    let line = format!(
        "{body},\"crc\":\"{:08x}\"}}\n",
        crc32fast::hash(body.as_bytes())
    );
    fs.plant(&file, line.as_bytes());
    let error = look(&fs, None).expect_err("unknown");
    assert!(
        matches!(
            &error,
            JournalError::Corrupt {
                line: 1,
                flaw: Flaw::Content(_),
                ..
            }
        ),
        "{error}"
    );
}

mod any {
    //! Any record at all.

    use proptest::prelude::*;

    use super::*;
    use crate::store::mirror::tests as values;

    fn words() -> impl Strategy<Value = [String; 3]> {
        [values::text(), values::text(), values::text()]
    }

    fn known() -> impl Strategy<Value = engine::Outcome> {
        use engine::Outcome as Is;
        prop_oneof![
            values::report().prop_map(Is::Accepted),
            words().prop_map(|[code, text, _]| Is::Rejected { code, text }),
            Just(Is::Absent),
            values::text().prop_map(|text| Is::Abandoned { text }),
            values::text().prop_map(|text| Is::Unknown { text }),
            values::text().prop_map(|text| Is::Held { text }),
        ]
    }

    fn taken_in() -> impl Strategy<Value = TakenIn<'static>> {
        let seen = || proptest::option::of(values::seen());
        (any::<u64>(), values::intent(), seen(), seen()).prop_map(
            |(position, intent, seen, taken)| TakenIn {
                position,
                intent: Cow::Owned(intent),
                seen: seen.map(Cow::Owned),
                taken: taken.map(Cow::Owned),
            },
        )
    }

    pub(super) fn record() -> impl Strategy<Value = Record<'static>> {
        let epoch = (words(), any::<u64>(), any::<i64>());
        let account = (values::decimal(), values::decimal());
        let outcome = (words(), any::<u32>(), known());
        let decision = proptest::sample::select(vec![
            Decision::Accepted,
            Decision::Rejected,
            Decision::Absent,
        ]);
        prop_oneof![
            epoch.prop_map(|([run_id, plugin_sha256, _], number, time)| {
                Record::Epoch(Epoch {
                    number,
                    run_id,
                    plugin_sha256,
                    started_at: UnixNanos(time),
                })
            }),
            account.prop_map(|(cash, position)| Record::Account(Account { cash, position })),
            proptest::collection::vec(values::instrument(), 0..4)
                .prop_map(|rules| Record::Instruments(Cow::Owned(rules))),
            any::<u64>().prop_map(Record::Offset),
            taken_in().prop_map(Record::Intent),
            values::claim().prop_map(|claim| Record::Attempt(Cow::Owned(claim))),
            outcome.prop_map(|([key, client_order_id, _], attempt, outcome)| {
                Record::Outcome(Outcome {
                    key: key.into(),
                    client_order_id: client_order_id.into(),
                    attempt,
                    outcome: Cow::Owned(outcome),
                })
            }),
            (words(), decision).prop_map(|([key, client_order_id, reason], decision)| {
                Record::Resolved(Resolved {
                    key: key.into(),
                    client_order_id: client_order_id.into(),
                    decision,
                    reason: reason.into(),
                })
            }),
            values::fill().prop_map(|fill| Record::Fill(Cow::Owned(fill))),
            values::report().prop_map(|report| Record::Order(Cow::Owned(report))),
            words().prop_map(|[client_order_id, code, text]| {
                Record::CancelFailed(CancelFailed {
                    client_order_id: client_order_id.into(),
                    code: code.into(),
                    text: text.into(),
                })
            }),
            values::text().prop_map(|reason| Record::Halt(reason.into())),
            values::text().prop_map(|cursor| Record::Cursor(cursor.into())),
            Just(Record::Closed),
        ]
    }
}

proptest::proptest! {
    #[test]
    fn any_record_comes_back_with_its_time_as_it_was(
        record in any::record(),
        at in proptest::prelude::any::<i64>(),
    ) {
        let fs = SimFs::new();
        let (mut journal, ..) = open(&fs).expect("new");
        journal.stage(UnixNanos(at), &record).expect("short");
        journal.commit().expect("room");
        let mut found = Vec::new();
        read(&fs, dir(), Reading::default(), &mut |_, at, record| {
            found.push((at, record.into_owned()));
            Ok(())
        })
        .expect("whole");
        // The scale and the sign of a decimal too, which equality passes over.
        let expected = [(UnixNanos(at), record)];
        proptest::prop_assert_eq!(format!("{found:?}"), format!("{expected:?}"));
        proptest::prop_assert_eq!(found, expected);
    }
}
