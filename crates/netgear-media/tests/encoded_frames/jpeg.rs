use std::io::Write;
use std::process::{Command, Stdio};

use netgear_media::FrameCodec;
use netgear_media::proto::{
    ChromaSubsampling, Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, Frame, JpegQuality,
    PixelFormat, Shape,
};

use crate::pictures::{ELEMENT_TYPES, FORMATS, noise, of_u8, photograph};

const SUBSAMPLINGS: [ChromaSubsampling; 3] =
    [ChromaSubsampling::Full, ChromaSubsampling::Half, ChromaSubsampling::Quarter];

fn choice(quality: u8, subsampling: ChromaSubsampling) -> EncodingChoice {
    EncodingChoice::Jpeg { quality: JpegQuality::new(quality).unwrap(), subsampling }
}

/// The peak signal to noise ratio in decibels, and the largest difference.
fn error(found: &[u8], expected: &[u8]) -> (f64, u8) {
    assert_eq!(found.len(), expected.len());
    let differences = found.iter().zip(expected).map(|(found, expected)| found.abs_diff(*expected));
    let squares: f64 = differences.clone().map(|difference| f64::from(difference).powi(2)).sum();
    let mean = (squares / found.len() as f64).max(1e-6);
    (10.0 * (255.0 * 255.0 / mean).log10(), differences.max().unwrap_or(0))
}

#[test]
fn every_kind_of_frame_comes_back_near_to_what_it_was() {
    let codec = FrameCodec::new();
    for format in FORMATS {
        for subsampling in SUBSAMPLINGS {
            for (quality, least, most) in [(50, 29.0, 60), (80, 32.0, 40), (90, 34.0, 30), (100, 36.0, 30)] {
                let frame = photograph(161, 121, format);
                let encoded = codec.encode(&frame, choice(quality, subsampling)).unwrap().unwrap();
                assert_eq!(encoded.encoding(), Encoding::Jpeg);
                let decoded = codec.decode(&encoded).unwrap();
                assert!(encoded.promises(&decoded) && encoded.promises(&frame));
                let (psnr, worst) = error(decoded.pixels(), frame.pixels());
                assert!(
                    psnr > least && worst < most,
                    "{format} {subsampling} {quality}: {psnr:.1} dB, {worst} levels"
                );
            }
        }
    }
}

#[test]
fn odd_sizes_are_whole() {
    let codec = FrameCodec::new();
    for (width, height) in [(1, 900), (900, 1), (33, 31), (65, 17), (130, 129), (16, 64)] {
        for format in FORMATS {
            for subsampling in SUBSAMPLINGS {
                let frame = photograph(width, height, format);
                let Some(encoded) = codec.encode(&frame, choice(90, subsampling)).unwrap() else {
                    assert!(frame.pixels().len() < 3000, "{frame:?} was not encoded");
                    continue;
                };
                let (psnr, _) = error(codec.decode(&encoded).unwrap().pixels(), frame.pixels());
                assert!(psnr > 30.0, "{frame:?} {subsampling}: {psnr:.1} dB");
            }
        }
    }
}

#[test]
fn opacity_is_left_out() {
    let mut pixels = photograph(64, 64, PixelFormat::Bgra).pixels().to_vec();
    pixels.chunks_exact_mut(4).for_each(|pixel| pixel[3] = 9);
    let codec = FrameCodec::new();
    let encoded = codec.encode(&of_u8(pixels, 64, 64, PixelFormat::Bgra), EncodingChoice::JPEG).unwrap();
    let decoded = codec.decode(&encoded.unwrap()).unwrap();
    assert!(decoded.pixels().chunks_exact(4).all(|pixel| pixel[3] == 255));
}

