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
            push_standard_tables(&mut self.whole);
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

/// The tables that ITU-T T.81 gives as typical, in annex K.3, as one segment.
fn push_standard_tables(to: &mut Vec<u8>) {
    let tables: [(u8, &[u8; 16], &[u8]); 4] = [
        (0x00, &DC_LUMA_LENGTHS, &DC_VALUES),
        (0x01, &DC_CHROMA_LENGTHS, &DC_VALUES),
        (0x10, &AC_LUMA_LENGTHS, &AC_LUMA_VALUES),
        (0x11, &AC_CHROMA_LENGTHS, &AC_CHROMA_VALUES),
    ];
    let length: usize =
        2 + tables.iter().map(|(_, lengths, values)| 1 + lengths.len() + values.len()).sum::<usize>();
    to.extend_from_slice(&[0xff, DHT]);
    to.extend_from_slice(&(length as u16).to_be_bytes());
    for (class_and_id, lengths, values) in tables {
        to.push(class_and_id);
        to.extend_from_slice(lengths);
        to.extend_from_slice(values);
    }
}

/// How many codes there are of each length from 1 bit to 16, table K.3.
const DC_LUMA_LENGTHS: [u8; 16] = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
/// Table K.4.
const DC_CHROMA_LENGTHS: [u8; 16] = [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0];
/// What the codes of both mean.
const DC_VALUES: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
/// Table K.5.
const AC_LUMA_LENGTHS: [u8; 16] = [0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 0x7d];
#[rustfmt::skip]
const AC_LUMA_VALUES: [u8; 162] = [
    0x01, 0x02, 0x03, 0x00, 0x04, 0x11, 0x05, 0x12, 0x21, 0x31, 0x41, 0x06, 0x13, 0x51, 0x61, 0x07, 0x22, 0x71,
    0x14, 0x32, 0x81, 0x91, 0xa1, 0x08, 0x23, 0x42, 0xb1, 0xc1, 0x15, 0x52, 0xd1, 0xf0, 0x24, 0x33, 0x62, 0x72,
    0x82, 0x09, 0x0a, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x34, 0x35, 0x36, 0x37,
    0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59,
    0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a, 0x83,
    0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a, 0xa2, 0xa3,
    0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba, 0xc2, 0xc3,
    0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda, 0xe1, 0xe2,
    0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];
/// Table K.6.
const AC_CHROMA_LENGTHS: [u8; 16] = [0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 0x77];
#[rustfmt::skip]
const AC_CHROMA_VALUES: [u8; 162] = [
    0x00, 0x01, 0x02, 0x03, 0x11, 0x04, 0x05, 0x21, 0x31, 0x06, 0x12, 0x41, 0x51, 0x07, 0x61, 0x71, 0x13, 0x22,
    0x32, 0x81, 0x08, 0x14, 0x42, 0x91, 0xa1, 0xb1, 0xc1, 0x09, 0x23, 0x33, 0x52, 0xf0, 0x15, 0x62, 0x72, 0xd1,
    0x0a, 0x16, 0x24, 0x34, 0xe1, 0x25, 0xf1, 0x17, 0x18, 0x19, 0x1a, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x35, 0x36,
    0x37, 0x38, 0x39, 0x3a, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0x4a, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58,
    0x59, 0x5a, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7a,
    0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0x99, 0x9a,
    0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8, 0xa9, 0xaa, 0xb2, 0xb3, 0xb4, 0xb5, 0xb6, 0xb7, 0xb8, 0xb9, 0xba,
    0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7, 0xc8, 0xc9, 0xca, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8, 0xd9, 0xda,
    0xe2, 0xe3, 0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfa,
];

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
