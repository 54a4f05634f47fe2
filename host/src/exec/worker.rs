//! ExecWorker: takes submissions, claims them in batches, sends them with a bounded number in flight,
//! and settles what became known in batches.
//!
//! It decides nothing about an order: how an attempt ends is [`Courier`]'s business, what an order
//! means is the core's.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use investbot_plugin_api::{CancelOrder, OrderRef, OrderReport, UnixNanos};

use super::courier::{Courier, Delivery};
use crate::engine::retry::Backoff;
use crate::engine::{Outcome, Submission};
use crate::plugin::Answer;
use crate::store::{self, Claim, StoreError, TakenIn};

/// Something the core has to hear.
#[derive(Debug)]
pub enum WorkerEvent {
    /// An attempt is recorded and is being sent.
    Attempt {
        /// The order.
        client_order_id: String,
        /// Which attempt, from 1.
        attempt: u32,
        /// When.
        at: UnixNanos,
    },
    /// A submission has come to its end.
    Outcome {
        /// The order.
        client_order_id: String,
        /// What is known; settled in the store.
        outcome: Outcome,
        /// When.
        at: UnixNanos,
    },
    /// A cancel was answered.
    Cancel {
        /// The order.
        order: OrderRef,
        /// The venue's answer.
        answer: Answer<OrderReport>,
        /// When.
        at: UnixNanos,
    },
}

/// Why the worker cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store refused, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A thread of the worker ended.
    #[error("a worker thread ended unexpectedly")]
    ThreadLost,
}

/// One thing for a thread to do.
enum Job {
    Deliver(Claim),
    Cancel(OrderRef),
}

/// What a thread says.
enum Message {
    Attempt {
        client_order_id: String,
        attempt: u32,
        at: UnixNanos,
    },
    Delivered {
        claim: Claim,
        delivery: Result<Delivery, StoreError>,
        at: UnixNanos,
    },
    Cancelled {
        order: OrderRef,
        answer: Answer<OrderReport>,
        at: UnixNanos,
    },
}

/// How jobs are done.
enum Hands {
    /// One after another, in the caller's thread: with virtual time, where waiting costs nothing and
    /// the order of requests must not depend on the scheduler.
    Inline(VecDeque<Message>),
    /// By as many threads as may be in flight.
    Pool {
        jobs: Sender<Job>,
        messages: Receiver<Message>,
        threads: Vec<JoinHandle<()>>,
    },
}

/// Sends orders.
pub struct ExecWorker {
    courier: Arc<Courier>,
    hands: Hands,
    max_in_flight: usize,
    /// Jobs given and not yet reported back.
    in_flight: usize,
}

impl ExecWorker {
    /// A worker that does everything in the caller's thread.
    #[must_use]
    pub fn inline(courier: Courier) -> Self {
        Self {
            courier: Arc::new(courier),
            hands: Hands::Inline(VecDeque::new()),
            max_in_flight: 1,
            in_flight: 0,
        }
    }

    /// A worker with up to `max_in_flight` requests under way at once.
    pub fn pool(courier: Courier, max_in_flight: usize) -> std::io::Result<Self> {
        let courier = Arc::new(courier);
        let (jobs, inbox) = bounded::<Job>(max_in_flight);
        let (outbox, messages) = unbounded();
        let threads = (0..max_in_flight.max(1))
            .map(|index| {
                let (courier, inbox, outbox) = (courier.clone(), inbox.clone(), outbox.clone());
                std::thread::Builder::new()
                    .name(format!("order-{index}"))
                    .spawn(move || serve(&courier, &inbox, &outbox))
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self {
            courier,
            hands: Hands::Pool {
                jobs,
                messages,
                threads,
            },
            max_in_flight: max_in_flight.max(1),
            in_flight: 0,
        })
    }

    /// How long to wait before a question is asked again.
    #[must_use]
    pub fn backoff(&self) -> &Backoff {
        self.courier.backoff()
    }

    /// How many more jobs it takes without making the caller wait.
    #[must_use]
    pub fn room(&self) -> usize {
        self.max_in_flight.saturating_sub(self.in_flight)
    }

    /// Whether everything that was given has been reported back.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_flight == 0
    }

    /// Claims the orders, in batches of at most what may be in flight, and sends them. Blocks while
    /// every hand is busy.
    pub fn submit(&mut self, batch: Vec<Submission>) -> Result<(), WorkerError> {
        let mut rest = batch.into_iter().peekable();
        while rest.peek().is_some() {
            let claims: Vec<Claim> = rest
                .by_ref()
                .take(self.max_in_flight)
                .map(|s| self.courier.first_claim(s))
                .collect();
            self.courier.claim(&claims)?;
            for claim in claims {
                self.give(Job::Deliver(claim))?;
            }
        }
        Ok(())
    }

