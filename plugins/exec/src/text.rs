//! What a program writes, made fit for messages and the log.

use std::time::{Duration, Instant};

use investbot_plugin_api::*;

/// The most of one line that is passed on, in bytes.
pub(crate) const LONGEST: usize = 2_000;

/// Takes secrets out of what a program writes: it should not write them, and it may.
pub(crate) struct Redactor(Vec<(String, SecretString)>);

impl Redactor {
    /// A shorter one could be part of any text.
    const SHORTEST: usize = 6;

    pub(crate) fn of(params: &OpenParams) -> Self {
        let long =
            |(_, value): &(&str, &SecretString)| value.expose_secret().len() >= Self::SHORTEST;
        let secrets = params.secrets().filter(long);
        Self(
            secrets
                .map(|(name, value)| (name.to_owned(), value.clone()))
                .collect(),
        )
    }

    /// `text` without secrets, cut to what is passed on.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (name, value) in &self.0 {
            if text.contains(value.expose_secret()) {
                text = text.replace(value.expose_secret(), &format!("[{name}]"));
            }
        }
        cut(&text)
    }

    /// An error without secrets.
    pub(crate) fn clean_error(&self, mut error: AdapterError) -> AdapterError {
        error.message = self.clean(&error.message);
        error.venue_code = error.venue_code.map(|code| self.clean(&code));
        error
    }
}

fn cut(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

/// Lets so many lines through at once, and so many a second from then on; counts the others.
pub(crate) struct Sluice {
    free: u32,
    refilled: Instant,
    held_back: u64,
}

impl Sluice {
    const AT_ONCE: u32 = 200;
    const A_SECOND: u32 = 50;

    pub(crate) fn new(now: Instant) -> Self {
        Self {
            free: Self::AT_ONCE,
            refilled: now,
            held_back: 0,
        }
    }

    /// Whether a line passes, and how many did not since the last that did.
    pub(crate) fn passes(&mut self, now: Instant) -> Option<u64> {
        const EACH: Duration = Duration::from_millis(1_000 / Sluice::A_SECOND as u64);
        let passed = now.saturating_duration_since(self.refilled);
        let more = u32::try_from(passed.as_millis() / EACH.as_millis()).unwrap_or(u32::MAX);
        if more > 0 {
            self.free = self.free.saturating_add(more).min(Self::AT_ONCE);
            self.refilled = now;
        }
        if self.free == 0 {
            self.held_back += 1;
            return None;
        }
        self.free -= 1;
        Some(std::mem::take(&mut self.held_back))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_and_long_texts_cut() {
        let params = OpenParams::new("{}")
            .with_secret("KEY", "hush-hush".to_owned().into())
            .with_secret("SHORT", "a".to_owned().into());
        let redactor = Redactor::of(&params);
        assert_eq!(redactor.clean("a hush-hush b hush-hush"), "a [KEY] b [KEY]");
        let error =
            AdapterError::not_sent(ErrorKind::Auth, "hush-hush").with_venue_code("hush-hush");
        assert!(!format!("{:?}", redactor.clean_error(error)).contains("hush"));
        let long = redactor.clean(&"é".repeat(LONGEST));
        assert_eq!(long.len(), LONGEST + "…".len());
    }

    #[test]
    fn a_flood_is_held_back_and_counted() {
        let mut now = Instant::now();
        let mut sluice = Sluice::new(now);
        let passed = (0..1_000).filter(|_| sluice.passes(now).is_some()).count();
        assert_eq!(passed, 200);
        now += Duration::from_secs(1);
        assert_eq!(sluice.passes(now), Some(800));
        assert_eq!(
            (0..100).filter(|_| sluice.passes(now).is_some()).count(),
            49
        );
        now += Duration::from_secs(3600);
        assert_eq!(sluice.passes(now), Some(51));
    }
}
