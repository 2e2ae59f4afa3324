//! Everything else, through an `ffmpeg` child process.
//!
//! ffmpeg decodes the first video track to raw BGR pixels on its standard output, in NUT, which has the time of each
//! frame. What the frames are like it tells on its standard error, in the line that describes the output: that is
//! what comes, after turning and cropping, and a camera is asked only once.

pub(crate) mod credentials;
mod encoding;
mod log;
mod nut;
mod nut_writer;
mod process;

use std::ffi::OsString;
use std::io::{self, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::ChildStdout;
use std::sync::Arc;
use std::time::Duration;

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};

pub(crate) use self::encoding::{Encoding, EncodingError, is_there, knows_option};
use self::log::Output;
use self::nut::{FrameHeader, NutError, NutReader};
pub(crate) use self::nut_writer::fourcc;
use self::process::{Process, Slot, StartError, cancel};
use crate::OpenOptions;
use crate::ffmpeg::credentials::{Secret, without_passwords};
use crate::{Canceller, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The unit of the times that ffmpeg is asked for, as a part of a second. The frames of all usual rates (24, 25, 30,
/// 60, 1000, and those of NTSC) and the ticks of 90 kHz clocks are whole numbers of it; without it, times would be
/// rounded to the frames of the average rate.
const TIME_BASE: &str = "1:705600000";

/// The frames that an ffmpeg process gives.
pub(crate) struct FfmpegSource {
    input: Input,
    options: OpenOptions,
    info: SourceInfo,
    /// `None` for a duplicate that has not been read yet.
    running: Option<Running>,
    slot: Slot,
    pool: BufferPool,
    /// Frames since it was rewound.
    frames: u64,
    /// The time of the first frame of all, in ffmpeg's time, which may begin with a sound.
    first: Option<Duration>,
    is_ended: bool,
}

/// What is decoded, and what it is called in errors.
#[derive(Clone)]
struct Input {
    origin: String,
    /// Why ffmpeg is needed, for the error if there is none.
    reason: String,
    argument: OsString,
    is_rtsp: bool,
    secret: Secret,
}

/// A process and its output.
struct Running {
    process: Process,
    output: NutReader<BufReader<ChildStdout>>,
    /// Where in ffmpeg's time it began.
    start: Duration,
    /// The header of a frame that has not been read yet.
    next: Option<FrameHeader>,
}

impl FfmpegSource {
    /// Opens a file. `reason` says why ffmpeg is needed, for the error if there is none.
    pub(crate) fn open_file(path: &Path, reason: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let origin = path.display().to_string();
        if let Err(error) = std::fs::metadata(path) {
            return Err(OpenError::Io { origin, error });
        }
        // With `file:` before it, no name is taken for an option or for a protocol.
        let mut argument = OsString::from("file:");
        argument.push(path);
        let (reason, secret) = (reason.to_owned(), Secret::default());
        Self::open(Input { origin, reason, argument, is_rtsp: false, secret }, options)
    }

    /// Opens a URL, which begins with a letter.
    pub(crate) fn open_url(url: &str, reason: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let input = Input {
            origin: without_passwords(url),
            reason: reason.to_owned(),
            argument: url.into(),
            is_rtsp: url.starts_with("rtsp://"),
            secret: Secret::of_url(url),
        };
        Self::open(input, options)
    }

    fn open(input: Input, options: &OpenOptions) -> Result<Self, OpenError> {
        let slot = Slot::default();
        let (running, output) = Running::start(&slot, &input, Duration::ZERO, options)?;
        options.check_size(&input.origin, output.width, output.height, 3)?;
        let frames = output
            .duration
            .zip(output.rate)
            .map(|(duration, rate)| (duration.as_secs_f64() * rate.frames_per_second()).round() as u64);
        let info = SourceInfo {
            width: output.width,
            height: output.height,
            element_type: ElementType::U8,
            pixel_format: PixelFormat::Bgr,
            frame_rate: output.rate,
            rate_varies: output.rate_varies,
            frames,
            duration: output.duration,
            codec: output.codec,
            decoder: "ffmpeg".to_owned(),
        };
        let running = Some(running);
        let (options, pool) = (options.clone(), BufferPool::default());
        Ok(Self { input, options, info, running, slot, pool, frames: 0, first: None, is_ended: false })
    }

    /// Starts anew, at this moment of ffmpeg's time.
    fn restart(&mut self, start: Duration) -> Result<(), ReadError> {
        self.running = None;
        self.is_ended = true;
        let (running, output) = Running::start(&self.slot, &self.input, start, &self.options)?;
        if (output.width, output.height) != (self.info.width, self.info.height) {
            return Err(ReadError::FormatChanged {
                origin: self.input.origin.clone(),
                expected: format!("{}×{} pixels", self.info.width, self.info.height),
                found: format!("{}×{} pixels", output.width, output.height),
            });
        }
        (self.running, self.is_ended) = (Some(running), false);
        Ok(())
    }

    /// The time of the next frame, since the first one; `None` at the end.
    fn peek_time(&mut self) -> Result<Option<Duration>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        let Some(running) = &mut self.running else {
            self.restart(Duration::ZERO)?;
            return self.peek_time();
        };
        if running.next.is_none() {
            let (output, watch) = (&mut running.output, running.process.watch());
            match Process::expect(&watch, || output.next_header()) {
                Ok(Some(header)) => running.next = Some(header),
                Ok(None) => return self.end(false),
                Err(error) => return self.fail(error),
            }
        }
        let Some(header) = running.next else { return Ok(None) };
        let time = running.start.saturating_add(header.time);
        if running.start.is_zero() {
            self.first.get_or_insert(time);
        }
        Ok(Some(time.saturating_sub(self.first.unwrap_or_default())))
    }

    fn read_pixels(&mut self) -> Result<Option<Frame>, ReadError> {
        let Some(running) = &mut self.running else { return Ok(None) };
        let Some(header) = running.next.take() else { return Ok(None) };
        // Small enough to be a frame: that was checked when the source was opened.
        let len = self.info.width as usize * self.info.height as usize * 3;
        if header.len != len as u64 {
            return self.fail(NutError::Malformed("a frame has another size than was said"));
        }
        let mut pixels = self.pool.take(len);
        pixels.resize(len, 0);
        let (output, watch) = (&mut running.output, running.process.watch());
        if let Err(error) = Process::expect(&watch, || output.read_frame(&mut pixels)) {
            return self.fail(error.into());
        }
        let frame = Frame::bgr8(self.info.width, self.info.height, self.pool.freeze(pixels));
        match frame {
            Ok(frame) => Ok(Some(frame)),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    /// Its output has ended: between two frames, as it should, or not.
    fn end<T>(&mut self, is_cut_off: bool) -> Result<Option<T>, ReadError> {
        self.is_ended = true;
        let Some(running) = &mut self.running else { return Ok(None) };
        let ended_well = running.process.wait();
        if running.process.has_stalled() {
            return Err(ReadError::Stalled {
                origin: self.input.origin.clone(),
                frames: self.frames,
                timeout: self.options.stall_timeout(),
            });
        }
        match (ended_well, is_cut_off) {
            (true, false) => Ok(None),
            (true, true) => Err(self.error("its output ended in the middle of a frame")),
            (false, _) => Err(self.error("it gave no reason")),
        }
    }

    fn fail<T>(&mut self, error: NutError) -> Result<Option<T>, ReadError> {
        match error {
            NutError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.end(true),
            NutError::Io(error) => {
                self.is_ended = true;
                Err(ReadError::Io { origin: self.input.origin.clone(), error })
            }
            NutError::Malformed(reason) => {
                self.is_ended = true;
                Err(self.error(reason))
            }
        }
    }

    fn error(&self, fallback: &str) -> ReadError {
        let log = self.running.as_ref().and_then(|running| running.process.last_lines());
        let log = log.unwrap_or_else(|| fallback.to_owned());
        ReadError::Ffmpeg { origin: self.input.origin.clone(), frames: self.frames, log }
    }
}

impl FrameSource for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        let Some(time) = self.peek_time()? else { return Ok(None) };
        let Some(frame) = self.read_pixels()? else { return Ok(None) };
        self.frames += 1;
        Ok(Some(TimedFrame::new(frame, time)))
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.frames = 0;
        self.restart(Duration::ZERO)
    }

    /// ffmpeg gives no frame that begins before the moment asked for, so it is asked for an earlier one.
    fn seek(&mut self, time: Duration) -> Result<(), ReadError> {
        const EARLIER: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(20)];
        let Some(duration) = self.info.duration else {
            // What comes live has no place to go back to.
            return if self.frames == 0 { Ok(()) } else { self.rewind() };
        };
        // Past the end there is nothing to go to, and ffmpeg knows no times of more than some 290 000 years.
        let time = time.min(duration);
        // The first frame's time is that of all the others' beginning.
        if self.first.is_none() {
            if self.frames > 0 || self.is_ended {
                self.rewind()?;
            }
            self.peek_time()?;
        }
        self.frames = 0;
        for earlier in EARLIER {
            let start = self.first.unwrap_or_default().saturating_add(time).saturating_sub(earlier);
            if start.is_zero() {
                break;
            }
            self.restart(start)?;
            if self.peek_time()?.is_some_and(|first| first <= time) {
                return Ok(());
            }
        }
        self.rewind()
    }

    fn frames_within(&self, time: Range<Duration>) -> Option<u64> {
        Some(self.info.frame_rate?.frames_within(&time, self.info.frames?))
    }

    fn duplicate(&self) -> Option<Box<dyn FrameSource>> {
        // A camera is asked only once.
        self.info.duration?;
        Some(Box::new(Self {
            input: self.input.clone(),
            options: self.options.clone(),
            info: self.info.clone(),
            running: None,
            slot: Slot::default(),
            pool: BufferPool::default(),
            frames: 0,
            first: self.first,
            is_ended: false,
        }))
    }

    fn canceller(&self) -> Option<Canceller> {
        let slot = Arc::clone(&self.slot);
        Some(Canceller::new(move || cancel(&slot)))
    }
}

