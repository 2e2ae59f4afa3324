use alloc::{format, vec, vec::Vec};

use super::*;
use crate::{
    DType, ElementType, LimitExceeded, NdArrayError, PixelFormat, Shape,
    vidgear::{ArrayError, MsgpackError},
};

pub(super) const LIMITS: Limits = Limits::DEFAULT;

/// A header that an array follows.
pub(super) const RETURN_ARRAY: &[u8] = b"\x82\xabreturn_type\xa7ndarray\xabreturn_data\xc0";

/// The array that the tests of malformed ones begin with: 2 of u1.
const ARRAY: &[u8] = b"\x85\xc4\x02nd\xc3\xc4\x04type\xa3|u1\xc4\x04kind\xc4\x00\xc4\x05shape\x91\x02\xc4\x04data\xc4\x02\x07\x08";

fn decode_parts(parts: &[&[u8]]) -> Result<Message, DecodeError> {
    Message::decode(parts.iter().map(|part| Bytes::copy_from_slice(part)).collect(), &LIMITS)
}

/// Reads an array within a return message.
fn decode_array(part: &[u8]) -> Result<Value, ArrayError> {
    match decode_parts(&[RETURN_ARRAY, part]) {
        Ok(Message::Return(Some(value))) => Ok(value),
        Err(DecodeError::Array(error)) => Err(error),
        other => panic!("{other:?}"),
    }
}

/// [`ARRAY`] with this in place of that.
fn array_with(that: &[u8], this: &[u8]) -> Vec<u8> {
    let at = ARRAY.windows(that.len()).position(|window| window == that).unwrap();
    [&ARRAY[..at], this, &ARRAY[at + that.len()..]].concat()
}

/// A return message with this data.
fn with_data(data: &[u8]) -> Vec<u8> {
    [b"\x82\xabreturn_type\xa1x\xabreturn_data", data].concat()
}

pub(super) fn encode(message: Message) -> Result<Multipart, EncodeError> {
    message.encode(&LIMITS)
}

pub(super) fn returned(value: impl Into<Value>) -> Message {
    Message::Return(Some(value.into()))
}

fn frame_with(data: impl Into<Value>) -> Message {
    let frame = Frame::gray8(2, 1, vec![7, 8]).unwrap();
    Message::Frame(FrameMessage { mode: Mode::Bidirectional, frame, data: Some(data.into()) })
}

fn u8_array(shape: &[usize]) -> NdArray {
    NdArray::new(vec![7; shape.iter().product()], shape, DType::U8).unwrap()
}

#[test]
fn what_is_no_message_of_vidgear_is_told_apart() {
    let frame_header = b"\x83\xa9terminate\xc2\xa7bi_mode\xc3\xa4data\xa0";
    let table: &[(&[&[u8]], DecodeError)] = &[
        (&[], DecodeError::Empty),
        (&[b""], DecodeError::Empty),
        (&[b"", b""], DecodeError::Empty),
        (&[b"\xc1"], DecodeError::FirstByte { found: 0xc1 }),
        (&[b"\x93\x01\x02\x03"], DecodeError::FirstByte { found: 0x93 }),
        (&[b"hello"], DecodeError::FirstByte { found: b'h' }),
        (&[b"Data received"], DecodeError::Text),
        (&[b"Data received on client: ABC"], DecodeError::Text),
        (&[b"Data received on client: \xff !"], DecodeError::Text),
        (&[b"\x80"], DecodeError::Unknown),
        (&[b"\x81\xa4data\xa1x"], DecodeError::Unknown),
        (&[b"\x82\xa9terminate\xc3\xabreturn_type\xa1x"], DecodeError::Unknown),
        (&[b"\x82\xa9terminate\xc3\xaaterminated\xa0"], DecodeError::Unknown),
        // Python's own ends look for texts, and not for bytes.
        (&[b"\x81\xc4\x09terminate\xc3"], DecodeError::Unknown),
        (&[b"\x81\xa9terminate\xc2"], DecodeError::MissingKey { key: "bi_mode" }),
        (&[b"\x82\xa9terminate\xc2\xa7bi_mode\xc3"], DecodeError::MissingKey { key: "data" }),
        (&[b"\x81\xabreturn_type\xa1x"], DecodeError::MissingKey { key: "return_data" }),
        (&[frame_header], DecodeError::MissingPart),
        (&[RETURN_ARRAY], DecodeError::MissingPart),
        (&[b"\x82\xabreturn_type\xa6matrix\xabreturn_data\xc0"], DecodeError::MissingPart),
        (&[frame_header, ARRAY], DecodeError::NoPicture { array: "2 u8".into() }),
        (&[RETURN_ARRAY, ARRAY, ARRAY], DecodeError::SurplusParts { surplus: 1 }),
        (&[&with_data(b"\x01"), b"", b""], DecodeError::SurplusParts { surplus: 2 }),
        (&[b"\x81\xa9terminate\xc3", b""], DecodeError::SurplusParts { surplus: 1 }),
        (&[b"Data received on client: A !", b""], DecodeError::SurplusParts { surplus: 1 }),
    ];
    for (parts, error) in table {
        assert_eq!(decode_parts(parts).as_ref(), Err(error), "{parts:x?}");
    }
}

