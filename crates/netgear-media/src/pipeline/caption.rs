use std::fmt::{self, Write as _};
use std::time::Duration;

use netgear_proto::Timestamp;

use super::FrameStamp;

/// A text to write on frames, with places for what differs from frame to frame.
///
/// * `{number}` becomes the number of the frame.
/// * `{time}` becomes the moment at which a device captured it, in UTC, as in `2026-01-31 09:05:07.250 UTC`. Of what
///   was played rather than captured it is the time since its start, as in `0:01:30.500`; of what has no time at all,
///   `-:--:--.---`.
///
/// All else stays as it is, other braces among it.
///
/// ```
/// use netgear_media::{Caption, FrameStamp};
///
/// let stamp = FrameStamp { number: 41, ..FrameStamp::default() };
/// assert_eq!(Caption::new("north gate, frame {number}").of(&stamp), "north gate, frame 41");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caption {
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Number,
    Time,
}

impl Caption {
    const PLACES: [(&'static str, Piece); 2] = [("{number}", Piece::Number), ("{time}", Piece::Time)];

    /// A caption of this text.
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut rest = text;
        let next_place = |text: &str| {
            let found =
                Self::PLACES.into_iter().filter_map(|(name, piece)| Some((text.find(name)?, name, piece)));
            found.min_by_key(|(at, ..)| *at)
        };
        while let Some((at, name, piece)) = next_place(rest) {
            let (before, after) = rest.split_at(at);
            pieces.extend((!before.is_empty()).then(|| Piece::Text(before.to_owned())));
            pieces.push(piece);
            rest = after.strip_prefix(name).unwrap_or_default();
        }
        pieces.extend((!rest.is_empty()).then(|| Piece::Text(rest.to_owned())));
        Self { pieces }
    }

    /// What it says of a frame.
    pub fn of(&self, stamp: &FrameStamp) -> String {
        let mut text = String::new();
        self.write(stamp, &mut text);
        text
    }

    /// As [`of`](Self::of), behind what is in `text`.
    pub(crate) fn write(&self, stamp: &FrameStamp, text: &mut String) {
        for piece in &self.pieces {
            let written = match piece {
                Piece::Text(piece) => text.write_str(piece),
                Piece::Number => write!(text, "{}", stamp.number),
                Piece::Time => match (stamp.captured_at, stamp.time) {
                    (Some(moment), _) => write_utc(moment, text),
                    (None, Some(time)) => write_time(time, text),
                    (None, None) => text.write_str("-:--:--.---"),
                },
            };
            // Nothing goes wrong when writing to a String.
            written.unwrap_or_default();
        }
    }
}

impl From<&str> for Caption {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<String> for Caption {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

/// The text that it was made of.
impl fmt::Display for Caption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.pieces.iter().try_for_each(|piece| {
            f.write_str(match piece {
                Piece::Text(text) => text,
                Piece::Number => "{number}",
                Piece::Time => "{time}",
            })
        })
    }
}

/// Hours, minutes, seconds and milliseconds, cut off and not rounded: no frame is later than it is.
fn write_time(time: Duration, text: &mut String) -> fmt::Result {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    write!(text, "{hours}:{minutes:02}:{:02}.{:03}", seconds % 60, time.subsec_millis())
}

fn write_utc(moment: Timestamp, text: &mut String) -> fmt::Result {
    let micros = moment.as_micros();
    let (seconds, millis) = (micros / 1_000_000, micros / 1000 % 1000);
    let (year, month, day) = date(seconds / 86_400);
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    let seconds = seconds % 60;
    write!(text, "{year}-{month:02}-{day:02} {hours:02}:{minutes:02}:{seconds:02}.{millis:03} UTC")
}

/// Year, month and day, so many days after 1970-01-01, in the Gregorian calendar.
///
/// Years are counted from March, so that a leap day is the last day of its year; then 400 years are always 146,097
/// days, and the months before a day of the year follow from their common length of 30.6 days.
fn date(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (400 * era + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, stamp: FrameStamp) -> String {
        let caption = Caption::new(text);
        assert_eq!(caption.to_string(), text);
        caption.of(&stamp)
    }

    #[test]
    fn places_are_filled_in_and_all_else_is_kept() {
        let stamp = FrameStamp { number: 7, time: Some(Duration::from_millis(90_500)), captured_at: None };
        for (text, expected) in [
            ("", ""),
            ("{number}", "7"),
            ("{time}{number}", "0:01:30.5007"),
            ("a {number}, b {time}, c {number}", "a 7, b 0:01:30.500, c 7"),
            ("{", "{"),
            ("{{number}}", "{7}"),
            ("{Number} {} {fps} {numbe", "{Number} {} {fps} {numbe"),
            ("日{number}本", "日7本"),
        ] {
            assert_eq!(of(text, stamp), expected);
        }
    }

    #[test]
    fn a_time_is_that_of_the_capture_else_of_the_play_else_none() {
        let mut stamp = FrameStamp::default();
        assert_eq!(of("{time}", stamp), "-:--:--.---");
        stamp.time = Some(Duration::new(36 * 3600 + 59, 999_999_999));
        assert_eq!(of("{time}", stamp), "36:00:59.999");
        for (micros, expected) in [
            (0, "1970-01-01 00:00:00.000 UTC"),
            (951_782_399_999_999, "2000-02-28 23:59:59.999 UTC"),
            (951_782_400_000_000, "2000-02-29 00:00:00.000 UTC"),
            (951_868_800_000_000, "2000-03-01 00:00:00.000 UTC"),
            (1_735_689_599_000_000, "2024-12-31 23:59:59.000 UTC"),
            (1_769_850_307_250_000, "2026-01-31 09:05:07.250 UTC"),
            (4_107_542_400_000_000, "2100-03-01 00:00:00.000 UTC"),
        ] {
            stamp.captured_at = Some(Timestamp::from_micros(micros));
            assert_eq!(of("{time}", stamp), expected);
        }
        stamp.captured_at = Some(Timestamp::FAR_FUTURE);
        assert!(of("{time}", stamp).ends_with(" UTC"));
    }

    /// Day after day, for 800 years.
    #[test]
    fn dates_follow_each_other() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..292_194 {
            assert_eq!(date(days), (year, month, day), "{days}");
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let length = match month {
                2 => 28 + u64::from(is_leap),
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > length {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
