//! The native dialect: what two NetGear peers say to each other. `docs/wire.md` describes it byte by byte.

mod error;
mod frame_header;
mod message;
mod session_id;
mod value;

pub use self::{
    error::{DecodeError, EncodeError},
    message::{
        Acknowledgement, Answer, ClockOffset, DataMessage, FIRST_BYTE, FrameMessage, Goodbye, Hello, Item,
        Message, Resume, Room, Scratch, VERSION,
    },
    session_id::{SessionId, SessionIdError},
    value::{DecodeError as ValueDecodeError, EncodeError as ValueEncodeError},
};

pub(crate) use self::{
    frame_header::FrameHeader,
    message::{Header, check, encode},
};

/// The READY property by which a ZMTP peer announces that it speaks this dialect. A libzmq peer has none.
pub const READY_PROPERTY: &str = "X-NetGear";

/// The value of [`READY_PROPERTY`].
pub const READY_VALUE: &[u8] = b"1";
