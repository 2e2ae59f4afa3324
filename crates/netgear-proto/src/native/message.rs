use alloc::vec::Vec;
use core::mem;

use bytes::{BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use super::{
    DecodeError, EncodeError, SessionId,
    frame_header::FrameHeader,
    value::{self, PartsOut},
};
use crate::{
    EncodedFrameError, Encoding, Encodings, Limits, Mode, Multipart, Part, Pattern, Role, Timestamp, Value,
    WireFrame,
    budget::{Budget, HEADER_BYTES},
};

/// The first byte of every native message: the one that MessagePack never uses, so that no VidGear message begins
/// with it.
pub const FIRST_BYTE: u8 = 0xC1;

/// The version of the dialect that this crate speaks.
pub const VERSION: u16 = 1;

/// One message of the native dialect.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The first message from either end: what it is, what it expects of the other, and what it has of it already.
    Hello(Hello),
    /// A frame, sender to receiver.
    Frame(FrameMessage),
    /// The answer to a frame, receiver to sender.
    Answer(Answer),
    /// Nothing but what was received: where nothing else is to be said in time, and on REQ/REP as a request that
    /// gives the REP its turn to speak, and as its answer.
    Idle(Acknowledgement),
    /// Nothing more will come from this end.
    Goodbye(Goodbye),
    /// Data without a frame, from either end.
    Data(DataMessage),
}

/// What an end says of itself before anything else on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The highest version of the dialect that it speaks; both ends speak the lower of the two.
    pub version: u16,
    /// Which end it is.
    pub role: Role,
    /// The pattern that it was set up for.
    pub pattern: Pattern,
    /// Whether it sends and expects data both ways.
    pub mode: Mode,
    /// Which session it is.
    pub id: SessionId,
    /// What it will hold of this peer's.
    pub room: Room,
    /// The number of the first item of data that it still has to send: those before it are done with.
    pub first_item: u64,
    /// One more than the number of its last item up to now: those before it are still to come, unless they are done
    /// with.
    pub next_item: u64,
    /// What it has of a peer's. A peer whose identity this is goes on behind it; any other begins with its own
    /// [`Hello::first_item`].
    pub resume: Option<Resume>,
    /// How frames may be encoded that are sent to it.
    // It joined behind the other fields, and is not there if it is raw alone.
    #[serde(skip)]
    pub encodings: Encodings,
}

impl Hello {
    /// A hello of [`VERSION`], by a session without an identity that has nothing yet and room for much.
    pub const fn new(role: Role, pattern: Pattern, mode: Mode) -> Self {
        let room = Room { frames: 1, frame_bytes: u64::MAX, items: 64, item_bytes: u64::MAX };
        let id = SessionId::ANONYMOUS;
        Self {
            version: VERSION,
            role,
            pattern,
            mode,
            id,
            room,
            first_item: 0,
            next_item: 0,
            resume: None,
            encodings: Encodings::RAW,
        }
    }
}

/// What an end holds at most. One frame and one item may always come where none is held, of whatever size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Frames that are not answered.
    pub frames: u16,
    /// The bytes of their pixels.
    pub frame_bytes: u64,
    /// Items of data that are not taken.
    pub items: u32,
    /// What those count for against the limits, pixels included.
    pub item_bytes: u64,
}

/// What an end has of a peer's, over all connections with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// The peer.
    pub peer: SessionId,
    /// Its data.
    pub data: Acknowledgement,
    /// One more than the number of its last frame that arrived; 0 if none did.
    pub next_frame: u64,
    /// One more than the number of its last frame that was answered; 0 if none was.
    pub next_answer: u64,
}

/// How many of the peer's items of data an end has, counted from the first of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// How many have arrived: as many as the number of the next.
    pub received: u64,
    /// How many its application is done with. They are never needed again.
    pub taken: u64,
}

/// An item of data with its number in the stream of those of its end, the first of which has 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Its number.
    pub number: u64,
    /// What the application said.
    pub value: Value,
}

/// A frame and what travels with it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMessage {
    /// Higher than that of every frame before it; those between were dropped.
    pub sequence: u64,
    /// When the frame was captured: microseconds since 1970-01-01 00:00 UTC by the sender's clock.
    pub captured_at: Timestamp,
    /// When this message was given to the link, by the same clock.
    pub sent_at: Timestamp,
    /// What the sender has found out of the receiver's clock.
    pub clock: Option<ClockOffset>,
    /// What the sender has of the receiver's data.
    pub acknowledgement: Acknowledgement,
    /// The picture, as it stands or encoded.
    pub frame: WireFrame,
    /// What the sending application said with it.
    pub item: Option<Item>,
}

