//! What the real VidGear puts on the wire, recorded by `data/vidgear/capture.py`: each message is read for what it
//! is, and what this crate writes for the same is the same to the last byte.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeMap, fs, path::Path};

use bytes::Bytes;
use netgear_proto::{
    DType, Frame, LimitExceeded, Limits, Mode, Multipart, NdArray, NdArrayError, Part, Value,
    vidgear::{ArrayError, CLIENT_ID, DecodeError, EncodeError, FrameMessage, Message, MsgpackError},
};

const LIMITS: Limits = Limits::DEFAULT;

/// The parts of a message in a file of the recording: each behind its length in four bytes, big-endian.
fn parts_of(mut file: &[u8]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    while let Some((length, rest)) = file.split_first_chunk() {
        let (part, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        parts.push(Bytes::copy_from_slice(part));
        file = rest;
    }
    assert!(file.is_empty());
    parts
}

/// Every message of the recording by its name. A published crate has none.
fn recording() -> BTreeMap<String, Vec<Bytes>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/vidgear/messages");
    let mut messages = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        messages.insert(name, parts_of(&fs::read(path).unwrap()));
    }
    messages
}

/// What a message of the recording should be.
enum Expected {
    /// This, and it is written in the same way.
    Same(Message),
    /// This; it is written in another way, which says the same.
    Read(Message),
    /// This; and it cannot be sent to a Python that would not read it.
    NotWritten(Message, EncodeError),
    /// An error.
    Refused(DecodeError),
}

use Expected::{NotWritten, Read, Refused, Same};

fn list<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    values.into_iter().collect()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(Value::Null, |inner, _| Value::List(vec![inner]))
}

fn repeated(byte: u8, lengths: &[usize], make: impl Fn(Vec<u8>) -> Value) -> Value {
    lengths.iter().map(|&length| make(vec![byte; length])).collect()
}

/// The data of `capture.py`, under the same names.
fn data() -> Vec<(&'static str, Value)> {
    let text = |bytes| Value::Str(String::from_utf8(bytes).unwrap());
    let map = |length: i32| Value::Map((0..length).map(|n| (format!("{n:02}").into(), n.into())).collect());
    vec![
        ("true", true.into()),
        ("false", false.into()),
        ("zero", 0.into()),
        ("int", 300.into()),
        ("u64-max", u64::MAX.into()),
        ("i64-min", i64::MIN.into()),
        (
            "integers",
            list::<i128>([
                0,
                1,
                127,
                128,
                255,
                256,
                65_535,
                65_536,
                (1 << 32) - 1,
                1 << 32,
                (1 << 63) - 1,
                1 << 63,
                (1 << 64) - 1,
                -1,
                -32,
                -33,
                -128,
                -129,
                -32_768,
                -32_769,
                -(1 << 31),
                -(1 << 31) - 1,
                -(1 << 63),
            ]),
        ),
        ("float", 1.5.into()),
        ("floats", list([0.0, -0.0, 0.1, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e308, 5e-324])),
        ("text", "Grüße, \0 und 😀".into()),
        ("empty-text", "".into()),
        ("texts", repeated(b'x', &[0, 1, 31, 32, 255, 256], text)),
        ("bytes", vec![0x00, 0xff, 0xc1].into()),
        ("empty-bytes", Bytes::new().into()),
        ("many-bytes", repeated(b'x', &[0, 1, 31, 32, 255, 256, 1023, 1024], Value::from)),
        (
            "list",
            list([
                Value::Null,
                true.into(),
                1.into(),
                1.5.into(),
                "a".into(),
                b"a".to_vec().into(),
                list([Value::from(2), list([3])]),
                [("b", 4)].into(),
            ]),
        ),
        ("tuple", list([Value::from(1), list([2, 3])])),
        ("lists", [0, 1, 15, 16].into_iter().map(|length| list(vec![0; length])).collect()),
        ("empty-list", Value::List(vec![])),
        (
            "map",
            Value::from([
                (Value::from("a"), Value::from(1)),
                ("ä".into(), [("b", list([1, 2]))].into()),
                (b"a".to_vec().into(), Value::Null),
                ("".into(), "".into()),
                (Bytes::new().into(), Bytes::new().into()),
            ]),
        ),
        ("maps", [0, 1, 15, 16].into_iter().map(map).collect()),
        ("empty-map", Value::Map(vec![])),
        (
            "map-any-key",
            // Python takes True for 1, and keeps the first key with the last value.
            Value::from([
                (Value::from(1), "d"),
                (Value::Null, "b"),
                (1.5.into(), "c"),
                (list([Value::from(1), list([2])]), "e"),
                ((-1).into(), "f"),
            ]),
        ),
        ("nested-64", nested(64)),
        ("bytearray", b"ab".to_vec().into()),
        ("ordered-map", [("b", 2), ("a", 1)].into_iter().map(|(key, n)| (key, 3 - n)).collect()),
        ("numpy-float", 1.5.into()),
    ]
}

