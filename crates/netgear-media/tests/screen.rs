//! Screens, of X servers without hardware: Xvfb.
#![cfg(all(unix, not(target_vendor = "apple")))]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, also outside the test functions"
)]

#[path = "common/xvfb.rs"]
#[allow(unreachable_pub, reason = "other crates' tests use it too")]
mod xvfb;

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use netgear_media::proto::Frame;
use netgear_media::{FrameSource, OpenError, OpenOptions, ReadError, ScreenError, Source};
use x11rb::connection::Connection;
use x11rb::protocol::randr::{ConnectionExt as _, MonitorInfo};
use x11rb::protocol::xproto::{ConnectionExt as _, CreateGCAux, Rectangle};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use xvfb::Xvfb;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

const RED: u32 = 0xff_0000;
const GREEN: u32 = 0x00_ff00;
const BLUE: u32 = 0x00_00ff;
const ODD: u32 = 0x12_3456;

impl Xvfb {
    fn open(&self, screen: &str) -> Result<Box<dyn FrameSource>, OpenError> {
        open(&format!("screen:{screen}&display={}", self.display))
    }

    /// Someone who draws.
    fn painter(&self) -> Painter {
        let (connection, screen) = x11rb::connect(Some(&self.display)).unwrap();
        let root = connection.setup().roots[screen].root;
        Painter { connection, root }
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }
}

struct Painter {
    connection: RustConnection,
    root: u32,
}

impl Painter {
    /// When this returns, the screen shows it.
    fn fill(&self, colour: u32, x: i16, y: i16, width: u16, height: u16) {
        let context = self.connection.generate_id().unwrap();
        let values = CreateGCAux::new().foreground(colour);
        self.connection.create_gc(context, self.root, &values).unwrap();
        let area = Rectangle { x, y, width, height };
        self.connection.poly_fill_rectangle(self.root, context, &[area]).unwrap();
        self.connection.sync().unwrap();
    }
}

fn open(text: &str) -> Result<Box<dyn FrameSource>, OpenError> {
    text.parse::<Source>().unwrap().open(&OpenOptions::new())
}

#[track_caller]
fn next(source: &mut impl FrameSource) -> Frame {
    source.next_frame().unwrap().expect("a screen has no end").frame
}

/// The pixel as the X server has it: 0xRRGGBB.
fn pixel(frame: &Frame, x: u32, y: u32) -> u32 {
    let start = (y as usize * frame.width() as usize + x as usize) * 3;
    let bgr = &frame.pixels()[start..start + 3];
    u32::from(bgr[2]) << 16 | u32::from(bgr[1]) << 8 | u32::from(bgr[0])
}

#[test]
fn every_pixel_is_that_of_the_screen() {
    // An odd width: rows must not slip.
    let Some(xvfb) = Xvfb::start("321x243x24") else { return };
    let painter = xvfb.painter();
    painter.fill(RED, 0, 0, 321, 243);
    painter.fill(GREEN, 100, 50, 7, 11);
    painter.fill(BLUE, 0, 0, 1, 1);
    painter.fill(ODD, 320, 242, 1, 1);
    let mut screen = xvfb.open("0?fps=25").unwrap();
    let info = screen.info().clone();
    assert_eq!((info.width, info.height, info.frames), (321, 243, None));
    assert_eq!(info.frame_rate.unwrap().frames_per_second(), 25.0);
    let frame = next(&mut screen);
    for y in 0..243 {
        for x in 0..321 {
            let expected = match (x, y) {
                (0, 0) => BLUE,
                (320, 242) => ODD,
                (100..107, 50..61) => GREEN,
                _ => RED,
            };
            assert_eq!(pixel(&frame, x, y), expected, "at {x}, {y}");
        }
    }
}

#[test]
fn each_frame_is_what_the_screen_shows_now_and_they_keep_their_pace() {
    let Some(xvfb) = Xvfb::start("64x48x24") else { return };
    let painter = xvfb.painter();
    let mut screen = xvfb.open("0?fps=20").unwrap();
    let start = Instant::now();
    let mut before = None;
    for number in 0..10 {
        painter.fill(number, 0, 0, 64, 48);
        let next = screen.next_frame().unwrap().unwrap();
        assert_eq!(pixel(&next.frame, 5, 5), number);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros() as u64;
        let captured_at = next.captured_at.unwrap().as_micros();
        assert!(captured_at <= now && now - captured_at < PATIENCE.as_micros() as u64);
        if let Some(before) = before {
            assert!(next.time > before);
        }
        before = Some(next.time);
    }
    // Ten frames at 20 a second: nine intervals. How much longer it takes is up to the machine.
    assert!(start.elapsed() >= Duration::from_millis(449));
}

