//! What NetGear says on the wire, and the rules of saying it: frames of video one way, any data both ways, over
//! ZeroMQ.
//!
//! Everything here is a state machine or plain data: no sockets, no clock, no runtime, no std. Bytes and the time go
//! in as arguments, bytes and events come out, so that the same code runs under tokio, in a simulator, in a fuzzer,
//! and in firmware.
//!
//! * [`Frame`], [`Value`] and what they are made of: a picture, and any data.
//! * [`EncodedFrame`] and [`Codec`]: a picture in fewer bytes, and what somebody else has to do for it.
//! * [`zmtp`]: one ZeroMQ connection, bytes to multipart messages. Its documentation has the loop to run.
//! * [`session`]: one end of an exchange, multipart messages to frames and data. It works over any carrier of
//!   messages, not only over `zmtp`.
//! * [`native`] and [`vidgear`]: the messages of a session as bytes, to another NetGear for Rust or to the Python
//!   original.
//!
//! The two state machines are joined like this; `examples/std_tcp` does it over `std::net::TcpStream`:
//!
//! ```text
//! socket ──► Connection::receive_buffer ─► poll_event ──► Session::handle_message ─► recv, recv_data
//! socket ◄── Connection::transmit ◄─────── send ◄──────── Session::poll_output ◄──── send, reply
//! ```
//!
//! A panic in here means a fault of this crate, never a peer's input: whatever a peer sends ends in an error. What it
//! can make this end hold is bounded by [`Limits`], which are checked before anything is allocated.
// An example shows what is needed, and no more.
#![doc(test(attr(deny(unused_imports))))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod native;
pub mod session;
pub mod vidgear;
pub mod zmtp;

mod budget;
mod buffer_pool;
mod codec;
mod dialect;
mod element_type;
mod encoded_frame;
mod encoding;
mod frame;
mod limits;
mod multipart;
mod nd_array;
mod pattern;
mod pixel_format;
mod shape;
mod timestamp;
mod value;

pub use budget::LimitExceeded;
pub use buffer_pool::BufferPool;
pub use codec::{Codec, FrameDecodeError, FrameEncodeError};
pub use dialect::{Dialect, UnknownDialect};
pub use element_type::ElementType;
pub use encoded_frame::{EncodedFrame, EncodedFrameError, WireFrame};
pub use encoding::{
    ChromaSubsampling, Encoding, EncodingChoice, EncodingChoiceError, Encodings, JpegQuality,
};
pub use frame::{Frame, FrameError};
pub use limits::Limits;
pub use multipart::{Multipart, Part};
pub use nd_array::{DType, NdArray, NdArrayError};
pub use pattern::{ConfigError, Mode, Pattern, Role};
pub use pixel_format::PixelFormat;
pub use shape::{Shape, ShapeError};
pub use timestamp::Timestamp;
pub use value::{DeserializeError, FromSerdeError, Value};
