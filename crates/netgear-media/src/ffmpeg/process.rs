//! The child process: how it is started, watched, and ended, whatever becomes of this program.
//!
//! **It ends with this program, however that ends.** On Unix, ffmpeg is the child of a shell of three commands that
//! holds the reading end of a pipe, its standard input. The writing end is here alone, and closed in every program
//! that is started from here. When it is closed, by us or by the system when this program is killed, the shell's
//! `read` returns and it kills ffmpeg. That needs neither unsafe code nor a thread that must live on (as the
//! parent-death signal of Linux would), and also ends an ffmpeg that has nothing to write and so would never notice
//! that nobody reads. Elsewhere ffmpeg is the child itself, and ends with its source, or when it next writes.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::log::{Description, Output, cause, read_line};
use crate::canceller::lock;
use crate::ffmpeg::credentials::Secret;

/// The lines of ffmpeg's log that an error shows.
pub(super) const LOG_LINES: usize = 8;

/// Runs its arguments, and kills what it runs when its input ends. The exit code is that of what it ran. It lets go
/// of the outputs, so that they end when ffmpeg does.
#[cfg(unix)]
const GUARD: &str = r#""$@" </dev/null & exec >/dev/null 2>&1; read -r _; kill -9 $!; wait $!"#;

/// Where the child process is, for its source and for the source's cancellers: they outlive one process, when the
/// source is rewound.
pub(super) type Slot = Arc<Mutex<SlotContent>>;

#[derive(Default)]
pub(super) struct SlotContent {
    child: Option<Arc<Mutex<Child>>>,
    is_cancelled: bool,
}

/// Ends the process that is in the slot, and any that would come into it.
pub(super) fn cancel(slot: &Slot) {
    let mut slot = lock(slot);
    slot.is_cancelled = true;
    if let Some(child) = &slot.child {
        kill(&mut lock(child));
    }
}

/// Why there is no process.
pub(super) enum StartError {
    /// There is no ffmpeg on the PATH.
    Missing,
    /// It said this, or this is said in its place.
    Failed(String),
}

/// A running ffmpeg. Dropping it kills and reaps the process.
pub(super) struct Process {
    child: Arc<Mutex<Child>>,
    log: Arc<Mutex<VecDeque<String>>>,
    log_reader: Option<JoinHandle<()>>,
    output: Receiver<Output>,
    watch: Arc<Watch>,
}

impl Process {
    /// Starts ffmpeg with these arguments. It is ended when it is told to [`expect`](Self::expect) something for
    /// longer than `patience`.
    pub(super) fn start(
        slot: &Slot,
        arguments: Vec<OsString>,
        secret: Secret,
        patience: Duration,
    ) -> Result<(Self, ChildStdout), StartError> {
        let program = find_ffmpeg().ok_or(StartError::Missing)?;
        let mut command = command(program);
        command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if cfg!(unix) => {
                StartError::Failed("there is no /bin/sh, which is to end it with this program".to_owned())
            }
            io::ErrorKind::NotFound => StartError::Missing,
            _ => StartError::Failed(error.to_string()),
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            kill(&mut child);
            let _ = child.wait();
            return Err(StartError::Failed("its output is not connected".to_owned()));
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
                // Indented lines describe streams; what goes wrong stands at the margin.
                if line.starts_with("  ") {
                    continue;
                }
                if log.len() == LOG_LINES {
                    log.pop_front();
                }
                log.push_back(secret.hidden_in(line.trim()));
            }
        });
        let child = Arc::new(Mutex::new(child));
        let is_cancelled = {
            let mut slot = lock(slot);
            slot.child = Some(Arc::clone(&child));
            slot.is_cancelled
        };
        let watch = Arc::new(Watch::default());
        // From here on, dropping it reaps the process.
        let process = Self { child, log, log_reader: log_reader.ok(), output, watch };
        if is_cancelled {
            return Err(StartError::Failed("it was cancelled".to_owned()));
        }
        let (watch, child) = (Arc::clone(&process.watch), Arc::clone(&process.child));
        let watching = std::thread::Builder::new().name("ffmpeg-watch".to_owned());
        watching
            .spawn(move || {
                if watch.is_too_late(patience) {
                    kill(&mut lock(&child));
                }
            })
            .map_err(|error| StartError::Failed(error.to_string()))?;
        Ok((process, stdout))
    }

    /// What it will put out, once it has said so.
    pub(super) fn wait_for_output(&mut self, timeout: Duration) -> Result<Output, StartError> {
        let fallback = match self.output.recv_timeout(timeout) {
            Ok(output) => return Ok(output),
            Err(RecvTimeoutError::Timeout) => {
                format!("it did not answer within {:.1} s", timeout.as_secs_f64())
            }
            Err(RecvTimeoutError::Disconnected) => "it gave no reason".to_owned(),
        };
        self.end();
        Err(StartError::Failed(cause(&lock(&self.log)).unwrap_or(fallback)))
    }

    /// Runs `wait`, which waits for something of the process; if it takes longer than its patience, the process is
    /// ended, and with it what is waited for.
    pub(super) fn expect<T>(watch: &Watch, wait: impl FnOnce() -> T) -> T {
        watch.set(Some(Instant::now()));
        let result = wait();
        watch.set(None);
        result
    }

    pub(super) fn watch(&self) -> Arc<Watch> {
        Arc::clone(&self.watch)
    }

    /// Whether it was ended because it took too long.
    pub(super) fn has_stalled(&self) -> bool {
        self.watch.has_stalled()
    }

    /// Waits until it ends, and tells whether it ended well.
    pub(super) fn wait(&mut self) -> bool {
        // Its output has ended, so it ends too, unless it is stuck in closing its input. Its log ends when it does.
        for _ in 0..200 {
            if self.log_reader.as_ref().is_none_or(JoinHandle::is_finished) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.end()
    }

    /// Ends it, if it has not ended by itself, and tells whether it had, and well.
    pub(super) fn end(&mut self) -> bool {
        let status = {
            let mut child = lock(&self.child);
            kill(&mut child);
            child.wait()
        };
        // The log is complete once its reader has ended.
        if let Some(reader) = self.log_reader.take() {
            let _ = reader.join();
        }
        status.is_ok_and(|status| status.success())
    }

    /// The end of its log, if there is any.
    pub(super) fn last_lines(&self) -> Option<String> {
        let log = lock(&self.log);
        (!log.is_empty()).then(|| log.iter().map(String::as_str).collect::<Vec<_>>().join("; "))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watch.close();
        self.end();
    }
}

