use std::fmt;
use std::time::{Duration, Instant, SystemTime};

use netgear_proto::Timestamp;

use super::backend::{Backend, Capture, Setup};
use super::{CameraError, CameraMode, CameraSpec, Resume};
use crate::camera::raw_frame::RawFrames;
use crate::canceller::CancelSignal;
use crate::{Canceller, FrameSource, OpenError, OpenOptions, ReadError, SourceInfo, TimedFrame};

/// The frames of a camera, as they come.
///
/// A reader that takes its time gets what is new: frames that waited for it longer than two of them take, and at
/// least a tenth of a second, are passed over. Frames that are not whole are passed over too;
/// [`counts`](Self::counts) tells how many. Each frame has the device's own time of capture in
/// [`TimedFrame::captured_at`]; the time of arrival where it tells none.
///
/// A camera has no end, and [`rewind`](FrameSource::rewind) no effect but to open it again after an error.
pub struct CameraSource {
    backend: Box<dyn Backend>,
    spec: CameraSpec,
    max_frame_bytes: usize,
    info: SourceInfo,
    remark: Option<String>,
    /// `None` after an error.
    open: Option<Open>,
    cancel: CancelSignal,
    clock: CaptureClock,
    counts: CameraCounts,
    /// Since when there was no frame, while the source waits for its camera to come back.
    gone_since: Option<Instant>,
}

/// A camera that captures, and what is made of its buffers.
struct Open {
    capture: Box<dyn Capture>,
    frames: RawFrames,
    /// When it was last looked for a frame.
    last_read: Instant,
    last_sequence: Option<u32>,
}

/// What became of the frames of a camera.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CameraCounts {
    /// Those that were given to the reader.
    pub delivered: u64,
    /// Those that were passed over since they had waited for the reader for too long.
    pub stale: u64,
    /// Those that were passed over since they were not whole.
    pub damaged: u64,
    /// Those that the device numbered and never handed over: nobody had a buffer free for them.
    pub missed: u64,
    /// How often the camera was gone and came back.
    pub resumed: u64,
}

impl CameraSource {
    /// Between two looks at whether the source was cancelled.
    const SLICE: Duration = Duration::from_millis(20);
    /// Between two looks for a camera that is gone.
    const RETRY: Duration = Duration::from_millis(250);
    /// What a frame may always be old.
    const LEAST_STALE: Duration = Duration::from_millis(100);
    /// What no frame is old that has just arrived: such a device has another clock than it says.
    const LEAST_IMPLAUSIBLE: Duration = Duration::from_secs(10);

    /// Opens the camera, sets it to the nearest that it has to what is asked for, and starts it.
    ///
    /// # Errors
    /// [`OpenError::Camera`]; [`OpenError::TooLarge`] for frames that the options do not allow.
    #[cfg(feature = "camera")]
    pub fn open(spec: &CameraSpec, options: &OpenOptions) -> Result<Self, OpenError> {
        Self::open_with(Box::new(super::system::System::new()), spec, options)
    }

    fn open_with(
        backend: Box<dyn Backend>,
        spec: &CameraSpec,
        options: &OpenOptions,
    ) -> Result<Self, OpenError> {
        let capture = backend.open(spec.device(), spec)?;
        let setup = capture.setup();
        let mode = setup.mode;
        options.check_size(&format!("camera:{spec}"), mode.width, mode.height, 3)?;
        let remark = setup.difference.as_ref().map(|difference| format!("{}: {difference}", setup.device));
        let decoder = setup.decoder.to_owned();
        let max_frame_bytes = options.max_frame_bytes();
        let open = Open::new(capture, max_frame_bytes)?;
        let (element_type, pixel_format) = open.frames.pixels();
        let info = SourceInfo {
            width: mode.width,
            height: mode.height,
            element_type,
            pixel_format,
            frame_rate: mode.rate,
            rate_varies: false,
            frames: None,
            duration: None,
            codec: mode.format.name().to_owned(),
            decoder,
        };
        Ok(Self {
            backend,
            spec: spec.clone(),
            max_frame_bytes,
            info,
            remark,
            open: Some(open),
            cancel: CancelSignal::default(),
            clock: CaptureClock::default(),
            counts: CameraCounts::default(),
            gone_since: None,
        })
    }

    /// How the camera captures. `None` after an error.
    pub fn mode(&self) -> Option<CameraMode> {
        self.open.as_ref().map(|open| open.capture.setup().mode)
    }

    /// What became of its frames so far.
    pub const fn counts(&self) -> CameraCounts {
        self.counts
    }

