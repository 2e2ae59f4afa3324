use alloc::{collections::VecDeque, string::String, vec, vec::Vec};

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::{encode::APART, *};
use crate::{
    DType, ElementType, Frame, FrameError, Limits, NdArray, NdArrayError, Part, PixelFormat, Shape, Value,
    budget::{Budget, LimitExceeded, cost},
};

fn encode_within(value: &Value, room: usize, limits: &Limits) -> Result<(Vec<u8>, Vec<Bytes>), EncodeError> {
    let (mut out, mut parts) = (BytesMut::new(), Vec::new());
    let encoded = encode(value, &mut out, &mut PartsOut::new(&mut parts, room), &mut Budget::new(limits));
    // Whoever asks first is told the same.
    assert_eq!(check(value, room, &mut Budget::new(limits)), encoded);
    encoded?;
    Ok((out.to_vec(), parts.into_iter().map(Part::into_bytes).collect()))
}

fn encode_all(value: &Value) -> (Vec<u8>, Vec<Bytes>) {
    encode_within(value, usize::MAX, &Limits::default()).unwrap()
}

fn decode_within(bytes: &[u8], parts: &[Bytes], limits: &Limits) -> Result<Value, DecodeError> {
    let mut parts = parts.iter().cloned();
    let (value, rest) = decode(bytes, &mut parts, &mut Budget::new(limits))?;
    assert_eq!(rest, b"");
    assert_eq!(parts.next(), None, "a part was left over");
    Ok(value)
}

fn decode_all(bytes: &[u8], parts: &[Bytes]) -> Result<Value, DecodeError> {
    decode_within(bytes, parts, &Limits::default())
}

fn u16_frame() -> Frame {
    let shape = Shape::new(2, 300, 1).unwrap();
    Frame::new(vec![9; 1200], shape, ElementType::U16, PixelFormat::Gray).unwrap()
}

/// 2 rows of 3 numbers.
fn matrix() -> NdArray {
    NdArray::new(vec![9; 48], &[2, 3], DType::F64).unwrap()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

/// Equal to the last bit, NaN included.
pub(in crate::native) fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(&a.0, &b.0) && same(&a.1, &b.1))
        }
        _ => a == b,
    }
}

/// The wire, byte by byte. These bytes may never change.
#[test]
fn golden_bytes() {
    let apart = Bytes::from(vec![7; APART]);
    let u64_max: &[u8] = b"\x03\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x03";
    let i128_min: &[u8] = b"\x03\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03";
    let golden: &[(Value, &[u8], &[Bytes])] = &[
        (Value::Null, b"\x00", &[]),
        (Value::Bool(false), b"\x01", &[]),
        (Value::Bool(true), b"\x02", &[]),
        (Value::Int(0), b"\x03\x00", &[]),
        (Value::Int(-1), b"\x03\x01", &[]),
        (Value::Int(300), b"\x03\xd8\x04", &[]),
        (Value::from(u64::MAX), u64_max, &[]),
        (Value::Int(i128::MIN), i128_min, &[]),
        (Value::Float(1.5), b"\x04\x00\x00\x00\x00\x00\x00\xf8\x3f", &[]),
        (Value::from("é!"), b"\x05\x03\xc3\xa9!", &[]),
        (Value::Bytes(Bytes::from_static(b"\x00\xff")), b"\x06\x02\x00\xff", &[]),
        (Value::Bytes(apart.clone()), b"\x07", &[apart]),
        (Value::List(vec![Value::Null, Value::Int(1)]), b"\x08\x02\x00\x03\x02", &[]),
        (Value::from([(5, "a")]), b"\x09\x01\x03\x0a\x05\x01a", &[]),
        // Height 2, width 300, 1 channel, u16, gray, raw.
        (Value::from(u16_frame()), b"\x0a\x02\xac\x02\x01\x01\x01\x00", &[u16_frame().into_pixels()]),
        // f64, 2 sides: 2 and 3.
        (Value::from(matrix()), b"\x0b\x0b\x02\x02\x03", &[matrix().into_elements()]),
    ];
    for (value, bytes, parts) in golden {
        let (found_bytes, found_parts) = encode_all(value);
        assert_eq!((&found_bytes[..], &found_parts[..]), (*bytes, *parts), "{value}");
        assert_eq!(decode_all(bytes, parts).as_ref(), Ok(value), "{value}");
    }
}

