use super::{Delivery, PeerViolation};

/// The receiver's side of the exchange: the frame that arrived, and the one that the application has not answered yet.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    expected_sequence: u64,
    arrived: Option<Delivery>,
    unanswered: Option<u64>,
}

impl Receiving {
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived.is_some()
    }

    /// The number of the frame that is to come.
    pub(super) fn expected_sequence(&self) -> u64 {
        self.expected_sequence
    }

    pub(super) fn handle_frame(&mut self, delivery: Delivery) -> Result<(), PeerViolation> {
        let sequence = delivery.sequence;
        if self.arrived.is_some() || self.unanswered.is_some() {
            return Err(PeerViolation::FrameOutOfTurn { found: sequence });
        }
        if sequence != self.expected_sequence {
            return Err(PeerViolation::Sequence { expected: self.expected_sequence, found: sequence });
        }
        self.expected_sequence += 1;
        self.arrived = Some(delivery);
        Ok(())
    }

    /// Hands out the frame that arrived, which then waits for its answer.
    pub(super) fn take(&mut self) -> Option<Delivery> {
        let delivery = self.arrived.take()?;
        self.unanswered = Some(delivery.sequence);
        Some(delivery)
    }

    pub(super) fn unanswered(&self) -> Option<u64> {
        self.unanswered
    }

    pub(super) fn answered(&mut self) {
        self.unanswered = None;
    }
}
