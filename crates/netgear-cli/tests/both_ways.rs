//! Data and frames that go with the frames and come back.

mod common;

use common::{digest, folder, run, same_frames, start_both, stream, text};
use netgear::media::Percent;
use serde_json::{Value as Json, json};

const PATTERNS: [&str; 2] = ["pair", "reqrep"];

#[test]
fn frames_come_back_and_both_digests_agree() {
    for pattern in PATTERNS {
        let (serve, view) = stream(
            &["test:640x480", "--fps", "max", "--frames", "40", "--pattern", pattern, "--digest"],
            &["--reply-frames", "test:320x240", "--pattern", pattern, "--digest"],
        );
        let (serve, view) = (serve.ok().json(), view.ok().json());
        assert_eq!(same_frames(&serve, &view), 40);
        assert_eq!(serve["bytes"], 40 * 640 * 480 * 3);
        for end in [&serve, &view] {
            assert_eq!(end["frames_returned"], 40, "{pattern}");
            assert_eq!(end["dropped"], 0, "{pattern}");
        }
        assert_eq!(digest(&serve, "returned_digest"), digest(&view, "returned_digest"));
        assert_ne!(digest(&serve, "returned_digest"), digest(&serve, "digest"));
        assert_eq!((&serve["data_received"], &view["data_sent"]), (&json!(40), &json!(40)));
    }
}

/// What the reply source has, over and over: it is shorter than what is served.
#[test]
fn a_source_of_replies_begins_again_at_its_end() {
    let folder = folder();
    let path = folder.path().join("two/");
    let (serve, view) = stream(&["test:64x48", "--frames", "2", "--fps", "max"], &["--record", text(&path)]);
    serve.ok();
    view.ok();
    let (serve, view) = stream(
        &["test:64x48", "--fps", "max", "--frames", "7", "--digest"],
        &["--reply-frames", text(&path), "--digest"],
    );
    let (serve, view) = (serve.ok().json(), view.ok().json());
    assert_eq!(serve["frames_returned"], 7);
    assert_eq!(digest(&serve, "returned_digest"), digest(&view, "returned_digest"));
}

/// An argument, and what is to be printed for it on the other end.
fn values() -> Vec<(&'static str, Json)> {
    vec![
        ("hello", json!("hello")),
        ("two words, \"quoted\"\n\u{1b}[31mand red", json!("two words, \"quoted\"\n\u{1b}[31mand red")),
        ("", json!("")),
        ("{broken", json!("{broken")),
        ("\"\"", json!("")),
        ("0", json!(0)),
        ("-1", json!(-1)),
        ("18446744073709551615", json!(u64::MAX)),
        ("1.0", json!(1.0)),
        ("-2.5", json!(-2.5)),
        ("1e300", json!(1e300)),
        ("false", json!(false)),
        ("null", json!(null)),
        ("[]", json!([])),
        ("{}", json!({})),
        (
            r#"{"a":{"b":[1,null,{"c":"ü"}]},"d":0,"e":"","f":false}"#,
            json!({"a": {"b": [1, null, {"c": "ü"}]}, "d": 0, "e": "", "f": false}),
        ),
    ]
}

#[test]
fn every_kind_of_data_is_printed_on_the_other_end_as_it_was() {
    let (values, frames) = (values(), 3);
    for (index, (there, printed_there)) in values.iter().enumerate() {
        let (back, printed_back) = &values[values.len() - 1 - index];
        let pattern = PATTERNS[index % 2];
        let (serve, view) = stream(
            &[
                "test:16x16",
                "--fps",
                "max",
                "--frames",
                "3",
                "--pattern",
                pattern,
                "--print-data",
                "--data",
                there,
            ],
            &["--pattern", pattern, "--print-data", "--reply", back],
        );
        let (serve, view) = (serve.ok(), view.ok());
        assert_eq!(view.data(), vec![printed_there.clone(); frames], "{there:?}: {}", view.stderr);
        assert_eq!(serve.data(), vec![printed_back.clone(); frames], "{back:?}: {}", serve.stderr);
        for end in [serve.json(), view.json()] {
            assert_eq!((&end["data_sent"], &end["data_received"]), (&json!(3), &json!(3)), "{there} {back}");
        }
        assert!(!view.stderr.contains('\u{1b}'), "a control code reaches the terminal: {:?}", view.stderr);
    }
}

