//! What a receiver does with an encoded frame before its application gets it: decodes it, where nobody is held up by that.

use std::sync::{Arc, OnceLock};

use netgear_proto::{Codec, EncodedFrame, Frame, FrameDecodeError};
use tokio::runtime;

use crate::shared::Shared;

/// A codec, and the frame that it works on: one at a time, on a thread of the runtime's for what blocks.
///
/// The frame stays in the session meanwhile, so that nothing is lost with a future that is dropped.
#[derive(Debug, Default)]
pub(crate) struct Decoding {
    codec: Option<(Arc<dyn Codec>, runtime::Handle)>,
    work: Option<Work>,
}

#[derive(Debug)]
struct Work {
    encoded: EncodedFrame,
    /// Empty while it goes on.
    decoded: Arc<OnceLock<Result<Frame, FrameDecodeError>>>,
}

impl Decoding {
    /// It must be called within a runtime.
    pub(crate) fn new(codec: Option<Arc<dyn Codec>>) -> Self {
        Self { codec: codec.map(|codec| (codec, runtime::Handle::current())), work: None }
    }

    /// The frame, once it is decoded; `None` until then, and all who wait are woken when it is.
    pub(crate) fn take(
        &mut self,
        shared: &Arc<Shared>,
        encoded: &EncodedFrame,
    ) -> Option<Result<Frame, FrameDecodeError>> {
        self.begin(shared, encoded);
        if self.codec.is_none() {
            return Some(Err(FrameDecodeError::UnsupportedEncoding { encoding: encoded.encoding() }));
        }
        let work = self.work.as_ref().filter(|work| is_same(&work.encoded, encoded))?;
        let decoded = work.decoded.get()?.clone();
        self.work = None;
        Some(decoded)
    }

    /// Begins with a frame, unless it has done that or is still at another.
    pub(crate) fn begin(&mut self, shared: &Arc<Shared>, encoded: &EncodedFrame) {
        let Some((codec, runtime)) = &self.codec else { return };
        if self.work.as_ref().is_some_and(|work| work.is_going_on() || is_same(&work.encoded, encoded)) {
            return;
        }
        let decoded = Arc::default();
        let job = Job {
            codec: Arc::clone(codec),
            encoded: encoded.clone(),
            decoded: Arc::clone(&decoded),
            shared: Arc::clone(shared),
        };
        self.work = Some(Work { encoded: encoded.clone(), decoded });
        runtime.spawn_blocking(move || job.run());
    }

    /// Whether a frame is being decoded now.
    pub(crate) fn is_at_work(&self) -> bool {
        self.work.as_ref().is_some_and(Work::is_going_on)
    }
}

impl Work {
    fn is_going_on(&self) -> bool {
        self.decoded.get().is_none()
    }
}

/// What is done on the other thread.
struct Job {
    codec: Arc<dyn Codec>,
    encoded: EncodedFrame,
    decoded: Arc<OnceLock<Result<Frame, FrameDecodeError>>>,
    shared: Arc<Shared>,
}

impl Job {
    fn run(self) {
        let decoded = self.codec.decode(&self.encoded).and_then(|frame| checked(&self.encoded, frame));
        let _ = self.decoded.set(decoded);
    }
}

/// Those who wait hear of it also if the codec panics, or the runtime stops before it has begun. It may be dropped under
/// the session's lock, and takes none.
impl Drop for Job {
    fn drop(&mut self) {
        let encoding = self.encoded.encoding();
        self.decoded.get_or_init(|| Err(FrameDecodeError::Failed { encoding }));
        self.shared.wake_waiters();
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
