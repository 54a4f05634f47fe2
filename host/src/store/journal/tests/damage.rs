//! Every bit, every length, every line: what is damaged is refused, or cut off where it may be.

use proptest::prelude::*;

use super::*;
use crate::fs::Fs as _;

/// A journal of several files, with its end.
struct Whole {
    files: Vec<(PathBuf, Vec<u8>)>,
    records: Vec<Record<'static>>,
    end: Position,
}

/// Every kind of record, in two files; the last line is one that a write cut off could leave.
fn whole() -> Whole {
    let fs = SimFs::new();
    let sizes = Sizes {
        segment: 3500,
        ..Sizes::default()
    };
    let (mut journal, ..) = open_with(&fs, sizes).expect("new");
    let mut records = every_kind();
    records.extend([attempt(3), outcome(3)]);
    for batch in records.chunks(3) {
        append(&mut journal, batch).expect("room");
    }
    let (contents, _) = look(&fs, None).expect("whole");
    assert_eq!(contents.segments, 2, "and the last has several records");
    let file = |number| {
        let path = segment::path(dir(), number);
        let content = fs.peek(&path).expect("there");
        (path, content)
    };
    Whole {
        files: (1..=contents.segments).map(file).collect(),
        records,
        end: contents.mark.position,
    }
}

impl Whole {
    /// The disk with one file replaced.
    fn with(&self, index: usize, content: &[u8]) -> SimFs {
        let fs = SimFs::new();
        for (at, (path, original)) in self.files.iter().enumerate() {
            fs.plant(path, if at == index { content } else { original });
        }
        fs
    }

    /// Damage must be refused; or be at the very end, be told, and cost nothing but the last record.
    fn assert_refused_or_told(&self, fs: &SimFs, what: &str) {
        match look(fs, None) {
            Err(JournalError::Corrupt { file, line, .. }) => {
                assert!(self.files.iter().any(|(path, _)| *path == file), "{what}");
                assert!(line > 0);
            }
            Err(error) => panic!("{what}: {error}"),
            Ok((contents, records)) => {
                assert!(contents.torn.is_some(), "{what}: accepted in silence");
                let kept = &self.records[..self.records.len() - 1];
                assert_eq!(records, kept, "{what}");
                let answer = look(fs, Some(self.end));
                assert!(answer.is_err(), "{what}: the checkpoint has seen more");
            }
        }
    }

    fn lines(&self, index: usize) -> Vec<&[u8]> {
        self.files[index]
            .1
            .split_inclusive(|byte| *byte == b'\n')
            .collect()
    }
}

/// The mark of every record.
fn marks(whole: &Whole) -> Vec<Mark> {
    let mut marks = Vec::new();
    let fs = whole.with(0, &whole.files[0].1);
    read(&fs, dir(), Reading::default(), &mut |mark, _, _| {
        marks.push(mark);
        Ok(())
    })
    .expect("whole");
    marks
}

#[test]
fn from_every_mark_the_rest_is_read() {
    let whole = whole();
    let marks = marks(&whole);
    assert_eq!(marks.len(), whole.records.len());
    for (index, mark) in marks.iter().enumerate() {
        let fs = whole.with(0, &whole.files[0].1);
        let (contents, rest) = look_from(&fs, Some(*mark), Some(whole.end)).expect("whole");
        assert_eq!(rest, whole.records[index + 1..]);
        assert_eq!(contents.mark, marks[marks.len() - 1]);
        let (journal, _, rest) = open_from(&fs, small(), Some(*mark)).expect("whole");
        assert_eq!(rest, whole.records[index + 1..]);
        assert_eq!(journal.mark(), contents.mark);
    }
    let (_, all) =
        look_from(&whole.with(0, &whole.files[0].1), Some(Mark::START), None).expect("whole");
    assert_eq!(all, whole.records);
}

