//! Splitting a text into words as people know it from a shell. No shell is run.

/// The words of `text`. Blanks separate them; `'…'` and `"…"` keep blanks in a word, and `\` keeps the character after
/// it, but for `'…'`. The error says what has no end.
pub(crate) fn split(text: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            c if c.is_whitespace() => words.extend(word.take()),
            '\'' => quoted(&mut chars, '\'', word.get_or_insert_default())?,
            '"' => quoted(&mut chars, '"', word.get_or_insert_default())?,
            '\\' => {
                let kept = chars.next().ok_or("nothing follows the last \\")?;
                word.get_or_insert_default().push(kept);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(
    chars: &mut std::str::Chars<'_>,
    end: char,
    word: &mut String,
) -> Result<(), &'static str> {
    loop {
        match chars.next() {
            Some(c) if c == end => return Ok(()),
            Some('\\') if end == '"' => match chars.next() {
                Some(kept @ ('"' | '\\')) => word.push(kept),
                // As in a shell: elsewhere in double quotes a \ is itself.
                Some(other) => word.extend(['\\', other]),
                None => break,
            },
            Some(c) => word.push(c),
            None => break,
        }
    }
    Err("a quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_as_in_a_shell() {
        for (text, words) in [
            ("", &[][..]),
            ("  ", &[]),
            ("venue.py", &["venue.py"]),
            (" a  b\tc\n", &["a", "b", "c"]),
            (
                "--name 'My Venue' \"it's\"",
                &["--name", "My Venue", "it's"],
            ),
            (r"a\ b \' \\", &["a b", "'", r"\"]),
            (r#""a\"b" "c:\dir""#, &["a\"b", r"c:\dir"]),
            (r"'c:\dir'", &[r"c:\dir"]),
            ("'' a''b", &["", "ab"]),
            ("é*$HOME;ls", &["é*$HOME;ls"]),
        ] {
            assert_eq!(
                split(text).as_deref(),
                Ok(words
                    .iter()
                    .map(|w| (*w).to_owned())
                    .collect::<Vec<_>>()
                    .as_slice()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_has_no_end_is_said() {
        for text in ["'", "\"a", "a\\", "\"\\", "'a\\'b'"] {
            assert!(split(text).is_err(), "{text}");
        }
    }
}
