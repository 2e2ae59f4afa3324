use alloc::string::String;
use core::fmt;

use crate::{ElementType, EncodedFrame, Encoding, EncodingChoice, Encodings, Frame, PixelFormat, Shape};

/// Makes frames smaller, and the frames again from that.
///
/// This crate has none of its own: it knows which bytes may go to whom, and nothing of pixels. `netgear-media` has
/// one. Both methods may take long, and are not called where that would hold anything up; several threads may call
/// them at once.
pub trait Codec: fmt::Debug + Send + Sync {
    /// What [`Codec::decode`] takes. A peer is told, and then may send it.
    fn encodings(&self) -> Encodings;

    /// Encodes a frame as wished. The result has the shape, element type and pixel format of the frame.
    ///
    /// `None` means that the frame is better sent as it stands: the encoding does not take frames of its kind
    /// (JPEG takes only 8-bit elements), or makes it no smaller; or the wish was [`EncodingChoice::Raw`].
    ///
    /// # Errors
    /// [`FrameEncodeError`] if it went wrong for another reason, which is a fault of the codec's.
    fn encode(&self, frame: &Frame, choice: EncodingChoice)
    -> Result<Option<EncodedFrame>, FrameEncodeError>;

    /// Decodes a frame, which a peer may have sent. The result has the shape, element type and pixel format that were
    /// promised, and nothing is allocated for any other: the promised size has been held against the limits, another
    /// has not.
    ///
    /// # Errors
    /// [`FrameDecodeError`] if the bytes do not hold the promised frame. Never a panic, whatever they are.
    fn decode(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError>;
}

/// Why a frame could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameEncodeError {
    /// The encoder gave up.
    #[error("the frame could not be encoded as {encoding}: {reason}; send it raw")]
    Failed {
        /// What it was to become.
        encoding: Encoding,
        /// What the encoder says.
        reason: String,
    },
}

/// Why an encoded frame could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameDecodeError {
    /// This codec does not decode such frames.
    #[error("this codec does not decode {encoding} frames; use one that does, or take the frame undecoded")]
    UnsupportedEncoding {
        /// The frame's encoding.
        encoding: Encoding,
    },
    /// The encoding has no frames of this kind.
    #[error("there are no {encoding} frames of {shape} {element_type} {pixel_format} pixels")]
    UnsupportedFrame {
        /// The frame's encoding.
        encoding: Encoding,
        /// The promised shape.
        shape: Shape,
        /// The promised element type.
        element_type: ElementType,
        /// The promised pixel format.
        pixel_format: PixelFormat,
    },
    /// The bytes are damaged, or are none of that encoding.
    #[error("the {encoding} bytes are damaged: {reason}")]
    Malformed {
        /// The frame's encoding.
        encoding: Encoding,
        /// What the decoder says.
        reason: String,
    },
    /// The bytes hold a picture of another size or kind than was promised.
    #[error(
        "the {encoding} bytes hold another picture than the frame of {promised} that was promised: {found}"
    )]
    BrokenPromise {
        /// The frame's encoding.
        encoding: Encoding,
        /// The promised shape.
        promised: Shape,
        /// What there is.
        found: String,
    },
    /// Nobody decoded it: the runtime that was to do so was shut down before.
    #[error(
        "the {encoding} frame was not decoded, as the async runtime was shut down before; nothing is wrong with it"
    )]
    Stopped {
        /// The frame's encoding.
        encoding: Encoding,
    },
    /// The decoder itself failed: it panicked.
    #[error("the decoder of {encoding} frames failed; this is a fault of its own, please report it")]
    Failed {
        /// The frame's encoding.
        encoding: Encoding,
    },
}
