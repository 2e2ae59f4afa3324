//! Bytes, resized in whole numbers: first down the columns into one line of 16 bits, then along that line.
//!
//! The line never leaves the nearest cache, and a row of the result needs nothing of the rows before it. The result
//! of the vector instructions is that of the plain loops, bit by bit.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use super::source_rows::SourceRows;
use super::taps::{Kernel, Taps};
use super::workers::Workers;
use crate::PixelsMut;

/// So many weights of a pixel along the line lie side by side.
const BLOCK: usize = 8;

/// So many pixels of a line are made at once; the tables have a multiple of them.
const PIXELS: usize = 8;

/// How bytes of one size become bytes of another.
#[derive(Debug)]
pub(super) struct FixedPlan {
    channels: usize,
    rows: Rows,
    columns: Columns,
    /// Bits behind the point in the line between.
    fraction: u32,
}

/// The memory of one thread.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<i16>);

/// Sums down the columns.
#[derive(Debug)]
struct Rows {
    /// Even: the instructions take two at a time.
    count: usize,
    starts: Vec<usize>,
    /// `count` for each row.
    weights: Vec<i16>,
    /// Bits behind the point.
    precision: u32,
}

/// Sums along the line.
#[derive(Debug)]
struct Columns {
    /// Even.
    count: usize,
    /// The first element of each pixel's. Behind the last one 0 up to a multiple of [`PIXELS`].
    starts: Vec<usize>,
    /// `count` for each pixel, and zeros up to a multiple of [`BLOCK`]; for the pixels behind the last one zeros.
    weights: Vec<i16>,
    /// Bits to take away at the end.
    shift: u32,
}

impl FixedPlan {
    /// Up to so many taps the errors of rounded weights stay far below a level.
    const MOST_TAPS: usize = 64;

    /// `None` where 16 bits are not enough for the weights.
    pub(super) fn new(kernel: Kernel, (columns, rows): &(Taps, Taps), channels: usize) -> Option<Self> {
        if columns.count.max(rows.count) > Self::MOST_TAPS {
            return None;
        }
        // The sums of the kernels with negative weights go beyond those of their pixels.
        let fraction = match kernel {
            Kernel::Linear | Kernel::Area | Kernel::WideLinear => 7,
            Kernel::Cubic | Kernel::Lanczos4 | Kernel::WideCubic | Kernel::WideLanczos3 => 6,
        };
        let (row_weights, precision) = quantised(kernel, rows);
        let row_count = rows.count.next_multiple_of(2);
        let rows = Rows {
            count: row_count,
            starts: rows.starts.clone(),
            weights: padded(&row_weights, rows.count, row_count),
            precision,
        };
        let (column_weights, precision) = quantised(kernel, columns);
        let pixels = columns.starts.len().next_multiple_of(PIXELS);
        let stride = columns.count.next_multiple_of(BLOCK);
        let mut columns = Columns {
            count: columns.count.next_multiple_of(2),
            starts: columns.starts.iter().map(|start| start * channels).collect(),
            weights: padded(&column_weights, columns.count, stride),
            shift: precision + fraction,
        };
        columns.starts.resize(pixels, 0);
        columns.weights.resize(pixels * stride, 0);
        Some(Self { channels, rows, columns, fraction })
    }

    /// Resizes the rows to the target, of the sizes that the plan was made for.
    pub(super) fn run(
        &self,
        source: &SourceRows<'_>,
        target: &mut PixelsMut<'_>,
        workers: &Workers,
        scratch: &mut Vec<Line>,
    ) {
        let amount_per_row = source.row_bytes() * self.rows.count + target.pixels_len() * self.columns.count;
        let amount = amount_per_row.saturating_mul(target.height() as usize);
        workers.for_each_band(target, amount, scratch, |first_row, band, line| {
            self.run_band(source, first_row, band, line);
        });
    }

    fn run_band(
        &self,
        source: &SourceRows<'_>,
        first_row: usize,
        band: &mut PixelsMut<'_>,
        Line(line): &mut Line,
    ) {
        let len = source.row_bytes();
        // What is read beyond the line has no weight.
        line.resize(len + self.columns.stride() * self.channels + 16, 0);
        let Rows { count, starts, weights, precision } = &self.rows;
        let mut taps = Vec::with_capacity(*count);
        let row_taps = starts.iter().zip(weights.chunks_exact(*count)).skip(first_row);
        for ((&start, weights), out) in row_taps.zip(band.rows_mut()) {
            taps.clear();
            taps.extend((start..start + count).map(|row| source.row(row)));
            down_the_columns(
                &taps,
                weights,
                precision - self.fraction,
                line.get_mut(..len).unwrap_or_default(),
            );
            along_the_line(line, &self.columns, self.channels, out);
        }
    }
}

impl Columns {
    /// The weights from pixel to pixel.
    fn stride(&self) -> usize {
        self.count.next_multiple_of(BLOCK)
    }
}

/// The weighted sum of the rows, with `shift` bits fewer than the weights have. All rows are as long as the line, and
/// as many as the weights.
fn down_the_columns(rows: &[&[u8]], weights: &[i16], shift: u32, line: &mut [i16]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
        return avx2::down_the_columns(avx2, rows, weights, shift, line);
    }
    portable::down_the_columns(rows, weights, shift, line);
}

/// The weighted sums of the line's pixels.
fn along_the_line(line: &[i16], columns: &Columns, channels: usize, out: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = fearless_simd::Level::new().as_avx2()
        && let Some(along_the_line) = avx2::along_the_line(channels, columns.count)
    {
        return along_the_line(avx2, line, columns, out);
    }
    portable::along_the_line(line, columns, channels, out);
}