/// 0, 1, 2, ... as `capture.py` has them, little-endian; 0, 1, 0, 1, ... in bool.
fn array(shape: &[usize], dtype: DType) -> NdArray {
    let mut elements = Vec::new();
    for number in 0..shape.iter().product::<usize>() as u8 {
        let (integer, real) = ([number, 0, 0, 0, 0, 0, 0, 0], f32::from(number));
        match dtype {
            DType::Bool => elements.push(number % 2),
            // 0 to 12 in 16 bits: a number of 11 bits, written in the upper part of an f32's.
            DType::F16 => elements.extend(half(number).to_le_bytes()),
            DType::F32 => elements.extend(real.to_le_bytes()),
            DType::F64 => elements.extend(f64::from(real).to_le_bytes()),
            DType::Complex64 => elements.extend([real.to_le_bytes(), [0; 4]].concat()),
            DType::Complex128 => elements.extend([f64::from(real).to_le_bytes(), [0; 8]].concat()),
            _ => elements.extend(&integer[..dtype.byte_len()]),
        }
    }
    NdArray::new(elements, shape, dtype).unwrap()
}

/// A small number as an IEEE 754 half.
fn half(number: u8) -> u16 {
    if number == 0 {
        return 0;
    }
    let exponent = number.ilog2() as u16;
    let mantissa = (u16::from(number) << (10 - exponent)) & 0x3ff;
    ((exponent + 15) << 10) | mantissa
}

fn picture(shape: &[usize], dtype: DType) -> Frame {
    array(shape, dtype).into_frame().unwrap()
}

const NAMES: [(&str, DType); 14] = [
    ("b1", DType::Bool),
    ("u1", DType::U8),
    ("u2", DType::U16),
    ("u4", DType::U32),
    ("u8", DType::U64),
    ("i1", DType::I8),
    ("i2", DType::I16),
    ("i4", DType::I32),
    ("i8", DType::I64),
    ("f2", DType::F16),
    ("f4", DType::F32),
    ("f8", DType::F64),
    ("c8", DType::Complex64),
    ("c16", DType::Complex128),
];

fn frame(frame: Frame, data: Option<Value>) -> Message {
    Message::Frame(FrameMessage { mode: Mode::Bidirectional, frame, data })
}

fn returned(value: impl Into<Value>) -> Message {
    Message::Return(Some(value.into()))
}

fn expected() -> BTreeMap<String, Expected> {
    let mut all: BTreeMap<String, Expected> = BTreeMap::new();
    expect_data(&mut all);
    expect_frames(&mut all);
    expect_arrays(&mut all);
    let bgr = picture(&[2, 3, 3], DType::U8);
    let unidirectional = FrameMessage { mode: Mode::Unidirectional, frame: bgr, data: None };
    all.insert("frame-unidirectional".into(), Same(Message::Frame(unidirectional)));
    all.insert("acknowledgement".into(), Same(Message::Acknowledgement));
    all.insert("terminate".into(), Same(Message::Terminate));
    all.insert("terminated".into(), Same(Message::Terminated));
    all
}

