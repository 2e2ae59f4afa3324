use alloc::vec::Vec;

use bytes::Bytes;
use serde::Serialize;

use super::tag::Tag;
use crate::{
    Part, Value,
    budget::{Budget, LimitExceeded},
    native::frame_header::FrameHeader,
};

/// From this length on, bytes travel as a part of their own: below it, the copy costs less than the part.
pub(super) const APART: usize = 1024;

/// The parts that follow the encoded values, and how many more the message may have.
#[derive(Debug)]
pub(crate) struct PartsOut<'a> {
    parts: &'a mut Vec<Part>,
    room: usize,
}

impl<'a> PartsOut<'a> {
    /// Parts are pushed onto `parts`, `room` of them at most.
    pub(crate) fn new(parts: &'a mut Vec<Part>, room: usize) -> Self {
        Self { parts, room }
    }
}

/// Appends a value to `out`, and its frames, arrays and large bytes to `parts`, without a copy of them.
///
/// Frames and arrays come first where room is short: large bytes go inline when only those have room left, or nothing has.
/// After an error `out` and `parts` hold the beginning of a value, and are of no use.
pub(crate) fn encode(
    value: &Value,
    out: &mut Vec<u8>,
    parts: &mut PartsOut<'_>,
    budget: &mut Budget,
) -> Result<(), EncodeError> {
    let frames = count_frames_and_arrays(value);
    let room_beside_frames =
        parts.room.checked_sub(frames).ok_or(EncodeError::Parts { frames, room: parts.room })?;
    budget.take_values(1)?;
    let mut encoder = Encoder { out, parts: parts.parts, room_beside_frames, budget };
    encoder.value(value)?;
    parts.room = encoder.room_beside_frames;
    Ok(())
}

fn count_frames_and_arrays(value: &Value) -> usize {
    match value {
        Value::Frame(_) | Value::Array(_) => 1,
        Value::List(values) => values.iter().map(count_frames_and_arrays).sum(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, value)| count_frames_and_arrays(key) + count_frames_and_arrays(value))
            .sum(),
        _ => 0,
    }
}

struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    parts: &'a mut Vec<Part>,
    /// The parts that may still be made of anything but the frames and arrays of this value, whose room is kept for them.
    room_beside_frames: usize,
    budget: &'a mut Budget,
}

impl Encoder<'_> {
    /// Appends a value whose own cost has been taken.
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.put(&Tag::Null),
            Value::Bool(false) => self.put(&Tag::False),
            Value::Bool(true) => self.put(&Tag::True),
            Value::Int(value) => self.put(&(Tag::Int, value)),
            Value::Float(value) => self.put(&(Tag::Float, value)),
            Value::Str(text) => {
                self.budget.take_data(text.len() as u64)?;
                self.put(&(Tag::Str, text))
            }
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(values) => {
                self.budget.enter()?;
                self.budget.take_values(values.len() as u64)?;
                self.put(&(Tag::List, values.len()))?;
                for value in values {
                    self.value(value)?;
                }
                self.budget.leave();
                Ok(())
            }
            Value::Map(entries) => {
                self.budget.enter()?;
                self.budget.take_values(2 * entries.len() as u64)?;
                self.put(&(Tag::Map, entries.len()))?;
                for (key, value) in entries {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.budget.leave();
                Ok(())
            }
            Value::Frame(frame) => {
                self.budget.take_pixels(frame.pixels().len() as u64)?;
                self.parts.push(frame.pixels().clone().into());
                self.put(&(Tag::Frame, FrameHeader::of(frame)))
            }
            Value::Array(array) => {
                self.budget.take_sides(array.shape().len() as u64)?;
                self.budget.take_pixels(array.elements().len() as u64)?;
                self.parts.push(array.elements().clone().into());
                self.put(&(Tag::Array, array.dtype(), array.shape()))
            }
        }
    }

    fn bytes(&mut self, bytes: &Bytes) -> Result<(), EncodeError> {
        self.budget.take_data(bytes.len() as u64)?;
        if bytes.len() >= APART && self.room_beside_frames > 0 {
            self.room_beside_frames -= 1;
            self.parts.push(bytes.clone().into());
            self.put(&Tag::BytesApart)
        } else {
            self.put(&(Tag::Bytes, bytes.len()))?;
            self.out.extend_from_slice(bytes);
            Ok(())
        }
    }

    /// Appends something in postcard's format.
    fn put(&mut self, value: &impl Serialize) -> Result<(), EncodeError> {
        postcard::serialize_with_flavor(value, Append(self.out)).map_err(|_| EncodeError::Postcard)
    }
}

/// postcard's own growing storage begins with an empty vector; this one goes on where another value ended.
struct Append<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.push(data);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Why a value cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The value is larger than the limits allow.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// Each frame and each array is a part of its own, and the message has no room for so many.
    #[error(
        "the data holds {frames} frames and arrays, and a message has room for {room} more parts; \
         send fewer at once, or raise Limits::parts on both ends"
    )]
    Parts {
        /// The frames and arrays in the value.
        frames: usize,
        /// The parts that the message could still have.
        room: usize,
    },
    /// The encoding failed. No value does this; it would be a fault of this library.
    #[error("the data could not be encoded; this is a fault of NetGear, please report it with the data")]
    Postcard,
}
