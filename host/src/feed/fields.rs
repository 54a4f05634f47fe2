//! Splits a line of CSV into fields.

use memchr::memchr2_iter;

/// A quoted field that does not end, or that goes on after its closing quote; where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadQuote(pub(super) usize);

#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
    /// Where in the line the field is.
    origin: u32,
}

/// Splits lines, one after another, without allocating for each.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    spans: Vec<Span>,
    unquoted: Vec<u8>,
}

/// The fields of one line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    text: &'a [u8],
    spans: &'a [Span],
}

impl<'a> Fields<'a> {
    pub(super) const fn len(&self) -> usize {
        self.spans.len()
    }

    /// A field's text; empty if there are not that many.
    #[inline]
    pub(super) fn get(&self, index: usize) -> &'a [u8] {
        match self.spans.get(index) {
            Some(span) => &self.text[span.start as usize..span.end as usize],
            None => &[],
        }
    }

    /// Where in the line the field begins.
    pub(super) fn origin(&self, index: usize) -> usize {
        self.spans.get(index).map_or(0, |span| span.origin as usize)
    }
}

impl Splitter {
    /// Splits `line`, which is no longer than a `u32` counts.
    #[inline]
    pub(super) fn split<'a>(&'a mut self, line: &'a [u8]) -> Result<Fields<'a>, BadQuote> {
        self.spans.clear();
        let mut start = 0;
        for at in memchr2_iter(b',', b'"', line) {
            if line[at] == b'"' {
                return self.split_quoted(line);
            }
            self.push(start, at, start);
            start = at + 1;
        }
        self.push(start, line.len(), start);
        Ok(Fields {
            text: line,
            spans: &self.spans,
        })
    }

    #[inline]
    fn push(&mut self, start: usize, end: usize, origin: usize) {
        self.spans.push(Span {
            start: start as u32,
            end: end as u32,
            origin: origin as u32,
        });
    }

    /// The way of lines with a quote in them: the fields' text is copied, without the quotes.
    #[cold]
    fn split_quoted(&mut self, line: &[u8]) -> Result<Fields<'_>, BadQuote> {
        self.spans.clear();
        self.unquoted.clear();
        let mut at = 0;
        loop {
            let (origin, start) = (at, self.unquoted.len());
            if line.get(at) == Some(&b'"') {
                at = unquote(&line[at + 1..], &mut self.unquoted).ok_or(BadQuote(at))? + at + 1;
            } else {
                let rest = &line[at..];
                let length = memchr::memchr(b',', rest).unwrap_or(rest.len());
                self.unquoted.extend_from_slice(&rest[..length]);
                at += length;
            }
            self.push(start, self.unquoted.len(), origin);
            match line.get(at) {
                None => break,
                Some(b',') => at += 1,
                Some(_) => return Err(BadQuote(origin)),
            }
        }
        Ok(Fields {
            text: &self.unquoted,
            spans: &self.spans,
        })
    }
}

/// Copies up to the closing quote; how many bytes that took with the quote.
fn unquote(text: &[u8], out: &mut Vec<u8>) -> Option<usize> {
    let mut at = 0;
    loop {
        let length = memchr::memchr(b'"', &text[at..])?;
        out.extend_from_slice(&text[at..at + length]);
        at += length + 1;
        if text.get(at) != Some(&b'"') {
            return Some(at);
        }
        out.push(b'"');
        at += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(line: &str) -> Result<Vec<String>, BadQuote> {
        let mut splitter = Splitter::default();
        let fields = splitter.split(line.as_bytes())?;
        let text = |i| String::from_utf8(fields.get(i).to_vec()).unwrap();
        Ok((0..fields.len()).map(text).collect())
    }

    proptest! {
        #[test]
        fn agrees_with_the_csv_library(fields in prop::collection::vec("[a\", é1.]{0,6}", 1..8)) {
            let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
            writer.write_record(&fields).unwrap();
            let line = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            prop_assert_eq!(split(line.trim_end_matches('\n')), Ok(fields));
        }

        #[test]
        fn a_line_without_quotes_is_split_at_its_commas(line in "[a,. 0-9]{0,30}") {
            let want: Vec<_> = line.split(',').map(str::to_owned).collect();
            prop_assert_eq!(split(&line), Ok(want));
        }

        #[test]
        fn never_panics(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = Splitter::default().split(&bytes);
        }
    }

    #[test]
    fn a_bad_quote_is_named_by_its_place() {
        assert_eq!(split(r#"1,"2"#), Err(BadQuote(2)));
        assert_eq!(split(r#"1,"2"x,3"#), Err(BadQuote(2)));
        assert_eq!(split(r#"1,2"x,3"#).unwrap(), ["1", "2\"x", "3"]);
    }

    #[test]
    fn fields_know_where_they_were() {
        let mut splitter = Splitter::default();
        let fields = splitter.split(br#"a,"b""c",d"#).unwrap();
        assert_eq!((fields.get(1), fields.origin(1)), (&b"b\"c"[..], 2));
        assert_eq!((fields.get(2), fields.origin(2)), (&b"d"[..], 9));
        assert_eq!((fields.get(7), fields.origin(7)), (&b""[..], 0));
    }
}