#[test]
fn malformed_bytes_are_told_apart_and_placed() {
    let bad_element_type = b"\x08\x01\x0a\x02\xac\x02\x01\x63\x01\x00";
    let too_many_sides = |found| DecodeError::Array { offset: 2, source: NdArrayError::Dimensions { found } };
    let table: &[(&[u8], DecodeError)] = &[
        (b"", DecodeError::Truncated { offset: 0 }),
        (b"\x0c", DecodeError::Tag { offset: 0 }),
        (b"\xff\xff\xff\xff\x0f", DecodeError::Tag { offset: 0 }),
        (b"\xff\xff\xff\xff\xff\x01", DecodeError::Varint { offset: 0 }),
        (b"\x08\x02\x00\x0c", DecodeError::Tag { offset: 3 }),
        (b"\x03", DecodeError::Truncated { offset: 1 }),
        (&[&b"\x03"[..], &[0xff; 19]].concat(), DecodeError::Varint { offset: 1 }),
        (b"\x04\0\0\0\0\0\0\0", DecodeError::Truncated { offset: 1 }),
        (b"\x05\x02\xff\xff", DecodeError::Utf8 { offset: 1 }),
        (b"\x05\x03ab", DecodeError::Truncated { offset: 1 }),
        (b"\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01a", DecodeError::Truncated { offset: 1 }),
        (b"\x07", DecodeError::MissingPart { offset: 0 }),
        (b"\x08\x02\x00", DecodeError::Truncated { offset: 0 }),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00", DecodeError::Truncated { offset: 0 }),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", DecodeError::Varint { offset: 1 }),
        (b"\x09\x01\x00", DecodeError::Truncated { offset: 0 }),
        (b"\x09\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00", DecodeError::Truncated { offset: 0 }),
        (b"\x0a\x02\xac\x02\x01\x01\x01\x00", DecodeError::MissingPart { offset: 0 }),
        (bad_element_type, DecodeError::Unknown { offset: 3 }),
        (b"\x0b\x0b\x02\x02\x03", DecodeError::MissingPart { offset: 0 }),
        (b"\x0b", DecodeError::Truncated { offset: 1 }),
        (b"\x0b\x0b\x02\x02", DecodeError::Truncated { offset: 4 }),
        (b"\x0b\x0e\x00", DecodeError::Unknown { offset: 1 }),
        (b"\x0b\x0b\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", DecodeError::Varint { offset: 3 }),
        (b"\x08\x01\x0b\x0b\x21", too_many_sides(33)),
        (b"\x08\x01\x0b\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", too_many_sides(usize::MAX)),
    ];
    for (bytes, error) in table {
        assert_eq!(decode_all(bytes, &[]).as_ref(), Err(error), "{bytes:x?}");
    }
}

#[test]
fn a_frame_takes_exactly_its_part() {
    let (bytes, _) = encode_all(&Value::from(u16_frame()));
    for length in [0, 1199, 1201] {
        let error = decode_all(&bytes, &[Bytes::from(vec![0; length])]).unwrap_err();
        assert!(
            matches!(
                error,
                DecodeError::Frame { offset: 0, source: FrameError::Length { expected: 1200, found, .. } } if found == length
            ),
            "{error}"
        );
    }
}

#[test]
fn an_array_takes_exactly_its_part() {
    let (bytes, _) = encode_all(&Value::from(matrix()));
    for found in [0, 47, 49] {
        let error = decode_all(&bytes, &[Bytes::from(vec![0; found])]).unwrap_err();
        let source = NdArrayError::Length { expected: 48, found };
        assert_eq!(error, DecodeError::Array { offset: 0, source });
    }
}

