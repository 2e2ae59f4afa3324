use std::time::Duration;

use crate::FrameRate;

/// How long a frame is shown that claims to be shown for no time: a tenth of a second, as browsers have it for a GIF.
const FOR_NONE: (u32, u32) = (1, 10);

/// Delays of frames, added up. They are fractions of a second, and as long as these have one denominator nothing is
/// rounded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delays {
    frames: u64,
    /// The sum of the delays before those of the denominator that holds.
    before: Duration,
    units: u64,
    per_second: u32,
    /// The delay of all frames so far, if it is one.
    common: Option<(u32, u32)>,
    is_uneven: bool,
}

impl Delays {
    /// Adds a frame that is shown for `units` of which there are so many `per_second`.
    pub(crate) fn push(&mut self, units: u32, per_second: u32) {
        let (units, per_second) = if units == 0 || per_second == 0 { FOR_NONE } else { (units, per_second) };
        if per_second != self.per_second {
            (self.before, self.units, self.per_second) = (self.sum(), 0, per_second);
        }
        self.units += u64::from(units);
        self.frames += 1;
        self.is_uneven |= *self.common.get_or_insert((units, per_second)) != (units, per_second);
    }

    /// When the next frame is shown. Also: how long all take.
    pub(crate) fn sum(&self) -> Duration {
        let of_these = FrameRate::new(self.per_second, 1).map(|rate| rate.time_of(self.units));
        self.before.saturating_add(of_these.unwrap_or_default())
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// Whether some are shown for longer than others.
    pub(crate) fn are_uneven(&self) -> bool {
        self.is_uneven
    }

    /// The rate, exact if all are shown for the same time, else the average.
    pub(crate) fn frame_rate(&self) -> Option<FrameRate> {
        if let Some((units, per_second)) = self.common.filter(|_| !self.is_uneven) {
            return FrameRate::new(per_second, units);
        }
        let milliseconds = u32::try_from(self.sum().as_millis()).ok()?;
        FrameRate::new(u32::try_from(self.frames.checked_mul(1000)?).ok()?, milliseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delays(of: &[(u32, u32)]) -> Delays {
        let mut delays = Delays::default();
        of.iter().for_each(|&(units, per_second)| delays.push(units, per_second));
        delays
    }

    #[test]
    fn even_delays_add_up_exactly() {
        let thirds = delays(&[(1, 30); 30]);
        assert_eq!(thirds.sum(), Duration::from_secs(1));
        assert_eq!((thirds.frames(), thirds.frame_rate()), (30, Some(FrameRate::THIRTY)));
        assert_eq!(delays(&[(1001, 30_000)]).frame_rate(), FrameRate::new(30_000, 1001));
    }

    #[test]
    fn uneven_delays_have_an_average() {
        let delays = delays(&[(1, 4), (500, 1000), (0, 7), (3, 20)]);
        assert_eq!(delays.sum(), Duration::from_millis(250 + 500 + 100 + 150));
        assert_eq!(delays.frame_rate(), FrameRate::new(4, 1));
        assert_eq!(Delays::default().frame_rate(), None);
        assert_eq!(Delays::default().sum(), Duration::ZERO);
    }

    #[test]
    fn what_a_file_claims_does_not_overflow() {
        let long = delays(&[(u32::MAX, 1), (u32::MAX, 2), (u32::MAX, 1)]);
        assert_eq!(long.sum(), Duration::from_millis(2500 * u64::from(u32::MAX)));
        assert_eq!(long.frame_rate(), None);
    }
}
