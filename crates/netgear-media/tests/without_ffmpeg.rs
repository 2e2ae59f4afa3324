//! What happens where no ffmpeg is installed.
#![allow(clippy::unwrap_used, reason = "it is test code, also outside the test functions")]

mod common;

use std::path::Path;
use std::process::Command;

use netgear_media::{Decoder, FrameSource, OpenError, OpenOptions, ReadError, Source};

/// The environment belongs to the whole process, so a test runs another one again with this folder as PATH.
fn run(test: &str, path: &Path) {
    let result = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", test])
        .env("PATH", path)
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&result.stdout);
    assert!(result.status.success() && output.contains("1 passed"), "{output}");
}

#[test]
fn a_missing_ffmpeg_is_named_with_how_to_install_it() {
    run("with_an_empty_path", tempfile::tempdir().unwrap().path());
}

#[test]
#[ignore = "the test above runs it, with an empty PATH"]
fn with_an_empty_path() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "not a video").unwrap();
    for source in [Source::Path(text), "rtsp://camera/1".parse().unwrap()] {
        let error = source.open(&OpenOptions::new()).err().unwrap();
        assert!(matches!(error, OpenError::FfmpegMissing { .. }), "{error}");
        assert!(error.to_string().contains("apt install ffmpeg"), "{error}");
    }
    // A file that a built-in decoder should read keeps its own error.
    let damaged = folder.path().join("damaged.mp4");
    std::fs::write(&damaged, b"\0\0\0\x10ftypisom\0\0\0\0").unwrap();
    let error = Source::Path(damaged).open(&OpenOptions::new()).err().unwrap();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
}

#[test]
#[cfg(unix)]
fn an_ffmpeg_that_is_gone_is_named_with_what_it_is_needed_for() {
    if !common::has_ffmpeg("an_ffmpeg_that_is_gone_is_named_with_what_it_is_needed_for") {
        return;
    }
    let path = std::env::var_os("PATH").unwrap();
    let installed =
        std::env::split_paths(&path).map(|folder| folder.join("ffmpeg")).find(|file| file.is_file());
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(installed.unwrap(), folder.path().join("ffmpeg")).unwrap();
    run("with_an_ffmpeg_that_is_removed", folder.path());
}

#[test]
#[ignore = "the test above runs it, with a PATH that has ffmpeg alone"]
fn with_an_ffmpeg_that_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.y4m");
    std::fs::write(&film, [b"YUV4MPEG2 W2 H2 F25:1 C420jpeg\nFRAME\n".as_slice(), &[128; 6]].concat())
        .unwrap();
    let options = OpenOptions::new().with_decoder(Decoder::Ffmpeg);
    let mut source = Source::Path(film).open(&options).unwrap();
    std::fs::remove_file(Path::new(&std::env::var_os("PATH").unwrap()).join("ffmpeg")).unwrap();
    let error = source.rewind().unwrap_err();
    assert!(matches!(error, ReadError::Rewind(OpenError::FfmpegMissing { .. })), "{error}");
    assert!(error.to_string().contains("ffmpeg was asked for"), "{error}");
}