fn expect_data(all: &mut BTreeMap<String, Expected>) {
    let bgr = || picture(&[2, 3, 3], DType::U8);
    for (name, value) in data() {
        let with_frame = frame(bgr(), Some(value.clone()).filter(|value| value.as_str() != Some("")));
        let answer = Message::Return(Some(value));
        let key = || EncodeError::Key { key: 1.into() };
        let (with_frame, answer) = match name {
            "map-any-key" => (NotWritten(with_frame, key()), NotWritten(answer, key())),
            // The name of the Python type is another than that of what arrives.
            "tuple" | "bytearray" | "ordered-map" | "numpy-float" => (Same(with_frame), Read(answer)),
            _ => (Same(with_frame), Same(answer)),
        };
        all.insert(format!("frame-data-{name}"), with_frame);
        all.insert(format!("return-{name}"), answer);
    }
    all.insert("frame-data-none".into(), Same(frame(bgr(), None)));
    all.insert("return-none".into(), Same(Message::Return(None)));
    let limit = LimitExceeded::Depth { limit: 64 };
    for (name, frame_offset, error) in [
        ("extension", 26, MsgpackError::Extension { offset: 0, number: 5 }),
        ("timestamp", 26, MsgpackError::Extension { offset: 1, number: -1 }),
        ("nested-65", 26, MsgpackError::Limit { offset: 64, source: limit }),
    ] {
        // The type's name stands before the data: `ExtType`, or `list`.
        let return_offset = 26 + if name == "extension" { 7 } else { 4 };
        let at = |start: usize| match error.clone() {
            MsgpackError::Extension { offset, number } => {
                MsgpackError::Extension { offset: start + offset, number }
            }
            MsgpackError::Limit { offset, source } => MsgpackError::Limit { offset: start + offset, source },
            other => panic!("{other}"),
        };
        all.insert(format!("frame-data-{name}"), Refused(DecodeError::Header(at(frame_offset))));
        all.insert(format!("return-{name}"), Refused(DecodeError::Header(at(return_offset))));
    }
}

fn expect_frames(all: &mut BTreeMap<String, Expected>) {
    let mut expect = |name: &str, expected| all.insert(format!("frame-{name}"), expected);
    for (name, dtype) in NAMES.into_iter().filter(|(_, dtype)| dtype.element_type().is_some()) {
        for (sides, shape) in [("2x3", &[2, 3][..]), ("2x3x3", &[2, 3, 3]), ("2x3x4", &[2, 3, 4])] {
            expect(&format!("{name}-{sides}"), Same(frame(picture(shape, dtype), None)));
        }
    }
    expect("u1-2x3x1", Read(frame(picture(&[2, 3], DType::U8), None)));
    expect("u1-2x3x2", Same(frame(picture(&[2, 3, 2], DType::U8), None)));
    expect("u1-2x3x5", Same(frame(picture(&[2, 3, 5], DType::U8), None)));
    expect("big-endian-u2", Read(frame(picture(&[2, 3], DType::U16), None)));
    let row: Vec<u8> = (0..1920_u32).map(|number| number as u8).collect();
    expect("480p-row", Same(frame(Frame::bgr8(640, 1, row).unwrap(), None)));
    expect("not-contiguous", Same(frame(every_other(), None)));
    for (name, array) in [
        ("1d", "3 u8"),
        ("4d", "1×2×3×2 u8"),
        ("no-pixels", "2×0×3 u8"),
        ("b1", "2×3 bool"),
        ("i8", "2×3 i64"),
        ("f2", "2×3 f16"),
    ] {
        expect(name, Refused(DecodeError::NoPicture { array: array.into() }));
    }
    expect("objects", Refused(DecodeError::Array(ArrayError::Pickle)));
    expect("structured", Refused(DecodeError::Array(ArrayError::Structured)));
}

/// Of an array of 4×6×3, every other row and pixel.
fn every_other() -> Frame {
    let pixels: Vec<u8> = [0, 6, 12, 36, 42, 48].into_iter().flat_map(|first| first..first + 3).collect();
    Frame::bgr8(3, 2, pixels).unwrap()
}

