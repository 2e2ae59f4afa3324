//! Everything else, through an `ffmpeg` child process.
//!
//! ffmpeg decodes the first video track to raw BGR pixels on its standard output. What the frames are like it tells on its
//! standard error, in the line that describes the output: that is what comes, after turning and cropping, and a camera is
//! asked only once.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use netgear_proto::{BufferPool, ElementType, Frame, PixelFormat};

use crate::OpenOptions;
use crate::{Canceller, FrameRate, FrameSource, OpenError, ReadError, SourceInfo, TimedFrame};

/// The lines of ffmpeg's log that an error shows.
const LOG_LINES: usize = 8;
/// The longest line that is kept of it.
const LOG_LINE_LEN: usize = 512;

/// The frames that an ffmpeg process gives.
pub(crate) struct FfmpegSource {
    origin: String,
    input: OsString,
    options: OpenOptions,
    info: SourceInfo,
    process: Process,
    pool: BufferPool,
    frames: u64,
    is_ended: bool,
}

impl FfmpegSource {
    /// Opens a file. `reason` says why ffmpeg is needed, for the error if there is none.
    pub(crate) fn open_file(path: &Path, reason: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        // With `file:` before it, no name is taken for an option or for a protocol.
        let mut input = OsString::from("file:");
        input.push(path);
        if let Err(error) = std::fs::metadata(path) {
            return Err(OpenError::Io { origin: path.display().to_string(), error });
        }
        Self::open(path.display().to_string(), input, reason, options)
    }

    /// Opens a URL, which begins with a letter.
    pub(crate) fn open_url(url: &str, reason: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        Self::open(url.to_owned(), url.into(), reason, options)
    }

    fn open(origin: String, input: OsString, reason: &str, options: &OpenOptions) -> Result<Self, OpenError> {
        let (process, output) = Process::start(Slot::default(), &origin, &input, reason, options)?;
        options.check_size(&origin, output.width, output.height, 3)?;
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
            frames,
            duration: output.duration,
            codec: output.codec,
            decoder: "ffmpeg".to_owned(),
        };
        let options = options.clone();
        let pool = BufferPool::default();
        Ok(Self { origin, input, options, info, process, pool, frames: 0, is_ended: false })
    }

    fn error(&self, fallback: &str) -> ReadError {
        let log = self.process.last_lines();
        let log = if log.is_empty() { fallback.to_owned() } else { log };
        ReadError::Ffmpeg { origin: self.origin.clone(), frames: self.frames, log }
    }
}

impl FrameSource for FfmpegSource {
    fn info(&self) -> &SourceInfo {
        &self.info
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        if self.is_ended {
            return Ok(None);
        }
        // Small enough to be a frame: that was checked when the source was opened.
        let len = self.info.width as usize * self.info.height as usize * 3;
        let mut pixels = self.pool.take(len);
        pixels.resize(len, 0);
        match read_full(&mut self.process.stdout, &mut pixels) {
            Ok(read) if read == len => {}
            Ok(read) => {
                self.is_ended = true;
                let is_success = self.process.wait();
                return match (is_success, read) {
                    (true, 0) => Ok(None),
                    (true, _) => Err(self.error("its output ended in the middle of a frame")),
                    (false, _) => Err(self.error("it gave no reason")),
                };
            }
            Err(error) => {
                self.is_ended = true;
                return Err(ReadError::Io { origin: self.origin.clone(), error });
            }
        }
        let time = self.info.frame_rate.map_or(Duration::ZERO, |rate| rate.time_of(self.frames));
        self.frames += 1;
        let frame = Frame::bgr8(self.info.width, self.info.height, self.pool.freeze(pixels));
        match frame {
            Ok(frame) => Ok(Some(TimedFrame::new(frame, time))),
            Err(error) => Err(self.error(&error.to_string())),
        }
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.process.end();
        let slot = Arc::clone(&self.process.slot);
        let (process, output) = Process::start(slot, &self.origin, &self.input, "", &self.options)?;
        (self.process, self.frames, self.is_ended) = (process, 0, false);
        if (output.width, output.height) != (self.info.width, self.info.height) {
            self.is_ended = true;
            return Err(ReadError::FormatChanged {
                origin: self.origin.clone(),
                expected: format!("{}×{} pixels", self.info.width, self.info.height),
                found: format!("{}×{} pixels", output.width, output.height),
            });
        }
        Ok(())
    }

    fn canceller(&self) -> Option<Canceller> {
        let slot = Arc::clone(&self.process.slot);
        Some(Canceller::new(move || {
            let mut slot = lock(&slot);
            slot.is_cancelled = true;
            if let Some(child) = &slot.child {
                // An error means that it has ended already.
                let _ = lock(child).kill();
            }
        }))
    }
}

