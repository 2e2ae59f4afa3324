//! What NetGear says over multipart messages, whoever carries them.
//!
//! A [`Session`] is one end of an exchange of frames and data, as a state machine. It has no socket and no clock:
//! messages and the time go in as arguments, messages and events come out.
//!
//! * getters: [`Session::config`], [`Session::peer`], [`Session::can_send`], [`Session::has_frame`],
//!   [`Session::ending`], …
//! * what the link and the clock do: the `handle_*` methods;
//! * what the application does: [`Session::send`] and [`Session::recv_data`] on a sender, [`Session::recv`] and
//!   [`Session::reply`] on a receiver, [`Session::close`] on either;
//! * what comes of it: [`Session::poll_output`], until it gives `None`, and [`Session::next_timeout`]; after what the
//!   application does, [`Session::has_output`] and [`Session::has_to_be_timed`] say whether there is anything to ask
//!   for.
//!
//! Its peer is another NetGear for Rust or the Python original: [`SessionConfig::dialect`].
//!
//! # One session, many connections
//!
//! With [`SessionConfig::reconnect`] a session outlives its connections: [`Session::handle_disconnected`] and
//! [`Session::handle_connected`] may alternate any number of times.
//!
//! * **Data** is delivered exactly once and in order. Each end numbers its items, keeps them until the other's
//!   application is done with them, and sends again what was lost with a connection. An application that keeps its
//!   [`Session::resume_token`] goes on behind it even when it was restarted. What could not be delivered in the end
//!   is had from [`Session::take_undelivered`].
//! * **Frames** are fresh: [`FramePolicy`] says what becomes of those that the peer is too slow for, or that were
//!   lost with a connection. None comes twice, nor after a later one. The data of a frame that was dropped is not.
//!
//! This holds between two ends. Where a third takes the place of one of them and the former comes back, it is a new
//! one: it gets again what it had received and not taken.
//!
//! # Encoded frames
//!
//! An end says in its hello how frames may be encoded that are sent to it ([`SessionConfig::encodings`]). A sender
//! may give the encoded form of a frame beside it ([`Outgoing::encoded`]), which goes in its place to a peer that
//! decodes it, and to no other. The session neither encodes nor decodes: a receiver that announces encodings takes
//! its frames by [`Session::recv_undecoded`], or has [`Session::next_encoded`] decoded first, so that nothing is
//! taken before it is ready.
//!
//! # The exchange
//!
//! The sender sends as many frames as both ends have room for, and the receiver answers each when its application
//! replies or comes for the next. On REQ/REP (RFC 28) that is one at a time: every message of the sender is a request
//! and every one of the receiver its answer; a sender without anything to send asks idly a few times a second, so
//! that the receiver can speak. On PAIR (RFC 31) either end speaks when it has something to say, if only what it has
//! received.
//!
//! A VidGear peer takes one frame at a time, raw, and numbers nothing: what is in the message that dies with a
//! connection is reported as undelivered.
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
//!     while let Some(output) = from.poll_output(now) {
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

mod arrivals;
mod clock_estimate;
mod config;
mod connecting;
mod error;
mod event;
mod exchange;
mod frame_queue;
mod frames;
mod inbox;
mod latency;
mod outbox;
mod resume_token;
mod speaking;
mod status;
mod vidgear;
mod wording;

use alloc::{boxed::Box, collections::VecDeque, vec::Vec};
use core::mem;

use self::{
    arrivals::Arrivals, clock_estimate::ClockEstimate, frame_queue::FrameQueue, inbox::Inbox,
    latency::LatencyHistogram, outbox::Outbox, wording::Heard,
};
use crate::{
    Dialect, EncodedFrame, Mode, Multipart, Role, Timestamp, Value, WireFrame,
    native::{self, SessionId},
};

pub use self::{
    config::SessionConfig,
    error::{EncodeError, Mismatch, PeerViolation, ReplyError, SendError, SessionError},
    event::{Ending, Event, Output, Peer, Stats},
    frame_queue::{Drops, FramePolicy},
    frames::{Delivery, Latency, Outgoing},
    latency::LatencyPercentiles,
    resume_token::{ResumeToken, ResumeTokenError},
};

/// Items of returned data beyond which a sender takes no further frame.
const MOST_RETURNED: usize = 64;

