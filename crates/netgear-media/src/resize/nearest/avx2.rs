//! Several pixels at once: those of the result within 16 bytes, picked out of 32 bytes of the row with the
//! instructions of x86-64-v3.

use std::arch::x86_64::{__m128i, _mm_or_si128, _mm_shuffle_epi8};

use fearless_simd::prelude::*;
use fearless_simd::{kernel, u8x16};

/// Where the pixels of a result's row come from.
#[derive(Debug)]
pub(super) struct Picks {
    /// The bytes of a group of pixels in the result.
    group_len: usize,
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    /// The first byte of the 32.
    start: usize,
    /// For each byte of the result the place in the first and in the second 16 bytes; 128 and more is none.
    first: [u8; 16],
    second: [u8; 16],
}

impl Picks {
    /// Picks of pixels of so many bytes that begin at these places of a row. `None` if they lie too far apart.
    pub(super) fn new(columns: &[usize], pixel_len: usize) -> Option<Self> {
        let most = 16 / pixel_len;
        let fits = |pixels: &usize| {
            columns.chunks_exact(*pixels).all(|group| match group {
                [first, .., last] => last + pixel_len <= first + 32,
                _ => false,
            })
        };
        let pixels = (3..=most).rev().find(fits)?;
        let groups = columns.chunks_exact(pixels).map(|group| Group::new(group, pixel_len)).collect();
        Some(Self { group_len: pixels * pixel_len, groups })
    }
}

impl Group {
    fn new(columns: &[usize], pixel_len: usize) -> Self {
        let start = columns.first().copied().unwrap_or_default();
        let mut group = Self { start, first: [128; 16], second: [128; 16] };
        let bytes = columns.iter().flat_map(|column| (0..pixel_len).map(move |byte| column + byte - start));
        for ((first, second), byte) in group.first.iter_mut().zip(&mut group.second).zip(bytes) {
            match byte {
                0..16 => *first = byte as u8,
                _ => *second = byte as u8 - 16,
            }
        }
        group
    }
}

kernel!(
    /// Gives the bytes of `out` that it has written, from the left: those for which there are 16 in `out` and 32 in
    /// the row.
    pub(super) fn copy_row(avx2: Avx2, row: &[u8], picks: &Picks, out: &mut [u8]) -> usize {
        let mut done = 0;
        for group in &picks.groups {
            let (Some(window), Some(out)) = (
                row.get(group.start..).and_then(<[u8]>::first_chunk::<32>),
                out.get_mut(done..).and_then(<[u8]>::first_chunk_mut::<16>),
            ) else {
                break;
            };
            let [left, right] = *window.as_chunks::<16>().0 else { break };
            let left: __m128i = u8x16::load_array(avx2, left).into();
            let right: __m128i = u8x16::load_array(avx2, right).into();
            let first: __m128i = u8x16::load_array(avx2, group.first).into();
            let second: __m128i = u8x16::load_array(avx2, group.second).into();
            let picked: u8x16<_> =
                _mm_or_si128(_mm_shuffle_epi8(left, first), _mm_shuffle_epi8(right, second)).simd_into(avx2);
            // The bytes behind the group are the next one's.
            picked.store_array(out);
            done += picks.group_len;
        }
        done
    }
);
