use bytes::{Bytes, BytesMut};
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, ResizeOptions};
use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat, Shape};

use crate::{Filter, Percent};

/// Makes `frame` smaller by so many percent, with memory made for this one call: VidGear's `reducer`.
///
/// For a stream of frames keep a [`Resizer`].
///
/// ```
/// use netgear_media::{Filter, Percent, reduce};
/// use netgear_proto::Frame;
///
/// let frame = Frame::bgr8(640, 480, vec![0; 640 * 480 * 3])?;
/// let smaller = reduce(&frame, Percent::new(30.0)?, Filter::Lanczos4)?;
/// assert_eq!((smaller.width(), smaller.height()), (448, 336));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`Resizer::reduce`].
#[doc(alias = "reducer")]
pub fn reduce(frame: &Frame, percent: Percent, filter: Filter) -> Result<Frame, ResizeError> {
    Resizer::new().reduce(frame, percent, filter)
}

/// Resizes frame after frame, with the same memory.
///
/// Frames of 1 to 4 channels of `u8`, `u16` or `f32` elements: gray, BGR, RGB, BGRA, RGBA, and unspecified ones. Every
/// channel is resized on its own, the opacity of BGRA and RGBA among them: colours are not weighted by it, just as OpenCV
/// does not. The result has the pixel format of the original.
#[derive(Debug, Default)]
pub struct Resizer {
    resizer: fast_image_resize::Resizer,
    pool: BufferPool,
    aligned_input: Vec<u8>,
}

impl Resizer {
    /// A resizer that has no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes `frame` smaller by so many percent; see [`Percent::reduced_size`] for the exact size.
    ///
    /// # Errors
    /// [`ResizeError::NothingLeft`] if a side would be 0, and those of [`resize`](Self::resize).
    pub fn reduce(&mut self, frame: &Frame, percent: Percent, filter: Filter) -> Result<Frame, ResizeError> {
        let (width, height) = percent.reduced_size(frame.width(), frame.height());
        if width == 0 || height == 0 {
            return Err(ResizeError::NothingLeft { shape: frame.shape(), percent });
        }
        self.resize(frame, width, height, filter)
    }

    /// Resizes `frame` to exactly `width` × `height` pixels. A frame of that size already is shared, not copied.
    ///
    /// # Errors
    /// [`ResizeError::Unsupported`] for frames of other elements or of more channels than the type's description names;
    /// [`ResizeError::Size`] if a side is 0 or the result larger than memory can be.
    pub fn resize(
        &mut self,
        frame: &Frame,
        width: u32,
        height: u32,
        filter: Filter,
    ) -> Result<Frame, ResizeError> {
        let unsupported = || ResizeError::Unsupported {
            element_type: frame.element_type(),
            pixel_format: frame.pixel_format(),
            channels: frame.channels(),
        };
        let pixel_type = pixel_type(frame).ok_or_else(unsupported)?;
        let shape = Shape::new(height, width, frame.channels())?;
        let len = shape.byte_len(frame.element_type())?;
        if shape == frame.shape() {
            return Ok(frame.clone());
        }

        let input = native(frame.pixels(), frame.element_type(), &mut self.aligned_input);
        let source =
            ImageRef::new(frame.width(), frame.height(), input, pixel_type).map_err(|_| unsupported())?;

        // The elements of the result must be aligned; the buffer has room to begin where they are.
        let element_len = frame.element_type().byte_len();
        let mut buffer = self.pool.take(len + element_len - 1);
        buffer.resize(len + element_len - 1, 0);
        let start = buffer.as_ptr().align_offset(element_len).min(element_len - 1);
        let output = buffer.get_mut(start..start + len).ok_or_else(unsupported)?;
        let mut target =
            Image::from_slice_u8(width, height, output, pixel_type).map_err(|_| unsupported())?;
        let options = ResizeOptions::new().resize_alg(filter.algorithm()).use_alpha(false);
        self.resizer.resize(&source, &mut target, &options).map_err(|_| unsupported())?;
        drop(target);

        let pixels = finish(&mut self.pool, buffer, start, len, element_len);
        Frame::new(pixels, shape, frame.element_type(), frame.pixel_format()).map_err(|_| unsupported())
    }
}