#[test]
fn an_array_that_no_memory_could_hold_is_an_error() {
    let max = b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01";
    for header in [
        [&b"\x0b\x01\x01"[..], max].concat(),
        [b"\x0b\x01\x02\x02", &max[..]].concat(),
        // The product of these is 0 in 64 bits.
        b"\x0b\x01\x02\x80\x80\x80\x80\x10\x80\x80\x80\x80\x10".to_vec(),
    ] {
        let error = decode_all(&header, &[Bytes::new()]).unwrap_err();
        assert_eq!(error, DecodeError::Array { offset: 0, source: NdArrayError::TooLarge }, "{header:x?}");
    }
}

#[test]
fn large_bytes_pixels_and_elements_are_not_copied() {
    let bytes = Bytes::from(vec![1; APART]);
    let value = Value::from([
        ("bytes", Value::from(bytes.clone())),
        ("frame", Value::from(u16_frame())),
        ("array", Value::from(matrix())),
    ]);
    let (encoded, parts) = encode_all(&value);
    assert_eq!(parts[0].as_ptr(), bytes.as_ptr());
    assert_eq!(parts[1].as_ptr(), value.get("frame").unwrap().as_frame().unwrap().pixels().as_ptr());
    assert_eq!(parts[2].as_ptr(), value.get("array").unwrap().as_array().unwrap().elements().as_ptr());
    let decoded = decode_all(&encoded, &parts).unwrap();
    assert_eq!(decoded.get("bytes").unwrap().as_bytes().unwrap().as_ptr(), parts[0].as_ptr());
    assert_eq!(decoded.get("frame").unwrap().as_frame().unwrap().pixels().as_ptr(), parts[1].as_ptr());
    assert_eq!(decoded.get("array").unwrap().as_array().unwrap().elements().as_ptr(), parts[2].as_ptr());
}

#[test]
fn bytes_just_below_the_threshold_stay_inline() {
    let (encoded, parts) = encode_all(&Value::from(vec![0; APART - 1]));
    assert_eq!((encoded.len(), parts.len()), (1 + 2 + APART - 1, 0));
}

#[test]
fn without_room_bytes_go_inline_and_leave_the_parts_to_frames_and_arrays() {
    let large = || Value::from(vec![0; APART]);
    let value = Value::List(vec![large(), large(), Value::from(u16_frame()), Value::from(matrix())]);
    for (room, parts_used) in [(2, 2), (3, 3), (4, 4), (5, 4)] {
        let (encoded, parts) = encode_within(&value, room, &Limits::default()).unwrap();
        assert_eq!(parts.len(), parts_used);
        assert_eq!(decode_all(&encoded, &parts), Ok(value.clone()));
    }
    let too_few = encode_within(&value, 1, &Limits::default());
    assert_eq!(too_few, Err(EncodeError::Parts { frames: 2, room: 1 }));
}

#[test]
fn the_room_is_used_up_across_values() {
    let (mut out, mut list) = (BytesMut::new(), Vec::new());
    let mut parts = PartsOut::new(&mut list, 2);
    let mut budget = Budget::new(&Limits::default());
    encode(&Value::from(u16_frame()), &mut out, &mut parts, &mut budget).unwrap();
    encode(&Value::from(vec![0; APART]), &mut out, &mut parts, &mut budget).unwrap();
    let full = encode(&Value::from(u16_frame()), &mut out, &mut parts, &mut budget);
    assert_eq!(full, Err(EncodeError::Parts { frames: 1, room: 0 }));
}

