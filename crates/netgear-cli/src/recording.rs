//! A recording of a stream, on a thread of its own: neither the disk nor an encoder holds up the session.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use netgear::{
    media::{RecordError, RecordOptions, Recorded, Recorder},
    prelude::{Delivery, Timestamp},
};
use serde::Serialize;
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::{
    counted::Counted,
    recording_queue::{Offered, RecordingQueue},
};

/// What becomes of frames that the disk, or an encoder, is too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// They are left out of the recording, and nobody waits.
    Drop,
    /// They wait, and so does the sender, which by its own policy waits or drops some.
    Block,
}

/// A recorder, and how to reach it.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    behind: Behind,
    clock: RecordingClock,
    queue: Arc<RecordingQueue>,
    progress: Arc<Mutex<Progress>>,
    /// What is left out was spoken of.
    has_said_left_out: bool,
    has_said_failed: bool,
    /// The thread's last word; `None` once it was heard.
    finished: Option<oneshot::Receiver<Result<(), RecordError>>>,
}

/// Says that nobody writes any more, however that came about.
struct Closing(Arc<RecordingQueue>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Recording {
    /// The disk is asked on a thread for what blocks, as it may be far away.
    pub(crate) async fn create(
        path: PathBuf,
        options: RecordOptions,
        behind: Behind,
    ) -> Result<Self, RecordError> {
        let to = path.clone();
        let created = spawn_blocking(move || Recorder::create(to, &options)).await;
        let mut recorder = created.unwrap_or_else(|_| Err(gave_up(&path)))?;
        let (report, finished) = oneshot::channel();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let queue = Arc::new(RecordingQueue::new());
        let (noted, closing) = (Arc::clone(&progress), Closing(Arc::clone(&queue)));
        // A thread that cannot be had closes the queue and drops the channel, which tells the same as one that
        // panics.
        let _ = thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let mut looked_at = None;
            let written = loop {
                let Some((frame, time)) = closing.0.next() else {
                    break recorder.finish().map(|recorded| lock(&noted).recorded = recorded);
                };
                match recorder.write(&frame, time) {
                    Ok(()) => looked_at = note(&noted, &recorder, looked_at),
                    Err(error) if error.is_of_one_frame() => lock(&noted).fail(&error),
                    Err(error) => {
                        let recorded = recorder.recorded();
                        let mut noted = lock(&noted);
                        noted.recorded = recorded;
                        // What an ffmpeg was given is not all in the file.
                        noted.is_in_part = matches!(error, RecordError::Ffmpeg { .. });
                        break Err(error);
                    }
                }
                closing.0.begin();
            };
            drop(closing);
            // Nobody hears it only if the whole program ends.
            let _ = report.send(written);
        });
        Ok(Self {
            path,
            behind,
            clock: RecordingClock::default(),
            queue,
            progress,
            has_said_left_out: false,
            has_said_failed: false,
            finished: Some(finished),
        })
    }

    /// Another sender is there, with a clock of its own.
    pub(crate) fn new_sender(&mut self) {
        self.clock.last = None;
    }

    /// Takes the frame of a delivery. While the disk is behind, it leaves the frame out, or waits. After an error
    /// nothing more is written.
    pub(crate) async fn write(&mut self, delivery: &Delivery) -> Result<(), RecordError> {
        if self.finished.is_none() {
            return Ok(());
        }
        let time = self.clock.time(delivery.captured_at, delivery.received_at);
        let taken = match self.behind {
            Behind::Block => self.queue.put(&delivery.frame, time).await,
            Behind::Drop => match self.queue.offer(&delivery.frame, time) {
                Offered::Taken => true,
                Offered::Full => {
                    lock(&self.progress).left_out += 1;
                    true
                }
                Offered::Closed => false,
            },
        };
        if taken {
            return Ok(());
        }
        // The thread has given up: its report says why.
        self.report().await
    }

    /// What the user is to know as soon as it is so, and once.
    pub(crate) fn remark(&mut self) -> Option<String> {
        let progress = lock(&self.progress);
        if progress.left_out > 0 && !self.has_said_left_out {
            self.has_said_left_out = true;
            return Some(format!(
                "writing {} is too slow: frames are LEFT OUT of the recording, so that the session is not held up; {WAITS}",
                self.path.display()
            ));
        }
        let failure = progress.failure.as_ref().filter(|_| !self.has_said_failed)?;
        self.has_said_failed = true;
        Some(format!("a frame is left out of the recording: {failure}"))
    }

    /// What is written so far, for the line on the terminal.
    pub(crate) fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// What is written so far, for the summary.
    pub(crate) fn summary(&self) -> RecordingSummary {
        let Progress { recorded, is_in_part, left_out, failed, .. } = self.progress();
        let Recorded { frames, bytes, duration, .. } = recorded;
        let (path, seconds) = (self.path.display().to_string(), duration.as_secs_f64());
        RecordingSummary { path, frames, is_in_part, bytes, seconds, left_out, failed }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(&mut self) -> Result<(), RecordError> {
        self.report().await
    }

    /// Cancel-safe: the word that was not heard is heard the next time.
    async fn report(&mut self) -> Result<(), RecordError> {
        self.queue.end();
        let Some(finished) = &mut self.finished else { return Ok(()) };
        let report = finished.await;
        self.finished = None;
        report.unwrap_or_else(|_| Err(gave_up(&self.path)))
    }
}