/// Two tasks of VidGear's server write to one socket when it is interrupted between the parts of a frame.
#[test]
fn a_frame_that_was_cut_short_by_terminate_is_terminate() {
    let header = b"\x83\xa9terminate\xc2\xa7bi_mode\xc3\xa4data\xa5hello";
    assert_eq!(decode_parts(&[header, b"\x81\xa9terminate\xc3"]), Ok(Message::Terminate));
    assert_eq!(
        decode_parts(&[header, b"\x81\xa9terminate\xc3", ARRAY]),
        Err(DecodeError::SurplusParts { surplus: 1 })
    );
    assert_eq!(
        decode_parts(&[RETURN_ARRAY, b"\x81\xa9terminate\xc3"]),
        Err(DecodeError::Array(ArrayError::MissingKey { key: "nd" }))
    );
}

#[test]
fn malformed_headers_are_told_apart_and_placed() {
    // The data of the message begins at byte 27.
    let at = |data: &[u8]| with_data(data);
    assert_eq!(at(b"").len(), 27);
    let truncated = |offset| MsgpackError::Truncated { offset };
    let extension = |offset, number| MsgpackError::Extension { offset, number };
    let wrong = |offset, what, expected| MsgpackError::Type { offset, what, expected };
    let table: &[(&[u8], MsgpackError)] = &[
        (b"\x81", truncated(0)),
        (b"\x81\xa9terminate", truncated(11)),
        (b"\xdf\xff\xff\xff\xff\xc0", truncated(0)),
        (b"\x81\xa9terminate\xa1x", wrong(11, "a text", "true or false")),
        (b"\x81\xa9terminate\x01", wrong(11, "an integer", "true or false")),
        (b"\x81\xaaterminated\xc3", wrong(12, "a truth value", "a text")),
        (b"\x81\xabreturn_type\xc4\x00", wrong(13, "bytes", "a text")),
        (
            b"\x82\xa9terminate\xc3\xa9terminate\xc3",
            MsgpackError::DuplicateKey { offset: 12, key: "terminate" },
        ),
        (
            b"\x82\xaaterminated\xa0\xaaterminated\xa0",
            MsgpackError::DuplicateKey { offset: 13, key: "terminated" },
        ),
        (b"\x81\xa9terminate\xc3\xc3", MsgpackError::TrailingBytes { offset: 12 }),
        (&at(b""), truncated(27)),
        (&at(b"\xc1"), MsgpackError::Reserved { offset: 27 }),
        (&at(b"\x92\x01\xc1"), MsgpackError::Reserved { offset: 29 }),
        (&at(b"\xd4\x05"), extension(27, 5)),
        (&at(b"\xd8\x80"), extension(27, -128)),
        (&at(b"\xc7\x0c\xff"), extension(27, -1)),
        (&at(b"\xc8\x00\x01\x07"), extension(27, 7)),
        (&at(b"\xc9\x00\x00\x00\x01\x07"), extension(27, 7)),
        (&at(b"\xd6"), truncated(27)),
        (&at(b"\xc9\x00"), truncated(27)),
        (&at(b"\xa2\xc3\x28"), MsgpackError::Utf8 { offset: 27 }),
        // Half of a surrogate pair, which Python refuses too.
        (&at(b"\xa3\xed\xa0\x80"), MsgpackError::Utf8 { offset: 27 }),
        (&at(b"\xa2x"), truncated(27)),
        (&at(b"\xdb\xff\xff\xff\xffx"), truncated(27)),
        (&at(b"\xc6\xff\xff\xff\xffx"), truncated(27)),
        (&at(b"\xcf\x00\x00\x00\x00\x00\x00\x00"), truncated(27)),
        (&at(b"\xcb\x00"), truncated(27)),
        (&at(b"\x92\x01"), truncated(27)),
        (&at(b"\x92\x01\x92\x01"), truncated(29)),
        (&at(b"\xdc\x00\x02\x01"), truncated(27)),
        (&at(b"\xdd\xff\xff\xff\xff\x01"), truncated(27)),
        (&at(b"\x82\x01\x01\x01"), truncated(27)),
        (&at(b"\xde\x80\x00\x01"), truncated(27)),
        (&at(b"\x01\x02"), MsgpackError::TrailingBytes { offset: 28 }),
    ];
    for (header, error) in table {
        assert_eq!(decode_parts(&[header]), Err(DecodeError::Header(error.clone())), "{header:x?}");
    }
    let mut deep = at(&[0x91; 65]);
    deep.push(0xc0);
    let source = LimitExceeded::Depth { limit: 64 };
    let error = DecodeError::Header(MsgpackError::Limit { offset: 27 + 64, source });
    assert_eq!(decode_parts(&[&deep]), Err(error));
}

