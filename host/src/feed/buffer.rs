//! A window over a stream: lines and bytes out of it, with their place, in constant memory.

use std::io::Read;

use memchr::{memchr, memchr_iter};

/// The longest line that is read.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// How much is asked of the stream at once.
const CHUNK: usize = 256 * 1024;

/// Why no line came.
#[derive(Debug)]
pub(super) enum LineFault {
    /// The stream failed.
    Io(std::io::Error),
    /// The line is longer than [`MAX_LINE`].
    TooLong,
}

/// A line that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    start: usize,
    end: usize,
}

/// Reads a stream by lines or by bytes.
#[derive(Debug)]
pub(super) struct Buffer<R> {
    stream: R,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    line: u64,
    column: u64,
    at_end: bool,
}

impl<R: Read> Buffer<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            bytes: vec![0; CHUNK],
            start: 0,
            end: 0,
            line: 1,
            column: 1,
            at_end: false,
        }
    }

    /// The stream.
    pub(super) const fn stream(&self) -> &R {
        &self.stream
    }

    /// The stream, to finish it.
    pub(super) const fn stream_mut(&mut self) -> &mut R {
        &mut self.stream
    }

    /// The line that the next byte is on, from 1.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// The column of the next byte, from 1. Counted by [`take_byte`](Self::take_byte) only.
    pub(super) const fn column(&self) -> u64 {
        self.column
    }

    /// What was read and not taken yet.
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Skips the mark that some programs put before UTF-8 text. Call it first.
    pub(super) fn skip_mark(&mut self) -> std::io::Result<()> {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        while self.pending().len() < MARK.len() && MARK.starts_with(self.pending()) {
            if !self.fill()? {
                return Ok(());
            }
        }
        if self.pending().starts_with(MARK) {
            self.start += MARK.len();
        }
        Ok(())
    }

    /// The next line; `None` after the last. A line that the stream's end cuts off is a line.
    #[inline]
    pub(super) fn next_line(&mut self) -> Result<Option<Line>, LineFault> {
        let mut searched = 0;
        loop {
            let pending = &self.bytes[self.start + searched..self.end];
            let (length, skip) = match memchr(b'\n', pending) {
                Some(at) => (searched + at, 1),
                None if self.end - self.start > MAX_LINE => return Err(LineFault::TooLong),
                None => {
                    searched = self.end - self.start;
                    if self.fill().map_err(LineFault::Io)? {
                        continue;
                    }
                    if searched == 0 {
                        return Ok(None);
                    }
                    (searched, 0)
                }
            };
            if length > MAX_LINE {
                return Err(LineFault::TooLong);
            }
            let (start, mut end) = (self.start, self.start + length);
            if self.bytes[start..end].last() == Some(&b'\r') {
                end -= 1;
            }
            let number = self.line;
            self.start += length + skip;
            self.line += 1;
            return Ok(Some(Line { number, start, end }));
        }
    }

    /// Passes over `count` lines without looking at them; how many there were. For lines that were read
    /// before: one that is too long does not matter.
    pub(super) fn skip_lines(&mut self, count: u64) -> std::io::Result<u64> {
        let mut skipped = 0;
        // Whether the stream has begun a line whose end did not come yet.
        let mut begun = false;
        while skipped < count {
            let ends = memchr_iter(b'\n', self.pending()).count();
            let left = usize::try_from(count - skipped).unwrap_or(usize::MAX);
            let last = (left <= ends)
                .then(|| memchr_iter(b'\n', self.pending()).nth(left - 1))
                .flatten();
            if let Some(at) = last {
                self.start += at + 1;
                skipped = count;
                break;
            }
            skipped += ends as u64;
            begun = self.pending().last().map_or(begun, |byte| *byte != b'\n');
            self.start = self.end;
            if !self.fill()? {
                skipped += u64::from(begun);
                break;
            }
        }
        self.line += skipped;
        Ok(skipped)
    }

    /// A line's text, without its end; only until the next one is read.
    #[inline]
    pub(super) fn text(&self, line: Line) -> &[u8] {
        &self.bytes[line.start..line.end]
    }

    /// The next byte, which stays; `None` at the end.
    #[inline]
    pub(super) fn peek_byte(&mut self) -> std::io::Result<Option<u8>> {
        if self.start == self.end && !self.fill()? {
            return Ok(None);
        }
        Ok(Some(self.bytes[self.start]))
    }

    /// Goes past the byte that [`peek_byte`](Self::peek_byte) showed.
    #[inline]
    pub(super) fn take_byte(&mut self) {
        if self.start == self.end {
            return;
        }
        match self.bytes[self.start] {
            b'\n' => {
                self.line += 1;
                self.column = 1;
            }
            // A character that takes several bytes is one column.
            byte if byte & 0xC0 == 0x80 => {}
            _ => self.column += 1,
        }
        self.start += 1;
    }

    /// Reads on; false at the end of the stream.
    #[cold]
    fn fill(&mut self) -> std::io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            // Only a caller that does not take what is pending comes here.
            return Ok(false);
        }
        loop {
            match self.stream.read(&mut self.bytes[self.end..]) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(false);
                }
                Ok(count) => {
                    self.end += count;
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Gives a few bytes at a time, as a pipe may.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(out.len());
            out[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(stream: impl Read) -> Vec<(u64, String)> {
        let mut buffer = Buffer::new(stream);
        buffer.skip_mark().unwrap();
        let mut lines = Vec::new();
        while let Some(line) = buffer.next_line().unwrap() {
            let text = String::from_utf8(buffer.text(line).to_vec()).unwrap();
            lines.push((line.number, text));
        }
        lines
    }

    proptest! {
        #[test]
        fn lines_are_those_of_the_standard_library(text in "[a\r\n]{0,40}", step in 1_usize..5) {
            // `str::lines` also takes one `\r` off a line that ends with the text.
            let want: Vec<_> = text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)).collect();
            let got = lines(Drip(text.as_bytes(), step));
            let want = if want.last() == Some(&"") && !text.ends_with('\r') {
                &want[..want.len() - 1]
            } else {
                &want[..]
            };
            prop_assert_eq!(got.iter().map(|(_, l)| l.as_str()).collect::<Vec<_>>(), want.to_vec());
            prop_assert!(got.iter().enumerate().all(|(i, (n, _))| *n == i as u64 + 1));
        }
    }

    proptest! {
        #[test]
        fn skipped_lines_are_those_that_would_have_come(
            text in "[a\r\n]{0,40}",
            step in 1_usize..5,
            count in 0_usize..12,
        ) {
            let want = lines(Drip(text.as_bytes(), step));
            let mut buffer = Buffer::new(Drip(text.as_bytes(), step));
            let skipped = buffer.skip_lines(count as u64).unwrap();
            prop_assert_eq!(skipped as usize, count.min(want.len()));
            let next = buffer.next_line().unwrap();
            let next = next.map(|line| (line.number, String::from_utf8(buffer.text(line).to_vec()).unwrap()));
            prop_assert_eq!(next.as_ref(), want.get(count));
        }
    }

    #[test]
    fn the_mark_is_skipped_once() {
        let text = "\u{feff}\u{feff}a";
        assert_eq!(
            lines(Drip(text.as_bytes(), 1)),
            [(1, "\u{feff}a".to_owned())]
        );
        assert_eq!(lines(Drip("\u{feff}".as_bytes(), 2)), []);
    }

    #[test]
    fn a_line_may_be_long_but_not_endless() {
        let long = vec![b'x'; MAX_LINE];
        assert_eq!(lines(&long[..])[0].1.len(), MAX_LINE);
        let mut two = long.clone();
        two.push(b'\n');
        two.extend(&long);
        assert_eq!(lines(&two[..]).len(), 2);
        let mut buffer = Buffer::new(std::io::repeat(b'x'));
        assert!(matches!(buffer.next_line(), Err(LineFault::TooLong)));
        two.insert(0, b'x');
        assert!(matches!(
            Buffer::new(&two[..]).next_line(),
            Err(LineFault::TooLong)
        ));
    }

    #[test]
    fn memory_does_not_grow_with_the_stream() {
        let line = [&[b'x'; 999][..], b"\n"].concat();
        let stream = std::io::Cursor::new(line.repeat(10_000));
        let mut buffer = Buffer::new(stream);
        let before = buffer.bytes.capacity();
        let mut count = 0;
        while buffer.next_line().unwrap().is_some() {
            count += 1;
        }
        assert_eq!((count, buffer.bytes.capacity()), (10_000, before));
    }

    #[test]
    fn a_line_is_given_before_the_next_one_comes() {
        /// A pipe that has one line in it; whoever asks for more would wait for ever.
        struct Pipe(bool);
        impl Read for Pipe {
            fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
                assert!(!std::mem::replace(&mut self.0, true), "asked for more");
                out[..2].copy_from_slice(b"a\n");
                Ok(2)
            }
        }
        let mut buffer = Buffer::new(Pipe(false));
        buffer.skip_mark().unwrap();
        let line = buffer.next_line().unwrap().unwrap();
        assert_eq!(buffer.text(line), b"a");
    }

    #[test]
    fn bytes_know_their_place() {
        let mut buffer = Buffer::new("aé\nb".as_bytes());
        let mut places = Vec::new();
        while let Some(byte) = buffer.peek_byte().unwrap() {
            places.push((byte, buffer.line(), buffer.column()));
            buffer.take_byte();
        }
        let letters: Vec<_> = places
            .iter()
            .filter(|p| p.0.is_ascii_alphabetic())
            .collect();
        assert_eq!(letters, [&(b'a', 1, 1), &(b'b', 2, 1)]);
        assert_eq!(places.iter().find(|p| p.0 == b'\n').unwrap().2, 3);
    }
}
