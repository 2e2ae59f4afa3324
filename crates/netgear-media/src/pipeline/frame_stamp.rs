use std::time::Duration;

use netgear_proto::Timestamp;

/// What is known of a frame besides its pixels, such as can be written on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FrameStamp {
    /// Its number, from 0.
    pub number: u64,
    /// The time of presentation, since the start of the source.
    pub time: Option<Duration>,
    /// When a device captured it: microseconds since 1970-01-01 00:00 UTC.
    pub captured_at: Option<Timestamp>,
}