/// Where the child process is, for its source and for the source's cancellers: they outlive one process, when the source is
/// rewound.
type Slot = Arc<Mutex<SlotContent>>;

#[derive(Default)]
struct SlotContent {
    child: Option<Arc<Mutex<Child>>>,
    is_cancelled: bool,
}

/// A running ffmpeg. Dropping it kills and reaps the process.
struct Process {
    slot: Slot,
    child: Arc<Mutex<Child>>,
    stdout: ChildStdout,
    log: Arc<Mutex<VecDeque<String>>>,
    log_reader: Option<JoinHandle<()>>,
}

impl Process {
    fn start(
        slot: Slot,
        origin: &str,
        input: &OsStr,
        reason: &str,
        options: &OpenOptions,
    ) -> Result<(Self, Output), OpenError> {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-hide_banner", "-nostats", "-loglevel", "info"]);
        if origin.starts_with("rtsp://") {
            // UDP, the default, loses packets, and with them pictures.
            command.args(["-rtsp_transport", "tcp"]);
        }
        command.arg("-i").arg(input);
        command.args(["-map", "0:v:0", "-f", "rawvideo", "-pix_fmt", "bgr24", "pipe:1"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                OpenError::FfmpegMissing { origin: origin.to_owned(), reason: reason.to_owned() }
            }
            _ => OpenError::Ffmpeg { origin: origin.to_owned(), log: error.to_string() },
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(OpenError::Ffmpeg {
                origin: origin.to_owned(),
                log: "its output is not connected".to_owned(),
            });
        };

        let log = Arc::new(Mutex::new(VecDeque::new()));
        let (described, output) = sync_channel(1);
        let log_writer = Arc::clone(&log);
        let log_reader = std::thread::Builder::new().name("ffmpeg-log".to_owned()).spawn(move || {
            let mut description = Description::default();
            let mut lines = BufReader::new(stderr);
            while let Some(line) = read_line(&mut lines) {
                let mut log = lock(&log_writer);
                if let Some(output) = description.line(&line) {
                    // The one who waits may have gone.
                    let _ = described.try_send(output);
                    // What matters from here on is what goes wrong.
                    log.clear();
                    continue;
                }
                if log.len() == LOG_LINES {
                    log.pop_front();
                }
                log.push_back(line);
            }
        });
        let child = Arc::new(Mutex::new(child));
        let is_cancelled = {
            let mut slot = lock(&slot);
            slot.child = Some(Arc::clone(&child));
            slot.is_cancelled
        };
        // From here on, dropping it reaps the process.
        let mut process = Self { slot, child, stdout, log, log_reader: log_reader.ok() };
        if is_cancelled {
            return Err(OpenError::Ffmpeg { origin: origin.to_owned(), log: "it was cancelled".to_owned() });
        }
        let output = process.wait_for_output(&output, options.ffmpeg_timeout());
        match output {
            Some(output) => Ok((process, output)),
            None => {
                process.end();
                let log = process.last_lines();
                let log = if log.is_empty() { "it did not answer in time".to_owned() } else { log };
                Err(OpenError::Ffmpeg { origin: origin.to_owned(), log })
            }
        }
    }

    fn wait_for_output(&mut self, output: &Receiver<Output>, timeout: Duration) -> Option<Output> {
        output.recv_timeout(timeout).ok()
    }

