//! Frames that a peer sends encoded, and any pixels encoded and decoded again.
//!
//! Whatever the bytes are: nothing panics, not even behind what contains panics; a frame that comes out is the one
//! that was promised; and decoding takes the memory of the promised frame, of the encoded bytes, and of some rows.

use netgear_media::FrameCodec;
use netgear_media::proto::{
    ChromaSubsampling, Codec, ElementType, EncodedFrame, Encoding, EncodingChoice, Frame, FrameDecodeError,
    JpegQuality, PixelFormat, Shape,
};

use super::counting_allocator::measure;

/// What became of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// They say nothing of a frame.
    Nothing,
    /// They are no frame of this encoding.
    Refused(Encoding),
    /// They are.
    Decoded(Encoding),
    /// They are pixels, which came back.
    CameBack(Encoding),
    /// They are pixels that became no smaller.
    StayedRaw,
}

const FORMATS: [PixelFormat; 6] = [
    PixelFormat::Gray,
    PixelFormat::Bgr,
    PixelFormat::Rgb,
    PixelFormat::Bgra,
    PixelFormat::Rgba,
    PixelFormat::Unspecified,
];

const ELEMENT_TYPES: [ElementType; 4] =
    [ElementType::U8, ElementType::U16, ElementType::F32, ElementType::F64];

/// Beside the frame and its bytes: the decoders' tables.
const TABLES: usize = 1 << 20;

/// The rows of blocks that are decoded at once, as the decoder keeps them: several times, in 16 bits.
const ROWS: usize = 16 * 2 * 8;

thread_local! {
    static CODEC: FrameCodec = FrameCodec::new();
}

pub(crate) fn run(input: &[u8]) -> Reached {
    let Some(([kind, what, height, width], bytes)) = input.split_first_chunk::<4>() else {
        return Reached::Nothing;
    };
    let format = FORMATS[usize::from(what % 6)];
    let element_type = ELEMENT_TYPES[usize::from(what / 6 % 4)];
    let channels = format.channels().unwrap_or(u16::from(what / 24) + 1);
    let shape = Shape::new(u32::from(*height) + 1, u32::from(*width) + 1, channels).unwrap();
    let wish = kind / 4;
    CODEC.with(|codec| match kind % 4 {
        0 => decode(codec, Encoding::Jpeg, bytes, shape, element_type, format),
        1 => decode(codec, Encoding::Lossless, bytes, shape, element_type, format),
        kind => {
            // Pixels are what there is, over and over.
            let len = shape.byte_len(element_type).unwrap();
            let pixels: Vec<u8> = bytes.iter().chain([&0]).cycle().take(len).copied().collect();
            let frame = Frame::new(pixels, shape, element_type, format).unwrap();
            let quality = JpegQuality::new(wish % 33 * 3 + 1).unwrap();
            let subsampling = [ChromaSubsampling::Full, ChromaSubsampling::Half, ChromaSubsampling::Quarter];
            let subsampling = subsampling[usize::from(wish % 3)];
            let choice = if kind == 2 {
                EncodingChoice::Lossless
            } else {
                EncodingChoice::Jpeg { quality, subsampling }
            };
            come_back(codec, &frame, choice)
        }
    })
}

fn decode(
    codec: &FrameCodec,
    encoding: Encoding,
    bytes: &[u8],
    shape: Shape,
    element_type: ElementType,
    format: PixelFormat,
) -> Reached {
    let Ok(frame) = EncodedFrame::new(bytes.to_vec(), encoding, shape, element_type, format) else {
        return Reached::Nothing;
    };
    let (decoded, usage) = measure(|| codec.decode(&frame));
    let rows = shape.width() as usize * usize::from(shape.channels()) * ROWS;
    let most = frame.decoded_len() + 2 * bytes.len() + rows + TABLES;
    assert!(usage.peak <= most, "{} bytes for {frame:?}, and not {most}", usage.peak);
    match decoded {
        Ok(decoded) => {
            assert!(frame.promises(&decoded), "{decoded:?} for {frame:?}");
            Reached::Decoded(encoding)
        }
        Err(FrameDecodeError::Failed { .. }) => panic!("the decoder panicked over {frame:?}"),
        Err(_) => Reached::Refused(encoding),
    }
}

fn come_back(codec: &FrameCodec, frame: &Frame, choice: EncodingChoice) -> Reached {
    let Some(encoded) = codec.encode(frame, choice).unwrap() else { return Reached::StayedRaw };
    assert!(encoded.promises(frame) && encoded.bytes().len() < frame.pixels().len());
    let decoded = codec.decode(&encoded).unwrap();
    assert!(encoded.promises(&decoded));
    if choice == EncodingChoice::Lossless {
        assert_eq!(decoded, *frame);
    }
    Reached::CameBack(choice.encoding())
}
