//! A minute of each kind of recording, played back: each frame once, in its place and at its time, with the same
//! pixels or near to them.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{has_ffmpeg, open};
use netgear_media::{FrameRate, FrameSource, OpenOptions, RecordOptions, Recorder, TestPattern, Y4mChroma};
use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

/// At 30 frames a second.
const FRAMES: u64 = 1800;

/// How near the pixels must come back.
#[derive(Debug, Clone, Copy)]
enum Near {
    Same,
    /// In decibels, over all samples of a frame.
    Psnr(f64),
}

/// The same brightness without colours.
fn gray(frame: &Frame) -> Frame {
    let pixels: Vec<u8> = frame.pixels().chunks_exact(3).map(|bgr| bgr[1]).collect();
    let shape = Shape::new(frame.height(), frame.width(), 1).unwrap();
    Frame::new(pixels, shape, ElementType::U8, PixelFormat::Gray).unwrap()
}

fn psnr(a: &[u8], b: &[u8]) -> f64 {
    assert_eq!(a.len(), b.len());
    let squares: u64 = a.iter().zip(b).map(|(a, b)| u64::from(a.abs_diff(*b)).pow(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / (squares as f64).max(1.0)).log10()
}

/// Records a minute and plays it back. What comes is a frame of the pattern, as `kept` has it.
#[track_caller]
fn minute(name: &str, options: &RecordOptions, kept: fn(&Frame) -> Frame, near: Near) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded").join(name);
    let rate = FrameRate::new(30, 1).unwrap();
    let mut pattern = TestPattern::new("160x120@30".parse().unwrap());
    let mut recorder = Recorder::create(&path, options).unwrap();
    for number in 0..FRAMES {
        recorder.write(&kept(&pattern.frame(number)), rate.time_of(number)).unwrap();
    }
    let recorded = recorder.finish().unwrap();
    let late = recorded.duration.abs_diff(Duration::from_secs(60));
    assert!(recorded.frames == FRAMES && late < Duration::from_micros(1), "{name}: {recorded}");

    let is_pattern = name.contains('%');
    let played: &Path = if is_pattern { path.parent().unwrap() } else { &path };
    let mut source = open(played, &OpenOptions::new().with_sequence_rate(rate));
    for number in 0..FRAMES {
        let found = source.next_frame().unwrap().unwrap_or_else(|| panic!("{name} ends at frame {number}"));
        let late = found.time.abs_diff(rate.time_of(number));
        assert!(late <= Duration::from_millis(1), "{name} {number}: {late:?} from its time");
        let expected = kept(&pattern.frame(number));
        match near {
            Near::Same => assert!(found.frame == expected, "{name} {number} has other pixels"),
            Near::Psnr(least) => {
                let psnr = psnr(found.frame.pixels(), expected.pixels());
                assert!(psnr >= least, "{name} {number}: {psnr:.1} dB");
                assert_eq!(TestPattern::read_number(&found.frame), Some(number), "{name}");
            }
        }
    }
    assert_eq!(source.next_frame().unwrap(), None, "{name}");
}

fn whole(frame: &Frame) -> Frame {
    frame.clone()
}

#[test]
fn a_minute_of_y4m() {
    minute("a.y4m", &RecordOptions::new(), gray, Near::Same);
    minute("b.y4m", &RecordOptions::new().with_chroma(Y4mChroma::C444), whole, Near::Psnr(40.0));
}

#[test]
fn a_minute_of_png_pictures() {
    minute("%06d.png", &RecordOptions::new(), whole, Near::Same);
}

#[test]
fn a_minute_of_jpeg_pictures() {
    let options = RecordOptions::new().with_chroma(Y4mChroma::C444);
    minute("%06d.jpg", &options, whole, Near::Psnr(30.0));
}

#[test]
fn a_minute_of_motion_jpeg() {
    let options = RecordOptions::new().with_chroma(Y4mChroma::C444);
    minute("a.avi", &options, whole, Near::Psnr(30.0));
}

#[test]
fn a_minute_of_mp4() {
    if has_ffmpeg("a_minute_of_mp4") {
        minute("a.mp4", &RecordOptions::new().with_chroma(Y4mChroma::C444), whole, Near::Psnr(30.0));
        minute("b.mp4", &RecordOptions::new().with_lossless(true), whole, Near::Same);
    }
}

#[test]
fn a_minute_of_mkv() {
    if has_ffmpeg("a_minute_of_mkv") {
        minute("a.mkv", &RecordOptions::new().with_lossless(true), whole, Near::Same);
    }
}
