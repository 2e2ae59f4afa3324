//! A session with the Python original: its server or its client, as it comes.
//!
//! It says no hello, numbers nothing, and never speaks idly. A server's leaving is a message that the client confirms; a
//! client that leaves says nothing.

use super::{Delivery, Ending, Mismatch, Output, Peer, PeerViolation, Phase, Session, SessionError, Side};
use crate::{
    Dialect, Mode, Pattern, Role, Timestamp, Value,
    native::Answer,
    vidgear::{FrameMessage, Message},
};

impl Session {
    /// Nothing is known of the peer but that it is there; its first message shows whether it fits.
    pub(super) fn open_to_vidgear(&mut self) {
        self.open(Peer {
            dialect: Dialect::VidGear,
            role: self.config.role().opposite(),
            pattern: self.config.pattern(),
            mode: self.config.mode(),
        });
    }

    pub(super) fn handle_vidgear(&mut self, now: Timestamp, message: Message) -> Result<(), SessionError> {
        match (self.config.role(), message) {
            (Role::Receiver, Message::Frame(message)) => self.handle_vidgear_frame(now, message),
            (Role::Receiver, Message::Terminate) => {
                self.handle_terminate();
                Ok(())
            }
            (Role::Sender, Message::Return(data)) => self.handle_vidgear_answer(Mode::Bidirectional, data),
            (Role::Sender, Message::Acknowledgement) => {
                self.handle_vidgear_answer(Mode::Unidirectional, None)
            }
            (Role::Sender, Message::Terminated) if matches!(self.phase, Phase::Confirming { .. }) => {
                self.end(Ending::Closed);
                Ok(())
            }
            (role, message) => {
                Err(PeerViolation::WrongRole { message: name_of(&message), role: role.opposite() }.into())
            }
        }
    }

    fn handle_vidgear_frame(&mut self, now: Timestamp, message: FrameMessage) -> Result<(), SessionError> {
        let FrameMessage { mode, frame, data } = message;
        self.check_vidgear_mode(mode)?;
        let Side::Receiving(receiving) = &self.side else { return Ok(()) };
        let sequence = receiving.expected_sequence();
        if self.has_untransmitted() {
            return Err(PeerViolation::FrameOutOfTurn { found: sequence }.into());
        }
        if mode == Mode::Unidirectional && data.is_some() {
            return Err(PeerViolation::UnidirectionalData.into());
        }
        if self.peer.is_none() {
            self.open_to_vidgear();
        }
        self.handle_frame(Delivery { frame, data, sequence, captured_at: None, received_at: now })?;
        self.our_turn = true;
        Ok(())
    }

    /// The server leaves: perhaps in the middle, with a frame still unanswered, whose answer it does not wait for any more.
    fn handle_terminate(&mut self) {
        if self.config.pattern() == Pattern::ReqRep {
            // The REQ has given up on what it asked before (ZMQ_REQ_RELAXED), so that an answer to that is none to this.
            self.outputs.retain(|output| !matches!(output, Output::Transmit(_)));
        }
        self.say_goodbye();
        self.end(if self.is_leaving() { Ending::Closed } else { Ending::PeerLeft });
    }

    fn handle_vidgear_answer(&mut self, mode: Mode, data: Option<Value>) -> Result<(), SessionError> {
        self.check_vidgear_mode(mode)?;
        let Side::Sending(sending) = &self.side else { return Ok(()) };
        let in_flight = sending.in_flight().filter(|_| !self.has_untransmitted());
        let sequence = in_flight.ok_or(PeerViolation::AnswerToNothing)?;
        self.handle_answer(Answer { sequence, data })?;
        self.our_turn = true;
        self.try_leave();
        Ok(())
    }

    /// Every frame says whether its server is bidirectional, and so does the kind of every answer.
    fn check_vidgear_mode(&self, theirs: Mode) -> Result<(), Mismatch> {
        let (role, ours) = (self.config.role(), self.config.mode());
        if ours == theirs { Ok(()) } else { Err(Mismatch::Mode { role, ours, theirs }) }
    }
}

fn name_of(message: &Message) -> &'static str {
    match message {
        Message::Frame(_) => "a frame",
        Message::Terminate => "the word that it terminates",
        Message::Return(_) => "return data",
        Message::Acknowledgement => "the acknowledgement of a frame",
        Message::Terminated => "the answer to a termination",
    }
}
