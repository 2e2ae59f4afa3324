//! Files of more than 4 GiB, and films of very many frames: they start at once, and play in little memory.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, outside the test functions too"
)]

mod common;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use common::{assert_like_ffmpeg, built_in, film, has_ffmpeg, open};
use netgear_media::{FrameSource, Section, TestPattern};

const FOUR_GIB: u64 = 4 << 30;
/// What a player of one file may take, all in all.
const MOST_KIB: u64 = 200 << 10;

/// A box with its length before it.
fn boxed(kind: &[u8; 4], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), &kind[..], content].concat()
}

/// A table of a version, so many rows, and the rows.
fn table(kind: &[u8; 4], head: &[u32], rows: impl IntoIterator<Item = u32>) -> Vec<u8> {
    let words = head.iter().copied().chain(rows);
    boxed(kind, &words.flat_map(u32::to_be_bytes).collect::<Vec<_>>())
}

/// The content of the first box of this kind, wherever it is.
fn content<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> &'a [u8] {
    let at = bytes.windows(4).position(|window| window == kind).unwrap();
    let len = u32::from_be_bytes(bytes[at - 4..at].try_into().unwrap()) as usize;
    &bytes[at + 4..at - 4 + len]
}

/// The frames of `small`, over and over, `rounds` times, at 30 a second, in a file whose media data lies behind 4 GiB
/// of nothing and is followed by the `moov` box. The file is sparse: it takes no more than what is in it.
fn long_film(small: &Path, rounds: u32) -> PathBuf {
    let bytes = std::fs::read(small).unwrap();
    let words = |kind| -> Vec<u32> {
        content(&bytes, kind)
            .chunks_exact(4)
            .map(|word| u32::from_be_bytes(word.try_into().unwrap()))
            .collect()
    };
    let sizes = words(b"stsz")[3..].to_vec();
    assert!(!sizes.is_empty() && words(b"stco")[1] == 1, "a film of one chunk");
    let first = words(b"stco")[2] as usize;
    let media = &bytes[first..first + sizes.iter().sum::<u32>() as usize];
    let count = sizes.len() as u32;

    let path = small.with_file_name(format!("long-{rounds}.mp4"));
    let mut file = File::create(&path).unwrap();
    let media_at = FOUR_GIB + 4096;
    file.write_all(&boxed(b"ftyp", b"isom\0\0\x02\0isomavc1")).unwrap();
    let header_len = file.stream_position().unwrap();
    file.write_all(&1_u32.to_be_bytes()).unwrap();
    file.write_all(b"mdat").unwrap();
    file.write_all(&(media_at + media.len() as u64 - header_len).to_be_bytes()).unwrap();
    file.seek(SeekFrom::Start(media_at)).unwrap();
    file.write_all(media).unwrap();

    // One chunk a round, all at the same place.
    let offsets = (0..rounds).flat_map(|_| [(media_at >> 32) as u32, media_at as u32]);
    let sync = (0..rounds).map(|round| round * count + 1);
    let sample_table = [
        boxed(b"stsd", content(&bytes, b"stsd")),
        table(b"stsz", &[0, 0, rounds * count], (0..rounds).flat_map(|_| sizes.iter().copied())),
        table(b"co64", &[0, rounds], offsets),
        table(b"stsc", &[0, 1], [1, count, 1]),
        table(b"stts", &[0, 1], [rounds * count, 512]),
        table(b"stss", &[0, rounds], sync),
    ]
    .concat();
    let header = table(b"mdhd", &[0, 0, 0, 15360, 0, 0], []);
    let handler = boxed(b"hdlr", b"\0\0\0\0\0\0\0\0vide\0\0\0\0\0\0\0\0\0\0\0\0\0");
    let media_box = [header, handler, boxed(b"minf", &boxed(b"stbl", &sample_table))].concat();
    file.write_all(&boxed(b"moov", &boxed(b"trak", &boxed(b"mdia", &media_box)))).unwrap();
    path
}

