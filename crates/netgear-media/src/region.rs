use std::fmt;

use netgear_proto::Shape;

/// A rectangle of pixels within a frame, from the top left corner: `img[y:y + height, x:x + width]` in NumPy.
///
/// It is held against a frame where it is used, or by [`check`](Self::check).
///
/// ```
/// use netgear_media::Region;
///
/// let left_half = Region::new(0, 0, 320, 480);
/// assert_eq!(left_half.to_string(), "320×480 at 0,0");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[doc(alias = "roi")]
#[doc(alias = "crop")]
pub struct Region {
    /// The first column.
    pub x: u32,
    /// The first row.
    pub y: u32,
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Region {
    /// A region of `width` × `height` pixels whose first pixel is at column `x` of row `y`.
    pub const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self { x, y, width, height }
    }

    /// All of a frame of this shape.
    pub const fn whole(shape: Shape) -> Self {
        Self::new(0, 0, shape.width(), shape.height())
    }

    /// Whether the region has pixels, and a frame of this shape has all of them.
    ///
    /// # Errors
    /// [`RegionError`] if not.
    pub const fn check(self, shape: Shape) -> Result<(), RegionError> {
        if self.width == 0 || self.height == 0 {
            return Err(RegionError::Empty { region: self });
        }
        // Without overflow: the sum of two u32 is a u64.
        let right = self.x as u64 + self.width as u64;
        let bottom = self.y as u64 + self.height as u64;
        if right > shape.width() as u64 || bottom > shape.height() as u64 {
            return Err(RegionError::Outside { region: self, shape });
        }
        Ok(())
    }
}

/// `width×height at x,y`, as in `320×240 at 16,0`.
impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{} at {},{}", self.width, self.height, self.x, self.y)
    }
}

/// Why a [`Region`] is not one of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// A side is 0.
    #[error("a region of {region} has no pixels; both sides must be at least 1")]
    Empty {
        /// The region.
        region: Region,
    },
    /// Part of it lies outside of the frame.
    #[error(
        "the region of {region} is not within a frame of {shape} (rows, columns, channels); move it or make it smaller"
    )]
    Outside {
        /// The region.
        region: Region,
        /// The shape of the frame.
        shape: Shape,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_within_the_frame_or_an_error() {
        let shape = Shape::new(480, 640, 3).unwrap();
        for inside in [Region::whole(shape), Region::new(639, 479, 1, 1), Region::new(0, 0, 1, 480)] {
            assert_eq!(inside.check(shape), Ok(()), "{inside}");
        }
        for outside in [
            Region::new(1, 0, 640, 480),
            Region::new(0, 1, 640, 480),
            Region::new(640, 0, 1, 1),
            Region::new(u32::MAX, 0, u32::MAX, 1),
            Region::new(0, u32::MAX, 1, u32::MAX),
        ] {
            assert_eq!(outside.check(shape), Err(RegionError::Outside { region: outside, shape }));
        }
        for empty in [Region::new(0, 0, 0, 1), Region::new(0, 0, 1, 0)] {
            assert_eq!(empty.check(shape), Err(RegionError::Empty { region: empty }));
        }
    }
}
