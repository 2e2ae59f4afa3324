//! What is recorded, played back by our own sources and by ffmpeg.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, outside the test functions too"
)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Reference, built_in, difference, has_ffmpeg, open};
use netgear_media::{
    FrameRate, FrameSource, OpenOptions, RecordError, RecordOptions, Recorded, Recorder, TestPattern,
    Y4mChroma,
};
use netgear_proto::{ElementType, Frame, JpegQuality, PixelFormat, Shape};

/// When frame `number` of a camera at 30 frames a second was captured: up to 10 ms late, and with one pause.
fn captured(number: u64) -> Duration {
    let pause = if number >= 20 { 700 } else { 0 };
    Duration::from_micros(number * 33_333 + number * 7_919 % 10_000) + Duration::from_millis(pause)
}

fn record(path: &Path, options: &RecordOptions, frames: &[Frame]) -> Recorded {
    let mut recorder = Recorder::create(path, options).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        // Since when does not matter.
        recorder.write(frame, Duration::from_secs(1_700_000_000) + captured(number as u64)).unwrap();
    }
    recorder.finish().unwrap()
}

/// The frames of a file, and their times.
fn played(path: &Path) -> Vec<(Frame, Duration)> {
    let mut source = open(path, &OpenOptions::new());
    std::iter::from_fn(|| source.next_frame().unwrap()).map(|next| (next.frame, next.time)).collect()
}

fn film(size: &str, count: u64) -> Vec<Frame> {
    let mut pattern = TestPattern::new(size.parse().unwrap());
    (0..count).map(|number| pattern.frame(number)).collect()
}

/// The bytes that are there to be read: of a file, or of all files of a folder.
fn bytes_in(path: &Path) -> u64 {
    if path.is_dir() {
        return std::fs::read_dir(path).unwrap().map(|entry| bytes_in(&entry.unwrap().path())).sum();
    }
    std::fs::read(path).unwrap().len() as u64
}

/// The same pixels in the order and number of channels of another format, by OpenCV's formula where they become gray.
fn converted(frame: &Frame, format: PixelFormat) -> Frame {
    let pixels: Vec<u8> = frame
        .pixels()
        .chunks_exact(3)
        .flat_map(|bgr| match format {
            PixelFormat::Gray => vec![bgr[1]],
            PixelFormat::Rgb => vec![bgr[2], bgr[1], bgr[0]],
            PixelFormat::Bgra => vec![bgr[0], bgr[1], bgr[2], 255],
            PixelFormat::Rgba => vec![bgr[2], bgr[1], bgr[0], 255],
            _ => bgr.to_vec(),
        })
        .collect();
    let shape = Shape::new(frame.height(), frame.width(), format.channels().unwrap()).unwrap();
    Frame::new(pixels, shape, ElementType::U8, format).unwrap()
}

/// As it comes back from a source: BGR, and gray spread where the file cannot say it.
fn as_bgr(frame: &Frame) -> Vec<u8> {
    match frame.pixel_format() {
        PixelFormat::Gray => frame.pixels().iter().flat_map(|&level| [level; 3]).collect(),
        PixelFormat::Rgb => frame.pixels().chunks_exact(3).flat_map(|p| [p[2], p[1], p[0]]).collect(),
        PixelFormat::Rgba => frame.pixels().chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]).collect(),
        PixelFormat::Bgra => frame.pixels().chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect(),
        _ => frame.pixels().to_vec(),
    }
}

const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Bgr, PixelFormat::Gray, PixelFormat::Rgb, PixelFormat::Bgra, PixelFormat::Rgba];

#[test]
fn one_rate_for_all_plays_as_long_as_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let frames = film("160x120", 60);
    let took = captured(59);
    for name in ["a.y4m", "a.avi"] {
        let path = folder.path().join(name);
        let recorded = record(&path, &RecordOptions::new(), &frames);
        assert_eq!(recorded.bytes, bytes_in(&path), "{name}");
        let played = played(&path);
        assert_eq!((played.len(), recorded.frames), (60, 60));
        for (number, (frame, _)) in played.iter().enumerate() {
            assert_eq!(TestPattern::read_number(frame), Some(number as u64), "{name}");
        }
        let (_, last) = played[59];
        assert!(last.abs_diff(took) < Duration::from_millis(40), "{name}: {last:?} for {took:?}");
        assert!(recorded.duration.abs_diff(last) < Duration::from_millis(100), "{recorded}");

        let stated = RecordOptions::new().with_rate(FrameRate::new(10, 1).unwrap());
        let recorded = record(&path, &stated, &frames);
        assert_eq!(recorded.duration, Duration::from_secs(6));
        assert_eq!(open(&path, &OpenOptions::new()).info().duration, Some(Duration::from_secs(6)), "{name}");
    }
}

