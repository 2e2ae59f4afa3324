use netgear::{
    media::{Filter, FrameThread, Looped, ReadError, ResizeError, TimedFrame},
    prelude::{FrameSource, Percent, Resizer},
};
use tokio::sync::mpsc;

/// A source that is read, and resized, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Feed {
    frames: mpsc::Receiver<Result<TimedFrame, FeedError>>,
    // Ends the thread when dropped.
    _thread: FrameThread,
}

/// Why the next frame cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Resize(#[from] ResizeError),
}

impl Feed {
    /// Frames read ahead: one in the making while the other is sent. More would only be older when they are sent.
    const AHEAD: usize = 1;

    pub(crate) fn spawn(
        source: Box<dyn FrameSource>,
        looped: bool,
        reduce: Option<(Percent, Filter)>,
    ) -> Self {
        let source: Box<dyn FrameSource> = if looped { Box::new(Looped::new(source)) } else { source };
        let (to_session, frames) = mpsc::channel(Self::AHEAD);
        let mut resizer = Resizer::new();
        let thread = FrameThread::spawn(source, move |read| {
            let frame = read.map_err(FeedError::from).and_then(|TimedFrame { frame, time }| {
                let frame = match reduce {
                    Some((percent, filter)) => resizer.reduce(&frame, percent, filter)?,
                    None => frame,
                };
                Ok(TimedFrame { frame, time })
            });
            match to_session.blocking_send(frame) {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(_) => std::ops::ControlFlow::Break(()),
            }
        });
        Self { frames, _thread: thread }
    }

    /// The next frame; `None` at the end. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<TimedFrame>, FeedError> {
        self.frames.recv().await.transpose()
    }
}
