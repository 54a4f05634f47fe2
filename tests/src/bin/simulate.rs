//! Searches for a schedule that breaks a rule of the order protocol: every one of a small scope, or random ones of a
//! large one. Prints a table; a schedule that breaks a rule is printed in words, made as simple as it can be, and the
//! exit code is 1.

#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::result_large_err,
    reason = "a program that prints figures, and ends at the first failure"
)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use investbot_tests::simulator::answers::Answers;
use investbot_tests::simulator::coverage::Coverage;
use investbot_tests::simulator::draw::Draw;
use investbot_tests::simulator::explore::{Failure, Search, explore, shrink};
use investbot_tests::simulator::invariants::Broken;
use investbot_tests::simulator::model::Model;
use investbot_tests::simulator::oracle::{Budget, Named as _, Schedule};
use investbot_tests::simulator::states::walk;
use investbot_tests::simulator::world::{Scope, World};
use mimalloc::MiMalloc;

/// A schedule makes and drops a whole world, thousands of times a second.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Runs the shipping session, journal and recovery in a simulated world, and checks every rule at every step.
///
/// Without flags: all schedules of one order and of two, then as many of many orders, drawn at random, as there is
/// time for; for every class of venue.
#[derive(Parser)]
struct Args {
    /// How long it may take at most
    #[arg(long, value_name = "N", default_value_t = 10.0)]
    minutes: f64,
    /// Draws so many schedules at random, over all classes
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    random: u64,
    /// The first seed of random schedules; of one class and scope, the one schedule that is run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Runs one schedule of a class and scope that was written down, such as 2.0.1.3
    #[arg(long, value_name = "CHOICES", requires = "class", requires = "scope")]
    schedule: Option<Schedule>,
    /// The venue's class: a, a-window, b, c, d, e
    #[arg(long, value_name = "CLASS", value_parser = class)]
    class: Option<Model>,
    /// How much is to be done
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,
    /// How often the process may be killed [default: 3 for one order, 2 for two, 6 for many]
    #[arg(long, value_name = "N")]
    crashes: Option<u32>,
    /// How often something else may go wrong [default: 2; 8 for many]
    #[arg(long, value_name = "N")]
    faults: Option<u32>,
    /// How often both together, where all schedules are walked [default: 2]
    #[arg(long, value_name = "N")]
    together: Option<u32>,
    /// Says what happened how often
    #[arg(long)]
    coverage: bool,
    /// Prints what becomes of an order whose venue answers ambiguously, by the venue's class
    #[arg(long)]
    answers: bool,
    /// Threads
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// One order
    One,
    /// One order, and a venue at which anything can happen
    OneAny,
    /// Two orders, or one and what is done to it
    Two,
    /// Twenty orders and more
    Many,
}

impl ScopeName {
    const ALL: [Self; 4] = [Self::One, Self::OneAny, Self::Two, Self::Many];

    const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::OneAny => "one-any",
            Self::Two => "two",
            Self::Many => "many",
        }
    }

    fn world(self, model: Model) -> World {
        match self {
            Self::One => World::small(model, Scope::One),
            Self::OneAny => World::wide(model),
            Self::Two => World::small(model, Scope::Two),
            Self::Many => World::large(model, Scope::Many),
        }
    }
}

/// What a search came to, as a row of the table.
struct Row {
    how: &'static str,
    schedules: u128,
    crashes: u128,
    faults: u128,
    /// The lives that were run, and the situations they led to, where there is a graph of them.
    graph: Option<(u64, u64)>,
    /// What is missing.
    left: Option<String>,
    coverage: Coverage,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.answers {
        return print_answers();
    }
    println!(
        "| class | scope | crashes, faults, together | searched | schedules | crashes, faults each | lives run | situations | left out | seconds |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    match search_all(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            println!("\n{text}");
            ExitCode::FAILURE
        }
    }
}

