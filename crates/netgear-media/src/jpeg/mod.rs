//! JPEG, as still pictures, webcams, films and encoded frames have it.

#[cfg(feature = "codec")]
mod decoder;
mod encoder;
#[cfg(test)]
mod soft_colours;

#[cfg(feature = "codec")]
pub(crate) use decoder::{JpegDecoder, JpegError};
pub use encoder::{JpegEncodeError, JpegEncoder, JpegOptions};
