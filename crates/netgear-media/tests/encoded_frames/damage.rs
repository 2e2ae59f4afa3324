//! What a peer may send instead of a frame.

use netgear_media::FrameCodec;
use netgear_media::proto::{
    Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, FrameDecodeError, PixelFormat, Shape,
};

use crate::counting_allocator::measure;
use crate::pictures::{FORMATS, photograph};

const CHOICES: [EncodingChoice; 2] = [EncodingChoice::JPEG, EncodingChoice::Lossless];

fn encoded(choice: EncodingChoice) -> EncodedFrame {
    FrameCodec::new().encode(&photograph(96, 64, PixelFormat::Bgr), choice).unwrap().unwrap()
}

fn with_bytes(frame: &EncodedFrame, bytes: Vec<u8>) -> EncodedFrame {
    promising(frame, bytes, frame.shape(), frame.element_type(), frame.pixel_format())
}

fn promising(
    frame: &EncodedFrame,
    bytes: Vec<u8>,
    shape: Shape,
    element_type: ElementType,
    format: PixelFormat,
) -> EncodedFrame {
    EncodedFrame::new(bytes, frame.encoding(), shape, element_type, format).unwrap()
}

/// Where the segment of this marker has its first byte behind its length.
fn segment(jpeg: &[u8], marker: u8) -> usize {
    let mut at = 2;
    while jpeg[at + 1] != marker {
        at += 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]]));
    }
    at + 4
}

const SOF0: u8 = 0xc0;
const SOS: u8 = 0xda;

#[test]
fn a_frame_that_ends_early_is_an_error() {
    let codec = FrameCodec::new();
    for choice in CHOICES {
        let frame = encoded(choice);
        let bytes = frame.bytes();
        // A JPEG is whole without the marker of its end.
        let whole = bytes.len() - 2;
        for len in (1..200).chain((200..whole).step_by(37)) {
            let cut = with_bytes(&frame, bytes[..len].to_vec());
            let error = codec.decode(&cut).unwrap_err();
            assert!(matches!(
                error,
                FrameDecodeError::Malformed { .. } | FrameDecodeError::BrokenPromise { .. }
            ));
        }
    }
}

