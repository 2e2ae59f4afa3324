//! When each picture of a track is shown.

use std::ops::Range;
use std::time::Duration;

use super::video_track::{Sample, VideoTrack};
use crate::FrameRate;

/// The pictures of a track in the order of presentation. It does not change, and 8 bytes a picture are all that it
/// takes.
#[derive(Debug)]
pub(super) struct Timeline {
    /// The composition times, rising.
    times: Vec<i64>,
    /// Those that the edit list shows.
    shown: Range<usize>,
    /// When the last of these is over.
    end: i64,
    timescale: u32,
}

/// When a picture is shown, since the first that is, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) time: Duration,
    pub(super) duration: Duration,
}

impl Timeline {
    pub(super) fn new(track: &VideoTrack) -> Self {
        let mut times: Vec<i64> = track.samples.iter().map(|sample| sample.composition_time).collect();
        times.sort_unstable();
        let start = times.partition_point(|&time| time < track.shown.start);
        let shown = start..times.partition_point(|&time| time < track.shown.end).max(start);
        let end = times.get(shown.clone()).and_then(|shown| shown.last()).map_or(0, |&last| end(track, last));
        Self { times, shown, end, timescale: track.timescale }
    }

    /// Pictures that are there, shown or not.
    pub(super) fn pictures(&self) -> usize {
        self.times.len()
    }

    /// The pictures that are shown.
    pub(super) fn shown(&self) -> Range<usize> {
        self.shown.clone()
    }

    pub(super) fn duration(&self) -> Duration {
        self.since_first(self.end)
    }

    /// The composition time of a picture.
    pub(super) fn composition_time(&self, picture: usize) -> Option<i64> {
        self.times.get(picture).copied()
    }

    /// The first picture of this composition time or later.
    pub(super) fn picture_from(&self, composition_time: i64) -> usize {
        self.times.partition_point(|&time| time < composition_time)
    }

    /// When a picture is shown, if it is.
    pub(super) fn span(&self, picture: usize) -> Option<Span> {
        if !self.shown.contains(&picture) {
            return None;
        }
        let time = self.since_first(self.composition_time(picture)?);
        let next = if picture + 1 < self.shown.end { self.composition_time(picture + 1)? } else { self.end };
        Some(Span { time, duration: self.since_first(next).saturating_sub(time) })
    }

    /// The picture that is shown at that time; the last for any time after it.
    pub(super) fn picture_at(&self, time: Duration) -> usize {
        let shown = self.times.get(self.shown.clone()).unwrap_or_default();
        let after = shown.partition_point(|&shown| self.since_first(shown) <= time);
        self.shown.start + after.saturating_sub(1)
    }

    /// How many pictures are shown within that time.
    pub(super) fn frames_within(&self, time: &Range<Duration>) -> u64 {
        if time.is_empty() || time.start >= self.duration() {
            return 0;
        }
        let shown = self.times.get(self.shown.clone()).unwrap_or_default();
        let begun = shown.partition_point(|&shown| self.since_first(shown) < time.end);
        (self.shown.start + begun).saturating_sub(self.picture_at(time.start)) as u64
    }

    fn since_first(&self, composition_time: i64) -> Duration {
        let first = self.composition_time(self.shown.start).unwrap_or_default();
        let units = composition_time.saturating_sub(first).max(0).unsigned_abs();
        let scale = u64::from(self.timescale);
        let nanoseconds = u128::from(units % scale) * 1_000_000_000 / u128::from(scale);
        // Less than 10⁹, so it fits.
        Duration::new(units / scale, nanoseconds as u32)
    }

    /// Whether some pictures are shown for longer than others, by more than what rounding to the file's unit of time
    /// makes.
    pub(super) fn is_uneven(&self) -> bool {
        let shown = self.times.get(self.shown.clone()).unwrap_or_default();
        let steps = shown.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?));
        let (least, most) =
            steps.fold((i64::MAX, 0), |(least, most), step| (step.min(least), step.max(most)));
        most.saturating_sub(least) > 1 && least != i64::MAX
    }

    /// The frames in the time from the first to the last. Exact if they are evenly spaced.
    pub(super) fn average_rate(&self) -> Option<FrameRate> {
        let (first, last) = (self.times.first()?, self.times.last()?);
        let span = last.checked_sub(*first)?.unsigned_abs();
        let intervals = self.times.len() as u64 - 1;
        if span == 0 || intervals == 0 {
            return None;
        }
        // intervals * timescale / span, in the lowest terms that fit.
        let frames = intervals * u64::from(self.timescale);
        let (mut a, mut b) = (frames, span);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        let (mut frames, mut seconds) = (frames / a, span / a);
        while frames > u64::from(u32::MAX) || seconds > u64::from(u32::MAX) {
            (frames, seconds) = (frames / 2, seconds / 2);
        }
        FrameRate::new(frames as u32, seconds as u32)
    }
}

