//! The rules of reading a camera, over a camera that does what it is told.

use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::FrameRate;
use crate::camera::backend::RawBuffer;
use crate::camera::raw_frame::RawLayout;
use crate::camera::{CameraDevice, CameraFormat};
use crate::yuv_to_bgr::ColourSpace;

/// What the fake camera does at the next look, one after another.
#[derive(Debug, Clone)]
enum Event {
    /// It has a frame ready that is so old, of this shade.
    Ready {
        sequence: u32,
        age: Option<Duration>,
        shade: u8,
    },
    /// A frame arrives while it is waited for: an old one, if the device's way is long.
    Arrives {
        sequence: u32,
        age: Duration,
        shade: u8,
    },
    /// It has one that is shorter than it should be.
    Short,
    /// It has one that the driver calls broken.
    Broken,
    Unplugged,
}

fn ready(sequence: u32, milliseconds: u64) -> Event {
    let age = Some(Duration::from_millis(milliseconds));
    Event::Ready { sequence, age, shade: sequence as u8 }
}

const WIDTH: u32 = 4;
const HEIGHT: u32 = 2;

/// What happens from one opening to the next; a camera without events left is silent.
type Script = Vec<Result<Vec<Event>, CameraError>>;

struct FakeBackend {
    openings: Mutex<VecDeque<Result<Vec<Event>, CameraError>>>,
    width: Mutex<VecDeque<u32>>,
}

struct FakeCapture {
    setup: Setup,
    events: VecDeque<Event>,
    bytes: Vec<u8>,
}

impl FakeBackend {
    fn next(&self) -> Result<Box<dyn Capture>, CameraError> {
        let device = "camera:0".to_owned();
        let opening = self.openings.lock().unwrap().pop_front();
        let events = opening.unwrap_or(Err(CameraError::NotFound { device, available: vec![] }))?;
        let width = self.width.lock().unwrap().pop_front().unwrap_or(WIDTH);
        let mode =
            CameraMode { format: CameraFormat::Bgr, width, height: HEIGHT, rate: Some(FrameRate::THIRTY) };
        let layout = RawLayout {
            format: mode.format,
            width,
            height: HEIGHT,
            stride: 0,
            colour: ColourSpace::UNTAGGED,
        };
        let setup = Setup {
            device: "camera:0".to_owned(),
            name: "fake".to_owned(),
            place: "test".to_owned(),
            mode,
            layout,
            buffers: 4,
            difference: None,
            decoder: "fake",
        };
        Ok(Box::new(FakeCapture { setup, events: events.into(), bytes: Vec::new() }))
    }
}

impl Backend for FakeBackend {
    fn open(&self, _: &CameraDevice, _: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        self.next()
    }

    fn reopen(&self, before: &Setup, _: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        assert_eq!((before.name.as_str(), before.place.as_str()), ("fake", "test"));
        self.next()
    }
}

impl Capture for FakeCapture {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn next_buffer(&mut self, wait: Duration) -> Result<Option<RawBuffer<'_>>, CameraError> {
        let whole = (self.setup.mode.width * HEIGHT * 3) as usize;
        let (sequence, age, shade, len, is_damaged) = match self.events.front().cloned() {
            None => {
                std::thread::sleep(wait.min(Duration::from_millis(2)));
                return Ok(None);
            }
            Some(Event::Arrives { .. }) if wait.is_zero() => return Ok(None),
            Some(Event::Arrives { sequence, age, shade }) => (sequence, Some(age), shade, whole, false),
            Some(Event::Ready { sequence, age, shade }) => (sequence, age, shade, whole, false),
            Some(Event::Short) => (0, Some(Duration::ZERO), 0, whole - 1, false),
            Some(Event::Broken) => (0, Some(Duration::ZERO), 0, whole, true),
            Some(Event::Unplugged) => {
                return Err(CameraError::Unplugged { device: self.setup.device.clone() });
            }
        };
        self.events.pop_front();
        self.bytes = vec![shade; len];
        Ok(Some(RawBuffer { bytes: &self.bytes, is_damaged, sequence, age }))
    }
}

fn source_of(options: &str, script: Script, widths: &[u32]) -> Result<CameraSource, OpenError> {
    let backend = FakeBackend {
        openings: Mutex::new(script.into()),
        width: Mutex::new(widths.iter().copied().collect()),
    };
    let spec = format!("0?{options}").parse().unwrap();
    CameraSource::open_with(Box::new(backend), &spec, &OpenOptions::new())
}

fn source(options: &str, script: Script) -> CameraSource {
    source_of(options, script, &[]).unwrap()
}

/// The shade of the next frame.
fn shade(source: &mut CameraSource) -> u8 {
    source.next_frame().unwrap().unwrap().frame.pixels()[0]
}

