//! A session's messages to and from the link, in the dialect of the peer.

use super::{EncodeError, Ending, Output, PeerViolation, Session, SessionError};
use crate::{
    Dialect, Mode, Multipart, Part, Pattern, Role,
    native::{self, Answer, FrameMessage, Message},
    vidgear,
};

/// A message of the peer.
pub(super) enum Heard {
    Native(native::Message),
    VidGear(vidgear::Message),
}

impl Session {
    /// The first message tells which dialect the peer speaks, if that was left to it.
    pub(super) fn settle_dialect(&mut self, first: &Multipart) {
        if self.dialect.is_some() {
            return;
        }
        let first_byte = first.parts().iter().flat_map(Part::pieces).find_map(|piece| piece.first());
        let dialect = match first_byte {
            Some(&native::FIRST_BYTE) => Dialect::Native,
            _ => Dialect::VidGear,
        };
        self.dialect = Some(dialect);
        // On a PAIR the native peer still waits for this end's hello; a REP says it as its answer.
        if dialect == Dialect::Native && self.our_turn {
            self.say_hello();
        }
    }

    /// Reads a message.
    pub(super) fn decode(&self, message: Multipart) -> Result<Heard, SessionError> {
        let limits = self.config.limits();
        let heard = match self.dialect {
            Some(Dialect::VidGear) => {
                Heard::VidGear(vidgear::Message::decode(message, limits).map_err(PeerViolation::from)?)
            }
            _ => Heard::Native(native::Message::decode(message, limits).map_err(PeerViolation::from)?),
        };
        Ok(heard)
    }

    pub(super) fn transmit_frame(&mut self, message: FrameMessage) -> Result<(), EncodeError> {
        let limits = self.config.limits();
        let message = match self.dialect {
            Some(Dialect::VidGear) => {
                let FrameMessage { frame, data, .. } = message;
                let mode = self.config.mode();
                vidgear::Message::Frame(vidgear::FrameMessage { mode, frame, data }).encode(limits)?
            }
            _ => Message::Frame(message).encode(limits)?,
        };
        self.transmit(message);
        Ok(())
    }

    pub(super) fn transmit_answer(&mut self, answer: Answer) -> Result<(), EncodeError> {
        let limits = self.config.limits();
        let message = match (self.dialect, self.config.mode()) {
            (Some(Dialect::VidGear), Mode::Bidirectional) => {
                vidgear::Message::Return(answer.data).encode(limits)?
            }
            (Some(Dialect::VidGear), Mode::Unidirectional) => {
                vidgear::Message::Acknowledgement.encode(limits)?
            }
            _ => Message::Answer(answer).encode(limits)?,
        };
        self.transmit(message);
        Ok(())
    }

    /// A VidGear server says that it terminates, and a VidGear client that it has heard so.
    pub(super) fn say_goodbye(&mut self) {
        let limits = self.config.limits();
        let message = match (self.dialect, self.config.role()) {
            (Some(Dialect::VidGear), Role::Sender) => vidgear::Message::Terminate.encode(limits),
            (Some(Dialect::VidGear), Role::Receiver) => vidgear::Message::Terminated.encode(limits),
            _ => return self.transmit_small(Message::Goodbye),
        };
        match message {
            Ok(message) => self.transmit(message),
            Err(_) => self.end(Ending::Failed),
        }
    }

    /// Transmits a native message of a few bytes, which no limit refuses.
    pub(super) fn transmit_small(&mut self, message: Message) {
        match message.encode(self.config.limits()) {
            Ok(message) => self.transmit(message),
            Err(_) => self.end(Ending::Failed),
        }
    }

    fn transmit(&mut self, message: Multipart) {
        self.outputs.push_back(Output::Transmit(message));
        self.our_turn = self.config.pattern() == Pattern::Pair;
        self.idle_at = None;
    }
}
