//! A session with the Python original: its server or its client, as it comes.
//!
//! It says no hello, numbers nothing, and never speaks idly. One frame at a time is on its way, and answered before
//! the next. A server's leaving is a message that the client confirms; a client that leaves says nothing. What was in
//! a message that died with its connection is reported as undelivered, since nobody knows what became of it.

use super::{
    Delivery, EncodeError, Ending, Event, Link, MOST_UNDELIVERED, Mismatch, Outgoing, Output, Peer,
    PeerViolation, Session, SessionError,
};
use crate::{
    Dialect, Encoding, Encodings, Mode, Pattern, Role, Timestamp, Value,
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
            encodings: Encodings::RAW,
        });
    }

    /// Sends a frame that may go.
    pub(super) fn send_to_vidgear(&mut self, outgoing: Outgoing) -> Result<(), EncodeError> {
        let Outgoing { frame, data, captured_at, .. } = outgoing;
        let unconfirmed = data.clone().filter(|_| self.config.reconnect());
        let (mode, limits) = (self.config.mode(), self.config.limits());
        let (has_data, pixels) = (data.is_some(), frame.pixels().len());
        let message = Message::Frame(FrameMessage { mode, frame, data }).encode(limits)?;
        self.counted.data_sent += u64::from(has_data);
        self.unconfirmed = unconfirmed;
        self.frames.offer_at_once(captured_at);
        self.counted.frames_sent += 1;
        self.count_frame(Encoding::Raw, pixels, pixels);
        self.transmit(message);
        Ok(())
    }

    /// Answers the frame that the application has, if its server still waits for that.
    pub(super) fn answer_vidgear(&mut self, data: Option<Value>) -> Result<(), EncodeError> {
        if !self.arrivals.is_in_hand() {
            return Ok(());
        }
        if self.link != Link::Open || self.leaving.is_some() || !self.arrivals.is_awaited() {
            self.arrivals.done();
            self.note_undelivered(data);
            return Ok(());
        }
        let limits = self.config.limits();
        let unconfirmed = data.clone().filter(|_| self.config.reconnect());
        let has_data = data.is_some();
        let message = match self.config.mode() {
            Mode::Bidirectional => Message::Return(data).encode(limits)?,
            Mode::Unidirectional => Message::Acknowledgement.encode(limits)?,
        };
        self.unconfirmed = unconfirmed;
        self.counted.data_sent += u64::from(has_data);
        self.arrivals.done();
        self.arrivals.mark_answered();
        self.transmit(message);
        Ok(())
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
            (Role::Sender, Message::Terminated) if matches!(self.link, Link::Confirming { .. }) => {
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
        let sequence = self.arrivals.next_frame();
        if self.has_untransmitted() || self.arrivals.has_unanswered() {
            return Err(PeerViolation::FrameOutOfTurn { found: sequence }.into());
        }
        if self.arrivals.is_clogged(true) {
            return Err(SessionError::Clogged);
        }
        if mode == Mode::Unidirectional && data.is_some() {
            return Err(PeerViolation::UnidirectionalData.into());
        }
        self.arrivals.check(sequence, frame.pixels().len())?;
        if self.link != Link::Open {
            self.open_to_vidgear();
        }
        // It would not have sent this one without the answer to the last.
        self.unconfirmed = None;
        let items_before = self.inbox.arrived();
        self.counted.frames_received += 1;
        self.count_frame(Encoding::Raw, frame.pixels().len(), frame.pixels().len());
        self.counted.data_received += u64::from(data.is_some());
        let own = data.map(|value| self.inbox.arrive_unnumbered(value)).transpose()?;
        self.arrivals.arrive(Delivery::new(frame.into(), sequence, now), own, items_before);
        self.our_turn = true;
        self.tell(Event::FrameArrived);
        Ok(())
    }

    /// The server leaves: perhaps in the middle, with a frame still unanswered, whose answer it does not wait for any
    /// more.
    fn handle_terminate(&mut self) {
        if self.config.pattern() == Pattern::ReqRep {
            // The REQ has given up on what it asked before (ZMQ_REQ_RELAXED), so that an answer to that is none to
            // this.
            self.outputs.retain(|output| !matches!(output, Output::Transmit(_)));
        }
        self.say_vidgear_goodbye();
        self.end(if self.leaving.is_some() { Ending::Closed } else { Ending::PeerLeft });
    }

    fn handle_vidgear_answer(&mut self, mode: Mode, data: Option<Value>) -> Result<(), SessionError> {
        self.check_vidgear_mode(mode)?;
        let in_flight = self.frames.unanswered().filter(|_| !self.has_untransmitted());
        // A client on PAIR whose sender was killed keeps its answer for the next, which then has one too many.
        let Some(sequence) = in_flight else { return Ok(()) };
        self.frames.answered(sequence)?;
        // A frame that was refused can go now.
        self.refused = false;
        self.unconfirmed = None;
        self.counted.data_received += u64::from(data.is_some());
        if let Some(entry) = data.map(|value| self.inbox.arrive_unnumbered(value)).transpose()? {
            self.inbox.keep(entry);
        }
        self.tell(Event::Answered);
        self.our_turn = true;
        if self.leaving.is_some() {
            self.try_leave_vidgear();
        }
        Ok(())
    }

    /// Once closing: a sender terminates once its last frame is answered. A receiver has no word for it, nor has one
    /// that has not heard from its peer what to speak; it leaves at once.
    pub(super) fn try_leave_vidgear(&mut self) {
        let has_word = self.dialect == Some(Dialect::VidGear) && self.config.role() == Role::Sender;
        if !has_word {
            self.end(Ending::Closed);
        } else if self.our_turn && self.frames.is_idle() {
            self.leave_vidgear();
        }
    }

    /// The time to wait before leaving is over.
    pub(super) fn leave_now(&mut self) {
        self.leaves_now = true;
        if self.dialect == Some(Dialect::VidGear)
            && self.config.role() == Role::Sender
            && self.link == Link::Open
        {
            // A VidGear server asks again without an answer (ZMQ_REQ_RELAXED), and so does this end in its place.
            self.leave_vidgear();
        } else if self.next_word().is_none() {
            // The turn to say goodbye never came; the peer then finds the link closed.
            self.end(Ending::Closed);
        }
    }

    fn leave_vidgear(&mut self) {
        let Some(deadline) = self.leaving else { return };
        self.say_vidgear_goodbye();
        self.link = Link::Confirming { until: deadline + self.config.confirmation_timeout() };
    }

    /// A VidGear server says that it terminates, and a VidGear client that it has heard so.
    fn say_vidgear_goodbye(&mut self) {
        let message = match self.config.role() {
            Role::Sender => Message::Terminate,
            Role::Receiver => Message::Terminated,
        };
        match message.encode(self.config.limits()) {
            Ok(message) => self.transmit(message),
            Err(_) => self.end(Ending::Failed),
        }
    }

    /// Every frame says whether its server is bidirectional, and so does the kind of every answer.
    fn check_vidgear_mode(&self, theirs: Mode) -> Result<(), Mismatch> {
        let (role, ours) = (self.config.role(), self.config.mode());
        if ours == theirs { Ok(()) } else { Err(Mismatch::Mode { role, ours, theirs }) }
    }

    /// What was said last may not have been heard.
    pub(super) fn note_unconfirmed(&mut self) {
        let unconfirmed = self.unconfirmed.take();
        self.note_undelivered(unconfirmed);
    }

    fn note_undelivered(&mut self, data: Option<Value>) {
        let Some(data) = data else { return };
        self.counted.data_undelivered += 1;
        self.undelivered.push_back(data);
        if self.undelivered.len() > MOST_UNDELIVERED {
            self.undelivered.pop_front();
        }
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
