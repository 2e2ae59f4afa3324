//! The same pixels in fewer bytes: what differs from the row above, in a zstd frame (RFC 8878).
//!
//! A row of most pictures is much like the one above it, so the differences are small numbers around 0, which zstd
//! writes in few bits. The difference is taken byte by byte, modulo 256, so it does not matter what the bytes mean.
//! The content size stands in the zstd frame's header, and so does that it has a checksum.

use bytes::Bytes;
use netgear_proto::{BufferPool, EncodedFrame, Frame};
use zrip::{CompressContext, CompressError, DecompressContext, DecompressError};

/// The fastest of zstd's levels that code small numbers in few bits. Higher ones save 1 % of a photograph in twice
/// the time.
const LEVEL: i32 = 1;

/// Encodes frames, one after another, in the same memory.
pub(crate) struct LosslessEncoder {
    context: CompressContext,
    /// The differences of the rows.
    differences: Vec<u8>,
    compressed: Vec<u8>,
    pool: BufferPool,
}

impl LosslessEncoder {
    pub(crate) fn new() -> Result<Self, String> {
        let context = CompressContext::new(LEVEL).map_err(|error| error.to_string())?;
        Ok(Self { context, differences: Vec::new(), compressed: Vec::new(), pool: BufferPool::default() })
    }

    /// The frame in fewer bytes than it has, or `None` if it cannot be had in fewer.
    pub(crate) fn encode(&mut self, frame: &Frame) -> Result<Option<Bytes>, String> {
        let pixels = frame.pixels();
        self.differences.clear();
        self.differences.reserve_exact(pixels.len());
        let stride = row_len(pixels.len(), frame.height());
        let (first, below) = pixels.split_at(stride);
        self.differences.extend_from_slice(first);
        self.differences
            .extend(below.iter().zip(pixels.iter()).map(|(byte, above)| byte.wrapping_sub(*above)));
        // There is room for fewer bytes than the frame has, and not for as many.
        self.compressed.resize(pixels.len().saturating_sub(1), 0);
        let compressed = match self.context.compress_into(&self.differences, &mut self.compressed) {
            Ok(len) => self.compressed.get(..len).unwrap_or_default(),
            Err(CompressError::OutputTooSmall) => return Ok(None),
            Err(error) => return Err(error.to_string()),
        };
        let mut bytes = self.pool.take(compressed.len());
        bytes.extend_from_slice(compressed);
        Ok(Some(self.pool.freeze(bytes)))
    }
}

impl std::fmt::Debug for LosslessEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LosslessEncoder").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Decodes frames, one after another, into the same memory once a frame is let go.
#[derive(Default)]
pub(crate) struct LosslessDecoder {
    context: DecompressContext,
    pool: BufferPool,
}

impl LosslessDecoder {
    /// What the decompressor writes past the end.
    const MARGIN: usize = 64;

    /// The pixels, which are as many bytes as were promised.
    pub(crate) fn decode(&mut self, frame: &EncodedFrame) -> Result<Bytes, LosslessError> {
        let promised = frame.decoded_len();
        let header = zrip::frame::header::parse_frame_header(frame.bytes()).map_err(malformed)?;
        match header.frame_content_size {
            Some(size) if size == promised as u64 => {}
            Some(size) => return Err(LosslessError::Size { size, promised }),
            None => return Err(LosslessError::malformed("it does not say how many bytes it has")),
        }
        // A `Vec` from memory of the pool, and back again, is no copy.
        let mut pixels = Vec::from(self.pool.take(promised + Self::MARGIN));
        self.context.decompress_into_with_limit(frame.bytes(), &mut pixels, promised).map_err(malformed)?;
        if pixels.len() != promised {
            return Err(LosslessError::malformed("it is not whole"));
        }
        add_rows(&mut pixels, row_len(promised, frame.shape().height()));
        let pixels = Bytes::from(pixels);
        Ok(match pixels.try_into_mut() {
            Ok(buffer) => self.pool.freeze(buffer),
            Err(pixels) => pixels,
        })
    }
}

impl std::fmt::Debug for LosslessDecoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LosslessDecoder").field("pool", &self.pool).finish_non_exhaustive()
    }
}

/// Why bytes are not the frame that was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LosslessError {
    #[error("{reason}")]
    Malformed { reason: String },
    #[error("{size} bytes of pixels, and not {promised}")]
    Size { size: u64, promised: usize },
}

impl LosslessError {
    fn malformed(reason: impl Into<String>) -> Self {
        Self::Malformed { reason: reason.into() }
    }
}

fn malformed(error: DecompressError) -> LosslessError {
    LosslessError::malformed(error.to_string())
}

/// The bytes of one of so many rows.
fn row_len(len: usize, height: u32) -> usize {
    len / height.max(1) as usize
}

/// Each row from what it differs by from the one above it, from the top.
fn add_rows(pixels: &mut [u8], stride: usize) {
    let mut above: &[u8] = &[];
    for row in pixels.chunks_exact_mut(stride.max(1)) {
        for (byte, above) in row.iter_mut().zip(above) {
            *byte = byte.wrapping_add(*above);
        }
        above = row;
    }
}
