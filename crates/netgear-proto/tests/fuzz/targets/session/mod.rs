//! One session of any role, pattern, mode, policy and dialect, to which an application, a link, the clock and a peer
//! do anything in any order. The peer says what a peer that keeps the rules would say next, or something near to it,
//! or any bytes.
//!
//! The session takes it or refuses it. It never panics; what it says is in turn, numbered and within the limits; it
//! hands out what it accepted, once and in order; its counters add up, its queues are bounded and no timeout comes
//! round without end.

mod application;
mod peer;

use std::time::Duration;

use netgear_proto::{
    Dialect, Frame, Limits, Mode, Multipart, Pattern, Role, Timestamp, Value, WireFrame,
    native::{self, SessionId},
    session::{Ending, Event, FramePolicy, Output, ResumeToken, Session, SessionConfig, Stats},
    vidgear,
};

use self::{application::Application, peer::Peer};
use super::{ENCODINGS, FILLING, counting_allocator::live, decode, input::Input, trace};

/// Small enough for a short input to go past them.
const SMALL: Limits = Limits::DEFAULT.with_frame_bytes(300).with_data_bytes(1024).with_parts(6);

/// What a session with those holds at most, with what this program notes of it: some messages' worth of data and
/// pixels in each direction.
const MOST_MEMORY: isize = 48 << 10;

/// More outputs than these never come at once.
const MOST_OUTPUTS: usize = 600;

/// More timeouts than these are never due at one moment: the linger time, a greeting or an idle exchange, and the
/// confirmation.
const MOST_TIMEOUTS: usize = 4;

const IDS: [SessionId; 3] =
    [SessionId::ANONYMOUS, SessionId::from_bytes([1; 16]), SessionId::from_bytes([2; 16])];

/// Gives how the session ended, if it did, and its counters.
pub(crate) fn run(input: &[u8]) -> (Option<Ending>, Stats) {
    let before = live();
    let mut input = Input::new(input);
    let mut harness = Harness::new(config(&mut input), before);
    while let Some(operation) = input.next() {
        harness.take(operation, &mut input);
        harness.check();
    }
    harness.drain();
    harness.application.take_all(&mut harness.session);
    harness.check();
    (harness.session.ending(), harness.session.stats())
}

fn config(input: &mut Input<'_>) -> SessionConfig {
    let kinds = input.byte();
    let bit = |at: u8| kinds >> at & 1 == 1;
    let choices = input.byte();
    let token = ResumeToken { peer: IDS[2], data_taken: 3 };
    SessionConfig::new(if bit(0) { Role::Receiver } else { Role::Sender })
        .with_pattern(if bit(1) { Pattern::ReqRep } else { Pattern::Pair })
        .with_mode(if bit(2) { Mode::Unidirectional } else { Mode::Bidirectional })
        .with_dialect(match kinds >> 3 & 3 {
            0 => None,
            1 => Some(Dialect::VidGear),
            _ => Some(Dialect::Native),
        })
        .with_reconnect(bit(5))
        .with_id(IDS[usize::from(bit(6))])
        .with_limits(if bit(7) { Limits::DEFAULT } else { SMALL })
        .with_frame_policy(match choices & 3 {
            0 => FramePolicy::Latest,
            1 => FramePolicy::DropNewest,
            _ => FramePolicy::Block,
        })
        .with_window(u16::from(choices >> 2 & 3) + 1)
        .with_resume((choices & 16 > 0).then_some(token))
        .with_linger(Duration::from_millis(if choices & 32 > 0 { 0 } else { 1000 }))
        .with_encodings(ENCODINGS[usize::from(choices >> 6)])
}

struct Harness {
    session: Session,
    now: Timestamp,
    application: Application,
    peer: Peer,
    /// On REQ/REP, whether it has been spoken to since it spoke itself.
    has_turn: bool,
    is_closing: bool,
    /// How it ended, as its last event said.
    over: Option<Ending>,
    /// The bytes that were live before anything was made.
    base: isize,
}

impl Harness {
    fn new(config: SessionConfig, base: isize) -> Self {
        trace(|| format!("{config:?}"));
        let peer = Peer::of(&config);
        Self {
            session: Session::new(config),
            now: Timestamp::from_micros(1_000_000),
            application: Application::default(),
            peer,
            has_turn: false,
            is_closing: false,
            over: None,
            base,
        }
    }