    /// Waits until it ends, and tells whether it ended well.
    fn wait(&mut self) -> bool {
        // Its output has ended, so it ends too, unless it is stuck in closing its input.
        for _ in 0..200 {
            let status = lock(&self.child).try_wait();
            if let Ok(Some(status)) = status {
                self.join_log();
                return status.success();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.end();
        false
    }

    fn end(&mut self) {
        {
            let mut child = lock(&self.child);
            // An error means that it has ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        self.join_log();
    }

    /// The log is complete once its reader has ended.
    fn join_log(&mut self) {
        if let Some(reader) = self.log_reader.take() {
            let _ = reader.join();
        }
    }

    fn last_lines(&self) -> String {
        lock(&self.log).iter().map(|line| line.trim()).collect::<Vec<_>>().join("; ")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// A panic elsewhere does no harm to what is behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The start of the next line, without its end; the rest of a long one is left out.
fn read_line(lines: &mut impl BufRead) -> Option<String> {
    let mut line = Vec::new();
    loop {
        let available = lines.fill_buf().ok()?;
        if available.is_empty() {
            return (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned());
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let part = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
        let room = LOG_LINE_LEN.saturating_sub(line.len());
        line.extend(part.iter().take(room));
        let consumed = end.map_or(available.len(), |end| end + 1);
        lines.consume(consumed);
        if end.is_some() {
            return Some(String::from_utf8_lossy(&line).into_owned());
        }
    }
}

fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// What ffmpeg says that it will put out.
#[derive(Debug, PartialEq)]
struct Output {
    width: u32,
    height: u32,
    rate: Option<FrameRate>,
    duration: Option<Duration>,
    codec: String,
}

/// What the log has said so far.
#[derive(Default)]
struct Description {
    is_output: bool,
    duration: Option<Duration>,
    codec: Option<String>,
}

impl Description {
    /// Takes in a line; the one that describes the output completes the description.
    fn line(&mut self, line: &str) -> Option<Output> {
        let line = line.trim_start();
        if line.starts_with("Output #0") {
            self.is_output = true;
        }
        if let Some(duration) = line.strip_prefix("Duration: ") {
            self.duration = duration.split(',').next().and_then(parse_duration);
        }
        let (_, video) = line.split_once(" Video: ").filter(|_| line.starts_with("Stream #"))?;
        if !self.is_output {
            let codec = video.split([' ', ',']).next().unwrap_or_default();
            self.codec.get_or_insert_with(|| codec.to_owned());
            return None;
        }
        // `rawvideo (BGR[24] / 0x18524742), bgr24(progressive), 1280x720 [SAR 1:1 DAR 16:9], q=2-31, 663552 kb/s, 30 fps, …`
        let fields = || video.split(',').map(str::trim);
        let (width, height) = fields().find_map(|field| {
            let (width, height) = field.split(' ').next()?.split_once('x')?;
            Some((width.parse().ok()?, height.parse().ok()?))
        })?;
        let rate = fields().find_map(|field| parse_rate(field.strip_suffix(" fps")?));
        let codec = self.codec.clone().unwrap_or_else(|| "unknown".to_owned());
        Some(Output { width, height, rate, duration: self.duration, codec })
    }
}

/// `00:01:02.50`, or `N/A`.
fn parse_duration(text: &str) -> Option<Duration> {
    let mut parts = text.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next()?);
    let minutes = hours.trim().parse::<u32>().ok()?.checked_mul(60)?.checked_add(minutes.parse().ok()?)?;
    let seconds = f64::from(minutes) * 60.0 + seconds.parse::<f64>().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// ffmpeg rounds to two decimals and shortens thousands to `k`; the rates of NTSC are put right again.
fn parse_rate(text: &str) -> Option<FrameRate> {
    match text {
        "23.98" => FrameRate::new(24_000, 1001),
        "29.97" => FrameRate::new(30_000, 1001),
        "59.94" => FrameRate::new(60_000, 1001),
        "119.88" => FrameRate::new(120_000, 1001),
        _ => match text.strip_suffix('k') {
            Some(thousands) => FrameRate::new(thousands.parse::<u32>().ok()?.checked_mul(1000)?, 1),
            None => text.parse().ok(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_describes_the_output() {
        let mut description = Description::default();
        for line in [
            "Input #0, mov,mp4, from 'file:a Video: 7x7.mp4':",
            "  Duration: 00:01:02.50, start: 0.000000, bitrate: 3099 kb/s",
            "  Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p, 1920x1080, 30 fps",
            "  Stream #0:1[0x2](und): Audio: aac (LC), 44100 Hz, mono",
            "Stream mapping:",
            "Output #0, rawvideo, to 'pipe:1':",
        ] {
            assert_eq!(description.line(line), None, "{line}");
        }
        let line = "  Stream #0:0(und): Video: rawvideo (BGR[24] / 0x18524742), bgr24(progressive), \
                    1080x1920 [SAR 1:1 DAR 9:16], q=2-31, 1491 kb/s, 29.97 fps, 29.97 tbn";
        let expected = Output {
            width: 1080,
            height: 1920,
            rate: FrameRate::new(30_000, 1001),
            duration: Some(Duration::from_millis(62_500)),
            codec: "h264".to_owned(),
        };
        assert_eq!(description.line(line), Some(expected));
    }

    #[test]
    fn long_lines_are_cut_and_the_next_one_found() {
        let text = format!("{}\nshort\nlast", "x".repeat(100_000));
        let mut lines = BufReader::new(text.as_bytes());
        assert_eq!(read_line(&mut lines).unwrap().len(), LOG_LINE_LEN);
        assert_eq!(read_line(&mut lines).unwrap(), "short");
        assert_eq!(read_line(&mut lines).unwrap(), "last");
        assert_eq!(read_line(&mut lines), None);
    }
}
