//! Cameras on macOS and Windows, through `nokhwa`.
//!
//! Its camera belongs to the thread that opened it, and `frame` waits for as long as it takes, so the camera has a
//! thread of its own that hands over the newest frames. A thread whose camera is silent ends when the camera gives
//! its next frame, or fails.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant, SystemTime};

use nokhwa::utils::{
    ApiBackend, CameraFormat as NativeFormat, CameraIndex, FrameFormat, RequestedFormat, RequestedFormatType,
    Resolution,
};
use nokhwa::{Buffer, Camera, NokhwaError};

use super::backend::{Backend, Capture, RawBuffer, Setup};
use super::nearest::{difference, nearest, summary};
use super::{
    CameraDevice, CameraError, CameraFormat, CameraInfo, CameraMode, CameraSize, CameraSpec, OfferedFormat,
    OfferedRate, OfferedSize,
};
use crate::FrameRate;
use crate::camera::raw_frame::RawLayout;
use crate::canceller::lock;
use crate::yuv_to_bgr::ColourSpace;

/// What `nokhwa` knows.
const FORMATS: [FrameFormat; 6] = [
    FrameFormat::MJPEG,
    FrameFormat::YUYV,
    FrameFormat::NV12,
    FrameFormat::GRAY,
    FrameFormat::RAWRGB,
    FrameFormat::RAWBGR,
];
/// Frames that may wait for the reader.
const BUFFERS: usize = 2;

/// The cameras of this system.
#[derive(Debug)]
pub(super) struct System {
    /// What the thread holds that was started last, as long as it runs: a camera that is silent keeps its thread, and
    /// a second one could not have the camera.
    thread: Mutex<Weak<AtomicBool>>,
}

impl System {
    pub(super) const fn new() -> Self {
        Self { thread: Mutex::new(Weak::new()) }
    }

    /// Starts a camera, once the thread before has let go of it.
    fn start(
        &self,
        index: u32,
        name: String,
        device: &CameraDevice,
        spec: &CameraSpec,
    ) -> Result<Box<dyn Capture>, CameraError> {
        const SLICE: Duration = Duration::from_millis(10);
        let mut thread = lock(&self.thread);
        let began = Instant::now();
        while thread.strong_count() > 0 {
            let waited = began.elapsed();
            if waited >= spec.timeout() {
                return Err(CameraError::Silent { device: device.to_string(), waited });
            }
            std::thread::sleep(SLICE);
        }
        let is_over = Arc::new(AtomicBool::new(false));
        *thread = Arc::downgrade(&is_over);
        Ok(Box::new(NativeCapture::start(index, name, device, spec, is_over)?))
    }
}

