use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The time by the clock that all processes of a machine share, in nanoseconds.
pub fn now() -> u64 {
    u64::try_from(read(ClockId::Monotonic).as_nanos()).unwrap_or(u64::MAX)
}

/// Writes the time into the first 8 bytes. Fewer stay as they are.
pub fn stamp(bytes: &mut [u8]) {
    if let Some(first) = bytes.first_chunk_mut() {
        *first = now().to_le_bytes();
    }
}

/// The time in the first 8 bytes; `None` if none was written.
pub fn stamp_of(bytes: &[u8]) -> Option<u64> {
    bytes.first_chunk().map(|first| u64::from_le_bytes(*first)).filter(|stamp| *stamp > 0)
}

/// The processor time of this process: of all its threads, also of those that have ended, to the nanosecond.
pub fn cpu_seconds() -> f64 {
    read(ClockId::ProcessCPUTime).as_secs_f64()
}

/// The microseconds since then.
pub(crate) fn microseconds_since(stamp: u64) -> f64 {
    now().saturating_sub(stamp) as f64 / 1000.0
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_time_and_zeros_are_none() {
        let mut bytes = [0; 12];
        assert_eq!(stamp_of(&bytes), None);
        let before = now();
        stamp(&mut bytes);
        let stamped = stamp_of(&bytes).unwrap();
        assert!(before <= stamped && stamped <= now());
        assert_eq!(bytes[8..], [0; 4]);
        let mut short = [0; 7];
        stamp(&mut short);
        assert_eq!((short, stamp_of(&short)), ([0; 7], None));
    }
}
