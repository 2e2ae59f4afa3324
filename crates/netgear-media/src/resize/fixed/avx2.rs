//! The same sums with the 256-bit instructions of x86-64-v3.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_cvtsi32_si128, _mm_cvtsi128_si64, _mm_unpacklo_epi8, _mm256_add_epi32,
    _mm256_castsi128_si256, _mm256_castsi256_si128, _mm256_extract_epi64, _mm256_extracti128_si256,
    _mm256_hadd_epi32, _mm256_inserti128_si256, _mm256_madd_epi16, _mm256_packs_epi32, _mm256_packus_epi16,
    _mm256_permute2x128_si256, _mm256_permutevar8x32_epi32, _mm256_set1_epi32, _mm256_setr_epi32,
    _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_shuffle_epi32, _mm256_sra_epi32, _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi8,
};

use fearless_simd::prelude::*;
use fearless_simd::{Avx2, i8x32, i16x8, i16x16, kernel, u8x16, u8x32};

use super::{BLOCK, Columns, PIXELS, portable};

/// The bytes of a row that are summed at once.
const COLUMNS: usize = 32;

pub(super) fn down_the_columns(avx2: Avx2, rows: &[&[u8]], weights: &[i16], shift: u32, line: &mut [i16]) {
    let len = line.len();
    if len < COLUMNS || rows.iter().any(|row| row.len() != len) {
        return portable::down_the_columns(rows, weights, shift, line);
    }
    let down_the_columns = match rows.len() {
        2 => down_2,
        4 => down_4,
        8 => down_8,
        _ => down_any,
    };
    down_the_columns(avx2, rows, weights, shift, line);
    // The columns that are left are the end of one more block, which has some of the others again.
    if !len.is_multiple_of(COLUMNS) {
        let begin = len - COLUMNS;
        let mut ends = [[].as_slice(); super::FixedPlan::MOST_TAPS];
        let ends = ends.get_mut(..rows.len()).unwrap_or_default();
        for (end, row) in ends.iter_mut().zip(rows) {
            *end = row.get(begin..).unwrap_or_default();
        }
        down_the_columns(avx2, ends, weights, shift, line.get_mut(begin..).unwrap_or_default());
    }
}

/// A kernel for so many rows, or for as many as there are.
macro_rules! down {
    ($name:ident, $rows:ident => $count:expr) => {
        kernel!(
            fn $name(avx2: Avx2, $rows: &[&[u8]], weights: &[i16], shift: u32, line: &mut [i16]) {
                let zero = _mm256_setzero_si256();
                let round = _mm256_set1_epi32((1 << shift) >> 1);
                let shift = _mm_cvtsi32_si128(shift as i32);
                let (lines, _) = line.as_chunks_mut::<COLUMNS>();
                let pairs = $count / 2;
                for (block, out) in lines.iter_mut().enumerate() {
                    let (mut a, mut b, mut c, mut d) = (round, round, round, round);
                    for pair in 0..pairs {
                        let upper: __m256i = row_block(avx2, $rows[2 * pair], block);
                        let lower: __m256i = row_block(avx2, $rows[2 * pair + 1], block);
                        let (first, second) = (weights[2 * pair] as u16, weights[2 * pair + 1] as u16);
                        let weight = _mm256_set1_epi32((u32::from(first) | u32::from(second) << 16) as i32);
                        let low = _mm256_unpacklo_epi8(upper, lower);
                        let high = _mm256_unpackhi_epi8(upper, lower);
                        a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), weight));
                        b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), weight));
                        c = _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), weight));
                        d = _mm256_add_epi32(d, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), weight));
                    }
                    // Columns 0 to 7 and 16 to 23, then 8 to 15 and 24 to 31.
                    let low = _mm256_packs_epi32(_mm256_sra_epi32(a, shift), _mm256_sra_epi32(b, shift));
                    let high = _mm256_packs_epi32(_mm256_sra_epi32(c, shift), _mm256_sra_epi32(d, shift));
                    let (left, right) = out.split_at_mut(COLUMNS / 2);
                    let first: i16x16<_> = _mm256_permute2x128_si256::<0x20>(low, high).simd_into(avx2);
                    let second: i16x16<_> = _mm256_permute2x128_si256::<0x31>(low, high).simd_into(avx2);
                    first.store_slice(left);
                    second.store_slice(right);
                }
            }
        );
    };
}

down!(down_2, rows => 2);
down!(down_4, rows => 4);
down!(down_8, rows => 8);
down!(down_any, rows => rows.len());

#[inline(always)]
fn row_block(avx2: Avx2, row: &[u8], block: usize) -> __m256i {
    let (blocks, _) = row.as_chunks::<COLUMNS>();
    u8x32::load_array_ref(avx2, &blocks[block]).into()
}

