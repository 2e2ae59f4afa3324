use std::ops::Range;
use std::time::Duration;

use crate::{Canceller, FrameSource, ReadError, SourceInfo, TimedFrame};

/// A part of a source: what is shown from a moment on, for as long as is wanted. Its times begin at 0.
///
/// The first frame is the one that is shown at that moment, for what is left of its time, and not one from which
/// decoding can begin; the last one ends with the section. A frame of which less than half a millisecond would be
/// left, at either end, is left out: a start that was rounded to milliseconds still means the frame that begins
/// there. To play a section over and over, put it into a [`Looped`](crate::Looped).
///
/// ```
/// use std::time::Duration;
///
/// use netgear_media::{FrameSource, Section, TestPattern};
///
/// let ten_seconds = TestPattern::new("64x48@10".parse()?).with_frames(100);
/// let mut section = Section::new(ten_seconds, Duration::from_millis(250), Some(Duration::from_secs(1)))?;
/// assert_eq!(section.info().frames, Some(11));
/// let first = section.next_frame()?.expect("it has eleven");
/// assert_eq!(TestPattern::read_number(&first.frame), Some(2));
/// assert_eq!((first.time, first.duration), (Duration::ZERO, Some(Duration::from_millis(50))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Section<S> {
    source: S,
    info: SourceInfo,
    /// Within the source.
    start: Duration,
    end: Option<Duration>,
    /// The shortest time that a frame is shown for at either end.
    shortest: Duration,
    /// The source has still to go to the start. It does so when it is read: a film that is only asked what it is, or
    /// that is to be played later, has nothing to do yet.
    is_unsought: bool,
    /// The first frame of the section has still to be looked for.
    is_before_start: bool,
    /// The frame behind the first, where only that told which the first is.
    read_ahead: Option<TimedFrame>,
    is_over: bool,
}

impl<S: FrameSource> Section<S> {
    const SHORTEST: Duration = Duration::from_micros(500);

    /// What `source`, which is at its beginning, shows from `start` on: for `duration`, or to its end.
    ///
    /// # Errors
    /// [`SectionError`]. Where the length of the source is not known, a start past its end is found only by reading
    /// it, and is a [`ReadError::PastEnd`].
    pub fn new(source: S, start: Duration, duration: Option<Duration>) -> Result<Self, SectionError> {
        if duration.is_some_and(|duration| duration.is_zero()) {
            return Err(SectionError::Empty);
        }
        let length = source.info().duration;
        if let Some(length) = length.filter(|&length| start >= length && !start.is_zero()) {
            return Err(SectionError::PastEnd { start, length });
        }
        let end = duration.and_then(|duration| start.checked_add(duration));
        let end_known = match (end, length) {
            (Some(end), Some(length)) => Some(end.min(length)),
            (end, length) => end.or(length),
        };
        let interval = source.info().frame_rate.map_or(Duration::ZERO, |rate| rate.time_of(1));
        let shortest = Self::SHORTEST.min(interval / 4);
        let frames = if start.is_zero() && end_known == length {
            source.info().frames
        } else {
            end_known.and_then(|end| source.frames_within(begun(start, end, shortest)))
        };
        let duration = end_known.map(|end| end - start);
        let info = SourceInfo { frames, duration, ..source.info().clone() };
        Ok(Self {
            source,
            info,
            start,
            end,
            shortest,
            is_unsought: !start.is_zero(),
            is_before_start: true,
            read_ahead: None,
            is_over: false,
        })
    }

    /// The first frame of which something is shown after the start; the source's times.
    fn first_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if std::mem::take(&mut self.is_unsought) {
            self.source.seek(self.start)?;
        }
        let mut last: Option<TimedFrame> = None;
        loop {
            match self.source.next_frame()? {
                Some(frame) if frame.time > self.latest_start() => {
                    return Ok(Some(match last {
                        Some(first) => {
                            self.read_ahead = Some(frame);
                            first
                        }
                        None => frame,
                    }));
                }
                Some(frame) if frame.time >= self.start || self.is_shown(&frame) == Some(true) => {
                    return Ok(Some(frame));
                }
                Some(frame) => last = Some(frame),
                None => {
                    let Some(last) = last else { return Ok(None) };
                    // How long the last one is shown nobody has said, so it is taken to be as long as the others.
                    let usual = self.info.frame_rate.map_or(Duration::ZERO, |rate| rate.time_of(1));
                    let end = last.time.saturating_add(last.duration.unwrap_or(usual));
                    if end > self.start {
                        return Ok(Some(last));
                    }
                    return Err(ReadError::PastEnd { start: self.start, end });
                }
            }
        }
    }

    /// Whether a frame that begins before the section is still shown in it, if the source tells.
    fn is_shown(&self, frame: &TimedFrame) -> Option<bool> {
        Some(frame.time.saturating_add(frame.duration?) > self.latest_start())
    }

    /// A frame that begins no later is shown from the start on.
    fn latest_start(&self) -> Duration {
        self.start.saturating_add(self.shortest)
    }

    /// With the times of the section. `None` for a frame after its end.
    fn cut(&self, frame: TimedFrame) -> Option<TimedFrame> {
        let is_first = frame.time <= self.latest_start();
        let time = if is_first { self.start } else { frame.time };
        if !is_first && self.end.is_some_and(|end| time.saturating_add(self.shortest) >= end) {
            return None;
        }
        let duration = frame.duration.map(|duration| {
            let end = frame.time.saturating_add(duration);
            self.end.map_or(end, |section_end| end.min(section_end)).saturating_sub(time)
        });
        Some(TimedFrame { time: time - self.start, duration, ..frame })
    }
}

