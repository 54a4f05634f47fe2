//! What follows a life: a crash and the next one, or the end, where everything must be true.

use std::time::Duration;

use investbot::clock::Clock as _;
use investbot::engine::OrderState;
use investbot::exec::reconcile::{StartError, Unsound};

use super::life::{Broke, CASH, Done, Life, text_of};
use super::{Phase, REST, Situation, World};
use crate::simulator::invariants::{Broken, Checker, Ended};
use crate::simulator::model::LAG;
use crate::simulator::oracle::{Budget, Oracle};

impl World {
    /// One life of the process, and what follows it.
    ///
    /// # Errors
    ///
    /// The first rule that is broken.
    pub fn live(&self, mut situation: Situation, oracle: &Oracle) -> Result<Situation, Broken> {
        oracle.limit(situation.together);
        let life = Life::new(self, &mut situation, oracle);
        let before = oracle.left();
        let ended = life.run();
        let (mut checker, writes) = life.eye.close(&life.venue)?;
        let journal = life.eye.leave();
        if life.process.ran_away() {
            checker.rests(false, situation.now, life.clock.now(), REST)?;
        }
        let at_the_end = oracle.left();
        let phase = if !life.process.is_alive() {
            life.venue.forget_told();
            life.disk.crash();
            self.stay_down(&life);
            Phase::Working
        } else {
            match ended {
                Ok(done) => {
                    let phase = situation.phase.clone();
                    self.after(&phase, &life, done, &mut checker, writes)?
                }
                Err(error) => {
                    let has_failed = before.faults > oracle.left().faults
                        || matches!(
                            error,
                            Broke::Unanswered(_)
                                | Broke::Start(StartError::Unsound(Unsound::NoComparison(_)))
                        );
                    if !has_failed {
                        checker.broke_off(&error.to_string())?;
                    }
                    life.venue.forget_told();
                    self.start_again(&life);
                    Phase::Working
                }
            }
        };
        let left = oracle.left();
        let unused = if phase == Phase::Working {
            Budget::default()
        } else {
            at_the_end
        };
        Ok(Situation {
            course: situation.course,
            phase,
            now: life.clock.now(),
            disk: life.disk.leave(),
            venue: life.venue.leave(),
            checker,
            journal,
            left,
            together: oracle.together(),
            unused,
            life: situation.life + 1,
            steps: life.process.steps(),
        })
    }

    /// A process that broke off by itself is started again; before that the power may fail.
    fn start_again(&self, life: &Life) {
        if life.disk.has_unsynced() && life.oracle.crash("after the process broke off") {
            life.disk.lose_power();
        } else {
            life.disk.files().restart();
        }
        self.stay_down(life);
    }

    /// Nobody starts the process for a while. That makes a difference once something was sent.
    fn stay_down(&self, life: &Life) {
        if life.venue.look(|ledger| ledger.sends.is_empty()) {
            return;
        }
        let downtimes = [Duration::ZERO, Duration::from_secs(7200)];
        let downtime = downtimes[life.oracle.choose(2, "it is down for two hours") as usize];
        life.clock.advance_to(life.clock.now().after(downtime));
        life.venue.look(|_| ());
    }

    /// The process has done all there was to do.
    fn after(
        &self,
        phase: &Phase,
        life: &Life,
        done: Done,
        checker: &mut Checker,
        writes: u32,
    ) -> Result<Phase, Broken> {
        match phase {
            Phase::Working => {
                life.venue.heal();
                let healed_at = life.clock.now();
                while let Some(next) = life.venue.next_due() {
                    life.clock.advance_to(next);
                    life.venue.look(|_| ());
                }
                // Now every answer is the whole truth.
                life.clock.sleep(LAG + Duration::from_nanos(1), &|| false);
                // What went wrong in this life, another one has yet to make good.
                Ok(Phase::Settling(healed_at.max(life.clock.now())))
            }
            Phase::Settling(since) => {
                checker.rests(true, *since, life.clock.now(), REST)?;
                self.at_last(life, &done, checker)
            }
            Phase::Recalling { core, sends, .. } => {
                let recalled = done.recalled.unwrap_or_default();
                checker.same("the core that was read back", core, &recalled)?;
                checker.same(
                    "the core, by a second recovery,",
                    core,
                    &text_of(&done.core),
                )?;
                let sent = life.venue.look(|ledger| ledger.sends.len());
                checker.same(
                    "what the venue was sent, by a second recovery,",
                    sends,
                    &sent,
                )?;
                checker.same("the requests of a second recovery", &0, &writes)?;
                Ok(Phase::Over)
            }
            Phase::Over => Ok(Phase::Over),
        }
    }

    fn at_last(&self, life: &Life, done: &Done, checker: &mut Checker) -> Result<Phase, Broken> {
        self.at_the_end(life, done, checker)?;
        Ok(Phase::Recalling {
            core: text_of(&done.core),
            sends: life.venue.look(|ledger| ledger.sends.len()),
            states: ended(life, done, checker)
                .map(|ended| ended.state)
                .collect(),
        })
    }

    /// What must be true when all is over.
    fn at_the_end(&self, life: &Life, done: &Done, checker: &mut Checker) -> Result<(), Broken> {
        let ended: Vec<Ended> = ended(life, done, checker).collect();
        let portfolio = done.core.portfolio();
        life.venue.look(|ledger| {
            checker.end(&ended, ledger)?;
            for instrument in super::course::INSTRUMENTS {
                let bought = portfolio.position(instrument);
                let spent = CASH - portfolio.cash();
                checker.books(instrument, bought, spent, ledger)?;
            }
            Ok(())
        })
    }
}

/// What the client says of each order in the end.
fn ended(life: &Life, done: &Done, checker: &Checker) -> impl Iterator<Item = Ended> {
    life.course.orders().iter().map(|(quantity, order)| {
        let denied = || checker.shown_final(&quantity.normalize().to_string());
        let known = done.core.order(order).map(|known| known.state);
        let denied = known.is_none().then(denied).flatten();
        let denied = denied.filter(|state| *state == OrderState::Denied);
        Ended {
            order: order.clone(),
            state: known.or(denied),
        }
    })
}
