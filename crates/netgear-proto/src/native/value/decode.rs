use alloc::{borrow::ToOwned, vec::Vec};

use bytes::Bytes;
use serde::Deserialize;

use super::tag::Tag;
use crate::{
    DType, Encoding, FrameError, NdArray, NdArrayError, Value,
    budget::{Budget, LimitExceeded},
    native::frame_header::FrameHeader,
};

/// Reads one value from the front of `bytes`, and gives it with the bytes that come after it.
///
/// Its frames, arrays and large bytes are taken from `parts`, in the order in which they stand in the value, without
/// a copy. Nothing is allocated before the budget has paid for it.
pub(crate) fn decode<'a>(
    bytes: &'a [u8],
    parts: &mut impl Iterator<Item = Bytes>,
    budget: &mut Budget,
) -> Result<(Value, &'a [u8]), DecodeError> {
    let mut decoder = Decoder { rest: bytes, total: bytes.len(), parts, budget };
    decoder.pay(0, |budget| budget.take_values(1))?;
    let value = decoder.value()?;
    Ok((value, decoder.rest))
}

struct Decoder<'a, 'b, P> {
    /// What has not been read yet.
    rest: &'a [u8],
    /// How many bytes there were at first.
    total: usize,
    parts: &'b mut P,
    budget: &'b mut Budget,
}

impl<'a, P: Iterator<Item = Bytes>> Decoder<'a, '_, P> {
    /// Reads a value whose own cost has been paid.
    fn value(&mut self) -> Result<Value, DecodeError> {
        let offset = self.offset();
        Ok(match self.tag()? {
            Tag::Null => Value::Null,
            Tag::False => Value::Bool(false),
            Tag::True => Value::Bool(true),
            Tag::Int => Value::Int(self.take()?),
            Tag::Float => Value::Float(self.take()?),
            Tag::Str => {
                let text: &str = self.take()?;
                self.pay(offset, |budget| budget.take_data(text.len() as u64))?;
                Value::Str(text.to_owned())
            }
            Tag::Bytes => {
                let bytes: &[u8] = self.take()?;
                self.pay(offset, |budget| budget.take_data(bytes.len() as u64))?;
                Value::Bytes(Bytes::copy_from_slice(bytes))
            }
            Tag::BytesApart => {
                let part = self.part(offset)?;
                self.pay(offset, |budget| budget.take_data(part.len() as u64))?;
                Value::Bytes(part)
            }
            Tag::List => {
                let count = self.enter(offset, 1)?;
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(self.value()?);
                }
                self.budget.leave();
                Value::List(values)
            }
            Tag::Map => {
                let count = self.enter(offset, 2)?;
                let mut entries = Vec::with_capacity(count);
                for _ in 0..count {
                    entries.push((self.value()?, self.value()?));
                }
                self.budget.leave();
                Value::Map(entries)
            }
            Tag::Frame => {
                let header: FrameHeader = self.take()?;
                if header.encoding() != Encoding::Raw {
                    return Err(DecodeError::EncodedFrame { offset, encoding: header.encoding() });
                }
                let part = self.part(offset)?;
                self.pay(offset, |budget| budget.take_pixels(part.len() as u64))?;
                Value::Frame(header.into_frame(part).map_err(|source| DecodeError::Frame { offset, source })?)
            }
            Tag::Array => Value::Array(self.array(offset)?),
        })
    }

    /// Reads an array behind its tag.
    fn array(&mut self, offset: usize) -> Result<NdArray, DecodeError> {
        let invalid = |source| DecodeError::Array { offset, source };
        let (dtype, count): (DType, u64) = self.take()?;
        let found = usize::try_from(count).unwrap_or(usize::MAX);
        let mut sides = [0; NdArray::MAX_DIMENSIONS];
        let sides = sides.get_mut(..found).ok_or(invalid(NdArrayError::Dimensions { found }))?;
        self.pay(offset, |budget| budget.take_sides(count))?;
        for side in sides.iter_mut() {
            let found: u64 = self.take()?;
            *side = found.try_into().map_err(|_| invalid(NdArrayError::TooLarge))?;
        }
        let part = self.part(offset)?;
        self.pay(offset, |budget| budget.take_pixels(part.len() as u64))?;
        NdArray::new(part, sides, dtype).map_err(invalid)
    }

    /// Goes into a list or a map, and gives its count once it is known that so many values can be there and are paid.
    fn enter(&mut self, offset: usize, values_each: u64) -> Result<usize, DecodeError> {
        self.pay(offset, Budget::enter)?;
        let count: u64 = self.take()?;
        let values = count.saturating_mul(values_each);
        // The shortest value is its tag, one byte: a count that cannot be true is not worth an allocation.
        if values > self.rest.len() as u64 {
            return Err(DecodeError::Truncated { offset });
        }
        self.pay(offset, |budget| budget.take_values(values))?;
        // No more than the bytes that are left, so it is a usize.
        Ok(count as usize)
    }

    fn tag(&mut self) -> Result<Tag, DecodeError> {
        let offset = self.offset();
        self.take().map_err(|error| match error {
            // postcard reads the number of a variant well, and serde then knows no variant of that number.
            DecodeError::Unknown { .. } => DecodeError::Tag { offset },
            other => other,
        })
    }

    /// Reads something in postcard's format.
    fn take<T: Deserialize<'a>>(&mut self) -> Result<T, DecodeError> {
        let offset = self.offset();
        let (value, rest) = postcard::take_from_bytes(self.rest).map_err(|error| match error {
            postcard::Error::DeserializeUnexpectedEnd => DecodeError::Truncated { offset },
            postcard::Error::DeserializeBadVarint => DecodeError::Varint { offset },
            postcard::Error::DeserializeBadUtf8 => DecodeError::Utf8 { offset },
            _ => DecodeError::Unknown { offset },
        })?;
        self.rest = rest;
        Ok(value)
    }

    fn part(&mut self, offset: usize) -> Result<Bytes, DecodeError> {
        self.parts.next().ok_or(DecodeError::MissingPart { offset })
    }

    fn pay(
        &mut self,
        offset: usize,
        cost: impl FnOnce(&mut Budget) -> Result<(), LimitExceeded>,
    ) -> Result<(), DecodeError> {
        cost(self.budget).map_err(|source| DecodeError::Limit { offset, source })
    }

    fn offset(&self) -> usize {
        self.total - self.rest.len()
    }
}