/// Undelivered items of a VidGear session that are kept until the application comes for them.
const MOST_UNDELIVERED: usize = 64;

/// Where the session stands with its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Link {
    Down,
    /// Without a deadline if the peer says nothing before its first frame.
    Greeting {
        deadline: Option<Timestamp>,
    },
    Open,
    /// The goodbye is said, and a VidGear client confirms it.
    Confirming {
        until: Timestamp,
    },
}

/// What a REP has been asked, or a REQ has asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Request {
    /// A frame: its answer comes when the application is done with it.
    Frame,
    /// Anything else: its answer comes at once.
    Other,
}

/// One end of an exchange of frames and data. The [module](self) has the overview.
#[derive(Debug)]
pub struct Session {
    config: SessionConfig,
    link: Link,
    /// Until when this end waits before it says goodbye, once it is closing.
    leaving: Option<Timestamp>,
    /// It has waited long enough.
    leaves_now: bool,
    ending: Option<Ending>,
    /// `None` while a receiver waits for the peer's first message to tell.
    dialect: Option<Dialect>,
    /// The peer on this connection, or that on the last.
    peer: Option<Peer>,
    /// The session that was spoken with last.
    last_peer: SessionId,
    /// The peer whose data is received has said more than its hello, so that it has heard this end's.
    has_met: bool,
    /// What its peer has of this end cannot be: it begins anew with it, under no name.
    is_nameless: bool,
    /// On REQ/REP, whether it is this end's turn to speak; on PAIR, whether there is a connection.
    our_turn: bool,
    request: Request,
    /// When a REQ without anything to send gives the REP its turn.
    idle_at: Option<Timestamp>,
    /// When what was received is acknowledged on PAIR, if nothing else is said before.
    acknowledge_at: Option<Timestamp>,
    /// One of these two is due.
    idle_is_due: bool,
    /// The last that was said was such a request.
    asked_idly: bool,
    /// The application was refused, and wants to know when it may try again.
    refused: bool,
    // Bounded: of each event there is one at most, and of messages that wait in here a hello, and with VidGear one
    // answer and the goodbye. All others are made when they are asked for.
    outputs: VecDeque<Output>,
    scratch: native::Scratch,
    outbox: Outbox,
    inbox: Inbox,
    frames: FrameQueue,
    arrivals: Arrivals,
    clock: ClockEstimate,
    latency: LatencyHistogram,
    /// The clock's offset as the sender says.
    told_clock: Option<native::ClockOffset>,
    undelivered: VecDeque<Value>,
    /// What was last said to a VidGear peer, which has not shown yet that it heard it.
    unconfirmed: Option<Value>,
    opened: u64,
    counted: Stats,
}

/// What the application does.
impl Session {
    /// A session that waits for its link.
    pub fn new(config: SessionConfig) -> Self {
        let limits = config.limits();
        Self {
            link: Link::Down,
            leaving: None,
            leaves_now: false,
            ending: None,
            dialect: config.dialect(),
            peer: None,
            last_peer: SessionId::ANONYMOUS,
            has_met: config.resume().is_some(),
            is_nameless: false,
            our_turn: false,
            request: Request::Other,
            idle_at: None,
            acknowledge_at: None,
            idle_is_due: false,
            asked_idly: false,
            refused: false,
            outputs: VecDeque::new(),
            scratch: native::Scratch::default(),
            outbox: Outbox::new(limits),
            inbox: Inbox::new(limits, config.resume()),
            frames: FrameQueue::new(config.frame_policy(), config.window().into()),
            arrivals: Arrivals::new(config.window().into(), limits.frame_bytes()),
            clock: ClockEstimate::default(),
            latency: LatencyHistogram::default(),
            told_clock: None,
            undelivered: VecDeque::new(),
            unconfirmed: None,
            opened: 0,
            counted: Stats::default(),
            config,
        }
    }

    /// The same, as though it had so many frames and items of data behind it: for tests of what comes after years.
    #[doc(hidden)]
    #[must_use]
    pub fn with_so_many_behind(mut self, count: u64) -> Self {
        self.outbox.begin_at(count);
        self.frames.begin_at(count);
        self
    }