#[test]
fn both_ends_draw_the_same_line() {
    let limits = Limits::default().with_data_bytes(64 * 20).with_frame_bytes(1200).with_depth(2);
    let data = LimitExceeded::Data { limit: 64 * 20 };
    let pixels = LimitExceeded::Frame { limit: 1200 };
    let large = |length| Value::from(vec![0; length]);
    let frames = |count| Value::List(vec![Value::from(u16_frame()); count]);
    let row = |length| Value::from(NdArray::new(vec![0; length], &[length], DType::U8).unwrap());
    let sides = |count| Value::from(NdArray::new(vec![0; 1], &vec![1; count], DType::U8).unwrap());
    for (value, outcome) in [
        (Value::List(vec![Value::Null; 19]), Ok(())),
        (Value::List(vec![Value::Null; 20]), Err(data)),
        (Value::Map(vec![(Value::Null, Value::Null); 9]), Ok(())),
        (Value::Map(vec![(Value::Null, Value::Null); 10]), Err(data)),
        (Value::from("x".repeat(64 * 19)), Ok(())),
        (Value::from("x".repeat(64 * 19 + 1)), Err(data)),
        (large(64 * 19), Ok(())),
        (large(64 * 19 + 1), Err(data)),
        (Value::List(vec![large(500); 2]), Ok(())),
        (Value::List(vec![large(700); 2]), Err(data)),
        (frames(1), Ok(())),
        (frames(2), Err(pixels)),
        (row(1200), Ok(())),
        (row(1201), Err(pixels)),
        (Value::List(vec![Value::from(u16_frame()), row(1)]), Err(pixels)),
        // 64 + 2 × (64 + 32 × 16) + 64 + 16 a side.
        (Value::List(vec![sides(32), sides(32), sides(0)]), Ok(())),
        (Value::List(vec![sides(32), sides(32), sides(1)]), Err(data)),
        (nested(2), Ok(())),
        (nested(3), Err(LimitExceeded::Depth { limit: 2 })),
        (Value::List(vec![nested(1), nested(1), Value::Map(Vec::new())]), Ok(())),
    ] {
        let (encoded, parts) = encode_all(&value);
        let sent = encode_within(&value, usize::MAX, &limits).map(|_| ());
        assert_eq!(sent, outcome.map_err(EncodeError::Limit), "{value}");
        match (decode_within(&encoded, &parts, &limits), outcome) {
            (Ok(decoded), Ok(())) => assert_eq!(decoded, value),
            (Err(DecodeError::Limit { source, .. }), Err(expected)) => {
                assert_eq!(source, expected, "{value}")
            }
            (found, expected) => panic!("{value}: {found:?} and not {expected:?}"),
        }
    }
}

#[test]
fn a_limit_is_reported_with_its_place() {
    let limits = Limits::default().with_depth(2);
    assert_eq!(
        decode_within(b"\x08\x02\x00\x08\x01\x08\x00", &[], &limits),
        Err(DecodeError::Limit { offset: 5, source: LimitExceeded::Depth { limit: 2 } })
    );
}

#[test]
fn a_million_lists_in_one_another_are_an_error_and_not_a_crash() {
    let bytes = [8, 1].repeat(1 << 20);
    let greatest = Limits::default().with_depth(usize::MAX);
    for (limits, limit) in [(Limits::default(), 64), (greatest, Value::MAX_DEPTH)] {
        assert_eq!(
            decode_within(&bytes, &[], &limits),
            Err(DecodeError::Limit { offset: 2 * limit, source: LimitExceeded::Depth { limit } })
        );
    }
    assert!(encode_within(&nested(Value::MAX_DEPTH), 0, &greatest).is_ok());
}

#[test]
fn what_follows_the_value_is_left() {
    let mut budget = Budget::new(&Limits::default());
    let mut parts = VecDeque::from([Bytes::from_static(b"one"), Bytes::from_static(b"two")]);
    let mut parts = core::iter::from_fn(|| parts.pop_front());
    let (first, rest) = decode(b"\x07\x07\x63", &mut parts, &mut budget).unwrap();
    let (second, rest) = decode(rest, &mut parts, &mut budget).unwrap();
    assert_eq!((first, second), (Value::Bytes("one".into()), Value::Bytes("two".into())));
    assert_eq!(rest, b"\x63");
}

pub(in crate::native) fn any_frame() -> impl Strategy<Value = Frame> {
    use ElementType::*;
    let element_types = prop::sample::select(vec![U8, U16, F32, I8, I16, I32, F64]);
    (1..6_u32, 1..9_u32, 1..5_u16, element_types, any::<bool>()).prop_map(
        |(height, width, channels, element, named)| {
            let shape = Shape::new(height, width, channels).unwrap();
            let format = if named { PixelFormat::from_channels(channels) } else { PixelFormat::Unspecified };
            let pixels = vec![height as u8; shape.byte_len(element).unwrap()];
            Frame::new(pixels, shape, element, format).unwrap()
        },
    )
}

