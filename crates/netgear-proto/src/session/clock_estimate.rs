use core::time::Duration;

use crate::{Timestamp, native::ClockOffset};

/// What the sender finds out of the receiver's clock, by the four times of an exchange.
///
/// Of the last exchanges the one with the shortest round trip counts: what delayed the others, mostly one way only,
/// would falsify it.
#[derive(Debug, Default)]
pub(super) struct ClockEstimate {
    samples: [Option<Sample>; Self::SAMPLES],
    /// Where the next sample goes.
    next: usize,
    /// That with the shortest round trip.
    best: Option<Sample>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sample {
    round_trip: u64,
    offset: i64,
}

/// A message that went there and its answer, each when it left and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct RoundTrip {
    /// By the sender's clock.
    pub(super) left: Timestamp,
    /// By the receiver's clock.
    pub(super) arrived: Timestamp,
    /// By the receiver's clock.
    pub(super) answered: Timestamp,
    /// By the sender's clock.
    pub(super) came_back: Timestamp,
}

impl ClockEstimate {
    /// So many exchanges are remembered.
    const SAMPLES: usize = 32;

    /// Takes note of an exchange. Times that cannot be are left alone.
    pub(super) fn note(&mut self, times: RoundTrip) {
        let [left, arrived, answered, came_back] =
            [times.left, times.arrived, times.answered, times.came_back]
                .map(|time| i128::from(time.as_micros()));
        let (held, round_trip) = (answered - arrived, (came_back - left) - (answered - arrived));
        let offset = ((arrived - left) + (answered - came_back)) / 2;
        let (Ok(round_trip), Ok(offset)) = (u64::try_from(round_trip), i64::try_from(offset)) else { return };
        if held < 0 {
            return;
        }
        let sample = Sample { round_trip, offset };
        let Some(place) = self.samples.get_mut(self.next) else { return };
        let forgotten = place.replace(sample);
        self.next = (self.next + 1) % Self::SAMPLES;
        self.best = match self.best {
            Some(best) if best.round_trip < round_trip && forgotten != Some(best) => Some(best),
            Some(best) if best.round_trip < round_trip => {
                self.samples.into_iter().flatten().min_by_key(|sample| sample.round_trip)
            }
            _ => Some(sample),
        };
    }

    /// The round trip of the best of the last exchanges, without the time that the answer took.
    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.best.map(|sample| Duration::from_micros(sample.round_trip))
    }

    /// How far the receiver's clock is ahead.
    pub(super) fn offset(&self) -> Option<ClockOffset> {
        let Sample { round_trip, offset } = self.best?;
        Some(ClockOffset { micros: offset, uncertainty_micros: round_trip.div_ceil(2) })
    }

    /// Another peer may have another clock.
    pub(super) fn start_over(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Timestamp {
        Timestamp::from_micros(micros)
    }

    /// An exchange that left at this moment, took so long there and back, with a receiver whose clock is so far
    /// ahead.
    fn trip(left: u64, there: u64, back: u64, ahead: i64) -> RoundTrip {
        let arrived = left + there;
        let answered = arrived + 1000;
        RoundTrip {
            left: at(left),
            arrived: at(arrived.strict_add_signed(ahead)),
            answered: at(answered.strict_add_signed(ahead)),
            came_back: at(answered + back),
        }
    }

    #[test]
    fn the_true_offset_is_within_the_uncertainty() {
        for ahead in [-700_000, 0, 5, 3_000_000_000] {
            let mut clock = ClockEstimate::default();
            for (number, (there, back)) in [(500, 9000), (40, 60), (8000, 300)].into_iter().enumerate() {
                clock.note(trip(1_000_000 + number as u64 * 33_333, there, back, ahead));
                let ClockOffset { micros, uncertainty_micros } = clock.offset().unwrap();
                assert!(micros.abs_diff(ahead) <= uncertainty_micros);
            }
            assert_eq!(clock.round_trip(), Some(Duration::from_micros(100)), "the shortest counts");
            assert_eq!(clock.offset(), Some(ClockOffset { micros: ahead - 10, uncertainty_micros: 50 }));
        }
    }

    #[test]
    fn an_old_exchange_is_forgotten() {
        let mut clock = ClockEstimate::default();
        clock.note(trip(1000, 1, 1, 0));
        for _ in 0..ClockEstimate::SAMPLES {
            clock.note(trip(1000, 50, 50, 0));
        }
        assert_eq!(clock.round_trip(), Some(Duration::from_micros(100)));
    }

    #[test]
    fn times_that_cannot_be_say_nothing() {
        let mut clock = ClockEstimate::default();
        for (arrived, answered) in [(5, 4), (0, 100), (0, u64::MAX), (u64::MAX, 0)] {
            let (left, came_back) = (at(10), at(20));
            clock.note(RoundTrip { left, arrived: at(arrived), answered: at(answered), came_back });
        }
        assert_eq!((clock.offset(), clock.round_trip()), (None, None));
        let (arrived, answered) = (at(u64::MAX), at(u64::MAX));
        clock.note(RoundTrip { left: at(0), arrived, answered, came_back: at(0) });
        assert_eq!(clock.offset(), None, "farther than any clock");
    }
}
