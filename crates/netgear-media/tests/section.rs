//! Sections of films against what ffmpeg's `-ss` and `-t` give, frame for frame.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::path::Path;
use std::time::Duration;

use common::{Reference, built_in, difference, ffmpeg, film, has_ffmpeg, open};
use netgear_media::{
    Decoder, FrameRate, FrameSource, Looped, OpenOptions, Section, SectionError, Source, TimedFrame,
    save_picture,
};

fn by_ffmpeg() -> OpenOptions {
    OpenOptions::new().with_decoder(Decoder::Ffmpeg)
}

/// From one frame to another, of thirty a second.
fn section(path: &Path, options: &OpenOptions, first: u64, last: u64) -> Section<Box<dyn FrameSource>> {
    let (start, end) = (FrameRate::THIRTY.time_of(first), FrameRate::THIRTY.time_of(last + 1));
    Section::new(open(path, options), start, Some(end - start)).unwrap()
}

fn all(source: &mut dyn FrameSource) -> Vec<TimedFrame> {
    std::iter::from_fn(|| source.next_frame().unwrap()).collect()
}

/// ffmpeg seeks half a millisecond early, so that rounding does not matter. Within an open group it gives wrong
/// pictures, and without an edit list it counts from before the first frame, so there its frames are counted.
fn like_ffmpeg(path: &Path, options: &OpenOptions, first: u64, last: u64) {
    let seconds = |frame: u64| format!("{:.4}", (frame as f64 / 30.0 - 0.0005).max(0.0));
    let length = format!("{:.4}", (last + 1 - first) as f64 / 30.0 - 0.0005);
    let is_counted = ["open", "no-edit-list"].iter().any(|name| path.to_str().unwrap().contains(name));
    let mut section = section(path, options, first, last);
    let info = section.info().clone();
    let frame_len = info.width as usize * info.height as usize * 3;
    let mut expected: Box<dyn Iterator<Item = Vec<u8>>> = if is_counted {
        let frames = Reference::new(path, "bgr24", frame_len);
        Box::new(frames.skip(first as usize).take((last + 1 - first) as usize))
    } else {
        Box::new(Reference::section(path, &seconds(first), &length, frame_len))
    };
    let frames = all(&mut section);
    let what = format!("{} {first} to {last} by {}", path.display(), info.decoder);
    assert_eq!(frames.len() as u64, last + 1 - first, "{what}");
    assert_eq!(info.frames, Some(last + 1 - first), "{what}");
    for (number, found) in frames.iter().enumerate() {
        let difference = difference(found.frame.pixels(), &expected.next().unwrap());
        assert!(difference.mean < 1.0, "{what}: frame {number}: {difference:?}");
        let time = FrameRate::THIRTY.time_of(number as u64);
        assert!(found.time.abs_diff(time) < Duration::from_micros(2), "{what}: {:?}", found.time);
    }
    assert!(expected.next().is_none(), "{what}: ffmpeg has more");
    section.rewind().unwrap();
    assert_eq!(section.next_frame().unwrap().unwrap(), frames[0], "{what}: rewound");
}

#[test]
fn a_section_of_an_mp4_begins_with_the_very_frame() {
    if !has_ffmpeg("a_section_of_an_mp4_begins_with_the_very_frame") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments) in [
        ("closed", "-c:v libx264 -bf 3 -g 12 -x264-params scenecut=0"),
        ("open", "-c:v libx264 -bf 3 -x264-params open_gop=1:keyint=10:b-pyramid=normal:scenecut=0"),
        (
            "open-many-references",
            "-c:v libx264 -bf 8 -refs 8 -x264-params open_gop=1:keyint=15:b-adapt=0:scenecut=0",
        ),
        ("intra", "-c:v libx264 -g 1"),
        ("one-group", "-c:v libx264 -bf 2 -g 300"),
        ("interlaced", "-c:v libx264 -g 10 -flags +ildct+ilme -x264-params tff=1"),
        ("no-edit-list", "-c:v libx264 -bf 2 -g 10 -use_editlist 0"),
        ("negative-offsets", "-c:v libx264 -bf 2 -g 10 -movflags +negative_cts_offsets"),
    ] {
        let arguments = format!("-pix_fmt yuv420p {arguments}");
        let path = film(folder.path(), &format!("{name}.mp4"), "160x120", "2", &arguments);
        // Where what was passed over might be missing, both decoders are asked.
        let threads = if name.starts_with("open") { &[1, 4][..] } else { &[2] };
        for &threads in threads {
            for (first, last) in [(0, 3), (1, 9), (9, 11), (10, 10), (29, 33), (41, 59), (59, 59)] {
                like_ffmpeg(&path, &built_in().with_threads(threads), first, last);
            }
        }
    }
}

#[test]
fn every_frame_of_an_open_group_can_be_sought() {
    if !has_ffmpeg("every_frame_of_an_open_group_can_be_sought") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        "-pix_fmt yuv420p -c:v libx264 -bf 3 -x264-params open_gop=1:keyint=10:b-pyramid=normal:scenecut=0";
    let path = film(folder.path(), "open.mp4", "160x120", "1", arguments);
    let straight = all(&mut *open(&path, &built_in()));
    assert_eq!(straight.len(), 30);
    let mut source = open(&path, &built_in());
    for number in (0..30).rev().chain([7, 23, 8]) {
        source.seek(straight[number].time).unwrap();
        // To the end, since what was passed over might be missing in a later frame.
        assert_eq!(all(&mut *source), straight[number..], "from frame {number}");
    }
}

