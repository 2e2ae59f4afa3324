//! What the fuzz targets once found, and the inputs that reach most of the code, as ordinary tests.
//! `cargo xtask fuzz` goes on from here, and `cargo xtask fuzz --minimise` writes the corpora anew.
//!
//! A corpus is a folder of `tests/data/fuzz` with the name of its target. `FUZZ_TRACE=1` shows what a decoder
//! panicked with.

#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what they share")]

mod targets;

use std::{fs, panic, path::Path};

use netgear_media::proto::Encoding;

use self::targets::{Played, encoded_frame::Reached};

/// Runs every input of a corpus, and says which it was that failed.
fn replay<R>(target: &str, run: impl Fn(&[u8]) -> R) -> Vec<R> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzz").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let run = |path: &Path| {
        let input = fs::read(path).unwrap();
        let result = panic::catch_unwind(panic::AssertUnwindSafe(|| run(&input)));
        result.unwrap_or_else(|_| panic!("this input shows it: {}", path.display()))
    };
    paths.iter().map(|path| run(path)).collect()
}

/// A corpus whose inputs do not reach what they are for would show nothing.
#[track_caller]
fn assert_reached<R>(results: &[R], what: &str, reached: impl Fn(&R) -> bool) {
    assert!(results.iter().any(reached), "no input of the corpus reaches this: {what}");
}

#[track_caller]
fn assert_played(results: &[Played]) {
    assert_reached(results, "a file that is refused", |played| !played.is_open);
    assert_reached(results, "frames to the end", |played| played.frames > 1 && !played.has_failed);
    assert_reached(results, "frames before an error", |played| played.frames > 0 && played.has_failed);
}

#[test]
fn mp4_tables() {
    let results = replay("mp4", targets::mp4::run);
    assert_reached(&results, "a file that is refused", |played| !played.is_open);
    assert_reached(&results, "a film", |played| played.is_open);
}

#[test]
fn mp4_frames() {
    assert_played(&replay("mp4_frames", targets::mp4_frames::run));
}

#[test]
fn y4m_files() {
    assert_played(&replay("y4m", targets::y4m::run));
}

#[test]
fn avi_files() {
    assert_played(&replay("avi", targets::avi::run));
}

#[test]
fn pictures_one_behind_the_other() {
    assert_played(&replay("mjpeg", targets::mjpeg::run));
}

#[test]
fn single_jpeg_pictures() {
    let results = replay("jpeg", targets::jpeg::run);
    assert_reached(&results, "a picture", |played| played.frames == 1 && !played.has_failed);
    assert_reached(&results, "an error", |played| played.has_failed);
}

#[test]
fn encoded_frames() {
    let results = replay("encoded_frame", targets::encoded_frame::run);
    for encoding in [Encoding::Jpeg, Encoding::Lossless] {
        for reached in [Reached::Refused(encoding), Reached::Decoded(encoding), Reached::CameBack(encoding)] {
            assert_reached(&results, &format!("{reached:?}"), |result| *result == reached);
        }
    }
    assert_reached(&results, "pixels that become no smaller", |result| *result == Reached::StayedRaw);
}

#[test]
fn gif_files() {
    assert_played(&replay("gif", targets::gif::run));
}

#[test]
fn png_files() {
    let results = replay("png", targets::png::run);
    assert_reached(&results, "a single picture", |played| played.frames == 1 && !played.is_moving);
    assert_played(&results);
}

#[test]
fn webp_files() {
    let results = replay("webp", targets::webp::run);
    assert_reached(&results, "a single picture", |played| played.frames == 1 && !played.is_moving);
    assert_played(&results);
}

#[test]
fn text_forms() {
    let results = replay("source_texts", targets::source_texts::run);
    assert_reached(&results, "a text of several kinds", |read| *read > 1);
    assert_reached(&results, "no text", |read| *read == 0);
}