/// A resume once began to read at the checkpoint's line, and took a run for whole of whose earlier records only a full
/// verification found that they were damaged.
#[test]
fn what_comes_before_a_mark_is_checked() {
    let whole = whole();
    for mark in marks(&whole) {
        for index in 0..mark.segment as usize {
            let is_its_file = index + 1 == mark.segment as usize;
            let content = &whole.files[index].1;
            let end = if is_its_file {
                mark.offset
            } else {
                content.len() as u64
            };
            for byte in 0..usize::try_from(end).expect("small") {
                let mut damaged = content.clone();
                damaged[byte] ^= 1 << (byte % 8);
                let answer = look_from(&whole.with(index, &damaged), Some(mark), None);
                assert!(
                    matches!(answer, Err(JournalError::Corrupt { .. })),
                    "byte {byte} of file {index}: {answer:?}"
                );
            }
            let lines = whole.lines(index);
            let before = if is_its_file {
                mark.line - 1
            } else {
                lines.len() as u64
            };
            for left_out in 0..usize::try_from(before).expect("small") {
                let mut rest = lines.clone();
                rest.remove(left_out);
                let answer = look_from(&whole.with(index, &rest.concat()), Some(mark), None);
                assert!(
                    answer.is_err(),
                    "line {left_out} of file {index}: {answer:?}"
                );
            }
        }
    }
}

#[test]
fn a_journal_goes_on_from_a_mark_as_from_its_beginning() {
    let whole = whole();
    let sizes = Sizes::default();
    for mark in marks(&whole) {
        let fs = whole.with(0, &whole.files[0].1);
        let (mut journal, ..) = open_from(&fs, sizes, Some(mark)).expect("whole");
        append(&mut journal, &[outcome(7)]).expect("room");
        let (contents, records) = look(&fs, None).expect("whole");
        assert_eq!(records.last(), Some(&outcome(7)));
        assert_eq!(contents.mark, journal.mark());
    }
}

/// No damage to a marked line or to what comes after it; and a mark must be of this very journal.
#[test]
fn a_mark_that_does_not_fit_the_journal_is_refused() {
    let whole = whole();
    for mark in marks(&whole) {
        let index = mark.segment as usize - 1;
        let content = &whole.files[index].1;
        let begin = usize::try_from(mark.offset).expect("small");
        let length = 1 + memchr::memchr(b'\n', &content[begin..]).expect("a line");
        for bit in begin * 8..(begin + length) * 8 {
            let mut damaged = content.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let answer = look_from(&whole.with(index, &damaged), Some(mark), None);
            assert!(
                matches!(answer, Err(JournalError::Corrupt { line, .. }) if line == mark.line),
                "{answer:?}"
            );
        }
        let mut other = mark;
        other.position.chain = Chain::of(b"another");
        let answer = look_from(&whole.with(0, &whole.files[0].1), Some(other), None);
        assert!(
            matches!(
                &answer,
                Err(JournalError::Corrupt {
                    flaw: Flaw::OtherHistory(_),
                    ..
                })
            ),
            "{answer:?}"
        );
        let cut_short = whole.with(index, &content[..begin]);
        if index == 0 {
            cut_short.remove(&whole.files[1].0).expect("there");
        }
        let expected = mark.position.seq;
        let answer = look_from(&cut_short, Some(mark), None);
        assert_eq!(
            answer,
            Err(JournalError::CutShort {
                dir: dir().to_owned(),
                expected
            })
        );
        let gone = whole.with(index, b"");
        let answer = look_from(&gone, Some(mark), None);
        assert!(
            matches!(answer, Err(JournalError::CutShort { .. })),
            "{answer:?}"
        );
    }
}

#[test]
fn no_flipped_bit_is_accepted_in_silence() {
    let whole = whole();
    let mut torn = 0;
    for (index, (path, content)) in whole.files.iter().enumerate() {
        for bit in 0..content.len() * 8 {
            let mut damaged = content.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            let fs = whole.with(index, &damaged);
            whole.assert_refused_or_told(&fs, &format!("bit {bit} of {}", path.display()));
            torn += usize::from(look(&fs, None).is_ok());
        }
    }
    // Only the last newline, and bits whose flip makes a hole, can look like a write that was cut off.
    assert!(torn < 32, "{torn}");
}

