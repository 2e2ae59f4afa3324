//! The frame or array in a [`Value`], as the fields that its `Deserialize` asks for.

use alloc::{string::String, vec::Vec};

use serde::{
    Deserializer, Serialize,
    de::{
        self, IntoDeserializer, Visitor,
        value::{MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{DeserializeError, Value};
use crate::{Frame, NdArray};

#[derive(Clone, Copy)]
pub(super) enum FieldsDeserializer<'de> {
    Frame(&'de Frame),
    Array(&'de NdArray),
}

impl<'de> FieldsDeserializer<'de> {
    /// Of a frame or an array; `None` for other values.
    pub(super) fn of(value: &'de Value) -> Option<Self> {
        match value {
            Value::Frame(frame) => Some(Self::Frame(frame)),
            Value::Array(array) => Some(Self::Array(array)),
            _ => None,
        }
    }

    fn fields(self) -> Result<Vec<(&'static str, Field<'de>)>, DeserializeError> {
        Ok(match self {
            Self::Frame(frame) => Vec::from([
                ("height", Field::Number(frame.height())),
                ("width", Field::Number(frame.width())),
                ("channels", Field::Number(frame.channels().into())),
                ("element_type", Field::variant(&frame.element_type())?),
                ("pixel_format", Field::variant(&frame.pixel_format())?),
                ("pixels", Field::Bytes(frame.pixels())),
            ]),
            Self::Array(array) => Vec::from([
                ("shape", Field::Sides(array.shape())),
                ("dtype", Field::variant(&array.dtype())?),
                ("elements", Field::Bytes(array.elements())),
            ]),
        })
    }
}

impl<'de> Deserializer<'de> for FieldsDeserializer<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_map(MapDeserializer::new(self.fields()?.into_iter()))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_some(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct enum identifier
    }
}

enum Field<'de> {
    Number(u32),
    /// The name of a variant of an enum without contents.
    Variant(String),
    Sides(&'de [usize]),
    Bytes(&'de [u8]),
}

impl Field<'_> {
    fn variant(of: &impl Serialize) -> Result<Self, DeserializeError> {
        match Value::from_serde(of).map_err(de::Error::custom)? {
            Value::Str(name) => Ok(Self::Variant(name)),
            other => Err(de::Error::custom(format_args!("{other} names no variant"))),
        }
    }
}

impl<'de> IntoDeserializer<'de, DeserializeError> for Field<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Field<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self {
            Self::Number(number) => visitor.visit_u32(number),
            Self::Variant(name) => visitor.visit_string(name),
            Self::Sides(sides) => visitor.visit_seq(SeqDeserializer::new(sides.iter().copied())),
            Self::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        visitor.visit_some(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeserializeError> {
        match self {
            Self::Variant(variant) => variant.into_deserializer().deserialize_enum(name, variants, visitor),
            other => other.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
