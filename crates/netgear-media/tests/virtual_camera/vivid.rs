//! The virtual camera of Linux, and what it shows.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions")]

use std::{
    fs,
    io::{BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::media::proto::{Frame, PixelFormat};

/// Longer than anything here takes in a machine that is emulated while others build; what takes longer hangs.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const DEVICE: &str = "/dev/video0";

const DRIVER: &str = "/sys/bus/platform/drivers/vivid";

/// A pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The eight bars at three quarters of the full intensity, from left to right: white, yellow, cyan, green, magenta,
/// red, blue and black, as BGR.
const BARS: [[u8; 3]; 8] = [
    [191, 191, 191],
    [0, 191, 191],
    [191, 191, 0],
    [0, 191, 0],
    [191, 0, 191],
    [0, 0, 191],
    [191, 0, 0],
    [0, 0, 0],
];

/// The same in the gray that the camera makes of them: luma of the full range, by BT.709.
const GRAY_BARS: [u8; 8] = [190, 176, 149, 136, 54, 40, 13, 0];

/// As far as a colour may be from what was meant: YUV in 8 bits rounds three times on its way.
const TOLERANCE: u8 = 5;

/// A camera as if it had just been bought: all that earlier tests have set is forgotten. It shows the bars, and at
/// the top the number of the frame.
pub fn plug_in_anew() {
    if Path::new(DRIVER).join("vivid.0").exists() {
        unplug();
    }
    plug_in();
    set("osd_text_mode=1");
}

/// Takes the camera away, as pulling its plug does.
pub fn unplug() {
    fs::write(Path::new(DRIVER).join("unbind"), "vivid.0").unwrap();
    wait_until("the camera is gone", || !Path::new(DEVICE).exists());
}

/// Brings it back. It has the same number again if nobody still holds what it was before.
pub fn plug_in() {
    fs::write(Path::new(DRIVER).join("bind"), "vivid.0").unwrap();
    wait_until("the camera is there", || Path::new(DEVICE).exists());
}

/// Sets controls, as in `horizontal_movement=6`.
pub fn set(controls: &str) {
    let output = Command::new("v4l2-ctl").args(["--set-ctrl", controls]).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{controls}: {errors}");
}

/// What v4l2-ctl says, which reads the device by itself and knows nothing of ours.
pub fn says(option: &str) -> String {
    let output = Command::new("v4l2-ctl").arg(option).output().unwrap();
    assert!(output.status.success(), "{option}");
    String::from_utf8(output.stdout).unwrap()
}

/// Another program that captures, until this is dropped.
pub struct OtherProgram(Child);

impl OtherProgram {
    pub fn capture() -> Self {
        let mut other = Command::new("v4l2-ctl");
        other.args(["--stream-mmap", "--stream-count=0"]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut program = Self(other.stderr(Stdio::piped()).spawn().unwrap());
        // It writes one of these for each frame.
        let mut console = BufReader::new(program.0.stderr.take().unwrap()).bytes();
        assert!(console.any(|byte| byte.unwrap() == b'<'), "the other program does not capture");
        // Read to the end, so that it can go on writing.
        thread::spawn(move || console.for_each(drop));
        program
    }
}

impl Drop for OtherProgram {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until it is so.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited for ever until {what}");
        thread::sleep(PAUSE);
    }
}

/// Asserts that a frame shows the bars, each in its colour, wherever they have moved to.
#[track_caller]
pub fn assert_bars(frame: &Frame, what: &str) {
    let (width, shift) = (frame.width(), shift(frame));
    for bar in 0..BARS.len() {
        let centre = (width as usize * (2 * bar + 1) / (2 * BARS.len())) as u32;
        let found = pixel(frame, (centre + shift) % width);
        let expected = match frame.pixel_format() {
            PixelFormat::Gray => &GRAY_BARS[bar..=bar],
            _ => &BARS[bar][..],
        };
        let fits = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| found.abs_diff(*expected) <= TOLERANCE);
        assert!(fits, "{what}: bar {bar} is {found:?}, and should be {expected:?}");
    }
}

/// How far to the right the bars have moved: so many columns stand left of the white bar, as whole frames go by 8 for
/// each with `horizontal_movement=6`.
pub fn shift(frame: &Frame) -> u32 {
    let is_white = |x| pixel(frame, x).iter().all(|level| level.abs_diff(BARS[0][0]) <= TOLERANCE);
    let width = frame.width();
    (0..width).find(|x| is_white(*x) && !is_white((x + width - 1) % width)).unwrap_or(0)
}

/// In a row below all that the camera writes into its pictures.
fn pixel(frame: &Frame, x: u32) -> &[u8] {
    let channels = usize::from(frame.channels());
    let row = frame.height() as usize * 5 / 6;
    let start = (row * frame.width() as usize + x as usize) * channels;
    &frame.pixels()[start..start + channels]
}
