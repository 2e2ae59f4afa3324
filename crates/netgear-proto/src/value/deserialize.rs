//! A [`Value`] as any serde type.

use alloc::{
    format,
    string::{String, ToString},
};
use core::{fmt, slice};

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, Unexpected, VariantAccess,
        Visitor, value::SeqDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{Value, depth::Depth, fields_deserializer::FieldsDeserializer, frame_and_array_serde::Asked};

impl Value {
    /// What this value is as a type that serde can deserialize: the way back from [`Value::from_serde`].
    ///
    /// The type may borrow text and bytes from the value. Whole numbers serve where floats are asked for, and bytes
    /// where a list of `u8` is. So does a frame where an [`NdArray`](crate::NdArray) is asked for, and an array where
    /// a [`Frame`](crate::Frame) is, provided that it is a picture to
    /// [`NdArray::into_frame`](crate::NdArray::into_frame). Both get a copy of the pixels or elements;
    /// [`Value::as_frame`] and [`Value::to_array`] give them without one.
    ///
    /// ```
    /// use netgear_proto::Value;
    ///
    /// #[derive(serde::Deserialize)]
    /// struct Steering<'a> {
    ///     mode: &'a str,
    ///     angle: f64,
    /// }
    ///
    /// let value = Value::from([("mode", Value::from("manual")), ("angle", Value::from(12))]);
    /// let steering: Steering<'_> = value.deserialize()?;
    /// assert_eq!((steering.mode, steering.angle), ("manual", 12.0));
    /// # Ok::<(), netgear_proto::DeserializeError>(())
    /// ```
    ///
    /// # Errors
    /// [`DeserializeError`] if the value does not fit the type, or is deeper than [`Value::MAX_DEPTH`].
    pub fn deserialize<'de, T: Deserialize<'de>>(&'de self) -> Result<T, DeserializeError> {
        T::deserialize(ValueDeserializer { value: self, depth: Depth::FULL })
    }
}

/// Why a [`Value`] is not of the type asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeserializeError {
    /// Something in it is of another type, missing, or refused by the type asked for.
    #[error("the data does not fit the type asked for: {}{message}", At(path))]
    Mismatch {
        /// Where in the value, as in `.poses[3].x`; empty for the value itself.
        path: String,
        /// What is wrong there.
        message: String,
    },
    /// The value is too deep, or the type asked for is.
    #[error("the data is more than {limit} levels deep, which no type can ask for")]
    TooDeep {
        /// [`Value::MAX_DEPTH`].
        limit: usize,
    },
}

impl DeserializeError {
    const TOO_DEEP: Self = Self::TooDeep { limit: Value::MAX_DEPTH };

    /// The same error, seen from the list or map that it happened in.
    fn within(self, segment: impl FnOnce() -> String) -> Self {
        match self {
            Self::Mismatch { path, message } => Self::Mismatch { path: segment() + &path, message },
            other @ Self::TooDeep { .. } => other,
        }
    }
}

impl de::Error for DeserializeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Mismatch { path: String::new(), message: message.to_string() }
    }
}

/// A path in front of a message, or nothing.
struct At<'a>(&'a str);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "at {}: ", self.0) }
    }
}

/// The step of a path that leads to what a map has under this key. A key comes from a peer, so not all of it is
/// shown.
fn key_segment(key: &Value) -> String {
    const SHOWN: usize = 32;
    match key {
        Value::Str(text) => {
            format!(".{}", text.chars().take(SHOWN).flat_map(char::escape_debug).collect::<String>())
        }
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => format!("[{key}]"),
        _ => String::from("[..]"),
    }
}

#[derive(Clone, Copy)]
struct ValueDeserializer<'de> {
    value: &'de Value,
    depth: Depth,
}

impl<'de> ValueDeserializer<'de> {
    fn within_wrapper(self) -> Result<Self, DeserializeError> {
        Ok(Self { depth: self.depth.within_wrapper().ok_or(DeserializeError::TOO_DEEP)?, ..self })
    }

