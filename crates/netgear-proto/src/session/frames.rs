use alloc::vec::Vec;
use core::time::Duration;

use crate::{EncodedFrame, Frame, Timestamp, Value, native::ClockOffset};

/// A frame on its way out, and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The picture.
    pub frame: Frame,
    /// The same picture encoded, which goes in place of the raw one to a peer that decodes it, if it is smaller. Any
    /// other gets it raw, also if it comes later.
    pub encoded: Option<EncodedFrame>,
    /// What the application says with it.
    pub data: Option<Value>,
    /// When it was captured: microseconds since 1970-01-01 00:00 UTC.
    pub captured_at: Timestamp,
}

impl Outgoing {
    /// A frame without data.
    pub const fn new(frame: Frame, captured_at: Timestamp) -> Self {
        Self { frame, encoded: None, data: None, captured_at }
    }

    /// Adds the same picture encoded: of the same shape, element type and pixel format.
    #[must_use]
    pub fn with_encoded(mut self, encoded: impl Into<Option<EncodedFrame>>) -> Self {
        self.encoded = encoded.into();
        self
    }

    /// Adds data, which the receiver gets together with the frame.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

/// A frame that arrived, and what came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery<F = Frame> {
    /// The picture; a [`WireFrame`](crate::WireFrame) where it was asked for undecoded.
    pub frame: F,
    /// What the sending application said with it.
    pub data: Option<Value>,
    /// What it had said with frames that were dropped, oldest first: data is never lost.
    pub earlier: Vec<Value>,
    /// 0 for the first frame that the sender was offered, one more for each further one: what is missing was dropped.
    pub sequence: u64,
    /// When it was captured, by the sender's clock: microseconds since 1970-01-01 00:00 UTC. `None` from a VidGear
    /// server, which does not say.
    pub captured_at: Option<Timestamp>,
    /// When its last byte had arrived, by this end's clock.
    pub received_at: Timestamp,
    /// How far this end's clock is ahead of the sender's. `None` for the first frames, and from a VidGear server.
    pub clock: Option<ClockOffset>,
}

impl<F> Delivery<F> {
    /// A frame of which no more is known.
    pub(super) const fn new(frame: F, sequence: u64, received_at: Timestamp) -> Self {
        Self { frame, data: None, earlier: Vec::new(), sequence, captured_at: None, received_at, clock: None }
    }

    /// The same with the frame in another form, and the frame in this one.
    pub fn exchange_frame<G>(self, frame: G) -> (Delivery<G>, F) {
        let Self { frame: former, data, earlier, sequence, captured_at, received_at, clock } = self;
        (Delivery { frame, data, earlier, sequence, captured_at, received_at, clock }, former)
    }

    /// How long it took from its capture to its arrival, also where the two clocks differ. `None` while it is not
    /// known by how much they do.
    pub fn latency(&self) -> Option<Latency> {
        self.age(self.received_at)
    }

    /// How long ago it was captured, at a moment by this end's clock. `None` while it is not known how much the two
    /// clocks differ.
    pub fn age(&self, now: Timestamp) -> Option<Latency> {
        let (captured_at, clock) = (self.captured_at?, self.clock?);
        Some(Latency {
            duration: Duration::from_micros(clock.apart(captured_at, now)),
            uncertainty: Duration::from_micros(clock.uncertainty_micros),
        })
    }
}

/// How long something took from one end to the other, and how sure that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// The best estimate; zero if the clocks say that it was less.
    pub duration: Duration,
    /// It may be so much more or less, since the clocks are compared over the same connection.
    pub uncertainty: Duration,
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn the_age_takes_the_clocks_into_account() {
        let frame = Frame::gray8(1, 1, vec![0]).unwrap();
        let mut delivery = Delivery::new(frame, 0, Timestamp::from_micros(5_000));
        assert_eq!(delivery.latency(), None);
        delivery.captured_at = Some(Timestamp::from_micros(1_001_000));
        assert_eq!(delivery.latency(), None, "another machine's clock says nothing by itself");
        delivery.clock = Some(ClockOffset { micros: -1_000_000, uncertainty_micros: 30 });
        let uncertainty = Duration::from_micros(30);
        assert_eq!(delivery.latency(), Some(Latency { duration: Duration::from_millis(4), uncertainty }));
        let later = Timestamp::from_micros(9_000);
        assert_eq!(delivery.age(later), Some(Latency { duration: Duration::from_millis(8), uncertainty }));
        assert_eq!(delivery.age(Timestamp::ZERO).unwrap().duration, Duration::ZERO);
        for micros in [i64::MIN, i64::MAX] {
            delivery.clock = Some(ClockOffset { micros, uncertainty_micros: u64::MAX });
            assert!(delivery.age(Timestamp::FAR_FUTURE).is_some());
        }
    }
}
