use core::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

/// A moment, in microseconds since an epoch that the caller chooses.
///
/// This crate never asks for the time; whoever drives it says what time it is. Two timestamps can be compared when
/// they come from the same clock. [`Timestamp::FAR_FUTURE`] is later than any other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The epoch.
    pub const ZERO: Self = Self(0);
    /// A moment that never comes.
    pub const FAR_FUTURE: Self = Self(u64::MAX);

    /// The moment that many microseconds after the epoch.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// Saturates at [`Timestamp::FAR_FUTURE`], so that `now + Duration::MAX` means "never".
impl core::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(micros))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06} s", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates() {
        let moment = Timestamp::from_micros(5);
        assert_eq!(moment + Duration::MAX, Timestamp::FAR_FUTURE);
        assert_eq!(moment.since(Timestamp::from_micros(9)), Duration::ZERO);
        assert_eq!((moment + Duration::from_millis(1)).since(moment), Duration::from_millis(1));
    }
}
