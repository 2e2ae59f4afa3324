use std::{path::PathBuf, thread};

use netgear::{
    media::{FrameRate, RecordError, Recorder},
    prelude::Frame,
};
use tokio::sync::{mpsc, oneshot};

/// A recorder on a thread of its own, so that the disk does not hold up the session's heartbeats.
#[derive(Debug)]
pub(crate) struct Recording {
    frames: mpsc::Sender<Frame>,
    finished: oneshot::Receiver<Result<(), RecordError>>,
}

impl Recording {
    /// Frames that may wait for the disk; the sender then waits as well.
    const WAITING: usize = 2;

    pub(crate) fn create(path: PathBuf, rate: FrameRate) -> Result<Self, RecordError> {
        let mut recorder = Recorder::create(path, rate)?;
        let (frames, mut to_write) = mpsc::channel::<Frame>(Self::WAITING);
        let (report, finished) = oneshot::channel();
        thread::spawn(move || {
            let mut written = Ok(());
            while let (Ok(()), Some(frame)) = (&written, to_write.blocking_recv()) {
                written = recorder.write(&frame);
            }
            // The other end is gone only if the whole program ends.
            let _ = report.send(written.and_then(|()| recorder.finish()));
        });
        Ok(Self { frames, finished })
    }

    /// Waits while the disk is behind.
    pub(crate) async fn write(&mut self, frame: Frame) -> Result<(), RecordError> {
        match self.frames.send(frame).await {
            Ok(()) => Ok(()),
            // The thread has given up: its report says why.
            Err(_) => (&mut self.finished).await.unwrap_or(Ok(())),
        }
    }

    /// Waits until everything is written.
    pub(crate) async fn finish(self) -> Result<(), RecordError> {
        drop(self.frames);
        self.finished.await.unwrap_or(Ok(()))
    }
}
