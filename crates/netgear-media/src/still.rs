use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};
use netgear_proto::{ChromaSubsampling, ElementType, Frame, JpegQuality, PixelFormat};

use crate::contained::contained;
use crate::jpeg::{JpegEncodeError, JpegEncoder, JpegOptions};

/// The quality of the JPEG pictures that [`save_picture`] writes, of 1 to 100: hardly to be told from the original.
/// Each pixel keeps its own colour (4:4:4).
pub const JPEG_QUALITY: u8 = 90;

/// Writes the frame to a file, as PNG or JPEG by the ending of its name: `.png`, `.jpg`, `.jpeg`.
///
/// ```no_run
/// # let frame = netgear_proto::Frame::gray8(1, 1, vec![0])?;
/// netgear_media::save_picture(&frame, "snapshot.png")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As [`write_png`] and [`write_jpeg`]; [`PictureError::UnknownFormat`] for any other ending. A file that could not
/// be finished is left as it is.
pub fn save_picture(frame: &Frame, path: impl AsRef<Path>) -> Result<(), PictureError> {
    let path = path.as_ref();
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    let is_png = match ending.as_deref() {
        Some("png") => true,
        Some("jpg" | "jpeg") => false,
        _ => return Err(PictureError::UnknownFormat { path: path.to_owned() }),
    };
    // What cannot be written must not leave an empty file, nor empty one that is there.
    let picture =
        if is_png { Encoded::Png(Picture::new(frame)?) } else { Encoded::Jpeg(jpeg(frame, JPEG_QUALITY)?) };
    let at_path = |source| PictureError::Io { path: path.to_owned(), source };
    let mut file = BufWriter::new(File::create(path).map_err(at_path)?);
    let written = match picture {
        Encoded::Png(picture) => picture.write_png(&mut file, PngSpeed::Small),
        Encoded::Jpeg(bytes) => file.write_all(&bytes).map_err(PictureError::Write),
    };
    match written.and_then(|()| file.flush().map_err(PictureError::Write)) {
        Err(PictureError::Write(source)) => Err(at_path(source)),
        written => written,
    }
}

/// Writes the frame as PNG: gray, BGR, RGB, BGRA or RGBA, of 8 or 16 bits.
///
/// # Errors
/// [`PictureError::Unsupported`] for other elements and for unspecified pixel formats; [`PictureError::Write`].
pub fn write_png(frame: &Frame, to: impl Write) -> Result<(), PictureError> {
    Picture::new(frame)?.write_png(to, PngSpeed::Small)
}

/// Writes the frame as JPEG of a quality of 1 to 100 (others count as the nearest of these): gray, BGR, RGB, BGRA or
/// RGBA of 8 bits. JPEG has no opacity, so that is left out.
///
/// # Errors
/// [`PictureError::Unsupported`] for other elements and for unspecified pixel formats, [`PictureError::TooLarge`] for
/// sides of more than 65,535 pixels; [`PictureError::Write`].
pub fn write_jpeg(frame: &Frame, quality: u8, mut to: impl Write) -> Result<(), PictureError> {
    to.write_all(&jpeg(frame, quality)?).map_err(PictureError::Write)
}

/// What is written to a file, once it is there.
enum Encoded {
    Png(Picture),
    Jpeg(Vec<u8>),
}

fn jpeg(frame: &Frame, quality: u8) -> Result<Vec<u8>, PictureError> {
    let quality = JpegQuality::new(quality.clamp(1, 100)).unwrap_or_default();
    let options = JpegOptions::new().with_quality(quality).with_subsampling(ChromaSubsampling::Full);
    let mut bytes = Vec::new();
    JpegEncoder::new(options).encode_into(frame, &mut bytes).map_err(picture_error)?;
    Ok(bytes)
}

/// What a JPEG that cannot be made is to whoever wants a picture.
pub(crate) fn picture_error(error: JpegEncodeError) -> PictureError {
    match error {
        JpegEncodeError::Unsupported { pixel_format, element_type } => {
            PictureError::Unsupported { pixel_format, element_type, format: "JPEG" }
        }
        JpegEncodeError::TooLarge { width, height } => PictureError::TooLarge { width, height },
        JpegEncodeError::Encoder { reason } => PictureError::Encoder { reason },
    }
}

