//! Two sessions, what carries their messages, and a clock: all in memory, so that a test takes no time.

use std::{collections::VecDeque, time::Duration};

use netgear_proto::{
    Dialect, Frame, Limits, Mode, Multipart, Pattern, Role, Timestamp, Value,
    native::{
        Acknowledgement, Answer, DataMessage, FrameMessage, Goodbye, Hello, Item, Message, Room, SessionId,
    },
    session::{Delivery, Ending, Event, FramePolicy, Outgoing, Output, Session, SessionConfig, SessionError},
};

pub(crate) const BOTH_PATTERNS: [Pattern; 2] = [Pattern::Pair, Pattern::ReqRep];

/// Limits under which the harness reads what an end says: no test says more.
const GENEROUS: Limits = Limits::DEFAULT;

/// A small frame that no other number gives.
pub(crate) fn picture(number: u64) -> Frame {
    Frame::gray8(8, 1, number.to_le_bytes().to_vec()).unwrap()
}

pub(crate) fn outgoing(number: u64) -> Outgoing {
    Outgoing::new(picture(number), Timestamp::from_micros(number))
}

pub(crate) fn hello(role: Role, pattern: Pattern, mode: Mode) -> Message {
    Message::Hello(Hello { room: room(pattern), ..Hello::new(role, pattern, mode) })
}

/// What an end of [`config`] has room for.
pub(crate) fn room(pattern: Pattern) -> Room {
    let (frame_bytes, data_bytes) = (128 << 20, 16 << 20);
    let frames = if pattern == Pattern::Pair { 2 } else { 1 };
    Room { frames, frame_bytes, items: 128, item_bytes: 2 * (frame_bytes + data_bytes) }
}

/// A frame whose data, if it has any, is the first of all.
pub(crate) fn frame_message(sequence: u64, data: Option<Value>) -> Message {
    frame_with_item(sequence, item(0, data))
}

pub(crate) fn frame_with_item(sequence: u64, item: Option<Item>) -> Message {
    let captured_at = Timestamp::from_micros(sequence);
    let message = FrameMessage::new(sequence, captured_at, picture(sequence));
    Message::Frame(FrameMessage { sent_at: Timestamp::ZERO, item, ..message })
}

/// An answer whose data, if it has any, is the first of all.
pub(crate) fn answer_message(sequence: u64, data: Option<Value>) -> Message {
    answer_with_item(sequence, item(0, data))
}

pub(crate) fn answer_with_item(sequence: u64, item: Option<Item>) -> Message {
    Message::Answer(Answer { item, ..Answer::new(sequence) })
}

pub(crate) fn data_message(number: u64) -> Message {
    let item = Item { number, value: number.into() };
    Message::Data(DataMessage { acknowledgement: Acknowledgement::default(), item })
}

pub(crate) fn item(number: u64, value: Option<Value>) -> Option<Item> {
    value.map(|value| Item { number, value })
}

pub(crate) fn idle() -> Message {
    Message::Idle(Acknowledgement::default())
}

pub(crate) fn goodbye() -> Message {
    Message::Goodbye(Goodbye::default())
}

/// In lock-step, but for the frame that waits: what most rules are shown with.
pub(crate) fn config(role: Role, pattern: Pattern, mode: Mode) -> SessionConfig {
    SessionConfig::new(role)
        .with_pattern(pattern)
        .with_mode(mode)
        .with_dialect(Dialect::Native)
        .with_frame_policy(FramePolicy::Block)
}

/// As [`config`], of a session that outlives its connections.
pub(crate) fn lasting(role: Role, pattern: Pattern, mode: Mode) -> SessionConfig {
    let id = SessionId::from_bytes([if role == Role::Sender { 1 } else { 2 }; 16]);
    config(role, pattern, mode).with_id(id).with_reconnect(true)
}

