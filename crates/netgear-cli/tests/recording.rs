//! `--record`: what is there when all went well, when the program was killed, and when the disk was full.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, outside the test functions too"
)]

mod common;

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use common::{PATIENCE, Program, digest, folder, has, run, start_both, stream, text};
use netgear::{
    media::{OpenOptions, Source, TestPattern},
    prelude::FrameSource,
};
use serde_json::json;

fn has_ffmpeg(test: &str) -> bool {
    has("ffmpeg", test)
}

/// What there is to play: the recording, or for a pattern its folder.
fn to_play(path: &Path) -> PathBuf {
    let is_pattern = path.to_string_lossy().contains('%');
    if is_pattern { path.parent().unwrap().to_owned() } else { path.to_owned() }
}

/// The numbers of the test pattern's frames in a recording, and the time of the last. What follows the last whole
/// frame may be damaged.
fn numbers(path: &Path) -> (Vec<u64>, Duration) {
    let mut source = Source::Path(to_play(path)).open(&OpenOptions::new()).unwrap();
    let (mut numbers, mut last) = (Vec::new(), Duration::ZERO);
    while let Ok(Some(next)) = source.next_frame() {
        numbers.push(TestPattern::read_number(&next.frame).unwrap());
        last = next.time;
    }
    (numbers, last)
}

/// Each frame once, from the first on.
#[track_caller]
fn assert_counted(numbers: &[u64], name: &str) {
    let wrong = numbers.iter().enumerate().find(|(at, number)| *at as u64 != **number);
    assert!(wrong.is_none(), "{name}: of {} frames the one at {wrong:?} is wrong", numbers.len());
}

/// The processes whose command line has this in it, zombies left out.
fn processes_with(text: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let command = |process: PathBuf| std::fs::read(process.join("cmdline")).unwrap_or_default();
    processes.filter(|process| String::from_utf8_lossy(&command(process.path())).contains(text)).count()
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what} never was");
        thread::sleep(Duration::from_millis(20));
    }
}

/// All at once: what they take is mostly waiting.
fn at_once<T: Sync>(kinds: &[T], check: impl Fn(usize, &T) + Sync) {
    let check = &check;
    thread::scope(|scope| {
        for (number, kind) in kinds.iter().enumerate() {
            scope.spawn(move || check(number, kind));
        }
    });
}

/// With every frame, however slow the machine is.
const WHOLE: [&str; 2] = ["--record-policy", "block"];

#[test]
fn a_recording_is_counted_and_plays_as_long_as_it_took() {
    let folder = folder();
    let kinds = if has_ffmpeg("a_recording_is_counted") {
        &["a.y4m", "a.avi", "%04d.jpg", "a.mkv"][..]
    } else {
        &["a.y4m", "a.avi"]
    };
    at_once(kinds, |_, name| {
        let path = folder.path().join(name).join(name);
        let (serve, view) = stream(
            &["test:160x120@20", "--frames", "30"],
            &[&["--record", text(&path)][..], &WHOLE].concat(),
        );
        serve.ok();
        let summary = view.ok().json();
        let recording = &summary["recording"];
        assert_eq!((&recording["frames"], &recording["left_out"]), (&json!(30), &json!(0)), "{name}");
        assert_eq!((&recording["path"], &recording["failed"]), (&json!(text(&path)), &json!(0)));
        let is_pattern = name.contains('%');
        if !is_pattern {
            assert_eq!(recording["bytes"], std::fs::read(&path).unwrap().len());
            // A second and a half, at the pace at which they came.
            let came = summary["seconds"].as_f64().unwrap();
            let seconds = recording["seconds"].as_f64().unwrap();
            assert!(came >= 1.4 && (seconds - came - 0.05).abs() < 0.5, "{name}: {seconds} for {came}");
        }
        let (found, last) = numbers(&path);
        assert_counted(&found, name);
        assert_eq!(found.len(), 30, "{name}");
        assert!(
            is_pattern || last.abs_diff(Duration::from_millis(1450)) < Duration::from_millis(500),
            "{name}: {last:?}"
        );
    });
}

#[test]
fn lossless_recordings_have_every_pixel() {
    let folder = folder();
    let kinds = if has_ffmpeg("lossless_recordings_have_every_pixel") {
        &["%d.png", "a.mkv", "a.mp4"][..]
    } else {
        &["%d.png"]
    };
    at_once(kinds, |number, name| {
        let path = folder.path().join(number.to_string()).join(name);
        let (serve, view) = stream(
            &["test:162x122", "--fps", "max", "--frames", "150", "--digest"],
            &[&["--record", text(&path), "--record-lossless"][..], &WHOLE].concat(),
        );
        let sent = digest(&serve.ok().json(), "digest");
        view.ok();
        let (serve, view) = stream(&[text(&to_play(&path)), "--fps", "max", "--digest"], &[]);
        assert_eq!(digest(&serve.ok().json(), "digest"), sent, "{name}");
        view.ok();
    });
}

