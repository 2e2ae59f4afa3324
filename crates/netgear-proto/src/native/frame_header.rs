use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    ElementType, EncodedFrame, EncodedFrameError, Encoding, Frame, FrameError, PixelFormat, Shape, WireFrame,
};

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
    /// That of a frame whose pixels go as they stand.
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

    pub(crate) fn of_wire(frame: &WireFrame) -> Self {
        let shape = frame.shape();
        Self {
            height: shape.height(),
            width: shape.width(),
            channels: shape.channels(),
            element_type: frame.element_type(),
            pixel_format: frame.pixel_format(),
            encoding: frame.encoding(),
        }
    }

    pub(crate) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// The frame that this header and this part make together, without a copy, if they are raw.
    pub(crate) fn into_frame(self, pixels: Bytes) -> Result<Frame, FrameError> {
        let shape = Shape::new(self.height, self.width, self.channels)?;
        Frame::new(pixels, shape, self.element_type, self.pixel_format)
    }

    /// The frame that this header and this part make together, without a copy, if they are not.
    pub(crate) fn into_encoded(self, bytes: Bytes) -> Result<EncodedFrame, EncodedFrameError> {
        let shape = Shape::new(self.height, self.width, self.channels).map_err(FrameError::from)?;
        EncodedFrame::new(bytes, self.encoding, shape, self.element_type, self.pixel_format)
    }
}
