use std::collections::VecDeque;

use netgear_proto::{
    EncodedFrame, Encoding, Encodings, Frame, Limits, Multipart, Role, Timestamp, WireFrame,
    native::{
        Acknowledgement, Answer, ClockOffset, DataMessage, FrameMessage, Goodbye, Hello, Item, Message,
        Resume, Room, SessionId,
    },
    session::SessionConfig,
};

use crate::ledger::{ItemName, LIAR};

/// A peer that says what it likes, in messages that can be read. It knows both ends' identities, and often what would
/// be right.
#[derive(Debug)]
pub(crate) struct Liar {
    role: Role,
    /// The end that it speaks with.
    victim: SessionId,
    /// The one in whose place it is.
    impersonated: SessionId,
    /// How that was set up.
    config: SessionConfig,
    leaves: bool,
    /// Whether it may pretend to be what never fits.
    may_mismatch: bool,
    has_said_hello: bool,
    /// Frames that it heard and has not answered.
    frames: VecDeque<u64>,
    /// The one after the last item that it heard.
    received: u64,
    next_item: u64,
    next_frame: u64,
}

impl Liar {
    pub(crate) fn new(
        victim: SessionId,
        impersonated: SessionId,
        config: &SessionConfig,
        leaves: bool,
        may_mismatch: bool,
    ) -> Self {
        Self {
            role: config.role(),
            victim,
            impersonated,
            config: config.clone(),
            leaves,
            may_mismatch,
            has_said_hello: false,
            frames: VecDeque::new(),
            received: 0,
            next_item: 0,
            next_frame: 0,
        }
    }

    pub(crate) fn hear(&mut self, message: Multipart) {
        let item = match Message::decode(message, &Limits::DEFAULT) {
            Ok(Message::Hello(hello)) => {
                self.received = hello.first_item;
                if let Some(resume) = hello.resume {
                    self.next_item = resume.data.received;
                    self.next_frame = resume.next_frame;
                }
                None
            }
            Ok(Message::Frame(message)) => {
                self.frames.push_back(message.sequence);
                self.frames.truncate(8);
                message.item
            }
            Ok(Message::Answer(answer)) => answer.item,
            Ok(Message::Data(message)) => Some(message.item),
            _ => None,
        };
        if let Some(item) = item {
            self.received = item.number.saturating_add(1);
        }
    }

    /// What it says next, if that can be said at all.
    pub(crate) fn say(&mut self, rng: &mut fastrand::Rng, now: u64) -> Option<Multipart> {
        let says_hello = if self.has_said_hello { rng.u8(..40) == 0 } else { rng.u8(..10) > 0 };
        let message = if says_hello {
            self.has_said_hello = true;
            Message::Hello(self.hello(rng))
        } else {
            self.message(rng, now)
        };
        message.encode(self.config.limits()).ok()
    }

    fn hello(&mut self, rng: &mut fastrand::Rng) -> Hello {
        let mut hello = Hello::new(self.role, self.config.pattern(), self.config.mode());
        if self.may_mismatch && rng.u8(..20) == 0 {
            (hello.role, hello.version) = [(self.role.opposite(), 1), (self.role, 0)][rng.usize(..2)];
        }
        let other = SessionId::from_bytes([rng.u8(..); 16]);
        hello.id = [self.impersonated, self.impersonated, other, self.victim][rng.usize(..4)];
        hello.room = Room {
            frames: rng.u16(..) >> rng.u8(..16),
            frame_bytes: rng.u64(..) >> rng.u8(..64),
            items: rng.u32(..) >> rng.u8(..32),
            item_bytes: rng.u64(..) >> rng.u8(..64),
        };
        hello.encodings = self.config.encodings();
        hello.first_item = self.number(rng, self.next_item);
        self.next_item = self.next_item.max(hello.first_item);
        hello.resume = (rng.u8(..4) > 0).then(|| Resume {
            peer: [self.victim, self.victim, self.victim, other][rng.usize(..4)],
            data: self.acknowledgement(rng),
            next_frame: self.number(rng, self.next_frame),
            next_answer: self.number(rng, 0),
        });
        hello
    }

    fn message(&mut self, rng: &mut fastrand::Rng, now: u64) -> Message {
        let acknowledgement = self.acknowledgement(rng);
        let speaks_as = if rng.u8(..40) == 0 { self.role.opposite() } else { self.role };
        match (rng.u8(..20), speaks_as) {
            (0, _) if self.leaves => {
                Message::Goodbye(Goodbye { acknowledgement, next_frame: self.number(rng, self.next_frame) })
            }
            (0..4, _) => Message::Idle(acknowledgement),
            (4..9, _) => Message::Data(DataMessage { acknowledgement, item: self.item(rng) }),
            (_, Role::Sender) => {
                let sequence = self.number(rng, self.next_frame);
                self.next_frame = self.next_frame.max(sequence.saturating_add(1));
                let pixels = [LIAR.to_le_bytes(), sequence.to_le_bytes()].concat();
                let frame = Frame::gray8(16, 1, pixels).expect("it has the bytes of its shape");
                let frame = match EncodedFrame::of(&frame, frame.pixels().clone(), Encoding::Jpeg) {
                    Ok(encoded)
                        if self.config.encodings() != Encodings::RAW && sequence.is_multiple_of(3) =>
                    {
                        WireFrame::Encoded(encoded)
                    }
                    _ => WireFrame::Raw(frame),
                };
                let mut message = FrameMessage::new(sequence, time(rng, now), frame);
                message.sent_at = time(rng, now);
                message.clock = rng.bool().then(|| ClockOffset {
                    micros: rng.i64(..) >> rng.u8(..64),
                    uncertainty_micros: rng.u64(..) >> rng.u8(..64),
                });
                message.acknowledgement = acknowledgement;
                message.item = rng.bool().then(|| self.item(rng));
                Message::Frame(message)
            }
            (_, Role::Receiver) => {
                let due = self.frames.pop_front().unwrap_or(0);
                let mut answer = Answer::new(self.number(rng, due));
                (answer.arrived_at, answer.sent_at) = (time(rng, now), time(rng, now));
                answer.acknowledgement = acknowledgement;
                answer.item = rng.bool().then(|| self.item(rng));
                Message::Answer(answer)
            }
        }
    }

    fn item(&mut self, rng: &mut fastrand::Rng) -> Item {
        let number = self.number(rng, self.next_item);
        self.next_item = self.next_item.max(number.saturating_add(1));
        Item { number, value: ItemName { run: LIAR, number }.value(rng.usize(..100)) }
    }

    fn acknowledgement(&self, rng: &mut fastrand::Rng) -> Acknowledgement {
        let received = self.number(rng, self.received);
        Acknowledgement { received, taken: if rng.bool() { received } else { self.number(rng, 0) } }
    }

    /// What would be right, or beside it, or far from it.
    fn number(&self, rng: &mut fastrand::Rng, right: u64) -> u64 {
        match rng.u8(..16) {
            0..10 => right,
            10 => right.saturating_add(rng.u64(..4)),
            11 => right.saturating_sub(rng.u64(..4)),
            12 => u64::MAX - rng.u64(..2),
            13 => self.received.saturating_sub(rng.u64(..3)),
            _ => rng.u64(..) >> rng.u8(..64),
        }
    }
}

fn time(rng: &mut fastrand::Rng, now: u64) -> Timestamp {
    let time = if rng.bool() { now } else { rng.u64(..) >> rng.u8(..64) };
    Timestamp::from_micros(time)
}
