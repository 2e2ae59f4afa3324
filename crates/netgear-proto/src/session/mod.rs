//! What NetGear says over multipart messages, whoever carries them.
//!
//! A [`Session`] is one end of an exchange of frames and data, as a state machine. It has no socket and no clock: messages
//! and the time go in as arguments, messages and events come out.
//!
//! * getters: [`Session::config`], [`Session::peer`], [`Session::can_send`], [`Session::has_frame`], [`Session::ending`], …
//! * what the link and the clock do: the `handle_*` methods;
//! * what the application does: [`Session::send`] and [`Session::recv_data`] on a sender, [`Session::recv`] and
//!   [`Session::reply`] on a receiver, [`Session::close`] on either;
//! * what comes of it: [`Session::poll_output`], until it gives `None`, and [`Session::next_timeout`].
//!
//! Its peer is another NetGear for Rust or the Python original: [`SessionConfig::dialect`].
//!
//! The exchange is in lock-step: the sender sends a frame, the receiver answers it, and only then does the next frame go
//! out. On REQ/REP (RFC 28) every message of the sender is a request and every one of the receiver its answer; a sender
//! without a frame to send asks idly a few times a second, so that the receiver can speak. On PAIR (RFC 31) nothing idle
//! is sent, nor ever to a VidGear peer.
//!
//! ```
//! use netgear_proto::{
//!     Frame, Role, Timestamp, Value,
//!     session::{Outgoing, Output, Session, SessionConfig},
//! };
//!
//! let now = Timestamp::ZERO;
//! let mut sender = Session::new(SessionConfig::new(Role::Sender));
//! let mut receiver = Session::new(SessionConfig::new(Role::Receiver));
//! sender.handle_connected(now);
//! receiver.handle_connected(now);
//!
//! // A link in memory: what one end says, the other hears.
//! fn carry(now: Timestamp, from: &mut Session, to: &mut Session) {
//!     while let Some(output) = from.poll_output() {
//!         if let Output::Transmit(message) = output {
//!             to.handle_message(now, message).expect("both ends keep the rules");
//!         }
//!     }
//! }
//! carry(now, &mut sender, &mut receiver);
//! carry(now, &mut receiver, &mut sender);
//!
//! let frame = Frame::bgr8(2, 2, vec![0; 12])?;
//! sender.send(Outgoing::new(frame, now).with_data("left"))?;
//! carry(now, &mut sender, &mut receiver);
//!
//! let delivery = receiver.recv().expect("a frame has arrived");
//! assert_eq!(delivery.data, Some(Value::from("left")));
//! receiver.reply("right")?;
//! carry(now, &mut receiver, &mut sender);
//! assert_eq!(sender.recv_data(), Some(Value::from("right")));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod config;
mod error;
mod event;
mod frames;
mod receiving;
mod sending;
mod vidgear;
mod wording;

use alloc::{boxed::Box, collections::VecDeque};

use self::{receiving::Receiving, sending::Sending, wording::Heard};
use crate::{
    Dialect, Mode, Multipart, Pattern, Role, Timestamp, Value,
    native::{self, Answer, FrameMessage, Hello, Message},
};

pub use self::{
    config::SessionConfig,
    error::{EncodeError, Mismatch, PeerViolation, ReplyError, SendError, SessionError},
    event::{Ending, Event, Output, Peer, Stats},
    frames::{Delivery, Outgoing},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Unconnected,
    /// Without a deadline if the peer says nothing before its first frame.
    Greeting {
        deadline: Option<Timestamp>,
    },
    Open,
    Leaving {
        deadline: Timestamp,
    },
    /// The goodbye is said, and a VidGear client confirms it.
    Confirming {
        until: Timestamp,
    },
    Over(Ending),
}

#[derive(Debug)]
enum Side {
    Sending(Sending),
    Receiving(Receiving),
}

/// One end of an exchange of frames and data. The [module](self) has the overview.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    phase: Phase,
    side: Side,
    /// `None` while a receiver waits for the peer's first message to tell.
    dialect: Option<Dialect>,
    peer: Option<Peer>,
    /// On REQ/REP, whether it is this end's turn to speak; on PAIR always.
    our_turn: bool,
    /// When a REQ without a frame to send gives the REP its turn.
    idle_at: Option<Timestamp>,
    // Bounded by lock-step: a message that answers one still waiting in here breaks the rules, so that a peer adds a few
    // events at most until these are taken.
    outputs: VecDeque<Output>,
    stats: Stats,
}

