//! Cameras on Linux: Video4Linux, through the `v4l` crate.
//!
//! `v4l` panics where a driver says something that it does not know (a colour space, a name that is no UTF-8), and
//! where the system refuses to stop a stream. All calls to it run in [`contained`], which makes an error of that.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use v4l::buffer::{Flags as BufferFlags, Type};
use v4l::capability::Flags;
use v4l::device::Handle;
use v4l::format::{Colorspace, FieldOrder, Quantization};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::io::traits::{CaptureStream, Stream};
use v4l::prelude::MmapStream;
use v4l::video::Capture as _;
use v4l::video::capture::Parameters;
use v4l::{Capabilities, Device, Format, FourCC, Fraction};

use super::backend::{Backend, Capture, RawBuffer, Setup};
use super::nearest::{difference, nearest, summary};
use super::{
    CameraDevice, CameraError, CameraFormat, CameraInfo, CameraMode, CameraSize, CameraSpec, OfferedFormat,
    OfferedRate, OfferedSize,
};
use crate::FrameRate;
use crate::camera::raw_frame::RawLayout;
use crate::yuv_to_bgr::ColourSpace;

/// The Video4Linux devices of this system.
#[derive(Debug)]
pub(super) struct System;

impl System {
    pub(super) const fn new() -> Self {
        Self
    }
}

impl Backend for System {
    fn open(&self, device: &CameraDevice, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        let path = match device {
            CameraDevice::Index(index) => node(*index),
            CameraDevice::Path(path) => path.clone(),
            CameraDevice::Name(name) => {
                let path =
                    nodes().into_iter().find(|(_, path)| is_capturing(path, |caps| caps.card == *name));
                path.ok_or_else(|| not_found(device))?.1
            }
        };
        open(&path, device, spec)
    }

    fn reopen(&self, before: &Setup, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
        // It may have come back under another number.
        let is_same = |caps: &Capabilities| caps.card == before.name && caps.bus == before.place;
        let is_named = |caps: &Capabilities| caps.card == before.name;
        let by_place = nodes().into_iter().find(|(_, path)| is_capturing(path, is_same));
        let found = match (by_place, spec.device()) {
            (Some((_, path)), _) => Some(path),
            // Plugged in elsewhere, it is known by what the user calls it.
            (None, CameraDevice::Index(index)) => {
                Some(node(*index)).filter(|path| is_capturing(path, is_named))
            }
            (None, CameraDevice::Path(path)) => {
                Some(path.clone()).filter(|path| is_capturing(path, is_named))
            }
            (None, CameraDevice::Name(_)) => {
                nodes().into_iter().map(|(_, path)| path).find(|path| is_capturing(path, is_named))
            }
        };
        let path = found.ok_or_else(|| CameraError::Unplugged { device: before.device.clone() })?;
        open(&path, spec.device(), spec)
    }
}

/// The cameras that there are.
pub(super) fn list() -> Result<Vec<CameraInfo>, CameraError> {
    Ok(nodes().into_iter().filter_map(|(index, path)| describe(index, &path)).collect())
}

/// How many buffers a device is asked for: one to read, and what comes in the meantime.
const BUFFERS: u32 = 4;
/// No device has more.
const MOST_BUFFERS: usize = 32;

fn node(index: u32) -> PathBuf {
    format!("/dev/video{index}").into()
}

/// The video devices, by their numbers.
fn nodes() -> Vec<(u32, PathBuf)> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let mut nodes: Vec<_> = entries
        .filter_map(|entry| {
            let index = entry.file_name().to_str()?.strip_prefix("video")?.parse().ok()?;
            Some((index, entry.path()))
        })
        .collect();
    nodes.sort_unstable();
    nodes
}

/// Whether the device can be opened, captures, and is such.
fn is_capturing(path: &Path, is_such: impl Fn(&Capabilities) -> bool) -> bool {
    let asked = contained(path, || {
        let device = open_node(path, &path.display().to_string())?;
        capabilities(&device, &path.display().to_string())
    });
    asked.is_ok_and(|caps| is_such(&caps))
}

