//! What crosses: frame n and value n, as content.py makes them too. Both ends know what must arrive, so that both can
//! compare every pixel and every value.

use std::{fmt, sync::OnceLock};

use bytes::Bytes;
use netgear_proto::{DType, ElementType, Frame, NdArray, PixelFormat, Shape, Value};

use crate::Result;

/// Each frame begins at another place in the noise.
const STEP: usize = 4104;
const ROOM: usize = 65536;
const LARGEST: usize = 1080 * 1920 * 3;

/// The lengths at which MessagePack changes how it writes a text.
const TEXT_LENGTHS: [usize; 7] = [1, 31, 32, 255, 256, 65535, 65536];

/// In the order of content.py.
const DTYPES: [DType; 14] = [
    DType::Bool,
    DType::U8,
    DType::U16,
    DType::U32,
    DType::U64,
    DType::I8,
    DType::I16,
    DType::I32,
    DType::I64,
    DType::F16,
    DType::F32,
    DType::F64,
    DType::Complex64,
    DType::Complex128,
];

/// In the order of content.py. A side of 1 is one that could be dropped or added unnoticed.
const ONE_SIDED: [&[usize]; 13] = [
    &[1],
    &[1, 1],
    &[1, 5],
    &[5, 1],
    &[4, 5, 1],
    &[4, 1, 3],
    &[1, 5, 3],
    &[1, 4, 5],
    &[1, 1, 1],
    &[1, 1, 3],
    &[4, 5, 1, 1],
    &[1, 4, 5, 3],
    &[1, 1, 1, 1],
];

/// Size, channels and elements of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameKind {
    /// For tables, and by which content.py knows it too.
    pub(crate) name: &'static str,
    height: u32,
    width: u32,
    channels: u16,
    element_type: ElementType,
}

impl FrameKind {
    /// Those of the matrix.
    pub(crate) const ALL: [Self; 5] = [
        Self::new("480p gray u8", 480, 640, 1, ElementType::U8),
        Self::new("720p BGR u8", 720, 1280, 3, ElementType::U8),
        Self::new("480p BGRA u8", 480, 640, 4, ElementType::U8),
        Self::new("480p gray u16", 480, 640, 1, ElementType::U16),
        Self::new("480p gray f32", 480, 640, 1, ElementType::F32),
    ];

    /// So small that the time goes into starting and ending, not into pixels.
    pub(crate) const SMALL: Self = Self::new("60p BGR u8", 60, 80, 3, ElementType::U8);

    const fn new(
        name: &'static str,
        height: u32,
        width: u32,
        channels: u16,
        element_type: ElementType,
    ) -> Self {
        Self { name, height, width, channels, element_type }
    }

    /// Frame `number`: random bits, so that floats are of every kind that there is.
    pub(crate) fn frame(self, number: usize) -> Result<Frame> {
        let shape = Shape::new(self.height, self.width, self.channels)?;
        let pixels = noise(number, shape.byte_len(self.element_type)?);
        Ok(Frame::new(pixels, shape, self.element_type, PixelFormat::from_channels(self.channels))?)
    }
}

/// What goes with frames, or comes back for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DataKind {
    Nothing,
    Text,
    Numbers,
    Nested,
    /// What Python takes for false. VidGear gives its user None in its place.
    Falsy,
    /// Maps with keys that VidGear can send but not receive.
    Keys,
    Arrays,
    /// Arrays with sides of 1.
    OneSided,
}

impl DataKind {
    /// Item `number` of this kind.
    pub(crate) fn value(self, number: usize) -> Result<Option<Value>> {
        Ok(Some(match self {
            Self::Nothing => return Ok(None),
            Self::Text => text(number).into(),
            Self::Numbers => a_number(number),
            Self::Nested => nested(number),
            Self::Falsy => {
                let falsy = falsy();
                falsy[number % falsy.len()].clone()
            }
            Self::Keys => keys(number),
            Self::Arrays => array(number)?.into(),
            Self::OneSided => one_sided(number)?.into(),
        }))
    }
}

/// As content.py calls them.
impl fmt::Display for DataKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Nothing => "none",
            Self::Text => "text",
            Self::Numbers => "numbers",
            Self::Nested => "nested",
            Self::Falsy => "falsy",
            Self::Keys => "keys",
            Self::Arrays => "arrays",
            Self::OneSided => "one-sided",
        })
    }
}

/// The value as bytes that are the same for equal values, and different for all others: 1 and 1.0 and true differ, as
/// do 0.0 and -0.0, while NaN is equal to itself. A frame is the array that it is for Python.
pub(crate) fn canonical(value: Option<&Value>) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value.unwrap_or(&Value::Null), &mut bytes);
    bytes
}