/// Without `--json`, data goes to the standard output, where a pipe can take it.
#[test]
fn data_is_printed_on_the_standard_output() {
    let view = common::Program::start(&["view", "--bind", "tcp://127.0.0.1:0", "--print-data"]);
    let endpoint = view.listening();
    run(&[
        "serve",
        "test:16x16",
        "--connect",
        &endpoint,
        "--frames",
        "2",
        "--fps",
        "max",
        "--data",
        "[1, 2]",
    ])
    .ok();
    let view = view.end().ok();
    assert!(view.stdout.starts_with("[1, 2]\n[1, 2]\n2 frames in "), "{}", view.stdout);
    assert_eq!(view.stderr, format!("listening at {endpoint}\n"));
}

#[test]
fn frames_are_made_smaller_before_they_are_sent() {
    let (width, height) = Percent::new(30.0).unwrap().reduced_size(320, 240);
    let mut digests = Vec::new();
    for filter in ["nearest", "lanczos4", "antialiased-linear"] {
        let folder = folder();
        let last = folder.path().join("last.png");
        let (serve, view) = stream(
            &[
                "test:320x240",
                "--fps",
                "max",
                "--frames",
                "5",
                "--digest",
                "--reduce",
                "30",
                "--filter",
                filter,
            ],
            &["--digest", "--snapshot", text(&last)],
        );
        let (serve, view) = (serve.ok().json(), view.ok().json());
        assert_eq!(same_frames(&serve, &view), 5);
        assert_eq!(view["bytes"], 5 * width * height * 3);
        let picture = run(&["probe", text(&last), "--json"]).ok().json();
        assert_eq!((&picture["width"], &picture["height"]), (&json!(width), &json!(height)));
        digests.push(digest(&view, "digest"));
    }
    // Each filter makes other pixels.
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2], "{digests:?}");
}

#[test]
fn a_unidirectional_stream_carries_frames_alone() {
    for pattern in PATTERNS {
        let (serve, view) = stream(
            &[
                "test:64x48",
                "--fps",
                "max",
                "--frames",
                "20",
                "--pattern",
                pattern,
                "--unidirectional",
                "--digest",
            ],
            &["--pattern", pattern, "--unidirectional", "--digest"],
        );
        let (serve, view) = (serve.ok().json(), view.ok().json());
        assert_eq!(same_frames(&serve, &view), 20, "{pattern}");
        assert_eq!(
            (&serve["data_sent"], &serve["data_received"], &serve["dropped"]),
            (&json!(0), &json!(0), &json!(0))
        );
    }
}

/// "One end bidirectional and the other not is an error" on both ends, which says what to change.
#[test]
fn ends_of_different_modes_both_fail_and_say_which_end_to_change() {
    for pattern in PATTERNS {
        let one_way: &[&str] = &["--pattern", pattern, "--unidirectional"];
        let two_way: &[&str] = &["--pattern", pattern];
        for (serve_mode, view_mode) in [(one_way, two_way), (two_way, one_way)] {
            let (serve, view) = start_both(&[&["test:64x48"], serve_mode].concat(), view_mode);
            let endpoint = view.listening();
            let change_view = "make the receiver ";
            let change_serve = "make the sender ";
            serve.end().fails(1, &[change_view, "this sender", &endpoint]).json();
            view.end().fails(1, &[change_serve, "this receiver", &endpoint]).json();
        }
    }
}

#[test]
fn ends_of_different_patterns_both_fail_and_say_which_end_to_change() {
    let (serve, view) = stream(&["test:64x48", "--pattern", "reqrep"], &["--pattern", "pair"]);
    serve.fails(1, &["make the receiver use REQ/REP"]);
    view.fails(1, &["make the sender use PAIR"]);
}

#[test]
fn two_ends_of_the_same_role_both_fail() {
    let first = common::Program::start(&["serve", "test:64x48", "--bind", "tcp://127.0.0.1:0"]);
    let second = common::Program::start(&["serve", "test:64x48", "--connect", &first.listening()]);
    for end in [first.end(), second.end()] {
        end.fails(1, &["both ends are senders; make the other end a receiver"]);
    }
}
