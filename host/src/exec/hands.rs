//! Hands: carry out single requests to the venue and bring back the answers.
//!
//! They know nothing of orders' lives; what follows from an answer is the worker's business.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded, unbounded};
use investbot_plugin_api::{
    AdapterError, CancelOrder, ErrorKind, NewOrder, OrderRef, OrderReport, UnixNanos,
};

use crate::clock::Clock;
use crate::engine::protocol::Asking;
use crate::planted::{self, Bug};
use crate::plugin::{Answer, Venue};

/// One request.
#[derive(Clone, Debug)]
pub enum Request {
    /// Place an order.
    Place {
        /// Whose it is.
        ticket: u64,
        /// The order.
        order: NewOrder,
        /// It may only be sent before this moment, whatever the process was doing meanwhile.
        before: Option<UnixNanos>,
    },
    /// Look an order up.
    Ask {
        /// Whose it is.
        ticket: u64,
        /// The order.
        order: OrderRef,
    },
    /// Cancel an order.
    Cancel(OrderRef),
}

/// One answer.
#[derive(Clone, Debug)]
pub enum Answered {
    /// To [`Request::Place`].
    Placed {
        /// Whose it is.
        ticket: u64,
        /// What the venue said.
        answer: Answer<OrderReport>,
    },
    /// To [`Request::Ask`].
    Asked {
        /// Whose it is.
        ticket: u64,
        /// When the question was asked.
        began_at: UnixNanos,
        /// What the venue said; `None` if it does not know the order.
        answer: Answer<Option<OrderReport>>,
    },
    /// To [`Request::Cancel`].
    Cancelled {
        /// The order.
        order: OrderRef,
        /// What the venue said.
        answer: Answer<OrderReport>,
    },
}

impl Answered {
    /// Why the request did not succeed, if it did not.
    #[must_use]
    pub fn error(&self) -> Option<&AdapterError> {
        match self {
            Self::Placed { answer, .. } | Self::Cancelled { answer, .. } => answer.as_ref().err(),
            Self::Asked { answer, .. } => answer.as_ref().err(),
        }
    }
}

/// A thread of a pool ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a worker thread ended unexpectedly")]
pub struct ThreadLost;

/// Makes one request at a time, in the caller's thread.
#[derive(Clone)]
pub struct Hand {
    venue: Arc<dyn Venue>,
    clock: Arc<dyn Clock>,
    asking: Asking,
}

/// What the threads of a simulation do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// This one of the requests that wait is made.
    Make(usize),
    /// This one of the answers that are there is heard.
    Hear(usize),
    /// Nothing yet.
    Rest,
}

/// What there is to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// How many requests wait.
    pub requests: usize,
    /// How many answers are there that nobody has heard.
    pub answers: usize,
    /// How long whoever asks would wait for an answer.
    pub patience: Duration,
}

/// Chooses what the threads of a simulation do next.
pub type Chooser = Box<dyn FnMut(Choice) -> Turn>;

/// Threads that somebody simulates.
struct Simulated {
    requests: Vec<Request>,
    answers: Vec<Answered>,
    chooser: Chooser,
}

/// How requests are made.
enum How {
    /// One after another, as they come: with virtual time, where waiting costs nothing and the order of
    /// requests must not depend on the scheduler.
    Inline(VecDeque<Answered>),
    /// One after another, in an order that somebody chooses: a simulation of threads.
    Chosen(Simulated),
    /// By as many threads as may be in flight.
    Pool {
        requests: Sender<Request>,
        answers: Receiver<Answered>,
        threads: Vec<JoinHandle<()>>,
    },
}

/// Makes requests to one venue.
pub struct Hands {
    hand: Hand,
    how: How,
}

impl Hands {
    /// Hands that make every request at once, in the caller's thread.
    #[must_use]
    pub fn inline(hand: Hand) -> Self {
        let how = How::Inline(VecDeque::new());
        Self { hand, how }
    }

    /// Hands that make requests, and bring answers, in the order that `chooser` wants: one for every
    /// [`poll`](Self::poll).
    #[must_use]
    pub fn chosen(hand: Hand, chooser: Chooser) -> Self {
        let how = How::Chosen(Simulated {
            requests: Vec::new(),
            answers: Vec::new(),
            chooser,
        });
        Self { hand, how }
    }

    /// As many threads as there may be requests under way.
    pub fn pool(hand: Hand, threads: usize) -> std::io::Result<Self> {
        let (requests, inbox) = bounded::<Request>(threads);
        let (outbox, answers) = unbounded();
        let threads = (0..threads)
            .map(|index| {
                let (hand, inbox, outbox) = (hand.clone(), inbox.clone(), outbox.clone());
                std::thread::Builder::new()
                    .name(format!("order-{index}"))
                    .spawn(move || serve(&hand, &inbox, &outbox))
            })
            .collect::<std::io::Result<Vec<_>>>()?;
        let how = How::Pool {
            requests,
            answers,
            threads,
        };
        Ok(Self { hand, how })
    }

