//! Searches for a schedule that breaks a rule of the order protocol: every one of a small scope, or random ones of a
//! large one. Prints a table; a schedule that breaks a rule is printed in words, made as simple as it can be, and the
//! exit code is 1.

#![allow(
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::result_large_err,
    reason = "a program that prints figures, and ends at the first failure"
)]

use std::panic::resume_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use investbot_tests::simulator::explore::{Failure, Search, explore, shrink};
use investbot_tests::simulator::invariants::Broken;
use investbot_tests::simulator::model::Model;
use investbot_tests::simulator::oracle::{Budget, Named as _, Oracle, Schedule, Share};
use investbot_tests::simulator::world::{Scope, World};

/// Runs the shipping session, journal and recovery in a simulated world, and checks every rule at every step.
#[derive(Parser)]
struct Args {
    /// Draws so many schedules at random for each class and scope, instead of visiting them in order
    #[arg(long, value_name = "N")]
    random: Option<u64>,
    /// The first seed of random schedules; alone, the one schedule that is run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Runs one schedule that was written down, such as 2.0.1.3
    #[arg(long, value_name = "CHOICES")]
    schedule: Option<Schedule>,
    /// The venue's class: a, a-window, b, c, d, e
    #[arg(long, value_name = "CLASS")]
    class: Option<String>,
    /// How much is to be done
    #[arg(long, value_enum)]
    scope: Option<ScopeName>,
    /// How often the process may be killed [default: 3 for one order, 2 for two, 6 for many]
    #[arg(long, value_name = "N")]
    crashes: Option<u32>,
    /// How often something else may go wrong [default: 2; 8 for many]
    #[arg(long, value_name = "N")]
    faults: Option<u32>,
    /// Visits at most so many schedules for each class and scope
    #[arg(long, value_name = "N", default_value_t = u64::MAX, hide_default_value = true)]
    limit: u64,
    /// Threads
    #[arg(long, value_name = "N", default_value_t = 2)]
    threads: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// One order
    One,
    /// Two orders, or one and what is done to it
    Two,
    /// Twenty orders and more
    Many,
}

/// What a search came to.
struct Searched {
    schedules: u64,
    whole: bool,
    elapsed: Duration,
}

fn main() -> ExitCode {
    let args = Args::parse();
    println!(
        "| class | scope | crashes | faults | schedules | visited | violations | schedules/s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let mut total = 0;
    for model in Model::ALL {
        if args
            .class
            .as_ref()
            .is_some_and(|class| *class != model.name().to_lowercase())
        {
            continue;
        }
        for scope in scopes(&args) {
            let world = world(&args, model, scope);
            let searched = match search(&args, &world) {
                Ok(searched) => searched,
                Err(failure) => {
                    let failure = shrink(failure, world.budget, |oracle| world.run(oracle));
                    println!(
                        "\nclass {}, scope {}: {failure}",
                        model.name(),
                        scope.name()
                    );
                    return ExitCode::FAILURE;
                }
            };
            total += searched.schedules;
            println!(
                "| {} | {} | {} | {} | {} | {} | 0 | {:.0} |",
                model.name(),
                scope.name(),
                world.budget.crashes,
                world.budget.faults,
                searched.schedules,
                if searched.whole { "all" } else { "a part" },
                searched.schedules as f64 / searched.elapsed.as_secs_f64()
            );
        }
    }
    println!("\n{total} schedules, 0 violations");
    ExitCode::SUCCESS
}

fn scopes(args: &Args) -> Vec<Scope> {
    match args.scope {
        Some(ScopeName::One) => vec![Scope::One],
        Some(ScopeName::Two) => vec![Scope::Two],
        Some(ScopeName::Many) => vec![Scope::Many],
        None if args.random.is_some() => vec![Scope::Many],
        None => vec![Scope::One, Scope::Two],
    }
}

fn world(args: &Args, model: Model, scope: Scope) -> World {
    let mut world = if args.random.is_some() || args.seed.is_some() || scope == Scope::Many {
        World::large(model, scope)
    } else {
        World::small(model, scope)
    };
    let Budget { crashes, faults } = world.budget;
    world.budget = Budget {
        crashes: args.crashes.unwrap_or(crashes),
        faults: args.faults.unwrap_or(faults),
    };
    world
}

fn search(args: &Args, world: &World) -> Result<Searched, Failure<Broken>> {
    let started = Instant::now();
    let done = |(schedules, whole)| Searched {
        schedules,
        whole,
        elapsed: started.elapsed(),
    };
    let run = |oracle: &Oracle| world.run(oracle);
    if let Some(schedule) = args.schedule.clone() {
        return explore(&Search::Replay(schedule), world.budget, run).map(|ran| done((ran, false)));
    }
    let random = args.random.or(args.seed.map(|_| 1));
    let ran = AtomicU64::new(0);
    let walked: Vec<_> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..args.threads)
            .map(|worker| {
                let share = Share {
                    worker,
                    of: args.threads,
                };
                let ran = &ran;
                threads.spawn(move || match random {
                    Some(seeds) => {
                        let (from, to) = (part(seeds, share, 0), part(seeds, share, 1));
                        let seed = args.seed.unwrap_or(0) + from;
                        let search = Search::Random {
                            seed,
                            seeds: to - from,
                        };
                        let found = explore(&search, world.budget, run)?;
                        ran.fetch_add(found, Ordering::Relaxed);
                        Ok(false)
                    }
                    None => walk(world, share, args.limit, ran),
                })
            })
            .collect();
        let ends = workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)));
        ends.collect::<Result<Vec<bool>, Failure<Broken>>>()
    })?;
    Ok(done((ran.into_inner(), walked.iter().all(|whole| *whole))))
}

/// The first or last seed of a worker's share.
fn part(seeds: u64, share: Share, next: u32) -> u64 {
    seeds * u64::from(share.worker + next) / u64::from(share.of)
}

/// Visits a worker's share of the schedules in order; whether it came to the end.
fn walk(world: &World, share: Share, limit: u64, ran: &AtomicU64) -> Result<bool, Failure<Broken>> {
    let oracle = Oracle::exhaustive(world.budget, share);
    loop {
        if world.run(&oracle).is_err() {
            let schedule = Schedule::of(&oracle);
            explore(&Search::Replay(schedule), world.budget, |oracle| {
                world.run(oracle)
            })?;
        }
        let visited = ran.fetch_add(u64::from(oracle.counts()), Ordering::Relaxed);
        if !oracle.advance() {
            return Ok(true);
        }
        if visited >= limit {
            return Ok(false);
        }
    }
}