/// What matters more in a PNG.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PngSpeed {
    Small,
    #[cfg_attr(not(feature = "video"), expect(dead_code, reason = "only the recorder is in a hurry"))]
    Fast,
}

/// Pixels in the order in which picture files have them.
pub(crate) struct Picture {
    pixels: Bytes,
    width: u32,
    height: u32,
    colour: ExtendedColorType,
}

impl Picture {
    pub(crate) fn new(frame: &Frame) -> Result<Self, PictureError> {
        use ElementType::{U8, U16};
        use ExtendedColorType::{L8, L16, Rgb8, Rgb16, Rgba8, Rgba16};
        use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};

        let colour = match (frame.pixel_format(), frame.element_type()) {
            (Gray, U8) => L8,
            (Gray, U16) => L16,
            (Bgr | Rgb, U8) => Rgb8,
            (Bgr | Rgb, U16) => Rgb16,
            (Bgra | Rgba, U8) => Rgba8,
            (Bgra | Rgba, U16) => Rgba16,
            (pixel_format, element_type) => {
                return Err(PictureError::Unsupported { pixel_format, element_type, format: "PNG" });
            }
        };
        let mut pixels = frame.pixels().clone();
        if matches!(frame.pixel_format(), Bgr | Bgra) {
            pixels = blue_red_swapped(&pixels, frame.channels().into(), frame.element_type().byte_len());
        }
        if cfg!(target_endian = "big") && frame.element_type() == U16 {
            pixels = pixels.chunks_exact(2).flat_map(|bytes| bytes.iter().rev().copied()).collect();
        }
        Ok(Self { pixels, width: frame.width(), height: frame.height(), colour })
    }

    pub(crate) fn write_png(&self, to: impl Write, speed: PngSpeed) -> Result<(), PictureError> {
        let (compression, filter) = match speed {
            PngSpeed::Small => (CompressionType::Default, FilterType::Adaptive),
            PngSpeed::Fast => (CompressionType::Fast, FilterType::Up),
        };
        let encoder = PngEncoder::new_with_quality(to, compression, filter);
        match contained(|| encoder.write_image(&self.pixels, self.width, self.height, self.colour)) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(ImageError::IoError(error))) => Err(PictureError::Write(error)),
            Ok(Err(error)) => Err(PictureError::Encoder { reason: error.to_string() }),
            Err(panic) => Err(PictureError::Encoder { reason: panic }),
        }
    }
}

/// BGR as RGB, BGRA as RGBA.
fn blue_red_swapped(pixels: &[u8], channels: usize, element_len: usize) -> Bytes {
    let mut swapped = pixels.to_vec();
    for pixel in swapped.chunks_exact_mut(channels * element_len) {
        let (first, rest) = pixel.split_at_mut(2 * element_len);
        first[..element_len].swap_with_slice(&mut rest[..element_len]);
    }
    swapped.into()
}

/// Why a frame was not written as a picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The ending of the file's name is of no format that can be written.
    #[error("`{}` does not say which kind of picture to write; end it in .png, .jpg or .jpeg", path.display())]
    UnknownFormat {
        /// The file.
        path: PathBuf,
    },
    /// The format has no such pixels.
    #[error(
        "{format} has no {pixel_format} pixels of {element_type} elements; \
         use gray, BGR, RGB, BGRA or RGBA of u8, or of u16 for PNG"
    )]
    Unsupported {
        /// The pixel format of the frame.
        pixel_format: PixelFormat,
        /// The elements of the frame.
        element_type: ElementType,
        /// The format that has no such pixels.
        format: &'static str,
    },
    /// A side is longer than JPEG allows.
    #[error("a JPEG picture cannot have {width}×{height} pixels; write PNG, or sides of no more than 65535")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The encoder gave up or panicked, which no frame should make it do.
    #[error("the encoder failed on a picture: {reason}; this is a fault of its own, please report it")]
    Encoder {
        /// What it says.
        reason: String,
    },
    /// The bytes cannot be written.
    #[error("cannot write the picture: {0}")]
    Write(#[source] io::Error),
}

