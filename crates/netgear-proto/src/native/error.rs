use super::{ValueDecodeError, ValueEncodeError};
use crate::{EncodedFrameError, FrameError, LimitExceeded};

/// Why a message cannot be written: always the caller's doing, and nothing of it has been sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The pixels are over the limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// The data cannot be written.
    #[error(transparent)]
    Value(#[from] ValueEncodeError),
    /// The header could not be written: a fault of this crate.
    #[error("the header could not be written; this is a fault of netgear-proto, please report it")]
    Header,
}

/// Why a message cannot be read: always the peer's doing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message has no part, or an empty first one.
    #[error("the message is empty")]
    Empty,
    /// The message is of another dialect.
    #[error("the message begins with byte {found:#04x}, which no NetGear message does")]
    FirstByte {
        /// The byte found.
        found: u8,
    },
    /// The header part is not one that this version knows, or is cut short.
    #[error("the header is unknown or cut short")]
    Header,
    /// The header speaks of a part that did not come.
    #[error("the part with the pixels is missing")]
    MissingPart,
    /// Parts came that the header does not speak of.
    #[error("{surplus} parts came that the header does not speak of")]
    SurplusParts {
        /// How many.
        surplus: usize,
    },
    /// The pixels are over the limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// Shape, element type, pixel format and length disagree.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The header and the bytes make no encoded frame.
    #[error(transparent)]
    EncodedFrame(#[from] EncodedFrameError),
    /// The data cannot be read.
    #[error(transparent)]
    Value(#[from] ValueDecodeError),
}
