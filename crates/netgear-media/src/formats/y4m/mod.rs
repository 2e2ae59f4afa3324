//! YUV4MPEG2, the format of uncompressed video that mjpegtools, FFmpeg, x264 and the AV1 tools exchange.

mod header;
mod reader;
mod writer;

pub(crate) use reader::Y4mSource;
pub use writer::{Y4mChroma, Y4mError, Y4mWriter};
