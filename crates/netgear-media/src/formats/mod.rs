//! Files that are decoded in this process, a format each: our own walk over its boxes, chunks or lines, and a
//! library's decoder.

pub(crate) mod apng;
pub(crate) mod avi;
mod canvas;
pub(crate) mod contained;
mod delays;
pub(crate) mod gif;
pub(crate) mod image_sequence;
pub(crate) mod mjpeg;
pub(crate) mod mp4;
mod read_at;
mod riff;
pub(crate) mod webp;
pub(crate) mod y4m;