/// What a message says, without the times and without what has been received.
pub(crate) fn plain(mut message: Message) -> Message {
    match &mut message {
        Message::Frame(message) => {
            (message.sent_at, message.clock) = (Timestamp::ZERO, None);
            message.acknowledgement = Acknowledgement::default();
        }
        Message::Answer(answer) => {
            (answer.sent_at, answer.arrived_at) = (Timestamp::ZERO, Timestamp::ZERO);
            answer.acknowledgement = Acknowledgement::default();
        }
        Message::Data(message) => message.acknowledgement = Acknowledgement::default(),
        Message::Idle(acknowledgement) => *acknowledgement = Acknowledgement::default(),
        Message::Goodbye(goodbye) => *goodbye = Goodbye::default(),
        Message::Hello(_) => {}
    }
    message
}

/// One session, and everything that it ever said. Each message is held against the rules that hold always: REQ and
/// REP speak in turns, no frame is encoded otherwise than the peer said, and nothing is said after [`Event::Over`].
pub(crate) struct End {
    pub(crate) session: Session,
    /// What it said, [`plain`].
    pub(crate) said: Vec<Message>,
    /// What it said, as it is.
    pub(crate) said_in_full: Vec<Message>,
    pub(crate) events: Vec<Event>,
    pub(crate) failure: Option<SessionError>,
    heard_since_it_spoke: bool,
}

impl End {
    pub(crate) fn new(config: SessionConfig) -> Self {
        let speaks_first = config.role() == Role::Sender;
        Self {
            session: Session::new(config),
            said: Vec::new(),
            said_in_full: Vec::new(),
            events: Vec::new(),
            failure: None,
            heard_since_it_spoke: speaks_first,
        }
    }

    /// An end that is connected, and has taken and sent its hello.
    pub(crate) fn open(role: Role, pattern: Pattern, mode: Mode) -> Self {
        let mut end = Self::new(config(role, pattern, mode));
        end.session.handle_connected(Timestamp::ZERO);
        end.hear(hello(role.opposite(), pattern, mode)).unwrap();
        end.drain();
        assert!(matches!(end.events[..], [Event::Connected(_)]), "{:?}", end.events);
        end
    }

    /// Another connection is there: on REQ/REP the turns begin anew.
    pub(crate) fn connected(&mut self, now: Timestamp) {
        self.heard_since_it_spoke = self.session.config().role() == Role::Sender;
        self.session.handle_connected(now);
    }

    /// What this end says because of what was done with its session.
    pub(crate) fn drain(&mut self) -> Vec<Multipart> {
        self.drain_at(Timestamp::ZERO)
    }

    pub(crate) fn drain_at(&mut self, now: Timestamp) -> Vec<Multipart> {
        let mut messages = Vec::new();
        loop {
            let has_output = self.session.has_output();
            let output = self.session.poll_output(now);
            assert_eq!(output.is_some(), has_output, "{output:?}");
            let Some(output) = output else { break };
            assert_eq!(self.ended(), None, "{output:?} came after the end");
            match output {
                Output::Event(event) => self.events.push(event),
                Output::Transmit(message) => {
                    if self.session.config().pattern() == Pattern::ReqRep {
                        assert!(self.heard_since_it_spoke, "it spoke out of turn: {:?}", self.said);
                        self.heard_since_it_spoke = false;
                    }
                    let said = Message::decode(message.clone(), &GENEROUS).unwrap();
                    self.check_encoding(&said);
                    self.said.push(plain(said.clone()));
                    self.said_in_full.push(said);
                    messages.push(message);
                }
                other => panic!("{other:?}"),
            }
        }
        messages
    }

    /// No frame goes encoded to a peer that did not say that it decodes it.
    fn check_encoding(&self, said: &Message) {
        if let Message::Frame(message) = said {
            let peer = self.session.peer().expect("a frame goes to a peer");
            assert!(peer.encodings.contains(message.frame.encoding()), "{:?} to {peer:?}", message.frame);
        }
    }

