//! An `ffmpeg` that makes a film of frames.
//!
//! It must outlive this program for a moment where that is killed: its input ends then, and it writes what it has and
//! closes the file. So, unlike the one that decodes, it is not killed with this program but given a time to finish,
//! by the shell that started it; and where it hangs while this program lives, its `Watch` ends it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::log::read_line;
use super::nut_writer::{frame_header, header};
use super::process::{LOG_LINES, Process, Watch, find_ffmpeg};
use crate::canceller::lock;

/// Runs its arguments with its own input. Its output is a pipe to read from: a word says what to do, and the end of
/// it that this program is gone, after which what it runs has as many seconds as `$0` says. It lets go of all else,
/// so that what it runs is the only one to have it.
#[cfg(unix)]
const GUARD: &str = r#"exec 3<&0 4<&1 </dev/null >/dev/null; "$@" <&3 3<&- 4<&- & p=$!; exec 3<&- 2>/dev/null
word=; read -r word <&4; exec 4<&-
case $word in
ended) wait $p ;;
kill) kill -9 $p; wait $p ;;
*) (sleep "$0"; kill -9 $p) & k=$!; wait $p; s=$?; kill $k; exit $s ;;
esac"#;

/// Whether there is an ffmpeg, as far as can be told without running it.
pub(crate) fn is_there() -> bool {
    find_ffmpeg().is_some()
}

/// Whether the ffmpeg that is there has this option. It answers within `patience`, or is of no use.
pub(crate) fn knows_option(option: [&str; 2], patience: Duration) -> Result<bool, EncodingError> {
    let program = find_ffmpeg().ok_or(EncodingError::Missing)?;
    let mut command = Command::new(program);
    // An option that it does not know is an error before it says its version.
    command.args(option).arg("-version");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => EncodingError::Missing,
        _ => EncodingError::Failed(error.to_string()),
    })?;
    let deadline = Instant::now() + patience;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.success()),
            Ok(None) if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(2)),
            _ => {
                // An error means that it has ended.
                let _ = child.kill();
                let _ = child.wait();
                let seconds = patience.as_secs_f64();
                return Err(EncodingError::Failed(format!(
                    "it did not say its version within {seconds:.1} s"
                )));
            }
        }
    }
}

/// Why no film is made.
#[derive(Debug)]
pub(crate) enum EncodingError {
    /// There is no ffmpeg on the PATH.
    Missing,
    /// It said this, or this is said in its place.
    Failed(String),
}

/// A running ffmpeg. Dropping it lets it finish, for a time.
#[derive(Debug)]
pub(crate) struct Encoding {
    /// `None` once it was told that there is no more.
    frames: Option<ChildStdin>,
    guard: Guard,
    log: Arc<Mutex<VecDeque<String>>>,
    log_reader: Option<JoinHandle<()>>,
    watch: Arc<Watch>,
    patience: Duration,
}

impl Encoding {
    /// Starts ffmpeg. `output` are the arguments behind the input, the file's name among them. When it takes nothing
    /// for longer than `patience`, or takes longer to finish, it is ended.
    pub(crate) fn start(
        output: impl IntoIterator<Item = OsString>,
        fourcc: [u8; 4],
        (width, height): (u32, u32),
        patience: Duration,
    ) -> Result<Self, EncodingError> {
        let program = find_ffmpeg().ok_or(EncodingError::Missing)?;
        let input = ["-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-y"];
        let arguments =
            input.into_iter().chain(["-f", "nut", "-i", "pipe:0"]).map(OsString::from).chain(output);
        let failed = |error: io::Error| EncodingError::Failed(error.to_string());
        let (guard, frames, log_lines) = Guard::start(program, arguments, patience)?;

        let log = Arc::new(Mutex::new(VecDeque::new()));
        let log_writer = Arc::clone(&log);
        let log_reader = std::thread::Builder::new().name("ffmpeg-log".to_owned()).spawn(move || {
            let mut lines = BufReader::new(log_lines);
            while let Some(line) = read_line(&mut lines) {
                let mut log = lock(&log_writer);
                if log.len() == LOG_LINES {
                    log.pop_front();
                }
                log.push_back(line.trim().to_owned());
            }
        });
        let watch = Arc::new(Watch::default());
        let (watching, ended) = (Arc::clone(&watch), guard.clone());
        let thread = std::thread::Builder::new().name("ffmpeg-watch".to_owned());
        let log_reader = log_reader.map_err(failed)?;
        // From here on, dropping it reaps the process.
        let mut encoding =
            Self { frames: Some(frames), guard, log, log_reader: Some(log_reader), watch, patience };
        thread
            .spawn(move || {
                if watching.is_too_late(patience) {
                    ended.kill();
                }
            })
            .map_err(failed)?;
        encoding.put(&[&header(fourcc, width, height)])?;
        Ok(encoding)
    }

    /// Gives it a frame of this time, which is later than that of the one before.
    pub(crate) fn write(&mut self, time: Duration, pixels: &[u8]) -> Result<(), EncodingError> {
        self.put(&[&frame_header(time, pixels.len()), pixels])
    }

