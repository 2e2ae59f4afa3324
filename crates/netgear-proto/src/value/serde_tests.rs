use alloc::{boxed::Box, collections::BTreeMap, string::String, string::ToString, vec, vec::Vec};
use core::{fmt::Debug, net::Ipv4Addr};

use proptest::prelude::*;
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};

use super::*;
use crate::{DType, ElementType, PixelFormat, Shape};

fn u16_frame() -> Frame {
    let shape = Shape::new(1, 2, 1).unwrap();
    Frame::new(vec![1, 2, 3, 4], shape, ElementType::U16, PixelFormat::Gray).unwrap()
}

/// 2 × 1 × 2 numbers, which make no picture.
fn array() -> NdArray {
    NdArray::new(vec![7; 32], &[2, 1, 2], DType::I64).unwrap()
}

fn both_ways<T: Serialize + DeserializeOwned + PartialEq + Debug>(data: T, value: Value) {
    assert_eq!(Value::from_serde(&data).as_ref(), Ok(&value));
    assert_eq!(value.deserialize::<T>(), Ok(data));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Unit;
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Meters(f64);
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Pair(u8, String);
#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Struct {
    field: Option<i8>,
    unit: (),
}
#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Enum {
    Unit,
    Newtype(u8),
    Tuple(u8, u8),
    Struct { field: bool },
}

#[test]
fn every_kind_of_type_goes_both_ways() {
    let one = || Value::Int(1);
    both_ways((), Value::Null);
    both_ways(true, Value::Bool(true));
    both_ways(i8::MIN, Value::Int(-128));
    both_ways(i16::MIN, Value::from(i16::MIN));
    both_ways(i32::MIN, Value::from(i32::MIN));
    both_ways(i64::MIN, Value::from(i64::MIN));
    both_ways(i128::MIN, Value::Int(i128::MIN));
    both_ways(u8::MAX, Value::Int(255));
    both_ways(u16::MAX, Value::from(u16::MAX));
    both_ways(u32::MAX, Value::from(u32::MAX));
    both_ways(u64::MAX, Value::from(u64::MAX));
    both_ways(i128::MAX as u128, Value::Int(i128::MAX));
    both_ways(0.1_f32, Value::Float(f64::from(0.1_f32)));
    both_ways(f64::NEG_INFINITY, Value::Float(f64::NEG_INFINITY));
    both_ways('é', Value::from("é"));
    both_ways(String::new(), Value::from(""));
    both_ways(vec![1_u8], Value::List(vec![one()]));
    both_ways((1, "a".to_string()), Value::List(vec![one(), "a".into()]));
    both_ways([1, 1], Value::List(vec![one(), one()]));
    both_ways(BTreeMap::from([(-1, 'a'), (2, 'b')]), Value::from([(-1, "a"), (2, "b")]));
    both_ways(BTreeMap::from([((1, true), ())]), Value::from([(Value::List(vec![one(), true.into()]), ())]));
    both_ways(None::<u8>, Value::Null);
    both_ways(Some(1), one());
    both_ways(Unit, Value::Null);
    both_ways(Meters(1.5), Value::Float(1.5));
    both_ways(Pair(1, "a".into()), Value::List(vec![one(), "a".into()]));
    both_ways(Struct { field: None, unit: () }, Value::from([("field", Value::Null), ("unit", Value::Null)]));
    both_ways(Enum::Unit, Value::from("Unit"));
    both_ways(Enum::Newtype(1), Value::from([("Newtype", 1)]));
    both_ways(Enum::Tuple(1, 1), Value::from([("Tuple", Value::List(vec![one(), one()]))]));
    both_ways(Enum::Struct { field: true }, Value::from([("Struct", Value::from([("field", true)]))]));
    both_ways(Ipv4Addr::LOCALHOST, Value::from("127.0.0.1"));
    both_ways(u16_frame(), Value::Frame(u16_frame()));
    both_ways(array(), Value::Array(array()));
}

#[test]
fn nested_options_collapse() {
    let value = Value::from_serde(&Some(None::<u8>)).unwrap();
    assert_eq!(value, Value::Null);
    assert_eq!(value.deserialize::<Option<Option<u8>>>(), Ok(None));
}

#[test]
fn text_and_bytes_can_be_borrowed() {
    let value = Value::from([("text", Value::from("abc")), ("bytes", Value::from(vec![1_u8, 2]))]);
    let borrowed: BTreeMap<&str, serde::de::IgnoredAny> = value.deserialize().unwrap();
    assert_eq!(
        borrowed.keys().next_back().unwrap().as_ptr(),
        value.as_map().unwrap()[0].0.as_str().unwrap().as_ptr()
    );
    let bytes: &[u8] = value.get("bytes").unwrap().deserialize().unwrap();
    assert_eq!(bytes.as_ptr(), value.get("bytes").unwrap().as_bytes().unwrap().as_ptr());
}

