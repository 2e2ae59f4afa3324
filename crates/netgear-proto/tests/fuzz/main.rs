//! What the fuzz targets once found, and the inputs that reach most of the code, as ordinary tests.
//! `cargo xtask fuzz` goes on from here, and `cargo xtask fuzz --minimise` writes the corpora anew.
//!
//! A corpus is a folder of `tests/data/fuzz` with the name of its target. `FUZZ_TRACE=1` shows what an input does in
//! a session.

#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what they share")]

mod targets;

use std::{fs, panic, path::Path};

use netgear_proto::session::Ending;

use self::targets::{native_message, session, session_pair, texts, vidgear_message, zmtp_connection};

/// Runs every input of a corpus, and says which it was that failed.
fn replay<R>(folder: &str, run: impl Fn(&[u8]) -> R) -> Vec<R> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
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

#[test]
fn native_messages() {
    let results = replay("fuzz/native_message", native_message::run);
    assert_reached(&results, "a message", |is_message| *is_message);
    assert_reached(&results, "an error", |is_message| !is_message);
}

#[test]
fn vidgear_messages() {
    let mut results = replay("vidgear/messages", vidgear_message::run);
    results.extend(replay("fuzz/vidgear_message", vidgear_message::run));
    assert_reached(&results, "a message", |is_message| *is_message);
    assert_reached(&results, "an error", |is_message| !is_message);
}

#[test]
fn zmtp_connections() {
    let results = replay("fuzz/zmtp_connection", zmtp_connection::run);
    assert_reached(&results, "messages", |heard| *heard > 1);
}

#[test]
fn sessions() {
    let results = replay("fuzz/session", session::run);
    for ending in [Ending::Closed, Ending::PeerLeft, Ending::LinkLost, Ending::Failed] {
        assert_reached(&results, &format!("{ending:?}"), |(found, _)| *found == Some(ending));
    }
    assert_reached(&results, "a session that goes on over another connection", |(_, stats)| {
        stats.reconnects > 0 && stats.data_resent > 0
    });
    assert_reached(&results, "frames answered", |(_, stats)| stats.frames_delivered > 1);
    assert_reached(&results, "frames received", |(_, stats)| stats.frames_received > 1);
    assert_reached(&results, "data taken", |(_, stats)| stats.data_taken > 1);
    assert_reached(&results, "encoded frames sent", |(_, stats)| {
        stats.frames_sent > 0 && stats.frames_encoded > 0
    });
    assert_reached(&results, "encoded frames received", |(_, stats)| {
        stats.frames_received > 0 && stats.frames_encoded > 0
    });
    assert_reached(&results, "data reported", |(_, stats)| stats.data_undelivered > 0);
}

#[test]
fn pairs_of_sessions() {
    let results = replay("fuzz/session_pair", session_pair::run);
    assert_reached(&results, "data across a restart", |run| run.kills > 0 && run.data > 1);
    assert_reached(&results, "frames encoded and raw over several connections", |run| {
        run.connections > 1 && run.encoded > 0 && run.frames > run.encoded
    });
    assert_reached(&results, "frames over several connections", |run| run.connections > 1 && run.frames > 1);
}

#[test]
fn text_forms() {
    let results = replay("fuzz/texts", texts::run);
    assert_reached(&results, "a text", |read| *read > 0);
    assert_reached(&results, "no text", |read| *read == 0);
}