pub(in crate::native) fn any_array() -> impl Strategy<Value = NdArray> {
    let shape = prop_oneof![
        4 => prop::collection::vec(0..6_usize, 0..4),
        1 => prop::collection::vec(1..2_usize, 0..=NdArray::MAX_DIMENSIONS),
        // A side of 0 lets the others be of any length.
        1 => prop::collection::vec(any::<usize>(), 0..NdArray::MAX_DIMENSIONS).prop_map(|mut shape| {
            shape.push(0);
            shape
        }),
    ];
    (shape, prop::sample::select(DType::ALL.to_vec()), any::<u8>()).prop_map(|(shape, dtype, byte)| {
        let length = NdArray::byte_len_of(&shape, dtype).unwrap();
        NdArray::new(vec![byte; length], &shape, dtype).unwrap()
    })
}

pub(in crate::native) fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i128>().prop_map(Value::Int),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(|bits| Value::Float(f64::from_bits(bits))),
        prop::sample::select(vec![f64::NAN, -f64::NAN, -0.0, f64::INFINITY]).prop_map(Value::Float),
        any::<String>().prop_map(Value::Str),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Value::from),
        (APART - 2..APART + 2, any::<u8>()).prop_map(|(length, byte)| Value::from(vec![byte; length])),
        any_frame().prop_map(Value::Frame),
        any_array().prop_map(Value::Array),
    ];
    leaf.prop_recursive(5, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::List),
            prop::collection::vec((inner.clone(), inner), 0..5).prop_map(Value::Map),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_comes_back_to_the_bit(value in any_value(), room_for_bytes in 0..4_usize) {
        let frames = match encode_within(&value, 0, &Limits::default()) {
            Err(EncodeError::Parts { frames, .. }) => frames,
            _ => 0,
        };
        for room in [frames, frames + room_for_bytes, usize::MAX] {
            let (encoded, parts) = encode_within(&value, room, &Limits::default()).unwrap();
            let decoded = decode_all(&encoded, &parts).unwrap();
            prop_assert!(same(&decoded, &value), "{decoded} and not {value}");
        }
    }

    #[test]
    fn the_cost_of_a_value_is_what_both_ends_take(value in any_value()) {
        let (data, pixels) = cost(&value);
        let exact = Limits::default().with_data_bytes(data).with_frame_bytes(pixels);
        let (encoded, parts) = encode_within(&value, usize::MAX, &exact).unwrap();
        prop_assert!(decode_within(&encoded, &parts, &exact).is_ok());
        if data > 1024 {
            let less = exact.with_data_bytes(data - 1);
            prop_assert!(encode_within(&value, usize::MAX, &less).is_err());
            prop_assert!(decode_within(&encoded, &parts, &less).is_err());
        }
    }

    #[test]
    fn a_value_cut_short_is_an_error(value in any_value(), cut in any::<prop::sample::Index>()) {
        let (encoded, parts) = encode_all(&value);
        let cut = &encoded[..cut.index(encoded.len())];
        prop_assert!(decode(cut, &mut parts.into_iter(), &mut Budget::new(&Limits::default())).is_err());
    }

    #[test]
    fn a_flipped_bit_never_costs_more_than_the_limits(value in any_value(), flip in any::<prop::sample::Index>()) {
        let (mut encoded, parts) = encode_all(&value);
        let limits = Limits::default().with_data_bytes(4 << 10).with_frame_bytes(4 << 10);
        let bit = flip.index(encoded.len() * 8);
        encoded[bit / 8] ^= 1 << (bit % 8);
        if let Ok((value, _)) = decode(&encoded, &mut parts.into_iter(), &mut Budget::new(&limits)) {
            let (data, pixels) = cost(&value);
            prop_assert!(data <= limits.data_bytes() && pixels <= limits.frame_bytes());
        }
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let parts = [Bytes::from_static(&[0; 12]), Bytes::new()];
        let limits = Limits::default();
        if let Ok((value, _)) = decode(&bytes, &mut parts.into_iter(), &mut Budget::new(&limits)) {
            prop_assert!(cost(&value).0 <= limits.data_bytes());
        }
    }
}
