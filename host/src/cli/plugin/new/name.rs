//! The name of a new plugin: its id, and the name of its crate and directory.

use std::fmt;

/// A name that the manifest takes for an id, and cargo for a crate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name(String);

/// The most characters of an id.
const LONGEST: usize = 64;

/// What no library can be called: words of the language, and its own crates.
const RESERVED: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

impl Name {
    pub(super) fn new(text: &str) -> Result<Self, NameError> {
        let is_id = text.len() <= LONGEST
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_id {
            Err(NameError::NoId(text.to_owned()))
        } else if RESERVED.contains(&text) {
            Err(NameError::Reserved(text.to_owned()))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NameError {
    NoId(String),
    Reserved(String),
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoId(text) => write!(
                f,
                "`{}` cannot be the name of a plugin\n  expected: lower case letters, digits and dashes, starting with a \
                 letter, at most {LONGEST}\n  hint: investbot plugin new {}",
                text.escape_default(),
                near(text)
            ),
            Self::Reserved(text) => write!(
                f,
                "`{text}` cannot be the name of a plugin: Rust keeps the word for itself\n  hint: investbot plugin new \
                 {text}-venue"
            ),
        }
    }
}

/// A name like it: what was meant, most likely.
fn near(text: &str) -> String {
    // Of a path the last part; the crate is made where one is.
    let last = text
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or(text);
    let lower = last.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let mut near = words.join("-");
    near.truncate(LONGEST);
    match Name::new(&near) {
        Ok(name) => name.0,
        Err(_) => "my-venue".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_manifest_takes_and_cargo_too() {
        for good in ["a", "my-venue", "v2", &"x".repeat(64)] {
            assert!(Name::new(good).is_ok(), "{good}");
        }
        let long = "x".repeat(65);
        for bad in [
            "", "My", "my_venue", "2v", "-v", "a b", "a/b", "ä", "..", &long,
        ] {
            assert_eq!(Name::new(bad), Err(NameError::NoId(bad.to_owned())));
        }
        assert_eq!(Name::new("fn"), Err(NameError::Reserved("fn".to_owned())));
        assert!(RESERVED.is_sorted());
    }

    #[test]
    fn a_name_like_it_is_one() {
        let near_of = |text| near(text);
        assert_eq!(near_of("My Venue"), "my-venue");
        assert_eq!(near_of("work/kraken_spot/"), "kraken-spot");
        assert_eq!(near_of("KRAKEN"), "kraken");
        for odd in ["", "2", "ä", "/", "fn", &"9".repeat(100)] {
            assert_eq!(near_of(odd), "my-venue", "{odd}");
        }
    }
}