impl FrameMessage {
    /// A frame that was captured just now, without data.
    pub fn new(sequence: u64, captured_at: Timestamp, frame: impl Into<WireFrame>) -> Self {
        let acknowledgement = Acknowledgement { received: 0, taken: 0 };
        let frame = frame.into();
        Self { sequence, captured_at, sent_at: captured_at, clock: None, acknowledgement, frame, item: None }
    }
}

/// What comes back for a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The frame that is answered.
    pub sequence: u64,
    /// When the frame had arrived, by the receiver's clock.
    pub arrived_at: Timestamp,
    /// When this message was given to the link, by the same clock.
    pub sent_at: Timestamp,
    /// What the receiver has of the sender's data.
    pub acknowledgement: Acknowledgement,
    /// One more than the number of the receiver's last item up to now: where items were lost with a connection, that
    /// need not be the one that comes with this answer.
    pub next_item: u64,
    /// The next item of the receiver's data.
    pub item: Option<Item>,
}

impl Answer {
    /// An answer without data, of no known time.
    pub const fn new(sequence: u64) -> Self {
        let (arrived_at, sent_at) = (Timestamp::ZERO, Timestamp::ZERO);
        Self {
            sequence,
            arrived_at,
            sent_at,
            acknowledgement: Acknowledgement { received: 0, taken: 0 },
            next_item: 0,
            item: None,
        }
    }
}

/// An item of data on its own.
#[derive(Debug, Clone, PartialEq)]
pub struct DataMessage {
    /// What this end has of the peer's data.
    pub acknowledgement: Acknowledgement,
    /// The item.
    pub item: Item,
}

/// What an end leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Goodbye {
    /// What it has of the peer's data.
    pub acknowledgement: Acknowledgement,
    /// One more than the number of the last frame that arrived; 0 if none did, or this end is the sender.
    pub next_frame: u64,
}

/// How far the receiver's clock is ahead of the sender's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// In microseconds; negative if it is behind.
    pub micros: i64,
    /// How much that may be wrong either way, in microseconds: half the round trip that it was measured with.
    pub uncertainty_micros: u64,
}

impl ClockOffset {
    /// How many microseconds passed from a moment by the sender's clock to one by the receiver's; 0 if the clocks say
    /// that it was less.
    pub(crate) fn apart(self, at_sender: Timestamp, at_receiver: Timestamp) -> u64 {
        let by_receivers_clock = i128::from(at_sender.as_micros()) + i128::from(self.micros);
        let apart = (i128::from(at_receiver.as_micros()) - by_receivers_clock).max(0);
        u64::try_from(apart).unwrap_or(u64::MAX)
    }
}

/// The postcard part of a message, as it stands behind [`FIRST_BYTE`]. Where it has the number of an item, the value
/// follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Header {
    // The order is the wire's (docs/wire.md): append, never reorder.
    Hello(Hello),
    Frame {
        sequence: u64,
        captured_at: Timestamp,
        sent_at: Timestamp,
        clock: Option<ClockOffset>,
        acknowledgement: Acknowledgement,
        frame: FrameHeader,
        item: Option<u64>,
    },
    Answer {
        sequence: u64,
        arrived_at: Timestamp,
        sent_at: Timestamp,
        acknowledgement: Acknowledgement,
        next_item: u64,
        item: Option<u64>,
    },
    Idle(Acknowledgement),
    Goodbye(Goodbye),
    Data {
        acknowledgement: Acknowledgement,
        item: u64,
    },
}

impl Message {
    /// Writes the message as multipart: a header part, then pixels and large byte strings, each a part of its own and
    /// none of them copied.
    ///
    /// # Errors
    /// [`EncodeError`] if a peer with these limits would refuse the message.
    pub fn encode(self, limits: &Limits) -> Result<Multipart, EncodeError> {
        self.encode_with(limits, &mut Scratch::default())
    }