/// Why the bytes from a peer are not a value, and at which of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The value is larger than this end allows.
    #[error("byte {offset}: {source}")]
    Limit {
        /// Where the value begins.
        offset: usize,
        /// The limit.
        source: LimitExceeded,
    },
    /// The bytes end within the value, or it names a length that goes past their end.
    #[error("byte {offset}: the value goes on past the end of the message")]
    Truncated {
        /// Where what is missing begins.
        offset: usize,
    },
    /// A kind of value that this version does not know.
    #[error(
        "byte {offset}: a kind of value that this version does not know; is the peer newer than this end?"
    )]
    Tag {
        /// Where the value begins.
        offset: usize,
    },
    /// A number of variable length has more bits than its type.
    #[error("byte {offset}: a number is too large for its type")]
    Varint {
        /// Where the number begins.
        offset: usize,
    },
    /// A text is not UTF-8.
    #[error("byte {offset}: a text is not UTF-8")]
    Utf8 {
        /// Where the text begins.
        offset: usize,
    },
    /// The message has fewer parts than its values name.
    #[error("byte {offset}: the part that holds the bytes of this value is missing")]
    MissingPart {
        /// Where the value begins.
        offset: usize,
    },
    /// A frame whose part is not as long as its header says, or whose header makes no frame.
    #[error("byte {offset}: {source}")]
    Frame {
        /// Where the value begins.
        offset: usize,
        /// What is wrong with the frame.
        source: FrameError,
    },
    /// A frame as data that is encoded.
    #[error("byte {offset}: a {encoding} frame as data, where frames are raw")]
    EncodedFrame {
        /// Where the value begins.
        offset: usize,
        /// How it is encoded.
        encoding: Encoding,
    },
    /// An array whose part is not as long as its header says, or whose header makes no array.
    #[error("byte {offset}: {source}")]
    Array {
        /// Where the value begins.
        offset: usize,
        /// What is wrong with the array.
        source: NdArrayError,
    },
    /// The header of a frame or an array names an element type, a pixel format or an encoding that this version does
    /// not know.
    #[error(
        "byte {offset}: an element type, pixel format or encoding that this version does not know; \
         is the peer newer than this end?"
    )]
    Unknown {
        /// Where the header begins.
        offset: usize,
    },
}
