//! One JPEG picture to a frame: to BGR, as the pictures of webcams and of Motion JPEG files become, or to the kind
//! that an encoded frame promises.

#[cfg(feature = "video")]
use bytes::BytesMut;
use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat, Shape};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

#[cfg(feature = "video")]
use crate::contained::contained;

/// Decodes JPEG pictures, one after another, into the same memory once a frame is let go.
///
/// A picture without Huffman tables, as webcams and AVI files have them to save 420 bytes a frame, is decoded with
/// the standard ones (ITU-T T.81, annex K.3).
#[derive(Debug, Default)]
pub(crate) struct JpegDecoder {
    #[cfg(feature = "video")]
    max_frame_bytes: usize,
    pool: BufferPool,
    /// The picture, as it is given to the decoder.
    whole: Vec<u8>,
    /// The samples of a gray picture.
    #[cfg(feature = "video")]
    gray: Vec<u8>,
    /// A row with red where blue is to be.
    row: Vec<u8>,
}

/// Why a JPEG picture cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JpegError {
    /// The bytes that a JPEG begins with are not there.
    #[error("it is no JPEG picture")]
    NotJpeg,
    /// The bytes end too early, or make no picture.
    #[error("the JPEG picture is damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// It would be larger than is allowed.
    #[cfg(feature = "video")]
    #[error("the JPEG picture has {width}×{height} pixels, more than {max_frame_bytes} bytes")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_frame_bytes: usize,
    },
    /// It is not the picture that was promised.
    #[error("the JPEG picture {found}, and not what was promised")]
    Other {
        /// What it has or is instead.
        found: String,
    },
}

impl JpegDecoder {
    /// The longest side of a picture. Beyond it the decoder's arithmetic is not checked.
    pub(crate) const MAX_SIDE: usize = 1 << 14;
    /// The most passes over a progressive picture, which a few bytes can ask for.
    const MAX_SCANS: usize = 64;

    /// A decoder that refuses pictures of more bytes than these, before it takes memory for one.
    #[cfg(feature = "video")]
    pub(crate) fn new(max_frame_bytes: usize) -> Self {
        let pool = BufferPool::default();
        Self { max_frame_bytes, pool, whole: Vec::new(), gray: Vec::new(), row: Vec::new() }
    }

    /// The picture in these bytes, which may have others before and after it, in 8-bit BGR. A gray one becomes BGR
    /// too.
    #[cfg(feature = "video")]
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Result<Frame, JpegError> {
        let decoded = contained(|| self.decode_picture(bytes));
        decoded.unwrap_or_else(|panic| Err(JpegError::damaged(format!("its decoder failed on it: {panic}"))))
    }

    #[cfg(feature = "video")]
    fn decode_picture(&mut self, bytes: &[u8]) -> Result<Frame, JpegError> {
        self.complete(bytes)?;
        let mut picture = Picture::open(&self.whole, ColorSpace::RGB)?;
        let (width, height, pixels) = (picture.width, picture.height, picture.pixels());
        let len = pixels.saturating_mul(3);
        if len > self.max_frame_bytes {
            let max_frame_bytes = self.max_frame_bytes;
            return Err(JpegError::TooLarge { width, height, max_frame_bytes });
        }
        let mut bgr = self.pool.take_filled(len);
        if picture.colours == ColorSpace::Luma {
            self.gray.resize(pixels, 0);
            picture.decode(ColorSpace::Luma, &mut self.gray)?;
            spread(&self.gray, &mut bgr);
        } else {
            picture.decode(ColorSpace::RGB, &mut bgr)?;
            swap_red_and_blue(&mut bgr, width, 3, &mut self.row)?;
        }
        Frame::bgr8(width, height, self.pool.freeze(bgr))
            .map_err(|error| JpegError::damaged(error.to_string()))
    }

