#[cfg(feature = "video")]
use netgear_proto::{BufferPool, Frame, Shape};

use crate::{Flip, Region, Rotation};

/// How the pixels in memory are looked at: one of the eight ways to put a rectangle on a table.
///
/// The pixel that is *seen* at column x of row y is found by mirroring x, then mirroring y, each within the size that
/// is seen, and then, if transposed, by having the two change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Orientation {
    transposed: bool,
    mirrors_x: bool,
    mirrors_y: bool,
}

impl Orientation {
    /// As the pixels are in memory.
    pub(crate) const UPRIGHT: Self = Self { transposed: false, mirrors_x: false, mirrors_y: false };

    pub(crate) fn flip(&mut self, flip: Flip) {
        self.mirrors_x ^= flip != Flip::Vertical;
        self.mirrors_y ^= flip != Flip::Horizontal;
    }

    pub(crate) fn rotate(&mut self, rotation: Rotation) {
        match rotation {
            Rotation::None => {}
            Rotation::Clockwise90 => self.turn_right(),
            Rotation::Half => self.flip(Flip::Both),
            Rotation::Clockwise270 => {
                self.flip(Flip::Both);
                self.turn_right();
            }
        }
    }

    /// What is seen at (x, y) after a turn was seen before at (y, height before − 1 − x).
    fn turn_right(&mut self) {
        (self.mirrors_x, self.mirrors_y) = (!self.mirrors_y, self.mirrors_x);
        self.transposed = !self.transposed;
    }

    pub(crate) fn is_upright(self) -> bool {
        self == Self::UPRIGHT
    }

    /// The columns and rows that are seen of so many in memory, or the other way round.
    pub(crate) const fn size(self, width: u32, height: u32) -> (u32, u32) {
        if self.transposed { (height, width) } else { (width, height) }
    }

    /// What `seen`, a region of what is seen of `region`, is in memory. It must lie within it.
    pub(crate) fn in_memory(self, seen: Region, region: Region) -> Region {
        let (width, height) = self.size(region.width, region.height);
        let x = if self.mirrors_x { width - seen.x - seen.width } else { seen.x };
        let y = if self.mirrors_y { height - seen.y - seen.height } else { seen.y };
        let ((x, y), (width, height)) = if self.transposed {
            ((y, x), (seen.height, seen.width))
        } else {
            ((x, y), (seen.width, seen.height))
        };
        Region::new(region.x + x, region.y + y, width, height)
    }

    /// Copies what is seen of rows in memory, each `row_len` bytes, to `out`, row by row without padding. The region
    /// lies within the rows, and `out` has its length.
    pub(crate) fn copy(self, rows: &[u8], row_len: usize, region: Region, pixel_len: usize, out: &mut [u8]) {
        let source = Source { rows, row_len, region, pixel_len };
        match pixel_len {
            1 => self.copy_pixels::<1>(source, out),
            2 => self.copy_pixels::<2>(source, out),
            3 => self.copy_pixels::<3>(source, out),
            4 => self.copy_pixels::<4>(source, out),
            6 => self.copy_pixels::<6>(source, out),
            8 => self.copy_pixels::<8>(source, out),
            12 => self.copy_pixels::<12>(source, out),
            16 => self.copy_pixels::<16>(source, out),
            _ => self.copy_long_pixels(source, out),
        }
    }

    fn copy_pixels<const N: usize>(self, source: Source<'_>, out: &mut [u8]) {
        if self.transposed {
            return self.transpose::<N>(source, out);
        }
        let out_rows = out.chunks_exact_mut(source.region.width as usize * N);
        for (row, out) in source.rows(self.mirrors_y).zip(out_rows) {
            if self.mirrors_x {
                let (pixels, out) = (row.as_chunks::<N>().0, out.as_chunks_mut::<N>().0);
                pixels.iter().rev().zip(out).for_each(|(pixel, out)| *out = *pixel);
            } else {
                out.copy_from_slice(row);
            }
        }
    }

    /// A band of rows in memory becomes a band of columns. The bands are narrow, and done piece by piece, so that
    /// what is read and what is written stays in the cache.
    fn transpose<const N: usize>(self, source: Source<'_>, out: &mut [u8]) {
        const BAND: usize = 16;
        const PIECE: usize = 64;
        let (columns, out_width) = (source.region.width as usize, source.region.height as usize);
        let out = out.as_chunks_mut::<N>().0;
        // From the row in memory that is seen leftmost.
        let rows: Vec<&[[u8; N]]> = source.rows(self.mirrors_x).map(|row| row.as_chunks::<N>().0).collect();
        for (band, rows) in rows.chunks(BAND).enumerate() {
            for piece in (0..columns).step_by(PIECE) {
                for column in piece..columns.min(piece + PIECE) {
                    let y = if self.mirrors_y { columns - 1 - column } else { column };
                    let start = y * out_width + band * BAND;
                    let target = out.get_mut(start..start + rows.len()).unwrap_or_default();
                    for (target, row) in target.iter_mut().zip(rows) {
                        if let Some(pixel) = row.get(column) {
                            *target = *pixel;
                        }
                    }
                }
            }
        }
    }