#[test]
fn each_kind_that_is_written_here_keeps_the_picture() {
    let folder = tempfile::tempdir().unwrap();
    let full = RecordOptions::new().with_chroma(Y4mChroma::C444);
    let quality = JpegQuality::new(95).unwrap();
    let fine = RecordOptions::new().with_jpeg_quality(quality);
    // The share of samples that are within so many levels.
    for (name, options, most, least_near) in [
        ("a.y4m", RecordOptions::new(), 8, 0.75),
        ("b.y4m", full.clone(), 2, 1.0),
        ("a.avi", fine.clone(), 12, 0.75),
        ("b.avi", full.clone().with_jpeg_quality(quality), 12, 0.95),
        ("jpeg/%04d.jpg", fine, 12, 0.75),
        ("png/%d.png", RecordOptions::new(), 0, 1.0),
        ("folder/", RecordOptions::new().with_lossless(true), 0, 1.0),
    ] {
        for format in FORMATS {
            for size in ["160x120", "65x49"] {
                let case = format!("{format}-{size}");
                let path = folder.path().join(&case).join(name);
                let frames: Vec<_> = film(size, 5).iter().map(|frame| converted(frame, format)).collect();
                let recorded = record(&path, &options, &frames);
                let is_pattern = name.contains('%');
                let source = if is_pattern { path.parent().unwrap() } else { &path };
                assert_eq!(recorded.bytes, bytes_in(source), "{case} {name}");
                let played = played(source);
                assert_eq!(played.len(), 5, "{case} {name}");
                for ((found, _), expected) in played.iter().zip(&frames) {
                    let (found, expected) = (as_bgr(found), as_bgr(expected));
                    let samples = found.iter().zip(&expected);
                    let near = samples.filter(|(a, b)| a.abs_diff(**b) <= most).count() as f64;
                    let near = near / found.len() as f64;
                    assert!(found.len() == expected.len() && near >= least_near, "{case} {name}: {near}");
                }
            }
        }
    }
}

#[test]
fn ffmpeg_sees_the_same_frames() {
    if !has_ffmpeg("ffmpeg_sees_the_same_frames") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let frames = film("320x240", 30);
    for (name, input) in
        [("a.y4m", "a.y4m"), ("a.avi", "a.avi"), ("p/%03d.png", "p/%03d.png"), ("j/%03d.jpg", "j/%03d.jpg")]
    {
        record(&folder.path().join(name), &RecordOptions::new(), &frames);
        let reference: Vec<_> = Reference::new(&folder.path().join(input), "bgr24", 320 * 240 * 3).collect();
        assert_eq!(reference.len(), 30, "{name}");
        let path = folder.path().join(name);
        let ours = played(if name.contains('%') { path.parent().unwrap() } else { &path });
        for ((ours, _), theirs) in ours.iter().zip(&reference) {
            let found = difference(ours.pixels(), theirs);
            // Colours at half the resolution are spread in ways of their own.
            assert!(found.mean < 2.5 && found.near > 0.9, "{name}: {found:?}");
        }
    }
}

/// Through ffmpeg: with the very times, and without loss where that was asked for.
#[test]
fn films_keep_times_and_where_asked_every_pixel() {
    if !has_ffmpeg("films_keep_times_and_where_asked_every_pixel") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, lossless, format, size) in [
        ("a.mkv", true, PixelFormat::Bgr, "320x240"),
        ("b.mkv", true, PixelFormat::Gray, "320x240"),
        ("c.mkv", true, PixelFormat::Rgba, "97x65"),
        ("d.mkv", false, PixelFormat::Bgr, "320x240"),
        ("a.mp4", true, PixelFormat::Bgr, "320x240"),
        ("b.mp4", true, PixelFormat::Gray, "97x65"),
        ("c.mp4", false, PixelFormat::Bgr, "320x240"),
        ("d.mp4", false, PixelFormat::Bgra, "97x65"),
        ("e.mp4", false, PixelFormat::Gray, "320x240"),
        ("a.mov", true, PixelFormat::Rgb, "97x65"),
        ("a.ts", false, PixelFormat::Bgr, "320x240"),
        ("a.webm", false, PixelFormat::Bgr, "320x240"),
    ] {
        let path = folder.path().join(name);
        let frames: Vec<_> = film(size, 45).iter().map(|frame| converted(frame, format)).collect();
        let recorded = record(&path, &RecordOptions::new().with_lossless(lossless), &frames);
        assert_eq!(recorded.bytes, bytes_in(&path), "{name}");
        if name.ends_with(".mp4") && !lossless && size == "320x240" {
            // In fragments, which need no ffmpeg to be read; and it is known how many frames there are.
            let source = open(&path, &built_in());
            let info = source.info();
            assert_eq!((info.frames, info.rate_varies), (Some(45), true), "{name}");
            assert!(info.frame_rate.unwrap().frames_per_second() < 31.0, "{:?}", info.frame_rate);
        }
        let played = played(&path);
        assert_eq!(played.len(), 45, "{name}");
        for (number, ((found, time), expected)) in played.iter().zip(&frames).enumerate() {
            let captured = captured(number as u64) - captured(0);
            assert!(
                time.abs_diff(captured) <= Duration::from_millis(1),
                "{name} {number}: {time:?} for {captured:?}"
            );
            let (found, expected) = (as_bgr(found), as_bgr(expected));
            if lossless {
                assert!(found == expected, "{name} {number}");
            } else {
                let found = difference(&found, &expected);
                assert!(found.mean < 8.0, "{name} {number}: {found:?}");
            }
        }
    }
}