#[test]
fn a_section_through_ffmpeg_begins_with_the_very_frame() {
    if !has_ffmpeg("a_section_through_ffmpeg_begins_with_the_very_frame") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let coding = "-c:v libx264 -bf 3 -g 12 -pix_fmt yuv420p";
    let plain = film(folder.path(), "film.mp4", "160x120", "3", coding);
    // A sound that begins before the picture.
    let delayed = folder.path().join("delayed.ts");
    ffmpeg(
        &format!(
            "-itsoffset 0.5 -f lavfi -t 3 -i testsrc2=size=160x120:rate=30 -f lavfi -t 3 -i sine {coding} -c:a mp2 -map 0 -map 1"
        ),
        &delayed,
    );
    for (first, last) in [(0, 3), (10, 12), (45, 89), (89, 89)] {
        like_ffmpeg(&plain, &by_ffmpeg(), first, last);
    }
    let straight = all(&mut *open(&delayed, &by_ffmpeg()));
    assert_eq!((straight.len(), straight[0].time), (90, Duration::ZERO));
    for number in [0, 1, 40, 88] {
        let time = straight[number].time + Duration::from_millis(5);
        let mut section = Section::new(open(&delayed, &by_ffmpeg()), time, None).unwrap();
        let found = section.next_frame().unwrap().unwrap();
        let is = straight.iter().position(|frame| frame.frame == found.frame);
        assert_eq!(is, Some(number));
    }
}

#[test]
fn y4m_sequences_and_gifs_have_sections_too() {
    if !has_ffmpeg("y4m_sequences_and_gifs_have_sections_too") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.y4m", "160x120", "1", "-pix_fmt yuv420p");
    for (first, last) in [(0, 3), (17, 29), (29, 29)] {
        like_ffmpeg(&path, &built_in(), first, last);
    }
    // Where the frames' lines are not all alike, their places cannot be worked out.
    let bytes = std::fs::read(&path).unwrap();
    let second = bytes.windows(6).enumerate().filter(|(_, line)| line == b"FRAME\n").nth(1).unwrap().0;
    let uneven = folder.path().join("uneven.y4m");
    std::fs::write(&uneven, [&bytes[..second], b"FRAME Ip\n", &bytes[second + 6..]].concat()).unwrap();
    let straight = all(&mut *open(&uneven, &built_in()));
    let mut section = Section::new(open(&uneven, &built_in()), straight[20].time, None).unwrap();
    assert!(section.next_frame().unwrap().unwrap().frame == straight[20].frame);

    let gif = folder.path().join("film.gif");
    ffmpeg("-f lavfi -i testsrc2=size=160x120:rate=10 -t 1", &gif);
    let straight = all(&mut *open(&gif, &built_in()));
    let mut section = Section::new(open(&gif, &built_in()), Duration::from_millis(450), None).unwrap();
    let first = section.next_frame().unwrap().unwrap();
    assert!(first.frame == straight[4].frame);
    assert_eq!((first.time, first.duration), (Duration::ZERO, Some(Duration::from_millis(50))));

    for number in 0..5_u64 {
        let mut pattern = netgear_media::TestPattern::new("64x48".parse().unwrap());
        save_picture(&pattern.frame(number), folder.path().join(format!("p{number}.png"))).unwrap();
    }
    let source: Source = format!("{}/p%d.png", folder.path().display()).parse().unwrap();
    let options = OpenOptions::new().with_sequence_rate("10".parse().unwrap());
    let section = Section::new(source.open(&options).unwrap(), Duration::from_millis(210), None).unwrap();
    let mut looped = Looped::new(section);
    let numbers = [2, 3, 4, 2, 3, 4, 2];
    for number in numbers {
        let frame = looped.next_frame().unwrap().unwrap();
        assert_eq!(netgear_media::TestPattern::read_number(&frame.frame), Some(number));
    }
}

#[test]
fn a_start_past_the_end_of_a_film_is_an_error() {
    if !has_ffmpeg("a_start_past_the_end_of_a_film_is_an_error") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.mp4", "160x120", "1", "-c:v libx264 -pix_fmt yuv420p");
    for options in [built_in(), by_ffmpeg()] {
        let error = Section::new(open(&path, &options), Duration::from_secs(1), None).err().unwrap();
        assert!(matches!(error, SectionError::PastEnd { length, .. } if length == Duration::from_secs(1)));
        assert!(error.to_string().contains("1.000 s"), "{error}");
    }
}

#[test]
fn a_looped_section_of_a_film_goes_round_without_a_gap() {
    if !has_ffmpeg("a_looped_section_of_a_film_goes_round_without_a_gap") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "film.mp4", "160x120", "2", "-c:v libx264 -bf 3 -g 12 -pix_fmt yuv420p");
    for options in [built_in(), by_ffmpeg()] {
        let expected = all(&mut section(&path, &options, 25, 44));
        let mut looped = Looped::new(section(&path, &options, 25, 44));
        for number in 0..50 {
            let found = looped.next_frame().unwrap().unwrap();
            assert!(found.frame == expected[number % 20].frame, "frame {number}");
            let time = FrameRate::THIRTY.time_of(number as u64);
            assert!(found.time.abs_diff(time) < Duration::from_micros(20), "{:?} for {time:?}", found.time);
        }
    }
}
