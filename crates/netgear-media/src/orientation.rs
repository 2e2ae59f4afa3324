use netgear_proto::{BufferPool, ElementType, Frame};

/// How a picture is to be turned and mirrored to be upright: one of the eight ways in which that moves whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Orientation {
    /// Rows become columns, before anything is mirrored.
    transpose: bool,
    /// Left and right change places.
    mirror_x: bool,
    /// Top and bottom change places.
    mirror_y: bool,
}

impl Orientation {
    pub(crate) const UPRIGHT: Self = Self { transpose: false, mirror_x: false, mirror_y: false };

    /// Of the matrix that takes a column `x` and a row `y` to the column `a·x + c·y` and the row `b·x + d·y`. `None` for one that
    /// does more than turn by quarters and mirror. Its scale does not count, and neither does a matrix of nothing but zeros.
    pub(crate) fn from_matrix(a: i64, b: i64, c: i64, d: i64) -> Option<Self> {
        // What is less than a degree off is meant to be straight.
        let is_small = |small: i64, large: i64| small.unsigned_abs() <= large.unsigned_abs() / 64;
        if (a, b, c, d) == (0, 0, 0, 0) {
            Some(Self::UPRIGHT)
        } else if a != 0 && d != 0 && is_small(b, a) && is_small(c, d) {
            Some(Self { transpose: false, mirror_x: a < 0, mirror_y: d < 0 })
        } else if b != 0 && c != 0 && is_small(a, b) && is_small(d, c) {
            Some(Self { transpose: true, mirror_x: c < 0, mirror_y: b < 0 })
        } else {
            None
        }
    }