/// What a camera offers. `None` for what is no camera, such as the second node of many webcams, which has no
/// pictures.
fn describe(index: u32, path: &Path) -> Option<CameraInfo> {
    let text = path.display().to_string();
    let described = contained(path, || {
        let device = open_node(path, &text)?;
        let caps = capabilities(&device, &text)?;
        Ok((caps.card, offers(&device, None)))
    });
    let (name, formats, error) = match described {
        Ok((name, formats)) => (name, formats, None),
        Err(CameraError::NotACamera { .. } | CameraError::NotFound { .. }) => return None,
        Err(error) => {
            let name = std::fs::read_to_string(format!("/sys/class/video4linux/video{index}/name"));
            let name = name.map_or_else(|_| "unknown".to_owned(), |name| name.trim().to_owned());
            (name, Vec::new(), Some(error.to_string()))
        }
    };
    Some(CameraInfo { index, path: Some(text), name, formats, error })
}

fn not_found(device: &CameraDevice) -> CameraError {
    let listed = list().unwrap_or_default();
    let available = listed.iter().map(|info| format!("{} ({})", info.index, info.name)).collect();
    CameraError::NotFound { device: device.to_string(), available }
}

fn open(path: &Path, device: &CameraDevice, spec: &CameraSpec) -> Result<Box<dyn Capture>, CameraError> {
    let text = device.to_string();
    let opened = contained(path, || {
        let node = open_node(path, &text)?;
        let caps = capabilities(&node, &text)?;
        let offered = offers(&node, Some(spec));
        let mode = nearest(spec, &offered).ok_or_else(|| CameraError::NoUsableFormat {
            device: text.clone(),
            available: summary(&offered),
        })?;
        // What fails on the way must not be what the next program finds.
        let (format, parameters) = (node.format().ok(), node.params().ok());
        V4l2Capture::start(&node, path, &text, &caps, mode, spec, &offered).inspect_err(|error| {
            // That which is another program's was not changed, and must not be now.
            if matches!(error, CameraError::Busy { .. }) {
                return;
            }
            if let Some(format) = format {
                let _ = node.set_format(&format);
            }
            if let Some(parameters) = parameters {
                let _ = node.set_params(&parameters);
            }
        })
    });
    match opened {
        Ok(capture) => Ok(Box::new(capture)),
        // With a list of what there is.
        Err(CameraError::NotFound { .. }) => Err(not_found(device)),
        Err(error) => Err(error),
    }
}

fn open_node(path: &Path, text: &str) -> Result<Device, CameraError> {
    let opened = std::fs::metadata(path).and_then(|metadata| {
        // Another kind of file could block, or have something done to it.
        if metadata.file_type().is_char_device() { Device::with_path(path) } else { Err(Errno::NOTTY.into()) }
    });
    opened.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NODEV | Errno::NXIO) => {
            CameraError::NotFound { device: text.to_owned(), available: Vec::new() }
        }
        _ => failure(text, "opening it", error),
    })
}

/// What the device can do, if it is a camera.
fn capabilities(device: &Device, text: &str) -> Result<Capabilities, CameraError> {
    let not_a_camera =
        |reason: &str| CameraError::NotACamera { device: text.to_owned(), reason: reason.to_owned() };
    let caps = device.query_caps().map_err(|error| failure(text, "asking what it is", error))?;
    if caps.capabilities.contains(Flags::VIDEO_CAPTURE_MPLANE) {
        return Err(not_a_camera(
            "it hands over its pictures in several planes; try ffmpeg, as docs/cameras.md describes",
        ));
    }
    if !caps.capabilities.contains(Flags::VIDEO_CAPTURE) {
        return Err(not_a_camera("it captures no pictures; `netgear devices` lists those that do"));
    }
    if !caps.capabilities.contains(Flags::STREAMING) {
        return Err(not_a_camera("its driver does not stream"));
    }
    Ok(caps)
}

/// An error of the system.
fn failure(device: &str, action: &'static str, error: io::Error) -> CameraError {
    let device = device.to_owned();
    match Errno::from_io_error(&error) {
        Some(Errno::NOENT) => CameraError::NotFound { device, available: Vec::new() },
        Some(Errno::NODEV | Errno::NXIO) => CameraError::Unplugged { device },
        Some(Errno::BUSY) => CameraError::Busy { device },
        Some(Errno::ACCESS | Errno::PERM) => CameraError::Forbidden { device },
        Some(Errno::NOTTY) => CameraError::NotACamera { device, reason: "it is no video device".to_owned() },
        _ => CameraError::Device { device, action, error },
    }
}

/// Makes an error of a panic.
fn contained<T>(path: &Path, run: impl FnOnce() -> Result<T, CameraError>) -> Result<T, CameraError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(CameraError::Device {
            device: path.display().to_string(),
            action: "understanding its driver",
            error: io::Error::other("the v4l library gave up; its message stands above"),
        })
    })
}