/// The library's name for the pixels of the frame.
fn pixel_type(frame: &Frame) -> Option<PixelType> {
    use ElementType::{F32, U8, U16};
    Some(match (frame.element_type(), frame.channels()) {
        (U8, 1) => PixelType::U8,
        (U8, 2) => PixelType::U8x2,
        (U8, 3) => PixelType::U8x3,
        (U8, 4) => PixelType::U8x4,
        (U16, 1) => PixelType::U16,
        (U16, 2) => PixelType::U16x2,
        (U16, 3) => PixelType::U16x3,
        (U16, 4) => PixelType::U16x4,
        (F32, 1) => PixelType::F32,
        (F32, 2) => PixelType::F32x2,
        (F32, 3) => PixelType::F32x3,
        (F32, 4) => PixelType::F32x4,
        _ => return None,
    })
}

/// The pixels as this machine wants them, aligned and in its byte order: themselves where they are so already, else a copy
/// in `scratch`. A frame off the wire may begin at any address.
fn native<'a>(pixels: &'a Bytes, element_type: ElementType, scratch: &'a mut Vec<u8>) -> &'a [u8] {
    let element_len = element_type.byte_len();
    let is_native = cfg!(target_endian = "little") || element_len == 1;
    if is_native && pixels.as_ptr().align_offset(element_len) == 0 {
        return pixels;
    }
    scratch.resize(pixels.len() + element_len - 1, 0);
    let start = scratch.as_ptr().align_offset(element_len).min(element_len - 1);
    let Some(copy) = scratch.get_mut(start..start + pixels.len()) else { return pixels };
    copy.copy_from_slice(pixels);
    if !is_native {
        reverse_elements(copy, element_len);
    }
    copy
}

/// The bytes from `start` on, little-endian, shareable and remembered by the pool.
fn finish(
    pool: &mut BufferPool,
    mut buffer: BytesMut,
    start: usize,
    len: usize,
    element_len: usize,
) -> Bytes {
    if cfg!(target_endian = "big") && element_len > 1 {
        reverse_elements(buffer.get_mut(start..start + len).unwrap_or_default(), element_len);
    }
    pool.freeze(buffer).slice(start..start + len)
}

fn reverse_elements(bytes: &mut [u8], element_len: usize) {
    for element in bytes.chunks_exact_mut(element_len) {
        element.reverse();
    }
}

