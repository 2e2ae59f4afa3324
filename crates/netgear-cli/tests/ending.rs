//! How a stream ends: in good order when somebody wants it to, and with an error that says what happened when not.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use common::{Program, command, folder, free_tcp, run, same_frames, start_both, stream, text};
use netgear::{
    media::save_picture,
    prelude::{ElementType, Frame, PixelFormat, Shape},
};
use serde_json::json;

const PATTERNS: [&str; 2] = ["pair", "reqrep"];

/// 2 s is what is promised, on a machine that has the time.
const PROMPTLY: Duration = Duration::from_secs(4);

/// Both ends in mid-stream.
fn streaming(pattern: &str) -> (Program, Program) {
    let (serve, view) = start_both(
        &["test:320x240@60", "--pattern", pattern, "--digest", "--data", "tick", "--no-reconnect"],
        &["--pattern", pattern, "--digest", "--print-data", "--no-reconnect"],
    );
    view.stderr_lines("\"tick\"", 20);
    (serve, view)
}

#[test]
fn a_signal_to_either_end_ends_both_in_good_order() {
    thread::scope(|scope| {
        for pattern in PATTERNS {
            scope.spawn(move || {
                for (signal, to_serve) in [("INT", true), ("INT", false), ("TERM", true), ("TERM", false)] {
                    let (serve, view) = streaming(pattern);
                    let start = Instant::now();
                    if to_serve {
                        serve.signal(signal)
                    } else {
                        view.signal(signal)
                    }
                    let (serve, view) = (serve.end_within(PROMPTLY).ok(), view.end_within(PROMPTLY).ok());
                    println!("{pattern} {signal} to_serve={to_serve}: {:?}", start.elapsed());
                    let (serve, view) = (serve.json(), view.json());
                    assert!(same_frames(&serve, &view) >= 20);
                    // A frame that nobody took is none that crossed: a window of them at most is on its way, and one
                    // waits.
                    let dropped = serve["dropped"].as_u64().unwrap();
                    assert!(dropped <= 3 * u64::from(!to_serve), "{pattern} {signal} {to_serve}: {dropped}");
                }
            });
        }
    });
}

/// From the moment at which they meet on, whatever the two are about.
#[test]
fn a_signal_at_any_moment_ends_both_in_good_order() {
    thread::scope(|scope| {
        for pattern in PATTERNS {
            for to_serve in [true, false] {
                scope.spawn(move || {
                    for moment in 0..12_u64 {
                        let (serve, view) = start_both(
                            &["test:320x240", "--fps", "max", "--pattern", pattern, "--data", "tick", "-v"],
                            &["--pattern", pattern, "--reply", "tock", "-v"],
                        );
                        // Both log that they have met.
                        let (first, second) = if to_serve { (&serve, &view) } else { (&view, &serve) };
                        first.stderr_lines("20", 1);
                        second.stderr_lines("20", 1);
                        thread::sleep(Duration::from_millis(moment * moment));
                        first.signal("INT");
                        serve.end_within(PROMPTLY).ok();
                        view.end_within(PROMPTLY).ok();
                    }
                });
            }
        }
    });
}

#[test]
fn a_signal_ends_an_end_that_waits_for_a_peer() {
    let folder = folder();
    let socket = folder.path().join("s");
    let ipc = format!("ipc://{}", socket.display());
    let nobody = free_tcp();
    for way in [["--bind", "tcp://127.0.0.1:0"], ["--bind", &ipc], ["--connect", &nobody]] {
        for (signal, end) in [("INT", &["serve", "test:64x48"][..]), ("INT", &["view"]), ("TERM", &["view"])]
        {
            let program = Program::start(&[end, &way, &["--json"]].concat());
            if way[0] == "--bind" {
                program.listening();
            } else {
                thread::sleep(Duration::from_millis(500));
            }
            program.signal(signal);
            let json = program.end_within(PROMPTLY).ok().json();
            assert_eq!((&json["frames"], &json["peer"]), (&json!(0), &json!(null)));
            assert!(!socket.exists(), "the socket's file is left behind");
        }
    }
}

/// The frame that is on its way when the user stops the sender arrives, and is counted on both ends.
#[test]
fn nothing_is_dropped_when_the_sender_is_stopped_under_load() {
    for pattern in PATTERNS {
        let (serve, view) = start_both(
            &["test:1280x720", "--fps", "max", "--pattern", pattern, "--digest", "--data", "tick"],
            &["--pattern", pattern, "--digest", "--print-data"],
        );
        view.stderr_lines("\"tick\"", 5);
        serve.signal("INT");
        let (serve, view) = (serve.end_within(PROMPTLY).ok().json(), view.end_within(PROMPTLY).ok().json());
        same_frames(&serve, &view);
        assert_eq!(serve["dropped"], 0, "{pattern}");
    }
}

