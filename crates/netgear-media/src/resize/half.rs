//! Bytes at exactly half the width and half the height: each the mean of four. It is so common that it has loops of
//! its own.

use fearless_simd::Level;

use super::source_rows::SourceRows;
use super::workers::Workers;
use crate::PixelsMut;

/// Halves rows of pixels of so many bytes.
#[derive(Debug)]
pub(super) struct HalfPlan {
    channels: usize,
    /// The instructions of this processor.
    level: Level,
}

impl HalfPlan {
    /// `None` for other sizes.
    pub(super) fn new(from: (u32, u32), to: (u32, u32), channels: usize) -> Option<Self> {
        let is_half = |from: u32, to: u32| u64::from(from) == 2 * u64::from(to);
        (is_half(from.0, to.0) && is_half(from.1, to.1)).then(|| Self { channels, level: Level::new() })
    }

    /// Resizes the rows to the target, of the sizes that the plan was made for.
    pub(super) fn run(&self, source: &SourceRows<'_>, target: &mut PixelsMut<'_>, workers: &Workers) {
        let amount = target.pixels_len() * target.height() as usize;
        workers.for_each_band(target, amount, &mut Vec::new(), |first_row, band, ()| {
            for (y, out) in (first_row..).zip(band.rows_mut()) {
                self.halve(source.row(2 * y), source.row(2 * y + 1), out);
            }
        });
    }

    fn halve(&self, upper: &[u8], lower: &[u8], out: &mut [u8]) {
        // What the vector instructions have done.
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if let Some(avx512) = self.level.as_avx512() {
            done = avx512::halve(avx512, self.channels, upper, lower, out);
        } else if let Some(avx2) = self.level.as_avx2() {
            done = match self.channels {
                1 => avx2::halve_gray(avx2, upper, lower, out),
                3 => avx2::halve_bgr(avx2, upper, lower, out),
                4 => avx2::halve_bgra(avx2, upper, lower, out),
                _ => 0,
            };
        }
        let upper = upper.get(2 * done..).unwrap_or_default();
        let lower = lower.get(2 * done..).unwrap_or_default();
        let out = out.get_mut(done..).unwrap_or_default();
        match self.channels {
            1 => means::<1>(upper, lower, out),
            2 => means::<2>(upper, lower, out),
            3 => means::<3>(upper, lower, out),
            _ => means::<4>(upper, lower, out),
        }
    }
}

fn means<const CHANNELS: usize>(upper: &[u8], lower: &[u8], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<CHANNELS>();
    let upper = upper.as_chunks::<CHANNELS>().0.as_chunks::<2>().0;
    let lower = lower.as_chunks::<CHANNELS>().0.as_chunks::<2>().0;
    for (pixel, ([a, b], [c, d])) in pixels.iter_mut().zip(upper.iter().zip(lower)) {
        for (channel, mean) in pixel.iter_mut().enumerate() {
            let sum = [a, b, c, d].iter().map(|pixel| u16::from(pixel[channel])).sum::<u16>();
            *mean = ((sum + 2) >> 2) as u8;
        }
    }
}

/// With the 512-bit instructions of Ice Lake, Zen 4 and later, which bring any bytes of 64 together at once.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        _mm512_add_epi16, _mm512_cvtepi16_epi8, _mm512_maddubs_epi16, _mm512_permutexvar_epi8,
        _mm512_set1_epi8, _mm512_set1_epi16, _mm512_srli_epi16,
    };

    use fearless_simd::prelude::*;
    use fearless_simd::{kernel, u8x32, u8x64};

    /// Where the two levels of each channel of neighbouring pixels are, for each number of channels.
    static PAIRS: [[u8; 64]; 4] = [pairs(1), pairs(2), pairs(3), pairs(4)];

    /// Behind the last whole pixel it does not matter.
    const fn pairs(channels: usize) -> [u8; 64] {
        let mut pairs = [0; 64];
        let mut at = 0;
        while at < pairs.len() {
            let (pixel, channel, right) = (at / 2 / channels, at / 2 % channels, at % 2);
            pairs[at] = ((2 * pixel + right) * channels + channel) as u8 % 64;
            at += 1;
        }
        pairs
    }

    kernel!(
        /// Gives the bytes of `out` that it has written, from the left. Where there is room for a step at all, they
        /// are all but the last pixel of three bytes.
        ///
        /// 64 bytes of each row make 32, of which those of whole pixels count: the next step writes over the others.
        pub(super) fn halve(
            avx512: Avx512,
            channels: usize,
            upper: &[u8],
            lower: &[u8],
            out: &mut [u8],
        ) -> usize {
            let (Some(room), Some(pairs)) = (out.len().checked_sub(32), PAIRS.get(channels - 1)) else {
                return 0;
            };
            let pairs = u8x64::load_array_ref(avx512, pairs).into();
            let one = _mm512_set1_epi8(1);
            let two = _mm512_set1_epi16(2);
            let sums = |row: &[u8; 64]| {
                let row = u8x64::load_array_ref(avx512, row).into();
                _mm512_maddubs_epi16(_mm512_permutexvar_epi8(pairs, row), one)
            };
            let whole = 32 / channels * channels;
            // The last step goes over some of the one before it again.
            let last = room / channels * channels;
            let mut start = 0;
            while let (Some(upper), Some(lower), Some(out)) = (
                upper.get(2 * start..).and_then(<[u8]>::first_chunk),
                lower.get(2 * start..).and_then(<[u8]>::first_chunk),
                out.get_mut(start..).and_then(<[u8]>::first_chunk_mut),
            ) {
                let sums = _mm512_add_epi16(_mm512_add_epi16(sums(upper), sums(lower)), two);
                let means: u8x32<_> = _mm512_cvtepi16_epi8(_mm512_srli_epi16::<2>(sums)).simd_into(avx512);
                means.store_array(out);
                if start == last {
                    return last + whole;
                }
                start = (start + whole).min(last);
            }
            start
        }
    );
}