    /// Takes what a peer says, and what comes of it.
    pub(crate) fn hear(&mut self, message: Message) -> Result<(), SessionError> {
        self.hear_raw(Timestamp::ZERO, message.encode(&GENEROUS).unwrap())
    }

    pub(crate) fn hear_raw(&mut self, now: Timestamp, message: Multipart) -> Result<(), SessionError> {
        // A real link gives a message to the wire before it gets the answer.
        self.drain();
        self.handle(now, message)
    }

    /// As [`End::hear_raw`], from a peer that does not wait for what this end has to say.
    pub(crate) fn handle(&mut self, now: Timestamp, message: Multipart) -> Result<(), SessionError> {
        self.heard_since_it_spoke = true;
        let handled = self.session.handle_message(now, message);
        if let Err(error) = &handled {
            self.failure.get_or_insert(error.clone());
            if !self.session.config().reconnect() {
                assert_eq!(self.session.ending(), Some(Ending::Failed));
            }
            assert!(!self.session.is_connected());
        }
        handled
    }

    /// Takes a frame that has arrived, and answers the one before.
    pub(crate) fn recv(&mut self) -> Option<Delivery> {
        let delivery = self.session.recv();
        self.drain();
        delivery
    }

    /// How it ended, as its last event says.
    pub(crate) fn ended(&self) -> Option<Ending> {
        match self.events.last() {
            Some(Event::Over(ending)) => Some(*ending),
            _ => None,
        }
    }

    pub(crate) fn count(&self, event: Event) -> usize {
        self.events.iter().filter(|found| **found == event).count()
    }
}

#[derive(Debug)]
enum Carried {
    Message(Multipart),
    /// What a link has last.
    Closed,
}

/// One direction of a link: in order, each thing when it is due.
#[derive(Debug, Default)]
struct Direction {
    on_its_way: VecDeque<(Timestamp, Carried)>,
    closed: bool,
}

impl Direction {
    fn put(&mut self, due: Timestamp, carried: Carried) {
        if self.closed {
            return;
        }
        self.closed = matches!(carried, Carried::Closed);
        let earliest = self.on_its_way.back().map_or(due, |(last, _)| due.max(*last));
        self.on_its_way.push_back((earliest, carried));
    }

    fn next_due(&self) -> Option<Timestamp> {
        self.on_its_way.front().map(|(due, _)| *due)
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Carried> {
        if self.next_due()? > now {
            return None;
        }
        self.on_its_way.pop_front().map(|(_, carried)| carried)
    }
}

/// Two ends and the link between them. An end that is over closes it, as a transport does.
pub(crate) struct Link {
    pub(crate) now: Timestamp,
    /// What the first end says takes the next of these to arrive; they come round again, and none means at once.
    pub(crate) delays: Vec<Duration>,
    carried: usize,
    pub(crate) sender: End,
    pub(crate) receiver: End,
    to_receiver: Direction,
    to_sender: Direction,
}

impl Link {
    pub(crate) fn between(sender: SessionConfig, receiver: SessionConfig) -> Self {
        Self {
            now: Timestamp::from_micros(1_000_000),
            delays: Vec::new(),
            carried: 0,
            sender: End::new(sender),
            receiver: End::new(receiver),
            to_receiver: Direction::default(),
            to_sender: Direction::default(),
        }
    }

    pub(crate) fn new(pattern: Pattern, mode: Mode) -> Self {
        Self::between(config(Role::Sender, pattern, mode), config(Role::Receiver, pattern, mode))
    }

    /// A link whose ends have said hello.
    pub(crate) fn open(pattern: Pattern, mode: Mode) -> Self {
        let mut link = Self::new(pattern, mode);
        link.connect();
        assert!(matches!(link.sender.events[..], [Event::Connected(_)]), "{:?}", link.sender.events);
        assert!(matches!(link.receiver.events[..], [Event::Connected(_)]), "{:?}", link.receiver.events);
        link
    }

