use bytes::BytesMut;
use netgear_proto::{BufferPool, Frame};
use yuv::{YuvPlanarImage, YuvRange, YuvStandardMatrix};

/// How many pixels share their colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChromaSampling {
    /// Two by two.
    C420,
    /// Two side by side.
    C422,
    /// None.
    C444,
}

impl ChromaSampling {
    /// The columns and rows of a chroma plane for this many of pixels. Odd sides are rounded up.
    pub(crate) const fn chroma_size(self, width: u32, height: u32) -> (u32, u32) {
        match self {
            Self::C420 => (width.div_ceil(2), height.div_ceil(2)),
            Self::C422 => (width.div_ceil(2), height),
            Self::C444 => (width, height),
        }
    }
}

/// What the numbers of a YUV picture mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ColourSpace {
    pub(crate) matrix: YuvStandardMatrix,
    pub(crate) range: YuvRange,
}

impl ColourSpace {
    /// BT.601 of limited range: what FFmpeg and OpenCV take an untagged stream for.
    pub(crate) const UNTAGGED: Self = Self { matrix: YuvStandardMatrix::Bt601, range: YuvRange::Limited };

    /// Of the `matrix_coefficients` of ITU-T H.273. `None` for those that are no matrix of this kind (RGB, YCgCo,
    /// ICtCp).
    pub(crate) const fn from_h273(matrix_coefficients: u8, full_range: bool) -> Option<Self> {
        let matrix = match matrix_coefficients {
            0 | 8 | 11..=14 => return None,
            1 => YuvStandardMatrix::Bt709,
            4 => YuvStandardMatrix::Fcc,
            7 => YuvStandardMatrix::Smpte240,
            9 | 10 => YuvStandardMatrix::Bt2020,
            _ => YuvStandardMatrix::Bt601,
        };
        Some(Self { matrix, range: if full_range { YuvRange::Full } else { YuvRange::Limited } })
    }
}

/// Three planes without padding, of `u8` or of `u16` with 10 bits.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Planes<'a, T> {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) sampling: ChromaSampling,
    pub(crate) y: &'a [T],
    pub(crate) u: &'a [T],
    pub(crate) v: &'a [T],
}

/// An 8-bit BGR frame, or `None` if the planes have not the size they should.
///
/// Pixels that share their colour get it unblended, as they do from FFmpeg by default.
pub(crate) fn yuv_to_bgr(
    planes: Planes<'_, u8>,
    colour: ColourSpace,
    pool: &mut BufferPool,
) -> Option<Frame> {
    convert(planes, pool, |image, bgr, stride| {
        let convert = match planes.sampling {
            ChromaSampling::C420 => yuv::yuv420_to_bgr,
            ChromaSampling::C422 => yuv::yuv422_to_bgr,
            ChromaSampling::C444 => yuv::yuv444_to_bgr,
        };
        convert(image, bgr, stride, colour.range, colour.matrix)
    })
}

/// As [`yuv_to_bgr`], from samples of 10 bits. 4:4:4 gives `None`: no decoder here makes it.
pub(crate) fn yuv10_to_bgr(
    planes: Planes<'_, u16>,
    colour: ColourSpace,
    pool: &mut BufferPool,
) -> Option<Frame> {
    let with = match planes.sampling {
        ChromaSampling::C420 => yuv::i010_to_bgr,
        ChromaSampling::C422 => yuv::i210_to_bgr,
        ChromaSampling::C444 => return None,
    };
    convert(planes, pool, |image, bgr, stride| with(image, bgr, stride, colour.range, colour.matrix))
}

fn convert<T: Copy + std::fmt::Debug>(
    planes: Planes<'_, T>,
    pool: &mut BufferPool,
    convert: impl FnOnce(&YuvPlanarImage<'_, T>, &mut BytesMut, u32) -> Result<(), yuv::YuvError>,
) -> Option<Frame> {
    let Planes { width, height, sampling, y, u, v } = planes;
    let (chroma_width, chroma_height) = sampling.chroma_size(width, height);
    let chroma_len = chroma_width as usize * chroma_height as usize;
    // The library indexes by the sizes it is told, so they are checked here.
    if y.len() != width as usize * height as usize || u.len() != chroma_len || v.len() != chroma_len {
        return None;
    }
    let image = YuvPlanarImage {
        y_plane: y,
        y_stride: width,
        u_plane: u,
        u_stride: chroma_width,
        v_plane: v,
        v_stride: chroma_width,
        width,
        height,
    };
    let stride = width.checked_mul(3)?;
    let len = stride as usize * height as usize;
    let mut bgr = pool.take(len);
    bgr.resize(len, 0);
    convert(&image, &mut bgr, stride).ok()?;
    Frame::bgr8(width, height, pool.freeze(bgr)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn single_colour(y: u8, u: u8, v: u8, matrix: u8, full_range: bool) -> [u8; 3] {
        let colour = ColourSpace::from_h273(matrix, full_range).unwrap();
        // Odd sides, wide enough for the SIMD path and its rest.
        let (width, height) = (67, 5);
        for sampling in [ChromaSampling::C420, ChromaSampling::C422, ChromaSampling::C444] {
            let (chroma_width, chroma_height) = sampling.chroma_size(width, height);
            let chroma_len = (chroma_width * chroma_height) as usize;
            let planes = Planes {
                width,
                height,
                sampling,
                y: &vec![y; 67 * 5],
                u: &vec![u; chroma_len],
                v: &vec![v; chroma_len],
            };
            let frame = yuv_to_bgr(planes, colour, &mut BufferPool::default()).unwrap();
            let first = frame.pixels().first_chunk::<3>().copied().unwrap();
            assert!(frame.pixels().chunks_exact(3).all(|pixel| pixel == first));
            if sampling == ChromaSampling::C444 {
                return first;
            }
        }
        unreachable!()
    }

    #[test]
    fn the_matrix_and_the_range_count() {
        let near = |found: [u8; 3], expected: [u8; 3]| {
            assert!(
                found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) <= 1),
                "{found:?} for {expected:?}"
            );
        };
        near(single_colour(16, 128, 128, 2, false), [0, 0, 0]);
        near(single_colour(235, 128, 128, 2, false), [255, 255, 255]);
        near(single_colour(255, 128, 128, 2, true), [255, 255, 255]);
        // Pure red, as each standard codes it.
        near(single_colour(81, 90, 240, 6, false), [0, 0, 255]);
        near(single_colour(63, 102, 240, 1, false), [0, 0, 255]);
        near(single_colour(76, 85, 255, 5, true), [0, 0, 255]);
    }

    #[test]
    fn planes_of_the_wrong_size_are_refused() {
        let planes = Planes {
            width: 4,
            height: 4,
            sampling: ChromaSampling::C420,
            y: &[0; 16],
            u: &[0; 4],
            v: &[0; 3],
        };
        assert!(yuv_to_bgr(planes, ColourSpace::UNTAGGED, &mut BufferPool::default()).is_none());
    }
}
