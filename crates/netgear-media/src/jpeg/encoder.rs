use bytes::Bytes;
use netgear_proto::{BufferPool, ChromaSubsampling, ElementType, Frame, JpegQuality, PixelFormat};
use rusty_jpeg::{ColorType, SamplingFactor};

use crate::contained::contained;

/// Which kind of JPEG pictures a [`JpegEncoder`] makes.
///
/// ```
/// use netgear_media::JpegOptions;
/// use netgear_media::proto::{ChromaSubsampling, JpegQuality};
///
/// let camera = JpegOptions::new();
/// assert_eq!((camera.quality().get(), camera.subsampling()), (80, ChromaSubsampling::Quarter));
/// let screen =
///     JpegOptions::new().with_quality(JpegQuality::new(90)?).with_subsampling(ChromaSubsampling::Full);
/// # let _ = screen;
/// # Ok::<(), netgear_media::proto::EncodingChoiceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct JpegOptions {
    quality: JpegQuality,
    subsampling: ChromaSubsampling,
}

impl JpegOptions {
    /// The defaults, which each method names.
    pub fn new() -> Self {
        Self::default()
    }

    /// How much of the picture is kept. Default: 80, at which a camera's picture takes about half the bytes that it
    /// takes at 92, and the loss is hard to see.
    #[must_use]
    pub const fn with_quality(mut self, quality: JpegQuality) -> Self {
        self.quality = quality;
        self
    }

    /// How much of its colour is kept. Default: [`ChromaSubsampling::Quarter`], as cameras have it;
    /// [`ChromaSubsampling::Full`] suits screens, drawings and text. Of gray pictures it says nothing.
    #[must_use]
    pub const fn with_subsampling(mut self, subsampling: ChromaSubsampling) -> Self {
        self.subsampling = subsampling;
        self
    }

    /// How much of the picture is kept.
    pub const fn quality(&self) -> JpegQuality {
        self.quality
    }

    /// How much of its colour is kept.
    pub const fn subsampling(&self) -> ChromaSubsampling {
        self.subsampling
    }
}

/// Encodes frames as JPEG pictures (ITU-T T.81, baseline, in a JFIF file), one after another in the same memory.
///
/// It takes 8-bit gray, BGR, RGB, BGRA and RGBA frames of up to 65,535 pixels a side. JPEG has no opacity, so that is
/// left out.
///
/// ```
/// use netgear_media::{JpegEncoder, JpegOptions};
/// use netgear_media::proto::Frame;
///
/// let mut encoder = JpegEncoder::new(JpegOptions::new());
/// let frame = Frame::bgr8(64, 48, vec![90; 64 * 48 * 3])?;
/// let jpeg = encoder.encode(&frame)?;
/// assert!(jpeg.starts_with(b"\xff\xd8\xff") && jpeg.len() < 1000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct JpegEncoder {
    options: JpegOptions,
    /// The picture that is being written; it keeps the size of the largest.
    picture: Vec<u8>,
    pool: BufferPool,
}

impl JpegEncoder {
    /// The longest side that a JPEG picture can have.
    pub const MAX_SIDE: u32 = 65_535;

    /// An encoder of such pictures.
    pub fn new(options: JpegOptions) -> Self {
        Self { options, picture: Vec::new(), pool: BufferPool::default() }
    }

    /// What it makes.
    pub const fn options(&self) -> JpegOptions {
        self.options
    }

    /// Makes other pictures from now on.
    pub const fn set_options(&mut self, options: JpegOptions) {
        self.options = options;
    }

    /// The frame as a JPEG picture, in memory that is used again once it is let go.
    ///
    /// # Errors
    /// [`JpegEncodeError`] if a JPEG cannot have such pixels or so many.
    pub fn encode(&mut self, frame: &Frame) -> Result<Bytes, JpegEncodeError> {
        let mut picture = std::mem::take(&mut self.picture);
        picture.clear();
        let encoded = self.encode_into(frame, &mut picture).map(|()| {
            let mut buffer = self.pool.take(picture.len());
            buffer.extend_from_slice(&picture);
            self.pool.freeze(buffer)
        });
        self.picture = picture;
        encoded
    }