/// A demo is both ends: the receiver ends as the sender does.
#[test]
fn a_demo_that_is_stopped_has_lost_nothing() {
    for (pattern, signal) in [("pair", "INT"), ("reqrep", "TERM")] {
        let demo = ["demo", "--size", "320x240", "--fps", "max", "--pattern", pattern, "--json", "-v"];
        let demo = Program::start(&demo);
        // It logs the two ends' meeting.
        demo.stderr_lines("", 2);
        thread::sleep(Duration::from_millis(200));
        demo.signal(signal);
        let json = demo.end_within(PROMPTLY).ok().json();
        assert!(json["frames"].as_u64().unwrap() > 0 && json["seconds"].as_f64().unwrap() < 5.0, "{json}");
        assert_eq!((&json["frames"], &json["dropped"]), (&json["received_frames"], &json!(0)));
        assert_eq!(json["digest"], json["received_digest"]);
    }
}

#[test]
fn an_end_whose_peer_is_killed_says_so() {
    thread::scope(|scope| {
        for pattern in PATTERNS {
            for kill_serve in [true, false] {
                scope.spawn(move || {
                    let (serve, view) = streaming(pattern);
                    let endpoint = view.listening();
                    let (killed, other) = if kill_serve { (serve, view) } else { (view, serve) };
                    killed.signal("KILL");
                    let other = other.end_within(Duration::from_secs(7));
                    let other = other.fails(1, &[&format!("error: {endpoint}: ")]);
                    other.json();
                    let says_so = ["without a goodbye", "the connection broke"];
                    assert!(says_so.iter().any(|text| other.stderr.contains(text)), "{}", other.stderr);
                });
            }
        }
    });
}

/// What one end does whose peer was stopped in mid-stream, for either of them. The stopped one is the second.
fn with_a_stopped_peer(check: impl Fn(Program, Program) + Sync) {
    thread::scope(|scope| {
        for stop_serve in [true, false] {
            let check = &check;
            scope.spawn(move || {
                let (serve, view) = streaming("pair");
                let (stopped, other) = if stop_serve { (serve, view) } else { (view, serve) };
                stopped.signal("STOP");
                check(other, stopped);
            });
        }
    });
}

/// A peer that hangs, or whose cable was pulled, closes nothing: the heartbeat finds it out.
#[test]
fn an_end_whose_peer_falls_silent_says_so() {
    with_a_stopped_peer(|other, _stopped| {
        other.end_within(Duration::from_secs(9)).fails(1, &["error: ", "tcp://127.0.0.1:"]).json();
    });
}

/// Ctrl-C must work when the peer hangs, too. A program that was stopped for longer than a peer may be silent reads
/// what the peer has said meanwhile, before it judges it by the time. (On REQ/REP it may have been the stopped end's
/// turn, and nothing could be said.)
#[test]
fn a_signal_ends_an_end_whose_peer_hangs_and_that_one_hears_the_goodbye_later() {
    with_a_stopped_peer(|other, stopped| {
        thread::sleep(Duration::from_millis(300));
        other.signal("INT");
        other.end_within(PROMPTLY).ok().json();
        thread::sleep(Duration::from_secs(7));
        stopped.signal("CONT");
        stopped.end_within(PROMPTLY).ok();
    });
}

#[test]
fn either_end_ends_both_after_so_many_frames() {
    for pattern in PATTERNS {
        for unidirectional in [&[][..], &["--unidirectional"]] {
            for (serve_frames, view_frames) in
                [(&["--frames", "12"][..], &[][..]), (&[], &["--frames", "12"])]
            {
                let common = [&["--pattern", pattern, "--digest"], unidirectional].concat();
                let (serve, view) = stream(
                    &[&["test:64x48", "--fps", "max"], serve_frames, &common].concat(),
                    &[view_frames, &common].concat(),
                );
                let (serve, view) = (serve.ok().json(), view.ok().json());
                assert_eq!(same_frames(&serve, &view), 12, "{pattern} {unidirectional:?} {view_frames:?}");
                if view_frames.is_empty() {
                    assert_eq!(serve["dropped"], 0);
                }
            }
        }
        let (serve, view) = stream(
            &["test:64x48", "--fps", "max", "--pattern", pattern, "--digest"],
            &["--pattern", pattern, "--digest", "--frames", "12", "--reply", "seen"],
        );
        assert_eq!(same_frames(&serve.ok().json(), &view.ok().json()), 12, "{pattern} with replies");
    }
}

