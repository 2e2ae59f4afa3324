//! Cameras, with the virtual one that Linux has. `cargo xtask camera-test` makes a machine that has it and runs these
//! there.
#![allow(clippy::unwrap_used, reason = "it is test code, also outside the test functions")]

mod recording;
mod vivid;

use std::{
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use media::{CameraError, FrameSource, OpenError, OpenOptions, ReadError, Source, TimedFrame};
use netgear_media as media;
use vivid::{OtherProgram, PATIENCE, assert_bars};

/// The formats that we convert and the camera has, as the options name them and as v4l2-ctl does.
const FORMATS: [(&str, &str); 8] = [
    ("yuyv", "YUYV"),
    ("uyvy", "UYVY"),
    ("nv12", "NV12"),
    ("i420", "YU12"),
    ("yv12", "YV12"),
    ("rgb", "RGB3"),
    ("bgr", "BGR3"),
    ("gray", "GREY"),
];

fn open(text: &str) -> Result<Box<dyn FrameSource>, OpenError> {
    text.parse::<Source>().unwrap().open(&OpenOptions::new())
}

#[track_caller]
fn next(source: &mut impl FrameSource) -> TimedFrame {
    source.next_frame().unwrap().expect("a camera has no end")
}

/// How old a frame is.
fn age(frame: &TimedFrame) -> Duration {
    let captured_at = frame.captured_at.expect("a camera says when it captured a frame").as_micros();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
    assert!(captured_at <= now, "captured {} µs from now", captured_at - now);
    Duration::from_micros(now - captured_at)
}

/// Asserts that the camera can be opened and gives frames that show what it shows.
#[track_caller]
fn assert_works(what: &str) {
    let mut camera = open("camera:0?size=640x480&fps=25&format=yuyv").unwrap();
    for _ in 0..3 {
        assert_bars(&next(&mut camera).frame, what);
    }
}

/// Why the camera cannot be opened.
#[track_caller]
fn open_error(text: &str) -> CameraError {
    match open(text) {
        Err(OpenError::Camera(error)) => error,
        Err(error) => panic!("{text}: {error}"),
        Ok(_) => panic!("{text} was opened"),
    }
}

/// Reads until there is an error, which must come.
#[track_caller]
fn read_error(camera: &mut impl FrameSource) -> CameraError {
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < PATIENCE, "it still waits");
        match camera.next_frame() {
            Ok(frame) => assert!(frame.is_some(), "a camera has no end"),
            Err(ReadError::Camera(error)) => return error,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn each_format_has_the_right_colours_and_moves_and_is_recent() {
    for (format, fourcc) in FORMATS {
        vivid::plug_in_anew();
        let mut camera = open(&format!("camera:0?size=640x480&fps=25&format={format}")).unwrap();
        let info = camera.info();
        assert_eq!((info.width, info.height), (640, 480), "{format}");
        assert_eq!(info.frame_rate.unwrap().frames_per_second(), 25.0, "{format}");
        assert_eq!((info.frames, info.duration), (None, None), "{format}");
        let set = vivid::says("--get-fmt-video");
        assert!(set.contains("640/480") && set.contains(&format!("'{fourcc}'")), "{set}");

        let mut before: Option<TimedFrame> = None;
        for number in 0..10 {
            let next = next(&mut camera);
            assert_bars(&next.frame, &format!("{format}, frame {number}"));
            assert!(age(&next) < Duration::from_secs(1), "{format}: {:?} old", age(&next));
            if let Some(before) = before {
                assert!(next.captured_at > before.captured_at, "{format}, frame {number}: {next:?}");
                assert!(next.time > before.time, "{format}, frame {number}");
                assert_ne!(next.frame, before.frame, "{format}: frame {number} is the one before it");
            }
            before = Some(next);
        }
    }
}

/// What is asked for is what the device does: 2/25 s is not taken for 1/25 s.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_rate_is_what_the_device_is_told() {
    for (asked, expected, interval) in [("25", 25.0, 40), ("12.5", 12.5, 80), ("30", 30.0, 33)] {
        let interval = Duration::from_millis(interval);
        vivid::plug_in_anew();
        // At this size the camera has more rates.
        let mut camera = open(&format!("camera:0?size=320x180&fps={asked}&format=yuyv")).unwrap();
        assert_eq!(camera.info().frame_rate.unwrap().frames_per_second(), expected);
        assert!(vivid::says("--get-parm").contains(&format!("{expected:.3} ")));
        // By its own times too. It may be late, or leave frames out, and is never early for long.
        let times: Vec<_> = (0..13).map(|_| next(&mut camera).time).collect();
        let mean = (times[12] - times[0]) / 12;
        assert!(mean >= interval * 3 / 4, "{asked} fps: a frame each {mean:?}");
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn the_nearest_size_and_rate_are_taken_and_said() {
    for (asked, (width, height), rate) in [
        ("size=650x470&fps=25", (640, 480), 25.0),
        ("size=640x480&fps=24", (640, 480), 25.0),
        ("size=640x480&fps=13", (640, 480), 15.0),
        ("size=640x480&fps=1000", (640, 480), 25.0),
        ("size=1x1&fps=25", (320, 180), 25.0),
    ] {
        vivid::plug_in_anew();
        let mut camera = open(&format!("camera:0?{asked}&format=yuyv")).unwrap();
        let info = camera.info().clone();
        let found = ((info.width, info.height), info.frame_rate.unwrap().frames_per_second());
        assert_eq!(found, ((width, height), rate), "{asked}");
        let frame = next(&mut camera).frame;
        assert_eq!((frame.width(), frame.height()), (width, height), "{asked}");
        let remark = camera.remark().expect("it is said").to_owned();
        assert!(remark.contains(&format!("{width}×{height} at {rate} fps")), "{remark}");
        drop(camera);
        assert_works(asked);
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_without_options_works() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0").unwrap();
    let info = camera.info().clone();
    let next = next(&mut camera);
    assert_eq!((next.frame.width(), next.frame.height()), (info.width, info.height));
    assert_bars(&next.frame, "as the camera likes");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn the_nearest_is_taken_for_a_format_that_the_camera_has_not() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25&format=mjpeg").unwrap();
    let remark = camera.remark().expect("it is said").to_owned();
    assert!(remark.contains("mjpeg was asked for") && remark.contains(&camera.info().codec), "{remark}");
    assert_bars(&next(&mut camera).frame, "in place of MJPEG");
    drop(camera);
    assert_works("after a format that the camera has not");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_has_several_names() {
    vivid::plug_in_anew();
    for name in ["0", "/dev/video0", "vivid"] {
        let mut camera = open(&format!("camera:{name}?size=320x180")).unwrap();
        assert_bars(&next(&mut camera).frame, name);
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_is_not_there_is_an_error() {
    vivid::plug_in_anew();
    for name in ["7", "/dev/video7", "no such camera"] {
        let error = open_error(&format!("camera:{name}"));
        assert!(matches!(error, CameraError::NotFound { .. }), "{error}");
        // Which it looked for, and which there are.
        assert!(error.to_string().contains(name) && error.to_string().contains("vivid"), "{error}");
    }
    vivid::unplug();
    let error = open_error("camera:0");
    assert!(matches!(error, CameraError::NotFound { .. }), "{error}");
    vivid::plug_in();
    assert_works("back again");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_another_program_uses_is_busy() {
    vivid::plug_in_anew();
    let other = OtherProgram::capture();
    let error = open_error("camera:0?size=640x480");
    assert!(matches!(error, CameraError::Busy { .. }), "{error}");
    drop(other);
    assert_works("when the other program has ended");

    let mut first = open("camera:0?size=640x480&format=yuyv").unwrap();
    next(&mut first);
    let error = open_error("camera:0?size=320x180");
    assert!(matches!(error, CameraError::Busy { .. }), "{error}");
    // And whoever has it does not notice.
    assert_bars(&next(&mut first).frame, "the first of two");
}

/// A device that no longer gives frames, and says nothing of it.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_goes_silent_is_an_error_in_time() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25&timeout=1").unwrap();
    next(&mut camera);
    vivid::set("percentage_of_dropped_buffers=100");
    let start = Instant::now();
    let error = read_error(&mut camera);
    assert!(matches!(error, CameraError::Silent { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(1));
    // After an error it is at its end.
    assert!(camera.next_frame().unwrap().is_none());
    vivid::set("percentage_of_dropped_buffers=0");
    camera.rewind().unwrap();
    assert_bars(&next(&mut camera).frame, "begun again");
    drop(camera);
    assert_works("after it was silent");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_is_silent_from_the_start_is_an_error_in_time() {
    vivid::plug_in_anew();
    vivid::set("percentage_of_dropped_buffers=100");
    let silent = open("camera:0?size=640x480&fps=25&timeout=1");
    let error = silent.map_or_else(
        |error| panic!("nothing is wrong as long as nothing is read: {error}"),
        |mut camera| read_error(&mut camera),
    );
    assert!(matches!(error, CameraError::Silent { .. }), "{error}");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn an_unplugged_camera_is_an_error() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25").unwrap();
    next(&mut camera);
    vivid::unplug();
    let error = read_error(&mut camera);
    assert!(matches!(error, CameraError::Unplugged { .. }), "{error}");
    assert!(camera.rewind().is_err());
    vivid::plug_in();
    vivid::set("osd_text_mode=1");
    // The error has let go of the device, so that it has its number again.
    camera.rewind().unwrap();
    assert_bars(&next(&mut camera).frame, "plugged in again");
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn capture_goes_on_when_the_camera_is_back() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25&format=yuyv&timeout=1&resume=60").unwrap();
    let mut before = next(&mut camera);
    for (what, away, back) in [
        ("unplugged", vivid::unplug as fn(), vivid::plug_in as fn()),
        (
            "silent",
            || vivid::set("percentage_of_dropped_buffers=100"),
            || vivid::set("percentage_of_dropped_buffers=0"),
        ),
        ("unplugged again", vivid::unplug, vivid::plug_in),
    ] {
        away();
        let reader = thread::spawn(move || {
            // What was under way when it went may still come.
            let frames: Vec<_> = (0..20).map(|_| next(&mut camera)).collect();
            (camera, frames)
        });
        thread::sleep(Duration::from_secs(2));
        back();
        let frames;
        (camera, frames) = reader.join().unwrap();
        for frame in frames {
            assert!(frame.captured_at > before.captured_at && frame.time > before.time, "{what}");
            before = frame;
        }
        assert_bars(&before.frame, what);
        assert!(age(&before) < PATIENCE);
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_camera_that_does_not_come_back_is_an_error() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25&resume=1").unwrap();
    next(&mut camera);
    vivid::unplug();
    let start = Instant::now();
    let error = read_error(&mut camera);
    assert!(matches!(error, CameraError::Unplugged { .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_stream_that_does_not_start_or_breaks_down_is_an_error() {
    vivid::plug_in_anew();
    for fault in ["inject_vidioc_streamon_error=1", "inject_vidioc_reqbufs_error=1"] {
        vivid::set(fault);
        // When it is opened, and not at the first frame.
        let error = open_error("camera:0?size=640x480&fps=25");
        assert!(matches!(error, CameraError::Start { .. } | CameraError::Device { .. }), "{error}");
        assert_works(fault);
    }
    let mut camera = open("camera:0?size=640x480&fps=25&timeout=2").unwrap();
    next(&mut camera);
    vivid::set("inject_fatal_streaming_error=1");
    let error = read_error(&mut camera);
    assert!(matches!(error, CameraError::Device { .. } | CameraError::Silent { .. }), "{error}");
    drop(camera);
    assert_works("after its stream broke down");
}

/// A buffer that the driver marks as spoilt is no picture, and no reason to stop.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_spoilt_buffer_is_passed_over() {
    vivid::plug_in_anew();
    vivid::set("horizontal_movement=6");
    let mut camera = open("camera:0?size=640x480&fps=25&format=bgr").unwrap();
    for _ in 0..3 {
        next(&mut camera);
        vivid::set("inject_v4l2_buf_flag_error=1");
    }
    for _ in 0..10 {
        next(&mut camera);
    }
}

/// What the device filled while nobody read is older than anybody wants.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn a_pause_of_the_reader_brings_no_stale_frames() {
    vivid::plug_in_anew();
    vivid::set("horizontal_movement=6");
    let mut camera = open("camera:0?size=640x480&fps=25&format=yuyv").unwrap();
    let mut last = (0..5).map(|_| next(&mut camera)).last().unwrap();
    for _ in 0..3 {
        thread::sleep(Duration::from_secs(2));
        for _ in 0..3 {
            let next = next(&mut camera);
            assert!(age(&next) < Duration::from_millis(500), "{:?} old", age(&next));
            assert!(next.captured_at > last.captured_at);
            assert_ne!(vivid::shift(&next.frame), vivid::shift(&last.frame), "the bars have not moved");
            last = next;
        }
    }
}

/// The bars move by 8 columns with each frame that the camera makes.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn frames_come_in_their_order() {
    vivid::plug_in_anew();
    vivid::set("horizontal_movement=6");
    let mut camera = open("camera:0?size=640x480&fps=25&format=yuyv").unwrap();
    let mut before = next(&mut camera);
    for _ in 0..30 {
        let next = next(&mut camera);
        let moved = (640 + vivid::shift(&next.frame) - vivid::shift(&before.frame)) % 640;
        // A slow machine leaves frames out.
        assert!(moved.is_multiple_of(8) && (8..=320).contains(&moved), "moved by {moved} columns");
        assert!(next.time > before.time);
        before = next;
    }
}

/// The device says in which range its YUV is, and by its colour space which matrix it has.
#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn the_range_and_the_colour_space_of_the_device_are_followed() {
    // SMPTE 170M is BT.601.
    let (smpte_170m, bt_709, full, limited) =
        ("colorspace=0", "colorspace=1", "quantization=1", "quantization=2");
    for controls in [full, limited, smpte_170m, bt_709, &format!("{bt_709},{full}")] {
        vivid::plug_in_anew();
        vivid::set(controls);
        for format in ["yuyv", "nv12"] {
            let mut camera = open(&format!("camera:0?size=640x480&fps=25&format={format}")).unwrap();
            assert_bars(&next(&mut camera).frame, &format!("{controls}, {format}"));
        }
    }
}

#[test]
#[ignore = "wants the virtual camera: cargo xtask camera-test"]
fn who_waits_for_a_frame_is_cancelled() {
    vivid::plug_in_anew();
    let mut camera = open("camera:0?size=640x480&fps=25").unwrap();
    next(&mut camera);
    vivid::set("percentage_of_dropped_buffers=100");
    let canceller = camera.canceller().expect("a camera may wait for long");
    let waiting = thread::spawn(move || {
        while let Ok(Some(_)) = camera.next_frame() {}
        Instant::now()
    });
    thread::sleep(Duration::from_millis(300));
    let cancelled = Instant::now();
    canceller.cancel();
    let ended = waiting.join().unwrap();
    assert!(ended.saturating_duration_since(cancelled) < Duration::from_secs(1));
}