    /// Appends the frame to these bytes, as a JPEG picture. Of one that fails nothing stays behind.
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn encode_into(&self, frame: &Frame, bytes: &mut Vec<u8>) -> Result<(), JpegEncodeError> {
        let (colour, width, height) = Self::picture_of(frame)?;
        let start = bytes.len();
        let mut encoder = rusty_jpeg::Encoder::new(&mut *bytes, self.options.quality.get());
        encoder.set_sampling_factor(match self.options.subsampling {
            ChromaSubsampling::Full => SamplingFactor::R_4_4_4,
            ChromaSubsampling::Half => SamplingFactor::R_4_2_2,
            ChromaSubsampling::Quarter => SamplingFactor::R_4_2_0,
        });
        let encoded = contained(|| encoder.encode(frame.pixels(), width, height, colour));
        let reason = match encoded {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => error.to_string(),
            Err(panic) => panic,
        };
        bytes.truncate(start);
        Err(JpegEncodeError::Encoder { reason })
    }

    /// Whether a JPEG can have such pixels, and so many.
    ///
    /// # Errors
    /// [`JpegEncodeError::Unsupported`] and [`JpegEncodeError::TooLarge`].
    pub fn check(frame: &Frame) -> Result<(), JpegEncodeError> {
        Self::picture_of(frame).map(drop)
    }

    fn picture_of(frame: &Frame) -> Result<(ColorType, u16, u16), JpegEncodeError> {
        let colour = match (frame.element_type(), frame.pixel_format()) {
            (ElementType::U8, PixelFormat::Gray) => ColorType::Luma,
            (ElementType::U8, PixelFormat::Bgr) => ColorType::Bgr,
            (ElementType::U8, PixelFormat::Rgb) => ColorType::Rgb,
            (ElementType::U8, PixelFormat::Bgra) => ColorType::Bgra,
            (ElementType::U8, PixelFormat::Rgba) => ColorType::Rgba,
            (element_type, pixel_format) => {
                return Err(JpegEncodeError::Unsupported { pixel_format, element_type });
            }
        };
        let (width, height) = (frame.width(), frame.height());
        match (u16::try_from(width), u16::try_from(height)) {
            (Ok(width), Ok(height)) => Ok((colour, width, height)),
            _ => Err(JpegEncodeError::TooLarge { width, height }),
        }
    }
}

/// One with the default options.
impl Default for JpegEncoder {
    fn default() -> Self {
        Self::new(JpegOptions::default())
    }
}

