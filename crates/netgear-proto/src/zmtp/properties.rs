use alloc::{string::String, vec::Vec};

use bytes::Bytes;

use super::Violation;

/// The most properties that a READY may have. Their bytes are limited too, but the shortest property is 6 bytes on
/// the wire and ten times that in memory, and each name is compared with all before it. libzmq sends two.
pub(super) const MOST: usize = 64;

/// The metadata of a READY command, in the order in which it came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Properties(Vec<(String, Bytes)>);

impl Properties {
    /// The value of a property; names are compared without case (RFC 37).
    pub(super) fn get(&self, name: &str) -> Option<&Bytes> {
        self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn push(&mut self, name: &str, value: Bytes) {
        self.0.push((name.into(), value));
    }

    /// Appends the properties as they stand in a command.
    pub(super) fn write(&self, command: &mut Vec<u8>) {
        for (name, value) in &self.0 {
            command.push(name.len() as u8);
            command.extend_from_slice(name.as_bytes());
            command.extend_from_slice(&(value.len() as u32).to_be_bytes());
            command.extend_from_slice(value);
        }
    }

    /// Reads the properties of a command, whose length has been held against the limits.
    pub(super) fn read(mut bytes: &[u8]) -> Result<Self, Violation> {
        let mut properties = Self::default();
        while let Some((&name_len, rest)) = bytes.split_first() {
            let (name, rest) = rest.split_at_checked(name_len.into()).ok_or(Violation::PropertyTruncated)?;
            let (value_len, rest) = rest.split_first_chunk().ok_or(Violation::PropertyTruncated)?;
            let value_len =
                usize::try_from(u32::from_be_bytes(*value_len)).map_err(|_| Violation::PropertyTruncated)?;
            let (value, rest) = rest.split_at_checked(value_len).ok_or(Violation::PropertyTruncated)?;
            let name = core::str::from_utf8(name).ok().filter(|name| is_name(name));
            let name = name.ok_or(Violation::PropertyName)?;
            if properties.get(name).is_some() {
                return Err(Violation::PropertyTwice);
            }
            if properties.len() == MOST {
                return Err(Violation::TooManyProperties { limit: MOST });
            }
            properties.push(name, Bytes::copy_from_slice(value));
            bytes = rest;
        }
        Ok(properties)
    }
}

/// RFC 37: 1 to 255 characters of `[A-Za-z0-9-_.+]`.
pub(super) fn is_name(name: &str) -> bool {
    (1..=255).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+'))
}