/// The weights in 16 bits, and how many of these are behind the point.
fn quantised(kernel: Kernel, taps: &Taps) -> (Vec<i16>, u32) {
    match kernel {
        // OpenCV's own: 11 bits, each weight rounded by itself.
        Kernel::Linear | Kernel::Lanczos4 => {
            let round = |weight: &f32| (weight * 2048.0).round_ties_even() as i16;
            (taps.weights.iter().map(round).collect(), 11)
        }
        // Where OpenCV is exact, or has Intel's library, which is: as many bits as the largest weight has room for.
        _ => {
            let largest = taps.weights.iter().fold(0.0, |largest: f32, weight| largest.max(weight.abs()));
            let fits = |precision: &u32| largest * (1_u32 << precision) as f32 <= f32::from(i16::MAX);
            // The sums along the line have 32 bits, of which those of the positive kernels need the fewest.
            let most = if matches!(kernel, Kernel::Area | Kernel::WideLinear) { 16 } else { 15 };
            let precision = (11..=most).rev().find(fits).unwrap_or(11);
            let mut weights = Vec::with_capacity(taps.weights.len());
            for pixel in taps.weights.chunks_exact(taps.count) {
                // What one loses by rounding the next one gets: the sum stays.
                let mut lost = 0.0;
                weights.extend(pixel.iter().map(|weight| {
                    let exact = weight * (1_u32 << precision) as f32 + lost;
                    let rounded = exact.round();
                    lost = exact - rounded;
                    rounded as i16
                }));
            }
            (weights, precision)
        }
    }
}

/// Groups of `count` weights, each with zeros behind it up to `stride`.
fn padded(weights: &[i16], count: usize, stride: usize) -> Vec<i16> {
    let zeros = std::iter::repeat_n(0, stride - count);
    weights.chunks_exact(count).flat_map(|group| group.iter().copied().chain(zeros.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the extremes, so that what goes beyond them does.
    fn noise(seed: usize, len: usize) -> Vec<u8> {
        (0..len).map(|i| [0, 255, (i * i + 7 * seed) as u8][(i * 31 + seed * 17) % 3]).collect()
    }

    #[test]
    fn the_vector_instructions_do_as_the_loops_down_the_columns() {
        for (kernel, from, to) in [
            (Kernel::Linear, 20, 14),
            (Kernel::Cubic, 20, 14),
            (Kernel::Area, 20, 3),
            (Kernel::Area, 50, 1),
            (Kernel::Lanczos4, 20, 14),
            (Kernel::Lanczos4, 3, 14),
            (Kernel::WideLinear, 20, 14),
            (Kernel::WideCubic, 20, 5),
            (Kernel::WideLanczos3, 50, 6),
        ] {
            let taps = Taps::of_both_axes(kernel, (from, from), (to, to));
            let plan = FixedPlan::new(kernel, &taps, 1).unwrap();
            let Rows { count, weights, precision, .. } = &plan.rows;
            for len in [1, 5, 31, 32, 33, 63, 64, 100, 129] {
                let rows: Vec<Vec<u8>> = (0..*count).map(|row| noise(row, len)).collect();
                let rows: Vec<&[u8]> = rows.iter().map(Vec::as_slice).collect();
                for weights in weights.chunks_exact(*count) {
                    let (mut expected, mut found) = (vec![0; len], vec![0; len]);
                    portable::down_the_columns(&rows, weights, precision - plan.fraction, &mut expected);
                    down_the_columns(&rows, weights, precision - plan.fraction, &mut found);
                    assert_eq!(found, expected, "{kernel:?} {from} to {to}, {len} columns");
                }
            }
        }
    }

    #[test]
    fn the_vector_instructions_do_as_the_loops_along_the_line() {
        for channels in 1..=4 {
            for (kernel, from, to) in [
                (Kernel::Linear, 40, 29),
                (Kernel::Linear, 1, 3),
                (Kernel::Cubic, 40, 64),
                (Kernel::Cubic, 3, 5),
                (Kernel::Area, 40, 28),
                (Kernel::Area, 40, 8),
                (Kernel::Area, 100, 9),
                (Kernel::Area, 64, 1),
                (Kernel::Lanczos4, 40, 31),
                (Kernel::Lanczos4, 5, 17),
                (Kernel::WideLinear, 40, 29),
                (Kernel::WideCubic, 40, 9),
                (Kernel::WideLanczos3, 64, 6),
            ] {
                let taps = Taps::of_both_axes(kernel, (from, from), (to, to));
                let plan = FixedPlan::new(kernel, &taps, channels).unwrap();
                let len = from as usize * channels;
                let mut line: Vec<i16> =
                    noise(channels, len).iter().map(|&level| i16::from(level) << plan.fraction).collect();
                // What is behind the line has no weight, whatever it is.
                line.resize(len + plan.columns.stride() * channels + 16, 12345);
                let (mut expected, mut found) =
                    (vec![0; to as usize * channels], vec![0; to as usize * channels]);
                portable::along_the_line(&line, &plan.columns, channels, &mut expected);
                along_the_line(&line, &plan.columns, channels, &mut found);
                assert_eq!(found, expected, "{kernel:?} {from} to {to}, {channels} channels");
            }
        }
    }

    #[test]
    fn very_many_taps_are_left_to_single_precision() {
        let taps = Taps::of_both_axes(Kernel::Area, (1000, 10), (10, 10));
        assert!(FixedPlan::new(Kernel::Area, &taps, 3).is_none());
    }
}
