//! What a camera writes into a buffer, to a frame.

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};
use yuv::{YuvBiPlanarImage, YuvConversionMode, YuvPackedImage, YuvPlanarImage};

use crate::CameraFormat;
use crate::jpeg::{JpegDecoder, JpegError};
use crate::yuv_to_bgr::ColourSpace;

/// How the pixels lie in a buffer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RawLayout {
    pub(crate) format: CameraFormat,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// The bytes from the start of a row to that of the next, in the first plane; 0 for rows without padding. It says
    /// nothing of JPEG. The planes of chroma have the same, or half of it where theirs are half as wide, as V4L2 has
    /// it.
    pub(crate) stride: u32,
    /// What YUV means; the rest knows it.
    pub(crate) colour: ColourSpace,
}

/// Why the bytes make no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RawFrameError {
    /// There are too few of them.
    #[error("it has {found} bytes of {expected}")]
    Short {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The rows would overlap, or the frame is larger than memory.
    #[error("frames of {width}×{height} pixels with rows of {stride} bytes cannot be")]
    Layout {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// Bytes in a row.
        stride: u32,
    },
    /// The library that converts does not take them.
    #[error("it cannot be converted: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// It is a JPEG picture, and a bad one.
    #[error(transparent)]
    Jpeg(#[from] JpegError),
    /// It is a JPEG picture of another size.
    #[error("it has {}×{} pixels in place of {}×{}", found.0, found.1, expected.0, expected.1)]
    Size {
        /// The width and height that were agreed on.
        expected: (u32, u32),
        /// Those of the picture.
        found: (u32, u32),
    },
}

/// Turns buffers into frames: gray ones to gray, all others to BGR.
#[derive(Debug)]
pub(crate) struct RawFrames {
    layout: RawLayout,
    /// Those that there are; the others have no rows.
    planes: [Plane; 3],
    /// The bytes that a buffer has at least.
    expected: usize,
    frame_len: usize,
    pool: BufferPool,
    jpeg: JpegDecoder,
    /// A buffer without its padding.
    tight: Vec<u8>,
}

/// Where a plane lies in a buffer. All was checked once, so nothing overflows.
#[derive(Debug, Clone, Copy, Default)]
struct Plane {
    start: usize,
    stride: usize,
    /// The bytes of a row that are pixels.
    row: usize,
    rows: usize,
}

impl RawFrames {
    /// For buffers of this layout.
    pub(crate) fn new(layout: RawLayout, max_frame_bytes: usize) -> Result<Self, RawFrameError> {
        let RawLayout { width, height, stride, .. } = layout;
        let impossible = RawFrameError::Layout { width, height, stride };
        let (planes, expected, frame_len) = layout.planes().ok_or(impossible)?;
        let jpeg = JpegDecoder::new(max_frame_bytes);
        Ok(Self { layout, planes, expected, frame_len, pool: BufferPool::default(), jpeg, tight: Vec::new() })
    }

    /// The type of the elements and the meaning of the channels of the frames.
    pub(crate) const fn pixels(&self) -> (ElementType, PixelFormat) {
        let format = match self.layout.format {
            CameraFormat::Gray => PixelFormat::Gray,
            _ => PixelFormat::Bgr,
        };
        (ElementType::U8, format)
    }

    /// The frame in a buffer, of which only the bytes that were written are given.
    pub(crate) fn convert(&mut self, bytes: &[u8]) -> Result<Frame, RawFrameError> {
        let RawLayout { format, width, height, stride, colour } = self.layout;
        if format == CameraFormat::Mjpeg {
            let frame = self.jpeg.decode(bytes)?;
            let (expected, found) = ((width, height), (frame.width(), frame.height()));
            return if found == expected { Ok(frame) } else { Err(RawFrameError::Size { expected, found }) };
        }

        let short = RawFrameError::Short { expected: self.expected, found: bytes.len() };
        let bytes = bytes.get(..self.expected).ok_or(short)?;
        let tight = if self.planes.iter().all(|plane| plane.stride == plane.row) {
            bytes
        } else {
            // `yuv` takes padding for pixels at the end of a row (0.8.20), so it gets none.
            self.tight.clear();
            for plane in &self.planes {
                let rows = bytes.get(plane.start..).unwrap_or_default().chunks(plane.stride.max(1));
                for row in rows.take(plane.rows) {
                    self.tight.extend_from_slice(row.get(..plane.row).unwrap_or(row));
                }
            }
            &self.tight
        };
        let [first, second, third] = self.planes.map(|plane| plane.row * plane.rows);
        // The planes were laid out for that many bytes.
        let impossible = RawFrameError::Layout { width, height, stride };
        let (first, rest) = tight.split_at_checked(first).ok_or(impossible.clone())?;
        let (second, rest) = rest.split_at_checked(second).ok_or(impossible.clone())?;
        let third = rest.get(..third).ok_or(impossible.clone())?;

        let mut frame = self.pool.take(self.frame_len);
        frame.resize(self.frame_len, 0);
        let (range, matrix) = (colour.range, colour.matrix);
        let (out, out_stride) = (frame.as_mut(), width * 3);
        let columns = width.div_ceil(2);
        let converted = match format {
            CameraFormat::Gray | CameraFormat::Bgr => {
                out.copy_from_slice(first);
                Ok(())
            }
            CameraFormat::Rgb => yuv::rgb_to_bgr(first, out_stride, out, out_stride, width, height),
            CameraFormat::Yuyv | CameraFormat::Uyvy => {
                let image = YuvPackedImage { yuy: first, yuy_stride: columns * 4, width, height };
                let convert =
                    if format == CameraFormat::Yuyv { yuv::yuyv422_to_bgr } else { yuv::uyvy422_to_bgr };
                convert(&image, out, out_stride, range, matrix)
            }
            CameraFormat::Nv12 => {
                let (y_plane, uv_plane, uv_stride) = (first, second, columns * 2);
                let image = YuvBiPlanarImage { y_plane, y_stride: width, uv_plane, uv_stride, width, height };
                yuv::yuv_nv12_to_bgr(&image, out, out_stride, range, matrix, YuvConversionMode::Balanced)
            }
            CameraFormat::I420 | CameraFormat::Yv12 => {
                let (u_plane, v_plane) =
                    if format == CameraFormat::I420 { (second, third) } else { (third, second) };
                let image = YuvPlanarImage {
                    y_plane: first,
                    y_stride: width,
                    u_plane,
                    u_stride: columns,
                    v_plane,
                    v_stride: columns,
                    width,
                    height,
                };
                yuv::yuv420_to_bgr(&image, out, out_stride, range, matrix)
            }
            // Decoded above.
            CameraFormat::Mjpeg => return Err(impossible),
        };
        // All that the library asks for was checked, so it has no reason to refuse.
        converted.map_err(|error| RawFrameError::Refused { reason: error.to_string() })?;
        let pixels = self.pool.freeze(frame);
        let frame = match format {
            CameraFormat::Gray => Frame::gray8(width, height, pixels),
            _ => Frame::bgr8(width, height, pixels),
        };
        frame.map_err(|error| RawFrameError::Refused { reason: error.to_string() })
    }
}

impl RawLayout {
    /// The planes, the bytes that a buffer has at least, and those of the frame. `None` if rows would overlap, or the
    /// numbers are too large.
    fn planes(self) -> Option<([Plane; 3], usize, usize)> {
        let (width, height) = (usize::try_from(self.width).ok()?, usize::try_from(self.height).ok()?);
        let (columns, chroma_rows) = (width.div_ceil(2), height.div_ceil(2));
        let channels: u32 = if self.format == CameraFormat::Gray { 1 } else { 3 };
        self.width.checked_mul(4)?;
        let frame_len = self.width.checked_mul(channels)? as usize;
        let frame_len = frame_len.checked_mul(height)?;
        if frame_len == 0 {
            return None;
        }
        let row = match self.format {
            CameraFormat::Bgr | CameraFormat::Rgb => width * 3,
            CameraFormat::Yuyv | CameraFormat::Uyvy => columns * 4,
            CameraFormat::Nv12 | CameraFormat::I420 | CameraFormat::Yv12 | CameraFormat::Gray => width,
            CameraFormat::Mjpeg => return Some(([Plane::default(); 3], 0, frame_len)),
        };
        let stride = if self.stride == 0 { row } else { self.stride as usize };
        let chroma = match self.format {
            CameraFormat::Nv12 => Some((columns * 2, stride.max(columns * 2), 1)),
            CameraFormat::I420 | CameraFormat::Yv12 => Some((columns, stride.div_ceil(2), 2)),
            _ => None,
        };
        let mut planes = [Plane { start: 0, stride, row, rows: height }, Plane::default(), Plane::default()];
        if let Some((row, stride, count)) = chroma {
            let mut start = planes[0].len()?;
            for plane in planes.iter_mut().skip(1).take(count) {
                *plane = Plane { start, stride, row, rows: chroma_rows };
                start = start.checked_add(plane.len()?)?;
            }
        }
        // The last row of all needs no padding behind it.
        let last = planes.iter().rfind(|plane| plane.rows > 0)?;
        let end = last.start.checked_add(last.len()?)? - (last.stride - last.row);
        Some((planes, end, frame_len))
    }
}

impl Plane {
    /// With its padding. `None` if the rows would overlap, or the numbers are too large.
    fn len(self) -> Option<usize> {
        if self.stride < self.row { None } else { self.stride.checked_mul(self.rows) }
    }
}

#[cfg(test)]
#[path = "raw_frame_tests.rs"]
mod tests;
