//! What a receiver does with an encoded frame before its application gets it: decodes it, where nobody is held up by
//! that.

use std::sync::{Arc, OnceLock};

use netgear_proto::{Codec, EncodedFrame, Frame, FrameDecodeError};
use tokio::runtime;

use crate::shared::Waiters;

/// A codec, and the frame that it works on: one at a time, on a thread of the runtime's for what blocks.
///
/// The frame stays in the session meanwhile, so that nothing is lost with a future that is dropped. All methods may
/// be called under the session's lock: what is to be begun is had from [`Decoding::due`], and begun without it.
#[derive(Debug)]
pub(crate) struct Decoding {
    codec: Option<(Arc<dyn Codec>, runtime::Handle)>,
    waiters: Arc<Waiters>,
    work: Option<Work>,
    due: Option<Job>,
    /// The application takes its frames decoded, so that the next is worth the work before it is asked for.
    is_wanted: bool,
}

#[derive(Debug)]
struct Work {
    encoded: EncodedFrame,
    /// Empty while it goes on.
    decoded: Arc<OnceLock<Result<Frame, FrameDecodeError>>>,
}

impl Decoding {
    /// It must be called within a runtime if there is a codec.
    pub(crate) fn new(codec: Option<Arc<dyn Codec>>, waiters: Arc<Waiters>) -> Self {
        let codec = codec.map(|codec| (codec, runtime::Handle::current()));
        Self { codec, waiters, work: None, due: None, is_wanted: false }
    }

    /// The frame, once it is decoded; `None` until then, and all who wait are woken when it is.
    pub(crate) fn take(&mut self, encoded: &EncodedFrame) -> Option<Result<Frame, FrameDecodeError>> {
        self.begin(encoded);
        if self.codec.is_none() {
            return Some(Err(FrameDecodeError::UnsupportedEncoding { encoding: encoded.encoding() }));
        }
        let work = self.work.as_ref().filter(|work| is_same(&work.encoded, encoded))?;
        let decoded = work.decoded.get()?.clone();
        self.work = None;
        Some(decoded)
    }

    /// The next frame is there, and the application may still be at the one before.
    pub(crate) fn prepare(&mut self, next: &EncodedFrame) {
        if self.is_wanted {
            self.begin(next);
        }
    }

    /// The application takes its frames decoded, or as they come: what is decoded is then not kept.
    pub(crate) fn set_wanted(&mut self, is_wanted: bool) {
        self.is_wanted = is_wanted;
        if !is_wanted {
            self.work.take_if(|work| !work.is_going_on());
        }
    }

    /// Begins with a frame, unless it has done that or is still at another.
    fn begin(&mut self, encoded: &EncodedFrame) {
        let Some((codec, runtime)) = &self.codec else { return };
        if self.work.as_ref().is_some_and(|work| work.is_going_on() || is_same(&work.encoded, encoded)) {
            return;
        }
        let decoded = Arc::default();
        self.due = Some(Job {
            codec: Arc::clone(codec),
            runtime: runtime.clone(),
            encoded: encoded.clone(),
            decoded: Arc::clone(&decoded),
            waiters: Arc::clone(&self.waiters),
        });
        self.work = Some(Work { encoded: encoded.clone(), decoded });
    }

    /// What is to be begun now, without the lock.
    pub(crate) fn due(&mut self) -> Option<Job> {
        self.due.take()
    }
}

impl Work {
    fn is_going_on(&self) -> bool {
        self.decoded.get().is_none()
    }
}

/// What is done on the other thread.
#[derive(Debug)]
pub(crate) struct Job {
    codec: Arc<dyn Codec>,
    runtime: runtime::Handle,
    encoded: EncodedFrame,
    decoded: Arc<OnceLock<Result<Frame, FrameDecodeError>>>,
    waiters: Arc<Waiters>,
}