/// A kernel for the sums along a line.
pub(super) type AlongTheLine = fn(Avx2, &[i16], &Columns, &mut [u8]);

/// The kernel for pixels of so many channels and so many taps. There is none for two channels, which nobody has.
pub(super) fn along_the_line(channels: usize, taps: usize) -> Option<AlongTheLine> {
    Some(match (channels, taps) {
        (1, ..=8) => along_gray_8,
        (1, _) => along_gray,
        (3, 2) => along_bgr_2,
        (3, 4) => along_bgr_4,
        (3, 6) => along_bgr_6,
        (3, 8) => along_bgr_8,
        (3, _) => along_bgr,
        (4, 2) => along_bgra_2,
        (4, 4) => along_bgra_4,
        (4, 6) => along_bgra_6,
        (4, 8) => along_bgra_8,
        (4, _) => along_bgra,
        _ => return None,
    })
}

#[inline(always)]
fn eight(avx2: Avx2, elements: &[i16; 8]) -> __m128i {
    i16x8::load_array_ref(avx2, elements).into()
}

/// Two halves as one.
macro_rules! both {
    ($left:expr, $right:expr $(,)?) => {
        _mm256_inserti128_si256::<1>(_mm256_castsi128_si256($left), $right)
    };
}

/// Where the bytes of two neighbouring pixels come from that the two levels of each channel be side by side, in each
/// half. −1 is 0.
const PAIRING_OF_3: [i8; 32] = twice([0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11, -1, -1, -1, -1]);
const PAIRING_OF_4: [i8; 32] = twice([0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15]);
/// The first three of every four bytes.
const THREE_OF_FOUR: [i8; 32] = twice([0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, -1, -1, -1, -1]);

const fn twice(half: [i8; 16]) -> [i8; 32] {
    let mut both = [0; 32];
    let mut i = 0;
    while i < 32 {
        both[i] = half[i % 16];
        i += 1;
    }
    both
}

/// Four sums along the line for each of eight pixels: those of the channels of one pixel side by side. For each pair
/// of taps the two levels of a channel are brought together, times two weights and added up by one instruction.
macro_rules! along_channels {
    ($name:ident, $channels:literal, $pairing:ident, $columns:ident => $blocks:expr, $pairs:literal) => {
        kernel!(
            fn $name(avx2: Avx2, line: &[i16], $columns: &Columns, out: &mut [u8]) {
                /// The elements of a pixel's taps of one block, and what one load reads beyond them.
                const WINDOW: usize = 2 * $channels * ($pairs - 1) + 8;
                let pairing: __m256i = i8x32::load_array(avx2, $pairing).into();
                let three_of_four: __m256i = i8x32::load_array(avx2, THREE_OF_FOUR).into();
                let round = _mm256_set1_epi32((1 << $columns.shift) >> 1);
                let shift = _mm_cvtsi32_si128($columns.shift as i32);
                let blocks = $blocks;
                let (starts, _) = $columns.starts.as_chunks::<PIXELS>();
                let weights = $columns.weights.chunks_exact(PIXELS * BLOCK * blocks);
                for ((out, starts), weights) in out.chunks_mut(PIXELS * $channels).zip(starts).zip(weights) {
                    let (weights, _) = weights.as_chunks::<BLOCK>();
                    let mut sums = [round; PIXELS / 2];
                    for (two, sum) in sums.iter_mut().enumerate() {
                        for block in 0..blocks {
                            let elements = block * BLOCK * $channels;
                            let (Some(left), Some(right)) = (
                                line.get(starts[2 * two] + elements..)
                                    .and_then(<[i16]>::first_chunk::<WINDOW>),
                                line.get(starts[2 * two + 1] + elements..)
                                    .and_then(<[i16]>::first_chunk::<WINDOW>),
                            ) else {
                                return;
                            };
                            let weight = both!(
                                eight(avx2, &weights[2 * two * blocks + block]),
                                eight(avx2, &weights[(2 * two + 1) * blocks + block]),
                            );
                            macro_rules! pair {
                                ($pair:literal, $broadcast:literal) => {
                                    if $pair < $pairs {
                                        const AT: usize =
                                            if $pair < $pairs { 2 * $channels * $pair } else { 0 };
                                        let levels = both!(
                                            eight(avx2, left[AT..].first_chunk().unwrap_or(&[0; 8])),
                                            eight(avx2, right[AT..].first_chunk().unwrap_or(&[0; 8])),
                                        );
                                        let paired = _mm256_shuffle_epi8(levels, pairing);
                                        let weight = _mm256_shuffle_epi32::<$broadcast>(weight);
                                        *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(paired, weight));
                                    }
                                };
                            }
                            pair!(0, 0x00);
                            pair!(1, 0x55);
                            pair!(2, 0xaa);
                            pair!(3, 0xff);
                        }
                        *sum = _mm256_sra_epi32(*sum, shift);
                    }
                    let [a, b, c, d] = sums;
                    // Four bytes for each pixel: the even ones, then the odd ones.
                    let bytes = _mm256_packus_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
                    let bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
                    if $channels == 4 {
                        let bytes: u8x32<_> = bytes.simd_into(avx2);
                        match out.first_chunk_mut() {
                            Some(out) => bytes.store_array(out),
                            None => out.iter_mut().zip(bytes.as_slice()).for_each(|(out, byte)| *out = *byte),
                        }
                    } else {
                        let bytes = _mm256_shuffle_epi8(bytes, three_of_four);
                        let bytes =
                            _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7));
                        if out.len() == 24
                            && let Some((first, second)) = out.split_first_chunk_mut()
                            && let Some(second) = second.first_chunk_mut()
                        {
                            let low: u8x16<_> = _mm256_castsi256_si128(bytes).simd_into(avx2);
                            low.store_array(first);
                            *second = _mm256_extract_epi64::<2>(bytes).to_le_bytes();
                        } else {
                            let bytes: u8x32<_> = bytes.simd_into(avx2);
                            out.iter_mut().zip(bytes.as_slice()).for_each(|(out, byte)| *out = *byte);
                        }
                    }
                }
            }
        );
    };
}

