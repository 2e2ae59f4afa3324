//! What is fuzzed, each target a function of any bytes. A panic is a finding.
//!
//! The fuzz targets of libFuzzer (`fuzz/fuzz_targets`) and the ordinary tests that replay their corpora both call
//! these.

#[path = "../../common/counting_allocator.rs"]
mod counting_allocator;
mod input;
pub(crate) mod native_message;
pub(crate) mod session;
pub(crate) mod session_pair;
pub(crate) mod texts;
pub(crate) mod vidgear_message;
pub(crate) mod zmtp_connection;

use std::{env, sync::LazyLock};

use netgear_proto::{EncodedFrame, Encoding, Encodings, Frame, Limits, WireFrame};

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

/// What the messages are held against: small, so that inputs of a few thousand bytes go past them.
const MESSAGE_LIMITS: Limits = Limits::DEFAULT.with_data_bytes(16 << 10).with_frame_bytes(2 << 10);

/// What reading a message may allocate under those: what they allow, and an error besides.
const MESSAGE_MEMORY: usize = MESSAGE_LIMITS.data_bytes() + MESSAGE_LIMITS.frame_bytes() + (4 << 10);

/// What an end may decode.
const ENCODINGS: [Encodings; 4] = [
    Encodings::RAW,
    Encodings::RAW.with(Encoding::Jpeg),
    Encodings::RAW.with(Encoding::Lossless),
    Encodings::ALL,
];

/// How a frame may be given, by two bits.
const GIVEN_AS: [Encoding; 4] = [Encoding::Raw, Encoding::Jpeg, Encoding::Lossless, Encoding::Raw];

/// What pictures are filled up with behind what they are named by.
const FILLING: u8 = 0xEE;

/// The first bytes of a picture stand for any encoding of it; `None` for raw.
fn encode(frame: &Frame, named_by: usize, encoding: Encoding) -> Option<EncodedFrame> {
    EncodedFrame::of(frame, frame.pixels().slice(..named_by), encoding).ok()
}

/// The picture again.
fn decode(frame: &WireFrame) -> Frame {
    match frame {
        WireFrame::Raw(frame) => frame.clone(),
        WireFrame::Encoded(encoded) => {
            let mut pixels = encoded.bytes().to_vec();
            pixels.resize(encoded.decoded_len(), FILLING);
            Frame::new(pixels, encoded.shape(), encoded.element_type(), encoded.pixel_format())
                .expect("it has the bytes of its shape")
        }
    }
}

/// Says what happens if `FUZZ_TRACE` is set.
#[allow(clippy::print_stdout, reason = "it was asked for")]
fn trace(what: impl FnOnce() -> String) {
    static IS_WANTED: LazyLock<bool> = LazyLock::new(|| env::var_os("FUZZ_TRACE").is_some());
    if *IS_WANTED {
        println!("{}", what());
    }
}
