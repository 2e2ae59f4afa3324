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
        match (terminate, return_type, terminated) {
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
                    // VidGear says nil only where an array follows: here of a type made from ndarray, like numpy.matrix.
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
    terminated: bool,
}

impl<'a> Map<'a> {
    fn read(part: &'a Bytes, budget: &mut Budget) -> Result<Self, MsgpackError> {
        let mut reader = Reader::new(part, budget);
        let mut map = Self::default();
        for _ in 0..reader.map()? {
            let offset = reader.offset();
            let once = |key, stands_already| match stands_already {
                true => Err(MsgpackError::DuplicateKey { offset, key }),
                false => Ok(()),
            };
            match reader.token()? {
                Token::Str("terminate") => {
                    once("terminate", map.terminate.is_some())?;
                    map.terminate = Some(reader.bool()?);
                }
                Token::Str("bi_mode") => {
                    once("bi_mode", map.bi_mode.is_some())?;
                    map.bi_mode = Some(reader.bool()?);
                }
                Token::Str("data") => {
                    once("data", map.data.is_some())?;
                    map.data = Some(reader.value()?);
                }
                Token::Str("return_type") => {
                    once("return_type", map.return_type.is_some())?;
                    map.return_type = Some(reader.text()?);
                }
                Token::Str("return_data") => {
                    once("return_data", map.return_data.is_some())?;
                    map.return_data = Some(reader.value()?);
                }
                Token::Str("terminated") => {
                    once("terminated", map.terminated)?;
                    reader.text()?;
                    map.terminated = true;
                }
                // What a newer VidGear may say besides.
                other => {
                    reader.value_of(offset, other)?;
                    reader.value()?;
                }
            }
        }
        reader.end()?;
        Ok(map)
    }
}