/// When the last picture that is shown, at this composition time, is over.
///
/// The edit list says so, but only to a unit of the movie's time, often a millisecond. The last picture's own
/// duration is exact, but only where it has the same place in the order of decoding. So the picture's own counts
/// where the edit list does not say otherwise.
fn end(track: &VideoTrack, last: i64) -> i64 {
    let own = track.samples.iter().find(|sample| sample.composition_time == last).map_or(0, duration_of);
    let by_own = last.saturating_add(own);
    let end = if track.shown.end == i64::MAX {
        let first = track.samples.iter().map(|sample| sample.composition_time).min().unwrap_or(last);
        let by_all = first.saturating_add(track.decode_duration);
        if track.shown.start <= first && by_all > last { by_all } else { by_own }
    } else if by_own.abs_diff(track.shown.end) <= u64::from(track.shown.end_tolerance) {
        by_own
    } else {
        track.shown.end
    };
    // A picture that is shown is shown for some time.
    end.max(last.saturating_add(1))
}

fn duration_of(sample: &Sample) -> i64 {
    sample.duration.into()
}

#[cfg(test)]
mod tests {
    use super::super::video_track::Shown;
    use super::*;

    const ALL: Shown = Shown { start: i64::MIN, end: i64::MAX, end_tolerance: 0 };

    /// In thousandths of a second, each picture as long as in the order of decoding.
    fn timeline(times: &[i64], duration: u32, shown: Shown) -> Timeline {
        let sample = |&composition_time: &i64| Sample { offset: 0, len: 0, duration, composition_time };
        Timeline::new(&VideoTrack {
            id: 1,
            avcc: Vec::new(),
            timescale: 1000,
            samples: times.iter().map(sample).collect(),
            sync_samples: None,
            decode_duration: i64::from(duration) * times.len() as i64,
            shown,
            orientation: crate::orientation::Orientation::UPRIGHT,
            is_cut_off: false,
        })
    }

    fn spans(timeline: &Timeline) -> Vec<Option<(u128, u128)>> {
        let millis = |span: Span| (span.time.as_millis(), span.duration.as_millis());
        (0..timeline.pictures()).map(|picture| timeline.span(picture).map(millis)).collect()
    }

    #[test]
    fn times_are_those_of_presentation_within_the_edit() {
        // I P B B, with the delay that B-frames bring.
        let timeline = timeline(&[100, 400, 200, 300], 100, Shown { start: 200, end: 400, end_tolerance: 0 });
        assert_eq!(spans(&timeline), [None, Some((0, 100)), Some((100, 100)), None]);
        assert_eq!(timeline.duration(), Duration::from_millis(200));
    }

    #[test]
    fn pictures_last_until_the_next_and_the_last_one_to_the_end() {
        let uneven = timeline(&[0, 40, 50, 200], 70, ALL);
        assert_eq!(spans(&uneven), [Some((0, 40)), Some((40, 10)), Some((50, 150)), Some((200, 80))]);
        // To a unit of the movie's time the edit list says the same as the picture, else it is right.
        for (end, expected) in [(270, 270), (271, 270), (269, 270), (290, 290), (230, 230)] {
            let edited = timeline(&[0, 40, 50, 200], 70, Shown { start: 0, end, end_tolerance: 1 });
            assert_eq!(edited.duration(), Duration::from_millis(expected), "{end}");
        }
        let without_duration = timeline(&[0, 40], 0, ALL);
        assert_eq!(without_duration.duration(), Duration::from_millis(41));
    }

    #[test]
    fn a_rate_varies_by_more_than_rounding() {
        let is_uneven = |times: &[i64]| timeline(times, 1, ALL).is_uneven();
        assert!(!is_uneven(&[0, 33, 67, 100, 133]));
        assert!(is_uneven(&[0, 33, 67, 110, 133]));
        assert!(!is_uneven(&[7]) && !is_uneven(&[]));
        // What the edit list leaves out does not count.
        let shown = Shown { start: 0, end: 90, end_tolerance: 0 };
        assert!(!timeline(&[0, 30, 60, 200], 30, shown).is_uneven());
    }

    #[test]
    fn the_picture_at_a_time_is_the_last_that_has_begun() {
        let timeline =
            timeline(&[90, 100, 140, 150, 300], 100, Shown { start: 100, end: 350, end_tolerance: 0 });
        let ms = Duration::from_millis;
        for (time, picture) in [(0, 1), (39, 1), (40, 2), (50, 3), (199, 3), (200, 4), (9999, 4)] {
            assert_eq!(timeline.picture_at(ms(time)), picture, "{time}");
        }
        for (start, end, frames) in
            [(0, 40, 1), (0, 41, 2), (39, 60, 3), (45, 9999, 3), (250, 300, 0), (9, 9, 0)]
        {
            assert_eq!(timeline.frames_within(&(ms(start)..ms(end))), frames, "{start} to {end}");
        }
    }

    #[test]
    fn the_average_rate_is_exact_for_even_frames() {
        let rate =
            |times: &[i64], timescale| Timeline { timescale, ..timeline(times, 1, ALL) }.average_rate();
        let even: Vec<i64> = (0..300).map(|n| n * 1001).collect();
        assert_eq!(rate(&even, 30_000), FrameRate::new(30_000, 1001));
        assert_eq!(rate(&[7], 1000), None);
        assert_eq!(rate(&[i64::MIN, i64::MAX], 1000), None);
        // The lowest terms are too large for a FrameRate, and the value is what counts.
        let slow = rate(&[0, i64::MAX], u32::MAX).unwrap();
        assert!(slow.frames_per_second() < 1e-8, "{slow}");
    }
}
