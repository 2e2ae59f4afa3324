//! When the frames of a recording are shown, and at which rate if it has one for all.

use std::time::Duration;

use crate::FrameRate;

/// The times of the frames so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    stated: Option<FrameRate>,
    /// The caller's time of the first frame.
    origin: Duration,
    /// That of the last one, since the first.
    last: Duration,
    frames: u64,
}

impl Pace {
    /// Two frames are at least so far apart: a film has one frame at a time.
    const LEAST_STEP: Duration = Duration::from_micros(1);

    pub(super) fn new(stated: Option<FrameRate>) -> Self {
        Self { stated, origin: Duration::ZERO, last: Duration::ZERO, frames: 0 }
    }

    /// A frame of the caller's `time`. What is not after the one before is moved behind it.
    pub(super) fn add(&mut self, time: Duration) {
        if self.frames == 0 {
            self.origin = time;
        } else {
            self.last = match self.stated {
                Some(rate) => rate.time_of(self.frames),
                None => time.saturating_sub(self.origin).max(self.last + Self::LEAST_STEP),
            };
        }
        self.frames += 1;
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// The time of the last frame, since the first.
    pub(super) fn last(&self) -> Duration {
        self.last
    }

    /// The rate at which all of it takes as long as it took.
    pub(super) fn rate(&self) -> FrameRate {
        self.stated.or_else(|| mean_rate(self.frames.checked_sub(1)?, self.last)).unwrap_or(FrameRate::THIRTY)
    }

    /// From the first frame to the end of the last, which is taken to last as long as the mean.
    pub(super) fn duration(&self) -> Duration {
        match self.frames {
            0 => Duration::ZERO,
            _ => self.last + self.rate().time_of(1),
        }
    }
}

/// The rate of so many intervals in that time; `None` if it is out of all reason.
///
/// A usual rate is taken where that changes the whole by less than one interval, which nobody can see: it is what the
/// source was meant to have, and times waver.
fn mean_rate(intervals: u64, time: Duration) -> Option<FrameRate> {
    if intervals == 0 || time.is_zero() {
        return None;
    }
    let per_second = intervals as f64 / time.as_secs_f64();
    let (whole, ntsc) = (per_second.round() as u32, (per_second * 1.001).round() as u32);
    let usual = [FrameRate::new(whole, 1), FrameRate::new(ntsc.checked_mul(1000)?, 1001)];
    let is_near = |rate: &FrameRate| rate.time_of(intervals).abs_diff(time) < rate.time_of(1);
    usual.into_iter().flatten().find(is_near).or_else(|| {
        let rate = FrameRate::new((per_second * 1000.0).round() as u32, 1000);
        rate.filter(|rate| (0.01..100_000.0).contains(&rate.frames_per_second()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(times: impl IntoIterator<Item = u64>) -> Pace {
        let mut pace = Pace::new(None);
        for micros in times {
            pace.add(Duration::from_micros(micros));
        }
        pace
    }

    #[test]
    fn the_rate_is_the_one_that_was_meant() {
        for (text, frames) in
            [("30", 40), ("25", 50), ("24000/1001", 4000), ("30000/1001", 4000), ("60", 300), ("1", 5)]
        {
            let rate: FrameRate = text.parse().unwrap();
            // Half an interval early and late at most.
            let step = rate.time_of(1).as_micros() as u64;
            let wavering = (0..frames).map(|number| {
                rate.time_of(number).as_micros() as u64 + 1_000_000 + (number * 7919 % (step / 2))
            });
            assert_eq!(pace(wavering).rate(), rate);
        }
    }

    #[test]
    fn at_any_rate_it_lasts_as_long_as_it_did() {
        for step in [1_000, 7_777, 33_400, 36_363, 123_456, 5_000_000] {
            let pace = pace((0..500).map(|number| number * step));
            let (lasts, lasted) = (pace.rate().time_of(500), Duration::from_micros(500 * step));
            assert!(
                lasts.abs_diff(lasted) <= Duration::from_micros(step).max(lasted / 1000),
                "{step}: {lasts:?}"
            );
        }
    }

    #[test]
    fn times_go_forward() {
        let mut pace = Pace::new(None);
        let mut last = None;
        for micros in [50, 60, 60, 10, 0, 59, 61, 1_000_000] {
            pace.add(Duration::from_micros(micros));
            assert!(last < Some(pace.last()));
            last = Some(pace.last());
        }
        assert_eq!(pace.last(), Duration::from_micros(999_950));
        // All at once is no rate.
        assert_eq!(super::super::pace::Pace::new(None).rate(), FrameRate::THIRTY);
    }

    #[test]
    fn a_stated_rate_is_in_place_of_the_times() {
        let rate = FrameRate::new(10, 1).unwrap();
        let mut pace = Pace::new(Some(rate));
        for micros in [5, 6, 7] {
            pace.add(Duration::from_micros(micros));
        }
        assert_eq!((pace.last(), pace.rate()), (Duration::from_millis(200), rate));
        assert_eq!(pace.duration(), Duration::from_millis(300));
    }
}
