use alloc::collections::VecDeque;

use super::{Outgoing, PeerViolation};
use crate::{
    Value,
    native::{Answer, FrameMessage},
};

/// The sender's side of the exchange: one frame on its way at a time, and the data that came back.
#[derive(Debug, Default)]
pub(super) struct Sending {
    next_sequence: u64,
    in_flight: Option<u64>,
    returned: VecDeque<Value>,
}

impl Sending {
    /// Items of returned data beyond which no further frame is taken, so that what the application never takes is bounded.
    pub(super) const MOST_RETURNED: usize = 64;

    /// The frame that waits for its answer.
    pub(super) fn in_flight(&self) -> Option<u64> {
        self.in_flight
    }

    pub(super) fn returned(&self) -> usize {
        self.returned.len()
    }

    pub(super) fn take_returned(&mut self) -> Option<Value> {
        self.returned.pop_front()
    }

    /// The message that the frame becomes; it counts as sent only once [`Sending::sent`] says so.
    pub(super) fn number(&self, outgoing: Outgoing) -> FrameMessage {
        let Outgoing { frame, data, captured_at } = outgoing;
        FrameMessage { sequence: self.next_sequence, captured_at, frame, data }
    }

    pub(super) fn sent(&mut self) {
        self.in_flight = Some(self.next_sequence);
        self.next_sequence += 1;
    }

    pub(super) fn handle_answer(&mut self, answer: Answer) -> Result<(), PeerViolation> {
        if self.in_flight != Some(answer.sequence) {
            return Err(PeerViolation::UnexpectedAnswer { found: answer.sequence });
        }
        self.in_flight = None;
        self.returned.extend(answer.data);
        Ok(())
    }
}