/// Whatever a byte claims, no more is taken at once than the frame that was promised, its bytes twice, and what a
/// decoder has of tables and rows for a frame of this width. The smallest claim that is more of a frame than this is
/// of 700 × 1,000 pixels.
#[test]
fn no_changed_byte_makes_it_panic_or_grow() {
    const TABLES_AND_ROWS: usize = 1 << 20;
    for choice in CHOICES {
        let codec = FrameCodec::new();
        let frame = encoded(choice);
        let whole = codec.decode(&frame).unwrap();
        for at in (0..frame.bytes().len()).filter(|at| *at < 700 || at % 31 == 0) {
            for change in [0x01, 0x10, 0x80, 0xff] {
                let mut bytes = frame.bytes().to_vec();
                bytes[at] ^= change;
                let changed = with_bytes(&frame, bytes);
                let (decoded, usage) = measure(|| codec.decode(&changed));
                let most = frame.decoded_len() + 2 * frame.bytes().len() + TABLES_AND_ROWS;
                assert!(usage.peak <= most, "{at} ^ {change}: {} bytes, and not {most}", usage.peak);
                match decoded {
                    // Its checksum keeps a lossless one from being any other.
                    Ok(decoded) if choice == EncodingChoice::Lossless => assert_eq!(decoded, whole),
                    Ok(decoded) => assert!(frame.promises(&decoded)),
                    Err(error) => {
                        assert!(
                            !matches!(error, FrameDecodeError::Failed { .. }),
                            "{at} ^ {change}: {error}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn another_frame_than_was_promised_is_an_error() {
    let codec = FrameCodec::new();
    for choice in CHOICES {
        let frame = encoded(choice);
        for (height, width) in [(64, 95), (63, 96), (65, 96), (1, 1), (16_384, 16_384), (8, 8)] {
            let shape = Shape::new(height, width, 3).unwrap();
            let other = promising(&frame, frame.bytes().to_vec(), shape, ElementType::U8, PixelFormat::Bgr);
            let error = codec.decode(&other).unwrap_err();
            assert!(matches!(error, FrameDecodeError::BrokenPromise { promised, .. } if promised == shape));
        }
        let shape = Shape::new(64, 96, 1).unwrap();
        let gray = promising(&frame, frame.bytes().to_vec(), shape, ElementType::U8, PixelFormat::Gray);
        assert!(matches!(codec.decode(&gray), Err(FrameDecodeError::BrokenPromise { .. })));
    }
    let gray = FrameCodec::new().encode(&photograph(96, 64, PixelFormat::Gray), EncodingChoice::JPEG);
    let gray = gray.unwrap().unwrap();
    for format in FORMATS.into_iter().filter(|format| *format != PixelFormat::Gray) {
        let shape = Shape::new(64, 96, format.channels().unwrap()).unwrap();
        let colours = promising(&gray, gray.bytes().to_vec(), shape, ElementType::U8, format);
        assert!(matches!(codec.decode(&colours), Err(FrameDecodeError::BrokenPromise { .. })));
    }
}

#[test]
fn sizes_that_a_jpeg_header_lies_about_are_errors() {
    let codec = FrameCodec::new();
    let frame = encoded(EncodingChoice::JPEG);
    let size = segment(frame.bytes(), SOF0) + 1;
    for claimed in [[0xff, 0xff, 0xff, 0xff], [0x3f, 0xff, 0x3f, 0xff], [0, 0, 0, 96], [0, 64, 0, 0]] {
        let mut bytes = frame.bytes().to_vec();
        bytes[size..size + 4].copy_from_slice(&claimed);
        assert!(codec.decode(&with_bytes(&frame, bytes)).is_err(), "{claimed:?}");
    }
    // A second header that claims another size.
    let mut second = frame.bytes()[size - 5..size + 14].to_vec();
    second[5..9].copy_from_slice(&[0x3f, 0xff, 0x3f, 0xff]);
    for at in [2, size - 5, segment(frame.bytes(), SOS) - 4] {
        let mut bytes = frame.bytes().to_vec();
        bytes.splice(at..at, second.clone());
        let error = codec.decode(&with_bytes(&frame, bytes)).unwrap_err();
        assert!(matches!(error, FrameDecodeError::BrokenPromise { .. } | FrameDecodeError::Malformed { .. }));
    }
}

#[test]
fn jpeg_of_other_kinds_is_refused() {
    let codec = FrameCodec::new();
    let frame = encoded(EncodingChoice::JPEG);
    let start = segment(frame.bytes(), SOF0) - 3;
    // Extended, progressive, lossless, arithmetic, and one that does not exist.
    for marker in [0xc2, 0xc3, 0xc9, 0xca, 0xcf] {
        let mut bytes = frame.bytes().to_vec();
        bytes[start] = marker;
        assert!(codec.decode(&with_bytes(&frame, bytes)).is_err(), "{marker:#x}");
    }
    // Components one, two and four, as gray and as printers have them.
    for components in [0, 1, 2, 4, 255] {
        let mut bytes = frame.bytes().to_vec();
        bytes[start + 8] = components;
        assert!(codec.decode(&with_bytes(&frame, bytes)).is_err(), "{components} components");
    }
    // Real ones, of a library's: CMYK, and progressive.
    let pixels = vec![90; 96 * 64 * 4];
    let mut cmyk = Vec::new();
    let encoder = rusty_jpeg::Encoder::new(&mut cmyk, 80);
    encoder.encode(&pixels, 96, 64, rusty_jpeg::ColorType::Cmyk).unwrap();
    let shape = Shape::new(64, 96, 4).unwrap();
    for format in [PixelFormat::Bgra, PixelFormat::Rgba] {
        let cmyk = promising(&frame, cmyk.clone(), shape, ElementType::U8, format);
        assert!(matches!(codec.decode(&cmyk), Err(FrameDecodeError::BrokenPromise { .. })));
    }
    let mut progressive = Vec::new();
    let mut encoder = rusty_jpeg::Encoder::new(&mut progressive, 80);
    encoder.set_progressive(true);
    encoder.encode(&pixels, 96, 64, rusty_jpeg::ColorType::Bgra).unwrap();
    assert!(matches!(
        codec.decode(&with_bytes(&frame, progressive)),
        Err(FrameDecodeError::BrokenPromise { .. })
    ));
}

#[test]
fn restart_markers_are_part_of_a_picture() {
    let frame = photograph(96, 64, PixelFormat::Bgr);
    let mut jpeg = Vec::new();
    let mut encoder = rusty_jpeg::Encoder::new(&mut jpeg, 80);
    encoder.set_sampling_factor(rusty_jpeg::SamplingFactor::R_4_2_0);
    encoder.set_restart_interval(3);
    encoder.encode(frame.pixels(), 96, 64, rusty_jpeg::ColorType::Bgr).unwrap();
    assert!(jpeg.windows(2).any(|next| next == [0xff, 0xd1]));
    let codec = FrameCodec::new();
    let without = encoded(EncodingChoice::JPEG);
    let with = with_bytes(&without, jpeg.clone());
    assert_eq!(codec.decode(&with), codec.decode(&without));
    // One that is missing is damage.
    let at = jpeg.windows(2).position(|next| next == [0xff, 0xd1]).unwrap();
    jpeg.drain(at..at + 2);
    assert!(codec.decode(&with_bytes(&without, jpeg)).is_err());
}

#[test]
fn what_no_encoder_here_makes_is_refused() {
    let codec = FrameCodec::new();
    let frame = encoded(EncodingChoice::JPEG);
    let shape = Shape::new(64, 96, 3).unwrap();
    let deep = promising(&frame, frame.bytes().to_vec(), shape, ElementType::U16, PixelFormat::Bgr);
    assert!(matches!(codec.decode(&deep), Err(FrameDecodeError::UnsupportedFrame { .. })));
    let bytes = frame.bytes().to_vec();
    let unspecified = promising(&frame, bytes, shape, ElementType::U8, PixelFormat::Unspecified);
    assert!(matches!(codec.decode(&unspecified), Err(FrameDecodeError::UnsupportedFrame { .. })));
    for bytes in [vec![0], vec![0xff; 300], b"\xff\xd8\xff\xd9".to_vec(), b"\x28\xb5\x2f\xfd".to_vec()] {
        for choice in CHOICES {
            assert!(codec.decode(&with_bytes(&encoded(choice), bytes.clone())).is_err());
        }
    }
}

#[test]
fn sizes_that_a_zstd_header_lies_about_are_errors() {
    let codec = FrameCodec::new();
    let promise = |bytes: &[u8]| {
        let shape = Shape::new(2, 1, 3).unwrap();
        EncodedFrame::new(bytes.to_vec(), Encoding::Lossless, shape, ElementType::U8, PixelFormat::Bgr)
            .unwrap()
    };
    let magic = b"\x28\xb5\x2f\xfd";
    let raw = b"\x31\x00\x00\x0a\x14\x1e\x01\xff\x00";
    let decode = |parts: &[&[u8]]| codec.decode(&promise(&parts.concat()));
    assert!(decode(&[magic, b"\x20\x06", raw]).is_ok());
    for size in [b"\x20\x05", b"\x20\x07", b"\x20\xff"] {
        assert!(matches!(decode(&[magic, size, raw]), Err(FrameDecodeError::BrokenPromise { .. })));
    }
    // Of eight bytes, with all that they can say.
    let endless = decode(&[magic, b"\xe0\xff\xff\xff\xff\xff\xff\xff\xff", raw]);
    assert!(matches!(endless, Err(FrameDecodeError::BrokenPromise { .. })));
    // None, with a window instead.
    assert!(matches!(decode(&[magic, b"\x00\x00", raw]), Err(FrameDecodeError::Malformed { .. })));
    // More or less than it says, and a block that repeats a byte more often.
    assert!(decode(&[magic, b"\x20\x06", b"\x29\x00\x00\x0a\x14\x1e\x01\xff"]).is_err());
    assert!(decode(&[magic, b"\x20\x06", b"\xfb\xff\x0f\x00"]).is_err());
    // A dictionary that nobody has.
    assert!(decode(&[magic, b"\x21\x09\x06", raw]).is_err());
    // Another frame behind it, and bytes that are none.
    assert!(decode(&[magic, b"\x20\x06", raw, magic, b"\x20\x06", raw]).is_err());
    assert!(decode(&[magic, b"\x20\x06", raw, b"behind"]).is_err());
}
