//! Each pixel is one of the original's.

use super::bands::for_each_band;
use super::source_rows::SourceRows;
use super::taps::scale;
use crate::PixelsMut;

/// Which pixels of one size are those of another.
#[derive(Debug)]
pub(super) struct NearestPlan {
    pixel_len: usize,
    rows: Vec<usize>,
    /// The first byte of each pixel in its row.
    columns: Vec<usize>,
}

impl NearestPlan {
    /// For pixels of so many bytes.
    pub(super) fn new(from: (u32, u32), to: (u32, u32), pixel_len: usize) -> Self {
        let columns = origins(from.0, to.0).map(|column| column * pixel_len).collect();
        Self { pixel_len, rows: origins(from.1, to.1).collect(), columns }
    }

    /// Resizes the rows to the target, of the sizes that the plan was made for.
    pub(super) fn run(&self, source: &SourceRows<'_>, target: &mut PixelsMut<'_>, threads: usize) {
        // Not the whole source: what lies between its pixels is not looked at.
        let bytes = 2 * target.pixels_len() * target.height() as usize;
        for_each_band(target, bytes, threads, &mut Vec::new(), |first_row, band, ()| {
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
        match self.pixel_len {
            1 => self.copy_pixels::<1>(row, out),
            2 => self.copy_pixels::<2>(row, out),
            3 => self.copy_pixels::<3>(row, out),
            4 => self.copy_pixels::<4>(row, out),
            6 => self.copy_pixels::<6>(row, out),
            8 => self.copy_pixels::<8>(row, out),
            12 => self.copy_pixels::<12>(row, out),
            _ => self.copy_pixels::<16>(row, out),
        }
    }

    fn copy_pixels<const LEN: usize>(&self, row: &[u8], out: &mut [u8]) {
        let (pixels, _) = out.as_chunks_mut::<LEN>();
        for (pixel, &start) in pixels.iter_mut().zip(&self.columns) {
            if let Some(origin) = row.get(start..).and_then(<[u8]>::first_chunk) {
                *pixel = *origin;
            }
        }
    }
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
}