    fn take(&mut self, operation: u8, input: &mut Input<'_>) {
        trace(|| format!("{} operation {}", self.now, operation % 20));
        match operation % 20 {
            0 | 1 => self.application.send(&mut self.session, input),
            2 => self.application.recv(&mut self.session),
            3 => {
                let dialect = input.choose([Dialect::Native, Dialect::VidGear]);
                self.session.set_dialect(dialect);
            }
            4 => self.application.reply(&mut self.session, input),
            5 => self.application.recv_data(&mut self.session),
            6..10 => {
                let limits = *self.session.config().limits();
                if let Some(message) = self.peer.native_message(&limits, input) {
                    self.hear(message);
                }
            }
            10 => {
                if let Some(message) = self.peer.vidgear_message(input) {
                    self.hear(message);
                }
            }
            11 => {
                let parts = (0..=input.byte() % 4).map(|_| {
                    let len = input.byte().into();
                    bytes::Bytes::copy_from_slice(input.bytes(len))
                });
                let message = parts.collect();
                self.hear(message);
            }
            12 => self.time_out(),
            13 => {
                // The link takes nothing meanwhile.
                self.now = self.now + Duration::from_millis(u64::from(input.byte()) * 8);
                self.pass_timeouts(|_| {});
            }
            14 => self.connect(),
            15 => drop(self.session.handle_disconnected()),
            16 => {
                self.is_closing = true;
                self.session.close(self.now);
            }
            17 => drop(self.poll()),
            18 => self.application.take_undelivered(&mut self.session),
            _ => self.drain(),
        }
        // Most often the link takes at once what there is to say.
        if operation < 200 {
            self.drain();
        }
    }

    fn connect(&mut self) {
        let was_connected = self.session.is_connected();
        self.session.handle_connected(self.now);
        if !was_connected && self.session.is_connected() {
            self.has_turn = self.session.config().role() == Role::Sender;
            self.peer.connected();
        }
    }

    fn hear(&mut self, message: Multipart) {
        trace(|| {
            let said = native::Message::decode(message.clone(), self.session.config().limits());
            format!("{} hears {said:?}: {message:?}", self.now)
        });
        let checked = self.session.check_hello(message.clone());
        let (was_connected, was_open) = (self.session.is_connected(), self.session.is_open());
        let before = self.session.stats();
        self.has_turn = true;
        let handled = self.session.handle_message(self.now, message.clone());
        assert!(was_open || !self.session.is_open() || checked.is_ok(), "what it greets, it would greet");
        if handled.is_err() {
            assert!(!self.session.is_connected());
            assert!(self.session.config().reconnect() || self.session.ending() == Some(Ending::Failed));
        }
        let limits = *self.session.config().limits();
        let dialect = self.session.peer().map(|peer| peer.dialect);
        let after = self.session.stats();
        let accepted = after.data_received - before.data_received;
        if after.frames_received > before.frames_received {
            let frame =
                frame_of(message.clone(), dialect, &limits).expect("it counted a frame where there was none");
            self.application.expect_frame(frame);
        }
        let item = match dialect {
            Some(Dialect::Native) => native::Message::decode(message, &limits).ok().and_then(|message| {
                if handled.is_ok() && was_connected {
                    self.peer.was_heard(&message);
                }
                peer::item(message).map(|item| item.value)
            }),
            Some(Dialect::VidGear) => {
                vidgear::Message::decode(message, &limits).ok().and_then(|message| match message {
                    vidgear::Message::Frame(message) => message.data,
                    vidgear::Message::Return(data) => data,
                    _ => None,
                })
            }
            None => None,
        };
        match accepted {
            0 => {}
            1 => self.application.expect(item.expect("it counted an item where there was none")),
            _ => panic!("one message has one item at most"),
        }
    }

    /// Waits until something is due, and lets it happen.
    fn time_out(&mut self) {
        if let Some(due) = self.session.next_timeout() {
            self.now = self.now.max(due);
            self.pass_timeouts(Self::drain);
        }
    }

    /// Lets happen what is due.
    fn pass_timeouts(&mut self, mut and_then: impl FnMut(&mut Self)) {
        for _ in 0..MOST_TIMEOUTS {
            if self.session.next_timeout().is_none_or(|due| due > self.now) {
                return;
            }
            drop(self.session.handle_timeout(self.now));
            and_then(self);
        }
        panic!("timeouts without end: {:?}", self.session);
    }

    fn drain(&mut self) {
        let mut events = Vec::new();
        for _ in 0..MOST_OUTPUTS {
            match self.poll() {
                None => return,
                Some(Output::Event(event)) => {
                    assert!(!events.contains(&event), "{event:?} twice before it was looked at");
                    events.push(event);
                }
                Some(_) => {}
            }
        }
        panic!("outputs without end: {:?}", self.session);
    }

    fn poll(&mut self) -> Option<Output> {
        let has_output = self.session.has_output();
        let output = self.session.poll_output(self.now);
        assert_eq!(output.is_some(), has_output, "{output:?}");
        let output = output?;
        trace(|| format!("{} {output:?}", self.now));
        assert_eq!(self.over, None, "{output:?} came after the end");
        match &output {
            Output::Transmit(message) => self.note_transmitted(message),
            Output::Event(Event::Over(ending)) => self.over = Some(*ending),
            Output::Event(Event::Disconnected) => assert!(self.session.config().reconnect()),
            // Who comes while this end is closing is not told of, and the peer before may still be.
            Output::Event(Event::Connected(peer)) => {
                assert!(self.is_closing || Some(peer) == self.session.peer(), "{peer:?} is not there");
            }
            _ => {}
        }
        Some(output)
    }

