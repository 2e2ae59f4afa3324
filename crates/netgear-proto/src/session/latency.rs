use alloc::{vec, vec::Vec};
use core::time::Duration;

use crate::{Timestamp, native::ClockOffset};

/// How long frames took from their capture to their arrival, over a whole session. Half of them took no longer than
/// `p50`, and so on; each figure is right to three per cent, besides what the two clocks are uncertain by
/// ([`Stats::clock`](super::Stats::clock)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LatencyPercentiles {
    /// The median.
    pub p50: Duration,
    /// Of ten, nine.
    pub p90: Duration,
    /// Of a hundred, all but one.
    pub p99: Duration,
    /// The longest, exactly.
    pub max: Duration,
}

/// Counts durations by size. Each power of two has 32 steps, so that the error is bounded by the size and the memory
/// by 4 KiB.
#[derive(Debug, Default)]
pub(super) struct LatencyHistogram {
    /// Empty until something is counted.
    counts: Vec<u32>,
    /// What each 32 of them come to, so that a percentile is found in few steps.
    sums: [u64; 32],
    total: u64,
    max: u64,
}

impl LatencyHistogram {
    /// A longer one counts as this: 19 hours, in microseconds.
    const MOST: u64 = (1 << 36) - 1;
    const STEPS: usize = 32;

    /// Counts a frame by the time of its capture, by the sender's clock, and of its arrival, by the receiver's.
    pub(super) fn note(&mut self, captured: Timestamp, arrived: Timestamp, clock: ClockOffset) {
        let latency = clock.apart(captured, arrived);
        self.count(latency);
    }

    fn count(&mut self, micros: u64) {
        let micros = micros.min(Self::MOST);
        if self.counts.is_empty() {
            self.counts = vec![0; Self::step_of(Self::MOST) + 1];
        }
        let step = Self::step_of(micros);
        if let (Some(count), Some(sum)) = (self.counts.get_mut(step), self.sums.get_mut(step / Self::STEPS)) {
            // What could not be counted any more would make the two differ.
            let counted = u64::from(*count < u32::MAX);
            *count += counted as u32;
            *sum += counted;
            self.total += counted;
        }
        self.max = self.max.max(micros);
    }

    pub(super) fn percentiles(&self) -> Option<LatencyPercentiles> {
        (self.total > 0).then(|| LatencyPercentiles {
            p50: self.quantile(50),
            p90: self.quantile(90),
            p99: self.quantile(99),
            max: Duration::from_micros(self.max),
        })
    }

    fn quantile(&self, per_cent: u64) -> Duration {
        let mut left = (self.total * per_cent).div_ceil(100);
        for (sum, (first, counts)) in self.sums.iter().zip(self.counts.chunks(Self::STEPS).enumerate()) {
            if left > *sum {
                left -= sum;
                continue;
            }
            for (within, count) in counts.iter().enumerate() {
                left = left.saturating_sub(u64::from(*count));
                if left == 0 {
                    let most = Self::most_in(first * Self::STEPS + within);
                    return Duration::from_micros(most.min(self.max));
                }
            }
        }
        Duration::from_micros(self.max)
    }

    /// Exact up to 31, and then 32 to each power of two.
    fn step_of(micros: u64) -> usize {
        let power = micros.checked_ilog2().unwrap_or(0).saturating_sub(Self::STEPS.ilog2());
        // Below 64, and from 32 on but for the exact ones: the highest bits.
        power as usize * Self::STEPS + (micros >> power) as usize
    }

    /// The longest that counts in this step.
    fn most_in(step: usize) -> u64 {
        let (power, within) = match step / Self::STEPS {
            0 => (0, step),
            power => (power - 1, Self::STEPS + step % Self::STEPS),
        };
        ((within as u64 + 1) << power) - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_has_a_step_that_is_as_long_to_three_per_cent() {
        let mut last = 0;
        for exponent in 0..36 {
            for micros in [1_u64 << exponent, (1 << exponent) + (1 << exponent >> 1), (2 << exponent) - 1] {
                let step = LatencyHistogram::step_of(micros);
                let most = LatencyHistogram::most_in(step);
                assert!(most >= micros && most - micros <= micros / 32, "{micros} counts as {most}");
                assert_eq!(LatencyHistogram::step_of(most), step);
                assert_ne!(LatencyHistogram::step_of(most + 1), step);
                assert!(step >= last, "they are in order");
                last = step;
            }
        }
        assert!(last < 1100, "{last} steps");
    }

    #[test]
    fn percentiles_are_those_of_what_was_counted() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.percentiles(), None);
        for micros in (1..=1000).rev() {
            histogram.count(micros * 100);
        }
        let LatencyPercentiles { p50, p90, p99, max } = histogram.percentiles().unwrap();
        for (found, expected) in [(p50, 50_000), (p90, 90_000), (p99, 99_000)] {
            let found = found.as_micros();
            assert!((expected..=expected + expected / 32).contains(&found), "{found} for {expected}");
        }
        assert_eq!(max, Duration::from_millis(100));
    }

    #[test]
    fn the_clocks_are_taken_into_account_and_no_duration_is_too_long() {
        let mut histogram = LatencyHistogram::default();
        let ahead = ClockOffset { micros: 1_000_000, uncertainty_micros: 5 };
        histogram.note(Timestamp::from_micros(10), Timestamp::from_micros(1_000_030), ahead);
        assert_eq!(histogram.percentiles().unwrap().max, Duration::from_micros(20));
        histogram.note(Timestamp::from_micros(10), Timestamp::from_micros(30), ahead);
        assert_eq!(histogram.percentiles().unwrap().p50, Duration::ZERO, "it cannot have come before");
        let behind = ClockOffset { micros: i64::MIN, uncertainty_micros: u64::MAX };
        histogram.note(Timestamp::ZERO, Timestamp::FAR_FUTURE, behind);
        assert_eq!(histogram.percentiles().unwrap().max.as_micros(), u128::from(LatencyHistogram::MOST));
    }
}
