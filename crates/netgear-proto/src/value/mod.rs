mod conversions;
mod depth;
mod deserialize;
mod display;
mod fields_deserializer;
mod frame_and_array_serde;
mod serde_impls;
#[cfg(test)]
mod serde_tests;
mod serialize;

use alloc::{string::String, vec::Vec};

use bytes::Bytes;

pub use self::{deserialize::DeserializeError, serialize::FromSerdeError};
use crate::{Frame, NdArray};

/// Any data, self-describing: what travels with a frame, and what comes back.
///
/// A value is built by hand, from what Rust has (`Value::from(7)`), or from any serde type.
///
/// ```
/// use netgear_proto::Value;
///
/// let value = Value::from([("name", Value::from("front door")), ("detections", Value::from(2))]);
/// assert_eq!(value.get("detections").and_then(Value::as_u64), Some(2));
/// assert_eq!(value.to_string(), r#"{"name": "front door", "detections": 2}"#);
/// ```
///
/// Equality is that of the parts: floats compare as IEEE 754 has it, so NaN differs from NaN, and maps are equal if
/// their entries are equal in the same order.
///
/// A value is cloned and dropped by recursion. One that a peer sent is never deeper than [`Value::MAX_DEPTH`]; do not
/// build much deeper ones by hand.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing: `()`, `None`, Python's `None`.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number. Every `i64` and every `u64` is one.
    Int(i128),
    /// A 64-bit IEEE 754 float.
    Float(f64),
    /// Text.
    Str(String),
    /// Bytes. From 1 KiB on they travel as a part of their own, without a copy.
    Bytes(Bytes),
    /// Values in order.
    List(Vec<Value>),
    /// Pairs of key and value, in order. Any value may be a key, and nothing stops a key from standing there twice.
    Map(Vec<(Value, Value)>),
    /// A picture. Its pixels travel as a part of their own, without a copy.
    Frame(Frame),
    /// An array of numbers that need not be a picture. Its elements travel as a part of their own, without a copy.
    Array(NdArray),
}

// The limit on data counts a value with 64 bytes, so it must not take more.
const _: () = assert!(size_of::<Value>() <= 64);

impl Value {
    /// How deep lists and maps may stand in one another, in a value made of a serde type and in one from a peer.
    pub const MAX_DEPTH: usize = 128;

    /// Whether this is [`Value::Null`].
    pub const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The truth value, if this is one.
    pub const fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// The whole number, if this is one and an `i64` can hold it.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// The whole number, if this is one and a `u64` can hold it.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Self::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// The number, whole or not, as the nearest `f64`.
    pub const fn as_f64(&self) -> Option<f64> {
        match *self {
            Self::Float(value) => Some(value),
            Self::Int(value) => Some(value as f64),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, if these are some. A clone of them copies nothing.
    pub const fn as_bytes(&self) -> Option<&Bytes> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The values of a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(values) => Some(values),
            _ => None,
        }
    }

    /// The pairs of a map, in order.
    pub fn as_map(&self) -> Option<&[(Value, Value)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The frame, if this is one. A clone of it copies no pixels.
    pub const fn as_frame(&self) -> Option<&Frame> {
        match self {
            Self::Frame(frame) => Some(frame),
            _ => None,
        }
    }

    /// The array, if this is one. A clone of it copies no elements.
    pub const fn as_array(&self) -> Option<&NdArray> {
        match self {
            Self::Array(array) => Some(array),
            _ => None,
        }
    }

    /// The array, or the frame as one, as [`NdArray::from`] has it: for a reader to whom a picture is an array as
    /// good as any. The elements are shared, not copied.
    pub fn to_array(&self) -> Option<NdArray> {
        match self {
            Self::Array(array) => Some(array.clone()),
            Self::Frame(frame) => Some(frame.clone().into()),
            _ => None,
        }
    }

    /// What a map has under this text, the first if there are several; `None` for anything but a map.
    ///
    /// Keys of other types are found with [`Value::as_map`].
    pub fn get(&self, key: &str) -> Option<&Value> {
        let (_, value) = self.as_map()?.iter().find(|(found, _)| found.as_str() == Some(key))?;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::DType;

    #[test]
    fn whole_numbers_are_handed_out_only_where_they_fit() {
        assert_eq!(Value::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(Value::from(u64::MAX).as_i64(), None);
        assert_eq!(Value::from(-1).as_i64(), Some(-1));
        assert_eq!(Value::from(-1).as_u64(), None);
        assert_eq!(Value::from(-1).as_f64(), Some(-1.0));
        assert_eq!(Value::from(1.0).as_i64(), None);
    }

    #[test]
    fn get_finds_the_first_entry_under_a_text() {
        let value = Value::from([
            (Value::from(1), Value::from("by number")),
            (Value::from("a"), Value::from(1)),
            (Value::from("a"), Value::from(2)),
        ]);
        assert_eq!(value.get("a"), Some(&Value::Int(1)));
        assert_eq!(value.get("1"), None);
        assert_eq!(Value::Null.get("a"), None);
    }

    #[test]
    fn a_frame_is_an_array_too_without_a_copy() {
        let frame = Frame::bgr8(4, 2, vec![7; 24]).unwrap();
        let array = NdArray::new(vec![0; 6], &[6], DType::U8).unwrap();
        let seen = Value::from(frame.clone()).to_array().unwrap();
        assert_eq!((seen.shape(), seen.dtype()), ([2, 4, 3].as_slice(), DType::U8));
        assert_eq!(seen.elements().as_ptr(), frame.pixels().as_ptr());
        let shared = Value::from(array.clone()).to_array().unwrap();
        assert_eq!(shared.elements().as_ptr(), array.elements().as_ptr());
        assert_eq!(Value::from(array.clone()).as_array(), Some(&array));
        assert_eq!(Value::from(frame).as_array(), None);
        assert_eq!(Value::from(vec![0_u8; 6]).to_array(), None);
    }

    #[test]
    fn nan_differs_from_nan() {
        assert_ne!(Value::Float(f64::NAN), Value::Float(f64::NAN));
    }
}