/// Getters.
impl Session {
    /// How this end was set up.
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// What the peer is, once that is known.
    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Whether [`Session::send`] would take a frame now.
    pub fn can_send(&self) -> bool {
        let Side::Sending(sending) = &self.side else { return false };
        self.phase == Phase::Open
            && self.our_turn
            && sending.in_flight().is_none()
            && !sending.is_full(self.config.limits())
    }

    /// Whether a frame was sent and its answer is still to come.
    pub fn awaits_answer(&self) -> bool {
        matches!(&self.side, Side::Sending(sending) if sending.in_flight().is_some())
    }

    /// Whether the first frame of all was sent and its answer is still to come.
    pub fn awaits_first_answer(&self) -> bool {
        matches!(&self.side, Side::Sending(sending) if sending.awaits_first_answer())
    }

    /// Whether [`Session::recv`] would give a frame now.
    pub fn has_frame(&self) -> bool {
        matches!(&self.side, Side::Receiving(receiving) if receiving.has_arrived())
    }

    /// Whether [`Session::poll_output`] has something to give.
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty()
    }

    /// How the session ended, once it has.
    pub const fn ending(&self) -> Option<Ending> {
        match self.phase {
            Phase::Over(ending) => Some(ending),
            _ => None,
        }
    }

    /// What has crossed so far.
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// When [`Session::handle_timeout`] wants to be called, if nothing else happens first.
    pub fn next_timeout(&self) -> Option<Timestamp> {
        match self.phase {
            Phase::Greeting { deadline } => deadline,
            Phase::Leaving { deadline } => Some(deadline),
            Phase::Confirming { until } => Some(until),
            Phase::Open => self.idle_at,
            Phase::Unconnected | Phase::Over(_) => None,
        }
    }
}

/// What the application does.
impl Session {
    /// A session that waits for its link.
    pub fn new(config: SessionConfig) -> Self {
        let side = match config.role() {
            Role::Sender => Side::Sending(Sending::default()),
            Role::Receiver => Side::Receiving(Receiving::default()),
        };
        Self {
            dialect: config.dialect(),
            config,
            phase: Phase::Unconnected,
            side,
            peer: None,
            our_turn: false,
            idle_at: None,
            outputs: VecDeque::new(),
            stats: Stats::default(),
        }
    }

    /// Takes a frame for sending.
    ///
    /// # Errors
    /// [`SendError::Busy`] hands the frame back when it cannot be taken yet, and [`SendError::ReturnedDataWaiting`] when 64
    /// items of returned data wait to be taken, or [`Limits::message_bytes`](crate::Limits::message_bytes) of it. The other
    /// variants say what is wrong with the frame, or that the session cannot send.
    pub fn send(&mut self, outgoing: Outgoing) -> Result<(), SendError> {
        let Side::Sending(sending) = &self.side else { return Err(SendError::NotSender) };
        if self.is_leaving() || self.ending().is_some() {
            return Err(SendError::Over);
        }
        if outgoing.data.is_some() && self.config.mode() == Mode::Unidirectional {
            return Err(SendError::Unidirectional);
        }
        if sending.is_full(self.config.limits()) {
            let items = sending.returned();
            return Err(SendError::ReturnedDataWaiting { items, outgoing: Box::new(outgoing) });
        }
        if !self.can_send() {
            return Err(SendError::Busy(Box::new(outgoing)));
        }
        let has_data = outgoing.data.is_some();
        let message = sending.number(outgoing);
        self.transmit_frame(message)?;
        if let Side::Sending(sending) = &mut self.side {
            sending.sent();
        }
        self.stats.frames_sent += 1;
        self.stats.data_sent += u64::from(has_data);
        Ok(())
    }

    /// The next item of data that came back, oldest first.
    pub fn recv_data(&mut self) -> Option<Value> {
        match &mut self.side {
            Side::Sending(sending) => sending.take_returned(),
            Side::Receiving(_) => None,
        }
    }

    /// The frame that arrived, if one did. A frame received before and not replied to is answered without data.
    ///
    /// In a unidirectional session the frame is answered as it is taken, and the next one may come while the application
    /// still looks at this one.
    pub fn recv(&mut self) -> Option<Delivery> {
        self.answer_without_data();
        let Side::Receiving(receiving) = &mut self.side else { return None };
        let delivery = receiving.take()?;
        if self.config.mode() == Mode::Unidirectional {
            self.answer_without_data();
        }
        Some(delivery)
    }

