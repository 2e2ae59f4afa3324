//! Any bytes are a message of VidGear or an error; what is read can be written and read again, or writing is an error; and
//! reading takes no more memory than the limits allow.
//!
//! The input is the parts of a message, each behind its length in four bytes, big-endian: the form of the recorded messages
//! in `tests/data/vidgear/messages`, which are the seeds. A length past the end takes what is there.
#![no_main]

use bytes::Bytes;
use counting_allocator::{CountingAllocator, measure};
use libfuzzer_sys::fuzz_target;
use netgear_proto::{Limits, Multipart, Part, vidgear::Message};

#[path = "../../tests/common/counting_allocator.rs"]
mod counting_allocator;

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// Small, so that inputs of a few thousand bytes go past them.
const LIMITS: Limits = Limits::DEFAULT.with_data_bytes(16 << 10).with_frame_bytes(2 << 10);

/// What an error may take besides.
const SLACK: usize = 4 << 10;

fuzz_target!(|input: &[u8]| {
    let message = multipart(input);
    let (decoded, usage) = measure(|| Message::decode(message, &LIMITS));
    let allowed = LIMITS.data_bytes() + LIMITS.frame_bytes() + SLACK;
    assert!(usage.peak <= allowed, "{} bytes were allocated", usage.peak);

    let Ok(message) = decoded else { return };
    let Ok(encoded) = message.encode(&LIMITS) else { return };
    assert!(encoded.byte_len() <= LIMITS.message_bytes());
    assert!(encoded.parts().iter().all(|part| part.len() <= LIMITS.part_bytes()));
    // As a link would deliver it.
    let received: Multipart = encoded.clone().into_parts().into_iter().map(Part::into_bytes).collect();
    let again = Message::decode(received, &LIMITS).expect("what was written is read");
    assert_eq!(again.encode(&LIMITS).as_ref(), Ok(&encoded));
});

fn multipart(mut input: &[u8]) -> Multipart {
    let mut parts = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (part, rest) = rest.split_at(length.min(rest.len()));
        parts.push(Bytes::copy_from_slice(part));
        input = rest;
    }
    parts.into()
}