impl Job {
    /// A runtime that has stopped drops it in here, which wakes: the session's lock must not be held.
    pub(crate) fn begin(self) {
        let runtime = self.runtime.clone();
        runtime.spawn_blocking(move || self.run());
    }

    fn run(self) {
        let decoded = self.codec.decode(&self.encoded).and_then(|frame| checked(&self.encoded, frame));
        let _ = self.decoded.set(decoded);
    }
}

/// Those who wait hear of it also if the codec panics, or the runtime stops before it has begun.
impl Drop for Job {
    fn drop(&mut self) {
        let encoding = self.encoded.encoding();
        self.decoded.get_or_init(|| {
            Err(if std::thread::panicking() {
                FrameDecodeError::Failed { encoding }
            } else {
                FrameDecodeError::Stopped { encoding }
            })
        });
        self.waiters.wake();
    }
}

/// Whatever a codec makes of it, an application gets the frame that was promised.
fn checked(encoded: &EncodedFrame, frame: Frame) -> Result<Frame, FrameDecodeError> {
    if encoded.promises(&frame) {
        return Ok(frame);
    }
    let (encoding, promised) = (encoded.encoding(), encoded.shape());
    Err(FrameDecodeError::BrokenPromise { encoding, promised, found: format!("{frame:?}") })
}

/// Whether they are the very same bytes in memory, which both hold.
fn is_same(a: &EncodedFrame, b: &EncodedFrame) -> bool {
    a.bytes().as_ptr() == b.bytes().as_ptr()
        && a.bytes().len() == b.bytes().len()
        && (a.encoding(), a.shape(), a.element_type(), a.pixel_format())
            == (b.encoding(), b.shape(), b.element_type(), b.pixel_format())
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::{Context, Wake, Waker},
    };

    use netgear_proto::{
        Encoding, EncodingChoice, Encodings, FrameEncodeError, Role, session::SessionConfig,
    };

    use super::*;
    use crate::shared::Shared;

    #[derive(Debug)]
    struct Idle;

    impl Codec for Idle {
        fn encodings(&self) -> Encodings {
            Encodings::ALL
        }

        fn encode(&self, _: &Frame, _: EncodingChoice) -> Result<Option<EncodedFrame>, FrameEncodeError> {
            Ok(None)
        }

        fn decode(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError> {
            unreachable!("the runtime has stopped before {frame:?}")
        }
    }

    /// A waker that does what any may do: it looks at the session.
    struct Looks {
        shared: Arc<Shared>,
        looks: AtomicUsize,
    }

    impl Wake for Looks {
        fn wake(self: Arc<Self>) {
            assert!(self.shared.is_unlocked(), "it is woken under the lock, and would wait for itself");
            self.looks.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_runtime_that_has_stopped_fails_the_frame_and_wakes_without_the_lock() {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        let shared = Arc::new(runtime.block_on(async {
            Shared::new(SessionConfig::new(Role::Receiver), |waiters| {
                Decoding::new(Some(Arc::new(Idle)), waiters)
            })
        }));
        drop(runtime);
        let looks = Arc::new(Looks { shared: Arc::clone(&shared), looks: AtomicUsize::new(0) });
        let waker = Waker::from(Arc::clone(&looks));
        let encoded = Frame::gray8(2, 1, vec![0; 2]).unwrap();
        let encoded = EncodedFrame::of(&encoded, vec![0], Encoding::Lossless).unwrap();
        let take = |state: &mut crate::shared::State| state.decoding.take(&encoded);
        assert_eq!(shared.look_as_stream(&Context::from_waker(&waker), take), None);
        assert_eq!(looks.looks.load(Ordering::Relaxed), 1);
        let stopped = FrameDecodeError::Stopped { encoding: Encoding::Lossless };
        // The decoder, which was not asked, is not to blame.
        assert!(!stopped.to_string().contains("report"), "{stopped}");
        assert_eq!(shared.with(take), Some(Err(stopped)));
    }
}