along_channels!(along_bgr_2, 3, PAIRING_OF_3, columns => 1, 1);
along_channels!(along_bgr_4, 3, PAIRING_OF_3, columns => 1, 2);
along_channels!(along_bgr_6, 3, PAIRING_OF_3, columns => 1, 3);
along_channels!(along_bgr_8, 3, PAIRING_OF_3, columns => 1, 4);
along_channels!(along_bgr, 3, PAIRING_OF_3, columns => columns.stride() / BLOCK, 4);
along_channels!(along_bgra_2, 4, PAIRING_OF_4, columns => 1, 1);
along_channels!(along_bgra_4, 4, PAIRING_OF_4, columns => 1, 2);
along_channels!(along_bgra_6, 4, PAIRING_OF_4, columns => 1, 3);
along_channels!(along_bgra_8, 4, PAIRING_OF_4, columns => 1, 4);
along_channels!(along_bgra, 4, PAIRING_OF_4, columns => columns.stride() / BLOCK, 4);

/// Sums along a line of one channel: the eight taps of a pixel are one load.
macro_rules! along_one_channel {
    ($name:ident, $columns:ident => $blocks:expr) => {
        kernel!(
            fn $name(avx2: Avx2, line: &[i16], $columns: &Columns, out: &mut [u8]) {
                let round = _mm256_set1_epi32((1 << $columns.shift) >> 1);
                let shift = _mm_cvtsi32_si128($columns.shift as i32);
                let blocks = $blocks;
                let (starts, _) = $columns.starts.as_chunks::<PIXELS>();
                let weights = $columns.weights.chunks_exact(PIXELS * BLOCK * blocks);
                for ((out, starts), weights) in out.chunks_mut(PIXELS).zip(starts).zip(weights) {
                    let (weights, _) = weights.as_chunks::<BLOCK>();
                    let mut sums = [_mm256_setzero_si256(); PIXELS / 2];
                    for (two, sum) in sums.iter_mut().enumerate() {
                        for block in 0..blocks {
                            let elements = block * BLOCK;
                            let (Some(left), Some(right)) = (
                                line.get(starts[2 * two] + elements..).and_then(<[i16]>::first_chunk),
                                line.get(starts[2 * two + 1] + elements..).and_then(<[i16]>::first_chunk),
                            ) else {
                                return;
                            };
                            let weight = both!(
                                eight(avx2, &weights[2 * two * blocks + block]),
                                eight(avx2, &weights[(2 * two + 1) * blocks + block]),
                            );
                            let levels = both!(eight(avx2, left), eight(avx2, right));
                            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(levels, weight));
                        }
                    }
                    let [a, b, c, d] = sums;
                    // The even pixels in the lower half, the odd ones in the upper.
                    let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
                    let sums = _mm256_sra_epi32(_mm256_add_epi32(sums, round), shift);
                    let levels = _mm256_packs_epi32(sums, sums);
                    let bytes = _mm256_packus_epi16(levels, levels);
                    let bytes = _mm_unpacklo_epi8(
                        _mm256_castsi256_si128(bytes),
                        _mm256_extracti128_si256::<1>(bytes),
                    );
                    let bytes = _mm_cvtsi128_si64(bytes).to_le_bytes();
                    match out.first_chunk_mut() {
                        Some(out) => *out = bytes,
                        None => out.iter_mut().zip(bytes).for_each(|(out, byte)| *out = byte),
                    }
                }
            }
        );
    };
}

along_one_channel!(along_gray_8, columns => 1);
along_one_channel!(along_gray, columns => columns.stride() / BLOCK);