#[test]
fn no_truncation_is_accepted_in_silence_but_one_between_lines() {
    let whole = whole();
    for (index, (path, content)) in whole.files.iter().enumerate() {
        let is_last = index + 1 == whole.files.len();
        for length in 0..content.len() {
            let fs = whole.with(index, &content[..length]);
            let what = format!("{length} bytes of {}", path.display());
            let between_lines = length == 0 || content[length - 1] == b'\n';
            match look(&fs, None) {
                Ok((contents, records)) => {
                    assert!(is_last, "{what}");
                    assert_eq!(contents.torn.is_none(), between_lines, "{what}");
                    assert!(whole.records.starts_with(&records), "{what}");
                    let lines = content[..length]
                        .iter()
                        .filter(|byte| **byte == b'\n')
                        .count();
                    let others = whole.lines(0).len();
                    assert_eq!(records.len(), others + lines, "{what}");
                }
                Err(error) => assert!(!is_last, "{what}: {error}"),
            }
            assert!(look(&fs, Some(whole.end)).is_err(), "{what}");
        }
    }
}

#[test]
fn a_missing_file_is_named_and_a_missing_end_needs_the_checkpoint() {
    let whole = whole();
    let fs = SimFs::new();
    fs.plant(&whole.files[1].0, &whole.files[1].1);
    let error = look(&fs, None).expect_err("no first file");
    let file = whole.files[0].0.clone();
    assert_eq!(error, JournalError::MissingSegment { file });

    let fs = SimFs::new();
    fs.plant(&whole.files[0].0, &whole.files[0].1);
    assert!(look(&fs, None).is_ok());
    for missing in [fs, SimFs::new()] {
        let error = look(&missing, Some(whole.end)).expect_err("cut short");
        assert!(matches!(error, JournalError::CutShort { .. }), "{error}");
    }
}

#[test]
fn no_line_can_be_left_out_doubled_or_moved() {
    let whole = whole();
    for index in 0..whole.files.len() {
        let lines = whole.lines(index);
        let refused = |lines: &[&[u8]], what: String| {
            let fs = whole.with(index, &lines.concat());
            let error = look(&fs, None).expect_err(&what);
            assert!(
                matches!(error, JournalError::Corrupt { .. }),
                "{what}: {error}"
            );
        };
        for at in 0..lines.len() {
            let is_last = index + 1 == whole.files.len() && at + 1 == lines.len();
            if !is_last {
                let mut without = lines.clone();
                without.remove(at);
                refused(&without, format!("line {at} left out of file {index}"));
            }
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            refused(&doubled, format!("line {at} doubled in file {index}"));
            for other in at + 1..lines.len() {
                let mut swapped = lines.clone();
                swapped.swap(at, other);
                refused(
                    &swapped,
                    format!("lines {at} and {other} swapped in file {index}"),
                );
            }
        }
    }
}