#[test]
fn who_is_late_gets_no_frames_to_make_up_for_it() {
    let Some(xvfb) = Xvfb::start("64x48x24") else { return };
    let mut screen = xvfb.open("0?fps=10").unwrap();
    next(&mut screen);
    thread::sleep(Duration::from_millis(1_000));
    let start = Instant::now();
    for _ in 0..4 {
        next(&mut screen);
    }
    // The first at once, and the others as far from each other as ever.
    assert!(start.elapsed() >= Duration::from_millis(299));
}

#[test]
fn a_monitor_is_a_part_of_the_screen() {
    let Some(xvfb) = Xvfb::start("200x100x24") else { return };
    let painter = xvfb.painter();
    painter.fill(RED, 0, 0, 200, 100);
    painter.fill(GREEN, 100, 20, 60, 40);
    for (name, primary, (x, y, width, height)) in
        [("left", false, (0, 0, 100, 100)), ("right", true, (100, 20, 60, 40))]
    {
        let name = painter.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom;
        let monitor = MonitorInfo { name, primary, x, y, width, height, ..Default::default() };
        painter.connection.randr_set_monitor(painter.root, monitor).unwrap().check().unwrap();
    }
    let mut primary = xvfb.open("0?").unwrap();
    let frame = next(&mut primary);
    assert_eq!((frame.width(), frame.height()), (60, 40));
    assert!((0..40).all(|y| (0..60).all(|x| pixel(&frame, x, y) == GREEN)));
    assert!(matches!(
        xvfb.open("9?").err(),
        Some(OpenError::Screen { error: ScreenError::NoSuchMonitor { number: 9, found: 2.. }, .. })
    ));
}

#[test]
fn a_display_that_goes_away_is_an_error_and_then_the_end() {
    let Some(mut xvfb) = Xvfb::start("64x48x24") else { return };
    let mut screen = xvfb.open("0?fps=100").unwrap();
    next(&mut screen);
    xvfb.process.kill().unwrap();
    xvfb.process.wait().unwrap();
    let start = Instant::now();
    let error = loop {
        assert!(start.elapsed() < PATIENCE);
        if let Err(error) = screen.next_frame() {
            break error;
        }
    };
    assert!(matches!(error, ReadError::Screen { .. }), "{error}");
    assert!(error.to_string().contains(&xvfb.display), "{error}");
    assert!(screen.next_frame().unwrap().is_none());
    assert!(screen.rewind().is_err());
}

#[test]
fn a_display_that_is_stuck_is_an_error_in_time_and_a_source_that_waits_for_it_is_cancelled() {
    let Some(xvfb) = Xvfb::start("64x48x24") else { return };
    let mut screen = xvfb.open("0?fps=100").unwrap();
    let mut cancelled = xvfb.open("0?fps=100").unwrap();
    next(&mut screen);
    next(&mut cancelled);
    xvfb.signal("-STOP");

    let canceller = cancelled.canceller().unwrap();
    let start = Instant::now();
    let waiting = thread::spawn(move || {
        while let Ok(Some(_)) = cancelled.next_frame() {}
        start.elapsed()
    });
    thread::sleep(Duration::from_millis(200));
    canceller.cancel();
    // Sooner than by the deadline.
    assert!(waiting.join().unwrap() < Duration::from_secs(4));

    let error = screen.next_frame().unwrap_err();
    assert!(error.to_string().contains("not answered"), "{error}");
    assert!(start.elapsed() < PATIENCE);
    xvfb.signal("-CONT");
    // It is there again, so the source can be played again.
    screen.rewind().unwrap();
    next(&mut screen);
}

#[test]
fn what_cannot_be_captured_is_an_error_that_says_why() {
    let open_error = |text: &str| match open(text) {
        Err(OpenError::Screen { error, .. }) => error,
        other => panic!("{text}: {:?}", other.err()),
    };
    assert!(matches!(open_error("screen:0?display=:64999"), ScreenError::Connect { .. }));
    assert!(matches!(open_error("screen:0?display=nonsense"), ScreenError::Connect { .. }));
    let Some(xvfb) = Xvfb::start("64x48x16") else { return };
    let text = format!("screen:0?display={}", xvfb.display);
    assert!(matches!(open_error(&text), ScreenError::UnknownPixels));
}

#[test]
fn a_screen_larger_than_allowed_is_an_error() {
    let Some(xvfb) = Xvfb::start("640x480x24") else { return };
    let source: Source = format!("screen:0?display={}", xvfb.display).parse().unwrap();
    let options = OpenOptions::new().with_max_frame_bytes(640 * 480 * 3 - 1);
    assert!(matches!(source.open(&options), Err(OpenError::TooLarge { .. })));
}
