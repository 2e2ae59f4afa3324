//! Frames in, frames smaller, frames out.
#![forbid(unsafe_code)]

#[cfg(feature = "video")]
mod canceller;
#[cfg(feature = "video")]
mod digits;
#[cfg(feature = "video")]
mod ffmpeg;
mod filter;
#[cfg(feature = "video")]
mod frame_rate;
#[cfg(feature = "video")]
mod frame_source;
#[cfg(feature = "video")]
mod frame_stream;
#[cfg(feature = "video")]
mod gif;
#[cfg(feature = "video")]
mod image_sequence;
#[cfg(feature = "video")]
mod looped;
#[cfg(feature = "video")]
mod mp4;
mod percent;
#[cfg(feature = "video")]
mod recorder;
mod resize;
#[cfg(feature = "video")]
mod source;
#[cfg(feature = "video")]
mod source_error;
#[cfg(feature = "still")]
mod still;
#[cfg(feature = "video")]
mod test_pattern;
#[cfg(feature = "video")]
mod y4m;
#[cfg(feature = "video")]
mod yuv_to_bgr;

#[cfg(feature = "video")]
pub use canceller::Canceller;
pub use filter::{Filter, UnknownFilter};
#[cfg(feature = "video")]
pub use frame_rate::{FrameRate, FrameRateError};
#[cfg(feature = "video")]
pub use frame_source::{FrameSource, SourceInfo, TimedFrame};
#[cfg(feature = "video")]
pub use frame_stream::{FrameStream, FrameThread};
#[cfg(feature = "video")]
pub use looped::Looped;
pub use percent::{Percent, PercentError};
#[cfg(feature = "video")]
pub use recorder::{RecordError, Recorder};
pub use resize::{ResizeError, Resizer, reduce};
#[cfg(feature = "video")]
pub use source::{Decoder, OpenOptions, Source, SourceError};
#[cfg(feature = "video")]
pub use source_error::{OpenError, ReadError};
#[cfg(feature = "still")]
pub use still::{JPEG_QUALITY, PictureError, save_picture, write_jpeg, write_png};
#[cfg(feature = "video")]
pub use test_pattern::{TestPattern, TestPatternSpec, TestPatternSpecError};
#[cfg(feature = "video")]
pub use y4m::{Y4mChroma, Y4mError, Y4mWriter};
