use core::fmt;

use bytes::Bytes;

use crate::{ElementType, Encoding, Frame, FrameError, PixelFormat, Shape};

/// A frame whose pixels are encoded: the bytes, and what a frame they promise.
///
/// That the bytes hold such a frame is not known before a [`Codec`](crate::Codec) has decoded them. How large it will
/// be is: [`EncodedFrame::decoded_len`]. Cloning copies no bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    bytes: Bytes,
    encoding: Encoding,
    shape: Shape,
    element_type: ElementType,
    pixel_format: PixelFormat,
    decoded_len: usize,
}

impl EncodedFrame {
    /// The bytes of a frame of this shape and meaning, encoded so.
    ///
    /// # Errors
    /// [`EncodedFrameError`] if the encoding is raw (that is a [`Frame`]), if there are no bytes, if such a frame
    /// cannot be, or if the shape has another number of channels than the pixel format.
    pub fn new(
        bytes: impl Into<Bytes>,
        encoding: Encoding,
        shape: Shape,
        element_type: ElementType,
        pixel_format: PixelFormat,
    ) -> Result<Self, EncodedFrameError> {
        let bytes = bytes.into();
        if encoding == Encoding::Raw {
            return Err(EncodedFrameError::Raw);
        }
        if bytes.is_empty() {
            return Err(EncodedFrameError::Empty { encoding });
        }
        let decoded_len = shape.byte_len(element_type).map_err(FrameError::from)?;
        if pixel_format.channels().is_some_and(|channels| channels != shape.channels()) {
            return Err(FrameError::Channels { shape, pixel_format }.into());
        }
        Ok(Self { bytes, encoding, shape, element_type, pixel_format, decoded_len })
    }

    /// The bytes of this frame, encoded so.
    ///
    /// # Errors
    /// As [`EncodedFrame::new`].
    pub fn of(frame: &Frame, bytes: impl Into<Bytes>, encoding: Encoding) -> Result<Self, EncodedFrameError> {
        Self::new(bytes, encoding, frame.shape(), frame.element_type(), frame.pixel_format())
    }

    /// How the bytes are encoded; never [`Encoding::Raw`].
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Rows, columns and channels of the decoded frame.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The type of one element of the decoded frame.
    pub const fn element_type(&self) -> ElementType {
        self.element_type
    }

    /// What the channels of the decoded frame mean.
    pub const fn pixel_format(&self) -> PixelFormat {
        self.pixel_format
    }

    /// The encoded bytes.
    pub const fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The encoded bytes alone, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// The bytes that the pixels of the decoded frame take.
    pub const fn decoded_len(&self) -> usize {
        self.decoded_len
    }

    /// What it counts for against [`Limits::frame_bytes`](crate::Limits::frame_bytes) and the room of a peer: its
    /// bytes, or those of the decoded pixels if they are more.
    pub fn counted_bytes(&self) -> usize {
        self.bytes.len().max(self.decoded_len)
    }

    /// Whether this is what was promised of a frame.
    pub fn promises(&self, frame: &Frame) -> bool {
        (self.shape, self.element_type, self.pixel_format)
            == (frame.shape(), frame.element_type(), frame.pixel_format())
    }
}

/// Shape, meaning, encoding and size; not the bytes, which nobody would read.
impl fmt::Debug for EncodedFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { bytes, encoding, shape, element_type, pixel_format, .. } = self;
        let length = bytes.len();
        write!(f, "EncodedFrame({shape} {element_type} {pixel_format} as {encoding} of {length} bytes)")
    }
}

/// Why bytes do not make an [`EncodedFrame`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodedFrameError {
    /// Raw pixels are no encoded frame.
    #[error("raw pixels are a Frame, not an EncodedFrame")]
    Raw,
    /// There are no bytes.
    #[error("a {encoding} frame of no bytes holds no picture")]
    Empty {
        /// The encoding asked for.
        encoding: Encoding,
    },
    /// Such a frame cannot be.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// A frame as it goes over the wire: as it stands, or encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WireFrame {
    /// Its pixels as they stand.
    Raw(Frame),
    /// Encoded.
    Encoded(EncodedFrame),
}

