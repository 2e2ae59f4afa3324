use alloc::vec::Vec;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    DecodeError, EncodeError,
    frame_header::FrameHeader,
    value::{self, PartsOut},
};
use crate::{Frame, Limits, Mode, Multipart, Part, Pattern, Role, Timestamp, Value, budget::Budget};

/// The first byte of every native message: the one that MessagePack never uses, so that no VidGear message begins with it.
pub const FIRST_BYTE: u8 = 0xC1;

/// The version of the dialect that this crate speaks.
pub const VERSION: u16 = 1;

/// One message of the native dialect.
#[derive(Debug, Clone, PartialEq)]
pub enum Message {
    /// The first message from either end: what it is and what it expects of the other.
    Hello(Hello),
    /// A frame, sender to receiver.
    Frame(FrameMessage),
    /// The answer to a frame, receiver to sender.
    Answer(Answer),
    /// A request that carries nothing, and its answer: gives a REP its turn to speak while there is no frame to send.
    Idle,
    /// Nothing more will come from this end.
    Goodbye,
}

/// What an end says of itself before anything else.
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
}

/// A frame and what travels with it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameMessage {
    /// 0 for the first frame of a session, one more for each further frame.
    pub sequence: u64,
    /// When the frame was captured: microseconds since 1970-01-01 00:00 UTC by the sender's clock.
    pub captured_at: Timestamp,
    /// The picture.
    pub frame: Frame,
    /// What the sending application said with it.
    pub data: Option<Value>,
}

/// What comes back for a frame.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The frame that is answered.
    pub sequence: u64,
    /// What the receiving application said.
    pub data: Option<Value>,
}

/// The postcard part of a message, as it stands behind [`FIRST_BYTE`].
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Header {
    // The order is the wire's (docs/wire.md): append, never reorder.
    Hello(Hello),
    Frame { sequence: u64, captured_at: Timestamp, frame: FrameHeader, has_data: bool },
    Answer { sequence: u64, has_data: bool },
    Idle,
    Goodbye,
}

impl Message {
    /// Writes the message as multipart: a header part, then pixels and large byte strings, each a part of its own and none
    /// of them copied.
    ///
    /// # Errors
    /// [`EncodeError`] if a peer with these limits would refuse the message.
    pub fn encode(self, limits: &Limits) -> Result<Multipart, EncodeError> {
        let mut budget = Budget::new(limits);
        match self {
            Self::Hello(hello) => Ok(header_part(&Header::Hello(hello))?.into()),
            Self::Idle => Ok(header_part(&Header::Idle)?.into()),
            Self::Goodbye => Ok(header_part(&Header::Goodbye)?.into()),
            Self::Frame(FrameMessage { sequence, captured_at, frame, data }) => {
                budget.take_pixels(frame.pixels().len() as u64)?;
                let header = Header::Frame {
                    sequence,
                    captured_at,
                    frame: FrameHeader::of(&frame),
                    has_data: data.is_some(),
                };
                with_data(&header, Some(frame.into_pixels()), data, limits, &mut budget)
            }
            Self::Answer(Answer { sequence, data }) => {
                let header = Header::Answer { sequence, has_data: data.is_some() };
                with_data(&header, None, data, limits, &mut budget)
            }
        }
    }

    /// Reads a multipart message. Pixels, elements of arrays and large byte strings are the very parts received, not copies.
    ///
    /// # Errors
    /// [`DecodeError`] if the message is not one of this dialect, or holds more than the limits allow.
    pub fn decode(message: Multipart, limits: &Limits) -> Result<Self, DecodeError> {
        let mut budget = Budget::new(limits);
        let mut parts = message.into_parts().into_iter().map(Part::into_bytes);
        let first = parts.next().ok_or(DecodeError::Empty)?;
        let header = match first.split_first() {
            Some((&FIRST_BYTE, header)) => header,
            Some((&found, _)) => return Err(DecodeError::FirstByte { found }),
            None => return Err(DecodeError::Empty),
        };
        let (header, rest) = postcard::take_from_bytes(header).map_err(|_| DecodeError::Header)?;
        let message = match header {
            // What a newer version says behind the fields that this one knows is left unread.
            Header::Hello(hello) => Self::Hello(hello),
            Header::Idle => Self::Idle,
            Header::Goodbye => Self::Goodbye,
            Header::Frame { sequence, captured_at, frame, has_data } => {
                let pixels = parts.next().ok_or(DecodeError::MissingPart)?;
                budget.take_pixels(pixels.len() as u64)?;
                let frame = frame.into_frame(pixels)?;
                let data = data(rest, has_data, &mut parts, &mut budget)?;
                Self::Frame(FrameMessage { sequence, captured_at, frame, data })
            }
            Header::Answer { sequence, has_data } => {
                let data = data(rest, has_data, &mut parts, &mut budget)?;
                Self::Answer(Answer { sequence, data })
            }
        };
        match parts.len() {
            0 => Ok(message),
            surplus => Err(DecodeError::SurplusParts { surplus }),
        }
    }
}

fn header_part(header: &Header) -> Result<Bytes, EncodeError> {
    Ok(write_header(header)?.into())
}

fn write_header(header: &Header) -> Result<Vec<u8>, EncodeError> {
    // Room for every header without data, so that the common one is allocated once.
    let mut part = Vec::with_capacity(64);
    part.push(FIRST_BYTE);
    postcard::to_extend(header, part).map_err(|_| EncodeError::Header)
}

fn with_data(
    header: &Header,
    pixels: Option<Bytes>,
    data: Option<Value>,
    limits: &Limits,
    budget: &mut Budget,
) -> Result<Multipart, EncodeError> {
    let mut first = write_header(header)?;
    let mut parts = Vec::with_capacity(4);
    // The header's own place, which it can take only once the data stands behind it.
    parts.push(Part::default());
    parts.extend(pixels.map(Part::from));
    if let Some(data) = data {
        let room = limits.parts().saturating_sub(parts.len());
        value::encode(&data, &mut first, &mut PartsOut::new(&mut parts, room), budget)?;
    }
    if let Some(place) = parts.first_mut() {
        *place = first.into();
    }
    Ok(parts.into())
}

fn data(
    bytes: &[u8],
    has_data: bool,
    parts: &mut impl Iterator<Item = Bytes>,
    budget: &mut Budget,
) -> Result<Option<Value>, DecodeError> {
    if !has_data {
        return Ok(None);
    }
    let (value, _newer) = value::decode(bytes, parts, budget)?;
    Ok(Some(value))
}

#[cfg(test)]
mod tests;