    /// Records what a caller's intent became; its order may be submitted then.
    pub fn take_in(&mut self, taken: TakenIn<'_>) -> Result<(), WorkerError> {
        Ok(self.courier.take_in(taken)?)
    }

    /// Asks the venue to cancel an order.
    pub fn cancel(&mut self, order: OrderRef) -> Result<(), WorkerError> {
        self.give(Job::Cancel(order))
    }

    fn give(&mut self, job: Job) -> Result<(), WorkerError> {
        self.in_flight += 1;
        match &mut self.hands {
            Hands::Inline(done) => {
                run(&self.courier, job, &mut |message| done.push_back(message));
                Ok(())
            }
            Hands::Pool { jobs, .. } => jobs.send(job).map_err(|_| WorkerError::ThreadLost),
        }
    }

    /// Moves what has become known into `events`, waiting up to `patience` for the first of it.
    pub fn poll(
        &mut self,
        patience: Duration,
        events: &mut Vec<WorkerEvent>,
    ) -> Result<(), WorkerError> {
        let mut messages = Vec::new();
        match &mut self.hands {
            Hands::Inline(done) => messages.extend(done.drain(..)),
            Hands::Pool {
                messages: inbox, ..
            } => {
                if self.in_flight > 0 && !patience.is_zero() {
                    match inbox.recv_timeout(patience) {
                        Ok(message) => messages.push(message),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return Err(WorkerError::ThreadLost),
                    }
                }
                messages.extend(inbox.try_iter());
            }
        }
        self.settle(messages, events)
    }

    /// Settles the outcomes among `messages` as one batch, before anybody hears of them.
    fn settle(
        &mut self,
        messages: Vec<Message>,
        events: &mut Vec<WorkerEvent>,
    ) -> Result<(), WorkerError> {
        let mut known = Vec::new();
        let mut told = Vec::with_capacity(messages.len());
        for message in messages {
            told.push(match message {
                Message::Attempt {
                    client_order_id,
                    attempt,
                    at,
                } => WorkerEvent::Attempt {
                    client_order_id,
                    attempt,
                    at,
                },
                Message::Cancelled { order, answer, at } => {
                    self.in_flight -= 1;
                    WorkerEvent::Cancel { order, answer, at }
                }
                Message::Delivered {
                    mut claim,
                    delivery,
                    at,
                } => {
                    self.in_flight -= 1;
                    let Delivery { attempt, outcome } = delivery?;
                    claim.attempt = attempt;
                    known.push(store::Outcome::of(&claim, &outcome).into_owned());
                    let client_order_id = claim.order.client_order_id;
                    WorkerEvent::Outcome {
                        client_order_id,
                        outcome,
                        at,
                    }
                }
            });
        }
        if !known.is_empty() {
            self.courier.settle(&known)?;
        }
        events.append(&mut told);
        Ok(())
    }
}

impl Drop for ExecWorker {
    fn drop(&mut self) {
        let Hands::Pool { jobs, threads, .. } = &mut self.hands else {
            return;
        };
        // Without a sender the threads end once they are done with what they hold.
        let (closed, _) = bounded(0);
        *jobs = closed;
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A thread's life: jobs in, messages out, until nobody gives jobs any more.
fn serve(courier: &Courier, inbox: &Receiver<Job>, outbox: &Sender<Message>) {
    for job in inbox {
        run(courier, job, &mut |message| {
            // Nobody listens any more only when the worker is being dropped.
            let _ = outbox.send(message);
        });
    }
}

fn run(courier: &Courier, job: Job, tell: &mut dyn FnMut(Message)) {
    match job {
        Job::Cancel(order) => {
            let answer = courier.cancel(&CancelOrder::new(order.clone()));
            tell(Message::Cancelled {
                order,
                answer,
                at: courier.now(),
            });
        }
        Job::Deliver(claim) => {
            let delivery = catch_unwind(AssertUnwindSafe(|| {
                courier.deliver(&claim, &mut |attempt, at| {
                    let client_order_id = claim.order.client_order_id.clone();
                    tell(Message::Attempt {
                        client_order_id,
                        attempt,
                        at,
                    });
                })
            }));
            // A fault of ours must not look like an order that is still under way: it would be waited for
            // without end.
            let delivery = delivery.unwrap_or_else(|_| {
                let text = "the worker panicked while it sent the order; it may live".to_owned();
                Ok(Delivery {
                    attempt: claim.attempt,
                    outcome: Outcome::Unknown { text },
                })
            });
            tell(Message::Delivered {
                claim,
                delivery,
                at: courier.now(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
