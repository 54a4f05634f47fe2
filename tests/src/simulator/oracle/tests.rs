//! The oracle against trees that are enumerated in another way.

use std::collections::BTreeSet;

use super::*;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Lost,
    Late,
    Twice,
}

impl Named for Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Late => "late",
            Self::Twice => "twice",
        }
    }
}

const KINDS: [Kind; 3] = [Kind::Lost, Kind::Late, Kind::Twice];
const BUDGET: Budget = Budget {
    crashes: 2,
    faults: 2,
};

/// What a small program does; its choices, in order.
type Story = Vec<u32>;

/// Sends three messages, each of which may be spoilt, and may die after each.
fn program(oracle: &Oracle) -> Story {
    let mut story = vec![oracle.choose(2, "mode")];
    for _ in 0..3 {
        let fault = oracle.fault("send", &KINDS, |kind| kind != Kind::Twice || story[0] == 1);
        story.push(fault.map_or(0, |kind| 1 + kind as u32));
        if fault == Some(Kind::Late) {
            story.push(10 + oracle.choose(3, "how late"));
        }
        if oracle.crash("after the send") {
            story.push(99);
            break;
        }
    }
    story
}

/// The same program's stories, by recursion over what it can still do.
fn stories(story: Story, sends: u32, left: Budget, all: &mut Vec<Story>) {
    let with = |more: &[u32]| [story.as_slice(), more].concat();
    let Some(mode) = story.first().copied() else {
        for mode in 0..2 {
            stories(vec![mode], sends, left, all);
        }
        return;
    };
    if sends == 0 {
        all.push(story);
        return;
    }
    let mut sent = vec![(with(&[0]), left.faults)];
    if let Some(faults) = left.faults.checked_sub(1) {
        sent.push((with(&[1]), faults));
        sent.extend((0..3).map(|late| (with(&[2, 10 + late]), faults)));
        sent.extend((mode == 1).then(|| (with(&[3]), faults)));
    }
    for (story, faults) in sent {
        if left.crashes > 0 {
            all.push([story.as_slice(), &[99]].concat());
        }
        stories(story, sends - 1, Budget { faults, ..left }, all);
    }
}

fn visit(budget: Budget, share: Share) -> Vec<Story> {
    let oracle = Oracle::exhaustive(budget, share);
    let mut seen = Vec::new();
    loop {
        let story = program(&oracle);
        if oracle.counts() {
            seen.push(story);
        }
        if !oracle.advance() {
            return seen;
        }
    }
}

fn sorted(mut stories: Vec<Story>) -> Vec<Story> {
    stories.sort();
    stories
}

#[test]
fn every_schedule_is_visited_exactly_once() {
    for crashes in 0..3 {
        for faults in 0..4 {
            let budget = Budget { crashes, faults };
            let mut all = Vec::new();
            stories(Vec::new(), 3, budget, &mut all);
            let distinct: BTreeSet<_> = all.iter().cloned().collect();
            assert_eq!(distinct.len(), all.len());
            assert_eq!(
                sorted(visit(budget, Share::WHOLE)),
                sorted(all),
                "{budget:?}"
            );
        }
    }
}

#[test]
fn the_shares_of_all_workers_are_the_whole() {
    let whole = sorted(visit(BUDGET, Share::WHOLE));
    for of in 1..=5 {
        let shares: Vec<_> = (0..of)
            .map(|worker| visit(BUDGET, Share { worker, of }))
            .collect();
        let smallest = shares.iter().map(Vec::len).min().unwrap_or_default();
        assert!(smallest > 0, "{of} workers, and one has nothing to do");
        assert_eq!(sorted(shares.concat()), whole, "{of} workers");
    }
}

#[test]
fn up_to_k_of_n_chances_are_taken() {
    for (n, k, subsets) in [(10, 0, 1), (10, 1, 11), (10, 3, 176), (6, 6, 64)] {
        let budget = Budget {
            crashes: 0,
            faults: k,
        };
        let oracle = Oracle::exhaustive(budget, Share::WHOLE);
        let mut seen = BTreeSet::new();
        let mut runs = 0;
        loop {
            let taken: Vec<bool> = (0..n)
                .map(|_| oracle.fault("chance", &[Kind::Lost], |_| true).is_some())
                .collect();
            let used = taken.iter().filter(|taken| **taken).count();
            assert_eq!(oracle.left().faults as usize, k as usize - used);
            seen.insert(taken);
            runs += 1;
            if !oracle.advance() {
                break;
            }
        }
        assert_eq!((runs, seen.len()), (subsets, subsets), "{k} of {n}");
    }
}

