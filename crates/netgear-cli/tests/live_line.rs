//! The line that follows the stream, on a terminal.

mod common;

use std::process::Command;

use common::{Program, has};

/// Runs the program under a pseudo-terminal, and gives all that it writes there.
fn on_a_terminal(arguments: &str) -> String {
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_netgear");
    command
        .args(["-qec", &format!("stty cols 160 rows 40; '{program}' {arguments}"), "/dev/null"])
        .env("TERM", "xterm-256color")
        .env_remove("NO_COLOR")
        .env_remove("RUST_LOG");
    Program::spawn(command).end().ok().stdout
}

#[test]
fn it_shows_frames_rates_latency_and_data_both_ways() {
    if !has("script", "it_shows_frames_rates_latency_and_data_both_ways") {
        return;
    }
    let shown = on_a_terminal("demo --size 320x240 --fps 30 --seconds 2");
    let line = shown
        .split(['\r', '\n'])
        .find(|line| line.contains(" frames  ") && line.contains(" out, "))
        .unwrap_or_else(|| panic!("no live line in {shown:?}"));
    for part in [" fps  ", " GB/s  ", "s  data: ", " out, ", " in"] {
        assert!(line.contains(part), "no {part:?} in {line:?}");
    }
    let count = |before: &str| -> u64 {
        let upto = line.split(before).next().unwrap();
        upto.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
    };
    assert!(count(" frames") > 0 && count(" out") > 0 && count(" in") > 0, "{line:?}");
    assert!(shown.contains("nothing lost"), "{shown:?}");
}

#[test]
fn it_says_whom_it_waits_for_and_goes_away() {
    if !has("script", "it_says_whom_it_waits_for_and_goes_away") {
        return;
    }
    let mut command = Command::new("script");
    let program = env!("CARGO_BIN_EXE_netgear");
    let view = format!("stty cols 160 rows 40; '{program}' view --bind tcp://127.0.0.1:0 --wait 1");
    command.args(["-qec", &view, "/dev/null"]).env("TERM", "xterm-256color").env_remove("RUST_LOG");
    let shown = Program::spawn(command).end().with_code(1).stdout;
    assert!(shown.contains("listening at tcp://127.0.0.1:"), "{shown:?}");
    assert!(shown.contains("waiting for a sender at tcp://127.0.0.1:"), "{shown:?}");
    let last = shown.trim_end().rsplit(['\r', '\n']).next().unwrap();
    assert!(last.contains("error: tcp://127.0.0.1:"), "{shown:?}");
}

/// The log would be written into it.
#[test]
fn it_stands_back_for_the_log() {
    if !has("script", "it_stands_back_for_the_log") {
        return;
    }
    let shown = on_a_terminal("demo --size 64x48 --fps 30 --seconds 1 -v");
    assert!(shown.contains("connected"), "{shown:?}");
    assert!(!shown.contains("streaming over"), "{shown:?}");
}
