use std::time::{Duration, Instant};

use netgear_media::proto::Frame;

/// What a session has counted since its beginning, for a viewer to show.
///
/// A viewer that is told nothing counts the frames that it is shown, and their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames that came.
    pub frames: u64,
    /// Bytes that came.
    pub bytes: u64,
    /// Frames that were dropped on the way.
    pub dropped: u64,
    /// How long frames take from their capture to their arrival, if that is known.
    pub latency: Option<Duration>,
}

/// What a viewer shows of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Statistics {
    /// Pixels in a row of the newest frame; 0 before the first.
    pub(crate) width: u32,
    /// Its rows.
    pub(crate) height: u32,
    pub(crate) counters: Counters,
    /// Frames a second, of the last second or so.
    pub(crate) fps: f64,
    /// Bytes a second, of the same.
    pub(crate) bytes_per_second: f64,
}

/// Makes rates of counts.
#[derive(Debug)]
pub(crate) struct Meter {
    statistics: Statistics,
    /// The caller counts.
    is_told: bool,
    /// The counts at the beginning of the time that is measured, and when that was.
    before: (Counters, Instant),
}

impl Meter {
    /// How long is measured before a rate is given.
    const INTERVAL: Duration = Duration::from_millis(900);

    pub(crate) fn new(now: Instant) -> Self {
        Self { statistics: Statistics::default(), is_told: false, before: (Counters::default(), now) }
    }

    /// A frame is shown.
    pub(crate) fn frame(&mut self, frame: &Frame) {
        (self.statistics.width, self.statistics.height) = (frame.width(), frame.height());
        if !self.is_told {
            self.statistics.counters.frames += 1;
            self.statistics.counters.bytes += frame.pixels().len() as u64;
        }
    }

    /// The session has counted this.
    pub(crate) fn count(&mut self, counters: Counters) {
        self.is_told = true;
        self.statistics.counters = counters;
    }

    pub(crate) fn statistics(&mut self, now: Instant) -> Statistics {
        let (before, since) = self.before;
        let elapsed = now.saturating_duration_since(since);
        if elapsed >= Self::INTERVAL {
            let counters = self.statistics.counters;
            // Counts that went back are those of another session.
            let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / elapsed.as_secs_f64();
            self.statistics.fps = rate(counters.frames, before.frames);
            self.statistics.bytes_per_second = rate(counters.bytes, before.bytes);
            self.before = (counters, now);
        }
        self.statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_those_of_the_last_second() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        let frame = Frame::gray8(4, 2, vec![0; 8]).unwrap();
        for _ in 0..30 {
            meter.frame(&frame);
        }
        assert_eq!(meter.statistics(start + Duration::from_millis(500)).fps, 0.0);
        let statistics = meter.statistics(start + Duration::from_secs(1));
        assert_eq!((statistics.width, statistics.height), (4, 2));
        assert_eq!((statistics.fps, statistics.bytes_per_second), (30.0, 240.0));
        assert_eq!(meter.statistics(start + Duration::from_secs(3)).fps, 0.0);
    }

    #[test]
    fn what_the_session_counts_goes_before_what_is_shown() {
        let start = Instant::now();
        let mut meter = Meter::new(start);
        meter.count(Counters { frames: 100, ..Counters::default() });
        meter.frame(&Frame::gray8(1, 1, vec![0]).unwrap());
        assert_eq!(meter.statistics(start + Duration::from_secs(2)).fps, 50.0);
        // Another session begins.
        meter.count(Counters { frames: 1, ..Counters::default() });
        assert_eq!(meter.statistics(start + Duration::from_secs(4)).fps, 0.0);
    }
}
