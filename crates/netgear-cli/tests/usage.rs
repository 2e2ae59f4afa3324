//! What the program says: of wrong usage, of sources it cannot open, of those it can.

mod common;

use common::{Program, command, digest, film, folder, has, run, same_frames, stream, text};
use netgear::{
    media::{OpenOptions, Source, TestPattern},
    prelude::FrameSource,
};
use serde_json::{Value as Json, json};

#[test]
fn each_malformed_option_ends_with_code_2_and_a_helpful_message() {
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &["Usage: netgear"]),
        (&["stream"], &["unrecognized subcommand 'stream'", "Usage"]),
        (&["serve"], &["<SOURCE>"]),
        (&["serve", ""], &["nothing was given"]),
        (&["serve", "test:0x0"], &["0x0", "1280x720"]),
        (&["serve", "test:640x480@0"], &["not a frame rate"]),
        (&["serve", "camera:"], &["camera:0"]),
        (&["serve", "camera:0?size=0x0"], &["size=1280x720"]),
        (&["serve", "camera:0?format=h264"], &["yuyv"]),
        (&["probe", "camera:0?rate=30"], &["no option `rate`", "fps=30"]),
        (&["serve", "test:", "--pattern", "pubsub"], &["--pattern", "use pair or reqrep"]),
        (&["view", "--pattern", "push-pull"], &["--pattern", "use pair or reqrep"]),
        (&["view", "--pattern", "dealer"], &["--pattern", "use pair (0) or reqrep (1)"]),
        (&["view", "--bind", ""], &["tcp://host:port"]),
        (&["view", "--bind", "127.0.0.1:5555"], &["--bind", "write tcp://host:port"]),
        (&["view", "--bind", "udp://127.0.0.1:5555"], &["use tcp:// or ipc://"]),
        (&["view", "--bind", "tcp://127.0.0.1"], &["has no port"]),
        (&["view", "--bind", "tcp://:5555"], &["names no host"]),
        (&["view", "--bind", "tcp://a b:5555"], &["neither an address nor a host name"]),
        (&["view", "--bind", "tcp://::1:5555"], &["tcp://[::1]:5555"]),
        (&["view", "--bind", "tcp://127.0.0.1:65536"], &["from 0 to 65535"]),
        (&["view", "--bind", "ipc://"], &["names no socket"]),
        (&["serve", "test:", "--connect", "tcp://127.0.0.1:http"], &["--connect", "from 0 to 65535"]),
        (&["serve", "test:", "--reduce", "0"], &["--reduce", "greater than 0 and less than 90"]),
        (&["serve", "test:", "--reduce", "95"], &["greater than 0 and less than 90"]),
        (&["serve", "test:", "--reduce", "-5"], &["greater than 0 and less than 90"]),
        (&["serve", "test:", "--reduce", "x"], &["greater than 0 and less than 90"]),
        (&["serve", "test:", "--filter", "lanczos"], &["lanczos4, antialiased-linear"]),
        (&["serve", "test:", "--filter", "area"], &["--reduce", "--size"]),
        (&["serve", "test:", "--size", "0x480"], &["--size", "1280x720"]),
        (&["serve", "test:", "--size", "640"], &["such as 1280x720"]),
        (&["serve", "test:", "--size", "640x480", "--reduce", "30"], &["cannot be used with"]),
        (&["serve", "test:", "--fit", "fill"], &["--size"]),
        (&["serve", "test:", "--size", "9x9", "--fit", "zoom"], &["stretch, inside, fill, letterbox"]),
        (&["serve", "test:", "--size", "9x9", "--fit", "letterbox:red"], &["#rrggbb"]),
        (&["serve", "test:", "--crop", "640x480"], &["--crop", "640x480+100+50"]),
        (&["serve", "test:", "--crop", "0x480+0+0"], &["at least 1"]),
        (&["serve", "test:", "--flip", "x"], &["--flip", "h or horizontal (left and right)"]),
        (&["serve", "test:", "--rotate", "45"], &["--rotate", "90, 180 or 270"]),
        (&["serve", "test:", "--rotate", "-90"], &["90, 180 or 270"]),
        (&["serve", "test:", "--fps", "0"], &["--fps", "not a frame rate", "or write max"]),
        (&["serve", "test:", "--fps", "-1"], &["not a frame rate"]),
        (&["serve", "test:", "--fps", "x"], &["not a frame rate"]),
        (&["serve", "test:", "--encoding", "jpeg::444"], &["--encoding", "jpeg:75:444"]),
        (&["demo", "--encoding", "png"], &["use raw, jpeg, jpeg:QUALITY"]),
        (&["serve", "test:", "--frames", "0"], &["--frames"]),
        (&["serve", "test:", "--frames", "x"], &["--frames"]),
        (&["demo", "--size", "0x0"], &["--size", "1280x720"]),
        (&["demo", "--size", "axb"], &["number of pixels"]),
        (&["demo", "--size", "1280"], &["such as 1280x720"]),
        (&["demo", "--size", "99999x1"], &["16384"]),
        (&["demo", "--fps", "never"], &["or write max"]),
        (&["demo", "--seconds", "-1"], &["number of seconds"]),
        (&["demo", "--transport", "udp"], &["tcp", "ipc"]),
        (&["demo", "--snapshot", "last.bmp"], &[".png, .jpg or .jpeg"]),
        (&["view", "--snapshot", "last"], &[".png, .jpg or .jpeg"]),
        (&["view", "--snapshot", "/no/such/folder/last.png"], &["no folder /no/such/folder"]),
        (&["view", "--wait", "-1"], &["--wait", "number of seconds"]),
        (&["view", "--wait", "soon"], &["number of seconds"]),
        (&["view", "--wait", "1e19"], &["number of seconds"]),
        (&["view", "--reply-frames", "test:1"], &["not a size"]),
        (&["view", "--bind", "tcp://*:1", "--connect", "tcp://a:1"], &["cannot be used with"]),
        (&["serve", "test:", "--bind", "tcp://*:1", "--connect", "tcp://a:1"], &["cannot be used with"]),
        (&["view", "--reply", "x", "--reply-frames", "test:"], &["cannot be used with"]),
        (&["view", "--reply", "x", "--unidirectional"], &["cannot be used with"]),
        (&["view", "--reply-frames", "test:", "--unidirectional"], &["cannot be used with"]),
        (&["serve", "test:", "--data", "x", "--unidirectional"], &["cannot be used with"]),
        (&["demo", "--frames", "1", "--seconds", "1"], &["cannot be used with"]),
    ];
    for (arguments, parts) in cases {
        let ended = run(arguments).with_code(2);
        for part in *parts {
            // Messages may be wrapped.
            let said = ended.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.contains(part), "{arguments:?}: no {part:?} in {}", ended.stderr);
        }
        assert_eq!(ended.stdout, "", "{arguments:?}");
    }
}

