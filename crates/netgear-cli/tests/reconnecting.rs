//! Either end may die and come back; the other goes on by itself.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{thread, time::Duration};

use common::{Program, folder, same_frames, start_both};

const PATTERNS: [&str; 2] = ["pair", "reqrep"];

const ENCODINGS: [&str; 3] = ["raw", "jpeg", "lossless"];

/// Each pattern with each encoding.
fn each_encoding() -> impl Iterator<Item = (&'static str, &'static str)> {
    PATTERNS.into_iter().flat_map(|pattern| ENCODINGS.map(|encoding| (pattern, encoding)))
}

/// What came was encoded so, all of it, and could be decoded.
#[track_caller]
fn assert_encoded(view: &serde_json::Value, encoding: &str) {
    assert_eq!((&view["encoding"], &view["undecodable"]), (&encoding.into(), &0.into()), "{view}");
    let encoded = if encoding == "raw" { &0.into() } else { &view["frames"] };
    assert_eq!(&view["frames_encoded"], encoded, "{view}");
}

#[test]
fn a_receiver_that_is_killed_and_started_again_is_streamed_to_again() {
    thread::scope(|scope| {
        for (pattern, encoding) in each_encoding() {
            let kills = if encoding == "raw" { 3 } else { 2 };
            scope.spawn(move || {
                // A place that is nobody else's while it is free.
                let folder = folder();
                let endpoint = format!("ipc://{}", folder.path().join("s").display());
                let view = ["view", "--bind", &endpoint, "--pattern", pattern, "--print-data", "--json"];
                let serve = ["serve", "test:64x48@60", "--connect", &endpoint, "--data", "tick", "--json"];
                let serve =
                    Program::start(&[&serve[..], &["--pattern", pattern, "--encoding", encoding]].concat());
                for _ in 0..kills {
                    let view = Program::start(&view);
                    view.stderr_lines("\"tick\"", 10);
                    view.signal("KILL");
                }
                let view = Program::start(&view);
                view.stderr_lines("\"tick\"", 10);
                serve.signal("INT");
                let (serve, view) = (serve.end().ok(), view.end().ok());
                assert_eq!(
                    serve.stderr.matches("waiting for it to come back").count(),
                    kills,
                    "{}",
                    serve.stderr
                );
                // Good news is no warning, and nothing is said in the words of the code.
                assert_eq!(serve.stderr.matches("the receiver is back").count(), kills, "{}", serve.stderr);
                assert!(!serve.stderr.contains("Peer {"), "{}", serve.stderr);
                let (serve, view) = (serve.json(), view.json());
                assert_eq!((&serve["reconnects"], &serve["dropped"]), (&kills.into(), &0.into()), "{serve}");
                assert_encoded(&view, encoding);
                assert!(view["frames"].as_u64().unwrap() >= 10);
            });
        }
    });
}

#[test]
fn a_sender_that_is_killed_and_started_again_is_received_again() {
    thread::scope(|scope| {
        for (pattern, encoding) in each_encoding() {
            scope.spawn(move || {
                let (serve, view) = start_both(
                    &["test:64x48@60", "--pattern", pattern, "--data", "first", "--encoding", encoding],
                    &["--pattern", pattern, "--print-data"],
                );
                view.stderr_lines("\"first\"", 10);
                serve.signal("KILL");
                let endpoint = view.listening();
                let again = ["serve", "test:64x48", "--connect", &endpoint, "--frames", "20", "--fps", "max"];
                let options = ["--pattern", pattern, "--data", "second", "--encoding", encoding];
                let again = Program::start(&[&again[..], &options].concat());
                again.end().ok();
                let view = view.end().ok();
                assert_eq!(view.stderr.matches("\"second\"").count(), 20);
                assert_eq!(view.json()["reconnects"], 1);
                assert_encoded(&view.json(), encoding);
            });
        }
    });
}