    fn note_transmitted(&mut self, message: &Multipart) {
        let config = self.session.config();
        let limits = config.limits();
        assert!(message.byte_len() <= limits.message_bytes() && message.len() <= limits.parts());
        let parts = message.clone().into_parts().into_iter().map(netgear_proto::Part::into_bytes);
        let message: Multipart = parts.collect();
        let is_native = message.parts().first().and_then(|part| part.pieces()[1].first().copied())
            == Some(native::FIRST_BYTE);
        let may_interrupt = if is_native {
            let said = native::Message::decode(message, limits).expect("it says what can be read");
            self.peer.hear(said);
            false
        } else {
            let said = vidgear::Message::decode(message, limits).expect("it says what can be read");
            // A server asks again without an answer (ZMQ_REQ_RELAXED).
            matches!(said, vidgear::Message::Terminate)
        };
        if config.pattern() == Pattern::ReqRep {
            assert!(self.has_turn || may_interrupt, "it spoke out of turn");
            self.has_turn = false;
        }
    }

    /// What holds always.
    fn check(&mut self) {
        let session = &self.session;
        let (stats, config) = (session.stats(), session.config());
        let window = usize::from(config.window());
        let undecided = (stats.frames_in_flight + stats.frames_waiting) as u64;
        match config.role() {
            Role::Sender => {
                let sum = stats.frames_delivered + stats.frames_dropped.total() + undecided;
                assert_eq!(stats.frames_offered, sum, "{stats:?}");
                assert_eq!(stats.frames_offered, self.application.frames_offered);
                assert_eq!(stats.frames_received, 0);
                assert!(stats.frames_sent - stats.frames_resent <= stats.frames_offered);
                assert!(stats.frames_in_flight + stats.frames_waiting <= window + 1, "{stats:?}");
            }
            Role::Receiver => {
                let taken = self.application.frames_taken;
                assert_eq!(stats.frames_received, taken + stats.frames_waiting as u64, "{stats:?}");
                assert_eq!((stats.frames_offered, stats.frames_sent, stats.frames_in_flight), (0, 0, 0));
                // Those of a former peer that clog no other, and those of one more.
                assert!(stats.frames_waiting <= 2 * window, "{stats:?}");
                assert_eq!(session.has_frame(), stats.frames_waiting > 0);
            }
        }
        assert_eq!(stats.data_to_take, self.application.data_to_take(), "{stats:?}");
        assert!(stats.data_to_take <= 128 && stats.data_waiting <= 256, "{stats:?}");
        // Two messages full of it, or one alone.
        let content = config.limits().frame_bytes() + config.limits().data_bytes();
        assert!(self.application.bytes_to_take() <= 2 * content);
        assert!(stats.data_received >= stats.data_taken);
        let over = session.ending();
        assert!(self.over.is_none() || self.over == over, "an ending is final");
        if over.is_some() {
            assert!(!session.is_open() && !session.is_connected() && !session.can_send());
            assert_eq!(session.next_timeout(), None);
            assert_eq!((stats.data_waiting, undecided * u64::from(config.role() == Role::Sender)), (0, 0));
        }
        if *config.limits() == SMALL {
            let held = live() - self.base;
            assert!(held <= MOST_MEMORY, "{held} bytes are held");
        }
    }
}

/// The frame that a message brings.
fn frame_of(message: Multipart, dialect: Option<Dialect>, limits: &Limits) -> Option<WireFrame> {
    match dialect? {
        Dialect::Native => match native::Message::decode(message, limits).ok()? {
            native::Message::Frame(message) => Some(message.frame),
            _ => None,
        },
        Dialect::VidGear => match vidgear::Message::decode(message, limits).ok()? {
            vidgear::Message::Frame(message) => Some(message.frame.into()),
            _ => None,
        },
    }
}

/// What names a picture: its number.
const NAMED_BY: usize = 8;

/// A frame that no other number gives, of so many bytes.
fn picture(number: u64, bytes: usize) -> Frame {
    let mut pixels = number.to_le_bytes().to_vec();
    pixels.resize(bytes.max(NAMED_BY), FILLING);
    Frame::gray8(pixels.len() as u32, 1, pixels).expect("it has the bytes of its shape")
}

/// Whether this is the picture of that number, raw or encoded.
fn is_picture(frame: &WireFrame, number: u64) -> bool {
    let frame = decode(frame);
    frame == picture(number, frame.pixels().len())
}

/// An item of data that no other number gives, with so many bytes more.
fn item(number: u64, padding: usize) -> Value {
    match padding {
        0 => number.into(),
        _ => Value::List(vec![number.into(), Value::Bytes(vec![0xEE; padding].into())]),
    }
}

fn number_of(item: &Value) -> Option<u64> {
    match item {
        Value::List(parts) => parts.first()?.as_u64(),
        item => item.as_u64(),
    }
}
