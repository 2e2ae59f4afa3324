//! `--stay`: when the other end is gone, however it went, the next one is waited for.
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod common;

use std::{
    thread,
    time::{Duration, Instant},
};

use common::{Program, folder, run, text};

#[test]
fn a_view_that_stays_takes_one_sender_after_another() {
    for pattern in ["pair", "reqrep"] {
        let view =
            ["view", "--bind", "tcp://127.0.0.1:0", "--stay", "--json", "--digest", "--pattern", pattern];
        let view = Program::start(&view);
        let endpoint = view.listening();
        let serve = ["serve", "test:64x48", "--connect", &endpoint, "--pattern", pattern, "--json"];
        run(&[&serve[..], &["--frames", "5", "--fps", "max"]].concat()).ok();
        view.stderr_lines("the other end has left", 1);

        // One that is killed has perhaps sent some, which count; who comes next takes its place.
        let killed = Program::start(&[&serve[..], &["--data", "tick", "--print-data"]].concat());
        view.stderr_lines("listening at", 2);
        thread::sleep(Duration::from_millis(300));
        killed.signal("KILL");
        thread::sleep(Duration::from_millis(100));

        let last = run(&[&serve[..], &["--frames", "7", "--fps", "max"]].concat()).ok().json();
        assert_eq!(last["frames"], 7);
        view.stderr_lines("the other end has left", 2);
        view.signal("INT");
        let json = view.end().ok().json();
        assert!(json["frames"].as_u64().unwrap() >= 12, "{json}");
        assert_eq!(json["reconnects"], 2, "{json}");
    }
}

#[test]
fn a_serve_that_stays_goes_on_with_the_next_receiver() {
    // A place that is nobody else's while no receiver is there, as a free port may be; and a port that stays bound.
    let folder = folder();
    let place = format!("ipc://{}", folder.path().join("s").display());
    for (way, endpoint, other_way) in
        [("--connect", place.as_str(), "--bind"), ("--bind", "tcp://127.0.0.1:0", "--connect")]
    {
        let serve = ["serve", "test:64x48", "--fps", "max", "--frames", "30", "--stay", "--json"];
        let serve = Program::start(&[&serve[..], &[way, endpoint]].concat());
        let endpoint = if way == "--bind" { serve.listening() } else { endpoint.to_owned() };
        for _ in 0..2 {
            let view = run(&["view", other_way, &endpoint, "--frames", "10", "--json"]).ok().json();
            assert_eq!(view["frames"], 10);
        }
        let view = run(&["view", other_way, &endpoint, "--json"]).ok().json();
        let json = serve.end().ok().json();
        assert_eq!(
            (&json["frames"], &json["reconnects"]),
            (&serde_json::json!(30), &serde_json::json!(2)),
            "{json}"
        );
        assert!(view["frames"].as_u64().unwrap() <= 10, "{view}");
    }
}

/// The pace goes on with the frames: the next receiver is not kept waiting for as long as the first one streamed.
#[test]
fn the_next_receiver_gets_its_first_frame_at_once() {
    let folder = folder();
    let endpoint = format!("ipc://{}", folder.path().join("s").display());
    let serve = Program::start(&["serve", "test:64x48@30", "--connect", &endpoint, "--stay", "--json"]);
    run(&["view", "--bind", &endpoint, "--frames", "90"]).ok();
    let started = Instant::now();
    run(&["view", "--bind", &endpoint, "--frames", "5"]).ok();
    assert!(started.elapsed() < Duration::from_millis(2_700), "{:?}", started.elapsed());
    serve.signal("INT");
    serve.end().ok();
}

/// What was received is reported and kept, and the place is waited for as the peer is.
#[test]
fn an_endpoint_that_cannot_be_bound_again_costs_nothing_that_was_received() {
    let folder = folder();
    let (snapshot, place) = (folder.path().join("last.png"), folder.path().join("place"));
    std::fs::create_dir(&place).unwrap();
    let endpoint = format!("ipc://{}", place.join("s").display());
    let view =
        ["view", "--bind", &endpoint, "--stay", "--json", "--print-data", "--snapshot", text(&snapshot)];
    let view = Program::start(&view);
    view.listening();
    let serve = Program::start(&["serve", "test:64x48@30", "--connect", &endpoint, "--data", "tick"]);
    view.stderr_lines("\"tick\"", 3);
    std::fs::remove_dir_all(&place).unwrap();
    serve.signal("INT");
    serve.end().ok();
    view.stderr_lines("cannot bind ipc://", 1);
    std::fs::create_dir(&place).unwrap();
    view.stderr_lines("listening at", 2);
    view.signal("INT");
    let json = view.end().ok().json();
    assert!(json["frames"].as_u64().unwrap() > 0, "{json}");
    assert!(snapshot.is_file());
}

/// Anybody may come to an end that binds; one that connects has chosen its peer.
#[test]
fn a_peer_that_was_set_up_differently_ends_only_an_end_that_connects() {
    let view = Program::start(&["view", "--bind", "tcp://127.0.0.1:0", "--stay", "--json"]);
    let endpoint = view.listening();
    let serve = ["serve", "test:64x48", "--connect", &endpoint, "--frames", "3", "--fps", "max", "--stay"];
    run(&[&serve[..], &["--unidirectional"]].concat()).fails(1, &["bidirectional"]);
    view.stderr_lines("listening at", 2);
    run(&serve).ok();
    view.stderr_lines("listening at", 3);
    view.signal("INT");
    let json = view.end().ok().json();
    assert_eq!(json["frames"], 3);
    // The last peer's, though the next one is waited for.
    assert!(json["latency_us"].is_object(), "{json}");
}