#[test]
fn waiting_for_a_peer_has_a_deadline() {
    for arguments in [
        &["serve", "test:64x48", "--connect", &free_tcp(), "--wait", "1"][..],
        &["serve", "test:64x48", "--bind", "tcp://127.0.0.1:0", "--wait", "1"],
        &["view", "--bind", "tcp://127.0.0.1:0", "--wait", "1"],
        &["view", "--connect", &free_tcp(), "--wait", "0.5"],
    ] {
        let start = Instant::now();
        let ended =
            run(arguments).fails(1, &["tcp://127.0.0.1:", "there was no peer for", "start the other end"]);
        assert!((0.4..6.0).contains(&start.elapsed().as_secs_f64()), "{:?}", start.elapsed());
        // A summary of nothing says nothing.
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn a_taken_endpoint_is_said_to_be_taken() {
    let folder = folder();
    for endpoint in ["tcp://127.0.0.1:0", &format!("ipc://{}", folder.path().join("s").display())] {
        let first = Program::start(&["view", "--bind", endpoint]);
        let endpoint = first.listening();
        run(&["view", "--bind", &endpoint]).fails(1, &[&endpoint, "taken"]);
        run(&["serve", "test:64x48", "--bind", &endpoint]).fails(1, &[&endpoint, "taken"]);
    }
}

#[test]
fn an_endpoint_that_cannot_be_bound_says_what_to_do() {
    let folder = folder();
    let missing = format!("ipc://{}", folder.path().join("none").join("s").display());
    for (endpoint, advice) in [
        (missing.as_str(), "make the folder first"),
        ("tcp://192.0.2.1:5555", "tcp://*:PORT for all of them"),
    ] {
        run(&["view", "--bind", endpoint]).fails(1, &[endpoint, advice]);
    }
}

/// Without a terminal there is no line that says so.
#[test]
fn an_end_that_connects_says_whom_it_waits_for_and_if_asked_why() {
    let endpoint = free_tcp();
    for (verbose, told) in [(&[][..], false), (&["-v"], true)] {
        let arguments =
            [&["serve", "test:64x48", "--connect", &endpoint, "--wait", "0.5"][..], verbose].concat();
        let ended = run(&arguments).fails(1, &["waiting for the other end at tcp://127.0.0.1:"]);
        assert_eq!(ended.stderr.matches("nobody there yet").count(), usize::from(told), "{}", ended.stderr);
    }
}

/// A second program at the same place must not empty what the first one records.
#[test]
fn a_taken_endpoint_leaves_the_recording_alone() {
    let folder = folder();
    let path = folder.path().join("film.y4m");
    std::fs::write(&path, "precious").unwrap();
    let first = Program::start(&["view", "--bind", "tcp://127.0.0.1:0"]);
    run(&["view", "--bind", &first.listening(), "--record", text(&path)]).fails(1, &["taken"]);
    assert_eq!(std::fs::read(&path).unwrap(), b"precious");
}

#[test]
fn frames_in_flight_to_a_receiver_that_is_gone_are_dropped() {
    for pattern in PATTERNS {
        let (serve, view) = streaming(pattern);
        view.signal("STOP");
        // Time for frames to be sent that nobody answers.
        thread::sleep(Duration::from_millis(500));
        view.signal("KILL");
        // What it had not read yet makes the system reset the connection.
        let serve = serve.end_within(PROMPTLY).fails(1, &["error: tcp://127.0.0.1:"]).json();
        let window = if pattern == "pair" { 2 } else { 1 };
        let dropped = serve["dropped"].as_u64().unwrap();
        assert!((window..=window + 1).contains(&dropped), "{pattern}: {serve}");
    }
}

/// Pictures of which the fourth has another size.
fn damaged(folder: &std::path::Path) {
    for number in 0..4_u32 {
        let side = if number == 3 { 8 } else { 16 };
        let frame = Frame::gray8(side, side, vec![number as u8; (side * side) as usize]).unwrap();
        save_picture(&frame, folder.join(format!("{number}.png"))).unwrap();
    }
}

#[test]
fn a_source_that_fails_in_mid_stream_is_an_error_there_and_a_goodbye_for_the_other_end() {
    for pattern in PATTERNS {
        let folder = folder();
        damaged(folder.path());
        let (serve, view) = stream(
            &[text(folder.path()), "--fps", "max", "--pattern", pattern, "--digest"],
            &["--pattern", pattern, "--digest"],
        );
        let (serve, view) = (serve.fails(1, &["3.png", "all must be alike"]), view.ok());
        assert_eq!(same_frames(&serve.json(), &view.json()), 3);
    }
}

#[test]
fn a_source_of_replies_that_fails_is_an_error_there_and_a_goodbye_for_the_other_end() {
    for pattern in PATTERNS {
        let folder = folder();
        damaged(folder.path());
        let (serve, view) = stream(
            &["test:64x48", "--fps", "max", "--pattern", pattern, "--digest"],
            &["--reply-frames", text(folder.path()), "--pattern", pattern, "--digest"],
        );
        let (serve, view) = (serve.ok().json(), view.fails(1, &["3.png", "all must be alike"]).json());
        // The frame for which there was no reply has arrived all the same.
        assert_eq!(same_frames(&serve, &view), 4);
        assert_eq!((&serve["frames_returned"], &view["frames_returned"]), (&json!(3), &json!(3)));
    }
}

#[test]
fn a_source_without_frames_is_an_error() {
    let folder = folder();
    let path = folder.path().join("empty.y4m");
    std::fs::write(&path, "YUV4MPEG2 W16 H16 F30:1 C420\n").unwrap();
    let (serve, view) = stream(&[text(&path)], &[]);
    serve.fails(1, &["empty.y4m has no frames"]);
    assert_eq!(view.ok().json()["frames"], 0);
    let (serve, view) = stream(&["test:64x48"], &["--reply-frames", text(&path)]);
    serve.ok();
    view.fails(1, &["empty.y4m has no frames"]);
}

/// Sixteen bits a sample go into PNG, and not into this Y4M.
#[test]
fn a_recording_that_fails_is_an_error_there_and_a_goodbye_for_the_other_end() {
    let folder = folder();
    let (deep, film) = (folder.path().join("deep.png"), folder.path().join("film.y4m"));
    let shape = Shape::new(16, 16, 1).unwrap();
    let frame = Frame::new(vec![7; 512], shape, ElementType::U16, PixelFormat::Gray).unwrap();
    save_picture(&frame, &deep).unwrap();
    let (serve, view) = stream(&[text(&deep), "--loop", "--fps", "max"], &["--record", text(&film)]);
    serve.ok();
    let view = view.fails(1, &["error: --record: "]);
    assert!(!view.stderr.contains("panicked"), "{}", view.stderr);
}

#[test]
fn a_reader_of_the_output_that_goes_away_ends_nothing() {
    let mut view = command(&["view", "--bind", "tcp://127.0.0.1:0", "--print-data"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(view.stdout.take());
    let mut stderr = std::io::BufReader::new(view.stderr.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
    let endpoint = line.trim_end().strip_prefix("listening at ").unwrap();
    let serve =
        ["serve", "test:64x48", "--connect", endpoint, "--frames", "5", "--fps", "max", "--data", "x"];
    run(&serve).ok();
    assert_eq!(view.wait().unwrap().code(), Some(0));
}

/// After a pause the stream goes on at its rate, and does not send at once all that it missed.
#[test]
fn the_rate_is_kept_after_the_receiver_has_paused() {
    let (serve, view) = start_both(&["test:16x16", "--fps", "20", "--data", "tick"], &["--print-data"]);
    view.stderr_lines("\"tick\"", 5);
    view.signal("STOP");
    thread::sleep(Duration::from_secs(2));
    let before = view.stderr_lines("\"tick\"", 0).len();
    view.signal("CONT");
    let start = Instant::now();
    view.stderr_lines("\"tick\"", before + 20);
    // 20 frames take a second, less what may be made up for.
    assert!(start.elapsed() > Duration::from_millis(600), "{:?}", start.elapsed());
    serve.signal("INT");
    serve.end().ok();
    view.end().ok();
}

#[test]
fn a_looped_source_begins_again() {
    let folder = folder();
    for number in 0..3_u8 {
        let frame = Frame::gray8(16, 16, vec![number; 256]).unwrap();
        save_picture(&frame, folder.path().join(format!("{number}.png"))).unwrap();
    }
    let once = stream(&[text(folder.path()), "--fps", "max"], &[]).1.ok().json();
    assert_eq!(once["frames"], 3);
    // At the source's own pace of 30 a second, seven frames take 6/30 s.
    let (serve, view) = stream(&[text(folder.path()), "--loop", "--digest"], &["--frames", "7", "--digest"]);
    let (serve, view) = (serve.ok().json(), view.ok().json());
    assert_eq!(same_frames(&serve, &view), 7);
    assert!((0.15..2.0).contains(&view["seconds"].as_f64().unwrap()), "{view}");
}