    /// The picture in these bytes, if it is one of this shape: baseline, in one scan, gray for a gray frame and in
    /// colours for others. Of any other nothing is decoded, and no memory is taken for it. No opacity comes with it,
    /// so all is opaque.
    pub(crate) fn decode_as(
        &mut self,
        bytes: &[u8],
        shape: Shape,
        pixel_format: PixelFormat,
    ) -> Result<Frame, JpegError> {
        let (colours, decoded, has_red_first) = match pixel_format {
            PixelFormat::Gray => (ColorSpace::Luma, ColorSpace::Luma, true),
            PixelFormat::Bgr => (ColorSpace::YCbCr, ColorSpace::RGB, false),
            PixelFormat::Rgb => (ColorSpace::YCbCr, ColorSpace::RGB, true),
            PixelFormat::Bgra => (ColorSpace::YCbCr, ColorSpace::RGBA, false),
            PixelFormat::Rgba => (ColorSpace::YCbCr, ColorSpace::RGBA, true),
            other => return Err(JpegError::other(format!("has no {other} pixels"))),
        };
        let kind = self.complete(bytes)?;
        // What is coded in several passes has to be kept whole until the last, in twice the bytes of the frame.
        if kind != Kind::BaselineInOneScan {
            return Err(JpegError::other("is not baseline in one scan"));
        }
        let mut picture = Picture::open(&self.whole, decoded)?;
        let (width, height) = (picture.width, picture.height);
        if (width, height) != (shape.width(), shape.height()) {
            return Err(JpegError::other(format!("has {width}×{height} pixels")));
        }
        if picture.colours != colours {
            return Err(JpegError::other(format!("has {:?} pixels", picture.colours)));
        }
        let channels = shape.channels();
        let mut pixels = self.pool.take_filled(picture.pixels() * usize::from(channels));
        picture.decode(decoded, &mut pixels)?;
        if !has_red_first {
            swap_red_and_blue(&mut pixels, width, channels.into(), &mut self.row)?;
        }
        Frame::new(self.pool.freeze(pixels), shape, ElementType::U8, pixel_format)
            .map_err(|error| JpegError::other(error.to_string()))
    }

    /// Puts together what the decoder needs: the tables and the picture, without what stands around them.
    fn complete(&mut self, bytes: &[u8]) -> Result<Kind, JpegError> {
        let start = bytes.windows(2).position(|next| next == [0xff, SOI]).ok_or(JpegError::NotJpeg)?;
        let mut rest = bytes.get(start + 2..).unwrap_or_default();
        self.whole.clear();
        self.whole.extend_from_slice(&[0xff, SOI]);
        let (mut has_huffman_tables, mut is_baseline) = (false, false);
        // Of each frame that starts, of which a picture has one.
        let mut components = Vec::new();
        loop {
            let marker = next_marker(&mut rest).ok_or_else(|| JpegError::damaged("it ends in its header"))?;
            match marker {
                SOS => break,
                EOI => return Err(JpegError::damaged("it ends before its picture")),
                // Markers without a length.
                TEM | RST0..=SOI => continue,
                _ => {}
            }
            let segment = segment(rest).ok_or_else(|| JpegError::damaged("it ends in its header"))?;
            // Comments, thumbnails and profiles say nothing of the pixels.
            if !matches!(marker, COM | APP0..=APP13 | APP15) {
                has_huffman_tables |= marker == DHT;
                is_baseline |= matches!(marker, SOF0 | SOF1);
                if is_start_of_frame(marker) {
                    components.push(segment.get(7).copied());
                }
                self.whole.extend_from_slice(&[0xff, marker]);
                self.whole.extend_from_slice(segment);
            }
            rest = rest.get(segment.len()..).unwrap_or_default();
        }
        if !has_huffman_tables {
            self.whole.extend_from_slice(STANDARD_TABLES);
        }
        self.whole.extend_from_slice(&[0xff, SOS]);
        if is_baseline {
            // At the marker of the end the decoder would stop in good order, however much of the picture is missing.
            // At the end of the bytes it does not, but looks there before it needs them: these are to be looked at.
            self.whole.extend_from_slice(scans(rest));
            self.whole.extend_from_slice(&[0; READ_AHEAD]);
        } else {
            self.whole.extend_from_slice(rest);
        }
        let of_scan = segment(rest).and_then(|scan| scan.get(2).copied());
        let is_one_scan = of_scan.is_some() && components == [of_scan];
        Ok(if is_baseline && is_one_scan { Kind::BaselineInOneScan } else { Kind::Other })
    }
}

