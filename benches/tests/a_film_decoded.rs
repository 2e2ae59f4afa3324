//! A film that is read by the end that decodes.
#![allow(missing_docs, reason = "tests document themselves")]

use std::{fs, process::Command};

use serde_json::Value;

fn decode(film: &std::path::Path) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_end"))
        .arg("decode")
        .arg(film)
        .output()
        .expect("it was built with the tests")
}

#[test]
fn every_frame_is_counted_with_its_pixels() {
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("film.y4m");
    let mut bytes = b"YUV4MPEG2 W16 H8 F30:1 C420jpeg\n".to_vec();
    for level in [0, 128, 255] {
        bytes.extend(b"FRAME\n");
        bytes.extend([level; 16 * 8 * 3 / 2]);
    }
    fs::write(&film, bytes).unwrap();
    let decoded = decode(&film);
    let printed: Value = serde_json::from_slice(&decoded.stdout).unwrap();
    assert_eq!((&printed["frames"], &printed["bytes"]), (&3.into(), &(3 * 16 * 8 * 3).into()));
    assert!(printed["seconds"].as_f64().is_some_and(|seconds| seconds > 0.0), "{printed}");
    assert!(!decode(&folder.path().join("none.mp4")).status.success());
}
