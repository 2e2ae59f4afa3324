use alloc::vec::Vec;

use rmp::encode::{self, ByteBuf};

use super::EncodeError;
use crate::{Value, budget::Budget};

/// Writes MessagePack, always in the shortest form: that is what Python's does.
pub(super) struct Writer {
    out: ByteBuf,
}

impl Writer {
    /// With room for so many bytes.
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self { out: ByteBuf::with_capacity(bytes) }
    }

    pub(super) fn into_bytes(self) -> bytes::Bytes {
        self.out.into_vec().into()
    }

    pub(super) fn nil(&mut self) {
        infallible(encode::write_nil(&mut self.out));
    }

    pub(super) fn bool(&mut self, value: bool) {
        infallible(encode::write_bool(&mut self.out, value));
    }

    pub(super) fn uint(&mut self, value: u64) {
        infallible(encode::write_uint(&mut self.out, value));
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), EncodeError> {
        infallible(encode::write_str_len(&mut self.out, length(text.len())?));
        self.out.as_mut_vec().extend_from_slice(text.as_bytes());
        Ok(())
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.bytes_head(bytes.len())?;
        self.out.as_mut_vec().extend_from_slice(bytes);
        Ok(())
    }

    /// What stands before so many bytes.
    pub(super) fn bytes_head(&mut self, bytes: usize) -> Result<(), EncodeError> {
        infallible(encode::write_bin_len(&mut self.out, length(bytes)?));
        Ok(())
    }

    /// What stands before so many values.
    pub(super) fn list_head(&mut self, values: usize) -> Result<(), EncodeError> {
        infallible(encode::write_array_len(&mut self.out, length(values)?));
        Ok(())
    }

    /// What stands before so many pairs of a key and a value.
    pub(super) fn map_head(&mut self, pairs: usize) -> Result<(), EncodeError> {
        infallible(encode::write_map_len(&mut self.out, length(pairs)?));
        Ok(())
    }

    /// Any value that Python can read.
    pub(super) fn value(&mut self, value: &Value, budget: &mut Budget) -> Result<(), EncodeError> {
        budget.take_values(1)?;
        self.paid_value(value, budget)
    }

    /// A value whose own cost has been taken.
    fn paid_value(&mut self, value: &Value, budget: &mut Budget) -> Result<(), EncodeError> {
        match value {
            Value::Null => self.nil(),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value)?,
            Value::Float(value) => infallible(encode::write_f64(&mut self.out, *value)),
            Value::Str(text) => {
                budget.take_data(text.len() as u64)?;
                self.text(text)?;
            }
            Value::Bytes(bytes) => {
                budget.take_data(bytes.len() as u64)?;
                self.bytes(bytes)?;
            }
            Value::List(values) => {
                budget.enter()?;
                budget.take_values(values.len() as u64)?;
                self.list_head(values.len())?;
                for value in values {
                    self.paid_value(value, budget)?;
                }
                budget.leave();
            }
            Value::Map(entries) => {
                budget.enter()?;
                budget.take_values(2 * entries.len() as u64)?;
                self.map_head(entries.len())?;
                check_keys(entries)?;
                for (key, value) in entries {
                    self.paid_value(key, budget)?;
                    self.paid_value(value, budget)?;
                }
                budget.leave();
            }
            Value::Frame(_) | Value::Array(_) => return Err(EncodeError::ArrayInData),
        }
        Ok(())
    }

    fn int(&mut self, value: i128) -> Result<(), EncodeError> {
        if let Ok(value) = u64::try_from(value) {
            self.uint(value);
        } else {
            let value = i64::try_from(value).map_err(|_| EncodeError::Integer { value })?;
            infallible(encode::write_sint(&mut self.out, value));
        }
        Ok(())
    }
}

/// Python's `msgpack` refuses to read a map with keys of another type, and keeps but the last of those that are
/// equal. A text and bytes are never equal there.
fn check_keys(entries: &[(Value, Value)]) -> Result<(), EncodeError> {
    let mut keys = Vec::with_capacity(entries.len());
    for (key, _) in entries {
        keys.push(match key {
            Value::Str(text) => (true, text.as_bytes()),
            Value::Bytes(bytes) => (false, &bytes[..]),
            _ => return Err(EncodeError::Key { key: key.clone() }),
        });
    }
    keys.sort_unstable();
    let twice = keys.windows(2).find(|pair| pair.first() == pair.last()).and_then(<[_]>::first);
    match twice.and_then(|twice| entries.iter().find(|(key, _)| is_key(key, *twice))) {
        Some((key, _)) => Err(EncodeError::DuplicateKey { key: key.clone() }),
        None => Ok(()),
    }
}

fn is_key(key: &Value, (is_text, bytes): (bool, &[u8])) -> bool {
    match key {
        Value::Str(text) => is_text && text.as_bytes() == bytes,
        Value::Bytes(other) => !is_text && other == bytes,
        _ => false,
    }
}

fn length(length: usize) -> Result<u32, EncodeError> {
    length.try_into().map_err(|_| EncodeError::Length { length })
}

/// A vector takes whatever is written to it.
fn infallible<T>(written: Result<T, impl Sized>) {
    debug_assert!(written.is_ok(), "writing to a vector failed");
}
