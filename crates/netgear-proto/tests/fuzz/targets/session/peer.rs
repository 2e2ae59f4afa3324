use std::collections::VecDeque;

use netgear_proto::{
    Limits, Mode, Multipart, Pattern, Role, Timestamp, WireFrame,
    native::{
        Acknowledgement, Answer, ClockOffset, DataMessage, FrameMessage, Goodbye, Hello, Item, Message,
        Resume, Room, SessionId,
    },
    session::SessionConfig,
    vidgear,
};

use super::{IDS, NAMED_BY, is_picture, item as data, number_of, picture};
use crate::targets::{ENCODINGS, GIVEN_AS, encode, input::Input};

/// What a peer that keeps the rules would know, so that what it says next is often right.
#[derive(Debug)]
pub(super) struct Peer {
    role: Role,
    pattern: Pattern,
    mode: Mode,
    /// The identity of the session.
    theirs: SessionId,
    id: SessionId,
    their_hello: Option<Hello>,
    our_hello: Option<Hello>,
    /// The numbers that are due next.
    frame: u64,
    item: u64,
    /// Frames of the session that are not answered.
    unanswered: VecDeque<u64>,
    /// What came of the session on this connection.
    heard: Acknowledgement,
    heard_item: bool,
    heard_frame: Option<u64>,
    next_answer: u64,
    /// So many values it has made, so that no two are the same.
    values: u64,
}

impl Peer {
    /// The one that a session of this kind would get on with.
    pub(super) fn of(config: &SessionConfig) -> Self {
        Self {
            role: config.role().opposite(),
            pattern: config.pattern(),
            mode: config.mode(),
            theirs: config.id(),
            id: SessionId::ANONYMOUS,
            their_hello: None,
            our_hello: None,
            frame: 0,
            item: 0,
            unanswered: VecDeque::new(),
            heard: Acknowledgement::default(),
            heard_item: false,
            heard_frame: None,
            next_answer: 0,
            values: 0,
        }
    }

    pub(super) fn connected(&mut self) {
        (self.their_hello, self.our_hello) = (None, None);
        self.unanswered.clear();
        self.heard_item = false;
        self.heard_frame = None;
    }

    /// The session says something, which is held against the rules.
    pub(super) fn hear(&mut self, message: Message) {
        match &message {
            Message::Hello(hello) => {
                assert_eq!(self.their_hello, None, "it says hello twice");
                self.their_hello = Some(*hello);
                self.settle();
            }
            Message::Frame(message) => {
                assert!(self.heard_frame < Some(message.sequence), "a frame came after a later one");
                self.heard_frame = Some(message.sequence);
                self.unanswered.push_back(message.sequence);
                assert!(is_picture(&message.frame, message.sequence), "another frame than was given");
                // Before its hello is heard nothing is known of what this peer decodes.
                let decodes = self.our_hello.map(|hello| hello.encodings).unwrap_or_default();
                let encoding = message.frame.encoding();
                assert!(decodes.contains(encoding), "{encoding} for a peer that decodes {decodes}");
                if let Some(hello) = &self.our_hello {
                    assert!(
                        self.unanswered.len() <= usize::from(hello.room.frames.max(1)),
                        "over the window"
                    );
                }
            }
            Message::Answer(answer) => {
                assert!(self.next_answer == 0 || answer.sequence >= self.next_answer);
                self.next_answer = answer.sequence + 1;
            }
            _ => {}
        }
        if let Some(Item { number, value }) = item(message) {
            assert_eq!(number_of(&value), Some(number), "the item of another number");
            assert!(!self.heard_item || self.heard.received == number, "data out of order");
            self.heard_item = true;
            self.heard.received = number + 1;
        }
    }

