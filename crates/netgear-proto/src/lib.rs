//! What NetGear says on the wire, and the rules of saying it.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod native;
pub mod session;
pub mod zmtp;

mod buffer_pool;
mod element_type;
mod frame;
mod limits;
mod multipart;
mod pattern;
mod pixel_format;
mod shape;
mod timestamp;
mod value;

pub use buffer_pool::BufferPool;
pub use element_type::ElementType;
pub use frame::{Frame, FrameError};
pub use limits::Limits;
pub use multipart::Multipart;
pub use pattern::{ConfigError, Mode, Pattern, Role};
pub use pixel_format::PixelFormat;
pub use shape::{Shape, ShapeError};
pub use timestamp::Timestamp;
pub use value::{DeserializeError, FromSerdeError, Value};