fn write(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(b'n'),
        Value::Bool(true) => to.push(b't'),
        Value::Bool(false) => to.push(b'f'),
        Value::Int(number) => to.extend_from_slice(format!("i{number};").as_bytes()),
        Value::Float(number) => {
            to.push(b'd');
            to.extend_from_slice(&number.to_be_bytes());
        }
        Value::Str(text) => {
            to.extend_from_slice(format!("s{}:", text.len()).as_bytes());
            to.extend_from_slice(text.as_bytes());
        }
        Value::Bytes(bytes) => {
            to.extend_from_slice(format!("b{}:", bytes.len()).as_bytes());
            to.extend_from_slice(bytes);
        }
        Value::List(items) => {
            to.push(b'l');
            items.iter().for_each(|item| write(item, to));
            to.push(b'e');
        }
        Value::Map(entries) => {
            to.push(b'm');
            for (key, item) in entries {
                write(key, to);
                write(item, to);
            }
            to.push(b'e');
        }
        Value::Frame(frame) => write_array(&NdArray::from(frame.clone()), to),
        Value::Array(array) => write_array(array, to),
    }
}

fn write_array(array: &NdArray, to: &mut Vec<u8>) {
    let sides: Vec<String> = array.shape().iter().map(usize::to_string).collect();
    to.extend_from_slice(format!("a{}({})", numpy_name(array.dtype()), sides.join(",")).as_bytes());
    to.extend_from_slice(array.elements());
}

fn numpy_name(dtype: DType) -> &'static str {
    match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::U16 => "<u2",
        DType::U32 => "<u4",
        DType::U64 => "<u8",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::I32 => "<i4",
        DType::I64 => "<i8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        DType::Complex64 => "<c8",
        DType::Complex128 => "<c16",
        _ => "a type that is new here",
    }
}

