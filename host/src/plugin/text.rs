//! Text that a plugin or a system library wrote, made fit for a terminal and a log.

use std::fmt::Write as _;

/// The most of one message that is kept, in bytes.
pub(super) const MESSAGE_LIMIT: usize = 4096;

/// `text` without anything that could move a cursor, colour a terminal, start a new log line or turn
/// the reading direction; what is longer than `limit` bytes is cut, and the cut is said.
pub(super) fn printable(text: &str, limit: usize) -> String {
    let mut clean = String::with_capacity(text.len().min(limit));
    for (at, c) in text.char_indices() {
        if clean.len() + c.len_utf8() > limit {
            let _ = write!(clean, "… ({} bytes cut)", text.len() - at);
            break;
        }
        if c.is_control() || is_invisible(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// The first lines of `text` as one, for messages of system libraries that span several.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    printable(&words.join(" "), 400)
}

/// Marks of the reading direction and separators that some terminals take for a new line.
const fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(
            printable("a\x1b[31mb\nc\u{202e}d", 100),
            "a\\u{1b}[31mb\\nc\\u{202e}d"
        );
    }

    #[test]
    fn a_cut_is_said_and_never_splits_a_character() {
        assert_eq!(printable("ééé", 3), "é… (4 bytes cut)");
        assert_eq!(printable("abc", 3), "abc");
    }

    #[test]
    fn lines_are_joined() {
        assert_eq!(one_line("\n a\n\tb \n"), "a b");
    }
}