    /// The session took what this peer said: it must have been by the rules.
    pub(super) fn was_heard(&mut self, message: &Message) {
        if let Message::Hello(hello) = message {
            self.our_hello = Some(*hello);
            self.id = hello.id;
            self.settle();
        }
        // Until both have said hello it is not known what the session goes by.
        let (Some(theirs), Some(hello)) = (&self.their_hello, self.our_hello) else { return };
        let number = match message {
            Message::Frame(message) => {
                assert!(message.sequence >= self.frame, "it took a frame twice");
                let encoding = message.frame.encoding();
                assert!(theirs.encodings.contains(encoding), "it took {encoding}, which it does not decode");
                self.frame = message.sequence + 1;
                message.item.as_ref().map(|item| item.number)
            }
            Message::Answer(answer) => {
                let expected = self.unanswered.pop_front();
                // Frames of the connection before may still be answered.
                assert!(
                    expected == Some(answer.sequence) || hello.resume.is_some(),
                    "it took an answer to nothing"
                );
                answer.item.as_ref().map(|item| item.number)
            }
            Message::Data(message) => Some(message.item.number),
            _ => None,
        };
        if let Some(number) = number {
            assert_eq!(number, self.item, "it took an item out of order");
            self.item += 1;
        }
        if let Some(Acknowledgement { received, taken }) = acknowledgement(message) {
            assert!(
                taken <= received && received <= self.heard.received,
                "it took a lie for what was received"
            );
            self.heard.taken = taken;
        }
    }

    /// Both have said hello: each goes on where the other says that it stands.
    fn settle(&mut self) {
        let (Some(theirs), Some(ours)) = (self.their_hello, self.our_hello) else { return };
        let known = theirs.resume.filter(|resume| resume.peer == ours.id);
        self.item = known.map_or(ours.first_item, |resume| resume.data.received.max(ours.first_item));
        self.frame = known.map_or(0, |resume| resume.next_frame);
        self.next_answer = 0;
        let resumed = ours.resume.filter(|resume| resume.peer == theirs.id && !theirs.id.is_anonymous());
        let first = theirs.first_item;
        let data = resumed.map_or_else(Acknowledgement::default, |resume| resume.data);
        self.heard = Acknowledgement { received: data.received.max(first), taken: data.taken.max(first) };
    }

    /// What this peer would say next, if it says something of that kind, give or take a little.
    pub(super) fn native_message(&mut self, limits: &Limits, input: &mut Input<'_>) -> Option<Multipart> {
        let choices = input.byte();
        let message = match choices & 7 {
            0 | 1 => self.hello(choices >> 3, input),
            2 | 3 => match self.role {
                Role::Sender => self.frame(choices >> 3, input),
                Role::Receiver => self.answer(choices >> 3, input),
            },
            4 => {
                let acknowledgement = self.acknowledgement(input);
                Message::Data(DataMessage { acknowledgement, item: self.item(input) })
            }
            5 => Message::Idle(self.acknowledgement(input)),
            6 => Message::Goodbye(Goodbye {
                acknowledgement: self.acknowledgement(input),
                next_frame: input.about(self.heard_frame.map_or(0, |frame| frame + 1)),
            }),
            // What only the other role may say.
            _ => match self.role {
                Role::Sender => self.answer(choices >> 3, input),
                Role::Receiver => self.frame(choices >> 3, input),
            },
        };
        message.encode(limits).ok()
    }

    fn hello(&self, choices: u8, input: &mut Input<'_>) -> Message {
        let odd = input.byte();
        // Rarely something that cannot go on.
        let turned = |bit: u8| odd >= 224 && odd >> bit & 1 == 1;
        let role = if turned(0) { self.role.opposite() } else { self.role };
        let pattern = match (turned(1), self.pattern) {
            (false, pattern) => pattern,
            (true, Pattern::Pair) => Pattern::ReqRep,
            (true, Pattern::ReqRep) => Pattern::Pair,
        };
        let mode = if turned(2) { self.mode.opposite() } else { self.mode };
        let hello = Hello::new(role, pattern, mode);
        let room = match choices & 3 {
            0 | 1 => Room { frames: 4, ..hello.room },
            2 => Room { frames: 0, frame_bytes: 0, items: 0, item_bytes: 0 },
            _ => Room { frames: 2, frame_bytes: 100, items: 3, item_bytes: 500 },
        };
        let resume = (choices & 4 > 0).then(|| Resume {
            peer: self.theirs,
            data: self.acknowledgement(input),
            next_frame: input.about(self.heard_frame.map_or(0, |frame| frame + 1)),
            next_answer: input.about(0),
        });
        Message::Hello(Hello {
            version: if turned(3) { 0 } else { hello.version },
            id: if choices & 8 > 0 { self.id } else { input.choose(IDS) },
            room,
            encodings: ENCODINGS[usize::from(odd & 3)],
            first_item: if choices & 16 > 0 { input.about(self.item) } else { 0 },
            resume,
            ..hello
        })
    }