/// What is well-formed and still cannot be connected to, or written to.
#[test]
fn what_can_never_work_is_an_error_at_once() {
    run(&["serve", "test:", "--connect", "tcp://*:5555"]).fails(1, &["to connect, name the host"]);
    run(&["view", "--connect", "tcp://127.0.0.1:0"]).fails(1, &["name the port that the other end bound"]);
    run(&["serve", "test:", "--connect", "tcp://no-such-host.invalid:1"])
        .fails(1, &["tcp://no-such-host.invalid:1", "check the name"]);
    run(&["view", "--bind", "tcp://127.0.0.1:0", "--record", "film.png"])
        .fails(2, &["--record", "ends in .y4m", "%06d.png"]);
    run(&["view", "--bind", "ipc:///no/such/folder/s"]).fails(1, &["ipc:///no/such/folder/s"]);
}

/// What others call the commands is understood, and not listed.
#[test]
fn the_commands_have_other_names() {
    for (other, name) in [("send", "serve"), ("receive", "view"), ("recv", "view")] {
        let help = run(&[other, "--help"]).ok().stdout;
        assert!(help.contains(&format!("Usage: netgear {name}")), "{other}: {help}");
        assert_eq!(help, run(&[name, "--help"]).ok().stdout);
    }
    assert!(!run(&["--help"]).ok().stdout.contains("recv"));
}

