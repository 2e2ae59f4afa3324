//! A [`Value`] as bytes, in postcard's format. docs/wire.md has the layout.

mod decode;
mod encode;
mod tag;
#[cfg(test)]
pub(super) mod tests;

pub use decode::DecodeError;
pub(crate) use decode::decode;
pub use encode::EncodeError;
pub(crate) use encode::{PartsOut, append, check, encode};
