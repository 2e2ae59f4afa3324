//! Frames smaller for the way, and the frames again from that.

mod idle;
mod lossless;

use netgear_proto::{
    Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, Encodings, Frame, FrameDecodeError,
    FrameEncodeError, PixelFormat,
};

use self::idle::Idle;
use self::lossless::{LosslessDecoder, LosslessEncoder, LosslessError};
use crate::contained::contained;
use crate::jpeg::{JpegDecoder, JpegEncodeError, JpegEncoder, JpegError, JpegOptions};

/// Encodes and decodes frames for a session: JPEG and lossless.
///
/// * **JPEG** takes 8-bit gray, BGR, RGB, BGRA and RGBA frames of up to 16,384 pixels a side. It has no opacity: what
///   there was comes back as opaque.
/// * **Lossless** takes frames of every kind: the difference of each row to the one above it, in a zstd frame (RFC
///   8878).
///
/// A frame that would not become smaller, or that the encoding does not take, is not encoded: [`Codec::encode`] gives
/// `None`, and the frame is better sent as it stands.
///
/// Several threads may use one codec at once; each has its own memory, which serves frame after frame. A decoded
/// frame takes its own bytes and no more; beside them a decoder keeps some rows, and for JPEG a copy of the encoded
/// bytes.
///
/// ```
/// use netgear_media::FrameCodec;
/// use netgear_media::proto::{Codec, EncodingChoice, Frame};
///
/// let codec = FrameCodec::new();
/// let frame = Frame::bgr8(64, 48, vec![90; 64 * 48 * 3])?;
/// let encoded = codec.encode(&frame, EncodingChoice::Lossless)?.expect("one colour becomes smaller");
/// assert!(encoded.bytes().len() < 100);
/// assert_eq!(codec.decode(&encoded)?, frame);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct FrameCodec {
    jpeg_encoders: Idle<JpegEncoder>,
    jpeg_decoders: Idle<JpegDecoder>,
    lossless_encoders: Idle<LosslessEncoder>,
    lossless_decoders: Idle<LosslessDecoder>,
}

impl FrameCodec {
    /// A codec that holds no memory yet.
    pub fn new() -> Self {
        Self::default()
    }

    fn encode_jpeg(
        &self,
        frame: &Frame,
        options: JpegOptions,
    ) -> Result<Option<EncodedFrame>, FrameEncodeError> {
        let most = JpegDecoder::MAX_SIDE as u32;
        if JpegEncoder::check(frame).is_err() || frame.width() > most || frame.height() > most {
            return Ok(None);
        }
        let mut encoder = self.jpeg_encoders.take().unwrap_or_default();
        encoder.set_options(options);
        let bytes = match encoder.encode(frame) {
            Ok(bytes) => bytes,
            Err(JpegEncodeError::Encoder { reason }) => return Err(encode_failed(Encoding::Jpeg, reason)),
            Err(_) => return Ok(None),
        };
        self.jpeg_encoders.put_back(encoder);
        if bytes.len() >= frame.pixels().len() {
            return Ok(None);
        }
        encoded(frame, bytes, Encoding::Jpeg)
    }

    fn encode_lossless(&self, frame: &Frame) -> Result<Option<EncodedFrame>, FrameEncodeError> {
        let failed = |reason| encode_failed(Encoding::Lossless, reason);
        let mut encoder = match self.lossless_encoders.take() {
            Some(encoder) => encoder,
            None => LosslessEncoder::new().map_err(failed)?,
        };
        let bytes = encoder.encode(frame).map_err(failed)?;
        self.lossless_encoders.put_back(encoder);
        match bytes {
            Some(bytes) => encoded(frame, bytes, Encoding::Lossless),
            None => Ok(None),
        }
    }

    fn decode_jpeg(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError> {
        use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};

        let (shape, format) = (frame.shape(), frame.pixel_format());
        let most = JpegDecoder::MAX_SIDE as u32;
        let has_format = matches!(format, Bgr | Bgra | Gray | Rgb | Rgba);
        let has_size = shape.width() <= most && shape.height() <= most;
        if frame.element_type() != ElementType::U8 || !has_format || !has_size {
            return Err(unsupported(frame));
        }
        let mut decoder = self.jpeg_decoders.take().unwrap_or_default();
        let decoded = decoder.decode_as(frame.bytes(), shape, format);
        self.jpeg_decoders.put_back(decoder);
        decoded.map_err(|error| match error {
            JpegError::Other { .. } => broken_promise(frame, error.to_string()),
            JpegError::Damaged { reason } => malformed(frame, reason),
            other => malformed(frame, other.to_string()),
        })
    }

