//! Frames in, frames smaller, frames changed, frames out.
//!
//! * **In**: a [`Source`] is parsed from what a user writes (a file, a pattern of file names, a URL, `camera:0`,
//!   `screen:0`, `test:1280x720@30`) and opened as a [`FrameSource`], which gives [`Frame`](netgear_proto::Frame)s
//!   with their times. MP4 with H.264, Motion JPEG, Y4M, GIF, PNG, WebP and JPEG are decoded in this process, in
//!   Rust; everything else by an `ffmpeg` child process, where one is on the PATH. [`FrameStream`] runs a source on a
//!   thread of its own, [`Looped`] plays it over and over, [`Section`] a part of it.
//! * **Smaller**: [`reduce`] is VidGear's `reducer`; [`Resizer`] does it frame after frame in the same memory, to any
//!   size, and with [`Fit`] into a size of another shape.
//! * **Changed**: a [`Pipeline`] converts, crops, resizes, flips, rotates and annotates, without copies in between;
//!   [`draw_on`] draws boxes and text on one frame.
//! * **Encoded**: [`FrameCodec`] makes frames smaller for a session, as JPEG or without loss, and the frames again
//!   from that.
//! * **Out**: [`JpegEncoder`] for bytes, [`save_picture`] for a snapshot, [`Recorder`] for all that comes,
//!   [`Y4mWriter`] alone.
//!
//! ```
//! use netgear_media::{Filter, OpenOptions, Percent, Resizer, Source};
//!
//! let mut source = "test:1280x720@30".parse::<Source>()?.open(&OpenOptions::new())?;
//! let mut resizer = Resizer::new();
//! let percent = Percent::new(30.0)?;
//! # let mut frames = 0;
//! while let Some(next) = source.next_frame()? {
//!     let smaller = resizer.reduce(&next.frame, percent, Filter::Lanczos4)?;
//!     assert_eq!((smaller.width(), smaller.height()), (896, 503));
//!     # frames += 1;
//!     # if frames == 3 { break }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! It knows no network and no async runtime, and does not wait until a frame is due: that is the caller's part. (A
//! screen is captured when its frame is due.)
//!
//! # Files from strangers
//! Every length in a file is checked against the file and against [`OpenOptions::with_max_frame_bytes`] before memory
//! is taken for it. A damaged file gives the frames before the damage and then an error, or a wrong picture. If a
//! decoder should panic on one, that is contained: the source gives [`ReadError::DecoderFailed`] (or is not opened:
//! [`OpenError::Damaged`]), and the panic's message still appears on standard error. ffmpeg runs with the rights of
//! this program, so where files and URLs come from strangers choose [`Decoder::BuiltIn`].
//!
//! # Features
//! * `video`, the default: sources, the recorder, and what `still`, `annotate` and `codec` have.
//! * `camera`: cameras as sources. On Linux it needs libclang to build.
//! * `screen`: monitors of X displays as sources.
//! * `still`: PNG and JPEG out.
//! * `annotate`: text, lines and boxes on frames.
//! * `codec`: frames encoded and decoded.
//!
//! Without any: resizing, and pipelines of all other steps.
// An example shows what is needed, and no more.
#![doc(test(attr(deny(unused_imports))))]
#![forbid(unsafe_code)]
// Without them the descriptions name things that are not there.
#![cfg_attr(not(feature = "video"), allow(rustdoc::broken_intra_doc_links))]

#[cfg(feature = "video")]
mod camera;
#[cfg(feature = "video")]
mod canceller;
#[cfg(feature = "codec")]
mod codec;
mod colour;
#[cfg(any(feature = "still", feature = "codec"))]
mod contained;
#[cfg(feature = "video")]
mod digits;
#[cfg(feature = "video")]
mod ffmpeg;
#[cfg(feature = "video")]
mod formats;
#[cfg(feature = "video")]
mod frame_rate;
#[cfg(feature = "video")]
mod frame_source;
#[cfg(feature = "video")]
mod frame_stream;
#[cfg(any(feature = "still", feature = "codec"))]
mod jpeg;
#[cfg(feature = "video")]
mod looped;
mod luminance;
#[cfg(test)]
mod noise;
#[cfg(feature = "video")]
mod open_options;
mod orientation;
mod pipeline;
mod pixels_mut;
#[cfg(feature = "video")]
mod recorder;
mod region;
mod resize;
#[cfg(feature = "video")]
mod screen;
#[cfg(feature = "video")]
mod section;
#[cfg(feature = "video")]
mod source;
#[cfg(feature = "video")]
mod source_error;
#[cfg(feature = "still")]
mod still;
#[cfg(feature = "video")]
mod test_pattern;
#[cfg(feature = "video")]
mod yuv_to_bgr;

#[cfg(all(feature = "video", any(test, feature = "camera")))]
pub use camera::{CameraCounts, CameraSource};
#[cfg(feature = "video")]
pub use camera::{
    CameraDevice, CameraError, CameraFormat, CameraInfo, CameraMode, CameraSize, CameraSpec, CameraSpecError,
    OfferedFormat, OfferedRate, OfferedSize, Resume, cameras,
};
#[cfg(feature = "video")]
pub use canceller::Canceller;
#[cfg(feature = "codec")]
pub use codec::FrameCodec;
pub use colour::{Colour, ColourError};
#[cfg(feature = "video")]
pub use formats::y4m::{Y4mChroma, Y4mError, Y4mWriter};
#[cfg(feature = "video")]
pub use frame_rate::{FrameRate, FrameRateError};
#[cfg(feature = "video")]
pub use frame_source::{FrameSource, SourceInfo, TimedFrame};
#[cfg(feature = "video")]
pub use frame_stream::{FrameStream, FrameThread};
#[cfg(any(feature = "still", feature = "codec"))]
pub use jpeg::{JpegEncodeError, JpegEncoder, JpegOptions};
#[cfg(feature = "video")]
pub use looped::Looped;
pub use netgear_proto as proto;
#[cfg(feature = "video")]
pub use open_options::{Decoder, OpenOptions};
#[cfg(feature = "annotate")]
pub use pipeline::{Annotation, Canvas, Caption, DrawError, Pen, Place, TextStyle, draw_on};
pub use pipeline::{
    ConvertError, Flip, FlipError, FrameStamp, Pipeline, PipelineError, Rotation, RotationError,
};
pub use pixels_mut::{PixelsMut, PixelsMutError};
#[cfg(feature = "video")]
pub use recorder::{RecordError, RecordOptions, Recorded, Recorder};
pub use region::{Region, RegionError};
pub use resize::filter::{Filter, UnknownFilter};
pub use resize::fit::{Fit, FitError, Placement};
pub use resize::percent::{Percent, PercentError};
pub use resize::{ResizeError, Resizer, reduce};
#[cfg(feature = "video")]
pub use screen::{ScreenError, ScreenSpec, ScreenSpecError};
#[cfg(feature = "video")]
pub use section::{Section, SectionError};
#[cfg(feature = "video")]
pub use source::{Source, SourceError};
#[cfg(feature = "video")]
pub use source_error::{OpenError, ReadError};
#[cfg(feature = "still")]
pub use still::{JPEG_QUALITY, PictureError, save_picture, write_jpeg, write_png};
#[cfg(feature = "video")]
pub use test_pattern::{TestPattern, TestPatternSpec, TestPatternSpecError};
