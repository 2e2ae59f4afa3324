//! Motion JPEG, in AVI files and raw: what ffmpeg writes, and files put together by hand for what it does not write.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::fs::File;
use std::io::{Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{built_in, ffmpeg, film, has_ffmpeg, open};
use netgear_media::proto::Frame;
use netgear_media::{FrameRate, FrameSource, OpenError, ReadError, Source, write_jpeg};

/// A gray picture that tells its number by its level.
fn jpeg(number: u8) -> Vec<u8> {
    let mut jpeg = Vec::new();
    write_jpeg(&Frame::gray8(16, 8, vec![10 * number; 128]).unwrap(), 90, &mut jpeg).unwrap();
    jpeg
}

/// The numbers and times, and the error at the end.
fn read(source: &mut dyn FrameSource) -> (Vec<(u8, u128)>, Option<ReadError>) {
    let mut frames = Vec::new();
    loop {
        match source.next_frame() {
            Ok(Some(next)) => {
                frames.push((next.frame.pixels()[0].saturating_add(5) / 10, next.time.as_millis()))
            }
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

fn chunk(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let padding = vec![0; content.len() % 2];
    [kind, &(content.len() as u32).to_le_bytes()[..], content, &padding].concat()
}

fn list(kind: &[u8; 4], inner: &[u8], chunks: &[Vec<u8>]) -> Vec<u8> {
    chunk(kind, &[inner, &chunks.concat()].concat())
}

/// The header of a file with sound in its stream 0 and 25 pictures a second in its stream 1.
fn header(height: u32) -> Vec<u8> {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let sound = [&b"auds\0\0\0\0"[..], &words(&[0, 0, 0, 1, 8000, 0, 9, 0, 0, 0])].concat();
    let video = [&b"vidsMJPG"[..], &words(&[0, 0, 0, 2, 50, 0, 5, 0, 0, 0])].concat();
    let format = [words(&[40, 16, height, 24 << 16 | 1]), b"MJPG".to_vec(), vec![0; 20]].concat();
    list(
        b"LIST",
        b"hdrl",
        &[
            chunk(b"avih", &words(&[40_000; 14])),
            list(b"LIST", b"strl", &[chunk(b"strh", &sound), chunk(b"strf", &[0; 18])]),
            list(b"LIST", b"strl", &[chunk(b"strh", &video), chunk(b"strf", &format)]),
        ],
    )
}

fn picture(number: u8) -> Vec<u8> {
    chunk(b"01dc", &jpeg(number))
}

fn avi(pictures: &[Vec<u8>]) -> Vec<u8> {
    list(b"RIFF", b"AVI ", &[header(8), chunk(b"JUNK", &[7; 33]), list(b"LIST", b"movi", pictures)])
}

fn written(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn open_error(path: &Path) -> OpenError {
    Source::Path(path.to_owned()).open(&built_in()).err().unwrap()
}

#[test]
fn pictures_are_found_among_sound_lists_and_further_segments() {
    let sound = || chunk(b"00wb", &[1; 99]);
    let group = list(b"LIST", b"rec ", &[sound(), picture(2), sound()]);
    let mut file =
        avi(&[sound(), picture(1), sound(), group, chunk(b"ix01", &[0; 24]), chunk(b"01db", &jpeg(3))]);
    file.extend(chunk(b"idx1", &[0; 64]));
    // OpenDML: what is past the first gigabyte.
    file.extend(list(b"RIFF", b"AVIX", &[list(b"LIST", b"movi", &[sound(), picture(4)])]));
    file.extend(list(b"RIFF", b"AVIX", &[list(b"LIST", b"movi", &[picture(5)])]));
    let (_folder, path) = written(&file);
    let mut source = open(&path, &built_in());
    let info = source.info().clone();
    assert_eq!((info.width, info.height, info.frames), (16, 8, Some(5)));
    assert_eq!((info.frame_rate, info.duration), (FrameRate::new(25, 1), Some(Duration::from_millis(200))));
    let expected = [(1, 0), (2, 40), (3, 80), (4, 120), (5, 160)];
    for _ in 0..2 {
        let (frames, error) = read(&mut source);
        assert_eq!((&frames[..], error.is_none()), (&expected[..], true));
        source.rewind().unwrap();
    }
}

#[test]
fn pictures_past_four_gigabytes_are_found_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut file = File::create(&path).unwrap();
    file.write_all(&avi(&[picture(1)])).unwrap();
    // Holes, of which no byte is on the disk.
    for number in 2..5 {
        let gap = 0x7000_0000_u32;
        file.write_all(b"RIFF\0\0\0\0AVIXLIST\0\0\0\0moviJUNK").unwrap();
        file.write_all(&gap.to_le_bytes()).unwrap();
        file.seek_relative(gap.into()).unwrap();
        file.write_all(&picture(number)).unwrap();
    }
    assert!(file.stream_position().unwrap() > 5 << 30);
    let mut source = open(&path, &built_in());
    let (frames, error) = read(&mut source);
    assert_eq!((&frames[..], error.is_none()), (&[(1, 0), (2, 40), (3, 80), (4, 120)][..], true));
    source.seek(Duration::from_millis(125)).unwrap();
    assert_eq!(read(&mut source).0, [(4, 120)]);
}

#[test]
fn an_empty_chunk_leaves_the_picture_before_it_for_longer() {
    let empty = || chunk(b"01dc", b"");
    let (_folder, path) = written(&avi(&[empty(), picture(1), empty(), empty(), picture(2)]));
    let mut source = open(&path, &built_in());
    let durations = std::iter::from_fn(|| source.next_frame().unwrap()).map(|frame| frame.duration);
    assert_eq!(durations.collect::<Vec<_>>(), [120, 40].map(|time| Some(Duration::from_millis(time))));
    source.rewind().unwrap();
    assert_eq!(read(&mut source).0, [(1, 40), (2, 160)]);
    source.seek(Duration::from_millis(130)).unwrap();
    assert_eq!(read(&mut source).0, [(1, 40), (2, 160)]);
    source.seek(Duration::from_millis(160)).unwrap();
    assert_eq!(read(&mut source).0, [(2, 160)]);
}

#[test]
fn seeking_leads_to_the_frame_that_is_shown() {
    let (_folder, avi) = written(&avi(&(0..20).map(picture).collect::<Vec<_>>()));
    let raw = avi.with_extension("mjpeg");
    std::fs::write(&raw, (0..20).flat_map(jpeg).collect::<Vec<_>>()).unwrap();
    let options = built_in().with_sequence_rate(FrameRate::new(25, 1).unwrap());
    for path in [avi, raw] {
        let mut source = open(&path, &options);
        assert_eq!(read(&mut source).0.len(), 20);
        for (milliseconds, expected) in
            [(0, 0), (39, 0), (40, 1), (41, 1), (400, 10), (399, 9), (760, 19), (5, 0)]
        {
            source.seek(Duration::from_millis(milliseconds)).unwrap();
            let found = source.next_frame().unwrap().unwrap();
            let number = (found.frame.pixels()[0] + 5) / 10;
            assert_eq!((number, found.time), (expected, Duration::from_millis(40 * u64::from(expected))));
        }
        // Past the end: the last frame, or none.
        source.seek(Duration::from_secs(3600)).unwrap();
        assert!(read(&mut source).0.len() <= 1);
        source.rewind().unwrap();
        assert_eq!(read(&mut source).0.len(), 20);
    }
}

#[test]
fn the_frames_before_the_damage_come_and_then_the_error() {
    let whole = avi(&[picture(1), picture(2), picture(3)]);
    let last = whole.len() - picture(3).len();
    for (cut, frames) in [(whole.len() - 5, 2), (last + 9, 2), (last + 3, 2), (last, 2), (last - 5, 1)] {
        let (_folder, path) = written(&whole[..cut]);
        let (found, error) = read(&mut open(&path, &built_in()));
        assert_eq!(found.len(), frames, "{cut}");
        assert!(matches!(error, Some(ReadError::Damaged { .. })), "{cut}: {error:?}");
    }
    let mut overwritten = whole.clone();
    overwritten[last..last + 4].fill(0);
    let (_folder, path) = written(&overwritten);
    let (found, error) = read(&mut open(&path, &built_in()));
    assert!(found.len() == 2 && error.is_some(), "{found:?} {error:?}");

    let raw: Vec<u8> = (1..4).flat_map(jpeg).collect();
    let (_folder, path) = written(&raw[..raw.len() - 3]);
    let (found, error) = read(&mut open(&path, &built_in()));
    assert_eq!(found.len(), 2);
    assert!(matches!(error, Some(ReadError::Damaged { frame: 2, .. })), "{error:?}");
}

#[test]
fn a_picture_of_another_size_is_an_error() {
    let mut other = Vec::new();
    write_jpeg(&Frame::gray8(8, 16, vec![0; 128]).unwrap(), 90, &mut other).unwrap();
    for file in
        [avi(&[picture(1), picture(2), chunk(b"01dc", &other)]), [jpeg(1), jpeg(2), other.clone()].concat()]
    {
        let (_folder, path) = written(&file);
        let (found, error) = read(&mut open(&path, &built_in()));
        assert_eq!(found.len(), 2);
        assert!(matches!(error, Some(ReadError::FormatChanged { .. })), "{error:?}");
    }
}

#[test]
fn what_is_read_elsewhere_is_left_to_ffmpeg() {
    let interlaced = list(b"RIFF", b"AVI ", &[header(16), list(b"LIST", b"movi", &[picture(1)])]);
    let (_folder, path) = written(&interlaced);
    assert!(matches!(open_error(&path), OpenError::Unsupported { .. }));
    let mut other = avi(&[picture(1)]);
    let codec = other.windows(4).rposition(|window| window == b"MJPG").unwrap();
    other[codec..codec + 4].copy_from_slice(b"XVID");
    let (_folder, path) = written(&other);
    assert!(matches!(open_error(&path), OpenError::Unsupported { reason, .. } if reason.contains("XVID")));
    let (_folder, path) = written(&avi(&[]));
    assert!(matches!(open_error(&path), OpenError::Damaged { .. }));
    let small = built_in().with_max_frame_bytes(16 * 8 * 3 - 1);
    let (_folder, path) = written(&avi(&[picture(1)]));
    assert!(matches!(Source::Path(path).open(&small), Err(OpenError::TooLarge { width: 16, height: 8, .. })));
}

#[test]
fn a_photograph_with_something_behind_it_stays_one() {
    let views = |first: &[u8]| [&first[..2], b"\xff\xe2\0\x06MPF\0", &first[2..]].concat();
    let mut smaller = Vec::new();
    write_jpeg(&Frame::gray8(8, 4, vec![0; 32]).unwrap(), 90, &mut smaller).unwrap();
    for file in [
        jpeg(1),
        [jpeg(1), b"\0\0\0\x18ftypmp42 and a short film".to_vec()].concat(),
        [jpeg(1), smaller].concat(),
        [views(&jpeg(1)), views(&jpeg(2))].concat(),
    ] {
        let (_folder, path) = written(&file);
        let mut source = open(&path, &built_in());
        assert_eq!((source.info().frames, source.info().decoder.as_str()), (Some(1), "image"));
        assert_eq!(read(&mut source).0, [(1, 0)]);
    }
}

#[test]
fn a_file_larger_than_its_header_can_say_begins_at_once() {
    // A recorder that was switched off leaves the lengths of the file and its list 0.
    let mut unfinished = avi(&[picture(1), picture(2)]);
    let movi = unfinished.windows(4).position(|window| window == b"movi").unwrap();
    unfinished[4..8].fill(0);
    unfinished[movi - 4..movi].fill(0);
    let (_folder, path) = written(&unfinished);
    let (found, error) = read(&mut open(&path, &built_in()));
    assert_eq!(found, [(1, 0), (2, 40)]);
    assert!(error.is_none(), "{error:?}");
}

#[test]
fn ffmpegs_avi_with_sound_is_read_and_its_other_codings_are_not() {
    if !has_ffmpeg("ffmpegs_avi_with_sound_is_read_and_its_other_codings_are_not") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.avi");
    ffmpeg(
        "-f lavfi -i sine=frequency=440 -f lavfi -i testsrc2=size=162x122:rate=30000/1001 -t 1 -map 0 -map 1 -map 0 \
         -c:v mjpeg -pix_fmt yuvj422p -c:a pcm_s16le",
        &path,
    );
    let mut source = open(&path, &built_in());
    let info = source.info().clone();
    assert_eq!((info.width, info.height, info.frames), (162, 122, Some(30)));
    assert_eq!(info.frame_rate, FrameRate::new(30_000, 1001));
    assert_eq!((info.codec.as_str(), info.decoder.as_str()), ("mjpeg", "zune-jpeg"));
    let (frames, error) = read(&mut source);
    assert!(frames.len() == 30 && error.is_none(), "{error:?}");

    let other = film(folder.path(), "other.avi", "160x120", "0.2", "-c:v mpeg4");
    assert!(matches!(open_error(&other), OpenError::Unsupported { .. }));
    assert_eq!(Source::Path(other).probe(&Default::default()).unwrap().decoder, "ffmpeg");
}
