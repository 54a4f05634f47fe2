//! Holds a drill: trials on several threads, until the schedule is through.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use investbot_plugin_api::manifest::{Manifest, VenueClass};

use super::audit::Wanted;
use super::error::DrillError;
use super::schedule::{Schedule, SeedOf, Task};
use super::tally::Tally;
use super::trial::{Kit, Plot, Trial, Undisturbed};
use super::work::{Data, Work};
use crate::config::{Pace, RuntimeConfig};
use crate::exec::{StopFlag, find_plugin};

/// What is wanted of a drill.
#[derive(Debug)]
pub struct Plan {
    /// The venue, where its plugin is looked for, the seed and the pace.
    pub config: RuntimeConfig,
    /// Whether runs are killed at every step of their journal.
    pub steps: bool,
    /// How many kills at random instants there are at least.
    pub kills: u64,
    /// Where the run directories are; a directory of its own among temporary files if not said.
    pub dir: Option<PathBuf>,
    /// How many runs there are at a time.
    pub jobs: usize,
    /// Whether the first run that breaks a promise is enough.
    pub fail_fast: bool,
    /// More flags for every run.
    pub flags: Vec<String>,
}

/// Where the run directories are.
enum Room {
    Given(PathBuf),
    /// Removed at the end, unless something is to be seen there.
    Temporary(tempfile::TempDir),
}

/// Holds a drill. `watch` is told how far it is, now and then.
pub fn hold(
    plan: &Plan,
    stop: &StopFlag,
    watch: &mut dyn FnMut(&Tally),
) -> Result<Tally, DrillError> {
    let plugin = find_plugin(&plan.config)?;
    let manifest = plugin.manifest();
    let info = &manifest.plugin;
    if !info.simulated || info.real_money {
        let id = info.id.clone();
        return Err(DrillError::NotSimulated { id });
    }
    let room = Room::make(plan.dir.as_deref())?;
    let kit = kit(plan, plugin.path(), manifest, room.path())?;
    let seed = plan.config.run.seed;
    let is_virtual = plan.config.run.pace == Pace::Virtual;
    // Only a venue that remembers every order for ever leaves no trace of a kill.
    let class = manifest.capabilities.class();
    let leaves_no_trace = is_virtual && class == VenueClass::A;
    let mut undisturbed = Vec::new();
    for work in Work::ALL {
        undisturbed.push((work, live_undisturbed(&kit, work, seed, leaves_no_trace)?));
    }
    let seed_of = if leaves_no_trace {
        SeedOf::All(seed)
    } else {
        SeedOf::Each
    };
    let mut tally = Tally::new(&info.id, &info.version, class, seed, plan.kills);
    let schedule = Schedule::new(seed, seed_of, plan.steps, plan.kills, undisturbed);
    let schedule = go_through(&kit, schedule, plan, stop, &mut tally, watch)?;
    if schedule.is_hopeless() {
        let (kills, runs) = schedule.random();
        return Err(DrillError::TooFast { runs, kills });
    }
    if !tally.failures.is_empty() {
        room.keep();
    }
    Ok(tally)
}

fn kit(plan: &Plan, plugin: &Path, manifest: &Manifest, room: &Path) -> Result<Kit, DrillError> {
    let program = std::env::current_exe().map_err(|error| DrillError::io(room, error))?;
    let plugin = std::path::absolute(plugin).map_err(|error| DrillError::io(plugin, error))?;
    let is_set = |name: &str| {
        [name.to_owned(), format!("{name}_FILE")]
            .iter()
            .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    };
    let secrets = manifest.secrets.iter().map(|spec| spec.env.clone());
    let mut flags = plan.flags.clone();
    if plan.config.run.pace == Pace::Realtime {
        flags.splice(0..0, ["--pace".to_owned(), "realtime".to_owned()]);
    }
    Ok(Kit {
        program,
        plugin,
        secrets: secrets.filter(|name| !is_set(name)).collect(),
        flags,
        data: Data::write(room).map_err(|error| DrillError::io(room, error))?,
        room: room.to_owned(),
        making: RwLock::default(),
    })
}

fn live_undisturbed(
    kit: &Kit,
    work: Work,
    seed: u64,
    leaves_no_trace: bool,
) -> Result<Undisturbed, DrillError> {
    let plot = Plot {
        name: format!("{}-undisturbed", work.name()),
        work,
        seed,
        kills: Vec::new(),
    };
    let mut undisturbed = kit.undisturbed(&plot)?;
    if !leaves_no_trace {
        undisturbed.digest = None;
        // What a strategy wants depends on what the network did to it.
        if work == Work::Strategy {
            undisturbed.wanted = Wanted::default();
        }
    }
    Ok(undisturbed)
}

/// Goes through the schedule, several trials at a time.
fn go_through(
    kit: &Kit,
    schedule: Schedule,
    plan: &Plan,
    stop: &StopFlag,
    tally: &mut Tally,
    watch: &mut dyn FnMut(&Tally),
) -> Result<Schedule, DrillError> {
    let began = Instant::now();
    let schedule = Mutex::new(schedule);
    std::thread::scope(|scope| {
        let (send, done) = channel();
        for _ in 0..plan.jobs.max(1) {
            let (send, schedule) = (send.clone(), &schedule);
            scope.spawn(move || work_on(kit, schedule, stop, &send));
        }
        drop(send);
        let mut failed = None;
        for (task, trial) in done {
            match trial {
                // Whoever pressed the key ended the runs too.
                _ if stop.is_raised() => {}
                Ok(trial) => tally.add(task.plot.work, trial, began.elapsed()),
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
            if plan.fail_fast && !tally.failures.is_empty() {
                locked(&schedule).end();
            }
            watch(tally);
        }
        failed.map_or(Ok(()), Err)
    })?;
    Ok(schedule
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner))
}

type Done = (Task, Result<Trial, DrillError>);

fn locked(schedule: &Mutex<Schedule>) -> MutexGuard<'_, Schedule> {
    schedule.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work_on(kit: &Kit, schedule: &Mutex<Schedule>, stop: &StopFlag, send: &Sender<Done>) {
    while !stop.is_raised() {
        let next = {
            let mut schedule = locked(schedule);
            schedule
                .next()
                .map(|task| (schedule.undisturbed(task.plot.work), task))
        };
        let Some((undisturbed, task)) = next else {
            break;
        };
        let trial = kit.go_through(&task.plot, &undisturbed);
        let failed = trial.is_err();
        if let Ok(trial) = &trial {
            locked(schedule).learn(&task, trial);
        }
        if send.send((task, trial)).is_err() || failed {
            break;
        }
    }
}

impl Room {
    fn make(dir: Option<&Path>) -> Result<Self, DrillError> {
        match dir {
            Some(dir) if dir.join("run.json").exists() => Err(DrillError::HoldsARun {
                dir: dir.to_owned(),
            }),
            Some(dir) => {
                let make = || {
                    std::fs::create_dir_all(dir)?;
                    std::path::absolute(dir)
                };
                make()
                    .map(Self::Given)
                    .map_err(|error| DrillError::io(dir, error))
            }
            None => tempfile::Builder::new()
                .prefix("investbot-drill-")
                .tempdir()
                .map(Self::Temporary)
                .map_err(|error| DrillError::io(&std::env::temp_dir(), error)),
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Given(path) => path,
            Self::Temporary(dir) => dir.path(),
        }
    }

    fn keep(self) {
        if let Self::Temporary(dir) = self {
            let _ = dir.keep();
        }
    }
}
