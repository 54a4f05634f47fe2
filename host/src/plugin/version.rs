//! API versions: `MAJOR.MINOR` with an optional patch and suffix, compared by the numbers.

use std::fmt;
use std::str::FromStr;

/// A version of the plugin API. The patch number changes no contract, so it is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiVersion {
    /// Changes when old plugins stop working.
    pub major: u32,
    /// Changes when something is added.
    pub minor: u32,
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for ApiVersion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let core = text.split(['-', '+']).next().unwrap_or_default();
        let numbers: Vec<u32> = core.split('.').map(number).collect::<Result<_, _>>()?;
        match numbers[..] {
            [major, minor] | [major, minor, _] => Ok(Self { major, minor }),
            _ => Err(()),
        }
    }
}

fn number(text: &str) -> Result<u32, ()> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(());
    }
    text.parse().map_err(|_| ())
}

/// Whether `text` is a version in full, `MAJOR.MINOR.PATCH` with an optional suffix.
pub(super) fn is_full_version(text: &str) -> bool {
    let suffix_is_plain = text.len() <= 64
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-+.".contains(&b));
    let core = text.split(['-', '+']).next().unwrap_or_default();
    suffix_is_plain && core.split('.').count() == 3 && text.parse::<ApiVersion>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        let version = |text: &str| text.parse::<ApiVersion>();
        assert!(version("1.10.0") > version("1.9"));
        assert_eq!(version("1.2.3-rc.1"), version("1.2"));
        for bad in ["", "1", "1.x", "1.2.3.4", "-1.2", "1.+2", "99999999999.0"] {
            assert_eq!(version(bad), Err(()), "{bad:?}");
        }
    }

    #[test]
    fn a_plugin_has_a_version_in_full() {
        assert!(is_full_version("0.3.0") && is_full_version("1.0.0-rc.1+abc"));
        assert!(!is_full_version("0.3") && !is_full_version("1.0.0 \u{1b}"));
    }
}
