//! Elements of 16 bits and of single precision, resized in single precision, as OpenCV does: first down the columns,
//! then along the line. Bytes as well, where a mean of very many is asked for.

use netgear_proto::ElementType;

use super::source_rows::SourceRows;
use super::taps::Taps;
use super::workers::Workers;
use crate::PixelsMut;

/// How elements of one size become elements of another.
#[derive(Debug)]
pub(super) struct FloatPlan {
    element_type: ElementType,
    channels: usize,
    columns: Taps,
    rows: Taps,
}

/// The memory of one thread.
#[derive(Debug, Default)]
pub(super) struct Line(Vec<f32>);

impl FloatPlan {
    pub(super) fn new((columns, rows): (Taps, Taps), element_type: ElementType, channels: usize) -> Self {
        Self { element_type, channels, columns, rows }
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
        workers.for_each_band(target, amount, scratch, |first_row, band, Line(line)| {
            line.resize(source.row_bytes() / self.element_type.byte_len(), 0.0);
            let job = Band { plan: self, source, first_row, band, line };
            #[cfg(target_arch = "x86_64")]
            if let Some(avx2) = fearless_simd::Level::new().as_avx2() {
                return run_band_avx2(avx2, job);
            }
            run_band(job);
        });
    }
}

/// Some rows of the target, and what they are made with.
struct Band<'a, 'b, 'c> {
    plan: &'a FloatPlan,
    source: &'a SourceRows<'a>,
    first_row: usize,
    band: &'b mut PixelsMut<'c>,
    line: &'b mut [f32],
}

// The same loops for the compiler, which may use what x86-64-v3 has. It never fuses a product with a sum by itself,
// so the results are the same.
#[cfg(target_arch = "x86_64")]
fearless_simd::kernel!(
    fn run_band_avx2(_avx2: Avx2, job: Band<'_, '_, '_>) {
        run_band(job);
    }
);

#[inline(always)]
fn run_band(job: Band<'_, '_, '_>) {
    match job.plan.element_type {
        ElementType::U8 => run_elements::<u8>(job),
        ElementType::U16 => run_elements::<u16>(job),
        _ => run_elements::<f32>(job),
    }
}

#[inline(always)]
fn run_elements<E: Element>(Band { plan, source, first_row, band, line }: Band<'_, '_, '_>) {
    let Taps { count, starts, weights } = &plan.rows;
    let row_taps = starts.iter().zip(weights.chunks_exact(*count)).skip(first_row);
    for ((&start, weights), out) in row_taps.zip(band.rows_mut()) {
        line.fill(0.0);
        for (row, &weight) in (start..).zip(weights) {
            for (sum, element) in line.iter_mut().zip(source.row(row).chunks_exact(E::LEN)) {
                *sum += weight * E::load(element);
            }
        }
        match plan.channels {
            1 => along_the_line::<E, 1>(line, &plan.columns, out),
            2 => along_the_line::<E, 2>(line, &plan.columns, out),
            3 => along_the_line::<E, 3>(line, &plan.columns, out),
            _ => along_the_line::<E, 4>(line, &plan.columns, out),
        }
    }
}

#[inline(always)]
fn along_the_line<E: Element, const CHANNELS: usize>(line: &[f32], columns: &Taps, out: &mut [u8]) {
    let (pixels, _) = line.as_chunks::<CHANNELS>();
    let taps = columns.starts.iter().zip(columns.weights.chunks_exact(columns.count));
    for (out, (&start, weights)) in out.chunks_exact_mut(CHANNELS * E::LEN).zip(taps) {
        let mut sums = [0.0; CHANNELS];
        let window = pixels.get(start..start + columns.count).unwrap_or_default();
        for (pixel, &weight) in window.iter().zip(weights) {
            for (sum, element) in sums.iter_mut().zip(pixel) {
                *sum += weight * element;
            }
        }
        for (out, sum) in out.chunks_exact_mut(E::LEN).zip(sums) {
            E::store(sum, out);
        }
    }
}

/// An element as it lies in a frame.
trait Element {
    /// Its bytes.
    const LEN: usize;

    /// The value of so many bytes.
    fn load(bytes: &[u8]) -> f32;

    /// The nearest value that it can have, the even one of two; into so many bytes.
    fn store(value: f32, bytes: &mut [u8]);
}

impl Element for u8 {
    const LEN: usize = 1;

    #[inline(always)]
    fn load(bytes: &[u8]) -> f32 {
        bytes.first().copied().map_or(0.0, f32::from)
    }

    #[inline(always)]
    fn store(value: f32, bytes: &mut [u8]) {
        // `as` saturates.
        bytes.fill(value.round_ties_even() as u8);
    }
}

impl Element for u16 {
    const LEN: usize = 2;

    #[inline(always)]
    fn load(bytes: &[u8]) -> f32 {
        bytes.first_chunk().map_or(0.0, |bytes| f32::from(Self::from_le_bytes(*bytes)))
    }

    #[inline(always)]
    fn store(value: f32, bytes: &mut [u8]) {
        if let Some(bytes) = bytes.first_chunk_mut() {
            *bytes = (value.round_ties_even() as Self).to_le_bytes();
        }
    }
}

impl Element for f32 {
    const LEN: usize = 4;

    #[inline(always)]
    fn load(bytes: &[u8]) -> f32 {
        bytes.first_chunk().map_or(0.0, |bytes| Self::from_le_bytes(*bytes))
    }

    #[inline(always)]
    fn store(value: f32, bytes: &mut [u8]) {
        if let Some(bytes) = bytes.first_chunk_mut() {
            *bytes = value.to_le_bytes();
        }
    }
}