fn expect_arrays(all: &mut BTreeMap<String, Expected>) {
    let mut expect = |name: &str, expected| all.insert(format!("return-array-{name}"), expected);
    for (name, dtype) in NAMES {
        expect(&format!("{name}-1d"), Same(returned(array(&[3], dtype))));
        for shape in [&[2, 3][..], &[2, 3, 2]] {
            let found = array(shape, dtype);
            let value = found.into_frame().map_or_else(Value::Array, Value::Frame);
            expect(&format!("{name}-{}d", shape.len()), Same(returned(value)));
        }
        expect(&format!("{name}-4d"), Same(returned(array(&[1, 2, 3, 2], dtype))));
        if dtype.byte_len() > 1 {
            let value = array(&[2, 3], dtype).into_frame().map_or_else(Value::Array, Value::Frame);
            expect(&format!("big-endian-{name}"), Read(returned(value)));
        }
    }
    expect("0d", Same(returned(NdArray::new(3.5_f64.to_le_bytes().to_vec(), &[], DType::F64).unwrap())));
    expect("5d", Same(returned(array(&[1, 2, 1, 2, 1], DType::U8))));
    expect("32d", Same(returned(array(&[1; 32], DType::U8))));
    expect("no-elements", Same(returned(array(&[0, 3], DType::F64))));
    expect("no-pixels", Same(returned(array(&[2, 3, 0], DType::U8))));
    expect("one-channel", Same(returned(array(&[2, 3, 1], DType::U8))));
    expect("bgr", Same(returned(picture(&[2, 3, 3], DType::U8))));
    expect("bgra-u16", Same(returned(picture(&[2, 3, 4], DType::U16))));
    expect("five-channels", Same(returned(array(&[2, 3, 5], DType::U8))));
    expect("not-contiguous", Same(returned(every_other())));
    expect("fortran", Same(returned(picture(&[2, 3], DType::I32))));
    // Its type is `matrix`, and VidGear's own sender does not know it.
    expect("matrix", Read(returned(array(&[2, 3], DType::I64))));
    let mut refuse = |name, error| expect(name, Refused(DecodeError::Array(error)));
    refuse("33d", NdArrayError::Dimensions { found: 33 }.into());
    // msgpack_numpy writes the numbers beneath the mask as an array within the array.
    let (what, expected) = ("a map", "bytes");
    refuse("masked", MsgpackError::Type { offset: 39, what, expected }.into());
    refuse("objects", ArrayError::Pickle);
    refuse("structured", ArrayError::Structured);
    refuse("void", ArrayError::Structured);
    for (name, dtype) in [("texts", "<U3"), ("byte-strings", "|S3"), ("f16", "<f16"), ("c32", "<c32")] {
        refuse(name, ArrayError::DType { dtype: dtype.into() });
    }
}

/// Equal to the last bit, NaN included: NaN differs from itself, and its text does not.
fn same(a: &Message, b: &Message) -> bool {
    let data = |message: &Message| match message {
        Message::Frame(message) => message.data.clone(),
        Message::Return(data) => data.clone(),
        _ => None,
    };
    let is_nan = |message| data(message).is_some_and(|data| data.to_string().contains("NaN"));
    a == b || (is_nan(a) && is_nan(b) && format!("{a:?}") == format!("{b:?}"))
}

/// The name that the recorded receiver had, in place of ours.
fn with_the_name_of_the_recorded(message: Multipart) -> Vec<Bytes> {
    let renamed = |part: Part| {
        let part = part.into_bytes();
        let name = CLIENT_ID.as_bytes();
        match part.windows(name.len()).position(|window| window == name) {
            Some(at) => [&part[..at], b"PYTHON01", &part[at + name.len()..]].concat().into(),
            None => part,
        }
    };
    message.into_parts().into_iter().map(renamed).collect()
}

#[test]
fn what_vidgear_sends_is_read_and_written_in_the_same_way() {
    let recording = recording();
    let expected = expected();
    if recording.is_empty() {
        return;
    }
    assert_eq!(recording.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, expected) in expected {
        let recorded = &recording[&name];
        let decoded = Message::decode(recorded.clone().into(), &LIMITS);
        let encode = |message: Message| message.encode(&LIMITS);
        match expected {
            Same(message) => {
                assert!(decoded.as_ref().is_ok_and(|found| same(found, &message)), "{name}: {decoded:?}");
                assert_eq!(&with_the_name_of_the_recorded(encode(message).unwrap()), recorded, "{name}");
            }
            Read(message) => {
                assert_eq!(decoded.as_ref(), Ok(&message), "{name}");
                let again = Message::decode(encode(message.clone()).unwrap(), &LIMITS);
                assert_eq!(again, Ok(message), "{name}");
            }
            NotWritten(message, error) => {
                assert_eq!(decoded.as_ref(), Ok(&message), "{name}");
                assert_eq!(encode(message), Err(error), "{name}");
            }
            Refused(error) => assert_eq!(decoded, Err(error), "{name}"),
        }
    }
}

