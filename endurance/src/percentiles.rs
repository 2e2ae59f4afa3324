use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Times in milliseconds, in order of their size.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) count: usize,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) worst: f64,
}

impl Percentiles {
    /// Of any number of times; all zero if there are none.
    pub(crate) fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        // The smallest that so many of all do not exceed.
        let at = |part: f64| {
            let rank = (times.len() as f64 * part).ceil() as usize;
            times.get(rank.saturating_sub(1)).map_or(0.0, |time| time.as_secs_f64() * 1e3)
        };
        Self { count: times.len(), median: at(0.5), p95: at(0.95), p99: at(0.99), worst: at(1.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_the_smallest_that_its_part_does_not_exceed() {
        let times = (1..=200).rev().map(Duration::from_millis).collect();
        let Percentiles { count, median, p95, p99, worst } = Percentiles::of(times);
        assert_eq!((count, median, p95, p99, worst), (200, 100.0, 190.0, 198.0, 200.0));
        assert_eq!(Percentiles::of(vec![Duration::from_millis(7)]).p99, 7.0);
        assert_eq!(Percentiles::of(vec![]).worst, 0.0);
    }
}
