//! What Rust has, as a [`Value`].

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use bytes::Bytes;

use super::Value;
use crate::{Frame, NdArray};

macro_rules! from_integer {
    ($($integer:ty),*) => {$(
        impl From<$integer> for Value {
            fn from(value: $integer) -> Self {
                // An `as` loses nothing here, and `From` lacks the pointer-sized types.
                Self::Int(value as i128)
            }
        }
    )*};
}

from_integer!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, usize);

impl From<()> for Value {
    fn from((): ()) -> Self {
        Self::Null
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Str(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Str(text)
    }
}

impl From<Bytes> for Value {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

/// [`Value::Bytes`], without a copy.
impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<Frame> for Value {
    fn from(frame: Frame) -> Self {
        Self::Frame(frame)
    }
}

impl From<NdArray> for Value {
    fn from(array: NdArray) -> Self {
        Self::Array(array)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

impl From<Vec<(Value, Value)>> for Value {
    fn from(entries: Vec<(Value, Value)>) -> Self {
        Self::Map(entries)
    }
}

/// A [`Value::Map`] of these pairs, in this order.
impl<K: Into<Value>, V: Into<Value>, const N: usize> From<[(K, V); N]> for Value {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// `None` is [`Value::Null`].
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A [`Value::List`] of these values.
impl<T: Into<Value>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

/// A [`Value::Map`] of these pairs.
impl<K: Into<Value>, V: Into<Value>> FromIterator<(K, V)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    #[test]
    fn every_integer_keeps_its_value() {
        assert_eq!(Value::from(u64::MAX), Value::Int(18_446_744_073_709_551_615));
        assert_eq!(Value::from(i64::MIN), Value::Int(-9_223_372_036_854_775_808));
        assert_eq!(Value::from(usize::MAX).as_u64(), Some(usize::MAX as u64));
        assert_eq!(Value::from(i128::MIN), Value::Int(i128::MIN));
    }

    #[test]
    fn collections_keep_their_order() {
        assert_eq!(["b", "a"].into_iter().collect::<Value>(), Value::List(vec!["b".into(), "a".into()]));
        assert_eq!(Value::from([(2, "b"), (1, "a")]).to_string(), r#"{2: "b", 1: "a"}"#);
    }

    #[test]
    fn none_is_null() {
        assert_eq!(Value::from(None::<&str>), Value::Null);
        assert_eq!(Value::from(Some(1)), Value::Int(1));
    }

    #[test]
    fn a_vec_of_bytes_is_not_copied() {
        let bytes = vec![7; 2048];
        let address = bytes.as_ptr();
        assert_eq!(Value::from(bytes).as_bytes().unwrap().as_ptr(), address);
    }
}