#[test]
fn malformed_arrays_are_told_apart_and_placed() {
    assert!(decode_array(ARRAY).is_ok());
    let missing = |key| ArrayError::MissingKey { key };
    let wrong = |offset, what, expected| ArrayError::Msgpack(MsgpackError::Type { offset, what, expected });
    let dtype = |dtype: &str| ArrayError::DType { dtype: dtype.into() };
    let negative = |side| ArrayError::NegativeSide { offset: 32, side };
    let length = |expected, found| ArrayError::Shape(NdArrayError::Length { expected, found });
    let too_large = || ArrayError::Shape(NdArrayError::TooLarge);
    let named = |name: &[u8]| array_with(b"\xa3|u1", &[&[0xa0 | name.len() as u8], name].concat());
    let shaped = |shape: &[u8]| array_with(b"\x91\x02", shape);
    let of_kind = |kind: &[u8]| array_with(b"\xc4\x00", &[&[0xc4, kind.len() as u8], kind].concat());
    let thirty_three = [&b"\xdc\x00\x21"[..], &[1; 33]].concat();
    let table: &[(Vec<u8>, ArrayError)] = &[
        (b"".into(), MsgpackError::Truncated { offset: 0 }.into()),
        (b"\x80".into(), missing("nd")),
        (b"\x92\x01\x02".into(), wrong(0, "a list", "a map")),
        // msgpack_numpy looks for bytes, and not for texts.
        (array_with(b"\xc4\x02nd", b"\xa2nd"), missing("nd")),
        (array_with(b"\xc4\x04type", b"\xa4type"), missing("type")),
        (array_with(b"shape", b"shapf"), missing("shape")),
        (array_with(b"data", b"dada"), missing("data")),
        (array_with(b"nd\xc3", b"nd\xc2"), ArrayError::NotAnArray),
        (array_with(b"nd\xc3", b"nd\x01"), wrong(5, "an integer", "true or false")),
        (
            array_with(b"\xc4\x05shape\x91\x02", b"\xc4\x02nd\xc3"),
            MsgpackError::DuplicateKey { offset: 24, key: "nd" }.into(),
        ),
        ([ARRAY, &[0xc0]].concat(), MsgpackError::TrailingBytes { offset: ARRAY.len() }.into()),
        (of_kind(b"O"), ArrayError::Pickle),
        (of_kind(b"V"), ArrayError::Structured),
        (of_kind(b"new"), ArrayError::Kind { kind: "new".into() }),
        (array_with(b"\xc4\x00", b"\xa0"), wrong(22, "a text", "bytes")),
        // A structured type without its kind.
        (array_with(b"\xa3|u1", b"\x91\x92\xa1a\xa3|u1"), ArrayError::Structured),
        (named(b""), dtype("")),
        (named(b"u1"), dtype("u1")),
        (named(b"|u2"), dtype("|u2")),
        (named(b"=u2"), dtype("=u2")),
        (named(b"<u3"), dtype("<u3")),
        (named(b"<f16"), dtype("<f16")),
        (named(b"<M8[s]"), dtype("<M8[s]")),
        (named(b"|O"), dtype("|O")),
        (named(b"<u4"), length(8, 2)),
        (shaped(b"\x91\x03"), length(3, 2)),
        (shaped(b"\x92\x02\x02"), length(4, 2)),
        (shaped(b"\x91\x00"), length(0, 2)),
        (shaped(b"\x90"), length(1, 2)),
        (shaped(b"\x91\xff"), negative(-1)),
        (shaped(b"\x91\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), negative(i64::MIN)),
        (shaped(b"\x91\xcb\x40\x00\x00\x00\x00\x00\x00\x00"), wrong(32, "a float", "an integer")),
        (shaped(b"\x91\xc3"), wrong(32, "a truth value", "an integer")),
        (shaped(b"\x02"), wrong(31, "an integer", "a list")),
        (shaped(b"\x91\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), too_large()),
        (shaped(b"\x92\xce\xff\xff\xff\xff\xce\xff\xff\xff\xff"), too_large()),
        (shaped(&thirty_three), NdArrayError::Dimensions { found: 33 }.into()),
        (shaped(b"\xdd\xff\xff\xff\xff"), MsgpackError::Truncated { offset: 31 }.into()),
        (array_with(b"\xc4\x02\x07\x08", b"\xa2xy"), wrong(39, "a text", "bytes")),
        (array_with(b"\xc4\x02\x07\x08", b"\xc4\x03\x07\x08"), MsgpackError::Truncated { offset: 39 }.into()),
    ];
    for (part, error) in table {
        assert_eq!(decode_array(part).as_ref(), Err(error), "{part:x?}");
    }
}

#[test]
fn a_frame_of_objects_is_never_unpickled_and_says_so() {
    let part = array_with(b"\xc4\x00", b"\xc4\x01O");
    let error = decode_parts(&[b"\x83\xa9terminate\xc2\xa7bi_mode\xc3\xa4data\xa0", &part]).unwrap_err();
    assert_eq!(error, DecodeError::Array(ArrayError::Pickle));
    assert!(error.to_string().contains("never unpickled"));
}

#[test]
fn the_keys_of_an_array_stand_in_any_order_and_some_may_be_new() {
    let shuffled = b"\x86\xc4\x04data\xc4\x02\x07\x08\xc4\x05shape\x91\x02\xa3new\x81\x01\x02\xc4\x04type\xa3|u1\xc4\x02nd\xc3\xc0\xc0";
    assert_eq!(decode_array(shuffled), decode_array(ARRAY));
}

#[test]
fn the_keys_of_a_header_stand_in_any_order_and_some_may_be_new() {
    let header = b"\x87\xa3new\x93\x01\x02\x03\xa4data\x01\xa7bi_mode\xc3\x01\xc0\xa3new\xc0\xa9terminate\xc2\xc4\x04data\x02";
    let picture = array_with(b"\x91\x02", b"\x92\x01\x02");
    assert_eq!(decode_parts(&[header, &picture]), Ok(frame_with(1)));
}

#[test]
fn every_way_to_write_a_value_is_read() {
    for (bytes, value) in [
        (&b"\xd0\x05"[..], Value::from(5)),
        (b"\xcd\x00\x05", 5.into()),
        (b"\xd3\xff\xff\xff\xff\xff\xff\xff\xff", (-1).into()),
        (b"\xca\x3d\xcc\xcc\xcd", Value::from(0.1_f32)),
        (b"\xda\x00\x01x", "x".into()),
        (b"\xdb\x00\x00\x00\x01x", "x".into()),
        (b"\xc5\x00\x01x", b"x".to_vec().into()),
        (b"\xc6\x00\x00\x00\x01x", b"x".to_vec().into()),
        (b"\xdd\x00\x00\x00\x01\xc2", Value::List(vec![false.into()])),
        (b"\xde\x00\x01\xc2\xc3", Value::from([(false, true)])),
        (b"\xdf\x00\x00\x00\x01\xc2\xc3", Value::from([(false, true)])),
    ] {
        assert_eq!(decode_parts(&[&with_data(bytes)]), Ok(returned(value)), "{bytes:x?}");
    }
}

#[test]
fn big_endian_elements_are_turned_round_one_by_one() {
    for (name, data, expected) in [
        (&b">u2"[..], &b"\x01\x02"[..], &b"\x02\x01"[..]),
        (b">f4", b"\x01\x02\x03\x04", b"\x04\x03\x02\x01"),
        (b">i8", b"\x01\x02\x03\x04\x05\x06\x07\x08", b"\x08\x07\x06\x05\x04\x03\x02\x01"),
        // The real part stays in front.
        (b">c8", b"\x01\x02\x03\x04\x05\x06\x07\x08", b"\x04\x03\x02\x01\x08\x07\x06\x05"),
        (b">u1", b"\x01", b"\x01"),
    ] {
        let part = [
            b"\x84\xc4\x02nd\xc3\xc4\x04type\xa3",
            name,
            b"\xc4\x05shape\x90\xc4\x04data\xc4",
            &[data.len() as u8],
            data,
        ];
        let array = decode_array(&part.concat()).unwrap().to_array().unwrap();
        assert_eq!(array.elements(), expected, "{name:?}");
    }
}

#[test]
fn every_acknowledgement_of_vidgear_is_one() {
    for id in ["", "A", "12345678", "ÄÖ"] {
        let text = format!("Data received on client: {id} !");
        assert_eq!(decode_parts(&[text.as_bytes()]), Ok(Message::Acknowledgement));
    }
}

#[test]
fn our_name_is_one_that_vidgear_could_give() {
    assert_eq!(CLIENT_ID.len(), 8);
    assert!(CLIENT_ID.bytes().all(|letter| letter.is_ascii_uppercase()));
}

#[test]
fn no_data_is_written_as_vidgear_does_and_null_is_no_data() {
    let none = |data| {
        Message::Frame(match frame_with(0) {
            Message::Frame(message) => FrameMessage { data, ..message },
            _ => unreachable!(),
        })
    };
    for data in [Some(Value::Null), Some("".into())] {
        assert_eq!(encode(none(data)), encode(none(None)));
    }
    assert_eq!(Message::decode(encode(none(None)).unwrap(), &LIMITS), Ok(none(None)));
    assert_eq!(encode(returned(())), encode(Message::Return(None)));
    // The type's name tells an empty text from nothing.
    let text = encode(returned("")).unwrap();
    assert_eq!(Message::decode(text, &LIMITS), Ok(returned("")));
}

#[test]
fn what_python_could_not_read_or_would_drop_is_an_error() {
    let frame = Frame::gray8(2, 1, vec![7, 8]).unwrap();
    let array = u8_array(&[2]);
    for value in [Value::from(frame.clone()), Value::from(array.clone())] {
        assert_eq!(encode(frame_with(value.clone())), Err(EncodeError::ArrayWithFrame));
        for nested in [Value::List(vec![value.clone()]), Value::from([("a", value)])] {
            assert_eq!(encode(frame_with(nested.clone())), Err(EncodeError::ArrayInData));
            assert_eq!(encode(returned(nested)), Err(EncodeError::ArrayInData));
        }
    }
    let key = |key: Value| EncodeError::Key { key };
    let twice = |key: Value| EncodeError::DuplicateKey { key };
    let bytes = || Value::from(b"a".to_vec());
    for (data, error) in [
        (Value::Int(1 << 64), Some(EncodeError::Integer { value: 1 << 64 })),
        (Value::Int((1 << 64) - 1), None),
        (Value::Int(-(1 << 63) - 1), Some(EncodeError::Integer { value: -(1 << 63) - 1 })),
        (Value::Int(-(1 << 63)), None),
        (Value::List(vec![i128::MAX.into()]), Some(EncodeError::Integer { value: i128::MAX })),
        (Value::from([(1, "a")]), Some(key(1.into()))),
        (Value::from([((), "a")]), Some(key(Value::Null))),
        (Value::from([(true, "a")]), Some(key(true.into()))),
        (Value::List(vec![[(1.5, "a")].into()]), Some(key(1.5.into()))),
        (Value::from([(Value::List(vec![]), "a")]), Some(key(Value::List(vec![])))),
        (Value::from([("a", 1), ("b", 2), ("a", 3)]), Some(twice("a".into()))),
        (Value::from([(bytes(), 1), (bytes(), 2)]), Some(twice(bytes()))),
        (Value::from([(Value::from("a"), 1), (bytes(), 2)]), None),
    ] {
        for message in [frame_with(data.clone()), returned(data)] {
            assert_eq!(encode(message.clone()).err(), error, "{message:?}");
        }
    }
}

#[test]
fn data_without_bidirectional_mode_is_an_error() {
    let Message::Frame(message) = frame_with(1) else { unreachable!() };
    let unidirectional =
        |data| Message::Frame(FrameMessage { mode: Mode::Unidirectional, data, ..message.clone() });
    assert_eq!(encode(unidirectional(Some(1.into()))), Err(EncodeError::UnidirectionalData));
    assert!(encode(unidirectional(Some(Value::Null))).is_ok());
    assert!(encode(unidirectional(None)).is_ok());
}

/// NumPy 2.4: `np.ndarray(buffer=b'', dtype='<f8', shape=(2**60, 0))` raises ValueError; in bytes it is possible.
#[test]
fn sides_that_numpy_cannot_multiply_are_an_error() {
    for (shape, dtype, is_possible) in [
        (&[1 << 60, 0][..], DType::F64, false),
        (&[1 << 60, 0], DType::U8, true),
        (&[0, 1 << 59], DType::F64, true),
        (&[1 << 40, 1 << 40, 0], DType::U8, false),
        (&[usize::MAX, 0], DType::U8, false),
        (&[isize::MAX as usize, 0], DType::U8, true),
    ] {
        let array = NdArray::new(vec![], shape, dtype).unwrap();
        let expected = EncodeError::ArrayShape { array: array.to_string() };
        assert_eq!(encode(returned(array)).err(), (!is_possible).then_some(expected), "{shape:?}");
    }
}

#[test]
fn a_message_that_a_link_would_refuse_is_the_callers_error() {
    let limits = LIMITS.with_frame_bytes(4000).with_data_bytes(1024);
    let frame = |pixels: u32| Frame::gray8(pixels, 1, vec![0; pixels as usize]).unwrap();
    // The header of the array takes 45 bytes.
    assert!(returned(frame(3955)).encode(&limits).is_ok());
    let part = EncodeError::Part { found: 4001, limit: 4000 };
    assert_eq!(returned(frame(3956)).encode(&limits), Err(part));
    let pixels = EncodeError::Limit(LimitExceeded::Frame { limit: 4000 });
    assert_eq!(returned(frame(4001)).encode(&limits), Err(pixels));
    let message = |length: usize, pixels: u32, limits: &Limits| {
        let data = Some(Value::from(vec![0_u8; length]));
        let mode = Mode::Bidirectional;
        Message::Frame(FrameMessage { mode, frame: frame(pixels), data }).encode(limits)
    };
    // The value itself counts with 64, and the two sides of the frame with 16 each.
    let most = 1024 - 64 - 2 * 16;
    // The header of the frame takes 29 bytes with that of the data.
    assert_eq!(message(most, 3955, &limits).map(|message| message.byte_len()), Ok(most + 29 + 4000));
    let data = EncodeError::Limit(LimitExceeded::Data { limit: 1024 });
    assert_eq!(message(most + 1, 3955, &limits), Err(data));
    // What values and sides count for covers the headers, so that the whole message is never what is too long.
    assert!(message(most, 20, &limits.with_frame_bytes(20)).is_ok());
    let data = EncodeError::Limit(LimitExceeded::Depth { limit: 1 });
    assert_eq!(returned(Value::List(vec![Value::List(vec![])])).encode(&limits.with_depth(1)), Err(data));
}

#[test]
fn frames_of_one_channel_have_two_dimensions() {
    for (channels, shape) in [(1, &b"\x92\x02\x03"[..]), (2, b"\x93\x02\x03\x02"), (5, b"\x93\x02\x03\x05")] {
        let sides = Shape::new(2, 3, channels).unwrap();
        let pixels = vec![0; usize::from(channels) * 6];
        let frame = Frame::new(pixels, sides, ElementType::U8, PixelFormat::Unspecified).unwrap();
        let message =
            encode(Message::Frame(FrameMessage { mode: Mode::Bidirectional, frame, data: None })).unwrap();
        let [head, _] = message.parts()[1].pieces();
        assert!(head.windows(shape.len()).any(|window| window == shape), "{head:x?}");
    }
}

#[test]
fn an_array_comes_back_with_the_shape_that_it_had() {
    for (shape, is_frame) in [
        (&[][..], false),
        (&[3], false),
        (&[2, 3], true),
        (&[2, 0], false),
        (&[2, 3, 1], false),
        (&[2, 3, 2], true),
        (&[2, 3, 4], true),
        (&[2, 3, 5], false),
        (&[1, 2, 3, 4], false),
    ] {
        let array = u8_array(shape);
        let message = encode(returned(array.clone())).unwrap();
        let Ok(Message::Return(Some(value))) = Message::decode(message, &LIMITS) else { panic!("{shape:?}") };
        assert_eq!((value.to_array(), value.as_frame().is_some()), (Some(array), is_frame), "{shape:?}");
    }
}

#[test]
fn large_bytes_are_a_slice_and_small_ones_leave_the_message() {
    let part = |length: usize| encode(returned(vec![7; length])).unwrap().into_parts().remove(0).into_bytes();
    for (length, is_slice) in [(1, false), (1023, false), (1024, true)] {
        let part = part(length);
        let Ok(Message::Return(Some(Value::Bytes(bytes)))) = Message::decode(part.clone().into(), &LIMITS)
        else {
            panic!("{length}")
        };
        assert_eq!(part.as_ptr_range().contains(&bytes.as_ptr()), is_slice, "{length}");
    }
}

/// `bool(value)` of each in Python.
#[test]
fn falsy_values_are_pythons() {
    let zeros =
        [Value::from(0), 0.0.into(), (-0.0).into(), false.into(), ().into(), "".into(), Bytes::new().into()];
    let empty = [Value::List(vec![]), Value::Map(vec![])];
    for value in zeros.iter().chain(&empty) {
        assert!(is_falsy(value), "{value}");
    }
    let others = [Value::from(1), f64::NAN.into(), 5e-324.into(), true.into(), " ".into(), vec![0_u8].into()];
    let contents = [Value::List(vec![Value::Null]), Value::from([("", ())]), u8_array(&[0]).into()];
    for value in others.iter().chain(&contents) {
        assert!(!is_falsy(value), "{value}");
    }
}
