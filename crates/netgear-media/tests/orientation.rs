//! Films that are to be turned or mirrored, against how ffmpeg turns them.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

mod common;

use common::{assert_like_ffmpeg, built_in, film, has_ffmpeg, open};
use netgear_media::{OpenError, OpenOptions, Source};

/// Writes a matrix into the track header of a film, as a camera would.
fn with_matrix(path: &std::path::Path, name: &str, [a, b, c, d]: [i32; 4]) -> std::path::PathBuf {
    let mut bytes = std::fs::read(path).unwrap();
    let header = bytes.windows(4).position(|window| window == b"tkhd").unwrap();
    assert_eq!(bytes[header + 4], 0, "the version of the track header");
    for (place, entry) in [(0, a), (1, b), (3, c), (4, d)] {
        let at = header + 4 + 40 + 4 * place;
        bytes[at..at + 4].copy_from_slice(&entry.to_be_bytes());
    }
    let path = path.with_file_name(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn every_turn_and_mirror_is_as_ffmpeg_makes_it() {
    if !has_ffmpeg("every_turn_and_mirror_is_as_ffmpeg_makes_it") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "flat.mp4", "176x100", "0.3", "-c:v libx264 -bf 2 -pix_fmt yuv420p");
    let one = 1 << 16;
    for (number, [a, b, c, d]) in [
        [1, 0, 0, 1],
        [0, 1, -1, 0],
        [-1, 0, 0, -1],
        [0, -1, 1, 0],
        [-1, 0, 0, 1],
        [1, 0, 0, -1],
        [0, 1, 1, 0],
        [0, -1, -1, 0],
    ]
    .into_iter()
    .enumerate()
    {
        let turned = with_matrix(&path, &format!("{number}.mp4"), [a * one, b * one, c * one, d * one]);
        let info = open(&turned, &built_in()).info().clone();
        assert_eq!(info.decoder, "rust_h264");
        let expected = if a == 0 { (100, 176) } else { (176, 100) };
        assert_eq!((info.width, info.height), expected, "[{a} {b} {c} {d}]");
        let (frames, worst) = assert_like_ffmpeg(&turned, &built_in());
        eprintln!("[{a} {b} {c} {d}]: {worst:?}");
        assert_eq!(frames, 9);
    }
}

#[test]
fn a_slanted_film_goes_to_ffmpeg() {
    if !has_ffmpeg("a_slanted_film_goes_to_ffmpeg") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = film(folder.path(), "flat.mp4", "176x100", "0.1", "-c:v libx264 -pix_fmt yuv420p");
    let slanted = with_matrix(&path, "slanted.mp4", [56756, 32768, -32768, 56756]);
    let error = Source::Path(slanted.clone()).open(&built_in()).err().unwrap();
    assert!(matches!(&error, OpenError::Unsupported { reason, .. } if reason.contains("turned")), "{error}");
    assert_eq!(Source::Path(slanted).probe(&OpenOptions::new()).unwrap().decoder, "ffmpeg");
}
