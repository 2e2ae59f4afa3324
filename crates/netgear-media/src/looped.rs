use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::canceller::lock;
use crate::{Canceller, FrameSource, ReadError, SourceInfo, TimedFrame};

/// A source that begins again at its end, without end. The times go on rising: the first frame of a round is due when
/// the last frame of the round before is over.
///
/// There is no pause at the end of a round either: where a source takes its time to begin, the next round is prepared
/// on a thread, with a [duplicate](FrameSource::duplicate) of the source, while the last two seconds of this one are
/// shown.
///
/// A source without any frame ends at once, rather than never.
pub struct Looped {
    source: Box<dyn FrameSource>,
    info: SourceInfo,
    /// How long a round takes, if that is known.
    round: Option<Duration>,
    next_round: NextRound,
    cancelling: Arc<Mutex<Cancelling>>,
    /// The time of the first frame of this round.
    start: Duration,
    last: Option<Last>,
    frames_in_round: u64,
}

/// The frame given last.
#[derive(Debug, Clone, Copy)]
struct Last {
    time: Duration,
    /// How long it is shown, if the source knows.
    duration: Option<Duration>,
    /// How long after the one before it came.
    interval: Duration,
}

enum NextRound {
    Unprepared,
    /// There can be no second source; this one is to be rewound.
    ByRewinding,
    InPreparation(JoinHandle<Option<Prepared>>),
}

struct Prepared {
    source: Box<dyn FrameSource>,
    first: TimedFrame,
}

/// What ends the sources that may be waiting.
#[derive(Default)]
struct Cancelling {
    is_cancelled: bool,
    current: Option<Canceller>,
    next: Option<Canceller>,
}

impl Looped {
    /// How long before the end of a round the next one is prepared.
    const AHEAD: Duration = Duration::from_secs(2);

    /// Plays `source` over and over.
    pub fn new(source: impl FrameSource + 'static) -> Self {
        let info = SourceInfo { frames: None, duration: None, ..source.info().clone() };
        let round = source.info().duration;
        let cancelling = Cancelling { current: source.canceller(), ..Cancelling::default() };
        Self {
            source: Box::new(source),
            info,
            round,
            next_round: NextRound::Unprepared,
            cancelling: Arc::new(Mutex::new(cancelling)),
            start: Duration::ZERO,
            last: None,
            frames_in_round: 0,
        }
    }

    fn cancelling(&self) -> MutexGuard<'_, Cancelling> {
        lock(&self.cancelling)
    }

    /// Begins to prepare the next round, once, when the end of this one is near.
    fn prepare(&mut self, time_in_round: Duration) {
        let is_near = self.round.is_some_and(|round| time_in_round.saturating_add(Self::AHEAD) >= round);
        if !is_near || !matches!(self.next_round, NextRound::Unprepared) {
            return;
        }
        self.next_round = NextRound::ByRewinding;
        let Some(mut source) = self.source.duplicate() else { return };
        {
            let mut cancelling = self.cancelling();
            if cancelling.is_cancelled {
                return;
            }
            cancelling.next = source.canceller();
        }
        let prepare = move || {
            let first = source.next_frame().ok()??;
            Some(Prepared { source, first })
        };
        if let Ok(thread) = std::thread::Builder::new().name("next-round".to_owned()).spawn(prepare) {
            self.next_round = NextRound::InPreparation(thread);
        }
    }

    /// The first frame of the next round.
    fn begin_round(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let prepared = match std::mem::replace(&mut self.next_round, NextRound::Unprepared) {
            NextRound::InPreparation(thread) => thread.join().ok().flatten(),
            // It does not change from one round to the next.
            NextRound::ByRewinding => {
                self.next_round = NextRound::ByRewinding;
                None
            }
            NextRound::Unprepared => None,
        };
        let Some(Prepared { source, first }) = prepared else {
            self.cancelling().next = None;
            self.source.rewind()?;
            return self.source.next_frame();
        };
        let last_round = std::mem::replace(&mut self.source, source);
        let mut cancelling = self.cancelling();
        cancelling.current = cancelling.next.take();
        drop(cancelling);
        drop(last_round);
        Ok(Some(first))
    }

    /// How long the last frame of a round is shown: if the source does not know, its share of the rate, else as long
    /// as the frame before it.
    fn last_duration(&self, last: Last) -> Duration {
        let usual = self.info.frame_rate.map_or(last.interval, |rate| rate.time_of(1));
        last.duration.unwrap_or(usual)
    }

    fn begin_again(&mut self) {
        (self.start, self.last, self.frames_in_round) = (Duration::ZERO, None, 0);
    }
}