impl WireFrame {
    /// How its pixels are written.
    pub const fn encoding(&self) -> Encoding {
        match self {
            Self::Raw(_) => Encoding::Raw,
            Self::Encoded(frame) => frame.encoding(),
        }
    }

    /// Rows, columns and channels of the decoded frame.
    pub const fn shape(&self) -> Shape {
        match self {
            Self::Raw(frame) => frame.shape(),
            Self::Encoded(frame) => frame.shape(),
        }
    }

    /// The type of one element of the decoded frame.
    pub const fn element_type(&self) -> ElementType {
        match self {
            Self::Raw(frame) => frame.element_type(),
            Self::Encoded(frame) => frame.element_type(),
        }
    }

    /// What the channels of the decoded frame mean.
    pub const fn pixel_format(&self) -> PixelFormat {
        match self {
            Self::Raw(frame) => frame.pixel_format(),
            Self::Encoded(frame) => frame.pixel_format(),
        }
    }

    /// The bytes that its pixels take, decoded.
    pub fn decoded_len(&self) -> usize {
        match self {
            Self::Raw(frame) => frame.pixels().len(),
            Self::Encoded(frame) => frame.decoded_len(),
        }
    }

    /// The bytes of its part of the message.
    pub const fn bytes(&self) -> &Bytes {
        match self {
            Self::Raw(frame) => frame.pixels(),
            Self::Encoded(frame) => frame.bytes(),
        }
    }

    /// What it counts for against [`Limits::frame_bytes`](crate::Limits::frame_bytes) and the room of a peer.
    pub fn counted_bytes(&self) -> usize {
        match self {
            Self::Raw(frame) => frame.pixels().len(),
            Self::Encoded(frame) => frame.counted_bytes(),
        }
    }
}

impl From<Frame> for WireFrame {
    fn from(frame: Frame) -> Self {
        Self::Raw(frame)
    }
}

impl From<EncodedFrame> for WireFrame {
    fn from(frame: EncodedFrame) -> Self {
        Self::Encoded(frame)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn shape(height: u32, width: u32, channels: u16) -> Shape {
        Shape::new(height, width, channels).unwrap()
    }

    #[test]
    fn what_cannot_be_a_frame_cannot_be_an_encoded_one() {
        let of = |bytes, encoding, shape, format| {
            EncodedFrame::new(vec![0; bytes], encoding, shape, ElementType::U8, format)
        };
        let bgr = shape(2, 3, 3);
        assert_eq!(of(18, Encoding::Raw, bgr, PixelFormat::Bgr), Err(EncodedFrameError::Raw));
        let empty = EncodedFrameError::Empty { encoding: Encoding::Jpeg };
        assert_eq!(of(0, Encoding::Jpeg, bgr, PixelFormat::Bgr), Err(empty));
        let channels = FrameError::Channels { shape: bgr, pixel_format: PixelFormat::Gray };
        assert_eq!(of(1, Encoding::Jpeg, bgr, PixelFormat::Gray), Err(channels.into()));
        let endless = shape(u32::MAX, u32::MAX, u16::MAX);
        assert!(matches!(
            of(1, Encoding::Jpeg, endless, PixelFormat::Unspecified),
            Err(EncodedFrameError::Frame(FrameError::Shape(_)))
        ));
        assert_eq!(of(1, Encoding::Jpeg, bgr, PixelFormat::Bgr).unwrap().decoded_len(), 18);
    }

    #[test]
    fn it_counts_for_what_it_takes_encoded_or_decoded() {
        for (bytes, counted) in [(1, 18), (18, 18), (40, 40)] {
            let frame = EncodedFrame::new(
                vec![0; bytes],
                Encoding::Lossless,
                shape(2, 3, 3),
                ElementType::U8,
                PixelFormat::Bgr,
            );
            assert_eq!(WireFrame::from(frame.unwrap()).counted_bytes(), counted);
        }
    }
}