fn print_answers() -> ExitCode {
    match Answers::find_out() {
        Ok(answers) => {
            println!("{answers}\n{} schedules, 0 violations", answers.schedules);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            println!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Searches what is asked for; the first failure, in words.
fn search_all(args: &Args) -> Result<(), String> {
    let end = Instant::now() + Duration::from_secs_f64(args.minutes * 60.0);
    let mut searches = Vec::new();
    for scope in ScopeName::ALL {
        if args.scope.is_none_or(|only| only == scope) {
            searches.extend(args.models().map(|model| (scope, args.world(model, scope))));
        }
    }
    let (mut walked, mut drawn) = (0, 0);
    for (done, (scope, world)) in searches.iter().enumerate() {
        let began = Instant::now();
        // What is left of the time is divided among what is left to do.
        let left = end.saturating_duration_since(began);
        let searches_left = u32::try_from(searches.len() - done).unwrap_or(u32::MAX);
        let share = left / searches_left;
        let row = args.search(world, began + share).map_err(|failure| {
            let failure = shrink(failure, world.budget, |oracle| world.run(oracle));
            let Budget { crashes, faults } = world.budget;
            format!(
                "class {}, scope {}, up to {crashes} crashes and {faults} faults: {failure}",
                world.model.name(),
                scope.name()
            )
        })?;
        if row.graph.is_some() {
            walked += row.schedules;
        } else {
            drawn += row.schedules;
        }
        print(*scope, world, &row, began.elapsed());
        if args.coverage {
            println!("\n{}", row.coverage);
        }
    }
    println!("\n{walked} schedules walked, {drawn} drawn, 0 violations");
    Ok(())
}

fn print(scope: ScopeName, world: &World, row: &Row, took: Duration) {
    let each = |count: u128| count as f64 / row.schedules.max(1) as f64;
    let (lives, situations) = row.graph.map_or_else(
        || ("-".to_owned(), "-".to_owned()),
        |(lives, situations)| (lives.to_string(), situations.to_string()),
    );
    println!(
        "| {} | {} | {}, {}, {} | {} | {} | {:.1}, {:.1} | {lives} | {situations} | {} | {:.1} |",
        world.model.name(),
        scope.name(),
        world.budget.crashes,
        world.budget.faults,
        world
            .together
            .min(world.budget.crashes + world.budget.faults),
        row.how,
        row.schedules,
        each(row.crashes),
        each(row.faults),
        row.left.as_deref().unwrap_or("nothing"),
        took.as_secs_f64(),
    );
}

impl Args {
    fn models(&self) -> impl Iterator<Item = Model> {
        let only = self.class;
        let all = Model::ALL.into_iter();
        all.filter(move |model| only.is_none_or(|only| only == *model))
    }

    fn world(&self, model: Model, scope: ScopeName) -> World {
        let mut world = scope.world(model);
        let Budget { crashes, faults } = world.budget;
        world.budget = Budget {
            crashes: self.crashes.unwrap_or(crashes),
            faults: self.faults.unwrap_or(faults),
        };
        let is_walked = scope != ScopeName::Many;
        world.together = self
            .together
            .unwrap_or(if is_walked { 2 } else { u32::MAX });
        world
    }

    fn search(&self, world: &World, deadline: Instant) -> Result<Row, Failure<Broken>> {
        if let Some(schedule) = self.schedule.clone() {
            self.replay(world, schedule)
        } else if world.scope == Scope::Many {
            self.draw(world, deadline)
        } else {
            self.walk(world, deadline)
        }
    }

    fn replay(&self, world: &World, schedule: Schedule) -> Result<Row, Failure<Broken>> {
        let mut row = Row {
            how: "replayed",
            schedules: 1,
            crashes: 0,
            faults: 0,
            graph: None,
            left: None,
            coverage: Coverage::default(),
        };
        explore(&Search::Replay(schedule), world.budget, |oracle| {
            world.run(oracle)?;
            row.coverage.count(oracle);
            row.crashes = oracle.spent().crashes.into();
            row.faults = oracle.spent().faults.into();
            Ok(())
        })?;
        Ok(row)
    }

    fn draw(&self, world: &World, deadline: Instant) -> Result<Row, Failure<Broken>> {
        let models = self.models().count() as u64;
        let is_alone = self.seed.is_some() && self.class.is_some() && self.scope.is_some();
        let seeds = if is_alone {
            1
        } else {
            self.random.div_ceil(models)
        };
        let draw = Draw {
            seed: self.seed.unwrap_or(0),
            seeds,
            threads: self.threads,
            deadline: Some(deadline),
        };
        let drawn = draw.from(world)?;
        let left = seeds - drawn.schedules;
        Ok(Row {
            how: "at random",
            schedules: drawn.schedules.into(),
            crashes: drawn.crashes.into(),
            faults: drawn.faults.into(),
            graph: None,
            left: (left > 0).then(|| format!("{left} of {seeds} for want of time")),
            coverage: drawn.coverage,
        })
    }

    fn walk(&self, world: &World, deadline: Instant) -> Result<Row, Failure<Broken>> {
        let walked = walk(world, self.threads, Some(deadline))?;
        let left = walked.left;
        Ok(Row {
            how: "all",
            schedules: walked.schedules,
            crashes: walked.crashes,
            faults: walked.faults,
            graph: Some((walked.lives, walked.situations)),
            left: (left > 0).then(|| format!("what follows {left} situations")),
            coverage: walked.coverage,
        })
    }
}

fn class(text: &str) -> Result<Model, String> {
    Model::ALL
        .into_iter()
        .find(|model| model.flag() == text)
        .ok_or_else(|| {
            let all: Vec<_> = Model::ALL.iter().map(|model| model.flag()).collect();
            format!("the classes are {}", all.join(", "))
        })
}
