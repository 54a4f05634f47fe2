//! A simulator of the order protocol: a venue, a disk, a clock and a client's process, in one thread, with
//! everything that can go wrong chosen by one source.
//!
//! # The parts
//!
//! ```text
//!                    Oracle  ── every schedule, or by seed, or as written down
//!                       │
//!      ┌────────────────┼────────────────┐
//!   Process          SimDisk          SimVenue ──► Ledger: what really happened
//!  dies, lives    fails, forgets   loses, delays,       │
//!  again              │            lags, refuses        ▼
//!      └──────► the client ◄─────────────┘           Checker ◄── what is shown, durable, said at the end
//!                                                       │
//!                          explore ◄── Broken, or fine ─┘
//! ```
//!
//! - [`oracle`]: the source of all choices, with a budget of crashes and faults; exhaustive, random, replay.
//! - [`process`]: the switch that kills the client. Whatever it does outside is a step of it.
//! - [`model`]: the venue classes A to E as manifests, and what such a venue does at its worst.
//! - [`venue`]: the venue itself, with its ledger and everything that can happen on the way to it.
//! - [`disk`]: the host's simulated files, with crashes and faults at every call.
//! - [`durable`]: what of an order would survive at this moment; the venue notes it with every send.
//! - [`invariants`]: the rules, checked step by step and at the end.
//! - [`explore`]: runs schedules, on several threads if wanted; says how to run a failing one again, and
//!   makes it as simple as it can be.
//! - [`states`]: walks all schedules of a small world by the situations that they lead to; [`draw`]: draws
//!   schedules of a large one.
//! - [`rehearsal`]: all of it with a model client and its planted bugs, which is how the simulator itself
//!   is tested; the plan of a world for any other client.
//!
//! # One schedule
//!
//! [`explore::explore`] calls a function with the oracle, over and over. Each time it builds everything anew:
//!
//! 1. A clock at some start, a [`Process`](process::Process) of the oracle, a
//!    [`SimDisk`](disk::SimDisk) of the process, a view of what is durable (read from the journal's file as
//!    far as [`SimDisk::durable`](disk::SimDisk::durable) says), a [`SimVenue`](venue::SimVenue) and a
//!    [`Checker`](invariants::Checker).
//! 2. A life: the client recovers from the disk and works. Where it has several requests to make, which is
//!    next is a choice ([`choose`](oracle::Oracle::choose)) too. After every step the checker
//!    [looks](invariants::Checker::look) at the ledger. What the client shows goes to
//!    [`shown`](invariants::Checker::shown), and to [`touch`](process::Process::touch), for what was shown
//!    outlives it; unless it is [dead](process::Process::is_alive), when nothing that it does counts. What
//!    it records of absent orders goes to [`claim`](invariants::Checker::claim).
//! 3. If it died: [`SimDisk::crash`](disk::SimDisk::crash), a downtime that is a choice (none, and longer
//!    than every deadline), [`revive`](process::Process::revive), and the next life. A dead client finds out
//!    by errors: every call fails, and none has an effect.
//! 4. Else the end: [`SimVenue::heal`](venue::SimVenue::heal), then the clock moves on to each
//!    [`next_due`](venue::SimVenue::next_due) so that everything arrives that is under way, the client comes
//!    to rest, and the last rules are checked: [`rests`](invariants::Checker::rests),
//!    [`end`](invariants::Checker::end), [`books`](invariants::Checker::books); and
//!    [`same`](invariants::Checker::same) for a replay of the journal and for a second recovery.
//!
//! The function must be deterministic: the oracle notices when the same choices lead elsewhere, and panics.
//!
//! # How many schedules there are
//!
//! A tree grows with the places at which something can happen, to the power of the budget. Three things keep
//! it small without leaving anything out: a crash is offered only where something that outlives the process
//! has changed since the last offer; a fault only where it makes a difference to what is there; and where a
//! client dies after a request, what would have become of the answer is not asked. What is left is in the
//! hands of the [`Menu`](venue::Menu) and the [`DiskMenu`](disk::DiskMenu).

pub mod answers;
pub mod coverage;
pub mod disk;
pub mod draw;
pub mod durable;
pub mod explore;
pub mod invariants;
pub mod model;
pub mod oracle;
pub mod process;
pub mod rehearsal;
pub mod states;
pub mod venue;
pub mod world;
