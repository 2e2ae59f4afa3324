use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{ElementType, Frame, FrameError, PixelFormat, Shape};

/// How the pixels of a frame are written in their part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Encoding {
    // The order is the wire's (docs/wire.md): append, never reorder.
    /// As they stand in memory: row by row, no padding, little-endian.
    Raw,
}

/// What the wire says of a frame beside its pixels, which travel as a part of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FrameHeader {
    height: u32,
    width: u32,
    channels: u16,
    element_type: ElementType,
    pixel_format: PixelFormat,
    encoding: Encoding,
}

impl FrameHeader {
    pub(crate) fn of(frame: &Frame) -> Self {
        Self {
            height: frame.height(),
            width: frame.width(),
            channels: frame.channels(),
            element_type: frame.element_type(),
            pixel_format: frame.pixel_format(),
            encoding: Encoding::Raw,
        }
    }

    /// The frame that this header and this part make together, without a copy.
    pub(crate) fn into_frame(self, pixels: Bytes) -> Result<Frame, FrameError> {
        let Encoding::Raw = self.encoding;
        let shape = Shape::new(self.height, self.width, self.channels)?;
        Frame::new(pixels, shape, self.element_type, self.pixel_format)
    }
}
