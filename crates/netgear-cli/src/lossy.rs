//! What crosses of a frame that is encoded with a loss: not its own pixels.

use std::sync::Arc;

use netgear::{
    prelude::{EncodingChoice, Frame, FrameSender},
    proto::{Codec, EncodedFrame, Encoding},
    transport::WaitError,
};
use tokio::task::spawn_blocking;

/// Encodes frames before they are sent, and decodes them again, so that the sender knows what the receiver sees.
#[derive(Debug)]
pub(crate) struct Lossy {
    codec: Arc<dyn Codec>,
    choice: EncodingChoice,
}

/// A frame as it is sent, and as it arrives.
#[derive(Debug)]
pub(crate) struct Crossing {
    pub(crate) encoded: Option<EncodedFrame>,
    pub(crate) arrives: Frame,
}

impl Lossy {
    /// `None` if all frames arrive as they are.
    pub(crate) fn new(choice: EncodingChoice) -> Option<Self> {
        (choice.encoding() == Encoding::Jpeg).then(|| Self { codec: netgear::codec(), choice })
    }

    /// What becomes of a frame on its way to the receiver that is there.
    pub(crate) async fn crossing(&self, sender: &FrameSender, frame: &Frame) -> Result<Crossing, WaitError> {
        let decodes = sender.peer().await?.encodings;
        let as_it_is = || Crossing { encoded: None, arrives: frame.clone() };
        if !decodes.contains(self.choice.encoding()) {
            return Ok(as_it_is());
        }
        let (codec, choice, pixels) = (Arc::clone(&self.codec), self.choice, frame.clone());
        let encoded = spawn_blocking(move || {
            let encoded = codec.encode(&pixels, choice).ok()??;
            // It goes raw where it would be no smaller.
            let is_smaller = encoded.bytes().len() < encoded.decoded_len();
            let arrives = is_smaller.then(|| codec.decode(&encoded).ok())??;
            Some(Crossing { encoded: Some(encoded), arrives })
        });
        Ok(encoded.await.ok().flatten().unwrap_or_else(as_it_is))
    }
}