/// What the device offers; for ranges of sizes, the rates of the one that is wanted, else of the largest.
fn offers(device: &Device, spec: Option<&CameraSpec>) -> Vec<OfferedFormat> {
    let formats = device.enum_formats().unwrap_or_default();
    let of_format = |code: FourCC| {
        let sizes = match device.enum_framesizes(code) {
            Ok(sizes) => sizes.into_iter().map(|offered| size(offered.size)).collect(),
            // It does not tell. That which it has now it surely has.
            Err(_) => device
                .format()
                .map(|now| vec![CameraSize::Exact { width: now.width, height: now.height }])
                .unwrap_or_default(),
        };
        let with_rates = |size: CameraSize| {
            let wanted = match spec {
                Some(spec) => spec.size().unwrap_or(CameraSpec::DEFAULT_SIZE),
                None => (u32::MAX, u32::MAX),
            };
            let (width, height) = size.nearest_to(wanted);
            let rates = device.enum_frameintervals(code, width, height).unwrap_or_default();
            OfferedSize {
                size,
                rates: rates.into_iter().filter_map(|offered| rate(offered.interval)).collect(),
            }
        };
        OfferedFormat {
            code: code_text(code),
            format: format(code),
            sizes: sizes.into_iter().map(with_rates).collect(),
        }
    };
    formats.into_iter().map(|description| of_format(description.fourcc)).collect()
}

/// As the kernel's documentation writes it: the highest bit is no part of the characters, and means big-endian
/// samples.
fn code_text(code: FourCC) -> String {
    let [first, second, third, fourth] = code.repr;
    let characters = [first, second, third, fourth & 0x7f];
    let text = String::from_utf8_lossy(&characters);
    if fourth & 0x80 == 0 { text.trim().to_owned() } else { format!("{text}-BE") }
}

fn format(code: FourCC) -> Option<CameraFormat> {
    Some(match &code.repr {
        b"BGR3" => CameraFormat::Bgr,
        b"RGB3" => CameraFormat::Rgb,
        b"YUYV" => CameraFormat::Yuyv,
        b"UYVY" => CameraFormat::Uyvy,
        b"NV12" => CameraFormat::Nv12,
        b"YU12" => CameraFormat::I420,
        b"YV12" => CameraFormat::Yv12,
        b"GREY" => CameraFormat::Gray,
        b"MJPG" | b"JPEG" => CameraFormat::Mjpeg,
        _ => return None,
    })
}

fn size(offered: FrameSizeEnum) -> CameraSize {
    match offered {
        FrameSizeEnum::Discrete(size) => CameraSize::Exact { width: size.width, height: size.height },
        FrameSizeEnum::Stepwise(sizes) => CameraSize::Stepped {
            smallest: (sizes.min_width, sizes.min_height),
            largest: (sizes.max_width, sizes.max_height),
            step: (sizes.step_width, sizes.step_height),
        },
    }
}

/// V4L2 has the seconds that a frame takes.
fn rate(offered: FrameIntervalEnum) -> Option<OfferedRate> {
    let rate = |interval: Fraction| FrameRate::new(interval.denominator, interval.numerator);
    Some(match offered {
        FrameIntervalEnum::Discrete(interval) => OfferedRate::Exact(rate(interval)?),
        FrameIntervalEnum::Stepwise(intervals) => {
            OfferedRate::Between { slowest: rate(intervals.max)?, fastest: rate(intervals.min)? }
        }
    })
}

/// What YUV means, with the kernel's rules for what is left open (V4L2_MAP_YCBCR_ENC_DEFAULT and
/// V4L2_MAP_QUANTIZATION_DEFAULT).
fn colour(format: &Format) -> ColourSpace {
    let is_full_range = match format.quantization {
        Quantization::FullRange => true,
        Quantization::LimitedRange => false,
        Quantization::Default => matches!(format.colorspace, Colorspace::JPEG),
    };
    let matrix_coefficients = match format.colorspace {
        Colorspace::Rec709 | Colorspace::DCIP3 => 1,
        Colorspace::SMPTE240M => 7,
        Colorspace::Rec2020 => 9,
        _ => 6,
    };
    ColourSpace::from_h273(matrix_coefficients, is_full_range).unwrap_or(ColourSpace::UNTAGGED)
}