#[test]
fn a_demo_is_recorded_too() {
    let folder = folder();
    let path = folder.path().join("a.avi");
    let ended =
        run(&["demo", "--frames", "20", "--fps", "max", "--size", "160x120", "--record", text(&path)]).ok();
    assert!(ended.stdout.contains("recorded 20 frames, "), "{}", ended.stdout);
    assert_eq!(numbers(&path).0, (0..20).collect::<Vec<_>>());
}

/// Killed at some moment of the stream, each kind of recording plays up to the last second.
#[test]
fn a_recording_of_a_killed_program_plays() {
    let folder = folder();
    let mut kinds = vec!["a.y4m", "a.avi", "png/%d.png", "jpeg/%05d.jpg"];
    if has_ffmpeg("a_recording_of_a_killed_program_plays") {
        kinds.extend(["a.mp4", "b.mp4", "a.mkv", "b.mkv", "a.ts", "a.webm"]);
    }
    // Not at a moment that is always the same.
    let seed = u64::from(std::time::UNIX_EPOCH.elapsed().unwrap().subsec_micros());
    at_once(&kinds, |number, name| {
        let path = folder.path().join(name);
        let lossless = if name.starts_with('b') { &["--record-lossless"][..] } else { &[] };
        let (serve, view) = start_both(
            &["test:160x120@30", "--print-data"],
            &[&["--reply", "here", "--record", text(&path)], lossless, &WHOLE].concat(),
        );
        let wait = 1_300 + (seed + number as u64 * 7919) % 700;
        serve.stderr_lines("\"here\"", 2);
        thread::sleep(Duration::from_millis(wait));
        view.signal("KILL");
        view.end();
        serve.signal("INT");
        let answered = serve.end().data().len();
        // An ffmpeg closes the file when it has what it was given.
        wait_until("ffmpeg's end", || processes_with(text(&path)) == 0);
        let (found, _) = numbers(&path);
        assert_counted(&found, name);
        assert!(found.len() + 30 >= answered, "{name} after {wait} ms: {} of {answered} frames", found.len());
        eprintln!("{name}: {} of {answered} frames after {wait} ms", found.len());
        if name.contains('%') {
            let files = std::fs::read_dir(to_play(&path)).unwrap().count();
            assert!(files <= found.len() + 1, "{name}: {files} files");
        }
    });
}

/// A view whose files may have so many blocks of 512 bytes and no more, as of a full disk.
fn view_with_limit(blocks: u32, record: &[&str]) -> Program {
    let mut command = Command::new("sh");
    // The signal would end it before it could say what is wrong.
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_netgear")]);
    command.args(["view", "--bind", "tcp://127.0.0.1:0", "--json"]).args(record);
    Program::spawn(command)
}

#[test]
fn a_full_disk_is_an_error_that_keeps_what_was_written() {
    let folder = folder();
    let mut kinds = vec![
        ("a.y4m", 4096, &WHOLE[..]),
        ("a.avi", 4096, &WHOLE),
        ("a.avi", 4096, &["--record-policy", "drop"]),
    ];
    if has_ffmpeg("a_full_disk_is_an_error_that_keeps_what_was_written") {
        // H.264 makes next to nothing of a test pattern.
        kinds.extend([
            ("b.mkv", 1024, &["--record-lossless", "--record-policy", "block"][..]),
            ("a.mp4", 128, &WHOLE),
        ]);
    }
    at_once(&kinds, |number, &(name, blocks, options)| {
        let path = folder.path().join(number.to_string()).join(name);
        // dash counts in blocks of 512 bytes, bash in such of 1024.
        let view = view_with_limit(blocks, &[&["--record", text(&path)], options].concat());
        let endpoint = view.listening();
        let serve =
            Program::start(&["serve", "test:640x480@60", "--connect", &endpoint, "--json", "--fps", "max"]);
        let view = view.end().fails(1, &["--record", text(&path), "kept: "]);
        // The other end is told goodbye.
        serve.end().ok();
        let summary = view.json();
        let recorded = summary["recording"]["frames"].as_u64().unwrap();
        let (found, _) = numbers(&path);
        assert!(!found.is_empty(), "{name}");
        let left_out = summary["recording"]["left_out"].as_u64().unwrap();
        let is_ours = !matches!(name, "b.mkv" | "a.mp4");
        // ffmpeg leaves part of what it was writing, which is not the last frame where they refer to each other.
        let whole = if is_ours { found.len() } else { found.len().saturating_sub(60) };
        if left_out == 0 {
            assert_counted(&found[..whole], name);
        }
        assert_eq!(summary["recording"]["in_part"], !is_ours, "{name}");
        assert!(found.len() as u64 <= recorded, "{name}: {} of {recorded}", found.len());
        if !is_ours {
            assert!(view.stderr.contains(&format!("kept: up to {recorded} frames")), "{}", view.stderr);
        }
        if is_ours {
            assert_eq!(found.len() as u64, recorded, "{name}");
            assert!(view.stderr.contains(&format!("kept: {recorded} frames")), "{}", view.stderr);
        }
    });
}