/// What a picture takes to decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A few rows at a time.
    BaselineInOneScan,
    /// All of it at once.
    Other,
}

/// A picture whose header was read.
struct Picture<'a> {
    decoder: zune_jpeg::JpegDecoder<ZCursor<&'a Vec<u8>>>,
    width: u32,
    height: u32,
    /// As they are coded.
    colours: ColorSpace,
}

impl<'a> Picture<'a> {
    /// The conversion of colours is chosen when the header is read: `decoded` is what they are to become, where there
    /// are any.
    fn open(whole: &'a Vec<u8>, decoded: ColorSpace) -> Result<Self, JpegError> {
        let options = Self::options().jpeg_set_out_colorspace(decoded);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(whole), options);
        decoder.decode_headers().map_err(damaged)?;
        let info = decoder.info().ok_or_else(|| JpegError::damaged("its header is not whole"))?;
        let colours =
            decoder.input_colorspace().ok_or_else(|| JpegError::damaged("its header is not whole"))?;
        Ok(Self { decoder, width: info.width.into(), height: info.height.into(), colours })
    }

    fn options() -> DecoderOptions {
        // Strict: a picture that ends early is an error, and not one that is gray from there on.
        DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(JpegDecoder::MAX_SIDE)
            .set_max_height(JpegDecoder::MAX_SIDE)
            .jpeg_set_max_scans(JpegDecoder::MAX_SCANS)
    }

    const fn pixels(&self) -> usize {
        self.width as usize * self.height as usize
    }

    fn decode(&mut self, colours: ColorSpace, pixels: &mut [u8]) -> Result<(), JpegError> {
        self.decoder.set_options(Self::options().jpeg_set_out_colorspace(colours));
        self.decoder.decode_into(pixels).map_err(damaged)
    }
}

/// BGR from RGB or BGRA from RGBA. The decoder gives red first in less time than blue first, by more than this takes.
fn swap_red_and_blue(
    pixels: &mut [u8],
    width: u32,
    channels: u32,
    row: &mut Vec<u8>,
) -> Result<(), JpegError> {
    let swap = if channels == 4 { yuv::rgba_to_bgra } else { yuv::rgb_to_bgr };
    let stride = width * channels;
    for swapped in pixels.chunks_exact_mut(stride.max(1) as usize) {
        row.clear();
        row.extend_from_slice(swapped);
        swap(row, stride, swapped, stride, width, 1)
            .map_err(|error| JpegError::damaged(error.to_string()))?;
    }
    Ok(())
}

/// An `APP0` segment as AVI files have it, which bids the decoder put in the standard tables.
const STANDARD_TABLES: &[u8] = b"\xff\xe0\x00\x07AVI1\x00";
/// More bytes than the decoder reads ahead.
const READ_AHEAD: usize = 16;

impl JpegError {
    fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
    }

    fn other(found: impl Into<String>) -> Self {
        Self::Other { found: found.into() }
    }
}

fn damaged(error: DecodeErrors) -> JpegError {
    JpegError::damaged(error.to_string())
}

// The markers of ITU-T T.81, table B.1.
const TEM: u8 = 0x01;
const SOF0: u8 = 0xc0;
const SOF1: u8 = 0xc1;
const RST0: u8 = 0xd0;
const RST7: u8 = 0xd7;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const DHT: u8 = 0xc4;
const COM: u8 = 0xfe;
const APP0: u8 = 0xe0;
/// APP14, which is kept, says how the colours are coded.
const APP13: u8 = 0xed;
const APP15: u8 = 0xef;

/// `SOF0` to `SOF15`, without the three that stand among them.
const fn is_start_of_frame(marker: u8) -> bool {
    matches!(marker, 0xc0..=0xcf) && !matches!(marker, DHT | 0xc8 | 0xcc)
}