    fn put(&mut self, parts: &[&[u8]]) -> Result<(), EncodingError> {
        let Some(frames) = &mut self.frames else {
            return Err(EncodingError::Failed("it has ended".to_owned()));
        };
        let watch = Arc::clone(&self.watch);
        let written = Process::expect(&watch, || parts.iter().try_for_each(|part| frames.write_all(part)));
        written.map_err(|error| {
            // It has gone, and its log says why.
            self.end().err().unwrap_or_else(|| EncodingError::Failed(error.to_string()))
        })
    }

    /// Waits until the file is closed.
    pub(crate) fn finish(mut self) -> Result<(), EncodingError> {
        self.end()
    }

    /// Says that there is no more, and waits until it has ended. It is not asked twice.
    fn end(&mut self) -> Result<(), EncodingError> {
        let Some(frames) = self.frames.take() else { return Ok(()) };
        drop(frames);
        self.watch.close();
        // Its log ends when it does.
        let deadline = Instant::now() + self.patience;
        let is_running =
            |reader: &Option<JoinHandle<()>>| reader.as_ref().is_some_and(|reader| !reader.is_finished());
        while is_running(&self.log_reader) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let is_late = is_running(&self.log_reader) || self.watch.has_stalled();
        if is_late {
            self.guard.kill();
        }
        let ended_well = self.guard.wait();
        if let Some(reader) = self.log_reader.take() {
            let _ = reader.join();
        }
        if ended_well && !is_late {
            return Ok(());
        }
        let said = lock(&self.log).iter().map(String::as_str).collect::<Vec<_>>().join("; ");
        Err(EncodingError::Failed(match (said.is_empty(), is_late) {
            (false, _) => said,
            (true, true) => format!("it did nothing for {:.1} s, and was ended", self.patience.as_secs_f64()),
            (true, false) => "it gave no reason".to_owned(),
        }))
    }
}

impl Drop for Encoding {
    fn drop(&mut self) {
        // Whatever it says: nobody asked.
        let _ = self.end();
    }
}

/// What can end ffmpeg, and learns how it ended.
#[derive(Debug, Clone)]
struct Guard {
    child: Arc<Mutex<Child>>,
    #[cfg(unix)]
    word: Arc<Mutex<Option<io::PipeWriter>>>,
}

#[cfg(unix)]
impl Guard {
    fn start(
        ffmpeg: std::path::PathBuf,
        arguments: impl IntoIterator<Item = OsString>,
        patience: Duration,
    ) -> Result<(Self, ChildStdin, std::process::ChildStderr), EncodingError> {
        use std::os::unix::process::CommandExt;
        let failed = |error: io::Error| EncodingError::Failed(error.to_string());
        let (read_word, word) = io::pipe().map_err(failed)?;
        let mut command = Command::new("/bin/sh");
        // Ctrl-C is for this program, which then ends its recordings in good order.
        command.arg("-c").arg(GUARD).arg(patience.as_secs().max(1).to_string()).arg(ffmpeg).args(arguments);
        command.process_group(0).stdin(Stdio::piped()).stdout(read_word).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                EncodingError::Failed("there is no /bin/sh, which is to end it after this program".to_owned())
            }
            _ => failed(error),
        })?;
        // The end that it reads from is its own alone.
        drop(command);
        match (child.stdin.take(), child.stderr.take()) {
            (Some(frames), Some(log)) => {
                let word = Arc::new(Mutex::new(Some(word)));
                Ok((Self { child: Arc::new(Mutex::new(child)), word }, frames, log))
            }
            _ => Err(EncodingError::Failed("its input is not connected".to_owned())),
        }
    }

    fn say(&self, word: &[u8]) {
        if let Some(mut pipe) = lock(&self.word).take() {
            // An error means that the shell has gone.
            let _ = pipe.write_all(word);
        }
    }

    fn kill(&self) {
        self.say(b"kill\n");
    }

    /// Of an ffmpeg that has ended, or was killed: whether it ended well.
    fn wait(&self) -> bool {
        self.say(b"ended\n");
        lock(&self.child).wait().is_ok_and(|status| status.success())
    }
}

#[cfg(not(unix))]
impl Guard {
    fn start(
        ffmpeg: std::path::PathBuf,
        arguments: impl IntoIterator<Item = OsString>,
        _patience: Duration,
    ) -> Result<(Self, ChildStdin, std::process::ChildStderr), EncodingError> {
        let mut command = Command::new(ffmpeg);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => EncodingError::Missing,
            _ => EncodingError::Failed(error.to_string()),
        })?;
        match (child.stdin.take(), child.stderr.take()) {
            (Some(frames), Some(log)) => Ok((Self { child: Arc::new(Mutex::new(child)) }, frames, log)),
            _ => Err(EncodingError::Failed("its input is not connected".to_owned())),
        }
    }

    fn kill(&self) {
        // An error means that it has ended already.
        let _ = lock(&self.child).kill();
    }

    /// Of an ffmpeg that has ended, or was killed: whether it ended well.
    fn wait(&self) -> bool {
        lock(&self.child).wait().is_ok_and(|status| status.success())
    }
}