/// The most memory that this process has had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Plays a file in a process of its own, whose memory is then this file's alone. Gives what it printed.
fn play_alone(path: &Path) -> String {
    let result = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "plays_one_file"])
        .env("NETGEAR_TEST_FILE", path)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&result.stdout).into_owned();
    assert!(result.status.success(), "{output}{}", String::from_utf8_lossy(&result.stderr));
    let figures = output.lines().find(|line| line.contains("KiB")).unwrap().to_owned();
    eprintln!("{}: {figures}", path.display());
    figures
}

#[test]
#[ignore = "the tests below run it, in a process of its own"]
fn plays_one_file() {
    let path = PathBuf::from(std::env::var("NETGEAR_TEST_FILE").unwrap());
    let started = Instant::now();
    let mut source = open(&path, &built_in());
    assert!(source.next_frame().unwrap().is_some());
    let first = started.elapsed();
    for _ in 0..60 {
        assert!(source.next_frame().unwrap().is_some());
    }
    let length = source.info().duration.unwrap();
    let started = Instant::now();
    source.seek(length - Duration::from_millis(500)).unwrap();
    assert!(source.next_frame().unwrap().is_some());
    let sought = started.elapsed();
    while source.next_frame().unwrap().is_some() {}
    println!(
        "first frame after {} ms, one near the end ({:.0} s) after {} ms, {} KiB at most",
        first.as_millis(),
        length.as_secs_f64(),
        sought.as_millis(),
        peak_kib()
    );
    assert!(peak_kib() < MOST_KIB, "{} KiB", peak_kib());
    // At once, even on a busy machine: reading 4 GiB would take longer.
    assert!(first < Duration::from_secs(5) && sought < Duration::from_secs(5), "{first:?} {sought:?}");
}

#[test]
fn media_data_behind_4_gib_plays_as_ffmpeg_plays_it() {
    if !has_ffmpeg("media_data_behind_4_gib_plays_as_ffmpeg_plays_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let coding = "-c:v libx264 -bf 0 -pix_fmt yuv420p -g 10";
    let small = film(folder.path(), "small.mp4", "160x120", "1", coding);
    let path = long_film(&small, 2);
    assert!(std::fs::metadata(&path).unwrap().len() > FOUR_GIB);
    assert_eq!(assert_like_ffmpeg(&path, &built_in()).0, 60);
}

#[test]
fn a_film_of_400000_frames_plays_in_little_memory() {
    if !has_ffmpeg("a_film_of_400000_frames_plays_in_little_memory") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let coding = "-c:v libx264 -bf 0 -pix_fmt yuv420p -g 10";
    let small = film(folder.path(), "small.mp4", "1280x720", "0.6667", coding);
    let path = long_film(&small, 20_000);
    assert_eq!(open(&path, &built_in()).info().frames, Some(400_000));
    play_alone(&path);
}

#[test]
fn a_y4m_of_more_than_4_gib_plays_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.y4m");
    // 1920 × 1080 pixels of 3 bytes each, at 30 frames a second, of which only some have anything in them.
    let frame_len = 1920 * 1080 * 3_u64;
    let header = b"YUV4MPEG2 W1920 H1080 F30:1 C444\n";
    let mut file = File::create(&path).unwrap();
    file.write_all(header).unwrap();
    let frames = FOUR_GIB / frame_len + 30;
    for number in 0..frames {
        file.seek(SeekFrom::Start(header.len() as u64 + number * (frame_len + 6))).unwrap();
        file.write_all(b"FRAME\n").unwrap();
    }
    // The last frame is white.
    for value in [235_u8, 128, 128] {
        file.write_all(&vec![value; 1920 * 1080]).unwrap();
    }
    drop(file);
    play_alone(&path);
    let last = Duration::from_secs_f64((frames as f64 - 0.5) / 30.0);
    let mut section = Section::new(open(&path, &built_in()), last, None).unwrap();
    let frame = section.next_frame().unwrap().unwrap().frame;
    assert!(frame.pixels().iter().all(|&level| level == 255));
    assert!(section.next_frame().unwrap().is_none());
    assert_eq!(TestPattern::read_number(&frame), None);
}
