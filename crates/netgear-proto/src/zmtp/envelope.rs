use alloc::vec::Vec;
use core::mem;

use super::{SocketType, Transmit, Violation};
use crate::{Multipart, Part};

/// RFC 28: the longest routing id, and RFC 23: the longest identity of a peer.
const LONGEST_ROUTING_ID: usize = 255;

/// What stands before the body of a message, and whose turn it is to speak (RFC 28).
#[derive(Debug)]
pub(super) enum Envelope {
    /// No envelope, no turns.
    Pair,
    /// `[empty]`, or `[id][empty]` when correlating. Then an answer to a request that was given up is dropped, and
    /// while one is waited for, any other that is not the answer to the last breaks the rules: dropped, it would be
    /// waited for without end.
    Req { correlate: bool, relaxed: bool, last_id: u32, answered_id: u32, waiting: bool },
    /// Everything through the first empty part is kept, and sent back before the answer. `waiting` is that of a
    /// request which the application has not been handed yet: what it sends before is no answer to that.
    Rep { request: Option<Vec<Part>>, waiting: Option<Vec<Part>>, spare: Vec<Part> },
}

impl Envelope {
    pub(super) fn new(socket_type: SocketType, correlate: bool, relaxed: bool) -> Self {
        match socket_type {
            SocketType::Pair => Self::Pair,
            SocketType::Req => Self::Req { correlate, relaxed, last_id: 0, answered_id: 0, waiting: false },
            SocketType::Rep => Self::Rep { request: None, waiting: None, spare: Vec::new() },
        }
    }

    /// The parts that this end's envelope may add to a message. [`Limits::parts`](crate::Limits::parts) does not
    /// count them.
    pub(super) const fn most_parts(&self) -> usize {
        match self {
            Self::Pair => 0,
            Self::Req { .. } | Self::Rep { .. } => 2,
        }
    }

    /// The bytes that this end's envelope may add to a message.
    /// [`Limits::message_bytes`](crate::Limits::message_bytes) does not count them.
    pub(super) const fn most_bytes(&self) -> usize {
        match self {
            Self::Pair => 0,
            Self::Req { .. } | Self::Rep { .. } => LONGEST_ROUTING_ID,
        }
    }

    /// Whether it is this end's turn.
    pub(super) fn can_send(&self) -> bool {
        match self {
            Self::Pair => true,
            Self::Req { relaxed, waiting, .. } => *relaxed || !waiting,
            Self::Rep { request, .. } => request.is_some(),
        }
    }

    /// Writes the parts that go before the body; the turn passes to the peer. Only where [`Envelope::can_send`].
    pub(super) fn wrap(&mut self, transmit: &mut Transmit) {
        match self {
            Self::Pair => {}
            Self::Req { correlate, last_id, waiting, .. } => {
                *waiting = true;
                if *correlate {
                    *last_id = last_id.wrapping_add(1);
                    transmit.gather_part(&last_id.to_be_bytes());
                }
                transmit.gather_part(&[]);
            }
            Self::Rep { request, spare, .. } => {
                let mut parts = request.take().unwrap_or_default();
                for part in parts.drain(..) {
                    transmit.push_part(part, true);
                }
                *spare = parts;
            }
        }
    }

    /// The body of a message that came, or `None` if it is to be dropped. A REQ's turn begins; a REP's does once the
    /// application has been handed the message.
    pub(super) fn unwrap(&mut self, mut parts: Vec<Part>) -> Result<Option<Multipart>, Violation> {
        match self {
            Self::Pair => Ok(Some(parts.into())),
            Self::Req { waiting: false, .. } => Ok(None),
            Self::Req { correlate: false, waiting, .. } => {
                let envelope = envelope_of(&parts)?;
                if envelope > 1 {
                    return Ok(None);
                }
                *waiting = false;
                parts.drain(..envelope);
                Ok(Some(parts.into()))
            }
            Self::Req { last_id, answered_id, waiting, .. } => {
                let envelope = envelope_of(&parts)?;
                let Some([id, _empty]) = parts.get(..envelope) else { return Err(Violation::UnknownRequest) };
                let id = id.clone().into_bytes();
                let id = id.first_chunk().filter(|_| id.len() == 4).map(|id| u32::from_be_bytes(*id));
                // The requests are numbered on from the last one that was answered.
                let id = id.map_or(0, |id| id.wrapping_sub(*answered_id));
                let last = last_id.wrapping_sub(*answered_id);
                if id == 0 || id > last {
                    return Err(Violation::UnknownRequest);
                }
                if id < last {
                    return Ok(None);
                }
                (*answered_id, *waiting) = (*last_id, false);
                parts.drain(..envelope);
                Ok(Some(parts.into()))
            }
            Self::Rep { waiting, spare, .. } => {
                let mut envelope = parts.drain(..envelope_of(&parts)?);
                if let Some(id) = envelope.as_slice().iter().find(|id| id.len() > LONGEST_ROUTING_ID) {
                    return Err(Violation::RoutingId { length: id.len() });
                }
                let mut kept = waiting.take().unwrap_or_else(|| mem::take(spare));
                kept.clear();
                kept.extend(&mut envelope);
                *waiting = Some(kept);
                drop(envelope);
                Ok(Some(parts.into()))
            }
        }
    }

    /// Whether a message that came takes the place of those that the application has not been handed. A REQ that asks
    /// again before it is answered (ZMQ_REQ_RELAXED) has given up on what it asked before.
    pub(super) const fn supersedes(&self) -> bool {
        matches!(self, Self::Rep { .. })
    }

    /// The application has been handed a message: from now on what it sends answers that one.
    pub(super) fn handed_out(&mut self) {
        if let Self::Rep { request, waiting, .. } = self {
            *request = waiting.take();
        }
    }
}

/// How many parts the envelope has: all through the first empty one. A body must follow.
fn envelope_of(parts: &[Part]) -> Result<usize, Violation> {
    let empty = parts.iter().position(Part::is_empty).ok_or(Violation::Envelope)?;
    if empty + 1 == parts.len() {
        return Err(Violation::Envelope);
    }
    Ok(empty + 1)
}