impl Running {
    fn start(
        slot: &Slot,
        input: &Input,
        start: Duration,
        options: &OpenOptions,
    ) -> Result<(Self, Output), OpenError> {
        let mut arguments: Vec<OsString> =
            ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "info"].map(OsString::from).into();
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        if input.is_rtsp {
            // UDP, the default, loses packets, and with them pictures.
            add(&["-rtsp_transport", "tcp"]);
        }
        if !start.is_zero() {
            // Before the input, it goes to a frame from which decoding can begin, and passes over those before the
            // moment.
            add(&["-ss", &format!("{}.{:06}", start.as_secs(), start.subsec_micros())]);
        }
        // In streams that may jump in time ffmpeg moves the first picture to 0, but only where it begins at the
        // beginning, so that times before and after going to a place would not fit together. Told of a shift, it does
        // not; a microsecond matters to nobody.
        add(&["-itsoffset", "0.000001", "-i"]);
        arguments.push(input.argument.clone());
        let mut add = |more: &[&str]| arguments.extend(more.iter().map(OsString::from));
        add(&["-map", "0:v:0", "-c:v", "rawvideo", "-pix_fmt", "bgr24", "-enc_time_base", TIME_BASE]);
        // Each frame at once, and not when the next one pushes its end out.
        add(&["-flush_packets", "1", "-f", "nut", "pipe:1"]);

        let failed = |error| match error {
            StartError::Missing => {
                OpenError::FfmpegMissing { origin: input.origin.clone(), reason: input.reason.clone() }
            }
            StartError::Failed(log) => {
                // Mostly it says the name first, which the error says as well.
                let named = log.strip_prefix("file:").unwrap_or(&log).strip_prefix(input.origin.as_str());
                let log = named.and_then(|said| said.strip_prefix(": ")).unwrap_or(&log).to_owned();
                OpenError::Ffmpeg { origin: input.origin.clone(), log }
            }
        };
        let started = Process::start(slot, arguments, input.secret.clone(), options.stall_timeout());
        let (mut process, stdout) = started.map_err(failed)?;
        let output = process.wait_for_output(options.ffmpeg_timeout()).map_err(failed)?;
        // Of what ffmpeg was told, it knows no more than microseconds.
        let start = Duration::new(start.as_secs(), start.subsec_micros() * 1000);
        let reader = NutReader::new(BufReader::new(stdout));
        Ok((Self { process, output: reader, start, next: None }, output))
    }
}
