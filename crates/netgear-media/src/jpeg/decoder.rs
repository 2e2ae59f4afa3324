//! One JPEG picture to BGR, as the frames of webcams and of MJPEG files are.

use bytes::BytesMut;
use netgear_proto::{BufferPool, Frame};
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Decodes JPEG pictures, one after another, into the same memory once a frame is let go.
///
/// Every picture becomes 8-bit BGR, also a gray one. A picture without Huffman tables, as webcams and AVI files have them to
/// save 420 bytes a frame, is decoded with the standard ones (ITU-T T.81, annex K.3).
#[derive(Debug)]
pub(crate) struct JpegDecoder {
    max_frame_bytes: usize,
    pool: BufferPool,
    /// The picture, as it is given to the decoder.
    whole: Vec<u8>,
    /// The samples of a gray picture.
    gray: Vec<u8>,
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
    #[error("the JPEG picture has {width}×{height} pixels, more than {max_frame_bytes} bytes")]
    TooLarge {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
        /// The limit.
        max_frame_bytes: usize,
    },
}

impl JpegDecoder {
    /// The longest side of a picture. Beyond it the decoder's arithmetic is not checked.
    const MAX_SIDE: usize = 1 << 14;
    /// The most passes over a progressive picture, which a few bytes can ask for.
    const MAX_SCANS: usize = 64;

    /// A decoder that refuses pictures of more bytes than these, before it takes memory for one.
    pub(crate) fn new(max_frame_bytes: usize) -> Self {
        Self { max_frame_bytes, pool: BufferPool::default(), whole: Vec::new(), gray: Vec::new() }
    }

    /// The picture in these bytes, which may have others before and after it.
    pub(crate) fn decode(&mut self, bytes: &[u8]) -> Result<Frame, JpegError> {
        self.complete(bytes)?;
        // Strict: a picture that ends early is an error, and not one that is gray from there on.
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(Self::MAX_SIDE)
            .set_max_height(Self::MAX_SIDE)
            .jpeg_set_max_scans(Self::MAX_SCANS)
            .jpeg_set_out_colorspace(ColorSpace::BGR);
        let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(&self.whole), options);
        decoder.decode_headers().map_err(damaged)?;
        let info = decoder.info().ok_or_else(|| JpegError::damaged("its header is not whole"))?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        let pixels = usize::from(info.width) * usize::from(info.height);
        let len = pixels.saturating_mul(3);
        if len > self.max_frame_bytes {
            let max_frame_bytes = self.max_frame_bytes;
            return Err(JpegError::TooLarge { width, height, max_frame_bytes });
        }

        let mut bgr = self.pool.take(len);
        bgr.resize(len, 0);
        match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr) => decoder.decode_into(&mut bgr).map_err(damaged)?,
            Some(ColorSpace::Luma) => {
                decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::Luma));
                self.gray.resize(pixels, 0);
                decoder.decode_into(&mut self.gray).map_err(damaged)?;
                spread(&self.gray, &mut bgr);
            }
            // RGB, and what printers use, which the decoder gives in this order alone.
            _ => {
                decoder.set_options(options.jpeg_set_out_colorspace(ColorSpace::RGB));
                decoder.decode_into(&mut bgr).map_err(damaged)?;
                for pixel in bgr.chunks_exact_mut(3) {
                    pixel.swap(0, 2);
                }
            }
        }
        Frame::bgr8(width, height, self.pool.freeze(bgr))
            .map_err(|error| JpegError::damaged(error.to_string()))
    }

    /// Puts together what the decoder needs: the tables and the picture, without what stands around them.
    fn complete(&mut self, bytes: &[u8]) -> Result<(), JpegError> {
        let start = bytes.windows(2).position(|next| next == [0xff, SOI]).ok_or(JpegError::NotJpeg)?;
        let mut rest = bytes.get(start + 2..).unwrap_or_default();
        self.whole.clear();
        self.whole.extend_from_slice(&[0xff, SOI]);
        let (mut has_huffman_tables, mut is_baseline) = (false, false);
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
            // At the marker of the end the decoder would stop in good order, however much of the picture is missing. At the
            // end of the bytes it does not, but looks there before it needs them: these are to be looked at.
            self.whole.extend_from_slice(scans(rest));
            self.whole.extend_from_slice(&[0; READ_AHEAD]);
        } else {
            self.whole.extend_from_slice(rest);
        }
        Ok(())
    }
}

/// An `APP0` segment as AVI files have it, which bids the decoder put in the standard tables.
const STANDARD_TABLES: &[u8] = b"\xff\xe0\x00\x07AVI1\x00";
/// More bytes than the decoder reads ahead.
const READ_AHEAD: usize = 16;

impl JpegError {
    fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged { reason: reason.into() }
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

/// The next marker, past what stands before it.
fn next_marker(rest: &mut &[u8]) -> Option<u8> {
    loop {
        let at = rest.iter().position(|byte| *byte == 0xff)?;
        *rest = rest.get(at + 1..)?;
        match rest.first()? {
            // A byte of the picture that happens to be 0xff; or one more 0xff, of which a marker may have any number before it.
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
fn spread(gray: &[u8], bgr: &mut BytesMut) {
    for (pixel, sample) in bgr.chunks_exact_mut(3).zip(gray) {
        pixel.fill(*sample);
    }
}

#[cfg(test)]
mod tests {
    use image::ExtendedColorType;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;

    const MAX: usize = 1 << 20;

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
