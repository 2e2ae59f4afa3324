use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use netgear_media::proto::Frame;

/// What a session has counted since its beginning, for a viewer to show. A viewer is told so with each frame that
/// came.
///
/// A viewer that is told nothing counts the frames that it is shown, and the bytes of their pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Frames that came.
    pub frames: u64,
    /// Bytes that came over the link: of encoded frames fewer than they have of pixels.
    pub bytes: u64,
    /// Frames that were dropped on the way.
    pub dropped: u64,
    /// How long the newest frame took from its capture to its arrival, if that is known. The median of the last two
    /// seconds is shown.
    pub latency: Option<Duration>,
}

/// What a viewer shows of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Statistics {
    /// Pixels in a row of the newest frame; 0 before the first.
    pub(crate) width: u32,
    /// Its rows.
    pub(crate) height: u32,
    /// The latency here is the median of the last two seconds.
    pub(crate) counters: Counters,
    /// Frames a second, of the last two seconds.
    pub(crate) fps: f64,
    /// Bytes a second, of the same.
    pub(crate) bytes_per_second: f64,
}

/// Makes rates of counts.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    width: u32,
    height: u32,
    /// The caller counts.
    is_told: bool,
    counters: Counters,
    /// The counts with each frame of the last two seconds, and when that came.
    arrivals: VecDeque<(Instant, Counters)>,
}

impl Meter {
    /// What is measured. Of a shorter time the rate of a slow stream would jump.
    const SPAN: Duration = Duration::from_secs(2);
    /// Frames that are remembered at most. Of faster streams what is measured is shorter.
    const ARRIVALS: usize = 512;

    /// A frame is shown.
    pub(crate) fn frame(&mut self, frame: &Frame, now: Instant) {
        (self.width, self.height) = (frame.width(), frame.height());
        if !self.is_told {
            let Counters { frames, bytes, .. } = self.counters;
            let bytes = bytes + frame.pixels().len() as u64;
            self.note(Counters { frames: frames + 1, bytes, ..self.counters }, now);
        }
    }

    /// The session has counted this.
    pub(crate) fn count(&mut self, counters: Counters, now: Instant) {
        self.is_told = true;
        self.note(counters, now);
    }

    fn note(&mut self, counters: Counters, now: Instant) {
        let before = std::mem::replace(&mut self.counters, counters);
        if counters.frames < before.frames {
            // Those of another session.
            self.arrivals.clear();
        }
        if counters.frames == before.frames {
            return;
        }
        while self.arrivals.len() >= Self::ARRIVALS
            || self.arrivals.front().is_some_and(|(at, _)| !is_recent(*at, now))
        {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back((now, counters));
    }

    pub(crate) fn statistics(&self, now: Instant) -> Statistics {
        let recent = || self.arrivals.iter().filter(|(at, _)| is_recent(*at, now));
        let (fps, bytes_per_second) = match (recent().next(), recent().next_back()) {
            // From one frame to another, so that a pause before the first, or a moment after the last, is no part of
            // it.
            (Some((from, first)), Some((to, last))) if to > from => {
                let elapsed = (*to - *from).as_secs_f64();
                let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / elapsed;
                (rate(last.frames, first.frames), rate(last.bytes, first.bytes))
            }
            _ => (0.0, 0.0),
        };
        let mut latencies: Vec<Duration> = recent().filter_map(|(_, counters)| counters.latency).collect();
        latencies.sort_unstable();
        let latency = latencies.get(latencies.len() / 2).copied();
        let counters = Counters { latency, ..self.counters };
        Statistics { width: self.width, height: self.height, counters, fps, bytes_per_second }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) <= Meter::SPAN
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// So many frames, a thirtieth of a second apart, from `start` on, with what each took.
    fn thirty_a_second(meter: &mut Meter, start: Instant, frames: u32, latency: Duration) {
        let before = meter.counters;
        for number in 0..frames {
            let frames = before.frames + u64::from(number) + 1;
            let counters = Counters { frames, bytes: frames * 10, dropped: 0, latency: Some(latency) };
            meter.count(counters, start + SECOND * number / 30);
        }
    }

    #[test]
    fn what_is_shown_is_counted_where_the_session_does_not() {
        let start = Instant::now();
        let mut meter = Meter::default();
        let frame = Frame::gray8(4, 2, vec![0; 8]).unwrap();
        for number in 0..30 {
            meter.frame(&frame, start + SECOND * number / 30);
        }
        let statistics = meter.statistics(start + SECOND);
        assert_eq!((statistics.width, statistics.height), (4, 2));
        assert!((statistics.fps - 30.0).abs() < 0.1 && (statistics.bytes_per_second - 240.0).abs() < 1.0);
        assert_eq!((statistics.counters.frames, statistics.counters.bytes), (30, 240));
        assert_eq!(meter.statistics(start + 4 * SECOND).fps, 0.0);
    }

    #[test]
    fn a_pause_is_no_part_of_the_rate_after_it() {
        let start = Instant::now();
        let mut meter = Meter::default();
        thirty_a_second(&mut meter, start, 60, Duration::ZERO);
        // Nobody has asked meanwhile.
        let later = start + 100 * SECOND;
        assert_eq!(meter.statistics(later).fps, 0.0);
        thirty_a_second(&mut meter, later, 3, Duration::ZERO);
        let statistics = meter.statistics(later + SECOND / 10);
        assert!((statistics.fps - 30.0).abs() < 0.1, "{}", statistics.fps);
        assert!((statistics.bytes_per_second - 300.0).abs() < 1.0, "{}", statistics.bytes_per_second);
    }

    #[test]
    fn the_latency_is_that_of_the_last_seconds() {
        let start = Instant::now();
        let mut meter = Meter::default();
        thirty_a_second(&mut meter, start, 3000, Duration::from_millis(1));
        thirty_a_second(&mut meter, start + 100 * SECOND, 60, Duration::from_millis(900));
        let latency = meter.statistics(start + 102 * SECOND).counters.latency;
        assert_eq!(latency, Some(Duration::from_millis(900)));
        assert_eq!(meter.statistics(start + 200 * SECOND).counters.latency, None);
    }

    #[test]
    fn what_the_session_counts_goes_before_what_is_shown() {
        let start = Instant::now();
        let mut meter = Meter::default();
        meter.count(Counters { frames: 100, ..Counters::default() }, start);
        meter.frame(&Frame::gray8(1, 1, vec![0]).unwrap(), start);
        meter.count(Counters { frames: 150, ..Counters::default() }, start + SECOND);
        assert_eq!(meter.statistics(start + SECOND).fps, 50.0);
        assert_eq!(meter.statistics(start + SECOND).counters.frames, 150);
        // Another session begins.
        meter.count(Counters { frames: 1, ..Counters::default() }, start + SECOND);
        assert_eq!(meter.statistics(start + SECOND).fps, 0.0);
    }

    #[test]
    fn no_stream_is_so_fast_that_all_of_it_is_remembered() {
        let start = Instant::now();
        let mut meter = Meter::default();
        for number in 0..10_000 {
            let counters = Counters { frames: number + 1, ..Counters::default() };
            meter.count(counters, start + Duration::from_micros(100 * number));
        }
        assert_eq!(meter.arrivals.len(), Meter::ARRIVALS);
        assert!((meter.statistics(start + SECOND).fps - 10_000.0).abs() < 1.0);
    }
}
