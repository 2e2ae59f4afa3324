//! What happens where no ffmpeg is installed.

use std::process::Command;

use netgear_media::{OpenError, OpenOptions, Source};

/// The environment belongs to the whole process, so the test runs itself again with an empty PATH.
#[test]
fn a_missing_ffmpeg_is_named_with_how_to_install_it() {
    let folder = tempfile::tempdir().unwrap();
    let result = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "with_an_empty_path"])
        .env("PATH", folder.path())
        .output()
        .unwrap();
    let output = String::from_utf8_lossy(&result.stdout);
    assert!(result.status.success() && output.contains("1 passed"), "{output}");
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
