//! The native dialect: what two NetGear peers say to each other.

#[cfg_attr(not(test), expect(dead_code, reason = "the messages that carry values use it"))]
mod budget;
mod frame_header;
#[cfg_attr(not(test), expect(dead_code, unused_imports, reason = "the messages that carry values use it"))]
mod value;

pub use budget::LimitExceeded;
pub use value::{DecodeError, EncodeError};
