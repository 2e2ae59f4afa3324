//! Damaged files: errors or wrong pictures, never a panic here, never an end that does not come.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{built_in, film, has_ffmpeg};
use netgear_media::Source;

/// A small generator of numbers, the same in each run (xorshift64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % below as u64) as usize
    }
}

/// Reads what is there, to the end or the first error.
fn read(path: &Path, most: u64) -> Result<u64, String> {
    let mut source = Source::Path(path.to_owned()).open(&built_in()).map_err(|error| error.to_string())?;
    let mut frames = 0;
    while source.next_frame().map_err(|error| error.to_string())?.is_some() {
        frames += 1;
        assert!(frames <= most, "more frames than the file has");
    }
    Ok(frames)
}

/// Writes and reads so many damaged variants; gives how many were errors.
fn damage(path: &Path, variants: usize, most: u64, mut damaged: impl FnMut(&mut Vec<u8>, usize)) -> usize {
    let original = std::fs::read(path).unwrap();
    let target = path.with_extension("damaged");
    let mut errors = 0;
    for variant in 0..variants {
        let mut bytes = original.clone();
        damaged(&mut bytes, variant);
        std::fs::write(&target, &bytes).unwrap();
        let started = Instant::now();
        errors += usize::from(read(&target, most).is_err());
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "variant {variant} took {:?}",
            started.elapsed()
        );
    }
    errors
}

fn cut(variants: usize) -> impl FnMut(&mut Vec<u8>, usize) {
    move |bytes, variant| bytes.truncate(bytes.len() * variant / variants)
}

fn flip(seed: u64, flips: usize, from: usize, to: usize) -> impl FnMut(&mut Vec<u8>, usize) {
    let mut numbers = Numbers(seed);
    move |bytes, _| {
        for _ in 0..flips {
            let at = from + numbers.next(to.min(bytes.len()) - from);
            bytes[at] ^= 1 << numbers.next(8);
        }
    }
}

#[test]
fn a_damaged_mp4_is_an_error_or_a_wrong_picture() {
    if !has_ffmpeg("a_damaged_mp4_is_an_error_or_a_wrong_picture") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let arguments = "-c:v libx264 -bf 2 -refs 3 -g 8 -pix_fmt yuv420p -movflags +faststart";
    let path = film(folder.path(), "film.mp4", "96x64", "0.5", arguments);
    assert_eq!(read(&path, 15), Ok(15));
    let bytes = std::fs::read(&path).unwrap();
    let media = bytes.windows(4).position(|window| window == b"mdat").unwrap();

    let cut_errors = damage(&path, 100, 15, cut(100));
    assert!(cut_errors >= 99, "{cut_errors}");
    // The tables: a flip may well be in a field that nobody reads.
    let table_errors = damage(&path, 300, u64::MAX, flip(1, 1, 0, media));
    assert!(table_errors > 30, "{table_errors}");
    damage(&path, 200, u64::MAX, flip(2, 1, media, usize::MAX));
    damage(&path, 100, u64::MAX, flip(3, 20, media, usize::MAX));
}

#[test]
fn a_damaged_y4m_is_an_error_or_a_wrong_picture() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("film.y4m");
    let mut pattern = netgear_media::TestPattern::new("32x24".parse().unwrap());
    let mut recorder = netgear_media::Recorder::create(&path, "25".parse().unwrap()).unwrap();
    for number in 0..4 {
        recorder.write(&pattern.frame(number)).unwrap();
    }
    recorder.finish().unwrap();
    assert_eq!(read(&path, 4), Ok(4));
    let len = std::fs::metadata(&path).unwrap().len() as usize;
    let cut_errors = damage(&path, len / 7, 4, cut(len / 7));
    assert!(cut_errors > len / 7 - 5, "{cut_errors}");
    let header_errors = damage(&path, 300, u64::MAX, flip(4, 1, 0, 70));
    assert!(header_errors > 50, "{header_errors}");
}

#[test]
fn a_damaged_gif_or_png_is_an_error_or_a_wrong_picture() {
    let folder = tempfile::tempdir().unwrap();
    let png = folder.path().join("a.png");
    let mut pattern = netgear_media::TestPattern::new("32x24".parse().unwrap());
    netgear_media::save_picture(&pattern.frame(1), &png).unwrap();
    damage(&png, 100, 1, cut(100));
    assert!(damage(&png, 200, 1, flip(5, 1, 0, usize::MAX)) > 150);
    if has_ffmpeg("a_damaged_gif_or_png_is_an_error_or_a_wrong_picture") {
        let gif = film(folder.path(), "film.gif", "32x24", "0.2", "");
        damage(&gif, 100, 1000, cut(100));
        damage(&gif, 200, u64::MAX, flip(6, 1, 0, usize::MAX));
    }
}
