//! The program with a camera: the virtual one that Linux has. `cargo xtask camera-test` makes a machine that has it
//! and runs these there.
#![cfg(all(feature = "camera", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "it is test code, also outside the test functions")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../netgear-media/tests/virtual_camera/vivid.rs"]
mod vivid;

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::Path,
};

use common::{Program, command, folder, run, start_both, stream, text};
use media::{OpenOptions, Source};
use netgear::{media, prelude::Frame};
use serde_json::Value as Json;

/// The formats that we convert and the camera has.
const FORMATS: [&str; 8] = ["yuyv", "uyvy", "nv12", "i420", "yv12", "rgb", "bgr", "gray"];

/// Whoever may do the least.
const NOBODY: u32 = 65534;

/// The frames of a recording or a picture.
fn frames_of(path: &Path) -> Vec<Frame> {
    let mut source = Source::from(path.to_owned()).open(&OpenOptions::new()).unwrap();
    std::iter::from_fn(|| source.next_frame().unwrap()).map(|frame| frame.frame).collect()
}

/// What the camera offers, each as `code size rate`, as v4l2-ctl prints it.
fn offers_by_v4l2_ctl() -> Vec<String> {
    let (mut code, mut size, mut offers) = (String::new(), String::new(), Vec::new());
    for line in vivid::says("--list-formats-ext").lines().map(str::trim) {
        if let Some((_, format)) = line.split_once("]: '") {
            code = format.split_once('\'').unwrap().0.trim_end().to_owned();
        } else if let Some(discrete) = line.strip_prefix("Size: Discrete ") {
            size = discrete.to_owned();
        } else if line.starts_with("Interval: Discrete ") {
            let rate = line.rsplit_once('(').unwrap().1.strip_suffix(" fps)").unwrap();
            offers.push(format!("{code} {size} {rate}"));
        }
    }
    offers
}