    /// For pixels of unusual length: pixel by pixel.
    fn copy_long_pixels(self, source: Source<'_>, out: &mut [u8]) {
        let (width, height) = self.size(source.region.width, source.region.height);
        let mut out = out.chunks_exact_mut(source.pixel_len);
        for y in 0..height {
            for (x, out) in (0..width).zip(&mut out) {
                let at = self.in_memory(Region::new(x, y, 1, 1), source.region);
                let start = at.y as usize * source.row_len + at.x as usize * source.pixel_len;
                out.copy_from_slice(source.rows.get(start..start + source.pixel_len).unwrap_or_default());
            }
        }
    }
}

#[cfg(feature = "video")]
impl Orientation {
    /// Of the matrix that takes a column `x` and a row `y` to the column `a·x + c·y` and the row `b·x + d·y`. `None`
    /// for one that does more than turn by quarters and mirror. Its scale does not count, and neither does a matrix
    /// of nothing but zeros.
    pub(crate) fn from_matrix(a: i64, b: i64, c: i64, d: i64) -> Option<Self> {
        // What is less than a degree off is meant to be straight.
        let is_small = |small: i64, large: i64| small.unsigned_abs() <= large.unsigned_abs() / 64;
        if (a, b, c, d) == (0, 0, 0, 0) {
            Some(Self::UPRIGHT)
        } else if a != 0 && d != 0 && is_small(b, a) && is_small(c, d) {
            Some(Self { transposed: false, mirrors_x: a < 0, mirrors_y: d < 0 })
        } else if b != 0 && c != 0 && is_small(a, b) && is_small(d, c) {
            Some(Self { transposed: true, mirrors_x: c < 0, mirrors_y: b < 0 })
        } else {
            None
        }
    }

    /// The picture as it is seen, in memory of the pool.
    pub(crate) fn apply(self, frame: Frame, pool: &mut BufferPool) -> Frame {
        if self.is_upright() || frame.pixels().is_empty() {
            return frame;
        }
        let (width, height) = self.size(frame.width(), frame.height());
        let Ok(shape) = Shape::new(height, width, frame.channels()) else { return frame };
        let pixel_len = usize::from(frame.channels()) * frame.element_type().byte_len();
        let mut seen = pool.take_filled(frame.pixels().len());
        let region = Region::whole(frame.shape());
        self.copy(frame.pixels(), region.width as usize * pixel_len, region, pixel_len, &mut seen);
        let seen = Frame::new(pool.freeze(seen), shape, frame.element_type(), frame.pixel_format());
        // As many pixels of the same kind, so it fits.
        seen.unwrap_or(frame)
    }
}

/// Pixels in memory.
#[derive(Clone, Copy)]
struct Source<'a> {
    rows: &'a [u8],
    row_len: usize,
    region: Region,
    pixel_len: usize,
}

