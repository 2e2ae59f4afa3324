//! The VidGear dialect: the messages of Python's `NetGear_Async` (VidGear 0.3.5), so that either end can be the
//! original. `docs/vidgear-wire.md` describes it.
//!
//! A message is a MessagePack map, or two parts: such a map, and an array as the Python package `msgpack_numpy`
//! writes it. Pixels are copied neither on their way in nor on their way out.

mod array;
mod error;
mod header;
mod message;
mod reader;
mod writer;

pub use self::{
    error::{ArrayError, DecodeError, EncodeError, MsgpackError},
    message::{CLIENT_ID, FrameMessage, Message, is_falsy},
};