/// The number-th of a sequence of 64-bit numbers that look random (SplitMix64).
fn mix(number: u64) -> u64 {
    let mut z = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The same sequence as bytes, from a place on that is the frame's.
fn noise(number: usize, length: usize) -> Bytes {
    static NOISE: OnceLock<Bytes> = OnceLock::new();
    let noise =
        NOISE.get_or_init(|| (0..(LARGEST + ROOM) as u64 / 8).flat_map(|at| mix(at).to_le_bytes()).collect());
    let start = number * STEP % ROOM;
    noise.slice(start..start + length)
}

fn text(number: usize) -> String {
    match TEXT_LENGTHS.get(number % 10) {
        Some(&length) => char::from(b'a' + (number % 26) as u8).to_string().repeat(length),
        None => format!("№ {number}: \"grüße\",\t漢字, 🎥\0\n"),
    }
}

/// Never one that Python takes for false: those arrive as None.
fn a_number(number: usize) -> Value {
    if number % 3 == 2 {
        return Value::Int((mix(number as u64) | 1).into());
    }
    let numbers = numbers();
    numbers[number % numbers.len()].clone()
}

/// Where MessagePack changes how it writes a number, and the ends of what it can write.
fn numbers() -> Vec<Value> {
    let positive = [1, 127, 128, 255, 256, 65535, 65536];
    let powers = [(1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1];
    let negative =
        [-1, -32, -33, -128, -129, -(1 << 15), -(1 << 15) - 1, -(1 << 31), -(1 << 31) - 1, -(1 << 63)];
    let floats = [
        1.0,
        0.1,
        -2.5,
        1e300,
        f64::MAX,
        5e-324,
        i64::MIN as f64,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let integers = positive.into_iter().chain(powers).chain(negative).map(Value::Int);
    integers.chain([Value::Bool(true)]).chain(floats.map(Value::Float)).collect()
}

fn nested(number: usize) -> Value {
    if number % 5 == 4 {
        return Value::List(vec![nested(number + 1), Value::List(vec![]), number.into()]);
    }
    let deep = (0..number % 40).fold(Value::from(number), |deep, _| Value::List(vec![deep]));
    let numbers = (0..number % 20).map(|index| a_number(number + index)).collect();
    let entries =
        (0..number % 20).map(|index| (format!("entry {index}").into(), Value::from(index))).collect();
    let key = |value| Value::Map(vec![("key".into(), value)]);
    let list = vec![
        Value::Int(1),
        Value::List(vec![
            Value::Float(2.5),
            Value::List(vec![Value::Bool(true), Value::Null, "three".into()]),
        ]),
        key(Value::List(vec![key(Value::Map(vec![]))])),
    ];
    Value::Map(vec![
        ("text".into(), text(number).into()),
        ("number".into(), a_number(number)),
        ("none".into(), Value::Null),
        ("false".into(), Value::List(falsy().into())),
        ("list".into(), Value::List(list)),
        (Value::Bytes(Bytes::from_static(b"bytes \xff")), Value::Bytes(noise(number, number * 37 % 700))),
        ("numbers".into(), Value::List(numbers)),
        ("entries".into(), Value::Map(entries)),
        ("deep".into(), deep),
        ("".into(), "no key".into()),
    ])
}

fn falsy() -> [Value; 8] {
    [
        Value::Bool(false),
        Value::Int(0),
        Value::Float(0.0),
        Value::Float(-0.0),
        Value::from(""),
        Value::Bytes(Bytes::new()),
        Value::List(vec![]),
        Value::Map(vec![]),
    ]
}

fn keys(number: usize) -> Value {
    let bytes = |bytes| Value::Bytes(Bytes::from_static(bytes));
    let innermost = Value::Map(vec![(Value::Int(i64::MIN.into()), Value::List(vec![]))]);
    Value::Map(vec![
        ((number + 2).into(), "whole".into()),
        (Value::Int(-2 - number as i128), "negative".into()),
        (Value::Bool(true), "bool".into()),
        (Value::Null, "none".into()),
        (Value::Float(0.5), "float".into()),
        (Value::List(vec!["a".into(), Value::Int(1), Value::List(vec![bytes(b"b")])]), "tuple".into()),
        ("text".into(), Value::Map(vec![(u64::MAX.into(), innermost)])),
        (bytes(b"nd"), Value::Bool(true)),
        (bytes(b"type"), "|u1".into()),
        (bytes(b"kind"), bytes(b"")),
        (bytes(b"shape"), Value::List(vec![Value::Int(1)])),
        (bytes(b"data"), bytes(b"\x01")),
    ])
}

/// Arrays of every type of 1 to 4 dimensions, and then four as large as frames.
fn array(number: usize) -> Result<NdArray> {
    let at = number % (4 * DTYPES.len() + 4);
    let dimensions = 1 + at / DTYPES.len();
    if dimensions > 4 {
        return FrameKind::ALL[1].frame(number).map(NdArray::from);
    }
    let shape: Vec<usize> = (0..dimensions).map(|index| 2 + (number + 3 * index) % 5).collect();
    shaped(number, DTYPES[at % DTYPES.len()], &shape)
}

/// Arrays of every type with sides of 1.
fn one_sided(number: usize) -> Result<NdArray> {
    shaped(number, DTYPES[number % DTYPES.len()], ONE_SIDED[number % ONE_SIDED.len()])
}

/// An array of noise.
fn shaped(number: usize, dtype: DType, shape: &[usize]) -> Result<NdArray> {
    let elements = noise(number, NdArray::byte_len_of(shape, dtype)?);
    let elements = match dtype {
        DType::Bool => elements.iter().map(|byte| byte & 1).collect(),
        _ => elements,
    };
    Ok(NdArray::new(elements, shape, dtype)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_frames_show_every_number_and_every_type_of_array_in_each_dimension() {
        let shown: Vec<_> = (0..100).map(|number| canonical(Some(&a_number(number)))).collect();
        for number in numbers() {
            assert!(shown.contains(&canonical(Some(&number))), "{number}");
        }
        for dtype in DTYPES {
            for dimensions in 1..=4 {
                assert!(
                    (0..100)
                        .map(|n| array(n).unwrap())
                        .any(|array| { array.dtype() == dtype && array.shape().len() == dimensions }),
                    "{dtype}, {dimensions}"
                );
            }
        }
    }

    #[test]
    fn what_differs_to_python_differs_in_canonical_form() {
        let values = [
            Value::Null,
            Value::Bool(true),
            Value::Int(1),
            Value::Float(1.0),
            Value::from("1"),
            Value::Bytes(Bytes::from_static(b"1")),
            Value::List(vec![Value::Int(1)]),
            Value::Map(vec![(Value::Int(1), Value::Null)]),
            Value::Float(0.0),
            Value::Float(-0.0),
            Value::Array(NdArray::new(vec![1], &[1], DType::U8).unwrap()),
            Value::Array(NdArray::new(vec![1], &[1], DType::I8).unwrap()),
            Value::Array(NdArray::new(vec![1], &[1, 1], DType::U8).unwrap()),
        ];
        for (at, one) in values.iter().enumerate() {
            for other in &values[..at] {
                assert_ne!(canonical(Some(one)), canonical(Some(other)), "{one:?} {other:?}");
            }
        }
        assert_eq!(canonical(Some(&Value::Float(f64::NAN))), canonical(Some(&Value::Float(f64::NAN))));
    }

    #[test]
    fn the_noise_is_that_of_content_py() {
        assert_eq!(mix(0), 0xE220_A839_7B1D_CDAF);
        assert_eq!(&noise(0, 8)[..], &mix(0).to_le_bytes());
        assert_eq!(&noise(1, 8)[..], &mix(STEP as u64 / 8).to_le_bytes());
    }
}