    /// The next frame; `None` if the source is cancelled.
    fn read(&mut self) -> Result<Option<TimedFrame>, CameraError> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let Open { capture, frames, last_read, last_sequence } = open;
        let (timeout, began) = (self.spec.timeout(), Instant::now());
        let setup = capture.setup();
        let (device, buffers) = (setup.device.clone(), setup.buffers);
        let stale_after =
            setup.mode.rate.map_or(Duration::ZERO, |rate| rate.time_of(2)).max(Self::LEAST_STALE);
        let was_away = last_read.elapsed() > stale_after;
        // What is ready before anything was waited for may have been so for long.
        let (mut has_waited, mut passed_over) = (false, 0);
        let mut damage: Option<(u64, String)> = None;
        loop {
            if self.cancel.is_cancelled() {
                return Ok(None);
            }
            let waited = began.elapsed();
            if waited >= timeout {
                return Err(match damage {
                    Some((frames, reason)) => CameraError::Damaged { device, frames, waited, reason },
                    None => CameraError::Silent { device, waited },
                });
            }
            let wait = if has_waited { (timeout - waited).min(Self::SLICE) } else { Duration::ZERO };
            let buffer = capture.next_buffer(wait)?;
            *last_read = Instant::now();
            let Some(buffer) = buffer else {
                has_waited = true;
                continue;
            };
            if let Some(before) = last_sequence.replace(buffer.sequence) {
                let missed = buffer.sequence.wrapping_sub(before).wrapping_sub(1);
                // Some devices begin again, or do not count.
                self.counts.missed += u64::from(if missed < u32::MAX / 2 { missed } else { 0 });
            }
            let is_stale = match buffer.age {
                Some(age) => age > stale_after && passed_over < 2 * buffers,
                None => was_away && passed_over < buffers,
            };
            if is_stale && !has_waited {
                passed_over += 1;
                self.counts.stale += 1;
                continue;
            }
            let converted = if buffer.is_damaged {
                Err("the driver says that it is broken".to_owned())
            } else {
                frames.convert(buffer.bytes).map_err(|error| error.to_string())
            };
            match converted {
                Ok(frame) => {
                    let age = buffer.age.filter(|age| *age < Self::LEAST_IMPLAUSIBLE).unwrap_or_default();
                    let (time, moment) = self.clock.read(*last_read, age);
                    self.counts.delivered += 1;
                    self.gone_since = None;
                    return Ok(Some(TimedFrame::captured(frame, time, moment)));
                }
                Err(reason) => {
                    self.counts.damaged += 1;
                    damage = Some((damage.map_or(0, |(frames, _)| frames) + 1, reason));
                }
            }
        }
    }

    /// Waits for the camera to come back, if told to. `Ok(false)` if the source is cancelled.
    ///
    /// # Errors
    /// `error` itself, if there is nothing to wait for or the time is over.
    fn resume(&mut self, error: CameraError) -> Result<bool, CameraError> {
        let is_passing = matches!(
            error,
            CameraError::Unplugged { .. }
                | CameraError::Silent { .. }
                | CameraError::Damaged { .. }
                | CameraError::Device { .. }
        );
        let (Some(resume), Some(gone), true) = (self.spec.resume(), self.open.take(), is_passing) else {
            return Err(error);
        };
        let before = gone.capture.setup().clone();
        // Not before it is let go can it be opened again.
        drop(gone);
        let gone_since = *self.gone_since.get_or_insert_with(Instant::now);
        loop {
            if self.cancel.wait(Self::RETRY) {
                return Ok(false);
            }
            if let Resume::Within(most) = resume
                && gone_since.elapsed() >= most
            {
                return Err(error);
            }
            let Ok(capture) = self.backend.reopen(&before, &self.spec) else { continue };
            self.adopt(capture)?;
            self.counts.resumed += 1;
            return Ok(true);
        }
    }

    /// Goes on with a camera that was opened again, if its frames are as [`info`](FrameSource::info) says.
    fn adopt(&mut self, capture: Box<dyn Capture>) -> Result<(), CameraError> {
        let Setup { device, mode, .. } = capture.setup();
        let (device, mode) = (device.clone(), *mode);
        let opened = Open::new(capture, self.max_frame_bytes)?;
        let SourceInfo { width, height, element_type, pixel_format, ref codec, .. } = self.info;
        if (mode.width, mode.height) != (width, height)
            || opened.frames.pixels() != (element_type, pixel_format)
        {
            let expected = format!("{width}×{height} {codec}");
            return Err(CameraError::Changed { device, expected, found: mode.to_string() });
        }
        self.open = Some(opened);
        Ok(())
    }
}

impl Open {
    fn new(capture: Box<dyn Capture>, max_frame_bytes: usize) -> Result<Self, CameraError> {
        let setup = capture.setup();
        let frames = RawFrames::new(setup.layout, max_frame_bytes).map_err(|error| CameraError::Refused {
            device: setup.device.clone(),
            wanted: setup.mode.to_string(),
            reason: error.to_string(),
            available: "another size or format".to_owned(),
        })?;
        Ok(Self { capture, frames, last_read: Instant::now(), last_sequence: None })
    }
}

impl FrameSource for CameraSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        loop {
            let result = match self.read() {
                Ok(frame) => return Ok(frame),
                Err(error) => self.resume(error),
            };
            match result {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    self.open = None;
                    return Err(error.into());
                }
            }
        }
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        if self.open.is_none() {
            let capture = self.backend.open(self.spec.device(), &self.spec)?;
            self.adopt(capture)?;
        }
        Ok(())
    }

    fn remark(&self) -> Option<&str> {
        self.remark.as_deref()
    }

    fn canceller(&self) -> Option<Canceller> {
        Some(self.cancel.canceller())
    }
}

impl fmt::Debug for CameraSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CameraSource")
            .field("spec", &self.spec)
            .field("info", &self.info)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// Tells when frames were captured: since the first of them, and by the clock on the wall.
#[derive(Debug, Default)]
struct CaptureClock {
    first: Option<Instant>,
    last: Option<Duration>,
}

impl CaptureClock {
    /// For a frame that arrived at `now` and was captured `age` before. The times rise, also when a camera comes
    /// back.
    fn read(&mut self, now: Instant, age: Duration) -> (Duration, Timestamp) {
        let captured = now.checked_sub(age).unwrap_or(now);
        let since_first = captured.saturating_duration_since(*self.first.get_or_insert(captured));
        let time = self.last.map_or(since_first, |last| since_first.max(last + Duration::from_micros(1)));
        self.last = Some(time);
        let wall = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let moment = wall.saturating_sub(age + now.elapsed());
        (time, Timestamp::from_micros(u64::try_from(moment.as_micros()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
#[path = "source_tests.rs"]
mod tests;
