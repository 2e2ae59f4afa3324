use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::native::SessionId;

/// What an application has taken of a peer's data: kept anywhere and given to the session of a restarted program
/// ([`SessionConfig::with_resume`](super::SessionConfig::with_resume)), it has that one go on where the old one was.
///
/// As a text it has 48 hexadecimal digits.
///
/// ```
/// use netgear_proto::{native::SessionId, session::ResumeToken};
///
/// let token = ResumeToken { peer: SessionId::from_bytes([1; 16]), data_taken: 300 };
/// assert_eq!(token.to_string(), "01010101010101010101010101010101000000000000012c");
/// assert_eq!(token.to_string().parse(), Ok(token));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ResumeToken {
    /// Whose data it was.
    pub peer: SessionId,
    /// How many items were taken, counted from the peer's first of all.
    pub data_taken: u64,
}

impl fmt::Display for ResumeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:016x}", self.peer, self.data_taken)
    }
}

impl FromStr for ResumeToken {
    type Err = ResumeTokenError;

    fn from_str(text: &str) -> Result<Self, ResumeTokenError> {
        let error = || ResumeTokenError(text.to_string());
        // `from_str_radix` would take a sign.
        if text.len() != 48 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(error());
        }
        let (peer, taken) = text.split_at_checked(32).ok_or_else(error)?;
        let peer = peer.parse().map_err(|_| error())?;
        let data_taken = u64::from_str_radix(taken, 16).map_err(|_| error())?;
        Ok(Self { peer, data_taken })
    }
}

/// A text that is no [`ResumeToken`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no resume token; it has 48 hexadecimal digits, as Session::resume_token gives them")]
pub struct ResumeTokenError(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_comes_back() {
        for data_taken in [0, 1, u64::from(u32::MAX) + 1, u64::MAX] {
            let token = ResumeToken { peer: SessionId::from_bytes([0xfe; 16]), data_taken };
            assert_eq!(token.to_string().parse(), Ok(token));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let token = ResumeToken { peer: SessionId::from_bytes([7; 16]), data_taken: 5 }.to_string();
        let signed = token.replacen("0000000000000005", "+000000000000005", 1);
        for text in ["", "0", &token[..47], &(token.clone() + "0"), &signed, &"é".repeat(24)] {
            assert!(text.parse::<ResumeToken>().is_err(), "{text}");
        }
    }
}