    /// As [`Message::encode`], into memory that is used again: for whoever writes many messages, as a
    /// [`Session`](crate::session::Session) does.
    ///
    /// # Errors
    /// As [`Message::encode`].
    pub fn encode_with(&self, limits: &Limits, scratch: &mut Scratch) -> Result<Multipart, EncodeError> {
        let number = |item: &Option<Item>| item.as_ref().map(|item| item.number);
        match *self {
            Self::Hello(hello) => encode(&Header::Hello(hello), None, None, limits, scratch),
            Self::Idle(acknowledgement) => {
                encode(&Header::Idle(acknowledgement), None, None, limits, scratch)
            }
            Self::Goodbye(goodbye) => encode(&Header::Goodbye(goodbye), None, None, limits, scratch),
            Self::Frame(FrameMessage {
                sequence,
                captured_at,
                sent_at,
                clock,
                acknowledgement,
                ref frame,
                ref item,
            }) => {
                let header = Header::Frame {
                    sequence,
                    captured_at,
                    sent_at,
                    clock,
                    acknowledgement,
                    frame: FrameHeader::of_wire(frame),
                    item: number(item),
                };
                encode(&header, Some(frame), item.as_ref().map(|item| &item.value), limits, scratch)
            }
            Self::Answer(Answer { sequence, arrived_at, sent_at, acknowledgement, next_item, ref item }) => {
                let header = Header::Answer {
                    sequence,
                    arrived_at,
                    sent_at,
                    acknowledgement,
                    next_item,
                    item: number(item),
                };
                encode(&header, None, item.as_ref().map(|item| &item.value), limits, scratch)
            }
            Self::Data(DataMessage { acknowledgement, ref item }) => encode(
                &Header::Data { acknowledgement, item: item.number },
                None,
                Some(&item.value),
                limits,
                scratch,
            ),
        }
    }

    /// Reads a multipart message. Pixels, elements of arrays and large byte strings are the very parts received, not
    /// copies.
    ///
    /// # Errors
    /// [`DecodeError`] if the message is not one of this dialect, or holds more than the limits allow.
    pub fn decode(message: Multipart, limits: &Limits) -> Result<Self, DecodeError> {
        Self::take_from(&mut message.into_parts(), limits)
    }

    /// As [`Message::decode`]. Of the parts, none is left in the list, whose memory can be used again.
    ///
    /// # Errors
    /// As [`Message::decode`].
    pub fn take_from(parts: &mut Vec<Part>, limits: &Limits) -> Result<Self, DecodeError> {
        let mut budget = Budget::new(limits);
        let mut parts = parts.drain(..).map(Part::into_bytes);
        let first = parts.next().ok_or(DecodeError::Empty)?;
        let header = match first.split_first() {
            Some((&FIRST_BYTE, header)) => header,
            Some((&found, _)) => return Err(DecodeError::FirstByte { found }),
            None => return Err(DecodeError::Empty),
        };
        let (header, rest) = postcard::take_from_bytes(header).map_err(|_| DecodeError::Header)?;
        let message = match header {
            // What a newer version says behind the fields that this one knows is left unread.
            Header::Hello(hello) => Self::Hello(Hello { encodings: read_encodings(rest)?, ..hello }),
            Header::Idle(acknowledgement) => Self::Idle(acknowledgement),
            Header::Goodbye(goodbye) => Self::Goodbye(goodbye),
            Header::Frame { sequence, captured_at, sent_at, clock, acknowledgement, frame, item } => {
                let part = parts.next().ok_or(DecodeError::MissingPart)?;
                let frame = read_frame(frame, part, &mut budget)?;
                let item = item.map(|number| read_item(number, rest, &mut parts, &mut budget)).transpose()?;
                Self::Frame(FrameMessage {
                    sequence,
                    captured_at,
                    sent_at,
                    clock,
                    acknowledgement,
                    frame,
                    item,
                })
            }
            Header::Answer { sequence, arrived_at, sent_at, acknowledgement, next_item, item } => {
                let item = item.map(|number| read_item(number, rest, &mut parts, &mut budget)).transpose()?;
                Self::Answer(Answer { sequence, arrived_at, sent_at, acknowledgement, next_item, item })
            }
            Header::Data { acknowledgement, item } => {
                let item = read_item(item, rest, &mut parts, &mut budget)?;
                Self::Data(DataMessage { acknowledgement, item })
            }
        };
        match parts.len() {
            0 => Ok(message),
            surplus => Err(DecodeError::SurplusParts { surplus }),
        }
    }
}

/// Memory that messages are written into, and that is used again once they are gone: for whoever writes many with
/// [`Message::encode_with`].
///
/// Headers share blocks of about a kilobyte, each of which is used again when nobody has a header in it any more. A
/// list of parts goes with its message, and comes back by [`Scratch::give_back`]: that of a message received will do
/// as well.
#[derive(Debug, Default)]
pub struct Scratch {
    headers: BytesMut,
    parts: Vec<Part>,
}

impl Scratch {
    /// Headers stand in blocks of this size. A message with more data takes its block along.
    const BLOCK: usize = 1024;
    /// A list for more parts is not kept.
    const PARTS: usize = 8;

