extern crate std;

use alloc::{string::String, vec, vec::Vec};

use proptest::prelude::*;
use std::collections::HashSet;

use super::{tests::*, *};
use crate::{
    DType,
    budget::{SIDE_COST, cost},
};

/// Any value that Python's `msgpack` can hold, arrays aside.
fn any_python_value() -> impl Strategy<Value = Value> {
    let bytes = |length| prop::collection::vec(any::<u8>(), length);
    let key = prop_oneof![any::<String>().prop_map(Value::Str), bytes(0..9).prop_map(Value::from)];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-300..70_000_i128).prop_map(Value::Int),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        any::<String>().prop_map(Value::Str),
        (0..70_000_usize, any::<char>())
            .prop_map(|(length, c)| Value::Str([c].iter().cycle().take(length / 4).collect())),
        bytes(0..40).prop_map(Value::from),
        (0..70_000_usize, any::<u8>()).prop_map(|(length, byte)| Value::from(vec![byte; length])),
    ];
    leaf.prop_recursive(5, 60, 20, move |inner| {
        let entries = prop::collection::vec((key.clone(), inner.clone()), 0..20);
        prop_oneof![
            prop::collection::vec(inner, 0..20).prop_map(Value::List),
            entries.prop_map(|mut entries| {
                let mut seen = HashSet::new();
                entries.retain(|(key, _)| seen.insert(format!("{key:?}")));
                Value::Map(entries)
            }),
        ]
    })
}

fn any_array() -> impl Strategy<Value = NdArray> {
    (prop::collection::vec(0..4_usize, 0..5), prop::sample::select(&DType::ALL[..]), any::<u8>()).prop_map(
        |(shape, dtype, byte)| {
            let length = NdArray::byte_len_of(&shape, dtype).unwrap();
            NdArray::new(vec![byte; length], &shape, dtype).unwrap()
        },
    )
}

fn any_message() -> impl Strategy<Value = Message> {
    let picture = any_array().prop_filter_map("no picture", |array| array.into_frame().ok());
    let frame = (picture, any::<bool>(), prop::option::of(any_python_value())).prop_map(
        |(frame, bidirectional, data)| {
            let mode = if bidirectional { Mode::Bidirectional } else { Mode::Unidirectional };
            let is_data = |data: &Value| bidirectional && !data.is_null() && data.as_str() != Some("");
            Message::Frame(FrameMessage { mode, frame, data: data.filter(is_data) })
        },
    );
    let data = any_python_value().prop_map(|data| Message::Return(Some(data).filter(|data| !data.is_null())));
    let array = any_array().prop_map(|array| returned(into_value(array)));
    prop_oneof![
        8 => frame,
        8 => data,
        4 => array,
        1 => Just(Message::Return(None)),
        1 => Just(Message::Terminate),
        1 => Just(Message::Acknowledgement),
        1 => Just(Message::Terminated),
    ]
}

/// Equal to the last bit: what is written has no two ways.
fn same(a: &Message, b: &Message) -> bool {
    encode(a.clone()) == encode(b.clone())
}

/// What a message counts for against the limits.
fn cost_of(message: &Message) -> (usize, usize) {
    // Here a frame is an array like any other.
    let sides = |frame: &Frame| SIDE_COST * NdArray::from(frame.clone()).shape().len();
    match message {
        Message::Frame(message) => {
            let (data, pixels) = message.data.as_ref().map(cost).unwrap_or_default();
            (data + sides(&message.frame), pixels + message.frame.pixels().len())
        }
        Message::Return(Some(data)) => {
            let (bytes, pixels) = cost(data);
            (bytes + data.as_frame().map_or(0, sides), pixels)
        }
        _ => (0, 0),
    }
}

/// What messages begin with, so that more of any bytes are looked at.
const BEGINNINGS: &[&[u8]] =
    &[b"", b"\x81", b"\x81\xa9terminate", b"\x82\xabreturn_type\xa1x\xabreturn_data", RETURN_ARRAY];

proptest! {
    #[test]
    fn any_message_comes_back_to_the_bit(message in any_message()) {
        let decoded = Message::decode(encode(message.clone()).unwrap(), &LIMITS).unwrap();
        prop_assert!(same(&decoded, &message), "{decoded:?} and not {message:?}");
    }

    /// What goes through this end's limits goes through those of a peer who has set the same, and no more does.
    #[test]
    fn both_ends_draw_the_same_line(message in any_message()) {
        let (data, pixels) = cost_of(&message);
        let encoded = encode(message.clone()).unwrap();
        // The header of an array takes room in its part, and in the message.
        let exact = LIMITS.with_data_bytes(data.max(pixels) + 128).with_frame_bytes(pixels);
        prop_assert!(message.clone().encode(&exact).is_ok());
        prop_assert!(Message::decode(encoded.clone(), &exact).is_ok());
        if pixels > 0 {
            let less = exact.with_frame_bytes(pixels - 1);
            prop_assert!(message.clone().encode(&less).is_err());
            prop_assert!(Message::decode(encoded.clone(), &less).is_err());
        }
        // The least limit on data is 1 KiB.
        if data > 1024 {
            let less = exact.with_data_bytes(data - 1).with_frame_bytes(usize::MAX / 4);
            prop_assert!(message.encode(&less).is_err());
            prop_assert!(Message::decode(encoded, &less).is_err());
        }
    }

    #[test]
    fn a_message_cut_short_is_an_error(message in any_message(), part in any::<prop::sample::Index>(), cut in any::<prop::sample::Index>()) {
        let mut parts: Vec<Bytes> = encode(message).unwrap().into_parts().into_iter().map(Part::into_bytes).collect();
        let part = part.get_mut(&mut parts);
        part.truncate(cut.index(part.len()));
        prop_assert!(Message::decode(parts.into(), &LIMITS).is_err());
    }

    #[test]
    fn any_bytes_are_a_message_or_an_error(
        first in prop::sample::select(BEGINNINGS),
        header in prop::collection::vec(any::<u8>(), 0..60),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..3),
    ) {
        let limits = LIMITS.with_data_bytes(4 << 10).with_frame_bytes(4 << 10);
        let first = Bytes::from([first, &header[..]].concat());
        let message: Multipart = [first].into_iter().chain(parts.into_iter().map(Bytes::from)).collect();
        if let Ok(message) = Message::decode(message, &limits) {
            let (data, pixels) = cost_of(&message);
            prop_assert!(data <= limits.data_bytes() && pixels <= limits.frame_bytes());
        }
    }
}
