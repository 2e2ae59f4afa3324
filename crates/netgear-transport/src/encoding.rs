//! What a sender does with a frame before it goes: encodes it, where nobody is held up by that.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use netgear_proto::{Codec, EncodedFrame, Encoding, EncodingChoice, Encodings, Frame, FrameEncodeError};
use tokio::{
    runtime,
    sync::Mutex,
    task::{JoinError, JoinHandle},
};
use tracing::warn;

/// A codec, and the frame that it works on: one at a time, on a thread of the runtime's for what blocks.
#[derive(Debug)]
pub struct Encoder {
    codec: Arc<dyn Codec>,
    choice: EncodingChoice,
    runtime: runtime::Handle,
    /// It outlives the future that began it, so that no two are ever at work, however often a sending is given up.
    work: Mutex<Option<Work>>,
    has_said_raw: AtomicBool,
    has_said_failed: AtomicBool,
}

#[derive(Debug)]
struct Work {
    frame: Frame,
    result: JoinHandle<Result<Option<EncodedFrame>, FrameEncodeError>>,
}

impl Encoder {
    /// `None` if nothing is to be encoded. It must be called within a runtime.
    pub(crate) fn new(codec: Option<Arc<dyn Codec>>, choice: EncodingChoice) -> Option<Self> {
        if choice.encoding() == Encoding::Raw {
            return None;
        }
        let Some(codec) = codec else {
            warn!(
                encoding = %choice.encoding(),
                "there is no codec to encode frames with, and they go raw; give the builder one"
            );
            return None;
        };
        Some(Self {
            codec,
            choice,
            runtime: runtime::Handle::current(),
            work: Mutex::new(None),
            has_said_raw: AtomicBool::new(false),
            has_said_failed: AtomicBool::new(false),
        })
    }

    /// Whether a peer that decodes these gets its frames encoded. That it does not is said once.
    pub(crate) fn suits(&self, decodes: Encodings) -> bool {
        let encoding = self.choice.encoding();
        let suits = decodes.contains(encoding);
        if !suits && !self.has_said_raw.swap(true, Ordering::Relaxed) {
            warn!(
                %encoding,
                %decodes,
                "the receiver does not decode what the frames were to be encoded as, and gets them raw"
            );
        }
        suits
    }

    /// Encodes a frame; `None` if it is better sent raw, or cannot be encoded, which is said once.
    ///
    /// Cancel-safe: if the future is dropped, the work goes on, and its result is had by whoever comes with the same
    /// frame next.
    pub(crate) async fn encode(&self, frame: &Frame) -> Option<EncodedFrame> {
        let mut work = self.work.lock().await;
        if let Some(other) = work.as_mut().filter(|work| !is_same(&work.frame, frame)) {
            // Whoever wanted it is gone.
            let _ = (&mut other.result).await;
            *work = None;
        }
        let begun = work.get_or_insert_with(|| self.begin(frame.clone()));
        let encoded = (&mut begun.result).await;
        *work = None;
        self.judge(frame, encoded)
    }

    fn begin(&self, frame: Frame) -> Work {
        let (codec, choice, pixels) = (Arc::clone(&self.codec), self.choice, frame.clone());
        Work { frame, result: self.runtime.spawn_blocking(move || codec.encode(&pixels, choice)) }
    }

    /// What fails is a fault of the codec's. The frame goes all the same.
    fn judge(
        &self,
        frame: &Frame,
        encoded: Result<Result<Option<EncodedFrame>, FrameEncodeError>, JoinError>,
    ) -> Option<EncodedFrame> {
        let fault = match encoded {
            Ok(Ok(encoded)) => match encoded {
                Some(other) if !other.promises(frame) => format!(
                    "a picture of {} {} {} came of a frame of {} {} {}",
                    other.shape(),
                    other.element_type(),
                    other.pixel_format(),
                    frame.shape(),
                    frame.element_type(),
                    frame.pixel_format()
                ),
                encoded => return encoded,
            },
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        if !self.has_said_failed.swap(true, Ordering::Relaxed) {
            warn!(%fault, "the codec failed on a frame, which goes raw, as do all others that it fails on");
        }
        None
    }
}

/// Whether it is the very same picture in memory, and not one that merely looks alike.
fn is_same(a: &Frame, b: &Frame) -> bool {
    a.pixels().as_ptr() == b.pixels().as_ptr()
        && (a.shape(), a.element_type(), a.pixel_format()) == (b.shape(), b.element_type(), b.pixel_format())
}
