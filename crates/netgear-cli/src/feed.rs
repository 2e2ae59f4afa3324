use netgear::{
    media::{FrameThread, Looped, Pipeline, PipelineError, ReadError, TimedFrame},
    prelude::FrameSource,
};
use tokio::sync::mpsc;

/// A source that is read, and its frames changed, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Feed {
    frames: mpsc::Receiver<Result<TimedFrame, FeedError>>,
    /// What the user calls the source, until it has given a frame.
    untried: Option<String>,
    // Ends the thread when dropped.
    _thread: FrameThread,
}

/// Why the next frame cannot be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FeedError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Change(#[from] PipelineError),
    #[error("{origin} has no frames; `netgear probe` says what it is")]
    Empty { origin: String },
}

impl Feed {
    /// Frames read ahead: one in the making while the other is sent. More would only be older when they are sent.
    const AHEAD: usize = 1;
    /// The most that may have waited while nobody took any: those, and one that the thread could not hand over.
    pub(crate) const MOST_WAITING: usize = Self::AHEAD + 1;

    /// `origin` is what the user calls the source.
    pub(crate) fn spawn(
        source: Box<dyn FrameSource>,
        origin: String,
        looped: bool,
        mut pipeline: Pipeline,
    ) -> Self {
        let source: Box<dyn FrameSource> = if looped { Box::new(Looped::new(source)) } else { source };
        let (to_session, frames) = mpsc::channel(Self::AHEAD);
        let thread = FrameThread::spawn(source, move |read| {
            let frame = read.map_err(FeedError::from).and_then(|next| Ok(pipeline.run_timed(next)?));
            match to_session.blocking_send(frame) {
                Ok(()) => std::ops::ControlFlow::Continue(()),
                Err(_) => std::ops::ControlFlow::Break(()),
            }
        });
        Self { frames, untried: Some(origin), _thread: thread }
    }

    /// The next frame; `None` at the end. Cancel-safe.
    ///
    /// # Errors
    /// [`FeedError`]; a source that ends before its first frame is an error too.
    pub(crate) async fn next(&mut self) -> Result<Option<TimedFrame>, FeedError> {
        let next = self.frames.recv().await.transpose()?;
        match (self.untried.take(), &next) {
            (Some(origin), None) => Err(FeedError::Empty { origin }),
            _ => Ok(next),
        }
    }
}