#[test]
fn a_camera_that_is_silent_is_an_error_and_not_a_wait_for_ever() {
    let mut source = source("timeout=0.05", vec![Ok(vec![ready(1, 0)])]);
    assert_eq!(shade(&mut source), 1);
    let began = Instant::now();
    let error = source.next_frame().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Silent { .. })), "{error}");
    assert!(began.elapsed() >= Duration::from_millis(50));
    // It is at its end, until it is opened anew.
    assert_eq!(source.next_frame().unwrap(), None);
    assert!(matches!(source.rewind(), Err(ReadError::Camera(CameraError::NotFound { .. }))));
}

#[test]
fn a_rewound_camera_is_opened_anew() {
    let mut source = source("timeout=0.02", vec![Ok(vec![]), Ok(vec![ready(7, 0)])]);
    source.next_frame().unwrap_err();
    source.rewind().unwrap();
    assert_eq!(shade(&mut source), 7);
}

#[test]
fn another_thread_ends_the_wait() {
    let mut source = source("timeout=600", vec![Ok(vec![])]);
    let canceller = source.canceller().unwrap();
    let thread = std::thread::spawn(move || source.next_frame());
    canceller.cancel();
    assert_eq!(thread.join().unwrap().unwrap(), None);
}

#[test]
fn another_thread_ends_the_wait_for_a_camera_that_is_gone() {
    let mut source = source("resume=forever", vec![Ok(vec![Event::Unplugged])]);
    let canceller = source.canceller().unwrap();
    let thread = std::thread::spawn(move || source.next_frame());
    std::thread::sleep(Duration::from_millis(20));
    canceller.cancel();
    assert_eq!(thread.join().unwrap().unwrap(), None);
}

#[test]
fn what_waited_for_the_reader_too_long_is_passed_over() {
    // Two frames of 30 a second take 67 ms; a tenth of a second is allowed in any case.
    let events = vec![ready(1, 2_000), ready(2, 1_900), ready(3, 101), ready(4, 90), ready(5, 60)];
    let mut source = source("", vec![Ok(events)]);
    assert_eq!(shade(&mut source), 4);
    assert_eq!(shade(&mut source), 5);
    assert_eq!(source.counts(), CameraCounts { delivered: 2, stale: 3, ..CameraCounts::default() });
}

#[test]
fn after_a_pause_the_next_one_is_waited_for() {
    let stale = [ready(1, 3_000), ready(2, 2_900), ready(3, 2_800), ready(4, 2_700)];
    let arrives = Event::Arrives { sequence: 95, age: Duration::from_millis(30), shade: 95 };
    let mut source = source("", vec![Ok([stale.as_slice(), &[arrives]].concat())]);
    assert_eq!(shade(&mut source), 95);
    assert_eq!(source.counts().stale, 4);
    // Numbers that never came.
    assert_eq!(source.counts().missed, 90);
}

#[test]
fn a_device_whose_frames_are_always_old_gives_them_all_the_same() {
    let arrives =
        |sequence: u32| Event::Arrives { sequence, age: Duration::from_millis(500), shade: sequence as u8 };
    let mut source = source("", vec![Ok((1..6).map(arrives).collect())]);
    let shades: Vec<_> = (1..6).map(|_| shade(&mut source)).collect();
    assert_eq!(shades, [1, 2, 3, 4, 5]);
    assert_eq!(source.counts().stale, 0);
}

#[test]
fn a_device_with_an_endless_store_of_old_frames_does_not_hold_up_the_reader() {
    let mut source = source("", vec![Ok((0..100).map(|sequence| ready(sequence, 700)).collect())]);
    // Twice its buffers are passed over.
    assert_eq!(shade(&mut source), 8);
}

#[test]
fn without_timestamps_what_waited_through_a_pause_is_passed_over() {
    let ready = |sequence: u32| Event::Ready { sequence, age: None, shade: sequence as u8 };
    let mut source = source("", vec![Ok((1..=7).map(ready).collect())]);
    assert_eq!(shade(&mut source), 1);
    std::thread::sleep(Duration::from_millis(150));
    // Its four buffers.
    assert_eq!(shade(&mut source), 6);
    assert_eq!(shade(&mut source), 7);
}

#[test]
fn frames_that_are_not_whole_are_passed_over_and_counted() {
    let events = vec![Event::Short, Event::Broken, ready(1, 0)];
    let mut source = source("timeout=10", vec![Ok(events)]);
    assert_eq!(shade(&mut source), 1);
    assert_eq!(source.counts().damaged, 2);
}

#[test]
fn a_camera_all_of_whose_frames_are_short_is_an_error_that_says_so() {
    let mut source = source("timeout=0.05", vec![Ok(vec![Event::Short; 3])]);
    let error = source.next_frame().unwrap_err().to_string();
    assert!(error.contains("camera:0 gave 3 frames") && error.contains("23 bytes of 24"), "{error}");
}

#[test]
fn an_unplugged_camera_is_an_error_unless_told_otherwise() {
    let mut source = source("", vec![Ok(vec![ready(1, 0), Event::Unplugged]), Ok(vec![ready(2, 0)])]);
    assert_eq!(shade(&mut source), 1);
    let error = source.next_frame().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Unplugged { .. })), "{error}");
}

