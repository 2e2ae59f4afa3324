use alloc::{borrow::ToOwned, vec::Vec};

use bytes::Bytes;
use rmp::Marker;

use super::{ArrayError, MsgpackError};
use crate::{
    NdArray, NdArrayError, Value,
    budget::{Budget, LimitExceeded},
};

/// From this length on, bytes are a slice of the part; below it they are copied, so as not to keep the part alive.
const SLICED: usize = 1024;

/// One value of MessagePack, up to the values within it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Nil,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(&'a str),
    Bin(&'a [u8]),
    /// So many values follow.
    List(usize),
    /// So many pairs of a key and a value follow.
    Map(usize),
}

impl Token<'_> {
    fn what(self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) => "a text",
            Self::Bin(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// A key of a map, or the beginning of one that is itself a list or a map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key<'a> {
    /// Where it stands.
    offset: usize,
    pub(super) token: Token<'a>,
}

/// Reads a part from front to back. Nothing is allocated before the budget has paid for it.
pub(super) struct Reader<'a, 'b> {
    part: &'a Bytes,
    /// What has not been read yet.
    rest: &'a [u8],
    budget: &'b mut Budget,
}

impl<'a, 'b> Reader<'a, 'b> {
    pub(super) fn new(part: &'a Bytes, budget: &'b mut Budget) -> Self {
        Self { part, rest: part, budget }
    }

    /// How many bytes have been read.
    pub(super) fn offset(&self) -> usize {
        self.part.len() - self.rest.len()
    }

    /// Reads a part that is one map: `field` is given each key, and reads what belongs to it.
    pub(super) fn fields<E: From<MsgpackError>>(
        mut self,
        mut field: impl FnMut(Key<'a>, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        for _ in 0..self.map()? {
            let offset = self.offset();
            let token = self.token()?;
            field(Key { offset, token }, &mut self)?;
        }
        Ok(self.end()?)
    }

    /// Reads the value of a key that may stand in its map once.
    pub(super) fn once<T, E: From<MsgpackError>>(
        &mut self,
        Key { offset, .. }: Key<'a>,
        key: &'static str,
        slot: &mut Option<T>,
        read: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<(), E> {
        if slot.is_some() {
            return Err(MsgpackError::DuplicateKey { offset, key }.into());
        }
        *slot = Some(read(self)?);
        Ok(())
    }

    /// Reads a key to its end and its value, whatever they are.
    pub(super) fn pass_over(&mut self, Key { offset, token }: Key<'a>) -> Result<(), MsgpackError> {
        self.value_of(offset, token)?;
        self.value()?;
        Ok(())
    }

    /// Reads the beginning of a list of the sides of an array.
    pub(super) fn sides(&mut self) -> Result<usize, ArrayError> {
        let offset = self.offset();
        let count = self.list()?;
        if count > NdArray::MAX_DIMENSIONS {
            return Err(NdArrayError::Dimensions { found: count }.into());
        }
        self.pay(offset, |budget| budget.take_sides(count as u64))?;
        Ok(count)
    }

    pub(super) fn bool(&mut self) -> Result<bool, MsgpackError> {
        self.expect("true or false", |token| match token {
            Token::Bool(value) => Some(value),
            _ => None,
        })
    }

    pub(super) fn int(&mut self) -> Result<i128, MsgpackError> {
        self.expect("an integer", |token| match token {
            Token::Int(value) => Some(value),
            _ => None,
        })
    }

    pub(super) fn text(&mut self) -> Result<&'a str, MsgpackError> {
        self.expect("a text", |token| match token {
            Token::Str(text) => Some(text),
            _ => None,
        })
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], MsgpackError> {
        self.expect("bytes", |token| match token {
            Token::Bin(bytes) => Some(bytes),
            _ => None,
        })
    }

    /// Reads a value of any kind.
    pub(super) fn value(&mut self) -> Result<Value, MsgpackError> {
        let offset = self.offset();
        self.pay(offset, |budget| budget.take_values(1))?;
        self.paid_value()
    }

    /// Reads a value of any kind whose beginning has been read already.
    pub(super) fn value_of(&mut self, offset: usize, token: Token<'a>) -> Result<Value, MsgpackError> {
        self.pay(offset, |budget| budget.take_values(1))?;
        self.contents(offset, token)
    }