/// Why a frame was not encoded as JPEG.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JpegEncodeError {
    /// JPEG has no such pixels.
    #[error(
        "JPEG has no {pixel_format} pixels of {element_type} elements; use gray, BGR, RGB, BGRA or RGBA of u8"
    )]
    Unsupported {
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The elements of the frame.
        element_type: ElementType,
    },
    /// A side is longer than JPEG allows.
    #[error("a JPEG picture cannot have {width}×{height} pixels; use sides of no more than 65535")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The encoder gave up or panicked, which no frame should make it do.
    #[error("the JPEG encoder failed: {reason}; this is a fault of its own, please report it")]
    Encoder {
        /// What it says.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use netgear_proto::Shape;

    use super::*;
    use crate::contained::failing;
    use crate::jpeg::soft_colours::level;

    const KINDS: [PixelFormat; 5] =
        [PixelFormat::Gray, PixelFormat::Bgr, PixelFormat::Rgb, PixelFormat::Bgra, PixelFormat::Rgba];
    const SUBSAMPLINGS: [ChromaSubsampling; 3] =
        [ChromaSubsampling::Full, ChromaSubsampling::Half, ChromaSubsampling::Quarter];

    fn frame(width: u32, height: u32, format: PixelFormat) -> Frame {
        let mut pixels = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let [red, green, blue] = [0, 1, 2].map(|colour| level(x, y, colour));
                match format {
                    PixelFormat::Gray => pixels.push(red),
                    PixelFormat::Bgr => pixels.extend([blue, green, red]),
                    PixelFormat::Rgb => pixels.extend([red, green, blue]),
                    PixelFormat::Bgra => pixels.extend([blue, green, red, x as u8]),
                    _ => pixels.extend([red, green, blue, y as u8]),
                }
            }
        }
        let shape = Shape::new(height, width, format.channels().unwrap()).unwrap();
        Frame::new(pixels, shape, ElementType::U8, format).unwrap()
    }

    fn options(quality: u8, subsampling: ChromaSubsampling) -> JpegOptions {
        JpegOptions::new().with_quality(JpegQuality::new(quality).unwrap()).with_subsampling(subsampling)
    }

    /// What a decoder of somebody else's makes of it, as red, green and blue.
    fn decoded(jpeg: &[u8]) -> image::RgbImage {
        image::load_from_memory_with_format(jpeg, image::ImageFormat::Jpeg).unwrap().into_rgb8()
    }

    /// Of the colours that are there, in decibels.
    fn psnr(found: &image::RgbImage, gray: bool) -> f64 {
        let mut sum = 0.0;
        for (x, y, pixel) in found.enumerate_pixels() {
            for colour in 0..3 {
                let expected = level(x, y, if gray { 0 } else { colour });
                sum += f64::from(pixel.0[colour as usize].abs_diff(expected)).powi(2);
            }
        }
        10.0 * (255.0 * 255.0 * found.len() as f64 / sum.max(1.0)).log10()
    }

    #[test]
    fn every_kind_of_picture_comes_out_near_to_what_it_was() {
        for format in KINDS {
            for subsampling in SUBSAMPLINGS {
                for (quality, least) in [(50, 28.0), (80, 30.0), (95, 33.0)] {
                    let mut encoder = JpegEncoder::new(options(quality, subsampling));
                    let jpeg = encoder.encode(&frame(130, 75, format)).unwrap();
                    let found = decoded(&jpeg);
                    assert_eq!(found.dimensions(), (130, 75));
                    let psnr = psnr(&found, format == PixelFormat::Gray);
                    assert!(psnr > least, "{format} {subsampling} {quality}: {psnr:.1} dB");
                }
            }
        }
    }

    #[test]
    fn the_subsampling_is_as_asked_for_and_gray_has_one_component() {
        for (subsampling, sampling) in SUBSAMPLINGS.into_iter().zip([0x11, 0x21, 0x22]) {
            let encoder = JpegEncoder::new(options(80, subsampling));
            for format in KINDS {
                let mut jpeg = Vec::new();
                encoder.encode_into(&frame(20, 20, format), &mut jpeg).unwrap();
                let at = jpeg.windows(2).position(|next| next == [0xff, 0xc0]).unwrap();
                let found = (jpeg[at + 9], jpeg[at + 11]);
                let expected = if format == PixelFormat::Gray { (1, 0x11) } else { (3, sampling) };
                assert_eq!(found, expected, "{format} {subsampling}");
            }
        }
    }

    #[test]
    fn sides_that_are_no_multiple_of_a_block_are_whole() {
        for (width, height) in [(1, 1), (1, 70), (70, 1), (7, 9), (8, 8), (15, 17), (16, 16), (33, 31)] {
            for format in KINDS {
                for subsampling in SUBSAMPLINGS {
                    let jpeg =
                        JpegEncoder::new(options(95, subsampling)).encode(&frame(width, height, format));
                    let found = decoded(&jpeg.unwrap());
                    assert_eq!(found.dimensions(), (width, height));
                    let psnr = psnr(&found, format == PixelFormat::Gray);
                    assert!(psnr > 28.0, "{width}×{height} {format} {subsampling}: {psnr:.1} dB");
                }
            }
        }
    }

    #[test]
    fn better_quality_is_nearer_and_takes_more_bytes() {
        let frame = frame(128, 96, PixelFormat::Bgr);
        let mut last = (0, 0.0);
        for quality in [5, 30, 60, 80, 90, 100] {
            let jpeg = JpegEncoder::new(options(quality, ChromaSubsampling::Full)).encode(&frame).unwrap();
            let next = (jpeg.len(), psnr(&decoded(&jpeg), false));
            assert!(next > last && next.1 > last.1, "{quality}: {next:?} after {last:?}");
            last = next;
        }
    }

    #[test]
    fn a_picture_is_appended_and_the_same_each_time() {
        let frame = frame(40, 30, PixelFormat::Bgr);
        let mut encoder = JpegEncoder::default();
        let first = encoder.encode(&frame).unwrap();
        let mut bytes = b"before".to_vec();
        encoder.encode_into(&frame, &mut bytes).unwrap();
        assert_eq!(bytes, [b"before", &first[..]].concat());
        assert_eq!(encoder.encode(&frame).unwrap(), first);
        encoder.set_options(options(20, ChromaSubsampling::Full));
        assert_ne!(encoder.encode(&frame).unwrap(), first);
    }

    #[test]
    fn a_large_picture_takes_the_memory_of_the_last_again() {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let pixels: Vec<u8> = (0..400 * 300 * 3).map(|_| noise()).collect();
        let frame = Frame::bgr8(400, 300, pixels).unwrap();
        let mut encoder = JpegEncoder::default();
        let address = encoder.encode(&frame).unwrap().as_ptr();
        for _ in 0..3 {
            let held = encoder.encode(&frame).unwrap();
            assert_eq!(held.as_ptr(), address);
        }
    }

    #[test]
    fn an_encoder_that_panics_has_failed_on_this_picture_and_leaves_nothing_behind() {
        let frame = frame(40, 30, PixelFormat::Bgr);
        let mut encoder = JpegEncoder::default();
        let mut bytes = b"before".to_vec();
        let failed = failing::libraries(|| encoder.encode_into(&frame, &mut bytes));
        assert!(
            matches!(&failed, Err(JpegEncodeError::Encoder { reason }) if reason.contains("the test")),
            "{failed:?}"
        );
        assert_eq!(bytes, b"before");
        assert!(failing::libraries(|| encoder.encode(&frame)).is_err());
        assert!(encoder.encode(&frame).is_ok());
    }

    #[test]
    fn what_a_jpeg_cannot_have_is_said_and_leaves_nothing_behind() {
        let encoder = JpegEncoder::default();
        let mut bytes = b"before".to_vec();
        let kinds = [(ElementType::U16, PixelFormat::Bgr), (ElementType::U8, PixelFormat::Unspecified)];
        for (element_type, pixel_format) in kinds {
            let pixels = vec![0; 3 * element_type.byte_len()];
            let shape = Shape::new(1, 1, 3).unwrap();
            let frame = Frame::new(pixels, shape, element_type, pixel_format).unwrap();
            let refused = encoder.encode_into(&frame, &mut bytes);
            assert_eq!(refused, Err(JpegEncodeError::Unsupported { pixel_format, element_type }));
        }
        let frame = Frame::gray8(65_536, 1, vec![0; 65_536]).unwrap();
        let refused = encoder.encode_into(&frame, &mut bytes);
        assert_eq!(refused, Err(JpegEncodeError::TooLarge { width: 65_536, height: 1 }));
        assert_eq!(bytes, b"before");
        let frame = Frame::gray8(65_535, 1, vec![0; 65_535]).unwrap();
        encoder.encode_into(&frame, &mut bytes).unwrap();
    }
}