    /// The size that a picture of this size has when it is upright.
    pub(crate) const fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.transpose { (height, width) } else { (width, height) }
    }

    /// The picture turned upright, in memory of the pool.
    pub(crate) fn apply(self, frame: Frame, pool: &mut BufferPool) -> Frame {
        if self == Self::UPRIGHT || frame.pixels().is_empty() {
            return frame;
        }
        let (width, height) = (frame.width() as usize, frame.height() as usize);
        let turned = match (frame.element_type(), frame.channels()) {
            (ElementType::U8, 1) => self.turned::<1>(frame.pixels(), width, height, pool),
            (ElementType::U8, 3) => self.turned::<3>(frame.pixels(), width, height, pool),
            // No source that turns its pictures has any others.
            _ => return frame,
        };
        let (width, height) = self.size(frame.width(), frame.height());
        let turned = match frame.channels() {
            1 => Frame::gray8(width, height, turned),
            _ => Frame::bgr8(width, height, turned),
        };
        turned.unwrap_or(frame)
    }

    /// `N` is the bytes of a pixel.
    fn turned<const N: usize>(
        self,
        pixels: &[u8],
        width: usize,
        height: usize,
        pool: &mut BufferPool,
    ) -> bytes::Bytes {
        let mut turned = pool.take(pixels.len());
        turned.resize(pixels.len(), 0);
        if self.transpose {
            self.transpose::<N>(pixels, width, height, &mut turned);
        } else {
            let row_len = width * N;
            let rows = pixels.chunks_exact(row_len);
            for (number, to) in turned.chunks_exact_mut(row_len).enumerate() {
                let number = if self.mirror_y { height - 1 - number } else { number };
                let Some(from) = rows.clone().nth(number) else { continue };
                if self.mirror_x {
                    let (from, to) = (from.as_chunks::<N>().0, to.as_chunks_mut::<N>().0);
                    for (to, from) in to.iter_mut().zip(from.iter().rev()) {
                        *to = *from;
                    }
                } else {
                    to.copy_from_slice(from);
                }
            }
        }
        pool.freeze(turned)
    }

    /// Column `i` of what is there becomes row `i`, or the one as far from the end. A few rows are written at a time, so that
    /// both what is read and what is written stays in the processor's cache.
    fn transpose<const N: usize>(self, pixels: &[u8], width: usize, height: usize, turned: &mut [u8]) {
        const ROWS: usize = 32;
        let from_rows = || pixels.chunks_exact(width * N).map(|row| row.as_chunks::<N>().0);
        for (band_number, band) in turned.chunks_mut(ROWS * height * N).enumerate() {
            let first = band_number * ROWS;
            let band = band.as_chunks_mut::<N>().0;
            let rows = band.len() / height;
            // The columns of the picture that these rows are.
            let columns =
                if self.mirror_y { width - first - rows..width - first } else { first..first + rows };
            for (y, from) in from_rows().enumerate() {
                let x = if self.mirror_x { height - 1 - y } else { y };
                let from = from.get(columns.clone()).unwrap_or_default();
                let to = band.iter_mut().skip(x).step_by(height);
                if self.mirror_y {
                    to.zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
                } else {
                    to.zip(from).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every matrix of a quarter turn with or without a mirror, at sizes that do and do not fill the bands.
    #[test]
    fn every_pixel_goes_where_the_matrix_says() {
        let one = 1 << 16;
        for (width, height) in [(3_u32, 2_u32), (67, 33), (1, 5), (64, 1)] {
            for (a, b, c, d) in [
                (1, 0, 0, 1),
                (-1, 0, 0, 1),
                (1, 0, 0, -1),
                (-1, 0, 0, -1),
                (0, 1, 1, 0),
                (0, -1, 1, 0),
                (0, 1, -1, 0),
                (0, -1, -1, 0),
            ] {
                let orientation = Orientation::from_matrix(a * one, b * one, c * one, d * one).unwrap();
                let pixel = |x: u32, y: u32| [x as u8, y as u8, 7];
                let pixels: Vec<u8> =
                    (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
                let frame = Frame::bgr8(width, height, pixels.clone()).unwrap();
                let turned = orientation.apply(frame, &mut BufferPool::default());
                let (w, h) = (i64::from(width), i64::from(height));
                let expected_size = if a == 0 { (height, width) } else { (width, height) };
                assert_eq!((turned.width(), turned.height()), expected_size);
                for (x, y) in (0..h).flat_map(|y| (0..w).map(move |x| (x, y))) {
                    // What would be left of or above the picture is moved into it by the matrix's translation.
                    let column = a * x
                        + c * y
                        + if a < 0 {
                            w - 1
                        } else if c < 0 {
                            h - 1
                        } else {
                            0
                        };
                    let row = b * x
                        + d * y
                        + if d < 0 {
                            h - 1
                        } else if b < 0 {
                            w - 1
                        } else {
                            0
                        };
                    let at = 3 * (row * i64::from(turned.width()) + column) as usize;
                    assert_eq!(turned.pixels()[at..at + 3], pixel(x as u32, y as u32), "{orientation:?}");
                }
            }
        }
    }

    #[test]
    fn other_matrices_are_not_taken_for_one_of_these() {
        assert_eq!(Orientation::from_matrix(0, 0, 0, 0), Some(Orientation::UPRIGHT));
        assert_eq!(Orientation::from_matrix(1 << 17, 0, 0, 1 << 15), Some(Orientation::UPRIGHT));
        assert_eq!(Orientation::from_matrix(46341, 46341, -46341, 46341), None);
        assert_eq!(Orientation::from_matrix(1 << 16, 0, 1 << 15, 1 << 16), None);
        assert_eq!(Orientation::from_matrix(1 << 16, 0, 0, 0), None);
        assert_eq!(Orientation::from_matrix(i64::MIN, 0, 0, i64::MAX).map(|o| o.mirror_x), Some(true));
    }

    #[test]
    fn turning_uses_the_same_memory_again() {
        let mut pool = BufferPool::default();
        let orientation = Orientation::from_matrix(0, 1, -1, 0).unwrap();
        let frame = Frame::bgr8(320, 240, vec![9; 320 * 240 * 3]).unwrap();
        let first = orientation.apply(frame.clone(), &mut pool);
        let address = first.pixels().as_ptr();
        drop(first);
        assert_eq!(orientation.apply(frame, &mut pool).pixels().as_ptr(), address);
    }
}