/// A device that captures.
struct V4l2Capture {
    setup: Setup,
    path: PathBuf,
    /// To wait by.
    handle: Arc<Handle>,
    /// `None` only while it is dropped.
    stream: Option<MmapStream<'static>>,
    /// After a failure the stream does not know which of its buffers it has; it must get one before it gives one
    /// back.
    is_out_of_step: bool,
}

impl V4l2Capture {
    fn start(
        device: &Device,
        path: &Path,
        text: &str,
        caps: &Capabilities,
        wanted: CameraMode,
        spec: &CameraSpec,
        offered: &[OfferedFormat],
    ) -> Result<Self, CameraError> {
        let refused = |reason: String| CameraError::Refused {
            device: text.to_owned(),
            wanted: wanted.to_string(),
            reason,
            available: summary(offered),
        };
        let code = offered.iter().find(|offered| offered.format == Some(wanted.format));
        let code = code.and_then(|offered| offered.code.as_bytes().first_chunk::<4>());
        let code = FourCC::new(code.ok_or_else(|| refused("it does not offer it".to_owned()))?);
        let mut asked = Format::new(wanted.width, wanted.height, code);
        asked.field_order = FieldOrder::Progressive;
        let set = device.set_format(&asked).map_err(|error| match failure(text, "", error) {
            CameraError::Device { error, .. } => refused(error.to_string()),
            other => other,
        })?;
        let got = format(set.fourcc).ok_or_else(|| refused(format!("it gives {} instead", set.fourcc)))?;

        // Some drivers have no rate to set; they go at their own.
        let rate = wanted.rate.or(spec.rate());
        let parameters = match rate {
            Some(rate) => device.set_params(&Parameters::new(Fraction::new(rate.seconds(), rate.frames()))),
            None => device.params(),
        };
        let interval = parameters.or_else(|_| device.params()).map(|parameters| parameters.interval);
        let rate =
            interval.ok().and_then(|interval| FrameRate::new(interval.denominator, interval.numerator));
        let mode = CameraMode { format: got, width: set.width, height: set.height, rate };
        let layout = RawLayout {
            format: got,
            width: set.width,
            height: set.height,
            stride: set.stride,
            colour: colour(&set),
        };

        let not_started = |error: io::Error| match failure(text, "", error) {
            CameraError::Device { error, .. } => {
                CameraError::Start { device: text.to_owned(), mode: mode.to_string(), error }
            }
            other => other,
        };
        let mut stream =
            MmapStream::with_buffers(device, Type::VideoCapture, BUFFERS).map_err(not_started)?;
        // Only so is it known whether the device starts. `MmapStream::next` queues the first buffer, which it takes
        // for the one that was read last. How many there are it does not say.
        let mut buffers = 1;
        while buffers < MOST_BUFFERS && CaptureStream::queue(&mut stream, buffers).is_ok() {
            buffers += 1;
        }
        if buffers < 2 {
            return Err(not_started(io::Error::other("the driver has room for one frame alone")));
        }
        stream.start().map_err(not_started)?;
        // It is waited for before it is asked.
        stream.set_timeout(Duration::from_millis(1));
        let setup = Setup {
            device: text.to_owned(),
            name: caps.card.clone(),
            place: caps.bus.clone(),
            mode,
            layout,
            buffers,
            difference: difference(spec, &mode, offered),
            decoder: "v4l2",
        };
        Ok(Self {
            setup,
            path: path.to_owned(),
            handle: device.handle(),
            stream: Some(stream),
            is_out_of_step: false,
        })
    }
}

impl Capture for V4l2Capture {
    fn setup(&self) -> &Setup {
        &self.setup
    }

    fn next_buffer(&mut self, wait: Duration) -> Result<Option<RawBuffer<'_>>, CameraError> {
        let Self { setup, path, handle, stream, is_out_of_step } = self;
        let failed = |error| match failure(&setup.device, "reading a frame", error) {
            // Which error comes first when a device is pulled out depends on the driver.
            CameraError::Device { device, .. } if !path.exists() => CameraError::Unplugged { device },
            error => error,
        };
        let Some(stream) = stream else { return Ok(None) };
        // Rounded up, or the last millisecond would be spent asking.
        let milliseconds = i32::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(i32::MAX);
        match handle.poll(READABLE, milliseconds) {
            Ok(0) => return Ok(None),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
        if *is_out_of_step {
            // The bytes of this one cannot be had.
            match stream.dequeue() {
                Ok(_) => *is_out_of_step = false,
                Err(error) if is_not_ready(&error) => std::thread::sleep(Duration::from_millis(1)),
                Err(error) => return Err(failed(error)),
            }
            return Ok(None);
        }
        match CaptureStream::next(stream) {
            Ok((bytes, metadata)) => {
                let written = bytes.get(..metadata.bytesused as usize);
                Ok(Some(RawBuffer {
                    bytes: written.unwrap_or(bytes),
                    is_damaged: written.is_none() || metadata.flags.contains(BufferFlags::ERROR),
                    sequence: metadata.sequence,
                    age: age(metadata.flags, metadata.timestamp),
                }))
            }
            Err(error) => {
                *is_out_of_step = true;
                if is_not_ready(&error) { Ok(None) } else { Err(failed(error)) }
            }
        }
    }
}

