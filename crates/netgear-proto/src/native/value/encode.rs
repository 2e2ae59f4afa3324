use alloc::vec::Vec;

use bytes::{BufMut, Bytes, BytesMut};
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
/// Frames and arrays come first where room is short: large bytes go inline when only those have room left, or nothing
/// has. After an error `out` and `parts` hold the beginning of a value, and are of no use.
pub(crate) fn encode(
    value: &Value,
    out: &mut BytesMut,
    parts: &mut PartsOut<'_>,
    budget: &mut Budget,
) -> Result<(), EncodeError> {
    parts.room = walk(value, Written { bytes: out, parts: parts.parts }, parts.room, budget)?;
    Ok(())
}

/// Whether [`encode`] would do it, where there is room for so many parts. Nothing is written, or allocated.
pub(crate) fn check(value: &Value, room: usize, budget: &mut Budget) -> Result<(), EncodeError> {
    walk(value, Unwritten, room, budget).map(|_| ())
}

/// Gives the room that is left.
fn walk(value: &Value, out: impl Out, room: usize, budget: &mut Budget) -> Result<usize, EncodeError> {
    let frames = count_frames_and_arrays(value);
    let room_beside_frames = room.checked_sub(frames).ok_or(EncodeError::Parts { frames, room })?;
    budget.take_values(1)?;
    let mut encoder = Encoder { out, room_beside_frames, budget };
    encoder.value(value)?;
    Ok(encoder.room_beside_frames)
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

/// What becomes of an encoded value.
trait Out {
    /// Appends something in postcard's format.
    fn put(&mut self, value: &impl Serialize) -> Result<(), EncodeError>;
    fn extend(&mut self, bytes: &[u8]);
    fn push_part(&mut self, part: &Bytes);
}

struct Written<'a> {
    bytes: &'a mut BytesMut,
    parts: &'a mut Vec<Part>,
}

impl Out for Written<'_> {
    fn put(&mut self, value: &impl Serialize) -> Result<(), EncodeError> {
        append(value, self.bytes).map_err(|_| EncodeError::Postcard)
    }

    fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn push_part(&mut self, part: &Bytes) {
        self.parts.push(part.clone().into());
    }
}

/// For who only wants to know whether it can be done.
struct Unwritten;

impl Out for Unwritten {
    fn put(&mut self, _: &impl Serialize) -> Result<(), EncodeError> {
        Ok(())
    }

    fn extend(&mut self, _: &[u8]) {}

    fn push_part(&mut self, _: &Bytes) {}
}

struct Encoder<'a, O> {
    out: O,
    /// The parts that may still be made of anything but the frames and arrays of this value, whose room is kept for
    /// them.
    room_beside_frames: usize,
    budget: &'a mut Budget,
}

impl<O: Out> Encoder<'_, O> {
    /// Appends a value whose own cost has been taken.
    fn value(&mut self, value: &Value) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.out.put(&Tag::Null),
            Value::Bool(false) => self.out.put(&Tag::False),
            Value::Bool(true) => self.out.put(&Tag::True),
            Value::Int(value) => self.out.put(&(Tag::Int, value)),
            Value::Float(value) => self.out.put(&(Tag::Float, value)),
            Value::Str(text) => {
                self.budget.take_data(text.len() as u64)?;
                self.out.put(&(Tag::Str, text))
            }
            Value::Bytes(bytes) => self.bytes(bytes),
            Value::List(values) => {
                self.budget.enter()?;
                self.budget.take_values(values.len() as u64)?;
                self.out.put(&(Tag::List, values.len()))?;
                for value in values {
                    self.value(value)?;
                }
                self.budget.leave();
                Ok(())
            }
            Value::Map(entries) => {
                self.budget.enter()?;
                self.budget.take_values(2 * entries.len() as u64)?;
                self.out.put(&(Tag::Map, entries.len()))?;
                for (key, value) in entries {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.budget.leave();
                Ok(())
            }
            Value::Frame(frame) => {
                self.budget.take_pixels(frame.pixels().len() as u64)?;
                self.out.push_part(frame.pixels());
                self.out.put(&(Tag::Frame, FrameHeader::of(frame)))
            }
            Value::Array(array) => {
                self.budget.take_sides(array.shape().len() as u64)?;
                self.budget.take_pixels(array.elements().len() as u64)?;
                self.out.push_part(array.elements());
                self.out.put(&(Tag::Array, array.dtype(), array.shape()))
            }
        }
    }

    fn bytes(&mut self, bytes: &Bytes) -> Result<(), EncodeError> {
        self.budget.take_data(bytes.len() as u64)?;
        if bytes.len() >= APART && self.room_beside_frames > 0 {
            self.room_beside_frames -= 1;
            self.out.push_part(bytes);
            self.out.put(&Tag::BytesApart)
        } else {
            self.out.put(&(Tag::Bytes, bytes.len()))?;
            self.out.extend(bytes);
            Ok(())
        }
    }
}

/// Appends something in postcard's format.
pub(crate) fn append(value: &impl Serialize, out: &mut BytesMut) -> postcard::Result<()> {
    postcard::serialize_with_flavor(value, Append(out))
}

/// postcard's own growing storage begins with an empty vector; this one goes on where another value ended.
struct Append<'a>(&'a mut BytesMut);

impl postcard::ser_flavors::Flavor for Append<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.0.put_u8(data);
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