#[test]
fn what_jpeg_does_not_take_or_make_smaller_is_not_encoded() {
    let codec = FrameCodec::new();
    for element_type in ELEMENT_TYPES.into_iter().filter(|element| *element != ElementType::U8) {
        let shape = Shape::new(32, 32, 1).unwrap();
        let pixels = vec![0; 32 * 32 * element_type.byte_len()];
        let frame = Frame::new(pixels, shape, element_type, PixelFormat::Gray).unwrap();
        assert_eq!(codec.encode(&frame, EncodingChoice::JPEG), Ok(None), "{frame:?}");
    }
    let shape = Shape::new(32, 32, 3).unwrap();
    let frame = Frame::new(vec![0; 32 * 32 * 3], shape, ElementType::U8, PixelFormat::Unspecified).unwrap();
    assert_eq!(codec.encode(&frame, EncodingChoice::JPEG), Ok(None));
    for frame in [photograph(1, 1, PixelFormat::Bgr), photograph(8, 8, PixelFormat::Gray)] {
        assert_eq!(codec.encode(&frame, EncodingChoice::JPEG), Ok(None), "{frame:?}");
    }
    let frame = of_u8(noise(64 * 64), 64, 64, PixelFormat::Gray);
    assert_eq!(codec.encode(&frame, choice(100, ChromaSubsampling::Full)), Ok(None));
    // Wider than is decoded here.
    let frame = of_u8(vec![0; 16_385 * 2], 16_385, 2, PixelFormat::Gray);
    assert_eq!(codec.encode(&frame, EncodingChoice::JPEG), Ok(None));
    let frame = of_u8(vec![0; 16_384 * 2], 16_384, 2, PixelFormat::Gray);
    let encoded = codec.encode(&frame, EncodingChoice::JPEG).unwrap().unwrap();
    assert!(encoded.promises(&codec.decode(&encoded).unwrap()));
}

#[test]
fn raw_is_raw() {
    let frame = photograph(64, 64, PixelFormat::Bgr);
    assert_eq!(FrameCodec::new().encode(&frame, EncodingChoice::Raw), Ok(None));
}

/// What `ffmpeg` decodes of it, as BGR or gray.
fn decoded_by_ffmpeg(frame: &EncodedFrame) -> Vec<u8> {
    let pixel_format = if frame.shape().channels() == 1 { "gray" } else { "bgr24" };
    let mut child = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "mjpeg", "-i", "-", "-sws_flags", "bicubic+accurate_rnd+full_chroma_int"])
        .args(["-f", "rawvideo", "-pix_fmt", pixel_format, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(frame.bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn others_see_the_same_picture() {
    let codec = FrameCodec::new();
    let has_ffmpeg = Command::new("ffmpeg").arg("-version").output().is_ok();
    if !has_ffmpeg {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no ffmpeg on the PATH");
        eprintln!("SKIPPED: others_see_the_same_picture: there is no ffmpeg on the PATH");
        return;
    }
    for format in [PixelFormat::Gray, PixelFormat::Bgr] {
        for subsampling in SUBSAMPLINGS {
            let frame = photograph(160, 120, format);
            let encoded = codec.encode(&frame, choice(90, subsampling)).unwrap().unwrap();
            let decoded = codec.decode(&encoded).unwrap();
            let (psnr, worst) = error(decoded.pixels(), &decoded_by_ffmpeg(&encoded));
            // Half the colours are interpolated, and each decoder does it in its way.
            let (least, most) = if subsampling == ChromaSubsampling::Full { (45.0, 4) } else { (38.0, 24) };
            assert!(psnr > least && worst <= most, "{format} {subsampling}: {psnr:.1} dB, {worst} levels");
        }
    }
}

#[test]
fn the_memory_of_a_frame_that_was_let_go_serves_the_next() {
    let codec = FrameCodec::new();
    let frame = of_u8(noise(640 * 480), 640, 480, PixelFormat::Gray);
    let addresses = || {
        let encoded = codec.encode(&frame, EncodingChoice::JPEG).unwrap().unwrap();
        assert!(encoded.bytes().len() > 100_000);
        [encoded.bytes().as_ptr(), codec.decode(&encoded).unwrap().pixels().as_ptr()]
    };
    let first = addresses();
    for _ in 0..5 {
        assert_eq!(addresses(), first);
    }
}
