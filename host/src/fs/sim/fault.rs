//! Which call fails, and how.

use std::io;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// The disk fails (EIO). A write may have been taken in part; a failed sync loses what it should have
    /// kept, and a later one does not bring it back.
    Io,
    /// No space (ENOSPC); hits calls that need some.
    Full,
    /// A write takes half of its bytes.
    Short,
    /// A signal comes first (EINTR): nothing is done.
    Interrupted,
    /// The process dies in the call, a write half done. Every later call fails too.
    Death,
}

/// Makes a call fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which call, from 0.
    pub at: u64,
    /// How it fails.
    pub kind: FaultKind,
    /// Whether every later call that it can hit fails as well.
    pub sticky: bool,
}

/// What is called, as far as faults care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Write,
    Create,
    Other,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Done,
    Short,
    /// The disk fails: the call may be done in part.
    Broken,
    /// The call fails before anything is done.
    Refused(io::ErrorKind),
    /// The process dies in the call: it may be done in part.
    Dying,
    /// The process is dead.
    Dead,
}

impl Verdict {
    /// The error that the caller gets.
    pub(super) fn error(self) -> io::Result<()> {
        match self {
            Self::Done | Self::Short => Ok(()),
            Self::Broken => Err(io::Error::other("input/output error")),
            Self::Refused(kind) => Err(kind.into()),
            Self::Dying | Self::Dead => Err(io::Error::other("the process is dead")),
        }
    }
}

/// The faults to come.
#[derive(Debug, Default)]
pub(super) struct Faults {
    planned: Vec<Fault>,
    calls: u64,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.planned.push(fault);
    }

    pub(super) const fn calls(&self) -> u64 {
        self.calls
    }

    /// Counts a call and says what becomes of it.
    pub(super) fn judge(&mut self, call: Call) -> Verdict {
        let now = self.calls;
        self.calls += 1;
        let due = self.planned.iter().find(|fault| {
            let lasting = fault.sticky || fault.kind == FaultKind::Death;
            (fault.at == now || lasting && fault.at < now) && fault.kind.hits(call)
        });
        let Some(fault) = due else {
            return Verdict::Done;
        };
        match fault.kind {
            FaultKind::Io => Verdict::Broken,
            FaultKind::Full => Verdict::Refused(io::ErrorKind::StorageFull),
            FaultKind::Short => Verdict::Short,
            FaultKind::Interrupted => Verdict::Refused(io::ErrorKind::Interrupted),
            FaultKind::Death if fault.at == now => Verdict::Dying,
            FaultKind::Death => Verdict::Dead,
        }
    }
}

impl FaultKind {
    fn hits(self, call: Call) -> bool {
        match self {
            Self::Io | Self::Interrupted | Self::Death => true,
            Self::Full => call != Call::Other,
            Self::Short => call == Call::Write,
        }
    }
}