/// Where it is dropped without being finished, the thread writes what waits, and ends.
impl Drop for Recording {
    fn drop(&mut self) {
        self.queue.end();
    }
}

/// The thread panicked, or the system gave none.
fn gave_up(path: &Path) -> RecordError {
    RecordError::Io {
        path: path.to_owned(),
        source: io::Error::other("the recorder gave up; please report this"),
    }
}

/// What to do about frames that are left out.
const WAITS: &str = "with --record-policy block the sender waits for them instead";

/// When frames were captured, since the first, by clocks that may change with the sender.
#[derive(Debug, Default)]
struct RecordingClock {
    /// The last frame: its capture, its arrival, and its time in the recording.
    last: Option<(Timestamp, Timestamp)>,
    first_arrival: Option<Timestamp>,
    time: Duration,
}

impl RecordingClock {
    /// Frames are this much further apart at their capture than at their arrival, or less so, where a network holds
    /// some up. More than that, and the sender's clock was set, or is another one.
    const MOST_APART: Duration = Duration::from_secs(5);

    /// The time of the next frame in the recording.
    fn time(&mut self, captured_at: Option<Timestamp>, received_at: Timestamp) -> Duration {
        let since_start = received_at.since(*self.first_arrival.get_or_insert(received_at));
        // VidGear does not say when a frame was captured.
        let captured_at = captured_at.unwrap_or(received_at);
        let step =
            self.last.map(|(captured, received)| (captured_at.since(captured), received_at.since(received)));
        self.time = match step {
            Some((captured, received)) if captured.abs_diff(received) <= Self::MOST_APART => {
                self.time + captured
            }
            // What has passed here has passed in the recording.
            _ => since_start.max(self.time),
        };
        self.last = Some((captured_at, received_at));
        self.time
    }
}

/// What a recording has come to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    recorded: Recorded,
    /// No more than that is in the file, and perhaps less.
    is_in_part: bool,
    left_out: u64,
    /// Frames that a library failed on, and how it did on the first.
    failed: u64,
    failure: Option<String>,
    free_space: Option<u64>,
}

impl Progress {
    fn fail(&mut self, error: &RecordError) {
        self.failed += 1;
        self.failure.get_or_insert_with(|| error.to_string());
    }
}

/// Notes how far the recorder is, and gives when that was looked at last. The disk is asked without the lock, behind
/// which the session would wait as well, and no more often than is of use.
fn note(progress: &Mutex<Progress>, recorder: &Recorder, looked_at: Option<Instant>) -> Option<Instant> {
    const INTERVAL: Duration = Duration::from_millis(200);
    if looked_at.is_some_and(|last| last.elapsed() < INTERVAL) {
        return looked_at;
    }
    let (recorded, free_space) = (recorder.recorded(), recorder.free_space());
    let mut progress = lock(progress);
    (progress.recorded, progress.free_space) = (recorded, free_space);
    Some(Instant::now())
}