/// Since when something is waited for.
#[derive(Debug, Default)]
pub(super) struct Watch {
    state: Mutex<WatchState>,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct WatchState {
    waiting_since: Option<Instant>,
    has_stalled: bool,
    is_closed: bool,
}

impl Watch {
    pub(super) fn set(&self, waiting_since: Option<Instant>) {
        lock(&self.state).waiting_since = waiting_since;
    }

    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.closed.notify_all();
    }

    pub(super) fn has_stalled(&self) -> bool {
        lock(&self.state).has_stalled
    }

    /// Blocks until something has been waited for longer than `patience`, or until there is no more to watch.
    ///
    /// Nobody needs to wake it for each wait: one that has begun while it slept is not over before it looks again.
    pub(super) fn is_too_late(&self, patience: Duration) -> bool {
        let mut state = lock(&self.state);
        while !state.is_closed {
            let waited = state.waiting_since.map_or(Duration::ZERO, |since| since.elapsed());
            if waited >= patience {
                state.has_stalled = true;
                return true;
            }
            let slept = self.closed.wait_timeout(state, patience - waited);
            state = slept.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }
}

#[cfg(unix)]
fn command(ffmpeg: PathBuf) -> Command {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", GUARD, "ffmpeg-guard"]).arg(ffmpeg).stdin(Stdio::piped());
    // Ctrl-C is for this program, which then ends its sources in good order.
    command.process_group(0);
    command
}

#[cfg(not(unix))]
fn command(ffmpeg: PathBuf) -> Command {
    let mut command = Command::new(ffmpeg);
    command.stdin(Stdio::null());
    command
}

/// Ends ffmpeg. On Unix it is the shell that does it, and that must live to do so.
#[cfg(unix)]
fn kill(child: &mut Child) {
    drop(child.stdin.take());
}

#[cfg(not(unix))]
fn kill(child: &mut Child) {
    // An error means that it has ended already.
    let _ = child.kill();
}

#[cfg(unix)]
pub(super) fn find_ffmpeg() -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    std::env::split_paths(&path).map(|folder| folder.join("ffmpeg")).find(|program| {
        program.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
    })
}

/// The system looks for it, and knows which endings programs have.
#[cfg(not(unix))]
pub(super) fn find_ffmpeg() -> Option<PathBuf> {
    Some("ffmpeg".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_ends_what_takes_too_long_and_nothing_else() {
        let watch = Arc::new(Watch::default());
        let watching = {
            let watch = Arc::clone(&watch);
            std::thread::spawn(move || watch.is_too_late(Duration::from_millis(100)))
        };
        // Nobody waits, for longer than the patience.
        std::thread::sleep(Duration::from_millis(300));
        assert!(!watching.is_finished());
        watch.set(Some(Instant::now()));
        assert!(watching.join().unwrap());
        assert!(lock(&watch.state).has_stalled);

        let watch = Arc::new(Watch::default());
        let watching = {
            let watch = Arc::clone(&watch);
            std::thread::spawn(move || watch.is_too_late(Duration::from_secs(3600)))
        };
        watch.close();
        assert!(!watching.join().unwrap());
    }
}