/// The next marker, past what stands before it.
fn next_marker(rest: &mut &[u8]) -> Option<u8> {
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        *rest = rest.get(at + 1..)?;
        match rest.first()? {
            // A byte of the picture that happens to be 0xff; or one more 0xff, of which a marker may have any number
            // before it.
            0x00 | 0xff => {}
            marker => {
                *rest = rest.get(1..)?;
                return Some(*marker);
            }
        }
    }
}

/// The segment that begins there, with its length before it.
fn segment(rest: &[u8]) -> Option<&[u8]> {
    let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
    rest.get(..length).filter(|_| length >= 2)
}

/// What there is from the first scan's segment up to the end of the picture.
fn scans(all: &[u8]) -> &[u8] {
    let mut rest = segment(all).and_then(|first| all.get(first.len()..)).unwrap_or_default();
    while let Some(marker) = next_marker(&mut rest) {
        match marker {
            RST0..=RST7 => {}
            SOI | EOI => return all.get(..all.len() - rest.len() - 2).unwrap_or_default(),
            // Another scan, or tables for one.
            _ => rest = segment(rest).and_then(|next| rest.get(next.len()..)).unwrap_or_default(),
        }
    }
    all
}

/// Each sample three times.
#[cfg(feature = "video")]
fn spread(gray: &[u8], bgr: &mut BytesMut) {
    for (pixel, sample) in bgr.chunks_exact_mut(3).zip(gray) {
        pixel.fill(*sample);
    }
}

