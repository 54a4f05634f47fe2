//! One trial: a run that is killed, resumed, killed again, until it comes to its end; and its audit.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::audit::{Audited, Breach, Finding, Wanted, audit};
use super::child::{Death, Fate, live};
use super::error::DrillError;
use super::ledger::Ledger;
use super::told::Told;
use super::work::{Data, Work};
use crate::config::{DRILL_KILL, Layers, RuntimeConfig};
use crate::exec::{Resumed, verify};
use crate::exit::ExitCode;
use crate::fs::KillPoint;

/// What every trial needs.
#[derive(Debug)]
pub(super) struct Kit {
    /// The program.
    pub(super) program: PathBuf,
    /// The plugin's library.
    pub(super) plugin: PathBuf,
    /// The secrets that it asks for and nobody has set.
    pub(super) secrets: Vec<String>,
    /// More flags for every run.
    pub(super) flags: Vec<String>,
    /// What the runs read.
    pub(super) data: Data,
    /// Where the run directories are.
    pub(super) room: PathBuf,
    /// Not while another thread makes a process: for a moment that holds all that is open here, locks too.
    pub(super) making: RwLock<()>,
}

/// What ends a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kill {
    /// At a call to the file system.
    Step(KillPoint),
    /// After a while.
    Instant(Duration),
}

/// What a trial goes through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plot {
    pub(super) name: String,
    pub(super) work: Work,
    /// The seed of the run.
    pub(super) seed: u64,
    /// One for each life but the last.
    pub(super) kills: Vec<Kill>,
}

/// What a run comes to that nobody kills.
#[derive(Clone, Debug, Default)]
pub(super) struct Undisturbed {
    /// Its orders; none if a killed run need not come to the same ones.
    pub(super) wanted: Wanted,
    /// The digest of its reports, if a killed run must come to the same ones.
    pub(super) digest: Option<String>,
    /// How long it lived.
    pub(super) lasted: Duration,
}

/// What became of a trial.
#[derive(Debug, Default)]
pub(super) struct Trial {
    pub(super) kills: u64,
    pub(super) resumes: u64,
    /// Lives that ended because the venue could not be asked what it starts from.
    pub(super) refused: u64,
    pub(super) audited: Audited,
    pub(super) compared: bool,
    /// Its run directory, if there is something to be seen in it.
    pub(super) kept: Option<PathBuf>,
}

impl Kit {
    /// How often a venue may be closed to one run.
    const REFUSED: u64 = 20;

    /// Lives a run without a kill; what a killed one is compared with.
    pub(super) fn undisturbed(&self, plot: &Plot) -> Result<Undisturbed, DrillError> {
        let dir = self.room.join(&plot.name);
        let began = Instant::now();
        let mut trial = Trial::default();
        let broken = self.live_to_the_end(&dir, plot, &mut trial)?;
        let lasted = began.elapsed();
        let (ledger, told) = (Ledger::read(&dir)?, Told::read(&dir)?);
        let audited = audit(&ledger, &told, &Wanted::default());
        if let Some(finding) = broken.into_iter().chain(audited.findings).next() {
            let what = finding.text;
            return Err(DrillError::Undisturbed { what, dir });
        }
        Ok(Undisturbed {
            wanted: Wanted::of(&told),
            digest: told.summary.map(|summary| summary.report_digest),
            lasted,
        })
    }

    /// Goes through with it.
    pub(super) fn go_through(
        &self,
        plot: &Plot,
        undisturbed: &Undisturbed,
    ) -> Result<Trial, DrillError> {
        let dir = self.room.join(&plot.name);
        let mut trial = Trial {
            compared: undisturbed.digest.is_some(),
            ..Trial::default()
        };
        let broken = self.live_to_the_end(&dir, plot, &mut trial)?;
        trial.audited = match broken {
            Some(finding) => Audited::only(finding),
            None => match self.look_at(&dir, undisturbed) {
                Err(error @ DrillError::Content { .. }) => Audited::only(Finding {
                    breach: Breach::Broken,
                    text: error.to_string(),
                }),
                audited => audited?,
            },
        };
        if trial.audited.findings.is_empty() {
            std::fs::remove_dir_all(&dir).map_err(|error| DrillError::io(&dir, error))?;
            let said = said(&dir);
            std::fs::remove_file(&said).map_err(|error| DrillError::io(&said, error))?;
        } else {
            trial.kept = Some(dir);
        }
        Ok(trial)
    }