#[test]
fn help_shows_examples() {
    for name in ["demo", "serve", "view", "probe", "devices"] {
        let help = run(&[name, "--help"]).ok();
        assert!(help.stdout.contains(&format!("Examples:\n  netgear {name}")), "{}", help.stdout);
    }
    assert!(run(&["--help"]).ok().stdout.contains("netgear demo"));
    assert!(run(&["--version"]).ok().stdout.starts_with("netgear 0."));
}

#[test]
fn sources_that_cannot_be_opened_say_what_to_do() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    // ffmpeg takes a text for ANSI art; this is nothing to it either.
    std::fs::write(path("noise.bin"), [0xa5, 0x5a, 0x00, 0x13].repeat(500)).unwrap();
    std::fs::create_dir(path("empty")).unwrap();
    let cases = [
        (path("missing.mp4"), &["cannot open", "missing.mp4"][..]),
        (path("empty"), &["no picture"]),
        (path("*.png"), &["no picture matches", "check the pattern"]),
    ];
    for (path, parts) in &cases {
        for arguments in
            [&["probe", text(path)][..], &["serve", text(path)], &["view", "--reply-frames", text(path)]]
        {
            run(arguments).fails(1, parts);
        }
    }
    if has("ffmpeg", "a file that is no video") {
        run(&["probe", text(&path("noise.bin"))]).fails(1, &["ffmpeg cannot open", "noise.bin"]);
        // Whatever ffmpeg takes a text for, and says of that.
        std::fs::write(path("settings.toml"), "[package]\nname = \"a\"\n\n[features]\nb = []\n").unwrap();
        std::fs::write(path("notes.txt"), "a note\nand another\n").unwrap();
        for name in ["settings.toml", "notes.txt"] {
            let ended = run(&["serve", text(&path(name))]).fails(1, &["ffmpeg cannot open", name]);
            assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
            for noise in [" @ 0x", "; ", "misdetection", "Input #0", "trailing", "file:"] {
                assert!(!ended.stderr.contains(noise), "{name}: {noise:?} in {}", ended.stderr);
            }
        }
    }
    // Nobody waits for a peer with a source that is not there.
    run(&["serve", "test:16384x16384"]).fails(1, &["16384×16384"]);
    run(&["demo", "--size", "16384x16384"]).fails(1, &["16384×16384"]);
}

#[test]
fn a_camera_that_is_not_there_is_said_to_be_missing() {
    let part = if cfg!(feature = "camera") { "camera:4000 is not there" } else { "--features camera" };
    run(&["probe", "camera:4000"]).fails(1, &[part]);
    let listed = run(&["devices", "--json"]);
    if cfg!(feature = "camera") {
        let listed: Json = serde_json::from_str(&listed.ok().stdout).unwrap();
        assert!(listed.is_array(), "{listed}");
    } else {
        listed.fails(1, &["--features camera"]);
    }
}

#[test]
fn a_missing_ffmpeg_is_said_to_be_missing() {
    let folder = folder();
    let film = folder.path().join("film.mkv");
    std::fs::write(&film, b"\x1a\x45\xdf\xa3 and so on").unwrap();
    for source in [text(&film), "http://127.0.0.1:1/film.mp4"] {
        for name in ["probe", "serve"] {
            let mut command = command(&[name, source]);
            command.env("PATH", "");
            Program::spawn(command).end().fails(1, &[source, "no ffmpeg on the PATH", "install"]);
        }
    }
}

fn probe(source: &str) -> (String, Json) {
    let people = run(&["probe", source]).ok();
    (people.stdout, run(&["probe", source, "--json"]).ok().json())
}

