//! The progress bar: on a terminal's standard error, and nowhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::feed;

/// Shows how far a run is. Without a terminal it does nothing.
pub struct Progress {
    bar: ProgressBar,
    file: Option<feed::Progress>,
}

impl Progress {
    /// How many bars pass between two looks at how far the file is read.
    const STRIDE: u64 = 4096;

    /// The progress through a file of bars; hidden if it is not wanted.
    #[must_use]
    pub fn new(file: feed::Progress, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = file
            .total()
            .map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match file.total() {
            Some(_) => "{bar:40} {bytes}/{total_bytes}  {msg} bars  {eta} left",
            None => "{spinner} {msg} bars",
        };
        let style = ProgressStyle::with_template(template)
            .expect("the templates are constants that name known keys");
        bar.set_style(style);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self {
            bar,
            file: Some(file),
        }
    }

    /// No progress bar.
    #[must_use]
    pub fn hidden() -> Self {
        Self {
            bar: ProgressBar::hidden(),
            file: None,
        }
    }

    /// Tells how many bars have been processed.
    pub fn set(&self, bars: u64) {
        if let Some(file) = &self.file
            && bars.is_multiple_of(Self::STRIDE)
        {
            self.bar.set_position(file.read());
            self.bar.set_message(bars.to_string());
        }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how many of something there were. Without a terminal it does nothing.
pub struct Count(ProgressBar);

impl Count {
    /// Nothing of `what` yet; `total` is where it ends, if that is known.
    #[must_use]
    pub fn new(what: &'static str, total: Option<u64>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match total {
            Some(_) => "{bar:40} {pos}/{len} {msg}  {eta} left",
            None => "{spinner} {pos} {msg}  {elapsed}",
        };
        let style = ProgressStyle::with_template(template)
            .expect("the templates are constants that name known keys");
        bar.set_style(style);
        bar.set_message(what);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Tells how many there were by now.
    pub fn set(&self, count: u64) {
        self.0.set_position(count);
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.0.finish_and_clear();
    }
}