#[test]
fn what_cannot_be_recorded_is_said_at_once() {
    let view = ["view", "--bind", "tcp://127.0.0.1:0", "--record"];
    let with = |more: &[&str]| run(&[&view[..], more].concat());
    with(&["film.png"]).fails(2, &["--record", "pattern"]);
    with(&["film.gif"]).fails(2, &["--record", "film.gif", ".mkv"]);
    for name in ["-", "noending", "frames/%d.bmp"] {
        with(&[name]).fails(2, &["--record", name, ".y4m", ".avi", ".mp4", "frames/%06d.png"]);
        assert!(!Path::new(name).exists(), "{name}");
    }
    with(&["film.mkv", "--record-lossless", "--record-quality", "50"])
        .fails(2, &["--record-quality", "--record-lossless"]);
    with(&["film.y4m", "--record-lossless"]).fails(2, &["--record", "every pixel"]);
    with(&["/proc/no/such.avi"]).fails(1, &["--record", "/proc/no"]);
    with(&["/proc/no/such.mp4"]).fails(1, &["--record", "/proc/no"]);
    run(&["view", "--record-fps", "30"]).fails(2, &["--record"]);
    with(&["film.avi", "--record-quality", "101"]).fails(2, &["--record-quality"]);

    let mut without_ffmpeg = common::command(&[&view[..], &["film.mp4"]].concat());
    without_ffmpeg.env("PATH", "/no/such/folder");
    Program::spawn(without_ffmpeg).end().fails(1, &["--record", "film.mp4", "ffmpeg", ".avi", ".y4m"]);
}

/// An ffmpeg that takes nothing is ended, and holds nothing up for ever; one that is left behind ends too.
#[test]
fn a_hung_ffmpeg_ends_after_the_program() {
    let folder = folder();
    let hung = folder.path().join("ffmpeg");
    std::fs::write(&hung, "#!/bin/sh\ncase $* in *-version*) exit 0 ;; esac\nexec sleep 5000\n").unwrap();
    Command::new("chmod").arg("+x").arg(&hung).status().unwrap();
    let path = folder.path().join("a.mkv");
    let search = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut view = common::command(&["view", "--bind", "tcp://127.0.0.1:0", "--record", text(&path)]);
    view.args(["--record-timeout", "5"]).env("PATH", search);
    let view = Program::spawn(view);
    let serve = Program::start(&["serve", "test:640x480@60", "--connect", &view.listening()]);
    let guards = || processes_with(text(&path)) - 1;
    wait_until("the guard", || guards() == 1);
    view.signal("INT");
    thread::sleep(Duration::from_millis(300));
    // It waits for ffmpeg, and no longer when it is told again.
    view.signal("INT");
    view.end_within(Duration::from_secs(20));
    serve.end();
    wait_until("the guard's end", || processes_with(text(&path)) == 0);
}

/// What an ffmpeg does, or does not do, is no matter of the session: frames are left out, and it is said.
#[test]
fn an_encoder_that_takes_nothing_does_not_hold_up_the_session() {
    let folder = folder();
    let hung = folder.path().join("ffmpeg");
    // Not even its version does it say. It is given half a minute for that.
    std::fs::write(&hung, "#!/bin/sh\nexec sleep 25\n").unwrap();
    Command::new("chmod").arg("+x").arg(&hung).status().unwrap();
    let search = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let path = folder.path().join("a.mkv");
    let mut view =
        common::command(&["view", "--bind", "tcp://127.0.0.1:0", "--json", "--record", text(&path)]);
    view.env("PATH", search);
    let view = Program::spawn(view);
    // Some 400 MB, of which 256 MiB may wait.
    let serve = ["serve", "test:1280x720", "--fps", "max", "--frames", "150", "--connect", &view.listening()];
    let start = Instant::now();
    Program::start(&serve).end().ok();
    let took = start.elapsed();
    view.stderr_line("writing ");
    view.signal("INT");
    thread::sleep(Duration::from_millis(300));
    // It waits for ffmpeg, and no longer when it is told again.
    view.signal("INT");
    let summary = view.end_within(Duration::from_secs(20)).json();
    assert_eq!(summary["frames"], 150);
    let left_out = summary["recording"]["left_out"].as_u64().unwrap();
    assert!((50..150).contains(&left_out), "{left_out}");
    assert!(took < Duration::from_secs(25), "the session was held up: it took {took:?}");
}

#[test]
fn a_frame_of_another_size_ends_the_session_in_good_order() {
    let folder = folder();
    let path = folder.path().join("a.avi");
    let mut view =
        Program::start(&["view", "--bind", "tcp://127.0.0.1:0", "--json", "--stay", "--record", text(&path)]);
    let endpoint = view.listening();
    let serve =
        |source: &str| Program::start(&["serve", source, "--connect", &endpoint, "--frames", "5"]).end();
    serve("test:160x120@30").ok();
    assert!(view.is_running());
    serve("test:176x120@30").ok();
    let view = view.end().fails(1, &["--record", "120×176", "120×160"]);
    assert_eq!(view.json()["recording"]["frames"], 5);
    assert_eq!(numbers(&path).0, [0, 1, 2, 3, 4]);
}