#[test]
fn bytes_serve_as_a_list_of_u8() {
    let value = Value::from(vec![1_u8, 2, 3]);
    assert_eq!(value.deserialize::<Vec<u8>>(), Ok(vec![1, 2, 3]));
    assert_eq!(value.deserialize::<[u8; 3]>(), Ok([1, 2, 3]));
    assert!(value.deserialize::<[u8; 2]>().is_err());
}

#[test]
fn bytes_of_a_type_are_bytes() {
    struct Blob;
    impl Serialize for Blob {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(b"abc")
        }
    }
    assert_eq!(Value::from_serde(&Blob), Ok(Value::Bytes("abc".into())));
}

#[test]
fn whole_numbers_serve_as_floats_and_never_the_other_way() {
    assert_eq!(Value::from(12).deserialize::<f64>(), Ok(12.0));
    assert!(Value::from(12.0).deserialize::<i64>().is_err());
    assert!(Value::from(256).deserialize::<u8>().is_err());
    assert!(Value::from(-1).deserialize::<u64>().is_err());
}

#[test]
fn a_number_beyond_i128_is_an_error() {
    let value = i128::MAX as u128 + 1;
    assert_eq!(Value::from_serde(&value), Err(FromSerdeError::TooLarge { value }));
}

#[test]
fn an_error_says_where() {
    #[derive(Deserialize, Debug)]
    #[expect(dead_code, reason = "only its errors are looked at")]
    struct Outer {
        list: Vec<BTreeMap<i32, Enum>>,
    }
    let inner = Value::from([(7, Value::from([("Tuple", Value::List(vec![1.into(), "x".into()]))]))]);
    let value = Value::from([("list", Value::List(vec![Value::Map(Vec::new()), inner]))]);
    let error = value.deserialize::<Outer>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the data does not fit the type asked for: at .list[1][7].Tuple[1]: invalid type: string \"x\", expected u8"
    );
    assert_eq!(
        Value::Null.deserialize::<u8>().unwrap_err().to_string(),
        "the data does not fit the type asked for: invalid type: unit value, expected u8"
    );
}