/// The same of ours.
fn offers_of(camera: &Json) -> Vec<String> {
    let list = |value: &Json| value.as_array().unwrap().clone();
    let mut offers = Vec::new();
    for format in list(&camera["formats"]) {
        let code = format["code"].as_str().unwrap();
        for size in list(&format["sizes"]) {
            let (width, height) = (&size["width"], &size["height"]);
            let rates = list(&size["rates"]).into_iter().map(|rate| rate.as_f64().unwrap());
            offers.extend(rates.map(|rate| format!("{code} {width}x{height} {rate:.3}")));
        }
    }
    offers
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn the_camera_is_listed_with_all_that_it_offers() {
    vivid::plug_in_anew();
    let listed = run(&["devices", "--json"]).ok().json();
    let [camera] = &listed.as_array().unwrap()[..] else { panic!("not one camera: {listed}") };
    assert_eq!((&camera["index"], &camera["path"]), (&Json::from(0), &Json::from(vivid::DEVICE)));
    assert!(camera["name"].as_str().unwrap().contains("vivid"), "{camera}");
    let (ours, by_v4l2_ctl) = (offers_of(camera), offers_by_v4l2_ctl());
    assert!(by_v4l2_ctl.contains(&"YUYV 640x480 25.000".to_owned()), "{by_v4l2_ctl:?}");
    assert_eq!(ours, by_v4l2_ctl);
    // Those that can be asked for are named as they are asked for.
    let known = camera["formats"].as_array().unwrap().iter().filter_map(|format| format["format"].as_str());
    let known: Vec<_> = known.collect();
    assert!(FORMATS.iter().all(|format| known.contains(format)), "{known:?}");

    let text = run(&["devices"]).ok().stdout;
    for part in ["vivid", vivid::DEVICE, "yuyv", "640×480", "25/2"] {
        assert!(text.contains(part), "no {part} in {text}");
    }

    vivid::unplug();
    assert_eq!(run(&["devices", "--json"]).ok().json(), Json::Array(Vec::new()));
    let none = run(&["devices"]).ok();
    assert!(none.stdout.is_empty() && none.stderr.contains("no camera"), "{none:?}");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_probe_says_what_is_taken() {
    vivid::plug_in_anew();
    let probed = run(&["probe", "camera:0?size=640x480&fps=25&format=nv12", "--json"]).ok();
    let json = probed.json();
    assert_eq!((&json["width"], &json["height"]), (&Json::from(640), &Json::from(480)));
    assert_eq!((&json["frame_rate"], &json["codec"]), (&Json::from(25.0), &Json::from("nv12")));
    assert!(probed.stderr.is_empty(), "{probed:?}");

    let probed = run(&["probe", "camera:0?size=700x500&format=mjpeg"]).ok();
    assert!(probed.stderr.contains("700×500") && probed.stderr.contains("640×480"), "{probed:?}");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn sixty_frames_of_each_format_cross_to_a_receiver() {
    let folder = folder();
    for format in FORMATS {
        vivid::plug_in_anew();
        // All of the picture moves, so that each frame is another.
        vivid::set("horizontal_movement=6");
        let camera = format!("camera:0?size=640x480&fps=25&format={format}");
        let recording = folder.path().join(format!("{format}.y4m"));
        let snapshot = folder.path().join(format!("{format}.png"));
        let view = ["--frames", "60", "--record", text(&recording), "--snapshot", text(&snapshot)];
        let (serve, view) = stream(&[&camera], &view);
        let (serve, view) = (serve.ok().json(), view.ok().json());
        assert_eq!(view["frames"], 60, "{format}: {view}");
        assert!(serve["frames"].as_u64().unwrap() >= 60, "{format}: {serve}");
        // From capture to arrival.
        let latency = view["latency_us"]["p50"].as_u64().unwrap();
        assert!((1..1_000_000).contains(&latency), "{format}: {latency} µs");

        let frames = frames_of(&recording);
        assert_eq!(frames.len(), 60, "{format}");
        let shifts: Vec<_> = frames.iter().map(vivid::shift).collect();
        for pair in shifts.windows(2) {
            let moved = (640 + pair[1] - pair[0]) % 640;
            // Frames may be left out when the machine is slow; none comes twice or late.
            assert!((8..=320).contains(&moved), "{format}: {shifts:?}");
        }
        // The picture has every pixel, and the recording its colours at half the resolution.
        let [last] = &frames_of(&snapshot)[..] else { panic!("{format}: not one picture") };
        vivid::assert_bars(last, format);
        assert_eq!(vivid::shift(last), shifts[59], "{format}");
    }
}

/// A session with data in each frame, by which one sees that frames arrive.
fn start_with_data(camera: &str, view: &[&str]) -> (Program, Program) {
    start_both(&[camera, "--data", "1"], &[&["--print-data"], view].concat())
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_stream_goes_on_when_the_camera_is_plugged_in_again() {
    vivid::plug_in_anew();
    let camera = "camera:0?size=640x480&fps=25&resume=forever";
    let (serve, view) = start_with_data(camera, &[]);
    view.stderr_lines("1", 10);
    vivid::unplug();
    let before = view.stderr_lines("1", 10).len();
    std::thread::sleep(std::time::Duration::from_secs(2));
    vivid::plug_in();
    // What was under way when it was unplugged is less than this.
    view.stderr_lines("1", before + 30);
    serve.signal("INT");
    serve.end().ok();
    // The session has not noticed.
    let view = view.end().ok().json();
    assert_eq!(view["reconnects"], 0, "{view}");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_stream_ends_with_an_error_when_the_camera_is_unplugged() {
    vivid::plug_in_anew();
    let (serve, view) = start_with_data("camera:0?size=640x480&fps=25", &[]);
    view.stderr_lines("1", 10);
    vivid::unplug();
    serve.end().fails(1, &["camera:0", "unplugged", "resume"]);
    view.end().ok();
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_cannot_be_had_is_an_error_that_says_what_to_do() {
    vivid::plug_in_anew();
    run(&["serve", "camera:7"]).fails(1, &["camera:7", "vivid"]);
    run(&["probe", "camera:/dev/video7"]).fails(1, &["/dev/video7", "vivid"]);
    let other = vivid::OtherProgram::capture();
    run(&["probe", "camera:0?size=640x480"]).fails(1, &["in use by another program"]);
    drop(other);

    fs::set_permissions(vivid::DEVICE, Permissions::from_mode(0o000)).unwrap();
    let by_nobody = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.uid(NOBODY).gid(NOBODY);
        Program::spawn(command).end()
    };
    by_nobody(&["probe", "camera:0"]).fails(1, &["may not be opened", "group `video`"]);
    // It is known that it is there.
    let listed = by_nobody(&["devices", "--json"]).ok().json();
    assert!(listed[0]["error"].as_str().is_some_and(|error| error.contains("group `video`")), "{listed}");
    // Its owner may do anything with it.
    run(&["probe", "camera:0"]).ok();
}