#[test]
fn a_worker_runs_little_more_than_its_share() {
    let budget = Budget {
        crashes: 0,
        faults: 3,
    };
    for of in 1..=4 {
        let (mut ran, mut counted) = (0, Vec::new());
        for worker in 0..of {
            let oracle = Oracle::exhaustive(budget, Share { worker, of });
            let mut own = 0;
            loop {
                for _ in 0..10 {
                    oracle.fault("chance", &[Kind::Lost], |_| true);
                }
                ran += 1;
                own += u32::from(oracle.counts());
                if !oracle.advance() {
                    break;
                }
            }
            counted.push(own);
        }
        assert_eq!(counted.iter().sum::<u32>(), 176);
        assert_eq!(ran, 176 + 11 * (of - 1), "11 with at most one fault");
        let (least, most) = (counted.iter().min(), counted.iter().max());
        assert!(most < least.map(|least| least * 2).as_ref(), "{counted:?}");
    }
}

#[test]
fn what_the_budget_does_not_allow_is_no_choice() {
    let oracle = Oracle::exhaustive(Budget::default(), Share::WHOLE);
    assert!(!oracle.crash("here"));
    assert_eq!(oracle.fault("here", &KINDS, |_| true), None);
    assert_eq!(oracle.pick("here", &[Kind::Late]), Kind::Late);
    assert_eq!(oracle.pick_where("here", &KINDS, |_| false), None);
    assert_eq!(oracle.choose(1, "here"), 0);
    assert_eq!(oracle.taken(), []);
    assert!(!oracle.advance());
    let oracle = Oracle::exhaustive(BUDGET, Share::WHOLE);
    oracle.heal();
    assert!(!oracle.crash("here") && oracle.taken().is_empty());
    assert_eq!(oracle.left(), Budget::default());
}

#[test]
fn a_seed_gives_the_same_schedule_again() {
    let budget = Budget {
        crashes: 1,
        faults: 3,
    };
    let run = |oracle: &Oracle| (program(oracle), oracle.taken());
    let oracle = Oracle::random(budget, 0);
    let mut seen = BTreeSet::new();
    for seed in 0..2_000 {
        assert_eq!(oracle.seed(), Some(seed));
        let first = run(&oracle);
        assert_eq!(first, run(&Oracle::random(budget, seed)));
        let written = Schedule::of(&oracle).to_string();
        let again = Oracle::replay(budget, written.parse().expect("a schedule"));
        assert_eq!(first, run(&again), "{written}");
        seen.insert(first.0);
        assert!(oracle.advance() && oracle.counts());
    }
    assert!(
        seen.len() > 100,
        "{} different ones, few of them eventful",
        seen.len()
    );
}

#[test]
fn the_dice_fall_the_same_on_every_machine() {
    let oracle = Oracle::random(BUDGET, 7);
    let drawn: Vec<u32> = (0..8).map(|_| oracle.choose(1_000, "number")).collect();
    assert_eq!(drawn, [717, 427, 963, 465, 723, 329, 982, 73]);
}

#[test]
fn a_schedule_is_told_in_words() {
    let schedule: Schedule = "1.2.1.0.0.1".parse().expect("a schedule");
    let oracle = Oracle::replay(BUDGET, schedule);
    assert_eq!(program(&oracle), [1, 2, 11, 0, 99]);
    assert_eq!(
        oracle.words(),
        "    0  mode: option 1 of 2\n    1  send: late\n    2  how late: option 1 of 3\n    \
         5  after the send: the process dies\n"
    );
}

#[test]
fn a_written_schedule_is_read_again() {
    for (text, choices) in [
        ("2.0.1.3", vec![2, 0, 1, 3]),
        ("0", vec![]),
        ("5.0.0", vec![5]),
    ] {
        let schedule: Schedule = text.parse().expect("a schedule");
        assert_eq!(schedule.choices(), choices);
        let written = schedule.to_string();
        assert_eq!(written.parse(), Ok(schedule));
        assert!(text.starts_with(&written));
    }
    for text in ["", "1.", "1..2", "a", "1,2", "-1", "99999999999"] {
        let error = text.parse::<Schedule>().expect_err(text);
        assert!(error.to_string().contains("hint"), "{error}");
    }
}

#[test]
fn a_failing_schedule_is_made_as_simple_as_it_can_be() {
    let fails = |schedule: &Schedule| {
        let story = program(&Oracle::replay(BUDGET, schedule.clone()));
        story.contains(&99) && story[0] == 1
    };
    let schedule: Schedule = "1.2.2.0.3.1".parse().expect("a schedule");
    assert!(fails(&schedule));
    let simplest = schedule.shrink(fails);
    assert!(fails(&simplest));
    let strays = simplest.choices().iter().filter(|chosen| **chosen != 0);
    assert_eq!(strays.count(), 2, "{simplest}");
}

#[test]
#[should_panic(expected = "not deterministic")]
fn a_program_with_choices_of_its_own_is_found_out() {
    let oracle = Oracle::exhaustive(BUDGET, Share::WHOLE);
    for options in 2.. {
        oracle.choose(2, "first");
        oracle.choose(options, "second");
        assert!(oracle.advance());
    }
}

#[test]
#[should_panic(expected = "not deterministic")]
fn a_program_that_ends_early_is_found_out() {
    let oracle = Oracle::exhaustive(BUDGET, Share::WHOLE);
    oracle.choose(2, "first");
    oracle.choose(2, "second");
    oracle.advance();
    oracle.choose(2, "first");
    oracle.advance();
}