#[test]
fn what_does_not_fit_is_an_error() {
    let list = Value::List(vec![1.into(), 2.into(), 3.into()]);
    assert_eq!(
        list.deserialize::<(u8, u8)>().unwrap_err().to_string(),
        "the data does not fit the type asked for: invalid length 3, expected a list of 2"
    );
    assert!(list.deserialize::<(u8, u8, u8, u8)>().is_err());
    assert!(Value::from([("Newtype", 1), ("Unit", 1)]).deserialize::<Enum>().is_err());
    assert!(Value::from([("Unit", 1)]).deserialize::<Enum>().is_err());
    assert!(Value::from("Newtype").deserialize::<Enum>().is_err());
    assert!(Value::from(1).deserialize::<Enum>().is_err());
    assert!(Value::from(u16_frame()).deserialize::<Enum>().is_err());
    assert!(Value::from(array()).deserialize::<Enum>().is_err());
    assert!(Value::from(array()).deserialize::<Vec<u8>>().is_err());
    assert!(Value::from(1).deserialize::<Frame>().is_err());
    assert!(Value::from(1).deserialize::<NdArray>().is_err());
    assert!(Value::from("ab").deserialize::<char>().is_err());
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Node {
    next: Option<Box<Node>>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Wrapper(Option<Box<Wrapper>>);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
enum Step {
    End,
    Next(Box<Step>),
}

fn nodes(count: usize) -> Node {
    (1..count).fold(Node { next: None }, |next, _| Node { next: Some(Box::new(next)) })
}

#[test]
fn depth_has_an_end_both_ways() {
    let deepest = Value::from_serde(&nodes(Value::MAX_DEPTH)).unwrap();
    assert_eq!(deepest.deserialize::<Node>(), Ok(nodes(Value::MAX_DEPTH)));
    assert_eq!(deepest.deserialize::<Value>().as_ref(), Ok(&deepest));

    let too_deep = Err(FromSerdeError::TooDeep { limit: 128 });
    assert_eq!(Value::from_serde(&nodes(Value::MAX_DEPTH + 1)), too_deep);
    assert_eq!(Value::from_serde(&nodes(3000)), too_deep);
    let steps = (0..Value::MAX_DEPTH + 1).fold(Step::End, |next, _| Step::Next(Box::new(next)));
    assert_eq!(Value::from_serde(&steps), too_deep);

    let deeper = Value::from([("next", deepest)]);
    assert_eq!(deeper.deserialize::<Node>(), Err(DeserializeError::TooDeep { limit: 128 }));
    assert_eq!(deeper.deserialize::<Value>(), Err(DeserializeError::TooDeep { limit: 128 }));
}

/// Such a type makes no value deeper, and every value but null would send it down for ever.
#[test]
fn a_type_that_wraps_itself_has_an_end_both_ways() {
    let wrappers = (0..3000).fold(Wrapper(None), |inner, _| Wrapper(Some(Box::new(inner))));
    assert_eq!(Value::from_serde(&wrappers), Err(FromSerdeError::TooDeep { limit: 128 }));
    assert_eq!(Value::from(1).deserialize::<Wrapper>(), Err(DeserializeError::TooDeep { limit: 128 }));
    assert_eq!(Value::Null.deserialize::<Wrapper>(), Ok(Wrapper(None)));
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Seen {
    frame: Frame,
    others: Vec<Option<Frame>>,
    arrays: Vec<Option<NdArray>>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
#[serde(untagged)]
enum Either {
    Frame(Frame),
    Array(NdArray),
    Text(String),
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Picture(Frame);

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Matrix(NdArray);

#[test]
fn a_frame_stays_a_frame_and_an_array_an_array_wherever_they_stand() {
    let (frame, array_value) = (Value::Frame(u16_frame()), Value::Array(array()));
    let deep = Value::from([("deep", frame.clone()), ("array", array_value.clone())]);
    let seen = Seen {
        frame: u16_frame(),
        others: vec![None, Some(u16_frame())],
        arrays: vec![Some(array()), None],
        rest: BTreeMap::from([("more".into(), deep.clone())]),
    };
    let value = Value::from([
        ("frame", frame.clone()),
        ("others", Value::List(vec![Value::Null, frame.clone()])),
        ("arrays", Value::List(vec![array_value.clone(), Value::Null])),
        ("more", deep),
    ]);
    both_ways(seen, value.clone());
    both_ways(value.clone(), value);
    both_ways(Either::Frame(u16_frame()), frame.clone());
    both_ways(Either::Text("a".into()), Value::from("a"));
    both_ways(Either::Array(array()), array_value.clone());
    both_ways(Picture(u16_frame()), frame);
    both_ways(Matrix(array()), array_value);
}

#[test]
fn a_frame_serves_as_an_array_and_an_array_as_a_frame_if_it_is_a_picture() {
    let as_array = NdArray::from(u16_frame());
    let (frame, picture) = (Value::from(u16_frame()), Value::from(as_array.clone()));
    assert_eq!(frame.deserialize::<NdArray>(), Ok(as_array.clone()));
    assert_eq!(picture.deserialize::<Frame>(), Ok(u16_frame()));
    let seen: Seen = Value::from([
        ("frame", picture.clone()),
        ("others", Value::List(vec![picture.clone()])),
        ("arrays", Value::List(vec![frame.clone()])),
    ])
    .deserialize()
    .unwrap();
    assert_eq!(
        (seen.frame, seen.others, seen.arrays),
        (u16_frame(), vec![Some(u16_frame())], vec![Some(as_array)])
    );

    let error = Value::from([("frame", array())]).deserialize::<BTreeMap<String, Frame>>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the data does not fit the type asked for: at .frame: an array of 2×1×2 i64 is no frame"
    );
    // Where serde buffers, too: the first type that the data fits is taken.
    assert_eq!(picture.deserialize::<Either>(), Ok(Either::Frame(u16_frame())));
    assert_eq!(Value::from(array()).deserialize::<Either>(), Ok(Either::Array(array())));
    // A type that takes any value gets what there is.
    assert_eq!(picture.deserialize::<Value>().as_ref(), Ok(&picture));
    let json = serde_json::to_string(&frame).unwrap();
    assert_eq!(serde_json::from_str::<NdArray>(&json).unwrap(), NdArray::from(u16_frame()));
    let json = serde_json::to_string(&picture).unwrap();
    assert_eq!(serde_json::from_str::<Frame>(&json).unwrap(), u16_frame());
}

#[test]
fn a_struct_with_the_fields_of_a_frame_can_be_read_from_one() {
    #[derive(Deserialize)]
    struct Size {
        width: u32,
        element_type: String,
    }
    let size: Size = Value::from(u16_frame()).deserialize().unwrap();
    assert_eq!((size.width, size.element_type.as_str()), (2, "U16"));
}

#[test]
fn a_struct_with_the_fields_of_an_array_can_be_read_from_one() {
    #[derive(Deserialize)]
    struct Layout<'a> {
        shape: [u8; 3],
        dtype: Option<String>,
        elements: &'a [u8],
    }
    let value = Value::from(array());
    let layout: Layout<'_> = value.deserialize().unwrap();
    assert_eq!((layout.shape, layout.dtype.as_deref()), ([2, 1, 2], Some("I64")));
    assert_eq!(layout.elements.as_ptr(), value.as_array().unwrap().elements().as_ptr());
}

#[test]
fn an_array_in_json_is_a_struct_and_is_checked() {
    let array = NdArray::new(vec![1, 2, 3, 4], &[2, 1], DType::F16).unwrap();
    let json = r#"{"shape":[2,1],"dtype":"F16","elements":[1,2,3,4]}"#;
    assert_eq!(serde_json::to_string(&array).unwrap(), json);
    assert_eq!(serde_json::to_string(&Value::from(array.clone())).unwrap(), json);
    assert_eq!(serde_json::from_str::<NdArray>(json).unwrap(), array);
    for (from, to, why) in [
        ("[2,1]", "[2,2]", "takes 8 bytes, and 4 were given"),
        ("[2,1]", "[18446744073709551615,2]", "larger than memory"),
        ("[2,1]", &alloc::format!("{:?}", [1; 33]), "33 dimensions"),
        ("[2,1]", "[-1]", "invalid value: integer `-1`"),
        ("F16", "F17", "unknown variant `F17`"),
        ("[1,2,3,4]", "[1,2,3,256]", "invalid value: integer `256`"),
        ("\"shape\":[2,1],", "", "missing field `shape`"),
        ("\"dtype\"", "\"type\"", "missing field `dtype`"),
        ("\"elements\"", "\"pixels\"", "missing field `elements`"),
    ] {
        let error = serde_json::from_str::<NdArray>(&json.replace(from, to)).unwrap_err();
        assert!(error.to_string().contains(why), "{to}: {error}");
    }
    // Without an array's type to say so, it is a map like others.
    let map: Value = serde_json::from_str(json).unwrap();
    assert_eq!(map.get("dtype"), Some(&Value::from("F16")));
    assert_eq!(map.deserialize::<NdArray>(), Ok(array));
}

#[test]
fn formats_without_names_read_the_fields_in_order() {
    let bytes = postcard::to_allocvec(&(array(), u16_frame())).unwrap();
    assert_eq!(postcard::from_bytes::<(NdArray, Frame)>(&bytes).unwrap(), (array(), u16_frame()));
}

#[test]
fn a_frame_in_json_is_a_struct_and_is_checked() {
    let json = r#"{"height":1,"width":2,"channels":1,"element_type":"U16","pixel_format":"Gray","pixels":[1,2,3,4]}"#;
    assert_eq!(serde_json::to_string(&u16_frame()).unwrap(), json);
    assert_eq!(serde_json::to_string(&Value::from(u16_frame())).unwrap(), json);
    assert_eq!(serde_json::from_str::<Frame>(json).unwrap(), u16_frame());
    for (from, to) in
        [("\"width\":2", "\"width\":3"), ("\"width\":2", "\"width\":0"), ("\"Gray\"", "\"Bgr\"")]
    {
        assert!(serde_json::from_str::<Frame>(&json.replace(from, to)).is_err(), "{to}");
    }
    // Without a frame's type to say so, it is a map like others.
    let map: Value = serde_json::from_str(json).unwrap();
    assert_eq!(map.get("width"), Some(&Value::Int(2)));
    assert_eq!(map.deserialize::<Frame>(), Ok(u16_frame()));
}

#[test]
fn json_comes_and_goes() {
    let json = r#"{"a":null,"b":[true,-1,18446744073709551615,1.5,"x"],"c":{}}"#;
    let value: Value = serde_json::from_str(json).unwrap();
    assert_eq!(value.get("b").unwrap().as_list().unwrap()[2], Value::from(u64::MAX));
    assert_eq!(serde_json::to_string(&value).unwrap(), json);
    assert_eq!(serde_json::to_string(&Value::from([(5, "five")])).unwrap(), r#"{"5":"five"}"#);
    assert!(serde_json::to_string(&Value::from([(Value::List(Vec::new()), 1)])).is_err());
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i128>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        any::<Vec<u8>>().prop_map(Value::from),
        Just(Value::from(u16_frame())),
        Just(Value::from(array())),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((inner.clone(), inner), 0..4).prop_map(Value::from),
        ]
    })
}

proptest! {
    #[test]
    fn a_value_is_itself_to_serde(value in any_value()) {
        prop_assert_eq!(Value::from_serde(&value), Ok(value.clone()));
        prop_assert_eq!(value.deserialize::<Value>(), Ok(value.clone()));
    }
}