    pub(crate) fn connect(&mut self) {
        self.sender.session.handle_connected(self.now);
        self.receiver.session.handle_connected(self.now);
        self.settle();
    }

    /// Carries what is due, until nothing more is.
    pub(crate) fn settle(&mut self) {
        loop {
            self.give_to_wire();
            if !self.deliver_one() {
                return;
            }
        }
    }

    /// Lets the time pass, with every delivery and every timeout at its moment.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        self.settle();
        while let Some(due) = self.next_due().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            for end in [&mut self.sender, &mut self.receiver] {
                if let Err(error) = end.session.handle_timeout(self.now) {
                    end.failure.get_or_insert(error);
                }
            }
            self.settle();
        }
        self.now = end;
    }

    /// The link breaks: what was on its way is gone.
    pub(crate) fn cut(&mut self) {
        self.settle();
        for direction in [&mut self.to_receiver, &mut self.to_sender] {
            *direction = Direction { on_its_way: VecDeque::new(), closed: true };
        }
        self.sender.session.handle_disconnected().unwrap();
        self.receiver.session.handle_disconnected().unwrap();
        self.settle();
    }

    /// A link again, after [`Link::cut`].
    pub(crate) fn reconnect(&mut self) {
        for direction in [&mut self.to_receiver, &mut self.to_sender] {
            *direction = Direction::default();
        }
        self.sender.connected(self.now);
        self.receiver.connected(self.now);
        self.settle();
    }

    /// One end is killed and started again; the other learns that the link is gone.
    pub(crate) fn restart(&mut self, role: Role, config: SessionConfig) {
        self.cut();
        *self.end(role) = End::new(config);
    }

    pub(crate) fn send(&mut self, outgoing: Outgoing) {
        self.sender.session.send(outgoing).unwrap();
        self.settle();
    }

    pub(crate) fn recv(&mut self) -> Option<Delivery> {
        let delivery = self.receiver.session.recv();
        self.settle();
        delivery
    }

    pub(crate) fn reply(&mut self, data: impl Into<Value>) {
        self.receiver.session.reply(data).unwrap();
        self.settle();
    }

    pub(crate) fn close(&mut self, role: Role) {
        let now = self.now;
        self.end(role).session.close(now);
        self.settle();
    }

    pub(crate) fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Sender => &mut self.sender,
            Role::Receiver => &mut self.receiver,
        }
    }

    pub(crate) fn endings(&self) -> (Option<Ending>, Option<Ending>) {
        (self.sender.ended(), self.receiver.ended())
    }

    fn next_due(&self) -> Option<Timestamp> {
        [
            self.to_receiver.next_due(),
            self.to_sender.next_due(),
            self.sender.session.next_timeout(),
            self.receiver.session.next_timeout(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn give_to_wire(&mut self) {
        for (end, direction) in
            [(&mut self.sender, &mut self.to_receiver), (&mut self.receiver, &mut self.to_sender)]
        {
            for message in end.drain_at(self.now) {
                let delay = match self.delays.len() {
                    0 => Duration::ZERO,
                    len => self.delays[self.carried % len],
                };
                self.carried += 1;
                direction.put(self.now + delay, Carried::Message(message));
            }
            if end.ended().is_some() {
                direction.put(self.now, Carried::Closed);
            }
        }
    }

    fn deliver_one(&mut self) -> bool {
        for (end, direction) in
            [(&mut self.receiver, &mut self.to_receiver), (&mut self.sender, &mut self.to_sender)]
        {
            match direction.take_due(self.now) {
                // The error is kept by the end that found it.
                Some(Carried::Message(message)) => drop(end.handle(self.now, message)),
                Some(Carried::Closed) => end.session.handle_disconnected().unwrap(),
                None => continue,
            }
            return true;
        }
        false
    }
}