/// Why a frame cannot be resized.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ResizeError {
    /// The elements or the number of channels are of no kind that can be resized.
    #[error(
        "frames of {channels} {element_type} channels ({pixel_format}) cannot be resized; \
         use 1 to 4 channels of u8, u16 or f32"
    )]
    Unsupported {
        /// The elements of the frame.
        element_type: ElementType,
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The channels of the frame.
        channels: u16,
    },
    /// A side of the result would be 0.
    #[error("a frame of {shape} reduced by {percent} has no pixels left; reduce it by less")]
    NothingLeft {
        /// The shape of the original.
        shape: Shape,
        /// The reduction asked for.
        percent: Percent,
    },
    /// The size asked for is impossible.
    #[error(transparent)]
    Size(#[from] netgear_proto::ShapeError),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame whose channel `c` is a slope from left to right, plus `c` steps.
    fn slope(width: u32, height: u32, channels: u16, element_type: ElementType) -> Frame {
        let mut pixels = Vec::new();
        for _ in 0..height {
            for x in 0..width {
                for channel in 0..u32::from(channels) {
                    let value = x * 100 / width + 20 * channel;
                    match element_type {
                        ElementType::U8 => pixels.push(value as u8),
                        ElementType::U16 => pixels.extend((value as u16 * 256).to_le_bytes()),
                        _ => pixels.extend((value as f32 / 256.0).to_le_bytes()),
                    }
                }
            }
        }
        let shape = Shape::new(height, width, channels).unwrap();
        Frame::new(pixels, shape, element_type, PixelFormat::from_channels(channels)).unwrap()
    }

    /// The elements as levels of 0 to 255.
    fn levels(frame: &Frame) -> Vec<f32> {
        let pixels = frame.pixels();
        match frame.element_type() {
            ElementType::U8 => pixels.iter().map(|&byte| f32::from(byte)).collect(),
            ElementType::U16 => pixels
                .chunks_exact(2)
                .map(|bytes| f32::from(u16::from_le_bytes([bytes[0], bytes[1]])) / 256.0)
                .collect(),
            _ => pixels
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) * 256.0)
                .collect(),
        }
    }

    #[test]
    fn every_kind_of_pixel_keeps_its_values_under_every_filter() {
        let percent = Percent::new(30.0).unwrap();
        let mut resizer = Resizer::new();
        for element_type in [ElementType::U8, ElementType::U16, ElementType::F32] {
            for channels in 1..=4 {
                let frame = slope(160, 80, channels, element_type);
                for filter in Filter::ALL {
                    let smaller = resizer.reduce(&frame, percent, filter).unwrap();
                    assert_eq!(smaller.shape(), Shape::new(56, 112, channels).unwrap());
                    assert_eq!(smaller.pixel_format(), frame.pixel_format());
                    // Away from the rims a slope stays a slope, whatever the kernel.
                    let row = 30 * 112 * usize::from(channels);
                    let levels = levels(&smaller);
                    for x in 8..104 {
                        for channel in 0..usize::from(channels) {
                            let found = levels[row + x * usize::from(channels) + channel];
                            let expected = (x as f32 + 0.5) / 0.7 * 100.0 / 160.0 + 20.0 * channel as f32;
                            assert!(
                                (found - expected).abs() < 2.0,
                                "{filter} {element_type} x {x} channel {channel}: {found} for {expected}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn opacity_does_not_weigh_the_colours() {
        // Left half: white and transparent; right half: black and opaque.
        let mut pixels = Vec::new();
        for x in 0..8 {
            pixels.extend(if x < 4 { [255, 255, 255, 0] } else { [0, 0, 0, 255] });
        }
        let shape = Shape::new(1, 8, 4).unwrap();
        let frame = Frame::new(pixels, shape, ElementType::U8, PixelFormat::Bgra).unwrap();
        let single = Resizer::new().resize(&frame, 1, 1, Filter::Area).unwrap();
        for &level in single.pixels() {
            assert!((127..=128).contains(&level), "{:?}", single.pixels());
        }
    }

    #[test]
    fn a_misaligned_frame_gives_the_same_pixels() {
        for element_type in [ElementType::U16, ElementType::F32] {
            let frame = slope(64, 32, 3, element_type);
            let expected = Resizer::new().resize(&frame, 40, 20, Filter::Cubic).unwrap();
            for offset in 1..4 {
                let mut shifted = vec![0xff; offset];
                shifted.extend_from_slice(frame.pixels());
                let pixels = Bytes::from(shifted).slice(offset..);
                let frame = Frame::new(pixels, frame.shape(), element_type, PixelFormat::Bgr).unwrap();
                let found = Resizer::new().resize(&frame, 40, 20, Filter::Cubic).unwrap();
                assert_eq!(found.pixels(), expected.pixels());
            }
        }
    }

    #[test]
    fn the_same_memory_serves_frame_after_frame() {
        let frame = slope(640, 480, 3, ElementType::U8);
        let mut resizer = Resizer::new();
        let first = resizer.resize(&frame, 320, 240, Filter::Linear).unwrap();
        let address = first.pixels().as_ptr();
        drop(first);
        for _ in 0..10 {
            let next = resizer.resize(&frame, 320, 240, Filter::Linear).unwrap();
            assert_eq!(next.pixels().as_ptr(), address);
        }
    }

    #[test]
    fn what_cannot_be_resized_is_an_error() {
        let shape = Shape::new(4, 4, 5).unwrap();
        let five = Frame::new(vec![0; 80], shape, ElementType::U8, PixelFormat::Unspecified).unwrap();
        let mut resizer = Resizer::new();
        assert!(matches!(
            resizer.resize(&five, 2, 2, Filter::Area),
            Err(ResizeError::Unsupported { channels: 5, .. })
        ));
        let shape = Shape::new(4, 4, 1).unwrap();
        let double = Frame::new(vec![0; 128], shape, ElementType::F64, PixelFormat::Gray).unwrap();
        assert!(matches!(resizer.resize(&double, 2, 2, Filter::Area), Err(ResizeError::Unsupported { .. })));
        let frame = slope(4, 4, 1, ElementType::U8);
        assert!(matches!(resizer.resize(&frame, 0, 2, Filter::Area), Err(ResizeError::Size(_))));
        let percent = Percent::new(80.0).unwrap();
        assert!(matches!(
            resizer.reduce(&frame, percent, Filter::Area),
            Err(ResizeError::NothingLeft { .. })
        ));
    }
}