#[cfg(test)]
#[cfg(feature = "video")]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    const MAX: usize = 1 << 20;

    #[test]
    fn a_decoder_that_panics_has_failed_on_this_picture() {
        let (_, jpeg) = coded(16, 16, ExtendedColorType::Rgb8);
        let mut decoder = JpegDecoder::new(MAX);
        let failed = crate::contained::failing::libraries(|| decoder.decode(&jpeg));
        assert!(matches!(failed, Err(JpegError::Damaged { .. })), "{failed:?}");
        assert!(decoder.decode(&jpeg).is_ok());
    }

    /// A picture of soft colours, as the encoder of `image` codes it: with the standard tables.
    fn coded(width: u16, height: u16, colour: ExtendedColorType) -> (Vec<u8>, Vec<u8>) {
        let channels = usize::from(colour.channel_count());
        let mut pixels = Vec::new();
        for y in 0..u32::from(height) {
            for x in 0..u32::from(width) {
                let rgb =
                    [128 + x % 100, 100 + y % 100, 90 + (x + y) % 80].map(|sample| sample.min(255) as u8);
                pixels.extend_from_slice(&rgb[..channels]);
            }
        }
        let mut jpeg = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 95);
        encoder.encode(&pixels, width.into(), height.into(), colour).unwrap();
        (pixels, jpeg)
    }

    /// The bytes without the segments of that marker.
    fn without(jpeg: &[u8], marker: u8) -> Vec<u8> {
        let (mut kept, mut rest) = (jpeg[..2].to_vec(), &jpeg[2..]);
        while rest[1] != SOS {
            let len = 2 + usize::from(u16::from_be_bytes([rest[2], rest[3]]));
            if rest[1] != marker {
                kept.extend_from_slice(&rest[..len]);
            }
            rest = &rest[len..];
        }
        kept.extend_from_slice(rest);
        kept
    }

    fn decode(jpeg: &[u8]) -> Result<Frame, JpegError> {
        JpegDecoder::new(MAX).decode(jpeg)
    }

    #[test]
    fn colours_come_in_the_order_blue_green_red() {
        let (rgb, jpeg) = coded(83, 41, ExtendedColorType::Rgb8);
        let frame = decode(&jpeg).unwrap();
        assert_eq!((frame.width(), frame.height(), frame.channels()), (83, 41, 3));
        let worst = frame.pixels().chunks_exact(3).zip(rgb.chunks_exact(3)).map(|(bgr, rgb)| {
            bgr[0].abs_diff(rgb[2]).max(bgr[1].abs_diff(rgb[1])).max(bgr[2].abs_diff(rgb[0]))
        });
        let mean = worst.clone().map(f64::from).sum::<f64>() / (83.0 * 41.0);
        assert!(mean < 6.0, "{mean}");
    }

    #[test]
    fn a_gray_picture_becomes_bgr_too() {
        let (gray, jpeg) = coded(40, 24, ExtendedColorType::L8);
        let frame = decode(&jpeg).unwrap();
        assert_eq!(frame.channels(), 3);
        for (pixel, gray) in frame.pixels().chunks_exact(3).zip(gray) {
            assert!(pixel.iter().all(|sample| *sample == pixel[0] && sample.abs_diff(gray) < 8));
        }
    }

    #[test]
    fn a_picture_without_huffman_tables_has_the_standard_ones() {
        for colour in [ExtendedColorType::Rgb8, ExtendedColorType::L8] {
            let (_, jpeg) = coded(64, 48, colour);
            let bare = without(&jpeg, DHT);
            assert!(bare.len() < jpeg.len());
            assert_eq!(decode(&bare), decode(&jpeg));
        }
    }

    #[test]
    fn what_stands_around_the_picture_is_passed_over() {
        let (_, jpeg) = coded(64, 48, ExtendedColorType::Rgb8);
        let whole = decode(&jpeg).unwrap();
        let mut between = jpeg[..2].to_vec();
        between.extend_from_slice(&[0, 0, 0, 0, 0, 0xff, 0xff, COM, 0, 6, 0xff, SOS, 0, 0]);
        between.extend_from_slice(&jpeg[2..]);
        let around = [b"\0\0\xff", jpeg.as_slice(), &[0; 500]].concat();
        let no_end = jpeg[..jpeg.len() - 2].to_vec();
        for (name, bytes) in [("between", between), ("around", around), ("no end", no_end)] {
            assert_eq!(decode(&bytes).as_ref(), Ok(&whole), "{name}");
        }
    }

    #[test]
    fn a_picture_that_ends_early_is_an_error() {
        let (_, jpeg) = coded(160, 120, ExtendedColorType::Rgb8);
        for share in [0.0, 0.01, 0.1, 0.5, 0.8, 0.95] {
            let cut = &jpeg[..(jpeg.len() as f64 * share) as usize];
            assert!(decode(cut).is_err(), "{share}");
            // As a driver hands it over: ended, or in a buffer that is longer.
            assert!(decode(&[cut, &[0xff, EOI], &[0; 4000]].concat()).is_err(), "{share}, ended");
        }
        assert_eq!(decode(&[]), Err(JpegError::NotJpeg));
        assert_eq!(decode(&[0; 100]), Err(JpegError::NotJpeg));
    }

    #[test]
    fn memory_is_not_taken_for_a_picture_that_is_too_large() {
        let (_, mut jpeg) = coded(64, 48, ExtendedColorType::Rgb8);
        let (width, height) = (64, 48);
        let refused = JpegDecoder::new(64 * 48 * 3 - 1).decode(&jpeg);
        assert_eq!(refused, Err(JpegError::TooLarge { width, height, max_frame_bytes: 64 * 48 * 3 - 1 }));
        let size = jpeg.windows(2).position(|next| next == [0xff, 0xc0]).unwrap() + 5;
        jpeg[size..size + 4].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
        assert!(matches!(decode(&jpeg), Err(JpegError::TooLarge { .. })));
        jpeg[size..size + 4].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
        assert!(matches!(decode(&jpeg), Err(JpegError::Damaged { .. })));
    }

    #[test]
    fn no_changed_byte_makes_it_panic() {
        let (_, jpeg) = coded(48, 32, ExtendedColorType::Rgb8);
        let mut decoder = JpegDecoder::new(MAX);
        for at in 0..jpeg.len().min(900) {
            for value in [0, 1, 0x7f, 0xff, jpeg[at] ^ 0x10] {
                let mut damaged = jpeg.clone();
                damaged[at] = value;
                let _ = decoder.decode(&damaged);
                let _ = decoder.decode(&damaged[..at]);
            }
        }
    }
}
