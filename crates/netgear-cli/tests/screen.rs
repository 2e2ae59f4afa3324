//! The program with a screen: that of an X server without hardware, or none.
#![cfg(all(feature = "screen", unix, not(target_vendor = "apple")))]
#![allow(clippy::unwrap_used, reason = "it is test code, also outside the test functions")]

mod common;

use common::{Ended, Program, command, folder, stream, text, xvfb::Xvfb};

/// The program where these variables alone tell of a display.
fn probe(variables: &[(&str, &str)]) -> Ended {
    let mut command = command(&["probe", "screen:0"]);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").envs(variables.iter().copied());
    Program::spawn(command).end()
}

#[test]
fn without_a_display_the_error_says_what_to_do() {
    probe(&[]).fails(1, &["screen:0", "there is no display", "display=:0"]);
    probe(&[("WAYLAND_DISPLAY", "wayland-0")]).fails(1, &["Wayland", "X11"]);
    probe(&[("DISPLAY", ":4999")]).fails(1, &["cannot be opened"]);
    common::run(&["probe", "screen:left"]).fails(2, &["screen:0?fps=30"]);
}

#[test]
fn a_screen_crosses_to_a_receiver() {
    let Some(xvfb) = Xvfb::start("322x242x24") else { return };
    let folder = folder();
    let picture = folder.path().join("last.png");
    let screen = format!("screen:0?fps=20&display={}", xvfb.display);
    let (serve, view) = stream(&[&screen], &["--frames", "10", "--snapshot", text(&picture)]);
    serve.ok();
    let view = view.ok().json();
    assert_eq!((&view["frames"], &view["bytes"]), (&10.into(), &(10 * 322 * 242 * 3).into()));
    assert!(view["latency_us"]["p50"].as_u64().unwrap() > 0, "{view}");
    let probed = common::run(&["probe", text(&picture)]).ok();
    assert!(probed.stdout.contains("322×242"), "{probed:?}");
}
