//! A recording of a stream, on a thread of its own: the disk does not hold up the session's heartbeats.

use std::{
    fmt, io,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use netgear::{
    media::{RecordError, RecordOptions, Recorded, Recorder},
    prelude::{Delivery, Frame, Timestamp},
};
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

/// What becomes of frames that the disk, or an encoder, is too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// They wait, and so does the sender, which by its own policy waits or drops some.
    Block,
    /// They are left out of the recording, and nobody waits.
    Drop,
}

/// A recorder, and how to reach it.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    behind: Behind,
    clock: RecordingClock,
    /// `None` once the thread has given up.
    frames: Option<mpsc::Sender<Waiting>>,
    room: Arc<Semaphore>,
    progress: Arc<Mutex<Progress>>,
    /// The thread's last word; `None` once it was heard.
    finished: Option<oneshot::Receiver<Result<(), RecordError>>>,
}

/// A frame that waits for the disk, and the room that it takes.
#[derive(Debug)]
struct Waiting {
    frame: Frame,
    time: Duration,
    _room: OwnedSemaphorePermit,
}

impl Recording {
    /// What may wait for the disk, in KiB of pixels; a single frame may be larger.
    const ROOM_KIB: u32 = 64 << 10;
    /// Frames that may wait, however small: half a second of the usual rate. They are what a program that is killed loses.
    const MOST_WAITING: usize = 16;

    pub(crate) fn create(
        path: PathBuf,
        options: &RecordOptions,
        behind: Behind,
    ) -> Result<Self, RecordError> {
        let mut recorder = Recorder::create(&path, options)?;
        let (frames, mut to_write) = mpsc::channel::<Waiting>(Self::MOST_WAITING);
        let (report, finished) = oneshot::channel();
        let progress = Arc::new(Mutex::new(Progress::default()));
        let noted = Arc::clone(&progress);
        // A thread that cannot be had drops the channel, which tells the same as one that panics.
        let _ = thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let mut looked_at = None;
            let written = loop {
                match to_write.blocking_recv().map(|Waiting { frame, time, .. }| recorder.write(&frame, time))
                {
                    Some(Ok(())) => looked_at = note(&noted, &recorder, looked_at),
                    Some(Err(error)) => {
                        let recorded = recorder.recorded();
                        lock(&noted).recorded = recorded;
                        // What came after is not written, though the sender may not know it yet.
                        to_write.close();
                        break Err(error);
                    }
                    None => break recorder.finish().map(|recorded| lock(&noted).recorded = recorded),
                }
            };
            // Nobody hears it only if the whole program ends.
            let _ = report.send(written);
        });
        let room = Arc::new(Semaphore::new(Self::ROOM_KIB as usize));
        let (frames, finished) = (Some(frames), Some(finished));
        Ok(Self { path, behind, clock: RecordingClock::default(), frames, room, progress, finished })
    }

    /// Another sender is there, with a clock of its own.
    pub(crate) fn new_sender(&mut self) {
        self.clock.last = None;
    }

    /// Takes the frame of a delivery. While the disk is behind, it waits, or leaves the frame out. After an error nothing more is
    /// written.
    pub(crate) async fn write(&mut self, delivery: &Delivery) -> Result<(), RecordError> {
        let Some(frames) = &self.frames else { return Ok(()) };
        let time = self.clock.time(delivery.captured_at, delivery.received_at);
        let frame = delivery.frame.clone();
        let kib =
            u32::try_from(frame.pixels().len().div_ceil(1024)).unwrap_or(u32::MAX).clamp(1, Self::ROOM_KIB);
        let room = Arc::clone(&self.room);
        let taken = match self.behind {
            Behind::Block => match room.acquire_many_owned(kib).await {
                Ok(room) => frames.send(Waiting { frame, time, _room: room }).await.is_ok(),
                Err(_) => false,
            },
            Behind::Drop => match room.try_acquire_many_owned(kib) {
                Ok(room) => match frames.try_send(Waiting { frame, time, _room: room }) {
                    Ok(()) => true,
                    Err(mpsc::error::TrySendError::Full(_)) => self.leave_out(),
                    Err(mpsc::error::TrySendError::Closed(_)) => false,
                },
                Err(_) if frames.is_closed() => false,
                Err(_) => self.leave_out(),
            },
        };
        if taken {
            return Ok(());
        }
        // The thread has given up: its report says why.
        self.report().await
    }

    fn leave_out(&self) -> bool {
        lock(&self.progress).left_out += 1;
        true
    }

    /// What is written so far, for the line on the terminal.
    pub(crate) fn progress(&self) -> Progress {
        lock(&self.progress).clone()
    }

    /// What is written so far, for the summary.
    pub(crate) fn summary(&self) -> RecordingSummary {
        let Progress { recorded, left_out, .. } = self.progress();
        let Recorded { frames, bytes, duration, .. } = recorded;
        let (path, seconds) = (self.path.display().to_string(), duration.as_secs_f64());
        RecordingSummary { path, frames, bytes, seconds, left_out }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(&mut self) -> Result<(), RecordError> {
        self.report().await
    }

    /// The thread panicked, or the system gave none.
    fn gave_up(&self) -> RecordError {
        RecordError::Io {
            path: self.path.clone(),
            source: io::Error::other("the recorder gave up; please report this"),
        }
    }

    /// Cancel-safe: the word that was not heard is heard the next time.
    async fn report(&mut self) -> Result<(), RecordError> {
        self.frames = None;
        let Some(finished) = &mut self.finished else { return Ok(()) };
        let report = finished.await;
        self.finished = None;
        report.unwrap_or_else(|_| Err(self.gave_up()))
    }
}

/// When frames were captured, since the first, by clocks that may change with the sender.
#[derive(Debug, Default)]
struct RecordingClock {
    /// The last frame: its capture, its arrival, and its time in the recording.
    last: Option<(Timestamp, Timestamp)>,
    first_arrival: Option<Timestamp>,
    time: Duration,
}

impl RecordingClock {
    /// Frames are this much further apart at their capture than at their arrival, or less so, where a network holds some up. More
    /// than that, and the sender's clock was set, or is another one.
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
    left_out: u64,
    free_space: Option<u64>,
}

/// Notes how far the recorder is, and gives when that was looked at last. The disk is asked without the lock, behind which the session
/// would wait as well, and no more often than is of use.
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
            write!(f, "; {left_out} frames LEFT OUT")?;
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
    /// On the disk.
    bytes: u64,
    /// How long it plays.
    seconds: f64,
    /// Frames that the disk was too slow for.
    left_out: u64,
}

impl fmt::Display for RecordingSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, frames, seconds, .. } = self;
        write!(f, "recorded {frames} frames, {seconds:.1} s, {:.1} MB to {path}", self.bytes as f64 / 1e6)?;
        if self.left_out > 0 {
            write!(f, "; {} frames LEFT OUT, for which writing was too slow", self.left_out)?;
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
