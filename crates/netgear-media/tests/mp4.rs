//! The built-in MP4 and H.264 decoder against ffmpeg's.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::time::Duration;

use common::{assert_like_ffmpeg, built_in, ffmpeg, film, has_ffmpeg, open};
use netgear_media::{Decoder, FrameRate, OpenError, OpenOptions, ReadError, Source};

#[test]
fn ten_seconds_with_b_frames_and_sound_are_as_ffmpeg_decodes_them() {
    if !has_ffmpeg("ten_seconds_with_b_frames_and_sound_are_as_ffmpeg_decodes_them") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mp4");
    ffmpeg(
        "-f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=frequency=440 -t 10 \
         -c:v libx264 -bf 3 -pix_fmt yuv420p -c:a aac",
        &path,
    );
    let source = open(&path, &OpenOptions::new());
    let info = source.info();
    assert_eq!((info.width, info.height, info.frames), (1280, 720, Some(300)));
    assert_eq!(info.frame_rate, FrameRate::new(30, 1));
    assert_eq!(info.duration, Some(Duration::from_secs(10)));
    assert_eq!((info.codec.as_str(), info.decoder.as_str()), ("h264", "rust_h264"));
    let (frames, worst) = assert_like_ffmpeg(&path, &built_in());
    eprintln!("{frames} frames, worst {worst:?}");
    assert_eq!(frames, 300);
}

#[test]
fn every_way_of_coding_is_as_ffmpeg_decodes_it() {
    if !has_ffmpeg("every_way_of_coding_is_as_ffmpeg_decodes_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, size, arguments) in [
        ("main", "320x240", "-c:v libx264 -profile:v main -bf 3 -b_strategy 0 -refs 4"),
        ("baseline", "320x240", "-c:v libx264 -profile:v baseline"),
        (
            "bt709",
            "320x240",
            "-c:v libx264 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv",
        ),
        ("full-range", "320x240", "-c:v libx264 -pix_fmt yuvj420p -color_range pc"),
        ("cropped", "318x238", "-c:v libx264"),
        ("slices", "320x240", "-c:v libx264 -x264-params slices=4:weightp=2:keyint=7"),
        ("intra", "320x240", "-c:v libx264 -g 1 -qp 4"),
        ("interlaced", "320x240", "-c:v libx264 -flags +ildct+ilme -x264-params tff=1"),
        ("open-gop", "320x240", "-c:v libx264 -bf 3 -x264-params open_gop=1:keyint=10:b-pyramid=normal"),
        ("co64-front", "320x240", "-c:v libx264 -movflags +faststart"),
        ("negative-cts", "320x240", "-c:v libx264 -bf 2 -movflags +negative_cts_offsets"),
    ] {
        let arguments = format!("-pix_fmt yuv420p {arguments}");
        let path = film(folder.path(), &format!("{name}.mp4"), size, "1", &arguments);
        let (frames, worst) = assert_like_ffmpeg(&path, &built_in());
        eprintln!("{name}: {frames} frames, worst {worst:?}");
        assert_eq!(frames, 30, "{name}");
        assert_eq!(pictures(&path, &built_in().with_threads(1)), pictures(&path, &built_in()), "{name}");
    }
}

#[test]
fn fragmented_films_are_as_ffmpeg_decodes_them() {
    if !has_ffmpeg("fragmented_films_are_as_ffmpeg_decodes_them") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    // ffmpeg moves pictures that are shown later than the sound begins: those of a film that has B-frames. Most kinds
    // of sound begin before the pictures; FLAC does not.
    const SILENT: &str = "";
    const SOUND: &str = "-f lavfi -i sine -c:a flac -strict -2 ";
    for (name, sound, arguments) in [
        ("as-recorded", SILENT, "-bf 2 -movflags +frag_keyframe+empty_moov+default_base_moof"),
        ("absolute", SOUND, "-bf 0 -movflags +frag_keyframe+empty_moov"),
        ("first-in-moov", SOUND, "-bf 0 -movflags +frag_keyframe+default_base_moof"),
        ("each-frame", SOUND, "-bf 0 -movflags +frag_every_frame+empty_moov+default_base_moof"),
        (
            "negative-cts",
            SILENT,
            "-bf 2 -movflags +frag_keyframe+empty_moov+default_base_moof+negative_cts_offsets",
        ),
        ("delayed", SILENT, "-bf 2 -movflags +frag_keyframe+empty_moov+default_base_moof+delay_moov"),
        ("sidx", SOUND, "-bf 0 -movflags +dash+frag_keyframe"),
    ] {
        let path = folder.path().join(format!("{name}.mp4"));
        let arguments = format!(
            "-f lavfi -i testsrc2=size=160x120:rate=30 {sound}-t 2 -c:v libx264 -g 20 -pix_fmt yuv420p {arguments}"
        );
        ffmpeg(&arguments, &path);
        let mut source = open(&path, &built_in());
        assert_eq!(source.info().frames, Some(60), "{name}");
        assert_eq!(source.info().frame_rate, FrameRate::new(30, 1), "{name}");
        assert_eq!(assert_like_ffmpeg(&path, &built_in()).0, 60, "{name}");
        // From a fragment on that is not the first.
        let all = pictures(&path, &built_in());
        source.seek(all[50].time).unwrap();
        let first = source.next_frame().unwrap().unwrap();
        assert!((Duration::from_secs(1)..=all[50].time).contains(&first.time), "{name}: {:?}", first.time);
        assert!(all.contains(&first), "{name}");
    }
}