    fn frame(&mut self, choices: u8, input: &mut Input<'_>) -> Message {
        let frame = picture(self.frame, usize::from(input.byte()));
        let sequence = input.about(self.frame);
        let encoded = encode(&frame, NAMED_BY, GIVEN_AS[usize::from(choices >> 2 & 3)]);
        let frame = encoded.map_or(WireFrame::Raw(frame), WireFrame::Encoded);
        let message = FrameMessage::new(sequence, Timestamp::from_micros(sequence), frame);
        Message::Frame(FrameMessage {
            clock: (choices & 2 > 0)
                .then(|| ClockOffset { micros: input.about(0).cast_signed(), uncertainty_micros: 1 }),
            acknowledgement: self.acknowledgement(input),
            item: (choices & 1 == 1).then(|| self.item(input)),
            ..message
        })
    }

    fn answer(&mut self, choices: u8, input: &mut Input<'_>) -> Message {
        let sequence = input.about(self.unanswered.front().copied().unwrap_or(0));
        let at = Timestamp::from_micros(input.about(2_000_000));
        Message::Answer(Answer {
            arrived_at: at,
            sent_at: Timestamp::from_micros(at.as_micros().saturating_add(u64::from(choices))),
            acknowledgement: self.acknowledgement(input),
            item: (choices & 1 == 1).then(|| self.item(input)),
            ..Answer::new(sequence)
        })
    }

    fn item(&mut self, input: &mut Input<'_>) -> Item {
        let number = input.about(self.item);
        let padding = usize::from(input.byte() & 15) * 32;
        self.values += 1;
        Item { number, value: data(self.values, padding) }
    }

    /// All that came; of what the application is done with, as much as it says.
    fn acknowledgement(&self, input: &mut Input<'_>) -> Acknowledgement {
        let received = input.about(self.heard.received);
        let taken = if input.flag() { received } else { self.heard.taken };
        Acknowledgement { received, taken }
    }

    pub(super) fn vidgear_message(&mut self, input: &mut Input<'_>) -> Option<Multipart> {
        let choices = input.byte();
        let mode = if choices >= 224 { self.mode.opposite() } else { self.mode };
        self.values += 1;
        let value = (choices & 8 > 0).then(|| data(self.values, usize::from(choices >> 4 & 1) * 300));
        let message = match (choices & 7, self.role, mode) {
            (0..5, Role::Sender, mode) => {
                let frame = picture(self.values, usize::from(input.byte()));
                vidgear::Message::Frame(vidgear::FrameMessage { mode, frame, data: value })
            }
            (0..5, Role::Receiver, Mode::Bidirectional) => vidgear::Message::Return(value),
            (0..5, Role::Receiver, Mode::Unidirectional) => vidgear::Message::Acknowledgement,
            (5, ..) => vidgear::Message::Terminate,
            (6, ..) => vidgear::Message::Terminated,
            _ => vidgear::Message::Return(value),
        };
        message.encode(&Limits::DEFAULT).ok()
    }
}

/// What a message says beside what it is for.
pub(super) fn item(message: Message) -> Option<Item> {
    match message {
        Message::Frame(message) => message.item,
        Message::Answer(answer) => answer.item,
        Message::Data(message) => Some(message.item),
        _ => None,
    }
}

fn acknowledgement(message: &Message) -> Option<Acknowledgement> {
    match message {
        Message::Frame(message) => Some(message.acknowledgement),
        Message::Answer(answer) => Some(answer.acknowledgement),
        Message::Data(message) => Some(message.acknowledgement),
        Message::Idle(acknowledgement) => Some(*acknowledgement),
        Message::Goodbye(goodbye) => Some(goodbye.acknowledgement),
        Message::Hello(_) => None,
    }
}
