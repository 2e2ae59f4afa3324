use std::time::Duration;

use netgear::media::FrameRate;

/// Leaves frames out, so that a device which captures more of them than are wanted gives the wanted rate.
///
/// What was captured is never held back, since it would only be older then: of those that come, the ones nearest to
/// when one is due are kept. After a pause it goes on at the rate, and does not make up for what did not come.
#[derive(Debug, Default)]
pub(crate) struct Thinning {
    due: Duration,
    last: Option<Duration>,
}

impl Thinning {
    /// Whether the frame that was captured at `time` is one of those to keep.
    pub(crate) fn keeps(&mut self, time: Duration, rate: FrameRate) -> bool {
        let interval = self.last.replace(time).map_or(Duration::ZERO, |last| time.saturating_sub(last));
        // The next one would be further from when it is due.
        if time + interval / 2 < self.due {
            return false;
        }
        let step = rate.time_of(1);
        self.due += step;
        if self.due < time {
            self.due = time + step;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many frames are kept of ten seconds at `captured` frames a second.
    fn kept(captured: &str, wanted: &str) -> usize {
        let (captured, wanted): (FrameRate, FrameRate) = (captured.parse().unwrap(), wanted.parse().unwrap());
        let mut thinning = Thinning::default();
        let times =
            (0..).map(|index| captured.time_of(index)).take_while(|time| *time < Duration::from_secs(10));
        times.filter(|time| thinning.keeps(*time, wanted)).count()
    }

    #[test]
    fn the_wanted_rate_is_kept_if_the_device_has_it() {
        assert_eq!(kept("30", "10"), 100);
        assert_eq!(kept("25", "10"), 100);
        assert_eq!(kept("60", "25"), 250);
        assert_eq!(kept("30", "0.5"), 5);
        // The device's own, where that is no more.
        assert_eq!(kept("30", "30"), 300);
        assert_eq!(kept("30000/1001", "30"), 300);
        assert_eq!(kept("12.5", "60"), 125);
    }

    #[test]
    fn times_that_waver_do_not_halve_the_rate() {
        let mut thinning = Thinning::default();
        let wavering =
            (0..300_u64).map(|index| Duration::from_micros(index * 33_333 + (index * 7 % 10) * 1_000));
        let kept = wavering.filter(|time| thinning.keeps(*time, FrameRate::THIRTY)).count();
        assert!(kept >= 290, "{kept}");
    }

    #[test]
    fn what_did_not_come_in_a_pause_is_not_made_up_for() {
        let mut thinning = Thinning::default();
        let rate = FrameRate::new(10, 1).unwrap();
        let milliseconds = |count: u64| Duration::from_millis(count);
        assert!(thinning.keeps(milliseconds(0), rate));
        assert!(thinning.keeps(milliseconds(10_000), rate));
        let after = (1..=30).filter(|index| thinning.keeps(milliseconds(10_000 + index * 33), rate)).count();
        assert!((9..=11).contains(&after), "{after}");
    }
}