#[test]
fn a_fragmented_film_that_was_cut_off_plays_up_to_there() {
    if !has_ffmpeg("a_fragmented_film_that_was_cut_off_plays_up_to_there") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let coding =
        "-c:v libx264 -g 10 -bf 2 -pix_fmt yuv420p -movflags +frag_keyframe+empty_moov+default_base_moof";
    let path = film(folder.path(), "film.mp4", "160x120", "2", coding);
    let whole = pictures(&path, &built_in());
    let bytes = std::fs::read(&path).unwrap();
    let cut = folder.path().join("cut.mp4");
    let mut most = 0;
    for eighths in 3..8 {
        std::fs::write(&cut, &bytes[..bytes.len() * eighths / 8]).unwrap();
        let mut source = open(&cut, &built_in());
        let mut played = Vec::new();
        let end = loop {
            match source.next_frame() {
                Ok(Some(frame)) => played.push(frame),
                end => break end,
            }
        };
        // What is there was there, at the same time. Of those shown just before the last, some may come behind it in
        // the file.
        let is_same = played.iter().all(|a| whole.iter().any(|b| (a.time, &a.frame) == (b.time, &b.frame)));
        assert!(is_same && played.len() > most, "{eighths}: {} frames after {most}", played.len());
        assert!(matches!(end, Ok(None) | Err(ReadError::Damaged { .. })), "{eighths}: {end:?}");
        most = played.len();
    }
    assert!(most < whole.len());

    // Between two fragments it could have ended; within the box that begins one it could not.
    let last = bytes.windows(4).rposition(|kind| kind == b"moof").unwrap() - 4;
    for (len, is_reported) in [(last, false), (last + 4, true), (last + 60, true)] {
        std::fs::write(&cut, &bytes[..len]).unwrap();
        let mut source = open(&cut, &built_in());
        let mut frames = 0;
        let end = loop {
            match source.next_frame() {
                Ok(Some(_)) => frames += 1,
                end => break end,
            }
        };
        assert_eq!(frames, 50, "{len} bytes");
        assert_eq!(matches!(end, Err(ReadError::Damaged { .. })), is_reported, "{len} bytes: {end:?}");
    }
}

fn pictures(path: &std::path::Path, options: &OpenOptions) -> Vec<netgear_media::TimedFrame> {
    let mut source = open(path, options);
    std::iter::from_fn(|| source.next_frame().unwrap()).collect()
}

#[test]
fn quicktime_with_other_tracks_is_read_too() {
    if !has_ffmpeg("quicktime_with_other_tracks_is_read_too") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.mov");
    ffmpeg(
        "-f lavfi -i sine -f lavfi -i testsrc2=size=160x120:rate=25 -t 1 -map 0 -map 1 -map 0 -timecode 01:00:00:00 \
         -c:v libx264 -pix_fmt yuv420p -c:a pcm_s16le",
        &path,
    );
    assert_eq!(assert_like_ffmpeg(&path, &built_in()).0, 25);
}

/// The pictures agree in all but rounding, so a wider tolerance would hide nothing; FFmpeg blends 4:2:2 and 10-bit
/// colours differently, so only luma is compared there: in gray.
#[test]
fn ten_bits_and_half_chroma_come_as_8_bit_bgr() {
    if !has_ffmpeg("ten_bits_and_half_chroma_come_as_8_bit_bgr") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for pixel_format in ["yuv420p10le", "yuv422p", "yuv422p10le"] {
        let arguments = format!("-vf hue=s=0 -c:v libx264 -bf 2 -pix_fmt {pixel_format}");
        let path = film(folder.path(), "film.mp4", "320x240", "0.5", &arguments);
        let (frames, worst) = assert_like_ffmpeg(&path, &built_in());
        eprintln!("{pixel_format}: worst {worst:?}");
        assert_eq!(frames, 15);
    }
}