/// The cameras that there are.
pub(super) fn list() -> Result<Vec<CameraInfo>, CameraError> {
    allowed("the cameras")?;
    let listed = listed()?.into_iter().map(|(index, name)| {
        let (formats, error) = match open_any(index).and_then(|mut camera| offers(&mut camera)) {
            Ok(formats) => (formats, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        CameraInfo { index, path: None, name, formats, error }
    });
    Ok(listed.collect())
}

/// Their numbers and names.
fn listed() -> Result<Vec<(u32, String)>, CameraError> {
    let found =
        nokhwa::query(ApiBackend::Auto).map_err(|error| failure("the system", "listing cameras", &error))?;
    let numbered = found.iter().enumerate();
    Ok(numbered
        .map(|(place, info)| {
            let index = info.index().as_index().unwrap_or(u32::try_from(place).unwrap_or(u32::MAX));
            (index, info.human_name())
        })
        .collect())
}

impl Backend for System {
    fn open(&self, device: &CameraDevice, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        allowed(&device.to_string())?;
        let cameras = listed()?;
        let found = cameras.iter().find(|(index, name)| match device {
            CameraDevice::Index(wanted) => index == wanted,
            CameraDevice::Name(wanted) => name == wanted,
            CameraDevice::Path(_) => false,
        });
        let (index, name) = found.cloned().ok_or_else(|| CameraError::NotFound {
            device: device.to_string(),
            available: cameras.iter().map(|(index, name)| format!("{index} ({name})")).collect(),
        })?;
        self.start(index, name, device, spec)
    }

    fn reopen(&self, before: &Setup, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        let gone = || CameraError::Unplugged { device: before.device.clone() };
        let (index, name) = listed()?.into_iter().find(|(_, name)| *name == before.name).ok_or_else(gone)?;
        self.start(index, name, spec.device(), spec)
    }
}

/// Asks the user, where the system wants that.
fn allowed(device: &str) -> Result<(), CameraError> {
    const PATIENCE: Duration = Duration::from_secs(60);
    let (answer, answered) = sync_channel(1);
    nokhwa::nokhwa_initialize(move |is_allowed| {
        let _ = answer.try_send(is_allowed);
    });
    match answered.recv_timeout(PATIENCE) {
        Ok(true) => Ok(()),
        _ => Err(CameraError::Forbidden { device: device.to_owned() }),
    }
}

fn failure(device: &str, action: &'static str, error: &NokhwaError) -> CameraError {
    // It says no more than a text.
    CameraError::Device { device: device.to_owned(), action, error: io::Error::other(error.to_string()) }
}

/// The camera as it is, to be asked.
fn open_any(index: u32) -> Result<Camera, CameraError> {
    let request = RequestedFormat::with_formats(RequestedFormatType::AbsoluteHighestFrameRate, &FORMATS);
    Camera::new(CameraIndex::Index(index), request)
        .map_err(|error| failure(&format!("camera:{index}"), "opening it", &error))
}

fn offers(camera: &mut Camera) -> Result<Vec<OfferedFormat>, CameraError> {
    let device = format!("camera:{}", camera.index());
    let modes = camera
        .compatible_camera_formats()
        .map_err(|error| failure(&device, "asking what it offers", &error))?;
    let mut offered: Vec<OfferedFormat> = Vec::new();
    for mode in modes {
        // It has rates in whole numbers alone.
        let Some(rate) = FrameRate::new(mode.frame_rate(), 1) else { continue };
        let size = CameraSize::Exact { width: mode.width(), height: mode.height() };
        let code = mode.format().to_string();
        let at = offered.iter().position(|offered| offered.code == code).unwrap_or_else(|| {
            offered.push(OfferedFormat { code, format: Some(format(mode.format())), sizes: Vec::new() });
            offered.len() - 1
        });
        let Some(of_format) = offered.get_mut(at) else { continue };
        match of_format.sizes.iter_mut().find(|offered| offered.size == size) {
            Some(offered) => offered.rates.push(OfferedRate::Exact(rate)),
            None => of_format.sizes.push(OfferedSize { size, rates: vec![OfferedRate::Exact(rate)] }),
        }
    }
    Ok(offered)
}

fn format(format: FrameFormat) -> CameraFormat {
    match format {
        FrameFormat::MJPEG => CameraFormat::Mjpeg,
        FrameFormat::YUYV => CameraFormat::Yuyv,
        FrameFormat::NV12 => CameraFormat::Nv12,
        FrameFormat::GRAY => CameraFormat::Gray,
        FrameFormat::RAWRGB => CameraFormat::Rgb,
        FrameFormat::RAWBGR => CameraFormat::Bgr,
    }
}

/// A camera that captures, on its thread.
struct NativeCapture {
    setup: Setup,
    frames: Receiver<Result<Numbered, CameraError>>,
    /// The one that was handed out last.
    current: Option<Numbered>,
    is_over: Arc<AtomicBool>,
}

/// A frame and its number.
struct Numbered {
    buffer: Buffer,
    sequence: u32,
}

/// What the thread needs to know, and where it hands over what it has.
struct Thread {
    index: u32,
    name: String,
    device: String,
    spec: CameraSpec,
    is_over: Arc<AtomicBool>,
    frames: SyncSender<Result<Numbered, CameraError>>,
}

impl NativeCapture {
    fn start(
        index: u32,
        name: String,
        device: &CameraDevice,
        spec: &CameraSpec,
        is_over: Arc<AtomicBool>,
    ) -> Result<Self, CameraError> {
        let (device, spec) = (device.to_string(), spec.clone());
        let (to_reader, frames) = sync_channel(BUFFERS);
        let (to_opener, opened) = sync_channel(1);
        let timeout = spec.timeout();
        let thread = Thread {
            index,
            name,
            device: device.clone(),
            spec,
            is_over: Arc::clone(&is_over),
            frames: to_reader,
        };
        std::thread::Builder::new().name("camera".to_owned()).spawn(move || thread.run(&to_opener)).map_err(
            |error| CameraError::Device { device: device.clone(), action: "starting its thread", error },
        )?;
        // With the first frame: only then is it known that it captures, and how long its rows are.
        match opened.recv_timeout(timeout) {
            Ok(setup) => Ok(Self { setup: setup?, frames, current: None, is_over }),
            Err(_) => {
                is_over.store(true, Ordering::Relaxed);
                Err(CameraError::Silent { device, waited: timeout })
            }
        }
    }
}

impl Thread {
    fn run(self, opener: &SyncSender<Result<Setup, CameraError>>) {
        let mut camera = match self.open() {
            Ok((camera, setup)) => {
                if opener.send(Ok(setup)).is_err() {
                    return;
                }
                camera
            }
            Err(error) => {
                let _ = opener.send(Err(error));
                return;
            }
        };
        for sequence in (0..=u32::MAX).cycle() {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            match camera.frame() {
                Ok(buffer) => match self.frames.try_send(Ok(Numbered { buffer, sequence })) {
                    // A reader that is slow misses some.
                    Ok(()) | Err(TrySendError::Full(_)) => {}
                    Err(TrySendError::Disconnected(_)) => break,
                },
                Err(error) => {
                    let _ = self.frames.send(Err(failure(&self.device, "reading a frame", &error)));
                    break;
                }
            }
        }
        let _ = camera.stop_stream();
    }

    fn open(&self) -> Result<(Camera, Setup), CameraError> {
        let device = &self.device;
        let mut camera = open_any(self.index)?;
        let offered = offers(&mut camera)?;
        let wanted = nearest(&self.spec, &offered).ok_or_else(|| CameraError::NoUsableFormat {
            device: device.clone(),
            available: summary(&offered),
        })?;
        let native = FORMATS.into_iter().find(|native| format(*native) == wanted.format);
        let native = native.unwrap_or(FrameFormat::MJPEG);
        let rate = wanted.rate.map_or(30, |rate| rate.frames());
        let exact = NativeFormat::new(Resolution::new(wanted.width, wanted.height), native, rate);
        let request = RequestedFormat::with_formats(RequestedFormatType::Exact(exact), &FORMATS);
        let set = camera.set_camera_requset(request).map_err(|error| CameraError::Refused {
            device: device.clone(),
            wanted: wanted.to_string(),
            reason: error.to_string(),
            available: summary(&offered),
        })?;
        let mode = CameraMode {
            format: format(set.format()),
            width: set.width(),
            height: set.height(),
            rate: FrameRate::new(set.frame_rate(), 1),
        };
        let not_started = |error: NokhwaError| CameraError::Start {
            device: device.clone(),
            mode: mode.to_string(),
            error: io::Error::other(error.to_string()),
        };
        camera.open_stream().map_err(not_started)?;
        let first = camera.frame().map_err(not_started)?;
        let layout = RawLayout {
            format: mode.format,
            width: mode.width,
            height: mode.height,
            stride: stride(&mode, first.buffer().len()),
            colour: ColourSpace::UNTAGGED,
        };
        let setup = Setup {
            device: device.clone(),
            name: self.name.clone(),
            place: String::new(),
            mode,
            layout,
            buffers: BUFFERS,
            difference: difference(&self.spec, &mode, &offered),
            decoder: "nokhwa",
        };
        Ok((camera, setup))
    }
}

/// The bytes of a row, which `nokhwa` does not tell, by how many there are in all. 0 if they do not divide evenly.
fn stride(mode: &CameraMode, len: usize) -> u32 {
    let rows = u64::from(match mode.format {
        CameraFormat::Nv12 => mode.height + mode.height.div_ceil(2),
        _ => mode.height,
    });
    let len = len as u64;
    if len.is_multiple_of(rows) {
        len.checked_div(rows).and_then(|stride| u32::try_from(stride).ok()).unwrap_or(0)
    } else {
        0
    }
}

impl Capture for NativeCapture {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn next_buffer(&mut self, wait: Duration) -> Result<Option<RawBuffer<'_>>, CameraError> {
        let numbered = match self.frames.recv_timeout(wait) {
            Ok(frame) => self.current.insert(frame?),
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(CameraError::Unplugged { device: self.setup.device.clone() });
            }
        };
        let Numbered { buffer, sequence } = &*numbered;
        // By the clock on the wall.
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = buffer.capture_timestamp().and_then(|moment| now.checked_sub(moment));
        let mode = self.setup.mode;
        let is_other = buffer.resolution() != Resolution::new(mode.width, mode.height)
            || format(buffer.source_frame_format()) != mode.format;
        Ok(Some(RawBuffer { bytes: buffer.buffer(), is_damaged: is_other, sequence: *sequence, age }))
    }
}

impl Drop for NativeCapture {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}
