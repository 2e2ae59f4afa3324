use std::sync::Arc;

use netgear_media::FrameCodec;
use netgear_proto::Codec;
use netgear_transport::{Builder, FrameReceiver, FrameSender};

/// A codec of its own, for one end: JPEG and lossless, with buffers that are used again from frame to frame.
///
/// [`sender`] and [`receiver`] have one already.
pub fn codec() -> Arc<dyn Codec> {
    Arc::new(FrameCodec::new())
}

/// Sets up a sender that can encode its frames: as [`FrameSender::builder`], with a [`codec`].
///
/// They go raw until [`Builder::encoding`] says otherwise, and raw to a receiver that does not decode what it says.
pub fn sender() -> Builder<FrameSender> {
    FrameSender::builder().codec(codec())
}

/// Sets up a receiver that decodes whatever comes: as [`FrameReceiver::builder`], with a [`codec`].
///
/// A sender that encodes its frames sends them so to this one, and raw to one of [`FrameReceiver::builder`].
pub fn receiver() -> Builder<FrameReceiver> {
    FrameReceiver::builder().codec(codec())
}