/// With the 256-bit instructions of x86-64-v3. Each gives the bytes of `out` that it has written, from the left.
#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m128i, __m256i, _mm256_add_epi16, _mm256_castsi128_si256, _mm256_castsi256_si128,
        _mm256_extract_epi64, _mm256_inserti128_si256, _mm256_maddubs_epi16, _mm256_packus_epi16,
        _mm256_permute4x64_epi64, _mm256_permutevar8x32_epi32, _mm256_set1_epi8, _mm256_set1_epi16,
        _mm256_setr_epi32, _mm256_shuffle_epi8, _mm256_srli_epi16,
    };

    use fearless_simd::prelude::*;
    use fearless_simd::{Avx2, i8x32, kernel, u8x16, u8x32};

    /// Neighbouring pixels, the two levels of each channel brought together; −1 is 0.
    const PAIRS_OF_BGRA: [i8; 32] = [
        0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14, 11, 15, 0, 4, 1, 5, 2, 6, 3, 7, 8, 12, 9, 13, 10, 14,
        11, 15,
    ];
    const PAIRS_OF_BGR: [i8; 32] = [
        0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1, -1, -1, 0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11, -1, -1,
        -1, -1,
    ];
    /// The first six of every eight bytes.
    const SIX_OF_EIGHT: [i8; 32] = [
        0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, -1,
        -1, -1, -1,
    ];

    /// Sums of the pairs in both rows, with 2 more, by 4.
    macro_rules! means {
        ($upper:expr, $lower:expr, $one:ident, $two:ident) => {{
            let sums =
                _mm256_add_epi16(_mm256_maddubs_epi16($upper, $one), _mm256_maddubs_epi16($lower, $one));
            _mm256_srli_epi16::<2>(_mm256_add_epi16(sums, $two))
        }};
    }

    /// Rows whose pixels are paired within each 32 bytes.
    macro_rules! halve_32 {
        ($name:ident, |$avx2:ident, $bytes:ident| $pair:expr) => {
            kernel!(
                pub(super) fn $name(avx2: Avx2, upper: &[u8], lower: &[u8], out: &mut [u8]) -> usize {
                    let $avx2 = avx2;
                    let one = _mm256_set1_epi8(1);
                    let two = _mm256_set1_epi16(2);
                    let (out, _) = out.as_chunks_mut::<32>();
                    let (upper, _) = upper.as_chunks::<64>();
                    let (lower, _) = lower.as_chunks::<64>();
                    let rounds = out.len().min(upper.len()).min(lower.len());
                    for ((out, upper), lower) in out.iter_mut().zip(upper).zip(lower) {
                        macro_rules! pairs {
                            ($row:ident, $half:expr) => {{
                                let $bytes: __m256i = bytes_32(avx2, $row, $half);
                                $pair
                            }};
                        }
                        let left = means!(pairs!(upper, 0), pairs!(lower, 0), one, two);
                        let right = means!(pairs!(upper, 1), pairs!(lower, 1), one, two);
                        let bytes = _mm256_packus_epi16(left, right);
                        let bytes: u8x32<_> =
                            _mm256_permute4x64_epi64::<0b11_01_10_00>(bytes).simd_into(avx2);
                        bytes.store_array(out);
                    }
                    32 * rounds
                }
            );
        };
    }

    halve_32!(halve_gray, |_avx2, bytes| bytes);
    halve_32!(halve_bgra, |avx2, bytes| {
        _mm256_shuffle_epi8(bytes, i8x32::load_array(avx2, PAIRS_OF_BGRA).into())
    });

    kernel!(
        /// Eight pixels of the result at a time, of 48 bytes in each row; four bytes behind them are read.
        pub(super) fn halve_bgr(avx2: Avx2, upper: &[u8], lower: &[u8], out: &mut [u8]) -> usize {
            let one = _mm256_set1_epi8(1);
            let two = _mm256_set1_epi16(2);
            let pairing: __m256i = i8x32::load_array(avx2, PAIRS_OF_BGR).into();
            let six_of_eight: __m256i = i8x32::load_array(avx2, SIX_OF_EIGHT).into();
            let together = _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7);
            let mut done = 0;
            let (out, _) = out.as_chunks_mut::<24>();
            for out in out {
                let (Some(upper), Some(lower)) = (
                    upper.get(2 * done..).and_then(<[u8]>::first_chunk::<52>),
                    lower.get(2 * done..).and_then(<[u8]>::first_chunk::<52>),
                ) else {
                    break;
                };
                macro_rules! pairs {
                    ($row:ident, $left:literal, $right:literal) => {
                        _mm256_shuffle_epi8(
                            _mm256_inserti128_si256::<1>(
                                _mm256_castsi128_si256(bytes_16::<$left>(avx2, $row)),
                                bytes_16::<$right>(avx2, $row),
                            ),
                            pairing,
                        )
                    };
                }
                // Pixels 0, 1, 4 and 5, then 2, 3, 6 and 7: so that they are in order when packed.
                let first = means!(pairs!(upper, 0, 24), pairs!(lower, 0, 24), one, two);
                let second = means!(pairs!(upper, 12, 36), pairs!(lower, 12, 36), one, two);
                let bytes = _mm256_shuffle_epi8(_mm256_packus_epi16(first, second), six_of_eight);
                let bytes = _mm256_permutevar8x32_epi32(bytes, together);
                let low: u8x16<_> = _mm256_castsi256_si128(bytes).simd_into(avx2);
                if let Some((left, right)) = out.split_first_chunk_mut() {
                    low.store_array(left);
                    right.copy_from_slice(&_mm256_extract_epi64::<2>(bytes).to_le_bytes());
                }
                done += 24;
            }
            done
        }
    );

    #[inline(always)]
    fn bytes_32(avx2: Avx2, row: &[u8; 64], half: usize) -> __m256i {
        u8x32::load_array_ref(avx2, &row.as_chunks::<32>().0[half]).into()
    }

    #[inline(always)]
    fn bytes_16<const START: usize>(avx2: Avx2, row: &[u8; 52]) -> __m128i {
        let bytes = row.get(START..).and_then(<[u8]>::first_chunk).unwrap_or(&[0; 16]);
        u8x16::load_array_ref(avx2, bytes).into()
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "x86_64")]
    use fearless_simd::Simd;

    use super::*;

    /// Those that are here, one below the other.
    fn levels() -> Vec<Level> {
        let level = Level::new();
        #[cfg(target_arch = "x86_64")]
        return [Some(level), level.as_avx2().map(Simd::level)].into_iter().flatten().collect();
        #[cfg(not(target_arch = "x86_64"))]
        vec![level]
    }

    #[test]
    fn the_vector_instructions_do_as_the_loops() {
        let row = |seed: usize, len: usize| (0..len).map(move |i| ((i * i + seed) * 31 % 251) as u8 + 4);
        for level in levels() {
            for channels in 1..=4 {
                for width in [1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 200] {
                    let upper: Vec<u8> = row(1, 2 * width * channels).collect();
                    let lower: Vec<u8> = row(7, 2 * width * channels).collect();
                    let mut found = vec![0; width * channels];
                    HalfPlan { channels, level }.halve(&upper, &lower, &mut found);
                    for (at, &found) in found.iter().enumerate() {
                        let left = at / channels * 2 * channels + at % channels;
                        let of = [upper[left], upper[left + channels], lower[left], lower[left + channels]];
                        let sum: u16 = of.map(u16::from).iter().sum();
                        let what = format!("{level:?}, {channels} channels, {width} wide, at {at}");
                        assert_eq!(u16::from(found), (sum + 2) / 4, "{what}");
                    }
                }
            }
        }
    }
}
