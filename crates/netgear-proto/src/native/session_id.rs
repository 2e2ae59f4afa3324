use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Tells one session from every other: 16 bytes that nobody else has, drawn at random by whoever makes the session.
///
/// It lives as long as the session does, over any number of connections. A program that is started again has another.
///
/// ```
/// use netgear_proto::native::SessionId;
///
/// let id = SessionId::from_bytes([0xab; 16]);
/// assert_eq!(id.to_string(), "abababababababababababababababab");
/// assert_eq!(id.to_string().parse(), Ok(id));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// No identity: whoever says it is never known again, and gets everything again that it has not taken. The
    /// default.
    pub const ANONYMOUS: Self = Self([0; 16]);

    /// An identity of these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether it is none.
    pub fn is_anonymous(&self) -> bool {
        *self == Self::ANONYMOUS
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// Reads 32 hexadecimal digits of either case.
impl FromStr for SessionId {
    type Err = SessionIdError;

    fn from_str(text: &str) -> Result<Self, SessionIdError> {
        let error = || SessionIdError(text.to_string());
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(error());
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            for digit in pair {
                let value = char::from(*digit).to_digit(16).ok_or_else(error)?;
                *byte = *byte << 4 | value as u8;
            }
        }
        Ok(Self(bytes))
    }
}

/// A text that is no [`SessionId`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no session's identity; it has 32 hexadecimal digits")]
pub struct SessionIdError(String);

#[cfg(test)]
mod tests {
    extern crate std;

    use alloc::format;

    use super::*;

    #[test]
    fn a_text_comes_back_and_another_is_refused() {
        let id = SessionId::from_bytes([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0xee, 0xff]);
        assert_eq!(id.to_string(), "000102030405060708090a0b0c0d0eff".replace("0d0eff", "0deeff"));
        assert_eq!(id.to_string().to_uppercase().parse(), Ok(id));
        for text in
            ["", "0", &"0".repeat(31), &"0".repeat(33), &format!("{}g", "0".repeat(31)), &"é".repeat(16)]
        {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }
}