/// 16 bits come back as they were.
#[test]
fn deep_pixels_are_kept_by_pngs_and_by_ffv1() {
    let shape = Shape::new(24, 32, 3).unwrap();
    let levels = (0..24 * 32 * 3_u16).flat_map(|at| at.wrapping_mul(2741).to_le_bytes()).collect::<Vec<_>>();
    let frame = Frame::new(levels.clone(), shape, ElementType::U16, PixelFormat::Bgr).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let pictures = folder.path().join("pictures/");
    record(&pictures, &RecordOptions::new(), &[frame.clone(), frame.clone()]);
    assert_eq!(played(&pictures)[1].0, frame);
    if !has_ffmpeg("deep_pixels_are_kept_by_pngs_and_by_ffv1") {
        return;
    }
    let path = folder.path().join("a.mkv");
    record(&path, &RecordOptions::new().with_lossless(true), &[frame.clone(), frame.clone()]);
    let kept: Vec<_> = Reference::new(&path, "bgr48le", levels.len()).collect();
    // At a constant rate, so perhaps more often.
    assert!(kept.len() >= 2 && kept.iter().all(|found| *found == levels));
    let mp4 = Recorder::create(folder.path().join("a.mp4"), &RecordOptions::new().with_lossless(true));
    let refused = mp4.unwrap().write(&frame, Duration::ZERO);
    assert!(matches!(refused, Err(RecordError::NotLossless { .. })), "{refused:?}");
}

#[test]
fn a_frame_of_another_kind_is_refused_and_the_film_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let (small, large) = (film("64x48", 3), film("80x48", 1));
    let kinds = if has_ffmpeg("a_frame_of_another_kind_is_refused") {
        &["a.y4m", "a.avi", "a.mkv"][..]
    } else {
        &["a.y4m", "a.avi"]
    };
    for name in kinds {
        let path = folder.path().join(name);
        let mut recorder = Recorder::create(&path, &RecordOptions::new()).unwrap();
        recorder.write(&small[0], captured(0)).unwrap();
        let refused = recorder.write(&large[0], captured(1)).unwrap_err();
        let said = refused.to_string();
        assert!(matches!(refused, RecordError::FormatChanged { .. }), "{said}");
        assert!(said.contains("48×80") && said.contains("48×64"), "{said}");
        recorder.write(&small[1], captured(2)).unwrap();
        assert_eq!(recorder.finish().unwrap().frames, 2);
        assert_eq!(played(&path).len(), 2, "{name}");
    }
}

#[test]
fn a_file_is_written_over_by_a_frame_and_not_by_a_name() {
    let folder = tempfile::tempdir().unwrap();
    let kinds = if has_ffmpeg("a_file_is_written_over_by_a_frame") {
        &["a.avi", "a.mp4", "a.mkv"][..]
    } else {
        &["a.avi"]
    };
    for name in kinds {
        let path = folder.path().join(name);
        std::fs::write(&path, [7; 200_000]).unwrap();
        Recorder::create(&path, &RecordOptions::new()).unwrap().finish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), [7; 200_000], "{name}");
        record(&path, &RecordOptions::new(), &film("64x48", 3));
        assert_eq!(played(&path).len(), 3, "{name}");
    }
}

/// Frames that came at once, or nearer to each other than the container's unit of time.
#[test]
fn every_frame_is_in_the_film_once_however_near_to_the_last() {
    if !has_ffmpeg("every_frame_is_in_the_film_once_however_near_to_the_last") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let frames = film("160x120", 90);
    // None apart, then microseconds, then half a millisecond, then a pause, and then as usual.
    let time = |number: u64| {
        Duration::from_micros(match number {
            0..20 => 0,
            20..40 => number,
            40..60 => 500 * number,
            _ => 2_000_000 + 33_333 * number,
        })
    };
    for name in ["a.mp4", "a.m4v", "a.mov", "a.mkv", "a.ts", "a.m2ts", "a.webm", "b.mkv", "b.mp4"] {
        let path = folder.path().join(name);
        let options = RecordOptions::new().with_lossless(name.starts_with('b'));
        let mut recorder = Recorder::create(&path, &options).unwrap();
        for (number, frame) in frames.iter().enumerate() {
            recorder.write(frame, time(number as u64)).unwrap();
        }
        assert_eq!(recorder.finish().unwrap().frames, 90, "{name}");
        let numbers: Vec<_> =
            played(&path).iter().map(|(frame, _)| TestPattern::read_number(frame).unwrap()).collect();
        assert_eq!(numbers, (0..90).collect::<Vec<_>>(), "{name}");
    }
}
