use std::io::Read;

use netgear_media::FrameCodec;
use netgear_media::proto::{
    Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, Frame, PixelFormat, Shape,
};
use proptest::prelude::*;

use crate::pictures::{ELEMENT_TYPES, FORMATS, noise, of_u8, photograph};

fn encode(codec: &FrameCodec, frame: &Frame) -> Option<EncodedFrame> {
    codec.encode(frame, EncodingChoice::Lossless).unwrap()
}

/// Some frames do not become smaller; those that do are the same again.
#[track_caller]
fn assert_comes_back(codec: &FrameCodec, frame: &Frame) -> bool {
    let Some(encoded) = encode(codec, frame) else { return false };
    assert!(encoded.bytes().len() < frame.pixels().len());
    assert_eq!(encoded.encoding(), Encoding::Lossless);
    assert!(encoded.promises(frame));
    let decoded = codec.decode(&encoded).unwrap();
    assert_eq!(decoded, *frame, "{frame:?}");
    true
}

#[test]
fn every_kind_of_frame_comes_back_as_it_was() {
    let codec = FrameCodec::new();
    for element_type in ELEMENT_TYPES {
        for format in FORMATS {
            for (width, height) in [(64, 48), (61, 47), (1, 500), (500, 1), (3, 300)] {
                let channels = format.channels().unwrap();
                let len = width * height * usize::from(channels) * element_type.byte_len();
                let pixels: Vec<u8> = (0..len).map(|at| ((at / 7) % 50) as u8).collect();
                let shape = Shape::new(height as u32, width as u32, channels).unwrap();
                let frame = Frame::new(pixels, shape, element_type, format).unwrap();
                assert!(assert_comes_back(&codec, &frame), "{frame:?} did not become smaller");
            }
        }
    }
    let shape = Shape::new(40, 30, 7).unwrap();
    let pixels = vec![3; 40 * 30 * 7];
    let frame = Frame::new(pixels, shape, ElementType::U8, PixelFormat::Unspecified).unwrap();
    assert!(assert_comes_back(&codec, &frame));
}

#[test]
fn a_photograph_becomes_smaller() {
    let frame = photograph(320, 240, PixelFormat::Bgr);
    let codec = FrameCodec::new();
    assert!(assert_comes_back(&codec, &frame));
    let encoded = encode(&codec, &frame).unwrap();
    assert!(encoded.bytes().len() < frame.pixels().len() * 3 / 4, "{encoded:?}");
}

#[test]
fn what_becomes_no_smaller_is_not_encoded() {
    let codec = FrameCodec::new();
    for (width, height) in [(1, 1), (1, 2), (2, 2), (64, 64), (640, 480)] {
        let frame = of_u8(noise((width * height * 3) as usize), width, height, PixelFormat::Bgr);
        assert_eq!(encode(&codec, &frame), None, "{frame:?}");
        // And what comes behind it is not disturbed.
        assert!(assert_comes_back(&codec, &photograph(64, 64, PixelFormat::Bgr)));
    }
}

#[test]
fn the_bytes_are_a_zstd_frame_of_the_differences_of_rows() {
    let frame = photograph(100, 80, PixelFormat::Bgr);
    let encoded = encode(&FrameCodec::new(), &frame).unwrap();
    // Somebody else's decoder.
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&encoded.bytes()[..]).unwrap();
    assert_eq!(decoder.decoder.content_size(), frame.pixels().len() as u64);
    let mut differences = Vec::new();
    decoder.read_to_end(&mut differences).unwrap();
    let rows: Vec<_> = frame.pixels().chunks(300).collect();
    let mut expected = rows[0].to_vec();
    for pair in rows.windows(2) {
        expected.extend(pair[1].iter().zip(pair[0]).map(|(byte, above)| byte.wrapping_sub(*above)));
    }
    assert_eq!(differences, expected);
}

#[test]
fn a_frame_written_by_hand_is_read() {
    // docs/wire.md has it: magic, a descriptor (single segment, a content size of a byte), the size, and a raw block
    // of 6 bytes, the last.
    let bytes = b"\x28\xb5\x2f\xfd\x20\x06\x31\x00\x00\x0a\x14\x1e\x01\xff\x00";
    let shape = Shape::new(2, 1, 3).unwrap();
    let frame =
        EncodedFrame::new(bytes.to_vec(), Encoding::Lossless, shape, ElementType::U8, PixelFormat::Bgr);
    let decoded = FrameCodec::new().decode(&frame.unwrap()).unwrap();
    assert_eq!(decoded, of_u8(vec![10, 20, 30, 11, 19, 30], 1, 2, PixelFormat::Bgr));
}

#[test]
fn the_memory_of_a_frame_that_was_let_go_serves_the_next() {
    let codec = FrameCodec::new();
    // Of four bits, so that it becomes smaller, and not by much.
    let levels = noise(640 * 480 * 3).into_iter().map(|level| level & 15).collect();
    let frame = of_u8(levels, 640, 480, PixelFormat::Bgr);
    let addresses = || {
        let encoded = encode(&codec, &frame).unwrap();
        // Less is left to the allocator.
        assert!(encoded.bytes().len() > 64 << 10);
        let decoded = codec.decode(&encoded).unwrap();
        [encoded.bytes().as_ptr(), decoded.pixels().as_ptr()]
    };
    let first = addresses();
    for _ in 0..5 {
        assert_eq!(addresses(), first);
    }
    // One that is held is not written over.
    let held = codec.decode(&encode(&codec, &frame).unwrap()).unwrap();
    let other = of_u8(vec![7; 640 * 480 * 3], 640, 480, PixelFormat::Bgr);
    assert_eq!(codec.decode(&encode(&codec, &other).unwrap()).unwrap(), other);
    assert_eq!(held, frame);
}

#[test]
fn several_threads_share_a_codec() {
    let codec = FrameCodec::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let codec = &codec;
            scope.spawn(move || {
                for _ in 0..20 {
                    assert!(assert_comes_back(codec, &photograph(40 + number, 30, PixelFormat::Bgra)));
                    let jpeg = photograph(64, 50 + number, PixelFormat::Bgr);
                    let encoded = codec.encode(&jpeg, EncodingChoice::JPEG).unwrap().unwrap();
                    assert!(encoded.promises(&codec.decode(&encoded).unwrap()));
                }
            });
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_pixels_are(
        width in 1_u32..40,
        height in 1_u32..40,
        format in prop::sample::select(FORMATS.to_vec()),
        element_type in prop::sample::select(ELEMENT_TYPES.to_vec()),
        seed in prop::collection::vec(any::<u8>(), 1..200),
        repeats in 1_usize..60,
    ) {
        let channels = format.channels().unwrap();
        let len = (width * height) as usize * usize::from(channels) * element_type.byte_len();
        let pixels: Vec<u8> = (0..len).map(|at| seed[(at / repeats) % seed.len()]).collect();
        let shape = Shape::new(height, width, channels).unwrap();
        let frame = Frame::new(pixels, shape, element_type, format).unwrap();
        assert_comes_back(&FrameCodec::new(), &frame);
    }
}