    /// Takes a frame for sending. From then on its data is delivered, or reported as undelivered in the end, whatever
    /// [`SessionConfig::frame_policy`] makes of the frame.
    ///
    /// # Errors
    /// [`SendError::Busy`] hands the frame back when it cannot be taken yet, and [`SendError::ReturnedDataWaiting`]
    /// when 64 items of returned data wait to be taken, or as many bytes as one message may hold. The other variants
    /// say what is wrong with the frame, or that the session cannot send.
    pub fn send(&mut self, outgoing: Outgoing) -> Result<(), SendError> {
        let outgoing = self.ask_to_send(outgoing)?;
        if self.dialect == Some(Dialect::VidGear) {
            return Ok(self.send_to_vidgear(outgoing)?);
        }
        let Outgoing { frame, encoded, data, captured_at } = outgoing;
        let encoded = encoded.filter(|encoded| encoded.bytes().len() < frame.pixels().len());
        let item = data.map(|data| self.outbox.push(data));
        self.frames.offer(frame, encoded, captured_at, item, self.may_speak());
        Ok(())
    }

    /// Checks what [`Session::send`] would refuse, and sends nothing: a frame that would be taken is given back, so
    /// that costly work such as encoding is done for no other. The peer is then known. After [`SendError::Busy`],
    /// [`Event::CanSend`] says when to ask again.
    ///
    /// # Errors
    /// Those of [`Session::send`]. What is too large for a VidGear message shows only there.
    pub fn ask_to_send(&mut self, mut outgoing: Outgoing) -> Result<Outgoing, SendError> {
        if self.config.role() != Role::Sender {
            return Err(SendError::NotSender);
        }
        if self.leaving.is_some() || self.ending.is_some() {
            return Err(SendError::Over);
        }
        if outgoing.data.is_some() && self.config.mode() == Mode::Unidirectional {
            return Err(SendError::Unidirectional);
        }
        if let Some(encoded) = outgoing.encoded.take_if(|encoded| !encoded.promises(&outgoing.frame)) {
            return Err(SendError::EncodedOtherwise { encoded });
        }
        if self.has_much_returned() {
            let items = self.inbox.waiting();
            return Err(SendError::ReturnedDataWaiting { items, outgoing: Box::new(outgoing) });
        }
        let has_room = outgoing.data.as_ref().is_none_or(|data| self.outbox.has_room_for(data));
        if !has_room || !self.can_send() {
            self.refused = true;
            return Err(SendError::Busy(Box::new(outgoing)));
        }
        if self.dialect != Some(Dialect::VidGear) {
            let raw = WireFrame::Raw(outgoing.frame.clone());
            native::check(Some(&raw), outgoing.data.as_ref(), self.config.limits())
                .map_err(EncodeError::from)?;
        }
        Ok(outgoing)
    }

    /// The next item of data, oldest first: at a sender what came back, at a receiver what had lost its frame. The
    /// application is done with what it took before, be that from here or with a frame.
    ///
    /// A receiver gets here only what comes before the data of the next frame; [`Session::recv`] gives it all the
    /// same.
    pub fn recv_data(&mut self) -> Option<Value> {
        self.counted.data_taken += self.inbox.done() as u64;
        self.inbox.take_loose(self.arrivals.items_before_next().unwrap_or(u64::MAX))
    }

    /// The next frame that arrived, if one did. A frame received before and not replied to is answered without data,
    /// and the application is done with its data.
    ///
    /// In a unidirectional session the frame is answered as it is taken, and the next one may come while the
    /// application still looks at this one.
    ///
    /// An encoded frame is not given and stays where it is: [`Session::recv_undecoded`] gives it. None comes to an
    /// end that announces none by [`SessionConfig::encodings`].
    pub fn recv(&mut self) -> Option<Delivery> {
        self.be_done_with_frame()?;
        if self.next_encoded().is_some() {
            return None;
        }
        let (delivery, frame) = self.take_frame()?.exchange_frame(());
        match frame {
            WireFrame::Raw(frame) => Some(delivery.exchange_frame(frame).0),
            WireFrame::Encoded(_) => None,
        }
    }

    /// The next frame that arrived, as it came; otherwise as [`Session::recv`].
    pub fn recv_undecoded(&mut self) -> Option<Delivery<WireFrame>> {
        self.be_done_with_frame()?;
        self.take_frame()
    }

    /// The next frame, if it is encoded: so that it can be decoded before it is taken. It stays the next one until it
    /// is taken, whatever comes meanwhile.
    pub fn next_encoded(&self) -> Option<&EncodedFrame> {
        self.arrivals.next_encoded()
    }

