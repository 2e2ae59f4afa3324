//! Plain loops, which compilers turn into the vector instructions that every machine of a kind has.

use super::Columns;

/// The columns that are summed at once, so that the sums stay in registers or near them.
const COLUMNS: usize = 64;

pub(super) fn down_the_columns(rows: &[&[u8]], weights: &[i16], shift: u32, line: &mut [i16]) {
    let mut sums = [0_i32; COLUMNS];
    for (block, out) in line.chunks_mut(COLUMNS).enumerate() {
        let begin = block * COLUMNS;
        sums.fill((1 << shift) >> 1);
        for (row, &weight) in rows.iter().zip(weights) {
            let row = row.get(begin..begin + out.len()).unwrap_or_default();
            for (sum, &level) in sums.iter_mut().zip(row) {
                *sum += i32::from(level) * i32::from(weight);
            }
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = (sum >> shift).clamp(i32::from(i16::MIN), i32::from(i16::MAX)) as i16;
        }
    }
}

pub(super) fn along_the_line(line: &[i16], columns: &Columns, channels: usize, out: &mut [u8]) {
    match channels {
        1 => along::<1>(line, columns, out),
        2 => along::<2>(line, columns, out),
        3 => along::<3>(line, columns, out),
        _ => along::<4>(line, columns, out),
    }
}

fn along<const CHANNELS: usize>(line: &[i16], columns: &Columns, out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<CHANNELS>();
    let taps = columns.starts.iter().zip(columns.weights.chunks_exact(columns.stride()));
    for (pixel, (&start, weights)) in pixels.iter_mut().zip(taps) {
        let (window, _) = line.get(start..).unwrap_or_default().as_chunks::<CHANNELS>();
        let mut sums = [(1_i32 << columns.shift) >> 1; CHANNELS];
        for (elements, &weight) in window.iter().zip(weights.iter().take(columns.count)) {
            for (sum, &element) in sums.iter_mut().zip(elements) {
                *sum += i32::from(element) * i32::from(weight);
            }
        }
        *pixel = sums.map(|sum| (sum >> columns.shift).clamp(0, 255) as u8);
    }
}