#[test]
fn probe_says_what_a_source_is() {
    let (people, json) = probe("test:640x360@25");
    assert_eq!(people, "640×360 BGR u8, 25 fps; rawvideo, decoded by test pattern\n");
    assert_eq!(
        (&json["width"], &json["height"], &json["frame_rate"]),
        (&json!(640), &json!(360), &json!(25.0))
    );
    assert_eq!((&json["frames"], &json["seconds"]), (&json!(null), &json!(null)));

    if has("ffmpeg", "probe of an MP4") {
        let film =
            film("probe.mp4", "-f lavfi -i testsrc2=size=320x240:rate=30 -t 1 -c:v libx264 -pix_fmt yuv420p");
        let (people, json) = probe(text(&film));
        assert_eq!(people, "320×240 BGR u8, 30 fps, 30 frames, 1.00 s; h264, decoded by rust_h264\n");
        assert_eq!(
            (&json["frames"], &json["seconds"], &json["codec"]),
            (&json!(30), &json!(1.0), &json!("h264"))
        );
        let film = common::film("probe.gif", "-f lavfi -i testsrc2=size=32x24:rate=10 -t 1");
        let (people, json) = probe(text(&film));
        assert!(people.starts_with("32×24 BGR"), "{people}");
        assert_eq!(
            (&json["frames"], &json["codec"], &json["decoder"]),
            (&json!(10), &json!("gif"), &json!("gif"))
        );
    }
}

/// A recording, once it is made, is a source.
#[test]
fn what_is_recorded_can_be_probed_and_served_again() {
    let folder = folder();
    let y4m = folder.path().join("film.y4m");
    let pictures = folder.path().join("pictures/");
    let last = folder.path().join("last.png");
    for (path, codec) in [(&y4m, "rawvideo"), (&pictures, "png")] {
        let (serve, view) = stream(
            &["test:64x48", "--fps", "max", "--frames", "6", "--digest"],
            &["--record", text(path), "--record-fps", "30", "--snapshot", text(&last), "--digest"],
        );
        let sent = same_frames(&serve.ok().json(), &view.ok().json());
        assert_eq!(sent, 6);
        let (people, json) = probe(text(path));
        assert!(people.starts_with("64×48 BGR u8, 30 fps, 6 frames, 0.20 s"), "{people}");
        assert_eq!((&json["frames"], &json["codec"]), (&json!(6), &json!(codec)));
        let (serve, view) = stream(&[text(path), "--fps", "max", "--digest"], &["--digest"]);
        assert_eq!(same_frames(&serve.ok().json(), &view.ok().json()), 6);
    }
    let (people, json) = probe(text(&last));
    assert!(people.starts_with("64×48 BGR u8"), "{people}");
    assert_eq!((&json["frames"], &json["codec"]), (&json!(1), &json!("png")));
}

/// PNG loses nothing: the pictures of a folder are the frames that were sent.
#[test]
fn a_folder_of_pictures_has_every_pixel() {
    let folder = folder();
    let pictures = folder.path().join("pictures/");
    let (serve, view) = stream(
        &["test:64x48", "--fps", "max", "--frames", "4", "--digest"],
        &["--record", text(&pictures), "--digest"],
    );
    let before = digest(&serve.ok().json(), "digest");
    view.ok();
    let (serve, _view) = stream(&[text(&pictures), "--fps", "max", "--digest"], &[]);
    assert_eq!(digest(&serve.ok().json(), "digest"), before);
}

#[test]
fn a_snapshot_is_the_last_frame() {
    let folder = folder();
    let last = folder.path().join("last.png");
    let (serve, view) =
        stream(&["test:160x120", "--fps", "max", "--frames", "9"], &["--snapshot", text(&last)]);
    serve.ok();
    let (stderr, said) = (view.ok().stderr, format!("saved the last frame as {}\n", last.display()));
    assert!(stderr.contains(&said), "{stderr}");
    let mut source = Source::Path(last).open(&OpenOptions::new()).unwrap();
    let found = source.next_frame().unwrap().unwrap().frame;
    assert_eq!(found, TestPattern::new("160x120".parse().unwrap()).frame(8));
}

#[test]
fn a_snapshot_of_nothing_is_said_to_be_none() {
    let folder = folder();
    let last = folder.path().join("last.png");
    let arguments = ["view", "--bind", "tcp://127.0.0.1:0", "--wait", "0.1", "--snapshot", text(&last)];
    let said = format!("no frame came, and {} was not written", last.display());
    run(&arguments).fails(1, &[&said, "there was no peer"]);
    assert!(!last.exists());
}

/// The fields that the specification of `--json` names.
const FIELDS: [&str; 13] = [
    "frames",
    "bytes",
    "seconds",
    "fps",
    "gigabytes_per_second",
    "data_sent",
    "data_received",
    "frames_returned",
    "dropped",
    "reconnects",
    "latency_us",
    "digest",
    "peer",
];