impl FrameSource for Looped {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let mut next = self.source.next_frame()?;
        if next.is_none() && self.frames_in_round > 0 {
            self.start =
                self.last.map_or(self.start, |last| last.time.saturating_add(self.last_duration(last)));
            self.frames_in_round = 0;
            next = self.begin_round()?;
        }
        let Some(frame) = next else { return Ok(None) };
        self.prepare(frame.time);
        let time = self.start.saturating_add(frame.time);
        let interval = self.last.map_or(Duration::ZERO, |last| time.saturating_sub(last.time));
        self.last = Some(Last { time, duration: frame.duration, interval });
        self.frames_in_round += 1;
        Ok(Some(TimedFrame { time, ..frame }))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.source.rewind()?;
        self.begin_again();
        Ok(())
    }

    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        // It never ends, so a moment past one round is one of a later round.
        let in_round = self.round.map_or(time, |round| remainder(time, round));
        self.source.seek(in_round)?;
        self.begin_again();
        self.start = time.saturating_sub(in_round);
        Ok(())
    }

    fn remark(&self) -> Option<&str> {
        self.source.remark()
    }

    fn canceller(&self) -> Option<Canceller> {
        self.cancelling().current.as_ref()?;
        let cancelling = Arc::clone(&self.cancelling);
        Some(Canceller::new(move || {
            let mut cancelling = lock(&cancelling);
            cancelling.is_cancelled = true;
            [&cancelling.current, &cancelling.next].into_iter().flatten().for_each(Canceller::cancel);
        }))
    }
}

impl fmt::Debug for Looped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looped").field("info", &self.info).field("last", &self.last).finish_non_exhaustive()
    }
}

impl Drop for Looped {
    /// Nobody will take the next round any more, so what prepares it need not wait for its first frame.
    fn drop(&mut self) {
        if let Some(next) = &self.cancelling().next {
            next.cancel();
        }
    }
}