    /// Takes a request. Blocks while every thread is busy.
    pub fn give(&mut self, request: Request) -> Result<(), ThreadLost> {
        match &mut self.how {
            How::Inline(done) => done.push_back(self.hand.make(request)),
            How::Chosen(threads) => threads.requests.push(request),
            How::Pool { requests, .. } => requests.send(request).map_err(|_| ThreadLost)?,
        }
        Ok(())
    }

    /// The answers that have come, after waiting up to `patience` for the first.
    pub fn poll(&mut self, patience: Duration) -> Result<Vec<Answered>, ThreadLost> {
        match &mut self.how {
            How::Inline(done) => Ok(done.drain(..).collect()),
            How::Chosen(threads) => Ok(threads.take_turn(&self.hand, patience)),
            How::Pool { answers, .. } => {
                let mut heard = Vec::new();
                if !patience.is_zero() {
                    match answers.recv_timeout(patience) {
                        Ok(answer) => heard.push(answer),
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return Err(ThreadLost),
                    }
                }
                heard.extend(answers.try_iter());
                Ok(heard)
            }
        }
    }
}

impl Simulated {
    fn take_turn(&mut self, hand: &Hand, patience: Duration) -> Vec<Answered> {
        let choice = Choice {
            requests: self.requests.len(),
            answers: self.answers.len(),
            patience,
        };
        if choice.requests + choice.answers == 0 {
            return Vec::new();
        }
        match (self.chooser)(choice) {
            Turn::Make(index) => {
                let request = self.requests.remove(index);
                self.answers.push(hand.make(request));
                Vec::new()
            }
            Turn::Hear(index) => vec![self.answers.remove(index)],
            Turn::Rest => Vec::new(),
        }
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        let How::Pool {
            requests, threads, ..
        } = &mut self.how
        else {
            return;
        };
        // Without a sender the threads end once they are done with what they hold.
        let (closed, _) = bounded(0);
        *requests = closed;
        for thread in threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A thread's life: requests in, answers out, until nobody gives requests any more.
fn serve(hand: &Hand, inbox: &Receiver<Request>, outbox: &Sender<Answered>) {
    for request in inbox {
        // Nobody listens any more only when the hands are being dropped.
        let _ = outbox.send(hand.make(request));
    }
}

impl Hand {
    /// A hand that asks about orders as `asking` says the venue can be asked.
    #[must_use]
    pub fn new(venue: Arc<dyn Venue>, clock: Arc<dyn Clock>, asking: Asking) -> Self {
        Self {
            venue,
            clock,
            asking,
        }
    }

    fn make(&self, request: Request) -> Answered {
        match request {
            Request::Place {
                ticket,
                order,
                before,
            } => Answered::Placed {
                ticket,
                answer: guarded(|| self.place(&order, before)),
            },
            Request::Ask { ticket, order } => Answered::Asked {
                ticket,
                began_at: self.clock.now(),
                answer: guarded(|| self.look_up(&order)),
            },
            Request::Cancel(order) => {
                // What a lost answer means shows when the order is looked after.
                let answer = guarded(|| self.venue.cancel(&CancelOrder::new(order.clone())));
                Answered::Cancelled { order, answer }
            }
        }
    }

    /// The venue would refuse an order that is too late, or worse: accept it after the host has begun to prove
    /// it absent, or after it has forgotten that it knows the order.
    fn place(&self, order: &NewOrder, before: Option<UnixNanos>) -> Answer<OrderReport> {
        let last = order.deadline.into_iter().chain(before).min();
        let is_too_late = last.is_some_and(|last| self.clock.now() >= last);
        if is_too_late && !planted::is(Bug::DeadlineNotChecked) {
            let text = "it was too late for the order before it was sent";
            return Err(AdapterError::not_sent(ErrorKind::DeadlinePassed, text));
        }
        self.venue.place(order)
    }

    fn look_up(&self, order: &OrderRef) -> Answer<Option<OrderReport>> {
        if self.asking != Asking::OpenOnly {
            return self.venue.order(order);
        }
        let book = self.venue.open_orders()?;
        let found = book
            .orders
            .into_iter()
            .find(|report| report.client_order_id == order.client_order_id);
        match found {
            None if !book.complete => Err(AdapterError::not_sent(
                ErrorKind::Protocol,
                "the venue's list of open orders was not complete",
            )),
            found => Ok(found),
        }
    }
}

/// A fault of ours must not look like an order that is still under way: it would be waited for without
/// end.
fn guarded<T>(request: impl FnOnce() -> Answer<T>) -> Answer<T> {
    catch_unwind(AssertUnwindSafe(request)).unwrap_or_else(|_| {
        let text = "the host panicked while it made the request; it may have arrived";
        Err(AdapterError::unknown(ErrorKind::Internal, text))
    })
}
