use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tracing::level_filters::LevelFilter;

use crate::{
    counted::Counted,
    recording::Recording,
    summary::{Micros, Tally},
};

/// A line on the terminal that follows the stream; nothing where the error output is no terminal, or has the log.
#[derive(Debug)]
pub(crate) struct LiveLine {
    bar: ProgressBar,
    drawn: Instant,
}

impl LiveLine {
    const INTERVAL: Duration = Duration::from_millis(200);

    pub(crate) fn new(first: impl Into<String>) -> Self {
        // A log would be written into the line.
        if LevelFilter::current() >= LevelFilter::INFO {
            return Self::hidden();
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(first.into());
        bar.enable_steady_tick(Self::INTERVAL);
        Self { bar, drawn: Instant::now() }
    }

    /// A line that shows nothing: where another one follows the same stream.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), drawn: Instant::now() }
    }

    pub(crate) fn update(&mut self, tally: &Tally, recording: Option<&Recording>) {
        if self.bar.is_hidden() || self.drawn.elapsed() < Self::INTERVAL {
            return;
        }
        self.drawn = Instant::now();
        let summary = tally.summary();
        let latency = summary.latency_us.map_or(0, |latency| latency.p50);
        let recorded = recording.map_or(String::new(), |recording| format!("  {}", recording.progress()));
        self.bar.set_message(format!(
            "{}  {:.1} fps  {:.3} GB/s  {}  data: {} out, {} in{recorded}",
            Counted::frames(summary.frames),
            summary.fps,
            summary.gigabytes_per_second,
            Micros(latency),
            summary.data_sent,
            summary.data_received,
        ));
    }

    /// Prints above the line, or simply prints where there is none.
    pub(crate) fn suspend<R>(&self, print: impl FnOnce() -> R) -> R {
        self.bar.suspend(print)
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