/// `recorded 312 frames, 10.4 s, 48.1 MB; 61.2 GB left, 3 h 41 min`
impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recorded, left_out, free_space, .. } = self;
        write!(f, "recorded {recorded}")?;
        let bytes_per_second = recorded.bytes as f64 / recorded.duration.as_secs_f64();
        if let Some(left) = free_space {
            write!(f, "; {:.1} GB left", *left as f64 / 1e9)?;
            if bytes_per_second.is_finite() && bytes_per_second >= 1.0 {
                write!(f, ", {}", Lasting(*left as f64 / bytes_per_second))?;
            }
        }
        if *left_out > 0 {
            write!(f, "; {} LEFT OUT", Counted::frames(*left_out))?;
        }
        Ok(())
    }
}

/// Seconds, as long as people care.
struct Lasting(f64);

impl fmt::Display for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let minutes = (self.0 / 60.0) as u64;
        match minutes {
            0 => write!(f, "{} s", self.0 as u64),
            1..60 => write!(f, "{minutes} min"),
            60..2_880 => write!(f, "{} h {} min", minutes / 60, minutes % 60),
            2_880..1_440_000 => write!(f, "{} days", minutes / 1_440),
            _ => write!(f, "years"),
        }
    }
}

/// What was recorded, in the summary.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RecordingSummary {
    path: String,
    frames: u64,
    /// Whether an encoder gave up, so that not all of the frames are in the file.
    #[serde(rename = "in_part")]
    is_in_part: bool,
    /// On the disk.
    bytes: u64,
    /// How long it plays.
    seconds: f64,
    /// Frames that the disk or the encoder was too slow for.
    left_out: u64,
    /// Frames that could not be encoded, by a fault of the encoder's.
    failed: u64,
}

impl fmt::Display for RecordingSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, frames, seconds, .. } = self;
        let up_to = if self.is_in_part { "up to " } else { "" };
        write!(
            f,
            "recorded {up_to}{}, {seconds:.1} s, {:.1} MB to {path}",
            Counted::frames(*frames),
            self.bytes as f64 / 1e6
        )?;
        if self.left_out > 0 {
            let frames = Counted::frames(self.left_out);
            write!(f, "; {frames} LEFT OUT of it, for which writing was too slow ({WAITS})")?;
        }
        if self.failed > 0 {
            write!(f, "; {} LEFT OUT that could not be encoded", Counted::frames(self.failed))?;
        }
        Ok(())
    }
}

/// A panic elsewhere does no harm to these numbers.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(milliseconds: u64) -> Timestamp {
        Timestamp::from_micros(milliseconds * 1000)
    }

    #[test]
    fn a_frame_has_the_time_of_its_capture() {
        let mut clock = RecordingClock::default();
        // Arrivals waver, captures do not.
        for (number, late) in [3, 40, 2, 90, 0].into_iter().enumerate() {
            let captured = 1_000_000 + 33 * number as u64;
            let time = clock.time(Some(at(captured)), at(captured - 500_000 + late));
            assert_eq!(time, Duration::from_millis(33 * number as u64));
        }
        // VidGear says no time of capture.
        let mut clock = RecordingClock::default();
        assert_eq!(clock.time(None, at(70)), Duration::ZERO);
        assert_eq!(clock.time(None, at(110)), Duration::from_millis(40));
    }

    #[test]
    fn a_clock_that_is_set_or_another_one_changes_nothing() {
        let mut clock = RecordingClock::default();
        clock.time(Some(at(1_000_000)), at(500));
        assert_eq!(clock.time(Some(at(1_000_040)), at(540)), Duration::from_millis(40));
        // An hour on, and back.
        assert_eq!(clock.time(Some(at(4_600_080)), at(580)), Duration::from_millis(80));
        assert_eq!(clock.time(Some(at(4_600_120)), at(620)), Duration::from_millis(120));
        assert_eq!(clock.time(Some(at(1_000_160)), at(10_660)), Duration::from_millis(10_160));
        assert_eq!(clock.time(Some(at(1_000_200)), at(10_700)), Duration::from_millis(10_200));
    }

    #[test]
    fn it_says_how_long_the_disk_lasts() {
        let text = |seconds| Lasting(seconds).to_string();
        assert_eq!(
            [text(59.0), text(61.0), text(13_260.0), text(200_000.0), text(1e12)],
            ["59 s", "1 min", "3 h 41 min", "2 days", "years"]
        );
    }
}