/// What is left of `time` after as many rounds as go into it.
fn remainder(time: Duration, round: Duration) -> Duration {
    const NANOS: u128 = 1_000_000_000;
    match time.as_nanos().checked_rem(round.as_nanos()) {
        // Less than `time`, so both parts fit.
        Some(nanos) => Duration::new((nanos / NANOS) as u64, (nanos % NANOS) as u32),
        None => time,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    /// Frames of uneven durations, from a source that can be there twice but not be rewound.
    struct Uneven {
        inner: TestPattern,
        knows_durations: bool,
        duplicates: Arc<AtomicUsize>,
        cancelled: Arc<AtomicUsize>,
    }

    impl Uneven {
        const MS: [u64; 3] = [10, 200, 50];
    }

    impl FrameSource for Uneven {
        fn info(&self) -> &SourceInfo {
            self.inner.info()
        }

        fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
            let Some(frame) = self.inner.next_frame()? else { return Ok(None) };
            let number = TestPattern::read_number(&frame.frame).unwrap() as usize;
            let time = Duration::from_millis(Self::MS[..number].iter().sum());
            let duration = self.knows_durations.then(|| Duration::from_millis(Self::MS[number]));
            Ok(Some(TimedFrame { time, duration, ..frame }))
        }

        fn rewind(&mut self) -> Result<(), ReadError> {
            unreachable!("there is a duplicate")
        }

        fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
            self.duplicates.fetch_add(1, Ordering::Relaxed);
            Some(Box::new(Self {
                inner: pattern(3),
                knows_durations: self.knows_durations,
                duplicates: Arc::clone(&self.duplicates),
                cancelled: Arc::clone(&self.cancelled),
            }))
        }

        fn canceller(&self) -> Option<Canceller> {
            let cancelled = Arc::clone(&self.cancelled);
            Some(Canceller::new(move || {
                cancelled.fetch_add(1, Ordering::Relaxed);
            }))
        }
    }

    fn uneven(knows_durations: bool) -> Uneven {
        let (duplicates, cancelled) = Default::default();
        Uneven { inner: pattern(3), knows_durations, duplicates, cancelled }
    }

    #[test]
    fn a_round_ends_when_its_last_frame_does() {
        // Where the last duration is not known, it is that of ten frames a second.
        for (knows_durations, round) in [(true, 260), (false, 310)] {
            let mut source = Looped::new(uneven(knows_durations));
            for number in 0..9 {
                let expected = round * (number / 3) + [0, 10, 210][number as usize % 3];
                let frame = source.next_frame().unwrap().unwrap();
                assert_eq!(frame.time, Duration::from_millis(expected), "frame {number}");
                assert_eq!(TestPattern::read_number(&frame.frame), Some(number % 3));
            }
        }
    }

    #[test]
    fn times_that_are_too_long_stay_at_the_longest() {
        /// One frame, shown as long as a file can claim.
        struct Long(TestPattern);

        impl FrameSource for Long {
            fn info(&self) -> &SourceInfo {
                self.0.info()
            }

            fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
                let frame = self.0.next_frame()?;
                Ok(frame.map(|frame| frame.with_duration(Duration::from_secs(i64::MAX as u64 - 1))))
            }

            fn rewind(&mut self) -> Result<(), ReadError> {
                self.0.rewind()
            }
        }

        let mut source = Looped::new(Long(pattern(1)));
        let times: Vec<_> = (0..5).map(|_| source.next_frame().unwrap().unwrap().time).collect();
        assert!(times.is_sorted());
        assert_eq!(times[4], Duration::MAX);
    }

    #[test]
    fn a_moment_past_one_round_is_one_of_a_later_round() {
        let mut source = Looped::new(pattern(3));
        // Rounds of 300 ms.
        source.seek(Duration::from_millis(300 * 1_000_000 + 150)).unwrap();
        let frames: Vec<_> = (0..4).map(|_| source.next_frame().unwrap().unwrap()).collect();
        let of_round =
            |frame: &TimedFrame| frame.time.saturating_sub(Duration::from_secs(300_000)).as_millis();
        let found: Vec<_> = frames
            .iter()
            .map(|next| (TestPattern::read_number(&next.frame).unwrap(), of_round(next)))
            .collect();
        assert_eq!(found, [(1, 100), (2, 200), (0, 300), (1, 400)]);
        assert_eq!(remainder(Duration::from_secs(5), Duration::ZERO), Duration::from_secs(5));
        assert!(remainder(Duration::MAX, Duration::from_millis(300)) < Duration::from_millis(300));
    }

    #[test]
    fn dropping_it_ends_what_prepares_the_next_round() {
        let source = uneven(true);
        let cancelled = Arc::clone(&source.cancelled);
        let mut looped = Looped::new(source);
        looped.next_frame().unwrap();
        assert_eq!(cancelled.load(Ordering::Relaxed), 0);
        drop(looped);
        assert_eq!(cancelled.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn one_duplicate_is_made_each_round_and_cancelled_with_the_rest() {
        let source = uneven(true);
        let (duplicates, cancelled) = (Arc::clone(&source.duplicates), Arc::clone(&source.cancelled));
        let mut looped = Looped::new(source);
        let canceller = looped.canceller().unwrap();
        for _ in 0..7 {
            looped.next_frame().unwrap();
        }
        assert_eq!(duplicates.load(Ordering::Relaxed), 3);
        canceller.cancel();
        // The one that is shown, and the next.
        assert_eq!(cancelled.load(Ordering::Relaxed), 2);
    }
}
