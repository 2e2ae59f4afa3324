use alloc::collections::VecDeque;

use super::{Outgoing, PeerViolation};
use crate::{
    Limits, Value, budget,
    native::{Answer, FrameMessage},
};

/// The sender's side of the exchange: one frame on its way at a time, and the data that came back.
#[derive(Debug, Default)]
pub(super) struct Sending {
    next_sequence: u64,
    in_flight: Option<u64>,
    returned: VecDeque<Value>,
    /// What the returned data counts for, pixels and all.
    returned_bytes: usize,
}

impl Sending {
    /// Items of returned data beyond which no further frame is taken.
    const MOST_RETURNED: usize = 64;

    /// The frame that waits for its answer.
    pub(super) fn in_flight(&self) -> Option<u64> {
        self.in_flight
    }

    /// Whether the very first frame waits for its answer.
    pub(super) fn awaits_first_answer(&self) -> bool {
        self.in_flight == Some(0)
    }

    pub(super) fn returned(&self) -> usize {
        self.returned.len()
    }

    /// Whether so much returned data waits that no further frame is taken, or what the application never takes would grow
    /// without end: 64 items, or as many bytes as one message may hold.
    pub(super) fn is_full(&self, limits: &Limits) -> bool {
        self.returned.len() >= Self::MOST_RETURNED || self.returned_bytes >= limits.message_bytes()
    }

    pub(super) fn take_returned(&mut self) -> Option<Value> {
        let value = self.returned.pop_front()?;
        self.returned_bytes -= bytes_of(&value);
        Some(value)
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
        if let Some(value) = answer.data {
            self.returned_bytes += bytes_of(&value);
            self.returned.push_back(value);
        }
        Ok(())
    }
}

fn bytes_of(value: &Value) -> usize {
    let (data, pixels) = budget::cost(value);
    data + pixels
}