/// Stops the device. Where it is unplugged, or the system does not want to, there is nothing left to do.
impl Drop for V4l2Capture {
    fn drop(&mut self) {
        let stream = self.stream.take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(stream)));
    }
}

/// POLLIN.
const READABLE: i16 = 1;

fn is_not_ready(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// How long ago that was, if it is by the clock that it should be.
fn age(flags: BufferFlags, timestamp: v4l::Timestamp) -> Option<Duration> {
    if flags & BufferFlags::TIMESTAMP_MASK != BufferFlags::TIMESTAMP_MONOTONIC {
        return None;
    }
    let (seconds, microseconds) = (u64::try_from(timestamp.sec).ok()?, u64::try_from(timestamp.usec).ok()?);
    let captured = Duration::from_secs(seconds).checked_add(Duration::from_micros(microseconds))?;
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::new(u64::try_from(now.tv_sec).ok()?, u32::try_from(now.tv_nsec).ok()?);
    Some(now.saturating_sub(captured))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_the_kernel_s_documentation_does() {
        for (code, text) in
            [(b"YUYV", "YUYV"), (b"Y16 ", "Y16"), (b"Y16\xa0", "Y16 -BE"), (b"AR1\xb5", "AR15-BE")]
        {
            assert_eq!(code_text(FourCC::new(code)), text);
        }
        assert_eq!(format(FourCC::new(b"YU12")), Some(CameraFormat::I420));
        assert_eq!(format(FourCC::new(b"H264")), None);
    }

    #[test]
    fn intervals_are_rates_turned_over() {
        let interval = |seconds, frames| FrameIntervalEnum::Discrete(Fraction::new(seconds, frames));
        // Two twenty-fifths of a second: twelve and a half, and not twenty-five.
        let rate_of = |offered| rate(offered).unwrap();
        assert_eq!(rate_of(interval(2, 25)), OfferedRate::Exact(FrameRate::new(25, 2).unwrap()));
        assert_eq!(
            rate_of(interval(333_333, 10_000_000)),
            OfferedRate::Exact(FrameRate::new(10_000_000, 333_333).unwrap())
        );
        assert_eq!(rate(interval(0, 30)), None);
    }

    #[test]
    fn what_the_driver_leaves_open_is_as_the_kernel_has_it() {
        let mut layout = Format::new(640, 480, FourCC::new(b"YUYV"));
        let of = |matrix, is_full_range| ColourSpace::from_h273(matrix, is_full_range).unwrap();
        layout.colorspace = Colorspace::SRGB;
        assert_eq!(colour(&layout), ColourSpace::UNTAGGED);
        layout.colorspace = Colorspace::JPEG;
        assert_eq!(colour(&layout), of(6, true));
        layout.colorspace = Colorspace::Rec709;
        assert_eq!(colour(&layout), of(1, false));
        layout.quantization = Quantization::FullRange;
        assert_eq!(colour(&layout), of(1, true));
    }

    #[test]
    fn what_is_no_camera_is_an_error_and_not_a_wait() {
        let open = |path: &str| {
            let device = CameraDevice::Path(path.into());
            System.open(&device, &CameraSpec::new(device.clone())).err().unwrap()
        };
        for path in ["/dev/null", "/etc/passwd", "/dev"] {
            assert!(matches!(open(path), CameraError::NotACamera { .. }), "{path}");
        }
        assert!(matches!(open("/dev/video-none"), CameraError::NotFound { .. }));
        let folder = tempfile::tempdir().unwrap();
        let forbidden = folder.path().join("none");
        assert!(matches!(open(forbidden.to_str().unwrap()), CameraError::NotFound { .. }));
    }
}