    /// Takes a list that is not needed any more, for the next message. What is in it is dropped.
    pub fn give_back(&mut self, mut parts: Vec<Part>) {
        parts.clear();
        if parts.capacity() <= Self::PARTS {
            self.parts = parts;
        }
    }

    /// What was written, on its own.
    fn finish(&mut self) -> Bytes {
        let written = self.headers.split().freeze();
        if written.len() > Self::BLOCK {
            self.headers = BytesMut::new();
        }
        written
    }
}

/// Writes a header, and what it speaks of.
pub(crate) fn encode(
    header: &Header,
    frame: Option<&WireFrame>,
    value: Option<&Value>,
    limits: &Limits,
    scratch: &mut Scratch,
) -> Result<Multipart, EncodeError> {
    // What was written before an error is of no use.
    scratch.headers.clear();
    if scratch.headers.capacity() < HEADER_BYTES {
        scratch.headers.reserve(Scratch::BLOCK);
    }
    let mut parts = mem::take(&mut scratch.parts);
    if parts.capacity() == 0 {
        parts.reserve_exact(if frame.is_some() || value.is_some() { 4 } else { 1 });
    }
    // The header's own place, which it can take only once the data stands behind it.
    parts.push(Part::default());
    scratch.headers.put_u8(FIRST_BYTE);
    value::append(header, &mut scratch.headers).map_err(|_| EncodeError::Header)?;
    if let Header::Hello(Hello { encodings, .. }) = header
        && *encodings != Encodings::RAW
    {
        value::append(&encodings.to_bits(), &mut scratch.headers).map_err(|_| EncodeError::Header)?;
    }
    write_contents(frame, value, &mut scratch.headers, &mut parts, limits)?;
    if let Some(place) = parts.first_mut() {
        *place = scratch.finish().into();
    }
    Ok(parts.into())
}

/// Whether a message with this frame and this value can be written. A message with one of the two alone then can be,
/// too.
pub(crate) fn check(
    frame: Option<&WireFrame>,
    value: Option<&Value>,
    limits: &Limits,
) -> Result<(), EncodeError> {
    let mut budget = Budget::new(limits);
    // That of the header.
    let mut parts = 1;
    if let Some(frame) = frame {
        budget.take_pixels(frame.counted_bytes() as u64)?;
        parts += 1;
    }
    if let Some(value) = value {
        value::check(value, limits.parts().saturating_sub(parts), &mut budget)?;
    }
    Ok(())
}

fn write_contents(
    frame: Option<&WireFrame>,
    value: Option<&Value>,
    first: &mut BytesMut,
    parts: &mut Vec<Part>,
    limits: &Limits,
) -> Result<(), EncodeError> {
    let mut budget = Budget::new(limits);
    if let Some(frame) = frame {
        budget.take_pixels(frame.counted_bytes() as u64)?;
        parts.push(frame.bytes().clone().into());
    }
    if let Some(value) = value {
        let room = limits.parts().saturating_sub(parts.len());
        value::encode(value, first, &mut PartsOut::new(parts, room), &mut budget)?;
    }
    Ok(())
}

/// The encodings that a hello speaks of behind its fields; raw alone if it does not.
fn read_encodings(rest: &[u8]) -> Result<Encodings, DecodeError> {
    if rest.is_empty() {
        return Ok(Encodings::RAW);
    }
    let (bits, _newer) = postcard::take_from_bytes(rest).map_err(|_| DecodeError::Header)?;
    Ok(Encodings::from_bits(bits))
}

/// A frame and its part. It is paid for before anybody decodes it, at its full size.
fn read_frame(header: FrameHeader, part: Bytes, budget: &mut Budget) -> Result<WireFrame, DecodeError> {
    let length = part.len();
    budget.take_pixels(length as u64)?;
    if header.encoding() == Encoding::Raw {
        return Ok(header.into_frame(part)?.into());
    }
    let frame = header.into_encoded(part).map_err(|error| match error {
        EncodedFrameError::Frame(error) => DecodeError::Frame(error),
        error => DecodeError::EncodedFrame(error),
    })?;
    budget.take_pixels((frame.counted_bytes() - length) as u64)?;
    Ok(frame.into())
}

fn read_item(
    number: u64,
    bytes: &[u8],
    parts: &mut impl Iterator<Item = Bytes>,
    budget: &mut Budget,
) -> Result<Item, DecodeError> {
    let (value, _newer) = value::decode(bytes, parts, budget)?;
    Ok(Item { number, value })
}

#[cfg(test)]
mod tests;