#[test]
fn a_line_of_another_run_does_not_fit() {
    let whole = whole();
    let fs = SimFs::new();
    let (mut other, ..) = open(&fs).expect("new");
    for number in 1..=2 {
        other
            .stage(UnixNanos(1), &attempt(number))
            .expect("well-formed");
    }
    other.commit().expect("room");
    let end = other.mark().position;
    let other = fs.peek(&segment::path(dir(), 1)).expect("there");
    let second = other
        .split_inclusive(|byte| *byte == b'\n')
        .nth(1)
        .expect("two");
    let mut lines = whole.lines(0);
    lines[1] = second;
    let error = look(&whole.with(0, &lines.concat()), None).expect_err("another chain");
    assert!(
        matches!(
            error,
            JournalError::Corrupt {
                line: 2,
                flaw: Flaw::Chain,
                ..
            }
        ),
        "{error}"
    );
    let error = look(&whole.with(0, &whole.files[0].1), Some(end)).expect_err("another run's");
    assert!(
        matches!(
            error,
            JournalError::Corrupt {
                line: 2,
                flaw: Flaw::OtherHistory(2),
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn a_contradiction_is_told_with_its_line() {
    let whole = whole();
    let fs = whole.with(0, &whole.files[0].1);
    let error = read(&fs, dir(), Reading::default(), &mut |mark, _, _| {
        if mark.position.seq == 2 {
            Err("no".into())
        } else {
            Ok(())
        }
    })
    .expect_err("told so");
    let text = error.to_string();
    assert!(
        text.contains("idempotency_keys.jsonl, line 2: it contradicts"),
        "{text}"
    );
}

#[test]
fn a_torn_write_is_put_aside_and_the_journal_goes_on() {
    let whole = whole();
    let (path, content) = whole.files.last().expect("some");
    let last = whole.lines(1).last().expect("some").len();
    let kept = content.len() - last;
    for round in 1..=3 {
        let fs = whole.with(1, &content[..content.len() - 1]);
        for earlier in 1..round {
            fs.plant(&broken(path, earlier), b"from before");
        }
        let (mut journal, opening, records) = open(&fs).expect("torn");
        assert_eq!(records.len(), whole.records.len() - 1);
        assert_eq!(opening.torn.expect("told").offset, kept as u64);
        assert_eq!(opening.broken, Some(broken(path, round)));
        assert_eq!(
            fs.peek(&broken(path, round)).as_deref(),
            Some(&content[kept..content.len() - 1])
        );
        append(&mut journal, &[outcome(3)]).expect("room");
        fs.crash(1);
        let (_, opening, records) = open(&fs).expect("whole");
        assert_eq!(opening.torn, None);
        assert_eq!(records.last(), Some(&outcome(3)));
    }
}

fn broken(path: &Path, number: usize) -> PathBuf {
    let suffix = if number == 1 {
        String::new()
    } else {
        format!(".{number}")
    };
    PathBuf::from(format!("{}.broken{suffix}", path.display()))
}

#[test]
fn a_refused_journal_is_left_as_it_is() {
    let whole = whole();
    let mut damaged = whole.files[0].1.clone();
    damaged[100] ^= 1;
    let fs = whole.with(0, &damaged);
    open(&fs).expect_err("damaged");
    assert_eq!(fs.peek(&whole.files[0].0), Some(damaged));
    assert_eq!(fs.peek(&broken(&whole.files[0].0, 1)), None);
}

#[test]
fn holes_at_the_end_are_a_write_that_was_cut_off() {
    let whole = whole();
    let (_, content) = whole.files.last().expect("some");
    let mut damaged = content.clone();
    damaged.extend_from_slice(&[0; 5000]);
    let (contents, records) = look(&whole.with(1, &damaged), None).expect("torn");
    assert_eq!(contents.torn.expect("told").offset, content.len() as u64);
    assert_eq!(records, whole.records);
}

#[test]
fn memory_is_bounded_whatever_the_file() {
    let whole = whole();
    let mut damaged = whole.files[1].1.clone();
    damaged.resize(damaged.len() + 3 * line::MAX_LINE, b'x');
    let error = look(&whole.with(1, &damaged), None).expect_err("too much");
    assert!(
        matches!(
            error,
            JournalError::Corrupt {
                flaw: Flaw::TooLong,
                because: Because::TooMuch,
                ..
            }
        ),
        "{error}"
    );
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic_and_none_are_taken_for_records(
        junk in proptest::collection::vec(any::<u8>(), 0..400),
        at in 0usize..2000,
    ) {
        let whole = whole();
        let content = &whole.files[1].1;
        let at = at.min(content.len());
        let damaged = [&content[..at], &junk, &content[at..]].concat();
        if let Ok((contents, records)) = look(&whole.with(1, &damaged), None) {
            prop_assert!(whole.records.starts_with(&records));
            prop_assert!(contents.torn.is_some() || junk.is_empty());
        }
    }

    #[test]
    fn edits_of_several_bytes_are_not_accepted_in_silence(
        edits in proptest::collection::vec((any::<prop::sample::Index>(), 1u8..), 1..8),
        index in 0usize..2,
    ) {
        let whole = whole();
        let mut damaged = whole.files[index].1.clone();
        for (place, change) in edits {
            let place = place.index(damaged.len());
            damaged[place] ^= change;
        }
        prop_assume!(damaged != whole.files[index].1);
        match look(&whole.with(index, &damaged), None) {
            Err(_) => {}
            Ok((contents, records)) => {
                prop_assert!(contents.torn.is_some());
                prop_assert!(whole.records.starts_with(&records));
            }
        }
    }
}