    /// Reads a value up to the values within it. The bytes of a text, and as many as the values of a list or a map
    /// take at least, are known to be there.
    pub(super) fn token(&mut self) -> Result<Token<'a>, MsgpackError> {
        let offset = self.offset();
        let [byte] = self.array(offset)?;
        Ok(match Marker::from_u8(byte) {
            Marker::Null => Token::Nil,
            Marker::False => Token::Bool(false),
            Marker::True => Token::Bool(true),
            Marker::FixPos(value) => Token::Int(value.into()),
            Marker::FixNeg(value) => Token::Int(value.into()),
            Marker::U8 => Token::Int(u8::from_be_bytes(self.array(offset)?).into()),
            Marker::U16 => Token::Int(u16::from_be_bytes(self.array(offset)?).into()),
            Marker::U32 => Token::Int(u32::from_be_bytes(self.array(offset)?).into()),
            Marker::U64 => Token::Int(u64::from_be_bytes(self.array(offset)?).into()),
            Marker::I8 => Token::Int(i8::from_be_bytes(self.array(offset)?).into()),
            Marker::I16 => Token::Int(i16::from_be_bytes(self.array(offset)?).into()),
            Marker::I32 => Token::Int(i32::from_be_bytes(self.array(offset)?).into()),
            Marker::I64 => Token::Int(i64::from_be_bytes(self.array(offset)?).into()),
            Marker::F32 => Token::Float(f32::from_be_bytes(self.array(offset)?).into()),
            Marker::F64 => Token::Float(f64::from_be_bytes(self.array(offset)?)),
            Marker::FixStr(length) => self.str(offset, length.into())?,
            Marker::Str8 => self.length_8(offset).and_then(|length| self.str(offset, length))?,
            Marker::Str16 => self.length_16(offset).and_then(|length| self.str(offset, length))?,
            Marker::Str32 => self.length_32(offset).and_then(|length| self.str(offset, length))?,
            Marker::Bin8 => self.length_8(offset).and_then(|length| self.bin(offset, length))?,
            Marker::Bin16 => self.length_16(offset).and_then(|length| self.bin(offset, length))?,
            Marker::Bin32 => self.length_32(offset).and_then(|length| self.bin(offset, length))?,
            Marker::FixArray(count) => Token::List(self.count(offset, count.into(), 1)?),
            Marker::Array16 => {
                Token::List(self.length_16(offset).and_then(|count| self.count(offset, count, 1))?)
            }
            Marker::Array32 => {
                Token::List(self.length_32(offset).and_then(|count| self.count(offset, count, 1))?)
            }
            Marker::FixMap(count) => Token::Map(self.count(offset, count.into(), 2)?),
            Marker::Map16 => {
                Token::Map(self.length_16(offset).and_then(|count| self.count(offset, count, 2))?)
            }
            Marker::Map32 => {
                Token::Map(self.length_32(offset).and_then(|count| self.count(offset, count, 2))?)
            }
            Marker::FixExt1 | Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt8 | Marker::FixExt16 => {
                return Err(self.extension(offset));
            }
            Marker::Ext8 => {
                return Err(self.length_8(offset).map_or_else(|error| error, |_| self.extension(offset)));
            }
            Marker::Ext16 => {
                return Err(self.length_16(offset).map_or_else(|error| error, |_| self.extension(offset)));
            }
            Marker::Ext32 => {
                return Err(self.length_32(offset).map_or_else(|error| error, |_| self.extension(offset)));
            }
            Marker::Reserved => return Err(MsgpackError::Reserved { offset }),
        })
    }

    fn map(&mut self) -> Result<usize, MsgpackError> {
        self.expect("a map", |token| match token {
            Token::Map(count) => Some(count),
            _ => None,
        })
    }

    fn list(&mut self) -> Result<usize, MsgpackError> {
        self.expect("a list", |token| match token {
            Token::List(count) => Some(count),
            _ => None,
        })
    }

    /// Nothing is left.
    fn end(self) -> Result<(), MsgpackError> {
        match self.rest {
            [] => Ok(()),
            _ => Err(MsgpackError::TrailingBytes { offset: self.offset() }),
        }
    }

    /// Reads a value whose own cost has been paid.
    fn paid_value(&mut self) -> Result<Value, MsgpackError> {
        let offset = self.offset();
        let token = self.token()?;
        self.contents(offset, token)
    }

    /// Reads what belongs to a token that has been paid.
    fn contents(&mut self, offset: usize, token: Token<'a>) -> Result<Value, MsgpackError> {
        Ok(match token {
            Token::Nil => Value::Null,
            Token::Bool(value) => Value::Bool(value),
            Token::Int(value) => Value::Int(value),
            Token::Float(value) => Value::Float(value),
            Token::Str(text) => {
                self.pay(offset, |budget| budget.take_data(text.len() as u64))?;
                Value::Str(text.to_owned())
            }
            Token::Bin(bytes) => {
                self.pay(offset, |budget| budget.take_data(bytes.len() as u64))?;
                Value::Bytes(if bytes.len() < SLICED {
                    Bytes::copy_from_slice(bytes)
                } else {
                    self.part.slice_ref(bytes)
                })
            }
            Token::List(count) => {
                self.enter(offset, count as u64)?;
                let mut values = Vec::with_capacity(count);
                for _ in 0..count {
                    values.push(self.paid_value()?);
                }
                self.budget.leave();
                Value::List(values)
            }
            Token::Map(count) => {
                self.enter(offset, 2 * count as u64)?;
                let mut entries = Vec::with_capacity(count);
                for _ in 0..count {
                    entries.push((self.paid_value()?, self.paid_value()?));
                }
                self.budget.leave();
                Value::Map(entries)
            }
        })
    }

    fn expect<T>(
        &mut self,
        expected: &'static str,
        take: impl FnOnce(Token<'a>) -> Option<T>,
    ) -> Result<T, MsgpackError> {
        let offset = self.offset();
        let token = self.token()?;
        take(token).ok_or(MsgpackError::Type { offset, what: token.what(), expected })
    }

    /// Goes into a list or a map of so many values.
    fn enter(&mut self, offset: usize, values: u64) -> Result<(), MsgpackError> {
        self.pay(offset, Budget::enter)?;
        self.pay(offset, |budget| budget.take_values(values))
    }

    fn pay(
        &mut self,
        offset: usize,
        cost: impl FnOnce(&mut Budget) -> Result<(), LimitExceeded>,
    ) -> Result<(), MsgpackError> {
        cost(self.budget).map_err(|source| MsgpackError::Limit { offset, source })
    }

    fn str(&mut self, offset: usize, length: usize) -> Result<Token<'a>, MsgpackError> {
        let bytes = self.take(offset, length)?;
        core::str::from_utf8(bytes).map(Token::Str).map_err(|_| MsgpackError::Utf8 { offset })
    }

    fn bin(&mut self, offset: usize, length: usize) -> Result<Token<'a>, MsgpackError> {
        self.take(offset, length).map(Token::Bin)
    }

    /// The count of a list or a map, if so many values can be there: the shortest takes one byte.
    fn count(&self, offset: usize, count: usize, values_each: usize) -> Result<usize, MsgpackError> {
        match count.saturating_mul(values_each) > self.rest.len() {
            true => Err(MsgpackError::Truncated { offset }),
            false => Ok(count),
        }
    }

    fn extension(&mut self, offset: usize) -> MsgpackError {
        match self.array(offset) {
            Ok(number) => MsgpackError::Extension { offset, number: i8::from_be_bytes(number) },
            Err(error) => error,
        }
    }

    fn length_8(&mut self, offset: usize) -> Result<usize, MsgpackError> {
        Ok(u8::from_be_bytes(self.array(offset)?).into())
    }

    fn length_16(&mut self, offset: usize) -> Result<usize, MsgpackError> {
        Ok(u16::from_be_bytes(self.array(offset)?).into())
    }

    fn length_32(&mut self, offset: usize) -> Result<usize, MsgpackError> {
        // What a usize cannot hold cannot be there either.
        usize::try_from(u32::from_be_bytes(self.array(offset)?))
            .map_err(|_| MsgpackError::Truncated { offset })
    }

    fn array<const N: usize>(&mut self, offset: usize) -> Result<[u8; N], MsgpackError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(MsgpackError::Truncated { offset })?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn take(&mut self, offset: usize, length: usize) -> Result<&'a [u8], MsgpackError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(MsgpackError::Truncated { offset })?;
        self.rest = rest;
        Ok(bytes)
    }
}