    /// Counts a frame that was taken, and could not be decoded.
    pub fn note_undecodable(&mut self) {
        self.counted.frames_undecodable += 1;
    }

    /// The application comes for the next frame, if it may.
    fn be_done_with_frame(&mut self) -> Option<()> {
        if self.config.role() != Role::Receiver {
            return None;
        }
        self.answer(None).ok()?;
        self.counted.data_taken += self.inbox.done() as u64;
        Some(())
    }

    fn take_frame(&mut self) -> Option<Delivery<WireFrame>> {
        let arrived = self.arrivals.take()?;
        let mut delivery = arrived.delivery;
        while let Some(value) = self.inbox.take_loose(arrived.items_before) {
            delivery.earlier.push(value);
        }
        delivery.data = arrived.own.map(|entry| self.inbox.hand(entry));
        if self.config.mode() == Mode::Unidirectional {
            self.answer(None).ok()?;
        }
        Some(delivery)
    }

    /// Answers the frame received last with data.
    ///
    /// # Errors
    /// [`ReplyError`] if there is nothing to answer, or the data cannot be sent; the frame then still waits for its
    /// answer.
    pub fn reply(&mut self, data: impl Into<Value>) -> Result<(), ReplyError> {
        if self.config.role() != Role::Receiver {
            return Err(ReplyError::NotReceiver);
        }
        if self.config.mode() == Mode::Unidirectional {
            return Err(ReplyError::Unidirectional);
        }
        if self.leaving.is_some() || self.ending.is_some() {
            return Err(ReplyError::Over);
        }
        if !self.arrivals.is_in_hand() {
            return Err(ReplyError::NothingToAnswer);
        }
        let data = data.into();
        if !self.outbox.has_room_for(&data) {
            self.refused = true;
            return Err(ReplyError::Busy(Box::new(data)));
        }
        Ok(self.answer(Some(data))?)
    }

    /// Leaves, once every frame that was taken for sending is answered and all data of this end is received, after
    /// [`SessionConfig::linger`] at the latest; without a connection it waits so long for another, if there was a
    /// peer to take leave of. [`Event::Over`] follows the goodbye in the outputs. Of data that came, what the
    /// application has it is done with.
    ///
    /// A VidGear client has [`SessionConfig::confirmation_timeout`] more to confirm the goodbye; a VidGear server has
    /// no word for a receiver's leaving, and is told none.
    pub fn close(&mut self, now: Timestamp) {
        if self.leaving.is_some() || self.ending.is_some() {
            return;
        }
        // A VidGear server gets its answer; a REP of the native dialect may say goodbye in the place of it.
        let _ = self.answer(None);
        self.counted.data_taken += self.inbox.done() as u64;
        self.leaving = Some(now + self.config.linger());
        self.idle_at = self.idle_at.filter(|_| !self.is_drained());
        match self.link {
            Link::Down if self.is_done_without_a_link() => self.end(Ending::Closed),
            _ if self.dialect == Some(Dialect::Native) => {}
            _ => self.try_leave_vidgear(),
        }
    }

    /// Ends at once, without a goodbye: there will be no further link.
    pub fn abort(&mut self) {
        self.end(if self.leaving.is_some() { Ending::Closed } else { Ending::LinkLost });
    }

    /// Data of this end that is not known to have been received, oldest first, each once: once the session is over
    /// ([`Session::ending`] says why) all that was left, and in a session with a VidGear peer what was in a message
    /// that died with its connection. Of the latter no more than the last 64 wait in here.
    pub fn take_undelivered(&mut self) -> Vec<Value> {
        self.undelivered.drain(..).collect()
    }
}

/// What the link and the clock do. `connecting` has the beginning and the end of a connection.
impl Session {
    /// A message came.
    ///
    /// # Errors
    /// [`SessionError`] if the peer does not fit this end or broke a rule. The session is over then, or with
    /// [`SessionConfig::reconnect`] the connection is; what [`Session::poll_output`] still gives should be
    /// transmitted before the link is closed, since it lets the peer find out why.
    pub fn handle_message(&mut self, now: Timestamp, message: Multipart) -> Result<(), SessionError> {
        if self.link == Link::Down || self.ending.is_some() {
            return Ok(());
        }
        self.counted.bytes_received += message.byte_len() as u64;
        let handled = self.decode(message).and_then(|message| match message {
            Heard::Native(message) => self.handle_native(now, message),
            Heard::VidGear(message) => self.handle_vidgear(now, message),
        });
        if let Err(error) = &handled {
            self.give_up(error);
        }
        handled
    }

