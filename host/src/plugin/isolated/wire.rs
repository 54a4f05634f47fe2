//! What goes over the sockets between a host and the process of a plugin.
//!
//! A **line** carries one call at a time, with whatever the adapter asks its host in the course of it; there are as many
//! lines as calls are under way at once. One more is for what the adapter asks outside of any call. The **control**
//! socket brings the process what it needs: first a [`Hello`] with the plugin, later more lines. When it closes, the
//! process ends.

use std::io::{self, IoSlice, IoSliceMut, Read as _, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};
use serde::{Deserialize, Serialize};

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// A call of an operation, either way.
    Call = 1,
    /// It succeeded; the answer.
    Done = 2,
    /// It did not; the error.
    Failed = 3,
    /// Open the adapter with these parameters.
    Open = 4,
    /// The plugin was refused: a [`Refusal`].
    Refused = 5,
    /// Drop the adapter.
    Drop = 6,
}

impl Kind {
    const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Call,
            2 => Self::Done,
            3 => Self::Failed,
            4 => Self::Open,
            5 => Self::Refused,
            6 => Self::Drop,
            _ => return None,
        })
    }
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    /// The operation of a call, else nothing.
    pub(super) op: String,
    pub(super) body: Vec<u8>,
}

/// The longest body of a frame. A page of a hundred thousand fills stays below.
const BODY_LIMIT: usize = 64 << 20;

/// Kind, length of the operation's name, length of the body.
const HEAD: usize = 7;

/// One end of a line.
pub(super) struct Line {
    /// `None` while it is lent to a call.
    stream: Option<UnixStream>,
    /// What was read of the next frame. It outlives a read that times out.
    read: Vec<u8>,
    /// What one read fills.
    chunk: Vec<u8>,
    timeout: Option<std::time::Duration>,
}

impl Line {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self {
            stream: Some(fd.into()),
            read: Vec::new(),
            chunk: vec![0; 16 << 10],
            timeout: None,
        }
    }

    /// What stands for a line that is lent.
    pub(super) const fn lent() -> Self {
        Self {
            stream: None,
            read: Vec::new(),
            chunk: Vec::new(),
            timeout: None,
        }
    }

    fn stream(&mut self) -> io::Result<&mut UnixStream> {
        let closed = || io::Error::from(io::ErrorKind::NotConnected);
        self.stream.as_mut().ok_or_else(closed)
    }

    /// How long a read waits for a byte; `None` is for ever.
    pub(super) fn set_timeout(&mut self, timeout: Option<std::time::Duration>) -> io::Result<()> {
        // Zero would be for ever.
        let timeout = timeout.map(|timeout| timeout.max(std::time::Duration::from_millis(1)));
        if timeout != self.timeout {
            self.stream()?.set_read_timeout(timeout)?;
            self.timeout = timeout;
        }
        Ok(())
    }

    /// Sends a frame.
    pub(super) fn send(&mut self, kind: Kind, op: &str, body: &[u8]) -> io::Result<()> {
        let head = head(kind, op, body.len())?;
        // What is long is not copied; parameters of `open`, which hold secrets, neither.
        if kind == Kind::Open || body.len() > 1 << 16 {
            self.stream()?.write_all(&head)?;
            return self.stream()?.write_all(body);
        }
        let mut frame = head;
        frame.extend_from_slice(body);
        self.stream()?.write_all(&frame)
    }

    /// The next frame. A time-out leaves what was read for the next try; bytes that are no frame are
    /// [`InvalidData`](io::ErrorKind::InvalidData).
    pub(super) fn next(&mut self) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.take()? {
                return Ok(frame);
            }
            let Some(stream) = &mut self.stream else {
                return Err(io::ErrorKind::NotConnected.into());
            };
            match stream.read(&mut self.chunk) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => self.read.extend_from_slice(&self.chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// A frame out of what was read, if it is there whole.
    fn take(&mut self) -> io::Result<Option<Frame>> {
        let Some((head, rest)) = self.read.split_first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let [kind, low, high, length @ ..] = *head;
        let op_len = usize::from(u16::from_le_bytes([low, high]));
        let length = u32::from_le_bytes(length) as usize;
        let no_frame = || io::Error::new(io::ErrorKind::InvalidData, "bytes that are no frame");
        let kind = Kind::of(kind).ok_or_else(no_frame)?;
        if length > BODY_LIMIT {
            return Err(no_frame());
        }
        let Some(op) = rest.get(..op_len) else {
            return Ok(None);
        };
        let Some(body) = rest.get(op_len..op_len + length) else {
            return Ok(None);
        };
        let frame = Frame {
            kind,
            op: str::from_utf8(op).map_err(|_| no_frame())?.to_owned(),
            body: body.to_vec(),
        };
        self.read.drain(..HEAD + op_len + length);
        Ok(Some(frame))
    }

    /// Leaves nothing of what was read in memory: it was secret. Nothing may be under way.
    pub(super) fn wipe(&mut self) {
        use secrecy::zeroize::Zeroize as _;
        self.read.zeroize();
        self.chunk.as_mut_slice().zeroize();
    }
}

