//! Any bytes are a message of the native dialect or an error, and reading takes no more memory than the limits allow.
//! What is read can be written, unless it has more parts than are allowed, and read again it is the same.

use netgear_proto::{
    Multipart, Part, Value,
    native::{EncodeError, Item, Message, ValueEncodeError},
};

use super::{MESSAGE_LIMITS, MESSAGE_MEMORY, counting_allocator::measure, input::multipart};

/// Gives whether it was a message.
pub(crate) fn run(input: &[u8]) -> bool {
    let limits = &MESSAGE_LIMITS;
    let message = multipart(input);
    let parts = message.len();
    let (decoded, usage) = measure(|| Message::decode(message, limits));
    assert!(usage.peak <= MESSAGE_MEMORY, "{} bytes were allocated", usage.peak);

    let Ok(message) = decoded else { return false };
    // What a program would log, or show.
    let shown = format!("{message:?}");
    value(&message).map(Value::to_string);
    let encoded = match message.encode(limits) {
        Ok(encoded) => encoded,
        // Who carries messages refuses so many parts before anybody reads them.
        Err(EncodeError::Value(ValueEncodeError::Parts { .. })) if parts > limits.parts() => return true,
        Err(error) => panic!("what was read cannot be written: {error}"),
    };
    assert!(encoded.len() <= limits.parts());
    assert!(encoded.byte_len() <= limits.message_bytes());
    assert!(encoded.parts().iter().all(|part| part.len() <= limits.part_bytes()));
    // As a link would deliver it.
    let received: Multipart = encoded.clone().into_parts().into_iter().map(Part::into_bytes).collect();
    let again = Message::decode(received, limits).expect("what was written is read");
    assert_eq!(format!("{again:?}"), shown);
    assert_eq!(again.encode(limits).as_ref(), Ok(&encoded));
    true
}

fn value(message: &Message) -> Option<&Value> {
    let item = match message {
        Message::Frame(message) => message.item.as_ref(),
        Message::Answer(answer) => answer.item.as_ref(),
        Message::Data(message) => Some(&message.item),
        _ => None,
    };
    item.map(|Item { value, .. }| value)
}