/// The time in which a frame must be shown to count.
fn begun(start: Duration, end: Duration, shortest: Duration) -> Range<Duration> {
    let start = start.saturating_add(shortest);
    start..end.saturating_sub(shortest).max(start.saturating_add(Duration::from_nanos(1)))
}

impl<S: FrameSource> FrameSource for Section<S> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_over {
            return Ok(None);
        }
        let next = if std::mem::take(&mut self.is_before_start) {
            self.first_frame()
        } else if let Some(frame) = self.read_ahead.take() {
            Ok(Some(frame))
        } else {
            self.source.next_frame()
        };
        let next = next.map(|next| next.and_then(|frame| self.cut(frame)));
        self.is_over = !matches!(next, Ok(Some(_)));
        next
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.seek(Duration::ZERO)
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        (self.is_before_start, self.read_ahead, self.is_over) = (true, None, false);
        self.is_unsought = false;
        let time = self.start.saturating_add(time);
        if time.is_zero() { self.source.rewind() } else { self.source.seek(time) }
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        let within = |time: Duration| {
            let time = self.start.saturating_add(time);
            self.end.map_or(time, |end| time.min(end))
        };
        self.source.frames_within(within(time.start)..within(time.end))
    }

    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        let source = self.source.duplicate()?;
        let duration = self.end.map(|end| end - self.start);
        Some(Box::new(Section::new(source, self.start, duration).ok()?))
    }

    fn remark(&self) -> Option<&str> {
        self.source.remark()
    }

    fn canceller(&self) -> Option<Canceller> {
        self.source.canceller()
    }
}

