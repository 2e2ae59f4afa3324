use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use crate::{Canceller, FrameSource, ReadError, SourceInfo, TimedFrame};

/// A source that runs on a thread of its own, ahead of its reader by a frame or two.
///
/// It is an iterator: each step gives the next frame, or waits for it. An error is the last that it gives. Dropping
/// the stream ends the thread: a source that waits, for a camera or for ffmpeg, is cancelled; one that decodes a
/// frame is let finish it, and nobody waits for that.
///
/// ```
/// use netgear_media::{FrameStream, OpenOptions, Source};
///
/// let source = "test:320x240".parse::<Source>()?.open(&OpenOptions::new())?;
/// for timed in FrameStream::spawn(source).take(3) {
///     let timed = timed?;
///     println!("{:?} at {:?}", timed.frame.shape(), timed.time);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct FrameStream {
    // Dropped first, so that a thread that waits to hand over a frame sees that nobody will take it.
    frames: Receiver<Result<TimedFrame, ReadError>>,
    info: SourceInfo,
    _thread: FrameThread,
}

impl FrameStream {
    /// The frames that are decoded ahead. More would only be older when they are taken.
    const AHEAD: usize = 2;

    /// Starts a thread that reads `source`.
    pub fn spawn(source: impl FrameSource + 'static) -> Self {
        let info = source.info().clone();
        let (sender, frames) = sync_channel(Self::AHEAD);
        let thread = FrameThread::spawn(source, move |frame| match sender.send(frame) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        });
        Self { frames, info, _thread: thread }
    }

    /// What is known of the source.
    pub fn info(&self) -> &SourceInfo {
        &self.info
    }
}

impl Iterator for FrameStream {
    type Item = Result<TimedFrame, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.frames.recv().ok()
    }
}

/// The thread of a source, which hands each frame to a function: to `blocking_send` of an async channel, say.
///
/// The function is called with each frame, and with the error if there is one, last; it may block for as long as it
/// likes, and ends the thread with `Break`. Dropping this tells the thread to end and cancels a source that waits; a
/// function that blocks for ever keeps the thread.
#[derive(Debug)]
pub struct FrameThread {
    is_over: Arc<AtomicBool>,
    canceller: Option<Canceller>,
    // Not joined: the thread ends by itself, as soon as what it does at the moment is done.
    _thread: Option<JoinHandle<()>>,
}

impl FrameThread {
    /// Starts a thread that reads `source` and hands its frames to `deliver`.
    ///
    /// If the system gives no thread, `deliver` is dropped without a call, as it is at the end of the source.
    pub fn spawn<S, F>(mut source: S, mut deliver: F) -> Self
    where
        S: FrameSource + 'static,
        F: FnMut(Result<TimedFrame, ReadError>) -> ControlFlow<()> + Send + 'static,
    {
        let canceller = source.canceller();
        let is_over = Arc::new(AtomicBool::new(false));
        let is_over_in_thread = Arc::clone(&is_over);
        let run = move || {
            while !is_over_in_thread.load(Ordering::Relaxed) {
                let Some(frame) = source.next_frame().transpose() else { return };
                let is_error = frame.is_err();
                if deliver(frame).is_break() || is_error {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("frame-source".to_owned()).spawn(run).ok();
        Self { is_over, canceller, _thread: thread }
    }
}

impl Drop for FrameThread {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(canceller) = &self.canceller {
            canceller.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};
    use std::time::Duration;

    use super::*;
    use crate::TestPattern;

    fn pattern() -> TestPattern {
        TestPattern::new("64x48@25".parse().unwrap())
    }

    #[test]
    fn the_frames_come_in_order_to_the_end() {
        let stream = FrameStream::spawn(pattern().with_frames(10));
        assert_eq!(stream.info().frames, Some(10));
        let numbers: Vec<_> =
            stream.map(|frame| TestPattern::read_number(&frame.unwrap().frame).unwrap()).collect();
        assert_eq!(numbers, (0..10).collect::<Vec<_>>());
    }

    /// A source that waits for ever, until it is cancelled, and tells when it is dropped.
    struct Waiting {
        inner: TestPattern,
        cancelled: std::sync::mpsc::Receiver<()>,
        cancel: Sender<()>,
        dropped: Sender<()>,
    }

    impl FrameSource for Waiting {
        fn info(&self) -> &SourceInfo {
            self.inner.info()
        }

        fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
            self.cancelled.recv().unwrap();
            Ok(None)
        }

        fn rewind(&mut self) -> Result<(), ReadError> {
            Ok(())
        }

        fn canceller(&self) -> Option<Canceller> {
            let cancel = std::sync::Mutex::new(self.cancel.clone());
            Some(Canceller::new(move || cancel.lock().unwrap().send(()).unwrap()))
        }
    }

    impl Drop for Waiting {
        fn drop(&mut self) {
            self.dropped.send(()).unwrap();
        }
    }

    #[test]
    fn dropping_the_stream_ends_a_source_that_waits() {
        let (cancel, cancelled) = channel();
        let (dropped, was_dropped) = channel();
        let stream = FrameStream::spawn(Waiting { inner: pattern(), cancelled, cancel, dropped });
        assert!(was_dropped.recv_timeout(Duration::from_millis(50)).is_err());
        drop(stream);
        was_dropped.recv_timeout(Duration::from_secs(5)).unwrap();
    }

    #[test]
    fn dropping_the_stream_ends_a_thread_that_cannot_hand_over() {
        let (dropped, was_dropped) = channel::<()>();
        let mut inner = pattern();
        let (sender, receiver) = sync_channel(1);
        let thread = FrameThread::spawn(pattern(), move |_| {
            let _told_when_dropped = &dropped;
            match sender.send(inner.frame(0)) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        drop(receiver);
        drop(thread);
        // The sender of the other channel goes with the function.
        assert!(
            was_dropped
                .recv_timeout(Duration::from_secs(5))
                .is_err_and(|error| { error == std::sync::mpsc::RecvTimeoutError::Disconnected })
        );
    }
}
