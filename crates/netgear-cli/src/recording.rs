use std::{io, path::PathBuf, thread};

use netgear::{
    media::{FrameRate, RecordError, Recorder},
    prelude::Frame,
};
use tokio::sync::{mpsc, oneshot};

/// A recorder on a thread of its own, so that the disk does not hold up the session's heartbeats.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    /// `None` once the thread has given up.
    frames: Option<mpsc::Sender<Frame>>,
    /// The thread's last word; `None` once it was heard.
    finished: Option<oneshot::Receiver<Result<(), RecordError>>>,
}

impl Recording {
    /// Frames that may wait for the disk; the sender then waits as well.
    const WAITING: usize = 2;

    pub(crate) fn create(path: PathBuf, rate: FrameRate) -> Result<Self, RecordError> {
        let mut recorder = Recorder::create(&path, rate)?;
        let (frames, mut to_write) = mpsc::channel::<Frame>(Self::WAITING);
        let (report, finished) = oneshot::channel();
        // A thread that cannot be had drops the channel, which tells the same as one that panics.
        let _ = thread::Builder::new().name("recorder".to_owned()).spawn(move || {
            let written = loop {
                match to_write.blocking_recv().map(|frame| recorder.write(&frame)) {
                    Some(Ok(())) => {}
                    Some(Err(error)) => break Err(error),
                    None => break recorder.finish(),
                }
            };
            // Nobody hears it only if the whole program ends.
            let _ = report.send(written);
        });
        Ok(Self { path, frames: Some(frames), finished: Some(finished) })
    }

    /// Waits while the disk is behind. After an error nothing more is written.
    pub(crate) async fn write(&mut self, frame: Frame) -> Result<(), RecordError> {
        let Some(frames) = &self.frames else { return Ok(()) };
        if frames.send(frame).await.is_ok() {
            return Ok(());
        }
        // The thread has given up: its report says why.
        self.report().await
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(mut self) -> Result<(), RecordError> {
        self.report().await
    }

    /// The thread panicked, or the system gave none.
    fn gave_up(&self) -> RecordError {
        RecordError::Io {
            path: self.path.clone(),
            source: io::Error::other("the recorder gave up; please report this"),
        }
    }

    async fn report(&mut self) -> Result<(), RecordError> {
        self.frames = None;
        match self.finished.take() {
            Some(finished) => finished.await.unwrap_or_else(|_| Err(self.gave_up())),
            None => Ok(()),
        }
    }
}
