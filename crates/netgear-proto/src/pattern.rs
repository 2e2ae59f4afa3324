use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The ZeroMQ messaging pattern of a session. Only these two carry data both ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Pattern {
    // The order is the wire's and VidGear's: append, never reorder.
    /// PAIR with PAIR (RFC 31): one peer, either end may speak at any time. The default, as in VidGear.
    #[default]
    Pair,
    /// REQ with REP (RFC 28): strictly in turns, the sender asks and the receiver answers.
    ReqRep,
}

impl Pattern {
    /// The pattern of VidGear's number: 0 is PAIR, 1 is REQ/REP.
    ///
    /// # Errors
    /// [`ConfigError::OneWayPattern`] for 2 (PUB/SUB) and 3 (PUSH/PULL), [`ConfigError::UnknownPattern`] for the
    /// rest.
    pub fn from_number(number: u8) -> Result<Self, ConfigError> {
        match number {
            0 => Ok(Self::Pair),
            1 => Ok(Self::ReqRep),
            2 => Err(ConfigError::OneWayPattern("PUB/SUB")),
            3 => Err(ConfigError::OneWayPattern("PUSH/PULL")),
            _ => Err(ConfigError::UnknownPattern(number.to_string())),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pair => "PAIR",
            Self::ReqRep => "REQ/REP",
        })
    }
}

/// Reads `pair` and `reqrep` in any case, with or without `/`, `-` or `_`, and VidGear's numbers.
impl FromStr for Pattern {
    type Err = ConfigError;

    fn from_str(name: &str) -> Result<Self, ConfigError> {
        if let Ok(number) = name.parse() {
            return Self::from_number(number);
        }
        let letters: String =
            name.chars().filter(|c| !matches!(c, '/' | '-' | '_')).map(|c| c.to_ascii_lowercase()).collect();
        match letters.as_str() {
            "pair" => Ok(Self::Pair),
            "reqrep" => Ok(Self::ReqRep),
            "pubsub" => Err(ConfigError::OneWayPattern("PUB/SUB")),
            "pushpull" => Err(ConfigError::OneWayPattern("PUSH/PULL")),
            _ => Err(ConfigError::UnknownPattern(name.to_string())),
        }
    }
}

/// Which end of a session this is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    // The order is the wire's: append, never reorder.
    /// Has the frames and sends them. VidGear calls it the server.
    Sender,
    /// Takes the frames. VidGear calls it the client.
    Receiver,
}

impl Role {
    /// The role at the other end.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        })
    }
}

/// Whether data goes with the frames and back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Mode {
    // The order is the wire's: append, never reorder.
    /// Data of any type goes with each frame, and data or frames come back. The default.
    #[default]
    Bidirectional,
    /// Frames one way; what comes back is only their acknowledgement.
    Unidirectional,
}

impl Mode {
    /// The other one.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Bidirectional => Self::Unidirectional,
            Self::Unidirectional => Self::Bidirectional,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bidirectional => "bidirectional",
            Self::Unidirectional => "unidirectional",
        })
    }
}

/// A wish that no session can fulfil, found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A pattern that cannot carry an answer, which every frame has in either mode.
    #[error(
        "{0} carries messages one way only, and each frame is answered here, without data both ways too; \
         use pair or reqrep"
    )]
    OneWayPattern(&'static str),
    /// No such pattern.
    #[error("there is no pattern {0:?}; use pair (0) or reqrep (1)")]
    UnknownPattern(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "Only PAIR and REQ/REP carry data both ways; any other pattern asked for is an error, not a silent default."
    #[test]
    fn only_pair_and_reqrep_carry_data_both_ways() {
        for (name, pattern) in [("pair", Pattern::Pair), ("PAIR", Pattern::Pair), ("0", Pattern::Pair)] {
            assert_eq!(name.parse(), Ok(pattern));
        }
        for name in ["reqrep", "req-rep", "REQ/REP", "req_rep", "1"] {
            assert_eq!(name.parse(), Ok(Pattern::ReqRep));
        }
        assert_eq!("pub/sub".parse::<Pattern>(), Err(ConfigError::OneWayPattern("PUB/SUB")));
        assert_eq!("2".parse::<Pattern>(), Err(ConfigError::OneWayPattern("PUB/SUB")));
        assert_eq!("push-pull".parse::<Pattern>(), Err(ConfigError::OneWayPattern("PUSH/PULL")));
        assert_eq!("3".parse::<Pattern>(), Err(ConfigError::OneWayPattern("PUSH/PULL")));
        for name in ["4", "255", "256", "-1", "", "dealer"] {
            assert_eq!(name.parse::<Pattern>(), Err(ConfigError::UnknownPattern(name.into())));
        }
    }
}
