use core::fmt;

use crate::ElementType;

/// The size of a frame: rows, columns and channels, in the order in which NumPy and OpenCV name them.
///
/// Every side is at least 1. A `Shape` says nothing of the element type; [`Shape::byte_len`] brings the two together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    height: u32,
    width: u32,
    channels: u16,
}

impl Shape {
    /// A shape of `height` rows of `width` pixels of `channels` elements each.
    ///
    /// # Errors
    /// [`ShapeError::Empty`] if a side is 0.
    pub const fn new(height: u32, width: u32, channels: u16) -> Result<Self, ShapeError> {
        if height == 0 || width == 0 || channels == 0 {
            return Err(ShapeError::Empty { height, width, channels });
        }
        Ok(Self { height, width, channels })
    }

    /// Rows.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Pixels in a row.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Elements in a pixel.
    pub const fn channels(self) -> u16 {
        self.channels
    }

    /// The bytes that a contiguous frame of this shape takes.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`] if that is more than this machine can address.
    pub const fn byte_len(self, element: ElementType) -> Result<usize, ShapeError> {
        // u32 * u32 cannot overflow u64; the further factors can.
        let pixels = self.height as u64 * self.width as u64;
        let pixel_bytes = self.channels as u64 * element.byte_len() as u64;
        match pixels.checked_mul(pixel_bytes) {
            Some(bytes) if bytes <= isize::MAX as u64 => Ok(bytes as usize),
            _ => Err(ShapeError::TooLarge { shape: self, element }),
        }
    }
}

/// `height×width×channels`, as in `720×1280×3`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.height, self.width, self.channels)
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Why sides do not make a [`Shape`], or a shape not a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A side is 0.
    #[error("a frame of {height}×{width}×{channels} has no pixels; every side must be at least 1")]
    Empty {
        /// Rows.
        height: u32,
        /// Pixels in a row.
        width: u32,
        /// Elements in a pixel.
        channels: u16,
    },
    /// The bytes of such a frame cannot be addressed.
    #[error("a frame of {shape} {element} elements is larger than memory can be; use a smaller size")]
    TooLarge {
        /// The shape asked for.
        shape: Shape,
        /// The element type asked for.
        element: ElementType,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_len_multiplies_every_side() {
        let shape = Shape::new(720, 1280, 3).unwrap();
        assert_eq!(shape.byte_len(ElementType::U8), Ok(2_764_800));
        assert_eq!(shape.byte_len(ElementType::F32), Ok(11_059_200));
    }

    #[test]
    fn a_product_past_the_address_space_is_an_error() {
        let shape = Shape::new(u32::MAX, u32::MAX, u16::MAX).unwrap();
        assert_eq!(
            shape.byte_len(ElementType::F64),
            Err(ShapeError::TooLarge { shape, element: ElementType::F64 })
        );
    }

    #[test]
    fn an_empty_side_is_an_error() {
        assert!(Shape::new(0, 1, 1).is_err());
        assert!(Shape::new(1, 0, 1).is_err());
        assert!(Shape::new(1, 1, 0).is_err());
    }
}
