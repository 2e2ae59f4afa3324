//! Frames that cross encoded: what both ends say of them, and that they have the same pixels.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use common::{digest, run, same_frames, start_both, stream};

const PATTERNS: [&str; 2] = ["pair", "reqrep"];

/// Sends 40 frames so, and gives what both ends print.
fn cross(pattern: &str, encoding: &str) -> (serde_json::Value, serde_json::Value) {
    let (serve, view) = stream(
        &[
            "test:320x240",
            "--fps",
            "max",
            "--frames",
            "40",
            "--pattern",
            pattern,
            "--digest",
            "--encoding",
            encoding,
        ],
        &["--pattern", pattern, "--digest"],
    );
    (serve.ok().json(), view.ok().json())
}

#[test]
fn both_ends_have_the_same_pixels_in_fewer_bytes() {
    for pattern in PATTERNS {
        let (raw, _) = cross(pattern, "raw");
        assert_eq!((&raw["encoding"], &raw["ratio"]), (&"raw".into(), &1.0.into()));
        let mut wire_bytes = Vec::new();
        for encoding in ["jpeg:95:444", "jpeg:30", "lossless"] {
            let (serve, view) = cross(pattern, encoding);
            assert_eq!(same_frames(&serve, &view), 40, "{pattern} {encoding}");
            let is_as_raw = digest(&serve, "digest") == digest(&raw, "digest");
            assert_eq!(is_as_raw, encoding == "lossless", "{pattern} {encoding}");
            for end in [&serve, &view] {
                assert_eq!(end["encoding"], encoding.split(':').next().unwrap());
                assert_eq!((&end["frames_encoded"], &end["undecodable"]), (&40.into(), &0.into()));
                assert_eq!(end["bytes"], 40 * 320 * 240 * 3, "the pixels");
                let [bytes, wire] = ["bytes", "wire_bytes"].map(|field| end[field].as_u64().unwrap());
                assert!(wire < bytes, "{encoding}: {end}");
                assert!((end["ratio"].as_f64().unwrap() - wire as f64 / bytes as f64).abs() < 1e-9);
            }
            assert_eq!(serve["wire_bytes"], view["wire_bytes"]);
            wire_bytes.push(serve["wire_bytes"].as_u64().unwrap());
        }
        assert!(wire_bytes[1] < wire_bytes[0], "a lower quality is smaller: {wire_bytes:?}");
    }
}

#[test]
fn a_summary_tells_what_was_saved() {
    let (serve, view) = start_both(
        &["test:320x240", "--fps", "max", "--frames", "10", "--encoding", "lossless"],
        &["--print-data"],
    );
    serve.end().ok();
    view.end().ok();
    let demo =
        run(&["demo", "--frames", "10", "--fps", "max", "--size", "320x240", "--encoding", "jpeg"]).ok();
    assert!(demo.stdout.contains("10 frames as jpeg: "), "{}", demo.stdout);
    assert!(demo.stdout.contains("of the pixels"), "{}", demo.stdout);
}

/// Also frames that come back do so raw, and every pixel and item of data is there.
#[test]
fn a_demo_crosses_whole_in_each_encoding() {
    for pattern in PATTERNS {
        for encoding in ["raw", "jpeg", "lossless"] {
            let demo = run(&[
                "demo",
                "--pattern",
                pattern,
                "--frames",
                "20",
                "--fps",
                "max",
                "--size",
                "320x240",
                "--return-frames",
                "--transport",
                "ipc",
                "--encoding",
                encoding,
                "--json",
            ]);
            let json = demo.ok().json();
            assert_eq!(json["encoding"], encoding);
            assert_eq!(json["digest"], json["received_digest"], "{encoding}");
            // What went back is what had come.
            assert_eq!(json["digest"], json["returned_digest"], "{encoding}");
        }
    }
}

#[test]
fn a_receiver_that_decodes_nothing_gets_raw_frames_and_that_is_said_once() {
    let (serve, view) = stream(
        &[
            "test:64x48",
            "--fps",
            "max",
            "--frames",
            "10",
            "--digest",
            "--dialect",
            "vidgear",
            "--encoding",
            "jpeg",
        ],
        &["--dialect", "vidgear", "--digest"],
    );
    let (serve, view) = (serve.ok(), view.ok());
    assert_eq!(serve.stderr.matches("gets them raw").count(), 1, "{}", serve.stderr);
    let (serve, view) = (serve.json(), view.json());
    assert_eq!(same_frames(&serve, &view), 10);
    assert_eq!((&serve["encoding"], &serve["frames_encoded"]), (&"raw".into(), &0.into()));
}

#[test]
fn what_is_no_encoding_is_wrong_usage() {
    for (encoding, says) in [
        ("png", "there is no encoding"),
        ("jpeg::444", "jpeg:75:444"),
        ("jpeg:0", "from 1"),
        ("jpeg:101", "from 1"),
        ("jpeg:80:411", "444, 422 or 420"),
        ("raw:1", "there is no encoding"),
    ] {
        for command in [&["serve", "test:"][..], &["demo"]] {
            let ended = run(&[command, &["--encoding", encoding]].concat());
            assert_eq!(ended.status.code(), Some(2), "{encoding}");
            assert!(ended.stderr.contains(says), "{encoding}: {}", ended.stderr);
        }
    }
}