/// That it is back is no warning, and what it is stands in words.
#[test]
fn the_log_says_in_words_that_the_peer_is_back() {
    let view = Program::start(&["view", "-v", "--bind", "tcp://127.0.0.1:0", "--print-data", "--json"]);
    let endpoint = view.listening();
    let serve = ["serve", "test:64x48@60", "--connect", &endpoint, "--data"];
    let killed = Program::start(&[&serve[..], &["\"first\""]].concat());
    view.stderr_lines("\"first\"", 3);
    killed.signal("KILL");
    Program::start(&[&serve[..], &["\"second\"", "--frames", "3"]].concat()).end().ok();
    let said = view.end().ok().stderr;
    let line = |what: &str| said.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{said}"));
    for what in [": connected ", ": the peer is back "] {
        let line = line(what);
        assert!(
            line.contains(" INFO ") && line.contains("peer=native sender on PAIR, bidirectional"),
            "{line}"
        );
    }
    assert!(line("waiting for it to come back").contains(" WARN "));
}

/// What is read faster than it is taken is dropped, and counted.
#[test]
fn a_source_that_must_not_wait_drops_what_the_receiver_is_too_slow_for() {
    thread::scope(|scope| {
        for (policy, encoding) in ENCODINGS
            .into_iter()
            .flat_map(|encoding| ["latest", "drop-newest"].map(|policy| (policy, encoding)))
        {
            scope.spawn(move || {
                let serve = ["test:64x48", "--fps", "400", "--frames", "400", "--policy", policy];
                let (serve, view) = start_both(
                    &[&serve[..], &["--data", "tick", "--encoding", encoding]].concat(),
                    // Replies at 20 a second slow it down.
                    &["--reply-frames", "test:64x48@20", "--print-data"],
                );
                let (serve, view) = (serve.end().ok().json(), view.end().ok().json());
                let [sent, dropped, received] =
                    [&serve["frames"], &serve["dropped"], &view["frames"]].map(|it| it.as_u64().unwrap());
                assert_eq!((sent + dropped, sent), (400, received), "{policy}: {serve} {view}");
                assert_eq!((&serve["data_sent"], &view["data_received"]), (&400.into(), &400.into()));
                assert_eq!(serve["digest"], serde_json::Value::Null);
                assert_encoded(&view, encoding);
            });
        }
    });
}

/// With `block` the receiver gets every frame, and every pixel of it, though the connection is lost.
#[test]
fn no_frame_of_a_file_is_lost_when_its_receiver_pauses() {
    thread::scope(|scope| {
        for encoding in ENCODINGS {
            scope.spawn(move || {
                let serve = ["test:64x48", "--fps", "200", "--frames", "300", "--digest", "--data", "tick"];
                let (serve, view) = start_both(
                    &[&serve[..], &["--encoding", encoding]].concat(),
                    &["--digest", "--print-data"],
                );
                view.stderr_lines("\"tick\"", 50);
                view.signal("STOP");
                thread::sleep(Duration::from_secs(7));
                view.signal("CONT");
                let (serve, view) = (serve.end().ok(), view.end().ok());
                assert!(serve.stderr.contains("waiting for it to come back"), "{}", serve.stderr);
                assert_eq!(same_frames(&serve.json(), &view.json()), 300);
                assert_encoded(&view.json(), encoding);
            });
        }
    });
}

/// Nothing is lost without a word, also if the receiver never comes back.
#[test]
fn what_a_lost_receiver_did_not_get_is_said_at_the_end() {
    for pattern in PATTERNS {
        let (serve, view) = start_both(
            &["test:64x48@60", "--data", "tick", "--pattern", pattern],
            &["--print-data", "--pattern", pattern],
        );
        view.stderr_lines("\"tick\"", 10);
        view.signal("KILL");
        serve.stderr_lines("", 1);
        thread::sleep(Duration::from_millis(300));
        serve.signal("INT");
        let serve = serve.end_within(Duration::from_secs(4)).ok();
        assert!(serve.stderr.contains(" not delivered: \"tick\""), "{}", serve.stderr);
        let json = serve.json();
        assert!(json["data_undelivered"].as_u64().unwrap() > 0, "{json}");
    }
}

/// A receiver that takes longer for a frame than closing may last is told goodbye all the same, and does not wait for
/// more.
#[test]
fn a_slow_receiver_learns_that_the_sender_has_left() {
    for pattern in PATTERNS {
        let (serve, view) = start_both(
            &["test:64x48", "--fps", "max", "--data", "tick", "--pattern", pattern],
            &["--reply-frames", "test:64x48@0.4", "--print-data", "--pattern", pattern],
        );
        view.stderr_lines("\"tick\"", 1);
        serve.signal("INT");
        serve.end_within(Duration::from_secs(4)).ok();
        view.end_within(Duration::from_secs(12)).ok();
    }
}
