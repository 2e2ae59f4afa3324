//! JPEG, as still pictures, webcams, films and encoded frames have it.

#[cfg(feature = "video")]
mod decoder;
mod encoder;

#[cfg(feature = "video")]
pub(crate) use decoder::{JpegDecoder, JpegError};
pub use encoder::{JpegEncodeError, JpegEncoder, JpegOptions};
