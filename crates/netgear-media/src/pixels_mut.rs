use std::fmt;

use netgear_proto::{ElementType, Shape, ShapeError};

use crate::{Region, RegionError};

/// Memory of the caller's for pixels: rows that may be further apart than they are long.
///
/// The elements are little-endian, as in a [`Frame`](netgear_proto::Frame), and need no alignment. What lies between
/// the end of a row and the beginning of the next is never written.
///
/// ```
/// use netgear_media::PixelsMut;
/// use netgear_media::proto::{ElementType, Shape};
///
/// // A texture whose rows begin at multiples of 256 bytes.
/// let mut texture = vec![0; 480 * 2048];
/// let pixels = PixelsMut::new(&mut texture, Shape::new(480, 640, 3)?, ElementType::U8, 2048)?;
/// assert_eq!((pixels.width(), pixels.height(), pixels.row_len()), (640, 480, 2048));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PixelsMut<'a> {
    /// From the first byte of the first row to the last byte of the last at least.
    bytes: &'a mut [u8],
    shape: Shape,
    element_type: ElementType,
    row_len: usize,
}

impl<'a> PixelsMut<'a> {
    /// Pixels of this shape in `bytes`, each row `row_len` bytes after the one before (the *stride*). The last row
    /// needs no bytes behind its pixels, and bytes that are left over are left alone.
    ///
    /// # Errors
    /// [`PixelsMutError`] if a row is shorter than its pixels, or if the bytes are too few.
    pub fn new(
        bytes: &'a mut [u8],
        shape: Shape,
        element_type: ElementType,
        row_len: usize,
    ) -> Result<Self, PixelsMutError> {
        let pixels_len = Shape::new(1, shape.width(), shape.channels())?.byte_len(element_type)?;
        if row_len < pixels_len {
            return Err(PixelsMutError::RowLength { shape, element_type, row_len, expected: pixels_len });
        }
        let too_large = ShapeError::TooLarge { shape, element: element_type };
        let expected = usize::try_from(shape.height() - 1)
            .ok()
            .and_then(|rows| rows.checked_mul(row_len))
            .and_then(|len| len.checked_add(pixels_len))
            .ok_or(too_large)?;
        if bytes.len() < expected {
            return Err(PixelsMutError::Length {
                shape,
                element_type,
                row_len,
                expected,
                found: bytes.len(),
            });
        }
        Ok(Self { bytes, shape, element_type, row_len })
    }

    /// Pixels of this shape in `bytes`, row by row without padding.
    ///
    /// # Errors
    /// [`PixelsMutError`] if the bytes are too few.
    pub fn contiguous(
        bytes: &'a mut [u8],
        shape: Shape,
        element_type: ElementType,
    ) -> Result<Self, PixelsMutError> {
        let row_len = Shape::new(1, shape.width(), shape.channels())?.byte_len(element_type)?;
        Self::new(bytes, shape, element_type, row_len)
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

    /// Bytes from the beginning of a row to that of the next.
    #[doc(alias = "stride")]
    pub const fn row_len(&self) -> usize {
        self.row_len
    }

    /// A part of the pixels, to be written on its own.
    ///
    /// ```
    /// use netgear_media::{PixelsMut, Region};
    /// use netgear_media::proto::{ElementType, Shape};
    ///
    /// let mut canvas = vec![0; 4 * 4];
    /// let mut canvas = PixelsMut::contiguous(&mut canvas, Shape::new(4, 4, 1)?, ElementType::U8)?;
    /// let middle = canvas.region(Region::new(1, 1, 2, 2))?;
    /// assert_eq!((middle.width(), middle.row_len()), (2, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RegionError`] if the region is not within the pixels.
    pub fn region(&mut self, region: Region) -> Result<PixelsMut<'_>, RegionError> {
        region.check(self.shape)?;
        let outside = || RegionError::Outside { region, shape: self.shape };
        let shape = Shape::new(region.height, region.width, self.shape.channels()).map_err(|_| outside())?;
        // Within the bytes, as the region is within the shape and the constructor saw to the rest.
        let pixel_len = usize::from(self.shape.channels()) * self.element_type.byte_len();
        let start = region.y as usize * self.row_len + region.x as usize * pixel_len;
        let bytes = self.bytes.get_mut(start..).ok_or(RegionError::Outside { region, shape: self.shape })?;
        Ok(PixelsMut { bytes, shape, element_type: self.element_type, row_len: self.row_len })
    }