#[cfg(test)]
mod tests {
    use netgear_proto::Shape;

    use super::*;

    fn frame(pixels: Vec<u8>, element_type: ElementType, pixel_format: PixelFormat) -> Frame {
        let shape = Shape::new(1, 2, pixel_format.channels().unwrap_or(1)).unwrap();
        Frame::new(pixels, shape, element_type, pixel_format).unwrap()
    }

    #[test]
    fn png_keeps_every_kind_of_pixel() {
        use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};
        for (format, order) in [
            (Gray, &[0][..]),
            (Bgr, &[2, 1, 0]),
            (Rgb, &[0, 1, 2]),
            (Bgra, &[2, 1, 0, 3]),
            (Rgba, &[0, 1, 2, 3]),
        ] {
            let channels = order.len();
            let levels: Vec<u16> = (0..2 * channels as u16).map(|level| 1000 + level * 300).collect();
            let expected: Vec<u16> =
                levels.chunks(channels).flat_map(|pixel| order.iter().map(|&at| pixel[at])).collect();

            let pixels = levels.iter().flat_map(|level| level.to_le_bytes()).collect();
            let mut png = Vec::new();
            write_png(&frame(pixels, ElementType::U16, format), &mut png).unwrap();
            let found = image::load_from_memory(&png).unwrap();
            let found = match channels {
                1 => found.as_luma16().unwrap().as_raw(),
                3 => found.as_rgb16().unwrap().as_raw(),
                _ => found.as_rgba16().unwrap().as_raw(),
            };
            assert_eq!(*found, expected, "{format}");

            let pixels = levels.iter().map(|level| *level as u8).collect();
            let mut png = Vec::new();
            write_png(&frame(pixels, ElementType::U8, format), &mut png).unwrap();
            let found = image::load_from_memory(&png).unwrap().into_bytes();
            assert_eq!(found, expected.iter().map(|level| *level as u8).collect::<Vec<_>>(), "{format}");
        }
    }

    #[test]
    fn jpeg_has_the_colours_in_their_places() {
        for (format, pixel) in
            [(PixelFormat::Bgr, &[10, 20, 240][..]), (PixelFormat::Rgba, &[240, 20, 10, 0])]
        {
            let shape = Shape::new(16, 16, pixel.len() as u16).unwrap();
            let frame = Frame::new(pixel.repeat(256), shape, ElementType::U8, format).unwrap();
            let mut jpeg = Vec::new();
            write_jpeg(&frame, 95, &mut jpeg).unwrap();
            let found = image::load_from_memory(&jpeg).unwrap().into_rgb8();
            for (found, expected) in found.get_pixel(8, 8).0.into_iter().zip([240, 20, 10]) {
                assert!(found.abs_diff(expected) < 6, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn the_ending_tells_the_format_and_errors_leave_no_file() {
        let directory = tempfile::tempdir().unwrap();
        let gray = Frame::gray8(2, 1, vec![0, 255]).unwrap();
        for (name, start) in
            [("a.png", &b"\x89PNG"[..]), ("b.JPG", b"\xff\xd8\xff"), ("c.jpeg", b"\xff\xd8\xff")]
        {
            save_picture(&gray, directory.path().join(name)).unwrap();
            assert!(std::fs::read(directory.path().join(name)).unwrap().starts_with(start));
        }
        assert!(matches!(
            save_picture(&gray, directory.path().join("d.bmp")),
            Err(PictureError::UnknownFormat { .. })
        ));
        let float = frame(vec![0; 8], ElementType::F32, PixelFormat::Gray);
        let path = directory.path().join("e.png");
        assert!(matches!(save_picture(&float, &path), Err(PictureError::Unsupported { .. })));
        let deep = frame(vec![0; 4], ElementType::U16, PixelFormat::Gray);
        let jpeg = directory.path().join("f.jpg");
        assert!(matches!(save_picture(&deep, &jpeg), Err(PictureError::Unsupported { format: "JPEG", .. })));
        assert!(!path.exists() && !jpeg.exists());
        assert!(matches!(save_picture(&gray, "/no/such/directory/g.png"), Err(PictureError::Io { .. })));
    }
}
