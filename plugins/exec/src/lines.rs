//! Reading lines of somebody who may never end one.

use std::io::{self, BufRead};

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// A line, without its end.
    Line,
    /// The beginning of a line that is longer than the limit. What follows is the rest of it.
    Long,
    /// The end, in the middle of a line if that is not empty.
    End,
}

/// Reads up to the end of a line, or so many bytes, into `line`, in the place of what was there.
pub(crate) fn read(input: &mut impl BufRead, line: &mut Vec<u8>, limit: usize) -> io::Result<Read> {
    line.clear();
    loop {
        let there = match input.fill_buf() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            there => there?,
        };
        if there.is_empty() {
            return Ok(Read::End);
        }
        let end = there.iter().position(|byte| *byte == b'\n');
        let taken = end.unwrap_or(there.len()).min(limit - line.len());
        line.extend_from_slice(&there[..taken]);
        if end == Some(taken) {
            input.consume(taken + 1);
            return Ok(Read::Line);
        }
        if taken == 0 {
            return Ok(Read::Long);
        }
        input.consume(taken);
    }
}

/// Reads on to the end of a line.
pub(crate) fn skip(input: &mut impl BufRead) -> io::Result<()> {
    const PIECE: usize = 1 << 16;
    let mut rest = Vec::new();
    while read(input, &mut rest, PIECE)? == Read::Long {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn all(text: &str, limit: usize) -> Vec<(Read, String)> {
        // A small buffer, so that lines are put together from pieces.
        let mut input = BufReader::with_capacity(3, text.as_bytes());
        let mut line = Vec::new();
        let mut all = Vec::new();
        loop {
            let what = read(&mut input, &mut line, limit).expect("it is in memory");
            let ends = what == Read::End;
            all.push((what, String::from_utf8(line.clone()).expect("text")));
            if ends {
                return all;
            }
        }
    }

    #[test]
    fn lines_and_their_ends() {
        use Read::{End, Line, Long};
        let said = |what, text: &str| (what, text.to_owned());
        assert_eq!(all("", 9), [said(End, "")]);
        assert_eq!(
            all("ab\n\ncdefg\n", 9),
            [
                said(Line, "ab"),
                said(Line, ""),
                said(Line, "cdefg"),
                said(End, "")
            ]
        );
        assert_eq!(all("abcdef", 9), [said(End, "abcdef")]);
        assert_eq!(
            all("abcd\nx\n", 4),
            [said(Line, "abcd"), said(Line, "x"), said(End, "")]
        );
        assert_eq!(
            all("abcdefghi\n", 4),
            [
                said(Long, "abcd"),
                said(Long, "efgh"),
                said(Line, "i"),
                said(End, "")
            ]
        );
    }

    #[test]
    fn a_long_line_can_be_left_out() {
        let text = format!("{}\nnext\n", "x".repeat(200_000));
        let mut input = BufReader::new(text.as_bytes());
        let mut line = Vec::new();
        assert_eq!(
            read(&mut input, &mut line, 5).expect("in memory"),
            Read::Long
        );
        skip(&mut input).expect("in memory");
        assert_eq!(
            read(&mut input, &mut line, 5).expect("in memory"),
            Read::Line
        );
        assert_eq!(line, b"next");
    }
}