impl<'a> Source<'a> {
    /// The region's part of each of its rows, from the first or from the last.
    fn rows(self, from_last: bool) -> impl Iterator<Item = &'a [u8]> {
        let (top, height) = (self.region.y as usize, self.region.height as usize);
        let start = self.region.x as usize * self.pixel_len;
        let end = start + self.region.width as usize * self.pixel_len;
        (0..height).map(move |y| {
            let y = top + if from_last { height - 1 - y } else { y };
            self.rows.get(y * self.row_len + start..y * self.row_len + end).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLIPS: [Flip; 3] = [Flip::Horizontal, Flip::Vertical, Flip::Both];
    const ROTATIONS: [Rotation; 4] =
        [Rotation::None, Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270];

    /// 3 columns and 2 rows: abc over def.
    fn seen(steps: impl FnOnce(&mut Orientation)) -> String {
        let mut orientation = Orientation::default();
        steps(&mut orientation);
        let mut out = [0; 6];
        orientation.copy(b"abcdef", 3, Region::new(0, 0, 3, 2), 1, &mut out);
        let (width, _) = orientation.size(3, 2);
        let rows: Vec<_> = out.chunks(width as usize).map(|row| str::from_utf8(row).unwrap()).collect();
        rows.join(" ")
    }

    /// What NumPy and OpenCV make of it.
    #[test]
    fn each_flip_and_each_turn_is_that_of_opencv() {
        assert_eq!(seen(|o| o.flip(Flip::Horizontal)), "cba fed");
        assert_eq!(seen(|o| o.flip(Flip::Vertical)), "def abc");
        assert_eq!(seen(|o| o.flip(Flip::Both)), "fed cba");
        assert_eq!(seen(|o| o.rotate(Rotation::None)), "abc def");
        assert_eq!(seen(|o| o.rotate(Rotation::Clockwise90)), "da eb fc");
        assert_eq!(seen(|o| o.rotate(Rotation::Half)), "fed cba");
        assert_eq!(seen(|o| o.rotate(Rotation::Clockwise270)), "cf be ad");
    }

    /// One step after the other, each with a copy, as the plainest code would.
    fn step_by_step(pixels: &[u8], width: usize, pixel_len: usize, steps: &[usize]) -> (Vec<u8>, usize) {
        let mut rows: Vec<Vec<Vec<u8>>> = pixels
            .chunks(width * pixel_len)
            .map(|row| row.chunks(pixel_len).map(<[u8]>::to_vec).collect())
            .collect();
        for &step in steps {
            match step {
                0 => rows.iter_mut().for_each(|row| row.reverse()),
                1 => rows.reverse(),
                _ => {
                    rows = (0..rows[0].len())
                        .map(|x| rows.iter().rev().map(|row| row[x].clone()).collect())
                        .collect();
                }
            }
        }
        let width = rows[0].len();
        (rows.concat().concat(), width)
    }

    #[test]
    fn any_steps_in_any_order_are_one_look_at_the_pixels() {
        // More than a band and a piece, and no multiple of either.
        for (width, height) in [(1, 1), (1, 7), (5, 1), (19, 37), (67, 18)] {
            for pixel_len in [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24] {
                let pixels: Vec<u8> = (0..width * height * pixel_len).map(|at| (at % 251) as u8).collect();
                let region = Region::new(0, 0, width as u32, height as u32);
                for number in 0..27 {
                    let steps = [number % 3, number / 3 % 3, number / 9];
                    let mut orientation = Orientation::default();
                    for step in steps {
                        match step {
                            0 => orientation.flip(Flip::Horizontal),
                            1 => orientation.flip(Flip::Vertical),
                            _ => orientation.rotate(Rotation::Clockwise90),
                        }
                    }
                    let (expected, expected_width) = step_by_step(&pixels, width, pixel_len, &steps);
                    let mut found = vec![0; pixels.len()];
                    orientation.copy(&pixels, width * pixel_len, region, pixel_len, &mut found);
                    assert_eq!(found, expected, "{width}×{height} of {pixel_len} bytes, {steps:?}");
                    assert_eq!(orientation.size(region.width, region.height).0, expected_width as u32);
                }
            }
        }
    }

    #[test]
    fn a_part_of_what_is_seen_is_found_in_memory() {
        let pixels: Vec<u8> = (0..20 * 10).collect();
        for flip in FLIPS {
            for rotation in ROTATIONS {
                let mut orientation = Orientation::default();
                orientation.flip(flip);
                orientation.rotate(rotation);
                // Of rows of 20 a region of 9 × 7.
                let region = Region::new(4, 2, 9, 7);
                let mut whole = vec![0; 63];
                orientation.copy(&pixels, 20, region, 1, &mut whole);
                let (width, _) = orientation.size(9, 7);
                let part = Region::new(1, 3, 5, 2);
                let expected: Vec<u8> = (3..5)
                    .flat_map(|y| (1..6).map(move |x| (y * width + x) as usize))
                    .map(|at| whole[at])
                    .collect();
                let mut found = vec![0; 10];
                orientation.copy(&pixels, 20, orientation.in_memory(part, region), 1, &mut found);
                assert_eq!(found, expected, "{flip} {rotation}");
            }
        }
    }

    #[test]
    fn flips_and_turns_are_found_by_their_names() {
        for flip in FLIPS {
            assert_eq!(flip.to_string().parse(), Ok(flip));
        }
        for rotation in ROTATIONS {
            assert_eq!(rotation.to_string().parse(), Ok(rotation));
            assert_eq!(rotation.degrees().to_string().parse(), Ok(rotation));
        }
        assert!("x".parse::<Flip>().is_err());
        for text in ["", "-90", "45", "360", "x"] {
            assert!(text.parse::<Rotation>().is_err(), "{text}");
        }
    }

    /// Every matrix of a quarter turn with or without a mirror, at sizes that do and do not fill the bands.
    #[cfg(feature = "video")]
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

    #[cfg(feature = "video")]
    #[test]
    fn other_matrices_are_not_taken_for_one_of_these() {
        assert_eq!(Orientation::from_matrix(0, 0, 0, 0), Some(Orientation::UPRIGHT));
        assert_eq!(Orientation::from_matrix(1 << 17, 0, 0, 1 << 15), Some(Orientation::UPRIGHT));
        assert_eq!(Orientation::from_matrix(46341, 46341, -46341, 46341), None);
        assert_eq!(Orientation::from_matrix(1 << 16, 0, 1 << 15, 1 << 16), None);
        assert_eq!(Orientation::from_matrix(1 << 16, 0, 0, 0), None);
        assert_eq!(Orientation::from_matrix(i64::MIN, 0, 0, i64::MAX).map(|o| o.mirrors_x), Some(true));
    }

    #[cfg(feature = "video")]
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
