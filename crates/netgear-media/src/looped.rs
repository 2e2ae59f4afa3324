use std::time::Duration;

use crate::{Canceller, FrameSource, ReadError, SourceInfo, TimedFrame};

/// A source that begins again at its end, without end. The times go on rising.
///
/// A source without any frame ends at once, rather than never.
#[derive(Debug)]
pub struct Looped<S> {
    source: S,
    info: SourceInfo,
    /// The time of the first frame of this round.
    start: Duration,
    /// The time of the last frame, and how long after the one before it came.
    last: Option<(Duration, Duration)>,
    frames_in_round: u64,
}

impl<S: FrameSource> Looped<S> {
    /// Plays `source` over and over.
    pub fn new(source: S) -> Self {
        let info = SourceInfo { frames: None, duration: None, ..source.info().clone() };
        Self { source, info, start: Duration::ZERO, last: None, frames_in_round: 0 }
    }

    /// What the last frame of a round is shown for: its share of the rate, else what the frame before it was.
    fn last_interval(&self) -> Duration {
        match (self.info.frame_rate, self.last) {
            (Some(rate), _) => rate.time_of(1),
            (None, Some((_, interval))) => interval,
            (None, None) => Duration::ZERO,
        }
    }
}

impl<S: FrameSource> FrameSource for Looped<S> {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let mut next = self.source.next_frame()?;
        if next.is_none() && self.frames_in_round > 0 {
            self.source.rewind()?;
            self.start = self.last.map_or(self.start, |(time, _)| time) + self.last_interval();
            self.frames_in_round = 0;
            next = self.source.next_frame()?;
        }
        Ok(next.map(|frame| {
            let time = self.start + frame.time;
            let before = self.last.map_or(time, |(time, _)| time);
            self.last = Some((time, time.saturating_sub(before)));
            self.frames_in_round += 1;
            TimedFrame { time, ..frame }
        }))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.source.rewind()?;
        (self.start, self.last, self.frames_in_round) = (Duration::ZERO, None, 0);
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        self.source.seek(time)?;
        (self.start, self.last, self.frames_in_round) = (Duration::ZERO, None, 0);
        Ok(())
    }

    fn canceller(&self) -> Option<Canceller> {
        self.source.canceller()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{TestPattern, TestPatternSpec};

    fn pattern(frames: u64) -> TestPattern {
        TestPattern::new("64x48@10".parse::<TestPatternSpec>().unwrap()).with_frames(frames)
    }

    #[test]
    fn the_frames_come_again_and_the_times_go_on() {
        let mut source = Looped::new(pattern(3));
        assert_eq!(source.info().frames, None);
        for index in 0..10 {
            let next = source.next_frame().unwrap().unwrap();
            assert_eq!(next.time, Duration::from_millis(100 * index));
            assert_eq!(TestPattern::read_number(&next.frame), Some(index % 3));
        }
        source.rewind().unwrap();
        assert_eq!(source.next_frame().unwrap().unwrap().time, Duration::ZERO);
    }

    #[test]
    fn nothing_is_not_looped_for_ever() {
        assert_eq!(Looped::new(pattern(0)).next_frame().unwrap(), None);
    }
}