    /// Answers the frame received last with data.
    ///
    /// # Errors
    /// [`ReplyError`] if there is nothing to answer, or the data cannot be sent; the frame then still waits for its answer.
    pub fn reply(&mut self, data: impl Into<Value>) -> Result<(), ReplyError> {
        let Side::Receiving(receiving) = &self.side else { return Err(ReplyError::NotReceiver) };
        if self.config.mode() == Mode::Unidirectional {
            return Err(ReplyError::Unidirectional);
        }
        if self.is_leaving() || self.ending().is_some() {
            return Err(ReplyError::Over);
        }
        let sequence = receiving.unanswered().ok_or(ReplyError::NothingToAnswer)?;
        self.answer(sequence, Some(data.into()))?;
        self.stats.data_sent += 1;
        Ok(())
    }

    /// Leaves: a sender after its last frame is answered, a receiver as soon as it may speak, either after
    /// [`SessionConfig::linger`] at the latest. [`Event::Over`] follows the goodbye in the outputs. A VidGear client has
    /// [`SessionConfig::confirmation_timeout`] more to confirm the goodbye; a VidGear server has no word for a receiver's leaving, and is told
    /// none.
    pub fn close(&mut self, now: Timestamp) {
        match self.phase {
            Phase::Unconnected => self.end(Ending::Closed),
            Phase::Greeting { .. } | Phase::Open => {
                // A REP of the native dialect says goodbye in the place of the answer.
                if self.config.pattern() == Pattern::Pair || self.dialect == Some(Dialect::VidGear) {
                    self.answer_without_data();
                }
                if self.ending().is_some() {
                    return;
                }
                self.phase = Phase::Leaving { deadline: now + self.config.linger() };
                self.idle_at = None;
                self.try_leave();
            }
            Phase::Leaving { .. } | Phase::Confirming { .. } | Phase::Over(_) => {}
        }
    }
}

/// What the link and the clock do.
impl Session {
    /// The link is there: both ends of a PAIR say hello at once, and the REQ of a REQ/REP; only a receiver whose peer may
    /// yet turn out to be a VidGear server says nothing, and a sender to a VidGear client can send at once.
    pub fn handle_connected(&mut self, now: Timestamp) {
        if self.phase != Phase::Unconnected {
            return;
        }
        let role = self.config.role();
        self.our_turn = self.config.pattern() == Pattern::Pair || role == Role::Sender;
        match (self.dialect, role) {
            (Some(Dialect::Native), _) | (None, Role::Sender) => {
                self.dialect = Some(Dialect::Native);
                self.phase = Phase::Greeting { deadline: Some(now + self.config.greeting_timeout()) };
                if self.our_turn {
                    self.say_hello();
                }
            }
            (Some(Dialect::VidGear), Role::Sender) => self.open_to_vidgear(),
            (Some(Dialect::VidGear) | None, Role::Receiver) => {
                self.phase = Phase::Greeting { deadline: None };
            }
        }
    }

    /// The link is gone.
    ///
    /// # Errors
    /// [`SessionError::FirstFrameUnanswered`] if that is what a VidGear client does that was set up differently.
    pub fn handle_disconnected(&mut self) -> Result<(), SessionError> {
        let is_told =
            self.phase == Phase::Open && self.dialect == Some(Dialect::VidGear) && self.awaits_first_answer();
        let ending = if self.is_leaving() { Ending::Closed } else { Ending::LinkLost };
        self.end(ending);
        if is_told {
            return Err(SessionError::FirstFrameUnanswered { ours: self.config.mode() });
        }
        Ok(())
    }

    /// A message came.
    ///
    /// # Errors
    /// [`SessionError`] if the peer does not fit this end or broke a rule. The session is over then; what
    /// [`Session::poll_output`] still gives should be transmitted, since it lets the peer find out why.
    pub fn handle_message(&mut self, now: Timestamp, message: Multipart) -> Result<(), SessionError> {
        if matches!(self.phase, Phase::Unconnected | Phase::Over(_)) {
            return Ok(());
        }
        self.settle_dialect(&message);
        let handled = self.decode(message).and_then(|message| match message {
            Heard::Native(message) => self.handle(now, message),
            Heard::VidGear(message) => self.handle_vidgear(now, message),
        });
        if handled.is_err() {
            self.end(Ending::Failed);
        }
        handled
    }