#[test]
fn times_are_those_of_the_file_and_start_at_zero() {
    if !has_ffmpeg("times_are_those_of_the_file_and_start_at_zero") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path =
        film(folder.path(), "film.mp4", "160x120", "1", "-c:v libx264 -bf 3 -pix_fmt yuv420p -r 30000/1001");
    let mut source = open(&path, &built_in());
    let rate = FrameRate::new(30_000, 1001).unwrap();
    assert_eq!(source.info().frame_rate, Some(rate));
    for _ in 0..2 {
        let mut number = 0;
        while let Some(frame) = source.next_frame().unwrap() {
            assert_eq!(frame.time, rate.time_of(number));
            number += 1;
        }
        assert_eq!(Some(number), source.info().frames);
        source.rewind().unwrap();
    }
}

#[test]
fn an_edit_list_leaves_out_what_it_cuts() {
    if !has_ffmpeg("an_edit_list_leaves_out_what_it_cuts") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let whole = film(folder.path(), "whole.mp4", "160x120", "2", "-c:v libx264 -bf 2 -g 30 -pix_fmt yuv420p");
    let cut = folder.path().join("cut.mp4");
    // A cut in the middle of a group of pictures, without coding anew, is an edit list.
    ffmpeg(&format!("-ss 0.5 -i {} -c copy", whole.display()), &cut);
    let (frames, _) = assert_like_ffmpeg(&cut, &built_in());
    assert_eq!(frames, 45);
}

#[test]
fn what_is_not_decoded_here_goes_to_ffmpeg_or_is_a_clear_error() {
    if !has_ffmpeg("what_is_not_decoded_here_goes_to_ffmpeg_or_is_a_clear_error") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, reason) in [
        ("444.mp4", "-c:v libx264 -pix_fmt yuv444p", "4:4:4"),
        ("mpeg4.mp4", "-c:v mpeg4", "mp4v"),
        ("film.mkv", "-c:v libx264 -pix_fmt yuv420p", "first bytes"),
    ] {
        let path = film(folder.path(), name, "160x120", "0.5", arguments);
        let error = Source::Path(path.clone()).open(&built_in()).err().unwrap();
        assert!(matches!(error, OpenError::Unsupported { .. }), "{error}");
        assert!(error.to_string().contains(reason) && error.to_string().contains("ffmpeg"), "{error}");
        let info = Source::Path(path.clone()).probe(&OpenOptions::new()).unwrap();
        assert_eq!((info.decoder.as_str(), info.width, info.height), ("ffmpeg", 160, 120));
        assert_eq!(assert_like_ffmpeg(&path, &OpenOptions::new()).0, 15, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_off_gives_what_it_has_and_then_an_error() {
    if !has_ffmpeg("a_file_that_is_cut_off_gives_what_it_has_and_then_an_error") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-c:v libx264 -bf 2 -pix_fmt yuv420p -movflags +faststart";
    let path = film(folder.path(), "film.mp4", "160x120", "1", arguments);
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() * 3 / 4]).unwrap();
    let mut source = open(&path, &built_in());
    let mut frames = 0;
    let error = loop {
        match source.next_frame() {
            Ok(Some(_)) => frames += 1,
            Ok(None) => panic!("it ended without an error after {frames} frames"),
            Err(error) => break error,
        }
    };
    assert!((10..30).contains(&frames), "{frames}");
    assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
    assert_eq!(source.next_frame().unwrap(), None);
}

#[test]
fn a_frame_larger_than_allowed_is_refused() {
    if !has_ffmpeg("a_frame_larger_than_allowed_is_refused") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.mp4", "320x240", "0.1", "-c:v libx264 -pix_fmt yuv420p");
    for decoder in [Decoder::BuiltIn, Decoder::Ffmpeg] {
        let options = OpenOptions::new().with_decoder(decoder).with_max_frame_bytes(320 * 240 * 3 - 1);
        let error = Source::Path(path.clone()).open(&options).err().unwrap();
        assert!(matches!(error, OpenError::TooLarge { width: 320, height: 240, .. }), "{error}");
    }
}

/// Pictures that need no other are decoded in any order, and those that are done wait for the one that is not: for as
/// long as the system gives its thread no time.
#[test]
fn a_thread_that_is_overtaken_by_all_others_is_waited_for() {
    if !has_ffmpeg("a_thread_that_is_overtaken_by_all_others_is_waited_for") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-c:v libx264 -preset ultrafast -g 1 -pix_fmt yuv420p";
    let path = film(folder.path(), "film.mp4", "16x16", "60", arguments);
    for threads in [2, 8] {
        let mut source = open(&path, &built_in().with_threads(threads));
        let mut frames = 0;
        while source.next_frame().unwrap().is_some() {
            frames += 1;
        }
        assert_eq!(frames, 1800, "{threads} threads");
    }
}