/// The examples of docs/vidgear-wire.md, which is no part of the published crate, are recorded messages.
#[test]
fn docs_vidgear_wire_md_shows_recorded_bytes() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/vidgear-wire.md");
    let Ok(page) = fs::read_to_string(page) else { return };
    let recording = recording();
    let mut examples = 0;
    for block in page.split("```").skip(1).step_by(2) {
        let (name, lines) = block.strip_prefix("text\n# ").unwrap().split_once('\n').unwrap();
        let mut parts: Vec<Vec<u8>> = Vec::new();
        for line in lines.lines() {
            // What follows the semicolon explains the bytes.
            let hex = line.split(';').next().unwrap();
            let hex = hex.split_once(':').map_or(hex, |(_, hex)| {
                parts.push(Vec::new());
                hex
            });
            let bytes = hex.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap());
            parts.last_mut().unwrap().extend(bytes);
        }
        assert_eq!(recording[name], parts, "{name}");
        examples += 1;
    }
    assert_eq!(examples, 2);
}

/// The elements of the array in a message.
fn elements(message: &Message) -> Option<Bytes> {
    match message {
        Message::Frame(message) => Some(message.frame.pixels().clone()),
        Message::Return(Some(data)) => Some(data.to_array()?.into_elements()),
        _ => None,
    }
}

#[test]
fn no_element_of_an_array_is_copied() {
    for (name, recorded) in recording() {
        let Ok(message) = Message::decode(recorded.clone().into(), &LIMITS) else { continue };
        let Some(elements) = elements(&message).filter(|elements| !elements.is_empty()) else { continue };
        let is_in_the_part = recorded[1].as_ptr_range().contains(&elements.as_ptr());
        assert_eq!(is_in_the_part, !name.contains("big-endian"), "{name}");
        let Ok(encoded) = message.encode(&LIMITS) else { continue };
        assert_eq!(encoded.parts()[1].pieces()[1].as_ptr(), elements.as_ptr(), "{name}");
    }
}

#[test]
fn what_is_cut_short_is_an_error_at_every_byte() {
    for (name, recorded) in recording() {
        for (index, part) in recorded.iter().enumerate() {
            for end in 0..part.len() {
                let mut cut = recorded.clone();
                cut[index].truncate(end);
                let error = Message::decode(cut.into(), &LIMITS).unwrap_err();
                assert_eq!(
                    error == DecodeError::Empty,
                    (index, end) == (0, 0),
                    "{name}, {index}, {end}: {error}"
                );
            }
            let rest = recorded[..index].to_vec();
            assert!(Message::decode(rest.into(), &LIMITS).is_err(), "{name} with {index} parts");
        }
    }
}

#[test]
fn parts_and_bytes_behind_the_end_are_an_error() {
    for (name, recorded) in recording() {
        let mut longer = recorded.clone();
        longer.push(Bytes::new());
        assert!(Message::decode(longer.into(), &LIMITS).is_err(), "{name}");
        for index in 0..recorded.len() {
            let mut longer = recorded.clone();
            longer[index] = [&recorded[index][..], &[0xc0]].concat().into();
            assert!(Message::decode(longer.into(), &LIMITS).is_err(), "{name}");
        }
    }
}

/// Reads a message and, if it is one, writes it and reads that.
fn there_and_back(what: &str, message: Multipart) {
    let Ok(message) = Message::decode(message, &LIMITS) else { return };
    let Ok(encoded) = message.clone().encode(&LIMITS) else { return };
    let again = Message::decode(encoded, &LIMITS).unwrap();
    assert!(same(&again, &message), "{what}: {again:?} and not {message:?}");
}

#[test]
fn any_byte_may_change_and_what_comes_is_a_message_or_an_error() {
    let mut changes: Vec<u8> = (0..8).map(|bit| 1 << bit).collect();
    // And what each kind of value begins with.
    let kinds = [
        0x00, 0x80, 0x90, 0xa0, 0xc0, 0xc1, 0xc2, 0xc4, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcf, 0xd3, 0xd4, 0xd9,
        0xdb, 0xdd, 0xdf, 0xff,
    ];
    for (name, recorded) in recording() {
        for (index, part) in recorded.iter().enumerate() {
            // Behind that there are but more pixels, texts and bytes.
            for at in 0..part.len().min(300) {
                let original = part[at];
                changes.truncate(8);
                changes.extend(kinds.map(|kind| kind ^ original));
                for change in changes.iter().filter(|change| **change != 0) {
                    let mut bytes = part.to_vec();
                    bytes[at] ^= change;
                    let mut changed = recorded.clone();
                    changed[index] = bytes.into();
                    there_and_back(
                        &format!("{name}, part {index}, byte {at} ^ {change:#04x}"),
                        changed.into(),
                    );
                }
            }
        }
    }
}