fn head(kind: Kind, op: &str, length: usize) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "too long for a frame");
    let op_len = u16::try_from(op.len()).map_err(|_| too_long())?;
    if length > BODY_LIMIT {
        return Err(too_long());
    }
    let length = u32::try_from(length).map_err(|_| too_long())?;
    let mut head = Vec::with_capacity(HEAD + op.len() + length as usize % (1 << 16));
    head.push(kind as u8);
    head.extend_from_slice(&op_len.to_le_bytes());
    head.extend_from_slice(&length.to_le_bytes());
    head.extend_from_slice(op.as_bytes());
    Ok(head)
}

/// What the process of a plugin is told first.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// The plugin's file, for messages; its bytes come along.
    pub(super) path: PathBuf,
    /// What the process may do.
    pub(super) confinement: Confinement,
}

/// What the process of a plugin may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Confinement {
    /// The host, which it must leave alone.
    pub(super) host: u32,
    /// The directory that it may write.
    pub(super) data_dir: Option<PathBuf>,
    /// Files and directories that it may read besides the system's.
    pub(super) readable: Vec<PathBuf>,
    /// Whether it may use the network.
    pub(super) network: bool,
    /// How much memory it may have, in bytes.
    pub(super) memory: u64,
}

/// Why a plugin was refused by its process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// The code of the reason.
    pub(super) code: String,
    /// What to tell the user.
    pub(super) text: String,
}

/// The file descriptors that go with a message at most: the plugin, a line, the line besides, the lock.
const FDS: usize = 4;

/// Sends a message with file descriptors over the control socket.
pub(super) fn send_fds(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors"));
    }
    let flags = SendFlags::NOSIGNAL;
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, flags)?;
    Ok(())
}

/// The next message of the control socket; no bytes once it is closed.
pub(super) fn receive_fds(socket: impl AsFd) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; 64 << 10];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        let mut slices = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut slices, &mut control, flags) {
            Err(rustix::io::Errno::INTR) => {}
            received => break received?,
        }
    };
    bytes.truncate(received.bytes);
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            fds.extend(some);
        }
    }
    Ok((bytes, fds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn lines() -> (Line, Line) {
        let (one, other) = UnixStream::pair().expect("this system has sockets");
        (Line::new(one.into()), Line::new(other.into()))
    }

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let (mut one, mut other) = lines();
        let long = vec![7; 100_000];
        let writer = std::thread::spawn(move || {
            for (kind, op, body) in [
                (Kind::Call, "place", &b"abc"[..]),
                (Kind::Done, "", b""),
                (Kind::Open, "", &long),
            ] {
                let mut frame = head(kind, op, body.len()).expect("it is short");
                frame.extend_from_slice(body);
                for piece in frame.chunks(977) {
                    one.stream()
                        .expect("it is open")
                        .write_all(piece)
                        .expect("somebody reads");
                }
            }
        });
        let read: Vec<_> = (0..3).map(|_| other.next().expect("a frame")).collect();
        writer.join().expect("it wrote all");
        assert_eq!(
            (read[0].kind, &*read[0].op, &*read[0].body),
            (Kind::Call, "place", &b"abc"[..])
        );
        assert_eq!((read[1].kind, read[1].body.len()), (Kind::Done, 0));
        assert_eq!((read[2].kind, read[2].body.len()), (Kind::Open, 100_000));
        let end = other.next().expect_err("nothing more comes");
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_time_out_loses_nothing() {
        let (mut one, mut other) = lines();
        let frame = head(Kind::Done, "", 2).expect("it is short");
        one.stream()
            .expect("it is open")
            .write_all(&frame)
            .expect("somebody reads");
        other
            .set_timeout(Some(Duration::from_millis(1)))
            .expect("it can be set");
        let late = other.next().expect_err("half of it is missing").kind();
        assert!(matches!(
            late,
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
        ));
        one.stream()
            .expect("it is open")
            .write_all(b"ok")
            .expect("somebody reads");
        assert_eq!(other.next().expect("the whole frame").body, b"ok");
    }

    #[test]
    fn garbage_is_no_frame() {
        let too_long = [1, 1, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0];
        let no_text = [1, 1, 0, 0, 0, 0, 0, 0xFF];
        for garbage in [&b"HTTP/1.1 200 OK"[..], &too_long, &no_text] {
            let (mut one, mut other) = lines();
            one.stream()
                .expect("it is open")
                .write_all(garbage)
                .expect("somebody reads");
            drop(one);
            let error = other.next().expect_err("garbage");
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{garbage:?}");
        }
    }

    #[test]
    fn descriptors_travel_with_a_message() {
        let (one, other) = UnixStream::pair().expect("this system has sockets");
        let (here, there) = UnixStream::pair().expect("this system has sockets");
        send_fds(&one, b"x", &[there.as_fd()]).expect("it is sent");
        drop(there);
        let (bytes, mut fds) = receive_fds(&other).expect("it is received");
        assert_eq!((bytes.as_slice(), fds.len()), (&b"x"[..], 1));
        Line::new(fds.remove(0))
            .send(Kind::Done, "", b"hi")
            .expect("it is open");
        assert_eq!(Line::new(here.into()).next().expect("a frame").body, b"hi");
    }
}
