//! Each pixel is one of the original's.

#[cfg(target_arch = "x86_64")]
mod avx2;

use super::source_rows::SourceRows;
use super::taps::scale;
use super::workers::Workers;
use crate::PixelsMut;

/// Which pixels of one size are those of another.
#[derive(Debug)]
pub(super) struct NearestPlan {
    pixel_len: usize,
    rows: Vec<usize>,
    /// The first byte of each pixel in its row.
    columns: Vec<usize>,
    #[cfg(target_arch = "x86_64")]
    picks: Option<avx2::Picks>,
}

impl NearestPlan {
    /// For pixels of so many bytes.
    pub(super) fn new(from: (u32, u32), to: (u32, u32), pixel_len: usize) -> Self {
        let columns: Vec<usize> = origins(from.0, to.0).map(|column| column * pixel_len).collect();
        Self {
            pixel_len,
            rows: origins(from.1, to.1).collect(),
            #[cfg(target_arch = "x86_64")]
            picks: avx2::Picks::new(&columns, pixel_len),
            columns,
        }
    }

    /// Resizes the rows to the target, of the sizes that the plan was made for.
    pub(super) fn run(&self, source: &SourceRows<'_>, target: &mut PixelsMut<'_>, workers: &Workers) {
        let amount = target.pixels_len() * target.height() as usize;
        workers.for_each_band(target, amount, &mut Vec::new(), |first_row, band, ()| {
            let mut last: Option<(usize, &[u8])> = None;
            let rows = self.rows.iter().skip(first_row);
            for (&row, out) in rows.zip(band.rows_mut()) {
                match last {
                    Some((same, pixels)) if same == row => out.copy_from_slice(pixels),
                    _ => self.copy_row(source.row(row), out),
                }
                last = Some((row, out));
            }
        });
    }

    fn copy_row(&self, row: &[u8], out: &mut [u8]) {
        // What the vector instructions have done.
        let mut done = 0;
        #[cfg(target_arch = "x86_64")]
        if let (Some(avx2), Some(picks)) = (fearless_simd::Level::new().as_avx2(), &self.picks) {
            done = avx2::copy_row(avx2, row, picks, out);
        }
        let columns = self.columns.get(done / self.pixel_len..).unwrap_or_default();
        let out = out.get_mut(done..).unwrap_or_default();
        match self.pixel_len {
            1 => copy_pixels::<1>(row, columns, out),
            2 => copy_pixels::<2>(row, columns, out),
            3 => copy_pixels_of_three(row, columns, out),
            4 => copy_pixels::<4>(row, columns, out),
            6 => copy_pixels::<6>(row, columns, out),
            8 => copy_pixels::<8>(row, columns, out),
            12 => copy_pixels::<12>(row, columns, out),
            _ => copy_pixels::<16>(row, columns, out),
        }
    }
}

fn copy_pixels<const LEN: usize>(row: &[u8], columns: &[usize], out: &mut [u8]) {
    let (pixels, _) = out.as_chunks_mut::<LEN>();
    for (pixel, &start) in pixels.iter_mut().zip(columns) {
        if let Some(origin) = row.get(start..).and_then(<[u8]>::first_chunk) {
            *pixel = *origin;
        }
    }
}

/// Four at a time, each moved at once with the byte behind it, over which the next is written.
fn copy_pixels_of_three(row: &[u8], columns: &[usize], out: &mut [u8]) {
    let read = |start: usize| row.get(start..start + 4).and_then(<[u8]>::first_chunk::<4>);
    let mut done = 0;
    for &[a, b, c, d] in columns.as_chunks::<4>().0 {
        let Some(pixels) = out.get_mut(3 * done..).and_then(<[u8]>::first_chunk_mut::<13>) else { break };
        let (Some(a), Some(b), Some(c), Some(d)) = (read(a), read(b), read(c), read(d)) else { break };
        pixels[..4].copy_from_slice(a);
        pixels[3..7].copy_from_slice(b);
        pixels[6..10].copy_from_slice(c);
        pixels[9..].copy_from_slice(d);
        done += 4;
    }
    let columns = columns.get(done..).unwrap_or_default();
    copy_pixels::<3>(row, columns, out.get_mut(3 * done..).unwrap_or_default());
}

/// The pixel under the left edge of each new one: OpenCV's rule.
fn origins(from: u32, to: u32) -> impl Iterator<Item = usize> {
    let (from, to) = (from as usize, to as usize);
    let scale = scale(from, to);
    (0..to).map(move |i| ((i as f64 * scale) as usize).min(from - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pixel_under_the_edge_is_taken_and_not_the_one_under_the_centre() {
        assert_eq!(origins(10, 3).collect::<Vec<_>>(), [0, 3, 6]);
        assert_eq!(origins(3, 7).collect::<Vec<_>>(), [0, 0, 0, 1, 1, 2, 2]);
        assert_eq!(origins(1, 2).collect::<Vec<_>>(), [0, 0]);
    }

    #[test]
    fn the_vector_instructions_do_as_the_loops() {
        for pixel_len in [1, 2, 3, 4, 6, 8, 12, 16] {
            for (from, to) in
                [(100, 70), (100, 50), (100, 23), (97, 101), (33, 100), (11, 7), (1, 40), (200, 199)]
            {
                let row: Vec<u8> = (0..from as usize * pixel_len).map(|i| (i * i % 251) as u8).collect();
                let mut found = vec![0; to as usize * pixel_len];
                NearestPlan::new((from, 1), (to, 1), pixel_len).copy_row(&row, &mut found);
                let pixels: Vec<&[u8]> = row.chunks(pixel_len).collect();
                let expected: Vec<u8> =
                    origins(from, to).flat_map(|origin| pixels[origin].to_vec()).collect();
                assert_eq!(found, expected, "pixels of {pixel_len} bytes, {from} to {to}");
            }
        }
    }
}
