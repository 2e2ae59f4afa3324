use std::time::Duration;

use clap::Args;
use netgear::media::{FrameSource, OpenOptions, Section, Source};

use crate::Failure;

/// Which part of a source to play.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct SectionOptions {
    /// Begin with the frame that is shown at this time: seconds, as in 90 or 1.5, or 1:30 or 1:01:30.250.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = play_time)]
    start: Option<Duration>,
    /// End after this time, written as for --start.
    #[arg(long, value_name = "TIME", allow_negative_numbers = true, value_parser = play_time)]
    duration: Option<Duration>,
}

impl SectionOptions {
    /// Opens the source, and of it the part that is wanted.
    pub(crate) fn open(
        self,
        source: &Source,
        options: &OpenOptions,
    ) -> Result<Box<dyn FrameSource>, Failure> {
        let whole = source.open(options)?;
        if (self.start, self.duration) == (None, None) {
            return Ok(whole);
        }
        let start = self.start.unwrap_or_default();
        let section = Section::new(whole, start, self.duration);
        Ok(Box::new(section.map_err(|error| Failure::Section { origin: source.to_string(), error })?))
    }
}

/// The longest time that can be given, as for every other option.
const LONGEST: Duration = Duration::from_secs(1_000 * 24 * 60 * 60);

/// `90`, `1.5`, `1:30`, `1:01:30.250`.
fn play_time(text: &str) -> Result<Duration, String> {
    let error = || {
        format!(
            "{text:?} is no time; give seconds, as in 90 or 1.5, or 1:30 or 1:01:30.250, and no more than 1,000 days"
        )
    };
    let is_plain =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let mut parts = text.split(':').rev();
    let seconds = parts.next().filter(|part| is_plain(part)).ok_or_else(error)?;
    let seconds = seconds.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let mut time = seconds.filter(|&time| time <= LONGEST).ok_or_else(error)?;
    if text.contains(':') && time >= Duration::from_secs(60) {
        return Err(error());
    }
    for unit in [60, 3600] {
        let Some(part) = parts.next() else { break };
        let is_number = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let count: u64 = part.parse().ok().filter(|_| is_number).ok_or_else(error)?;
        // The first part may be as large as it likes: 90:00 is an hour and a half.
        let is_first = text.split(':').count() == if unit == 60 { 2 } else { 3 };
        if count >= 60 && !is_first {
            return Err(error());
        }
        let more = count.checked_mul(unit).map(Duration::from_secs).ok_or_else(error)?;
        time = time.checked_add(more).filter(|&time| time <= LONGEST).ok_or_else(error)?;
    }
    if parts.next().is_some() { Err(error()) } else { Ok(time) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_seconds_or_with_colons() {
        for (text, milliseconds) in [
            ("0", 0),
            ("90", 90_000),
            ("1.5", 1500),
            (".25", 250),
            ("1:30", 90_000),
            ("90:00", 5_400_000),
            ("0:00:01", 1000),
            ("1:01:30.250", 3_690_250),
            ("100:00:00", 360_000_000),
        ] {
            assert_eq!(play_time(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            ":",
            "1:",
            ":1",
            "-1",
            "+1",
            "1e3",
            "inf",
            "NaN",
            "1:60",
            "1:60:00",
            "1:1.5:00",
            "1:2:3:4",
            "1.2.3",
            "86400001",
            "24001:00:00",
            "99999999999999999999:00",
        ] {
            assert!(play_time(text).is_err(), "{text}");
        }
    }
}