#[test]
fn capture_resumes_when_the_camera_is_back_and_times_rise() {
    let gone = || CameraError::NotFound { device: "camera:0".to_owned(), available: vec![] };
    let script = vec![
        Ok(vec![ready(1, 0), ready(2, 0), Event::Unplugged]),
        Err(gone()),
        Err(CameraError::Forbidden { device: "camera:0".to_owned() }),
        Ok(vec![ready(0, 50), Event::Unplugged]),
        Ok(vec![ready(9, 0)]),
    ];
    let mut source = source("resume=60", script);
    let frames: Vec<_> = (0..4).map(|_| source.next_frame().unwrap().unwrap()).collect();
    assert_eq!(frames.iter().map(|next| next.frame.pixels()[0]).collect::<Vec<_>>(), [1, 2, 0, 9]);
    assert!(frames.is_sorted_by(|a, b| a.time < b.time));
    assert!(frames.is_sorted_by(|a, b| a.captured_at <= b.captured_at));
    assert_eq!(source.counts().resumed, 2);
    // The device counts anew, which is no loss.
    assert_eq!(source.counts().missed, 0);
}

#[test]
fn a_camera_that_does_not_come_back_in_time_is_the_error_that_it_was() {
    let mut source = source("resume=0.3", vec![Ok(vec![Event::Unplugged])]);
    let error = source.next_frame().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Unplugged { .. })), "{error}");
    assert_eq!(source.next_frame().unwrap(), None);
}

#[test]
fn the_time_to_come_back_runs_until_there_is_a_frame() {
    // It comes back and is silent, again and again.
    let mut source = source("timeout=0.02&resume=0.6", (0..50).map(|_| Ok(vec![])).collect());
    let error = source.next_frame().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Silent { .. })), "{error}");
    assert!(source.counts().resumed < 10);
}

#[test]
fn a_camera_that_comes_back_with_another_size_is_an_error() {
    let script = vec![Ok(vec![Event::Unplugged]), Ok(vec![ready(1, 0)])];
    let mut source = source_of("resume=60", script, &[WIDTH, 8]).unwrap();
    let error = source.next_frame().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Changed { .. })), "{error}");
}

#[test]
fn a_rewound_camera_of_another_size_is_an_error() {
    let script = vec![Ok(vec![Event::Unplugged]), Ok(vec![ready(1, 0)]), Ok(vec![ready(2, 0)])];
    let mut source = source_of("", script, &[WIDTH, 8]).unwrap();
    source.next_frame().unwrap_err();
    let error = source.rewind().unwrap_err();
    assert!(matches!(error, ReadError::Camera(CameraError::Changed { .. })), "{error}");
    assert_eq!(source.next_frame().unwrap(), None);
    // It is as it was.
    source.rewind().unwrap();
    assert_eq!(shade(&mut source), 2);
}

#[test]
fn what_fails_at_the_opening_is_said_there() {
    let busy = CameraError::Busy { device: "camera:0".to_owned() };
    let error = source_of("resume=60", vec![Err(busy)], &[]).unwrap_err();
    assert!(matches!(error, OpenError::Camera(CameraError::Busy { .. })), "{error}");
    let options = OpenOptions::new().with_max_frame_bytes(23);
    let backend = FakeBackend { openings: Mutex::new([Ok(vec![])].into()), width: Mutex::default() };
    let too_large = CameraSource::open_with(Box::new(backend), &"0".parse().unwrap(), &options);
    assert!(matches!(too_large, Err(OpenError::TooLarge { .. })));
}

#[test]
fn the_moment_of_capture_is_the_device_s() {
    let micros = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
    let events = vec![ready(1, 80), ready(2, 0), Event::Ready { sequence: 3, age: None, shade: 3 }];
    let mut source = source("", vec![Ok(events)]);
    let before = micros();
    let first = source.next_frame().unwrap().unwrap();
    let read = micros();
    let captured = first.captured_at.unwrap().as_micros();
    assert!(
        (before - 80_000..=read - 80_000 + 1_000).contains(&captured),
        "{captured} of {before} to {read}"
    );
    assert_eq!(first.time, Duration::ZERO);
    // 80 ms later, by the device's account.
    let second = source.next_frame().unwrap().unwrap();
    assert!(second.time >= Duration::from_millis(80), "{:?}", second.time);
    assert!(source.next_frame().unwrap().unwrap().captured_at.unwrap().as_micros() >= read);
}

#[test]
fn a_clock_that_cannot_be_right_is_not_used() {
    let years = Event::Arrives { sequence: 1, age: Duration::from_secs(1 << 30), shade: 1 };
    let mut source = source("", vec![Ok(vec![years])]);
    let captured = source.next_frame().unwrap().unwrap().captured_at.unwrap();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert!(now.as_micros() as u64 - captured.as_micros() < 60_000_000);
}