    /// The pixels of each row, from the top, without padding.
    pub fn rows_mut(&mut self) -> impl ExactSizeIterator<Item = &mut [u8]> {
        let pixels_len = self.pixels_len();
        self.bytes
            .chunks_mut(self.row_len)
            .take(self.shape.height() as usize)
            .map(move |row| row.get_mut(..pixels_len).unwrap_or_default())
    }

    /// The pixels as up to `count` bands of as many rows each, but for the last, from the top, with the number of
    /// each one's first row.
    pub(crate) fn bands(&mut self, count: usize) -> impl Iterator<Item = (usize, PixelsMut<'_>)> {
        let Self { shape, element_type, row_len, .. } = *self;
        let height = shape.height() as usize;
        let rows = height.div_ceil(count.max(1));
        // Bytes behind the last row are no row of their own.
        let end = (height - 1) * row_len + self.pixels_len();
        let bytes = self.bytes.get_mut(..end).unwrap_or_default();
        let band_len = rows.saturating_mul(row_len);
        bytes.chunks_mut(band_len).enumerate().filter_map(move |(index, bytes)| {
            let first = index * rows;
            let height = rows.min(height - first) as u32;
            let shape = Shape::new(height, shape.width(), shape.channels()).ok()?;
            Some((first, PixelsMut { bytes, shape, element_type, row_len }))
        })
    }

    /// Bytes of the pixels of one row.
    pub(crate) fn pixels_len(&self) -> usize {
        self.shape.width() as usize * usize::from(self.shape.channels()) * self.element_type.byte_len()
    }
}

/// Shape and layout; not the pixels, which nobody would read.
impl fmt::Debug for PixelsMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelsMut({} {}, rows of {} bytes)", self.shape, self.element_type, self.row_len)
    }
}

/// Why memory is not [`PixelsMut`] of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PixelsMutError {
    /// The shape is impossible.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// The rows would lie over each other.
    #[error(
        "a row of {shape} {element_type} elements takes {expected} bytes, and rows of {row_len} were given"
    )]
    RowLength {
        /// The shape asked for.
        shape: Shape,
        /// The element type asked for.
        element_type: ElementType,
        /// The bytes from row to row.
        row_len: usize,
        /// The bytes that a row takes.
        expected: usize,
    },
    /// The bytes are too few.
    #[error(
        "{shape} {element_type} elements in rows of {row_len} bytes take {expected} bytes, and {found} were given"
    )]
    Length {
        /// The shape asked for.
        shape: Shape,
        /// The element type asked for.
        element_type: ElementType,
        /// The bytes from row to row.
        row_len: usize,
        /// The bytes that all of it takes.
        expected: usize,
        /// The bytes that there are.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(height: u32, width: u32, channels: u16) -> Shape {
        Shape::new(height, width, channels).unwrap()
    }

    #[test]
    fn the_last_row_needs_no_padding() {
        let mut bytes = [0; 2 * 16 + 9];
        let pixels = PixelsMut::new(&mut bytes, shape(3, 3, 3), ElementType::U8, 16).unwrap();
        assert_eq!(pixels.pixels_len(), 9);
        let mut short = [0; 2 * 16 + 8];
        assert!(matches!(
            PixelsMut::new(&mut short, shape(3, 3, 3), ElementType::U8, 16),
            Err(PixelsMutError::Length { expected: 41, found: 40, .. })
        ));
    }

    #[test]
    fn rows_may_not_overlap_nor_overflow() {
        let mut bytes = [0; 64];
        assert!(matches!(
            PixelsMut::new(&mut bytes, shape(3, 3, 3), ElementType::U16, 17),
            Err(PixelsMutError::RowLength { expected: 18, .. })
        ));
        assert!(matches!(
            PixelsMut::new(&mut bytes, shape(3, 3, 3), ElementType::U8, usize::MAX),
            Err(PixelsMutError::Shape(_))
        ));
    }

    #[test]
    fn a_region_is_of_the_same_memory() {
        let mut bytes: Vec<u8> = (0..40).collect();
        let mut pixels = PixelsMut::new(&mut bytes, shape(4, 4, 2), ElementType::U8, 10).unwrap();
        let mut part = pixels.region(Region::new(1, 2, 2, 2)).unwrap();
        let rows: Vec<Vec<u8>> = part.rows_mut().map(|row| row.to_vec()).collect();
        assert_eq!(rows, [[22, 23, 24, 25], [32, 33, 34, 35]]);
        assert!(pixels.region(Region::new(3, 0, 2, 1)).is_err());
    }
}
