//! Any bytes are a message of VidGear or an error; what is read can be written and read again, or writing is an
//! error; and reading takes no more memory than the limits allow.

use netgear_proto::{Multipart, Part, vidgear::Message};

use super::{MESSAGE_LIMITS, MESSAGE_MEMORY, counting_allocator::measure, input::multipart};

/// Gives whether it was a message.
pub(crate) fn run(input: &[u8]) -> bool {
    let limits = &MESSAGE_LIMITS;
    let message = multipart(input);
    let (decoded, usage) = measure(|| Message::decode(message, limits));
    assert!(usage.peak <= MESSAGE_MEMORY, "{} bytes were allocated", usage.peak);

    let Ok(message) = decoded else { return false };
    let Ok(encoded) = message.encode(limits) else { return true };
    assert!(encoded.byte_len() <= limits.message_bytes());
    assert!(encoded.parts().iter().all(|part| part.len() <= limits.part_bytes()));
    // As a link would deliver it.
    let received: Multipart = encoded.clone().into_parts().into_iter().map(Part::into_bytes).collect();
    let again = Message::decode(received, limits).expect("what was written is read");
    assert_eq!(again.encode(limits).as_ref(), Ok(&encoded));
    true
}
