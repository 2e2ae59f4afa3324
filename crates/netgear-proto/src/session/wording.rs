//! A session's messages to and from the link, in the dialect of the peer.

use alloc::vec::Vec;
use core::mem;

use super::{Ending, Output, PeerViolation, Session, SessionError};
use crate::{
    Dialect, Multipart, Part, Pattern,
    native::{self, Message},
    vidgear,
};

/// A message of the peer.
pub(super) enum Heard {
    Native(native::Message),
    VidGear(vidgear::Message),
}

impl Session {
    /// Reads a message. The first one tells which dialect the peer speaks, if that was left to it.
    pub(super) fn decode(&mut self, message: Multipart) -> Result<Heard, SessionError> {
        let dialect = self.dialect_of(&message);
        if self.dialect.replace(dialect).is_none() && dialect == Dialect::Native && self.our_turn {
            // On a PAIR the native peer still waits for this end's hello; a REP says it as its answer.
            self.say_hello();
        }
        let mut parts = message.into_parts();
        let heard = self.read(dialect, &mut parts)?;
        self.scratch.give_back(parts);
        Ok(heard)
    }

    /// Takes a message out of its parts.
    pub(super) fn read(&self, dialect: Dialect, parts: &mut Vec<Part>) -> Result<Heard, SessionError> {
        let limits = self.config.limits();
        let heard = match dialect {
            Dialect::Native => {
                Heard::Native(native::Message::take_from(parts, limits).map_err(PeerViolation::from)?)
            }
            Dialect::VidGear => {
                let message = mem::take(parts).into();
                Heard::VidGear(vidgear::Message::decode(message, limits).map_err(PeerViolation::from)?)
            }
        };
        Ok(heard)
    }

    /// What the peer speaks: what was agreed, or what the first byte of its first message shows.
    pub(super) fn dialect_of(&self, message: &Multipart) -> Dialect {
        self.dialect.unwrap_or_else(|| {
            let pieces = message.parts().iter().flat_map(Part::pieces);
            match pieces.into_iter().find_map(|piece| piece.first()) {
                Some(&native::FIRST_BYTE) => Dialect::Native,
                _ => Dialect::VidGear,
            }
        })
    }

    /// Transmits a native message of a few bytes, which no limit refuses.
    pub(super) fn transmit_small(&mut self, message: Message) {
        match message.encode(self.config.limits()) {
            Ok(message) => self.transmit(message),
            Err(_) => self.end(Ending::Failed),
        }
    }

    pub(super) fn transmit(&mut self, message: Multipart) {
        self.counted.bytes_sent += message.byte_len() as u64;
        self.outputs.push_back(Output::Transmit(message));
        self.our_turn = self.config.pattern() == Pattern::Pair;
        (self.idle_at, self.acknowledge_at, self.idle_is_due) = (None, None, false);
    }

    /// Whether a message of this end has not been given to the link yet, so that the peer cannot have heard it.
    pub(super) fn has_untransmitted(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Transmit(_)))
    }
}