#[test]
fn a_demo_loses_nothing_in_any_of_its_ways() {
    let folder = folder();
    let last = folder.path().join("last.png");
    let small = ["demo", "--size", "160x120", "--frames", "15", "--fps", "max"];
    for pattern in ["pair", "reqrep"] {
        for transport in ["tcp", "ipc"] {
            for more in [&[][..], &["--return-frames"], &["--reduce", "50", "--snapshot", text(&last)]] {
                let how = ["--pattern", pattern, "--transport", transport, "--json"];
                let json = run(&[&small, &how[..], more].concat()).ok().json();
                for field in FIELDS {
                    assert!(json.get(field).is_some(), "no {field} in {json}");
                }
                for field in ["p50", "p99", "max"] {
                    assert!(json["latency_us"][field].is_u64(), "{json}");
                }
                digest(&json, "digest");
                assert_eq!(json["peer"], json!({"dialect": "native", "pattern": pattern}));
                assert_eq!(
                    (&json["frames"], &json["received_frames"], &json["dropped"]),
                    (&json!(15), &json!(15), &json!(0))
                );
                assert_eq!((&json["data_sent"], &json["data_received"]), (&json!(15), &json!(15)));
                assert_eq!(json["frames_returned"], if more == ["--return-frames"] { 15 } else { 0 });
                let pixels = if more.contains(&"--reduce") { 80 * 60 } else { 160 * 120 };
                assert_eq!(json["bytes"], 15 * pixels * 3);
                assert!(json["endpoint"].as_str().unwrap().starts_with(transport), "{json}");
            }
        }
    }
    let mut picture = Source::Path(last).open(&OpenOptions::new()).unwrap();
    assert_eq!(picture.next_frame().unwrap().unwrap().frame.shape().width(), 80);
}

#[test]
fn a_demo_keeps_to_its_rate_and_its_time() {
    let demo = run(&["demo", "--size", "64x48", "--seconds", "1", "--fps", "20", "--json"]).ok().json();
    let frames = demo["frames"].as_u64().unwrap();
    // 20 on an idle machine; fewer on one that has no time.
    assert!((10..=20).contains(&frames), "{demo}");
    let people = run(&["demo", "--size", "64x48", "--frames", "3"]).ok().stdout;
    assert!(people.contains("nothing lost"), "{people}");
    assert!(people.contains("3 frames in 0."), "{people}");
}

#[test]
fn rust_log_says_whose_events_are_printed() {
    const TOLD: &str = "INFO netgear_transport";
    let demo = |wanted: &str| {
        let mut command = command(&["demo", "--frames", "3", "--fps", "max"]);
        command.env("RUST_LOG", wanted);
        Program::spawn(command).end().ok().stderr
    };
    for all in ["warn,netgear_transport=info", "info", "info,", "warn, netgear_transport = info"] {
        let said = demo(all);
        assert!(said.contains(TOLD) && !said.contains("RUST_LOG"), "{all}: {said}");
    }
    for less in ["", "warn", "info,netgear_transport=off"] {
        let said = demo(less);
        assert!(!said.contains(TOLD) && !said.contains("RUST_LOG"), "{less}: {said}");
    }
    for wrong in ["netgear_transport=loud", "netgear_transport[session]=info", "inof"] {
        let said = demo(&format!("info,{wrong}"));
        assert!(said.contains("RUST_LOG") && said.contains(&format!("`{wrong}`")), "{wrong}: {said}");
        assert!(!said.contains(TOLD), "{wrong}: {said}");
    }
}

/// What goes to a file or a pipe is plain text, whatever is said.
#[test]
fn no_control_codes_go_where_there_is_no_terminal() {
    let demo = run(&["demo", "--size", "64x48", "--frames", "10", "-vv"]).ok();
    assert!(!demo.stderr.is_empty());
    assert!(!demo.stderr.contains('\u{1b}') && !demo.stderr.contains('\r'), "{:?}", demo.stderr);
    let quiet = run(&["demo", "--size", "64x48", "--frames", "10"]).ok();
    assert_eq!(quiet.stderr, "");
}
