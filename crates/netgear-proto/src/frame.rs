use core::fmt;

use bytes::Bytes;

use crate::{ElementType, PixelFormat, Shape, ShapeError};

/// A picture: contiguous pixels, row by row from the top, and what they mean.
///
/// Cloning a frame copies no pixels: the bytes are shared and counted.
///
/// ```
/// use netgear_proto::Frame;
///
/// let frame = Frame::bgr8(640, 480, vec![0; 640 * 480 * 3])?;
/// assert_eq!((frame.width(), frame.height(), frame.channels()), (640, 480, 3));
/// # Ok::<(), netgear_proto::FrameError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Frame {
    pixels: Bytes,
    shape: Shape,
    element_type: ElementType,
    pixel_format: PixelFormat,
}

impl Frame {
    /// A frame of these pixels: row by row, no padding, little-endian elements, the channels of a pixel side by side.
    ///
    /// # Errors
    /// [`FrameError`] if the bytes are not as many as the shape and the element type need, or if the shape has
    /// another number of channels than the pixel format.
    pub fn new(
        pixels: impl Into<Bytes>,
        shape: Shape,
        element_type: ElementType,
        pixel_format: PixelFormat,
    ) -> Result<Self, FrameError> {
        let pixels = pixels.into();
        let expected = shape.byte_len(element_type)?;
        if pixels.len() != expected {
            return Err(FrameError::Length { shape, element_type, expected, found: pixels.len() });
        }
        if pixel_format.channels().is_some_and(|channels| channels != shape.channels()) {
            return Err(FrameError::Channels { shape, pixel_format });
        }
        Ok(Self { pixels, shape, element_type, pixel_format })
    }

    /// A frame of 8-bit BGR pixels, the kind that OpenCV users know.
    ///
    /// # Errors
    /// [`FrameError`] unless there are `width * height * 3` bytes.
    pub fn bgr8(width: u32, height: u32, pixels: impl Into<Bytes>) -> Result<Self, FrameError> {
        Self::new(pixels, Shape::new(height, width, 3)?, ElementType::U8, PixelFormat::Bgr)
    }

    /// A frame of 8-bit gray pixels.
    ///
    /// # Errors
    /// [`FrameError`] unless there are `width * height` bytes.
    pub fn gray8(width: u32, height: u32, pixels: impl Into<Bytes>) -> Result<Self, FrameError> {
        Self::new(pixels, Shape::new(height, width, 1)?, ElementType::U8, PixelFormat::Gray)
    }

    /// Rows, columns and channels.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Pixels in a row.
    pub const fn width(&self) -> u32 {
        self.shape.width()
    }

    /// Rows.
    pub const fn height(&self) -> u32 {
        self.shape.height()
    }

    /// Elements in a pixel.
    pub const fn channels(&self) -> u16 {
        self.shape.channels()
    }

    /// The type of one element.
    pub const fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// What the channels mean.
    pub const fn pixel_format(&self) -> PixelFormat {
        self.pixel_format
    }

    /// The pixels, row by row, without padding.
    pub const fn pixels(&self) -> &Bytes {
        &self.pixels
    }

    /// The pixels alone, without a copy.
    pub fn into_pixels(self) -> Bytes {
        self.pixels
    }
}

/// Shape and meaning; not the pixels, which nobody would read.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} {} {})", self.shape, self.element_type, self.pixel_format)
    }
}

/// Why bytes do not make a [`Frame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The shape is impossible.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The bytes are too few or too many.
    #[error("a frame of {shape} {element_type} elements takes {expected} bytes, and {found} were given")]
    Length {
        /// The shape asked for.
        shape: Shape,
        /// The element type asked for.
        element_type: ElementType,
        /// The bytes that the two need.
        expected: usize,
        /// The bytes that there are.
        found: usize,
    },
    /// The pixel format has another number of channels than the shape.
    #[error(
        "{pixel_format} pixels do not have the {} channels of a frame of {shape}; \
         give the matching pixel format, or PixelFormat::Unspecified",
        shape.channels()
    )]
    Channels {
        /// The shape asked for.
        shape: Shape,
        /// The pixel format asked for.
        pixel_format: PixelFormat,
    },
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_frame_has_exactly_the_bytes_of_its_shape() {
        for found in [0, 11, 13] {
            let error = Frame::bgr8(2, 2, vec![0; found]).unwrap_err();
            assert!(matches!(error, FrameError::Length { expected: 12, found: f, .. } if f == found));
        }
        assert!(Frame::bgr8(2, 2, vec![0; 12]).is_ok());
    }

    #[test]
    fn the_pixel_format_has_the_channels_of_the_shape() {
        let shape = Shape::new(1, 1, 4).unwrap();
        assert!(matches!(
            Frame::new(vec![0; 4], shape, ElementType::U8, PixelFormat::Bgr),
            Err(FrameError::Channels { .. })
        ));
        assert!(Frame::new(vec![0; 4], shape, ElementType::U8, PixelFormat::Unspecified).is_ok());
    }

    #[test]
    fn a_clone_shares_its_pixels() {
        let frame = Frame::gray8(4, 4, vec![7; 16]).unwrap();
        assert_eq!(frame.clone().pixels().as_ptr(), frame.pixels().as_ptr());
    }
}