    /// The time that [`Session::next_timeout`] named has come.
    ///
    /// # Errors
    /// [`SessionError::GreetingTimeout`] if the peer never said hello; as with [`Session::handle_message`].
    pub fn handle_timeout(&mut self, now: Timestamp) -> Result<(), SessionError> {
        if self.next_timeout().is_none_or(|due| now < due) {
            return Ok(());
        }
        let is_confirming = matches!(self.link, Link::Confirming { .. });
        if self.leaving.is_some_and(|deadline| deadline <= now) && !is_confirming && !self.leaves_now {
            self.leave_now();
            return Ok(());
        }
        match self.link {
            Link::Greeting { .. } => {
                self.give_up(&SessionError::GreetingTimeout);
                return Err(SessionError::GreetingTimeout);
            }
            Link::Open => {
                self.idle_is_due = true;
                (self.idle_at, self.acknowledge_at) = (None, None);
            }
            Link::Confirming { .. } => self.end(Ending::Closed),
            Link::Down => {}
        }
        Ok(())
    }

    /// What to do next; `None` once there is nothing more. Call it until then after every other method, when the link
    /// can take a message: each is made at this moment, with the newest frame and what is known by now.
    pub fn poll_output(&mut self, now: Timestamp) -> Option<Output> {
        if self.outputs.is_empty()
            && let Some(word) = self.next_word()
        {
            self.speak(now, word);
        }
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        if self.may_try_again() {
            self.refused = false;
            return Some(Output::Event(Event::CanSend));
        }
        self.arm_acknowledgement(now);
        None
    }

    /// Whether so much returned data waits that no further frame is taken ([`SendError::ReturnedDataWaiting`]), or
    /// what the application never takes would grow without end.
    pub fn has_much_returned(&self) -> bool {
        self.inbox.waiting() >= MOST_RETURNED
            || self.inbox.waiting_bytes() >= self.config.limits().content_bytes()
    }

    /// Whether the application was refused and would not be now.
    fn may_try_again(&self) -> bool {
        let could = match self.config.role() {
            Role::Sender => self.can_send(),
            Role::Receiver => self.outbox.has_room() && self.ending.is_none() && self.leaving.is_none(),
        };
        self.refused && could
    }

    /// Whether the connection takes a message of the exchange at once.
    fn may_speak(&self) -> bool {
        self.link == Link::Open && self.our_turn
    }

    /// Whether all that this end had to say is said and received.
    fn is_drained(&self) -> bool {
        self.frames.is_idle() && (self.dialect == Some(Dialect::VidGear) || self.outbox.is_received())
    }

    /// Whether no other connection is needed. Not even for a goodbye: a peer that was there waits until it hears one.
    fn is_done_without_a_link(&self) -> bool {
        self.is_drained() && (self.peer.is_none() || self.dialect == Some(Dialect::VidGear))
    }

    /// The application is done with the frame that it has.
    fn answer(&mut self, data: Option<Value>) -> Result<(), EncodeError> {
        if self.dialect == Some(Dialect::VidGear) {
            return self.answer_vidgear(data);
        }
        if let Some(data) = data {
            native::check(None, Some(&data), self.config.limits())?;
            self.outbox.push(data);
        }
        self.arrivals.done();
        Ok(())
    }

    /// Says once what has happened, as it was the last time and behind what was before that.
    fn tell(&mut self, event: Event) {
        let is_same = |output: &Output| matches!(output, Output::Event(told) if mem::discriminant(told) == mem::discriminant(&event));
        if let Some(at) = self.outputs.iter().position(is_same) {
            self.outputs.remove(at);
        }
        self.outputs.push_back(Output::Event(event));
    }

    fn end(&mut self, ending: Ending) {
        if self.ending.is_none() {
            self.ending = Some(ending);
            self.link = Link::Down;
            self.frames.end();
            let mut undelivered = self.outbox.take_undelivered();
            self.counted.data_undelivered += undelivered.len() as u64;
            self.undelivered.extend(undelivered.drain(..));
            self.note_unconfirmed();
            self.tell(Event::Over(ending));
        }
    }
}
