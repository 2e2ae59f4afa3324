use bytes::Bytes;

use super::{
    DecodeError, MsgpackError,
    reader::{Reader, Token},
};
use crate::{Mode, Value, budget::Budget};

/// What the map in the first part of a message says.
#[derive(Debug, PartialEq)]
pub(super) enum Header {
    /// An array follows.
    Frame {
        mode: Mode,
        data: Option<Value>,
    },
    Terminate,
    Return(Option<Value>),
    /// An array follows.
    ReturnArray,
    Terminated,
}

impl Header {
    pub(super) fn decode(part: &Bytes, budget: &mut Budget) -> Result<Self, DecodeError> {
        let Map { terminate, bi_mode, data, return_type, return_data, terminated } =
            Map::read(part, budget).map_err(DecodeError::Header)?;
        let missing = |key| DecodeError::MissingKey { key };
        match (terminate, return_type, terminated.is_some()) {
            (Some(true), None, false) => Ok(Self::Terminate),
            (Some(false), None, false) => {
                let mode = match bi_mode.ok_or(missing("bi_mode"))? {
                    true => Mode::Bidirectional,
                    false => Mode::Unidirectional,
                };
                Ok(Self::Frame { mode, data: without_nothing(data.ok_or(missing("data"))?) })
            }
            (None, Some(return_type), false) => {
                let data = return_data.ok_or(missing("return_data"))?;
                Ok(match return_type {
                    "ndarray" => Self::ReturnArray,
                    "NoneType" => Self::Return(None),
                    // VidGear says nil only where an array follows: here of a type made from ndarray, like
                    // numpy.matrix.
                    _ if data.is_null() => Self::ReturnArray,
                    _ => Self::Return(Some(data)),
                })
            }
            (None, None, true) => Ok(Self::Terminated),
            _ => Err(DecodeError::Unknown),
        }
    }
}

/// VidGear writes "" where there is no data.
fn without_nothing(data: Value) -> Option<Value> {
    match data {
        Value::Null => None,
        Value::Str(text) if text.is_empty() => None,
        data => Some(data),
    }
}

/// What stands in the map, each under its key.
#[derive(Default)]
struct Map<'a> {
    terminate: Option<bool>,
    bi_mode: Option<bool>,
    data: Option<Value>,
    return_type: Option<&'a str>,
    return_data: Option<Value>,
    terminated: Option<&'a str>,
}

impl<'a> Map<'a> {
    fn read(part: &'a Bytes, budget: &mut Budget) -> Result<Self, MsgpackError> {
        let mut map = Self::default();
        Reader::new(part, budget).fields(|key, reader| match key.token {
            Token::Str("terminate") => reader.once(key, "terminate", &mut map.terminate, Reader::bool),
            Token::Str("bi_mode") => reader.once(key, "bi_mode", &mut map.bi_mode, Reader::bool),
            Token::Str("data") => reader.once(key, "data", &mut map.data, Reader::value),
            Token::Str("return_type") => reader.once(key, "return_type", &mut map.return_type, Reader::text),
            Token::Str("return_data") => reader.once(key, "return_data", &mut map.return_data, Reader::value),
            Token::Str("terminated") => reader.once(key, "terminated", &mut map.terminated, Reader::text),
            // What a newer VidGear may say besides.
            _ => reader.pass_over(key),
        })?;
        Ok(map)
    }
}