    fn list<V: Visitor<'de>>(self, values: &'de [Value], visitor: V) -> Result<V::Value, DeserializeError> {
        let depth = self.depth.within_container().ok_or(DeserializeError::TOO_DEEP)?;
        let mut access = ListAccess { values: values.iter(), read: 0, depth };
        let found = visitor.visit_seq(&mut access)?;
        if access.values.len() > 0 {
            return Err(de::Error::invalid_length(
                values.len(),
                &format!("a list of {}", access.read).as_str(),
            ));
        }
        Ok(found)
    }

    fn map<V: Visitor<'de>>(
        self,
        entries: &'de [(Value, Value)],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        let depth = self.depth.within_container().ok_or(DeserializeError::TOO_DEEP)?;
        let mut access = EntryAccess { entries: entries.iter(), pending: None, depth };
        let found = visitor.visit_map(&mut access)?;
        let read = entries.len() - access.entries.len();
        if read < entries.len() {
            return Err(de::Error::invalid_length(entries.len(), &format!("a map of {read}").as_str()));
        }
        Ok(found)
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(value) => visit_integer(*value, visitor),
            Value::Float(value) => visitor.visit_f64(*value),
            Value::Str(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(values) => self.list(values, visitor),
            Value::Map(entries) => self.map(entries, visitor),
            // serde keeps this shape where it buffers (flattened fields, untagged enums), so that a frame stays one.
            Value::Frame(frame) => visitor.visit_newtype_struct(FieldsDeserializer::Frame(frame)),
            Value::Array(array) => visitor.visit_newtype_struct(FieldsDeserializer::Array(array)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        if self.value.is_null() { visitor.visit_none() } else { visitor.visit_some(self.within_wrapper()?) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        match FieldsDeserializer::of(self.value) {
            Some(fields) if Asked::by_name(name).is_some() => visitor.visit_newtype_struct(fields),
            _ => visitor.visit_newtype_struct(self.within_wrapper()?),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self.value {
            Value::Bytes(bytes) => {
                let mut numbers = SeqDeserializer::new(bytes.iter().copied());
                let found = visitor.visit_seq(&mut numbers)?;
                numbers.end()?;
                Ok(found)
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match FieldsDeserializer::of(self.value) {
            Some(fields) => fields.deserialize_any(visitor),
            None => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        match self.value {
            Value::Str(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Value::Map(entries) => match entries.as_slice() {
                [(variant, contents)] => {
                    let depth = self.depth.within_container().ok_or(DeserializeError::TOO_DEEP)?;
                    visitor.visit_enum(VariantEntry { variant, contents, depth })
                }
                _ => Err(de::Error::invalid_value(
                    Unexpected::Map,
                    &"a map of one entry, from the name of a variant to its contents",
                )),
            },
            other => Err(de::Error::invalid_type(
                unexpected(other),
                &"the name of a variant, or a map from it to its contents",
            )),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct identifier
    }
}

/// The usual types first: they are what most visitors know.
fn visit_integer<'de, V: Visitor<'de>>(value: i128, visitor: V) -> Result<V::Value, DeserializeError> {
    if let Ok(value) = u64::try_from(value) {
        visitor.visit_u64(value)
    } else if let Ok(value) = i64::try_from(value) {
        visitor.visit_i64(value)
    } else {
        visitor.visit_i128(value)
    }
}

fn unexpected(value: &Value) -> Unexpected<'_> {
    match value {
        Value::Null => Unexpected::Unit,
        Value::Bool(value) => Unexpected::Bool(*value),
        Value::Int(value) => {
            i64::try_from(*value).map_or(Unexpected::Other("large integer"), Unexpected::Signed)
        }
        Value::Float(value) => Unexpected::Float(*value),
        Value::Str(text) => Unexpected::Str(text),
        Value::Bytes(bytes) => Unexpected::Bytes(bytes),
        Value::List(_) => Unexpected::Seq,
        Value::Map(_) => Unexpected::Map,
        Value::Frame(_) => Unexpected::Other("frame"),
        Value::Array(_) => Unexpected::Other("array"),
    }
}

struct ListAccess<'de> {
    values: slice::Iter<'de, Value>,
    read: usize,
    depth: Depth,
}

impl<'de> SeqAccess<'de> for ListAccess<'de> {
    type Error = DeserializeError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, DeserializeError> {
        let Some(value) = self.values.next() else { return Ok(None) };
        let index = self.read;
        self.read += 1;
        let deserializer = ValueDeserializer { value, depth: self.depth };
        seed.deserialize(deserializer).map(Some).map_err(|error| error.within(|| format!("[{index}]")))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

struct EntryAccess<'de> {
    entries: slice::Iter<'de, (Value, Value)>,
    /// The entry whose key has been read.
    pending: Option<&'de (Value, Value)>,
    depth: Depth,
}

impl<'de> MapAccess<'de> for EntryAccess<'de> {
    type Error = DeserializeError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, DeserializeError> {
        self.pending = self.entries.next();
        let Some((key, _)) = self.pending else { return Ok(None) };
        seed.deserialize(ValueDeserializer { value: key, depth: self.depth }).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, DeserializeError> {
        let (key, value) = self
            .pending
            .take()
            .ok_or_else(|| de::Error::custom("the type asked for a value before its key"))?;
        seed.deserialize(ValueDeserializer { value, depth: self.depth })
            .map_err(|error| error.within(|| key_segment(key)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

/// The one entry of a map that stands for a variant with contents.
struct VariantEntry<'de> {
    variant: &'de Value,
    contents: &'de Value,
    depth: Depth,
}

impl<'de> EnumAccess<'de> for VariantEntry<'de> {
    type Error = DeserializeError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), DeserializeError> {
        let variant = seed.deserialize(ValueDeserializer { value: self.variant, depth: self.depth })?;
        Ok((variant, self))
    }
}

impl<'de> VariantEntry<'de> {
    fn contents(&self) -> ValueDeserializer<'de> {
        ValueDeserializer { value: self.contents, depth: self.depth }
    }

    fn placed<T>(self, result: Result<T, DeserializeError>) -> Result<T, DeserializeError> {
        result.map_err(|error| error.within(|| key_segment(self.variant)))
    }
}

impl<'de> VariantAccess<'de> for VariantEntry<'de> {
    type Error = DeserializeError;

    fn unit_variant(self) -> Result<(), DeserializeError> {
        let result = Deserialize::deserialize(self.contents());
        self.placed(result)
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DeserializeError> {
        let result = seed.deserialize(self.contents());
        self.placed(result)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, DeserializeError> {
        let result = self.contents().deserialize_tuple(len, visitor);
        self.placed(result)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        let result = self.contents().deserialize_struct("", fields, visitor);
        self.placed(result)
    }
}
