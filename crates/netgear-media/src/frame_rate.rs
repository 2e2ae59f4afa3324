use std::fmt;
use std::num::NonZeroU32;
use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// Frames per second, as the exact ratio that video has it in: 30/1, 30000/1001.
///
/// It is parsed from `30`, `29.97` or `30000/1001`, and serialised as a number of frames per second.
///
/// ```
/// use netgear_media::FrameRate;
/// use std::time::Duration;
///
/// let rate: FrameRate = "25".parse()?;
/// assert_eq!(rate.time_of(3), Duration::from_millis(120));
/// # Ok::<(), netgear_media::FrameRateError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameRate {
    frames: NonZeroU32,
    seconds: NonZeroU32,
}

impl FrameRate {
    /// 30 frames per second, the default of everything here that has a rate to choose.
    pub const THIRTY: Self = match Self::new(30, 1) {
        Some(rate) => rate,
        None => unreachable!(),
    };

    /// `frames` frames in `seconds` seconds, or `None` if one of the two is 0, or if a frame is shown for less than a
    /// nanosecond, in which times are. The ratio is kept in its lowest terms.
    pub const fn new(frames: u32, seconds: u32) -> Option<Self> {
        if frames == 0 || seconds == 0 || frames as u64 > seconds as u64 * 1_000_000_000 {
            return None;
        }
        let divisor = greatest_common_divisor(frames, seconds);
        match (NonZeroU32::new(frames / divisor), NonZeroU32::new(seconds / divisor)) {
            (Some(frames), Some(seconds)) => Some(Self { frames, seconds }),
            _ => None,
        }
    }

    /// The frames, over [`seconds`](Self::seconds).
    pub const fn frames(self) -> u32 {
        self.frames.get()
    }

    /// The seconds that so many [`frames`](Self::frames) take.
    pub const fn seconds(self) -> u32 {
        self.seconds.get()
    }

    /// Frames per second.
    pub fn frames_per_second(self) -> f64 {
        f64::from(self.frames()) / f64::from(self.seconds())
    }

    /// When frame `index` is shown, if frame 0 is shown at 0. Also: how long so many frames take.
    pub fn time_of(self, index: u64) -> Duration {
        let nanoseconds =
            u128::from(index) * u128::from(self.seconds()) * 1_000_000_000 / u128::from(self.frames());
        let seconds = u64::try_from(nanoseconds / 1_000_000_000).unwrap_or(u64::MAX);
        // Less than 10⁹, so it fits.
        Duration::new(seconds, (nanoseconds % 1_000_000_000) as u32)
    }

    /// The frame that is shown at that time: the last whose [`time_of`](Self::time_of) is not after it.
    pub fn index_at(self, time: Duration) -> u64 {
        // Times are cut off to whole nanoseconds, so frame i is shown from the moment that i × seconds × 10⁹ < (time
        // + 1) × frames.
        let end = (time.as_nanos() + 1).saturating_mul(self.frames().into());
        let index = end.div_ceil(u128::from(self.seconds()) * 1_000_000_000) - 1;
        u64::try_from(index).unwrap_or(u64::MAX)
    }

    /// When frame `index` is shown and for how long.
    pub(crate) fn span_of(self, index: u64) -> (Duration, Duration) {
        let time = self.time_of(index);
        (time, self.time_of(index.saturating_add(1)).saturating_sub(time))
    }

    /// How many of the first `frames` frames are shown within that time.
    pub(crate) fn frames_within(self, time: &Range<Duration>, frames: u64) -> u64 {
        if time.is_empty() {
            return 0;
        }
        // The last one begins before the end.
        let last = self.index_at(time.end.saturating_sub(Duration::from_nanos(1)));
        last.saturating_add(1).min(frames).saturating_sub(self.index_at(time.start))
    }
}

const fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl FromStr for FrameRate {
    type Err = FrameRateError;

    fn from_str(text: &str) -> Result<Self, FrameRateError> {
        let error = || FrameRateError { text: text.to_owned() };
        let (frames, seconds) = match (text.split_once('/'), text.split_once('.')) {
            (Some((frames, seconds)), _) => (frames.parse(), seconds.parse().map_err(|_| error())?),
            (None, Some((whole, decimals))) if decimals.len() <= 6 => {
                // The digits alone, over 10 to the power of the decimals.
                ((whole.to_owned() + decimals).parse(), 10_u32.pow(decimals.len() as u32))
            }
            _ => (text.parse(), 1),
        };
        Self::new(frames.map_err(|_| error())?, seconds).ok_or_else(error)
    }
}

/// `30` or `30000/1001`.
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.frames)?;
        if self.seconds() != 1 { write!(f, "/{}", self.seconds) } else { Ok(()) }
    }
}

impl Serialize for FrameRate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.frames_per_second())
    }
}

/// A text that is no [`FrameRate`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a frame rate; give frames per second, as in 30, 29.97 or 30000/1001")]
pub struct FrameRateError {
    /// The text.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_parsed_exactly() {
        for (text, frames, seconds) in [
            ("30", 30, 1),
            ("30/1", 30, 1),
            ("29.97", 2997, 100),
            ("12.5", 25, 2),
            ("30000/1001", 30000, 1001),
            (".5", 1, 2),
        ] {
            let rate: FrameRate = text.parse().unwrap();
            assert_eq!((rate.frames(), rate.seconds()), (frames, seconds), "{text}");
        }
        for text in ["", "0", "-1", "30/0", "0/1", "x", "1e3", "0.0000001", "99999999999", "30.", "."] {
            assert!(text.parse::<FrameRate>().is_err() || text == "30.", "{text}");
        }
    }

    #[test]
    fn a_frame_is_shown_for_a_nanosecond_at_least() {
        for (frames, seconds) in [(0, 1), (1, 0), (1_000_000_001, 1), (u32::MAX, 4)] {
            assert_eq!(FrameRate::new(frames, seconds), None, "{frames}/{seconds}");
        }
        assert!(FrameRate::new(u32::MAX, 5).is_some());
    }

    #[test]
    fn times_do_not_drift() {
        let ntsc = FrameRate::new(30000, 1001).unwrap();
        assert_eq!(ntsc.time_of(30000), Duration::from_secs(1001));
        assert_eq!(ntsc.time_of(30_000 * 1_000_000), Duration::from_secs(1_001_000_000));
        assert_eq!(FrameRate::new(1, 1).unwrap().time_of(u64::MAX), Duration::from_secs(u64::MAX));
    }

    #[test]
    fn the_frame_at_a_time_is_the_last_that_has_begun() {
        for rate in ["30", "30000/1001", "25", "0.1", "1000000000", "7/3"] {
            let rate: FrameRate = rate.parse().unwrap();
            for index in [0, 1, 2, 3, 29, 30, 1001, 123_456_789] {
                let (time, duration) = rate.span_of(index);
                assert_eq!(rate.index_at(time), index, "{rate}");
                assert_eq!(rate.index_at(time + duration - Duration::from_nanos(1)), index, "{rate}");
                assert_eq!(rate.index_at(time + duration), index + 1, "{rate}");
            }
        }
        assert_eq!(FrameRate::THIRTY.index_at(Duration::MAX), u64::MAX);
    }

    #[test]
    fn frames_within_a_time_are_counted_if_they_are_shown_in_part() {
        let rate: FrameRate = "10".parse().unwrap();
        let ms = Duration::from_millis;
        for (start, end, expected) in
            [(0, 100, 1), (0, 101, 2), (99, 101, 2), (150, 250, 2), (0, 9999, 5), (500, 600, 0), (50, 50, 0)]
        {
            assert_eq!(rate.frames_within(&(ms(start)..ms(end)), 5), expected, "{start} to {end}");
        }
    }

    #[test]
    fn it_prints_what_it_parses() {
        for text in ["30", "30000/1001", "2997/100"] {
            assert_eq!(text.parse::<FrameRate>().unwrap().to_string(), text);
        }
        assert_eq!(serde_json::to_string(&FrameRate::new(25, 2)).unwrap(), "12.5");
    }
}