    fn decode_lossless(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError> {
        let mut decoder = self.lossless_decoders.take().unwrap_or_default();
        let pixels = decoder.decode(frame);
        self.lossless_decoders.put_back(decoder);
        let pixels = pixels.map_err(|error| match error {
            LosslessError::Malformed { reason } => malformed(frame, reason),
            LosslessError::Size { .. } => broken_promise(frame, error.to_string()),
        })?;
        Frame::new(pixels, frame.shape(), frame.element_type(), frame.pixel_format())
            .map_err(|error| broken_promise(frame, error.to_string()))
    }
}

impl Codec for FrameCodec {
    fn encodings(&self) -> Encodings {
        Encodings::RAW.with(Encoding::Jpeg).with(Encoding::Lossless)
    }

    fn encode(
        &self,
        frame: &Frame,
        choice: EncodingChoice,
    ) -> Result<Option<EncodedFrame>, FrameEncodeError> {
        let encoding = choice.encoding();
        contained(|| match choice {
            EncodingChoice::Jpeg { quality, subsampling } => {
                let options = JpegOptions::new().with_quality(quality).with_subsampling(subsampling);
                self.encode_jpeg(frame, options)
            }
            EncodingChoice::Lossless => self.encode_lossless(frame),
            _ => Ok(None),
        })
        .unwrap_or_else(|panic| Err(encode_failed(encoding, panic)))
    }

    fn decode(&self, frame: &EncodedFrame) -> Result<Frame, FrameDecodeError> {
        let encoding = frame.encoding();
        contained(|| match encoding {
            Encoding::Jpeg => self.decode_jpeg(frame),
            Encoding::Lossless => self.decode_lossless(frame),
            _ => Err(FrameDecodeError::UnsupportedEncoding { encoding }),
        })
        .unwrap_or(Err(FrameDecodeError::Failed { encoding }))
    }
}

fn encoded(
    frame: &Frame,
    bytes: bytes::Bytes,
    encoding: Encoding,
) -> Result<Option<EncodedFrame>, FrameEncodeError> {
    let encoded = EncodedFrame::of(frame, bytes, encoding);
    encoded.map(Some).map_err(|error| encode_failed(encoding, error.to_string()))
}

const fn encode_failed(encoding: Encoding, reason: String) -> FrameEncodeError {
    FrameEncodeError::Failed { encoding, reason }
}

const fn malformed(frame: &EncodedFrame, reason: String) -> FrameDecodeError {
    FrameDecodeError::Malformed { encoding: frame.encoding(), reason }
}

const fn broken_promise(frame: &EncodedFrame, found: String) -> FrameDecodeError {
    FrameDecodeError::BrokenPromise { encoding: frame.encoding(), promised: frame.shape(), found }
}

const fn unsupported(frame: &EncodedFrame) -> FrameDecodeError {
    FrameDecodeError::UnsupportedFrame {
        encoding: frame.encoding(),
        shape: frame.shape(),
        element_type: frame.element_type(),
        pixel_format: frame.pixel_format(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contained::failing;

    #[test]
    fn a_library_that_panics_is_an_error_of_its_frame_and_the_next_one_is_coded() {
        let codec = FrameCodec::new();
        let frame = Frame::bgr8(64, 48, vec![90; 64 * 48 * 3]).unwrap();
        for choice in [EncodingChoice::JPEG, EncodingChoice::Lossless] {
            let failed = failing::libraries(|| codec.encode(&frame, choice));
            assert!(matches!(failed, Err(FrameEncodeError::Failed { .. })), "{failed:?}");
            let encoded = codec.encode(&frame, choice).unwrap().unwrap();
            let failed = failing::libraries(|| codec.decode(&encoded));
            assert!(matches!(failed, Err(FrameDecodeError::Failed { .. })), "{failed:?}");
            assert!(codec.decode(&encoded).is_ok());
        }
    }
}