    /// The time that [`Session::next_timeout`] named has come.
    ///
    /// # Errors
    /// [`SessionError::GreetingTimeout`] if the peer never said hello.
    pub fn handle_timeout(&mut self, now: Timestamp) -> Result<(), SessionError> {
        if self.next_timeout().is_none_or(|due| now < due) {
            return Ok(());
        }
        match self.phase {
            Phase::Greeting { .. } => {
                self.end(Ending::Failed);
                return Err(SessionError::GreetingTimeout);
            }
            // A VidGear server asks again without an answer (ZMQ_REQ_RELAXED), and so does this end in its place.
            Phase::Leaving { .. } if self.our_turn || self.dialect == Some(Dialect::VidGear) => self.leave(),
            // The turn to say goodbye never came; the peer then finds the link closed.
            Phase::Leaving { .. } | Phase::Confirming { .. } => self.end(Ending::Closed),
            Phase::Open => self.transmit_small(Message::Idle),
            Phase::Unconnected | Phase::Over(_) => {}
        }
        Ok(())
    }

    /// What to do next; `None` once there is nothing more. Call it until then after every other method.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    fn handle(&mut self, now: Timestamp, message: Message) -> Result<(), SessionError> {
        if self.config.pattern() == Pattern::ReqRep {
            if self.our_turn || self.has_untransmitted() {
                return Err(PeerViolation::OutOfTurn.into());
            }
            self.our_turn = true;
            if self.config.role() == Role::Sender {
                self.idle_at = Some(now + self.config.idle_interval());
            }
        }
        match (message, self.peer) {
            (Message::Goodbye, _) => {
                self.end(if self.is_leaving() { Ending::Closed } else { Ending::PeerLeft });
                return Ok(());
            }
            (Message::Hello(hello), None) => self.handle_hello(hello)?,
            (Message::Hello(_), Some(_)) => return Err(PeerViolation::HelloTwice.into()),
            (_, None) => return Err(PeerViolation::HelloMissing.into()),
            (message, Some(_)) => self.handle_exchange(now, message)?,
        }
        self.try_leave();
        Ok(())
    }

    fn handle_hello(&mut self, hello: Hello) -> Result<(), SessionError> {
        // A REP answers even a hello that does not fit, so that the other end finds it out as well.
        if self.config.pattern() == Pattern::ReqRep && self.config.role() == Role::Receiver {
            self.say_hello();
        }
        if hello.version == 0 {
            return Err(PeerViolation::Version.into());
        }
        self.check_fit(&hello)?;
        let Hello { role, pattern, mode, .. } = hello;
        self.open(Peer { dialect: Dialect::Native, role, pattern, mode });
        Ok(())
    }

    fn open(&mut self, peer: Peer) {
        self.peer = Some(peer);
        if !self.is_leaving() {
            self.phase = Phase::Open;
            self.outputs.push_back(Output::Event(Event::Connected(peer)));
        }
    }

    fn check_fit(&self, peer: &Hello) -> Result<(), Mismatch> {
        let role = self.config.role();
        if peer.role == role {
            return Err(Mismatch::SameRole(role));
        }
        if peer.pattern != self.config.pattern() {
            return Err(Mismatch::Pattern { role, ours: self.config.pattern(), theirs: peer.pattern });
        }
        if peer.mode != self.config.mode() {
            return Err(Mismatch::Mode { role, ours: self.config.mode(), theirs: peer.mode });
        }
        Ok(())
    }

    fn handle_exchange(&mut self, now: Timestamp, message: Message) -> Result<(), PeerViolation> {
        let data_allowed = self.config.mode() == Mode::Bidirectional;
        let in_turns = self.config.pattern() == Pattern::ReqRep;
        let untransmitted = self.has_untransmitted();
        match (&mut self.side, message) {
            (Side::Sending(_) | Side::Receiving(_), message) if !data_allowed && carries_data(&message) => {
                Err(PeerViolation::UnidirectionalData)
            }
            (Side::Sending(_), Message::Answer(answer)) if untransmitted => {
                Err(PeerViolation::UnexpectedAnswer { found: answer.sequence })
            }
            (Side::Receiving(_), Message::Frame(frame)) if untransmitted => {
                Err(PeerViolation::FrameOutOfTurn { found: frame.sequence })
            }
            (Side::Sending(_), Message::Answer(answer)) => self.handle_answer(answer),
            (Side::Receiving(_), Message::Frame(message)) => {
                let FrameMessage { sequence, captured_at, frame, data } = message;
                let captured_at = Some(captured_at);
                self.handle_frame(Delivery { frame, data, sequence, captured_at, received_at: now })
            }
            (Side::Sending(sending), Message::Idle) if in_turns => {
                if let Some(expected) = sending.in_flight() {
                    return Err(PeerViolation::FrameNotAnswered { expected });
                }
                if !self.is_leaving() {
                    self.outputs.push_back(Output::Event(Event::CanSend));
                }
                Ok(())
            }
            (Side::Receiving(_), Message::Idle) if in_turns => {
                if !self.is_leaving() {
                    self.transmit_small(Message::Idle);
                }
                Ok(())
            }
            (_, message) => Err(PeerViolation::WrongRole {
                message: name_of(&message),
                role: self.config.role().opposite(),
            }),
        }
    }

    fn handle_answer(&mut self, answer: Answer) -> Result<(), PeerViolation> {
        let Side::Sending(sending) = &mut self.side else { return Ok(()) };
        let has_data = answer.data.is_some();
        sending.handle_answer(answer)?;
        self.stats.data_received += u64::from(has_data);
        self.outputs.push_back(Output::Event(Event::Answered));
        Ok(())
    }

    fn handle_frame(&mut self, delivery: Delivery) -> Result<(), PeerViolation> {
        let Side::Receiving(receiving) = &mut self.side else { return Ok(()) };
        let has_data = delivery.data.is_some();
        receiving.handle_frame(delivery)?;
        self.stats.frames_received += 1;
        self.stats.data_received += u64::from(has_data);
        self.outputs.push_back(Output::Event(Event::FrameArrived));
        Ok(())
    }

    /// Whether a message of this end has not been given to the link yet, so that the peer cannot have heard it.
    fn has_untransmitted(&self) -> bool {
        self.outputs.iter().any(|output| matches!(output, Output::Transmit(_)))
    }

    fn is_leaving(&self) -> bool {
        matches!(self.phase, Phase::Leaving { .. } | Phase::Confirming { .. })
    }

    /// Once closing: leaves as soon as this end may speak, a sender not before its last frame is answered. A receiver that
    /// has no word for it leaves at once.
    fn try_leave(&mut self) {
        let has_word = self.dialect == Some(Dialect::Native) || self.config.role() == Role::Sender;
        if !has_word || (self.our_turn && !self.awaits_answer()) {
            self.leave();
        }
    }

    fn leave(&mut self) {
        let Phase::Leaving { deadline } = self.phase else { return };
        match (self.dialect, self.config.role()) {
            (Some(Dialect::VidGear), Role::Sender) => {
                self.say_goodbye();
                self.phase = Phase::Confirming { until: deadline + self.config.confirmation_timeout() };
            }
            (Some(Dialect::VidGear) | None, Role::Receiver) => self.end(Ending::Closed),
            _ => {
                self.say_goodbye();
                self.end(Ending::Closed);
            }
        }
    }

    fn say_hello(&mut self) {
        self.transmit_small(Message::Hello(Hello {
            version: native::VERSION,
            role: self.config.role(),
            pattern: self.config.pattern(),
            mode: self.config.mode(),
        }));
    }

    fn answer_without_data(&mut self) {
        let Side::Receiving(receiving) = &self.side else { return };
        let Some(sequence) = receiving.unanswered() else { return };
        if self.phase == Phase::Open && self.answer(sequence, None).is_err() {
            self.end(Ending::Failed);
        }
    }

    fn answer(&mut self, sequence: u64, data: Option<Value>) -> Result<(), EncodeError> {
        self.transmit_answer(Answer { sequence, data })?;
        if let Side::Receiving(receiving) = &mut self.side {
            receiving.answered();
        }
        Ok(())
    }

    fn end(&mut self, ending: Ending) {
        if !matches!(self.phase, Phase::Over(_)) {
            self.phase = Phase::Over(ending);
            self.idle_at = None;
            self.outputs.push_back(Output::Event(Event::Over(ending)));
        }
    }
}

fn carries_data(message: &Message) -> bool {
    match message {
        Message::Frame(frame) => frame.data.is_some(),
        Message::Answer(answer) => answer.data.is_some(),
        Message::Hello(_) | Message::Idle | Message::Goodbye => false,
    }
}

fn name_of(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "a hello",
        Message::Frame(_) => "a frame",
        Message::Answer(_) => "an answer",
        Message::Idle => "an idle request",
        Message::Goodbye => "a goodbye",
    }
}