    /// Lives and dies as the plot says, and then lives on; why it did not come to a good end.
    fn live_to_the_end(
        &self,
        dir: &Path,
        plot: &Plot,
        trial: &mut Trial,
    ) -> Result<Option<Finding>, DrillError> {
        let said = said(dir);
        let mut kills = plot.kills.iter();
        loop {
            let mut command = self.command(dir, plot, trial);
            let fate = match kills.next() {
                None => Fate::Old,
                Some(Kill::Instant(time)) => Fate::AfterAll(*time),
                Some(Kill::Step(at)) => {
                    command.env(DRILL_KILL, at.to_string());
                    Fate::ByItself
                }
            };
            let death = live(&mut command, &said, fate, &self.making)
                .map_err(|error| DrillError::io(&self.program, error))?;
            let what = match death {
                Death::Killed => {
                    trial.kills += 1;
                    // What is left has to be as it must be before anybody goes on with it, too.
                    match self.unverified(dir) {
                        None => continue,
                        found => return Ok(found),
                    }
                }
                Death::Ended(Some(code)) if is_good(code) => return Ok(None),
                // The venue did not answer, so nothing was sent: one tries again.
                Death::Ended(Some(code)) if is_refused(code) && trial.refused < Self::REFUSED => {
                    trial.refused += 1;
                    continue;
                }
                Death::Ended(Some(code)) => format!("exit code {code}"),
                Death::Ended(None) => "ended by a signal".to_owned(),
                Death::Hung => "it did not end".to_owned(),
            };
            let words = std::fs::read_to_string(&said).unwrap_or_default();
            let life = trial.resumes;
            let text = format!("after {life} resumes: {what}: {}", words.trim());
            let breach = Breach::Broken;
            return Ok(Some(Finding { breach, text }));
        }
    }

    /// Begins the run, or resumes it once it has begun.
    fn command(&self, dir: &Path, plot: &Plot, trial: &mut Trial) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("INVESTBOT_") && !self.is_secret(&name) {
                command.env_remove(name);
            }
        }
        for secret in &self.secrets {
            command.env(secret, "drill");
        }
        command.current_dir(&self.room).args(["run", "--quiet"]);
        if dir.join("run.json").exists() {
            trial.resumes += 1;
            command.arg("--resume").arg(dir);
            return command;
        }
        command.arg("--run-dir").arg(dir);
        command.arg("--exchange").arg(&self.plugin);
        command.args(["--run-id", "drill", "--seed", &plot.seed.to_string()]);
        command.args(self.data.flags(plot.work)).args(&self.flags);
        command
    }

    /// Secrets that are set are for the plugin, whatever their names.
    fn is_secret(&self, name: &std::ffi::OsStr) -> bool {
        let name = name.to_string_lossy();
        [
            "_KEY",
            "_SECRET",
            "_TOKEN",
            "_PASSWORD",
            "_PASSPHRASE",
            "_FILE",
        ]
        .iter()
        .any(|ending| name.ends_with(ending))
    }

    fn look_at(&self, dir: &Path, undisturbed: &Undisturbed) -> Result<Audited, DrillError> {
        let (ledger, told) = (Ledger::read(dir)?, Told::read(dir)?);
        let mut audited = audit(&ledger, &told, &undisturbed.wanted);
        let digest = told.summary.map(|summary| summary.report_digest);
        if undisturbed.digest.is_some() && digest != undisturbed.digest {
            let named =
                |digest: &Option<String>| digest.clone().unwrap_or_else(|| "none".to_owned());
            let (was, is) = (named(&undisturbed.digest), named(&digest));
            audited.findings.push(Finding {
                breach: Breach::OtherReports,
                text: format!(
                    "the digest of the reports is {is}, and {was} if nobody kills the run"
                ),
            });
        }
        audited.findings.extend(self.unverified(dir));
        Ok(audited)
    }

    /// What is not as it must be in a run directory, by `investbot verify`.
    fn unverified(&self, dir: &Path) -> Option<Finding> {
        if !dir.join("run.json").exists() {
            return None;
        }
        let configure = |resumed: &Resumed| {
            let started = resumed.started(&self.room);
            let nothing: [(OsString, OsString); 0] = [];
            RuntimeConfig::resolve(Layers::gather([], nothing, &self.room, Some(&started)))
        };
        let alone = self.making.read().unwrap_or_else(PoisonError::into_inner);
        let error = verify(dir, configure).err()?;
        drop(alone);
        Some(Finding {
            breach: Breach::Unverified,
            text: error.to_string(),
        })
    }
}

/// What the last life said.
fn said(dir: &Path) -> PathBuf {
    dir.with_added_extension("said")
}

fn is_refused(code: i32) -> bool {
    code == ExitCode::PluginRefused as i32
}

/// Orders that are held are for the audit to judge.
fn is_good(code: i32) -> bool {
    [ExitCode::Ok, ExitCode::InDoubt]
        .iter()
        .any(|good| *good as i32 == code)
}