/// Why there is no such section of a source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SectionError {
    /// It would begin where the source is over.
    #[error(
        "the start, {:.3} s, is past the end of the source, which has {:.3} s; start earlier",
        start.as_secs_f64(), length.as_secs_f64()
    )]
    PastEnd {
        /// The start asked for.
        start: Duration,
        /// How long the source is.
        length: Duration,
    },
    /// It would have no duration.
    #[error("a section of 0 s has nothing to show; give it a duration, or none for all to the end")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FrameRate, Looped, TestPattern};

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    fn pattern(frames: u64) -> TestPattern {
        TestPattern::new("64x48@10".parse().unwrap()).with_frames(frames)
    }

    /// Its numbers, times and durations in milliseconds.
    fn shown(source: &mut dyn FrameSource) -> Vec<(u64, u128, Option<u128>)> {
        std::iter::from_fn(|| source.next_frame().unwrap())
            .map(|frame| {
                let number = TestPattern::read_number(&frame.frame).unwrap();
                (number, frame.time.as_millis(), frame.duration.map(|duration| duration.as_millis()))
            })
            .collect()
    }

    /// A source that neither seeks nor knows durations before the next frame.
    struct Ignorant(TestPattern);

    impl FrameSource for Ignorant {
        fn info(&self) -> &SourceInfo {
            self.0.info()
        }

        fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
            Ok(self.0.next_frame()?.map(|frame| TimedFrame { duration: None, ..frame }))
        }

        fn rewind(&mut self) -> Result<(), ReadError> {
            self.0.rewind()
        }
    }

    #[test]
    fn the_first_frame_is_the_one_that_is_shown_at_the_start() {
        for (start, duration, expected) in [
            (99_600, Some(100_300), vec![(1, 0)]),
            (0, Some(200_000), vec![(0, 0), (1, 100)]),
            (0, Some(201_000), vec![(0, 0), (1, 100), (2, 200)]),
            (300_000, Some(100_000), vec![(3, 0)]),
            (399_000, Some(100_000), vec![(3, 0), (4, 1)]),
            (350_000, None, vec![(3, 0), (4, 50)]),
            (499_000, None, vec![(4, 0)]),
            (400_000, Some(9_999_000), vec![(4, 0)]),
            (120_000, Some(100), vec![(1, 0)]),
        ] {
            let (start, duration) = (Duration::from_micros(start), duration.map(Duration::from_micros));
            let mut section = Section::new(pattern(5), start, duration).unwrap();
            let found: Vec<_> = shown(&mut section).iter().map(|&(number, time, _)| (number, time)).collect();
            assert_eq!(found, expected, "{start:?} for {duration:?}");
            assert_eq!(section.info().frames, Some(expected.len() as u64));
            let end = duration.map_or(ms(500), |duration| (start + duration).min(ms(500)));
            assert_eq!(section.info().duration, Some(end - start));

            // The same without any help of the source.
            let mut section = Section::new(Ignorant(pattern(5)), start, duration).unwrap();
            let found: Vec<_> = shown(&mut section).iter().map(|&(number, time, _)| (number, time)).collect();
            assert_eq!(found, expected, "{start:?} for {duration:?}");
        }
    }

    #[test]
    fn durations_are_cut_at_both_ends() {
        let mut section = Section::new(pattern(5), ms(130), Some(ms(240))).unwrap();
        let expected = [(1, 0, Some(70)), (2, 70, Some(100)), (3, 170, Some(70))];
        assert_eq!(shown(&mut section), expected);
        assert_eq!(section.next_frame().unwrap(), None);
        section.rewind().unwrap();
        assert_eq!(shown(&mut section), expected);
        section.seek(ms(100)).unwrap();
        assert_eq!(shown(&mut section), expected[1..]);
        assert_eq!(section.frames_within(ms(60)..ms(80)), Some(2));
        assert_eq!(section.frames_within(ms(180)..ms(999)), Some(1));
    }

    #[test]
    fn a_looped_section_has_neither_a_gap_nor_an_overlap() {
        let mut looped = Looped::new(Section::new(pattern(5), ms(130), Some(ms(240))).unwrap());
        for round in 0..3 {
            for (number, time) in [(1, 0), (2, 70), (3, 170)] {
                let frame = looped.next_frame().unwrap().unwrap();
                assert_eq!(TestPattern::read_number(&frame.frame), Some(number));
                assert_eq!(frame.time, ms(240 * round + time));
            }
        }
    }

    #[test]
    fn a_start_past_the_end_is_an_error() {
        for start in [ms(500), ms(501), Duration::MAX] {
            let error = Section::new(pattern(5), start, None).unwrap_err();
            assert!(matches!(error, SectionError::PastEnd { length, .. } if length == ms(500)), "{error}");
        }
        assert!(matches!(Section::new(pattern(5), ms(1), Some(Duration::ZERO)), Err(SectionError::Empty)));
        assert!(Section::new(pattern(5), Duration::ZERO, Some(Duration::MAX)).is_ok());

        // Where only reading tells.
        struct Unknown(Ignorant, SourceInfo);
        impl FrameSource for Unknown {
            fn info(&self) -> &SourceInfo {
                &self.1
            }
            fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
                self.0.next_frame()
            }
            fn rewind(&mut self) -> Result<(), ReadError> {
                self.0.rewind()
            }
        }
        let unknown = || {
            let pattern = Ignorant(pattern(5));
            let info = SourceInfo { duration: None, frames: None, ..pattern.info().clone() };
            Unknown(pattern, info)
        };
        let mut section = Section::new(unknown(), ms(500), None).unwrap();
        assert!(matches!(section.next_frame(), Err(ReadError::PastEnd { end, .. }) if end == ms(500)));
        assert_eq!(section.next_frame().unwrap(), None);
        let mut section = Section::new(unknown(), ms(499), None).unwrap();
        assert_eq!(shown(&mut section).len(), 1);
    }

    #[test]
    fn a_section_of_an_endless_source_has_an_end() {
        let endless = TestPattern::new("64x48@30".parse().unwrap());
        let section = Section::new(endless, ms(500), Some(ms(1000))).unwrap();
        assert_eq!(section.info().duration, Some(ms(1000)));
        assert_eq!(section.info().frames, Some(30));
        assert_eq!(section.info().frame_rate, Some(FrameRate::THIRTY));
        let endless = TestPattern::new("64x48@30".parse().unwrap());
        let section = Section::new(endless, ms(500), None).unwrap();
        assert_eq!((section.info().duration, section.info().frames), (None, None));
    }
}
