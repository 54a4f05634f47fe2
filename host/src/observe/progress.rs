//! The progress bar: on a terminal's standard error, and nowhere else.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Shows how far a run is. Without a terminal it does nothing.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// How many bars pass between two looks at the clock.
    const STRIDE: u64 = 4096;

    /// A bar for `total` bars, or a spinner if nobody knows how many there are.
    #[must_use]
    pub fn new(total: Option<u64>, wanted: bool) -> Self {
        if !wanted || !std::io::stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
            };
        }
        let bar = total.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = match total {
            Some(_) => "{bar:40} {human_pos}/{human_len} bars  {per_sec}  {msg}",
            None => "{spinner} {human_pos} bars  {per_sec}  {msg}",
        };
        bar.set_style(
            ProgressStyle::with_template(template)
                .expect("the templates are constants that name known keys"),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// Tells how many bars have been processed.
    pub fn set(&self, bars: u64) {
        if bars.is_multiple_of(Self::STRIDE) {
            self.bar.set_position(bars);
        }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
