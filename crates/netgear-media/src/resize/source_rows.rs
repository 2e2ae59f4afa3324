use netgear_proto::Frame;

use crate::Region;

/// The rows of a region of a frame, where they lie.
#[derive(Debug, Clone, Copy)]
pub(super) struct SourceRows<'a> {
    pixels: &'a [u8],
    /// Bytes from row to row.
    row_len: usize,
    /// Bytes of the region in a row.
    len: usize,
    rows: usize,
}

impl<'a> SourceRows<'a> {
    /// The rows of a region that the frame has.
    pub(super) fn new(frame: &'a Frame, region: Region) -> Self {
        let pixel_len = usize::from(frame.channels()) * frame.element_type().byte_len();
        let row_len = frame.width() as usize * pixel_len;
        let start = region.y as usize * row_len + region.x as usize * pixel_len;
        Self {
            pixels: frame.pixels().get(start..).unwrap_or_default(),
            row_len,
            len: region.width as usize * pixel_len,
            rows: region.height as usize,
        }
    }

    /// The bytes of a row; of the last one for those beyond it.
    pub(super) fn row(&self, index: usize) -> &'a [u8] {
        let start = index.min(self.rows - 1) * self.row_len;
        self.pixels.get(start..start + self.len).unwrap_or_default()
    }

    /// The bytes of one row.
    pub(super) fn row_bytes(&self) -> usize {
        self.len
    }
}
