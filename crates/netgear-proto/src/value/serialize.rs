//! Any serde type as a [`Value`].

use alloc::{borrow::ToOwned, string::String, string::ToString, vec::Vec};
use core::fmt;

use bytes::Bytes;
use serde::{
    Serialize,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant, Serializer,
    },
};

use super::{
    Value,
    depth::Depth,
    frame_and_array_serde::{self, Asked},
};

impl Value {
    /// A value of any type that serde can serialize.
    ///
    /// Structs are maps under the names of their fields, tuples lists; `()` and `None` are [`Value::Null`]; `Some(x)`
    /// and a newtype are what `x` is, so that `Some(None)` comes back as `None`; a `char` is text; an enum is the
    /// name of its variant, or a map of one entry from that name to its contents. A `Vec<u8>` is a list of numbers,
    /// for serde does not know better: use `serde_bytes`, or put [`Value::Bytes`] in by hand.
    ///
    /// A [`Frame`](crate::Frame) in the type stays a frame, and an [`NdArray`](crate::NdArray) an array. Their pixels
    /// and elements are copied once on this way; those of a [`Value::Frame`] or [`Value::Array`] that is put in by
    /// hand are not.
    ///
    /// ```
    /// use netgear_proto::Value;
    ///
    /// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
    /// struct Pose {
    ///     x: f32,
    ///     label: Option<String>,
    /// }
    ///
    /// let pose = Pose { x: 0.5, label: None };
    /// let value = Value::from_serde(&pose)?;
    /// assert_eq!(value.to_string(), r#"{"x": 0.5, "label": null}"#);
    /// assert_eq!(value.deserialize::<Pose>()?, pose);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`FromSerdeError`] if it is deeper than [`Value::MAX_DEPTH`], has a `u128` beyond `i128`, or says so itself.
    pub fn from_serde<T: Serialize + ?Sized>(value: &T) -> Result<Self, FromSerdeError> {
        value.serialize(ValueSerializer { depth: Depth::FULL })
    }
}

/// Why something is not a [`Value`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FromSerdeError {
    /// It is too deep.
    #[error("lists and maps stand more than {limit} deep in one another; make the data flatter")]
    TooDeep {
        /// [`Value::MAX_DEPTH`].
        limit: usize,
    },
    /// A whole number beyond `i128`.
    #[error("the number {value} is larger than a value can hold, {}; send it as text or bytes", i128::MAX)]
    TooLarge {
        /// The number.
        value: u128,
    },
    /// The type itself refused to be serialized.
    #[error("{message}")]
    Refused {
        /// What it says.
        message: String,
    },
}

impl FromSerdeError {
    const TOO_DEEP: Self = Self::TooDeep { limit: Value::MAX_DEPTH };
}

impl ser::Error for FromSerdeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Refused { message: message.to_string() }
    }
}

#[derive(Clone, Copy)]
struct ValueSerializer {
    depth: Depth,
}

impl ValueSerializer {
    fn within_container(self) -> Result<Self, FromSerdeError> {
        Ok(Self { depth: self.depth.within_container().ok_or(FromSerdeError::TOO_DEEP)? })
    }

    fn within_wrapper(self) -> Result<Self, FromSerdeError> {
        Ok(Self { depth: self.depth.within_wrapper().ok_or(FromSerdeError::TOO_DEEP)? })
    }

    fn list(self, len: usize) -> Result<ListSerializer, FromSerdeError> {
        Ok(ListSerializer { values: Vec::with_capacity(cautious(len)), contents: self.within_container()? })
    }

    fn map(self, len: usize) -> Result<MapSerializer, FromSerdeError> {
        let entries = Vec::with_capacity(cautious(len));
        Ok(MapSerializer { entries, key: None, contents: self.within_container()? })
    }
}

/// Room for so many at once; a type that promises more may grow.
fn cautious(len: usize) -> usize {
    len.min(4096)
}

fn integer<T: Into<i128>>(value: T) -> Result<Value, FromSerdeError> {
    Ok(Value::Int(value.into()))
}

impl Serializer for ValueSerializer {
    type Ok = Value;
    type Error = FromSerdeError;
    type SerializeSeq = ListSerializer;
    type SerializeTuple = ListSerializer;
    type SerializeTupleStruct = ListSerializer;
    type SerializeTupleVariant = VariantSerializer<ListSerializer>;
    type SerializeMap = MapSerializer;
    type SerializeStruct = MapSerializer;
    type SerializeStructVariant = VariantSerializer<MapSerializer>;

    fn serialize_bool(self, value: bool) -> Result<Value, FromSerdeError> {
        Ok(Value::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_i16(self, value: i16) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_i32(self, value: i32) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_i64(self, value: i64) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_i128(self, value: i128) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_u16(self, value: u16) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_u32(self, value: u32) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_u64(self, value: u64) -> Result<Value, FromSerdeError> {
        integer(value)
    }

    fn serialize_u128(self, value: u128) -> Result<Value, FromSerdeError> {
        i128::try_from(value).map(Value::Int).map_err(|_| FromSerdeError::TooLarge { value })
    }

    fn serialize_f32(self, value: f32) -> Result<Value, FromSerdeError> {
        Ok(Value::Float(value.into()))
    }

    fn serialize_f64(self, value: f64) -> Result<Value, FromSerdeError> {
        Ok(Value::Float(value))
    }

    fn serialize_char(self, value: char) -> Result<Value, FromSerdeError> {
        Ok(Value::Str(value.to_string()))
    }

    fn serialize_str(self, text: &str) -> Result<Value, FromSerdeError> {
        Ok(Value::Str(text.to_owned()))
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Value, FromSerdeError> {
        Ok(Value::Bytes(Bytes::copy_from_slice(bytes)))
    }

    fn serialize_none(self) -> Result<Value, FromSerdeError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, FromSerdeError> {
        value.serialize(self.within_wrapper()?)
    }

    fn serialize_unit(self) -> Result<Value, FromSerdeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Value, FromSerdeError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Result<Value, FromSerdeError> {
        Ok(variant.into())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Value, FromSerdeError> {
        if let Some(asked) = Asked::by_name(name) {
            // Its fields are no list or map of the value, so they may stand at any depth.
            let fields = value.serialize(Self { depth: Depth::FULL })?;
            return frame_and_array_serde::from_fields(&fields, asked)
                .map(Value::from)
                .map_err(ser::Error::custom);
        }
        value.serialize(self.within_wrapper()?)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, FromSerdeError> {
        Ok(Value::from([(variant, value.serialize(self.within_container()?)?)]))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<ListSerializer, FromSerdeError> {
        self.list(len.unwrap_or(0))
    }

    fn serialize_tuple(self, len: usize) -> Result<ListSerializer, FromSerdeError> {
        self.list(len)
    }

    fn serialize_tuple_struct(
        self,
        _name: &'static str,
        len: usize,
    ) -> Result<ListSerializer, FromSerdeError> {
        self.list(len)
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<VariantSerializer<ListSerializer>, FromSerdeError> {
        Ok(VariantSerializer { variant, contents: self.within_container()?.list(len)? })
    }

    fn serialize_map(self, len: Option<usize>) -> Result<MapSerializer, FromSerdeError> {
        self.map(len.unwrap_or(0))
    }

    fn serialize_struct(self, _name: &'static str, len: usize) -> Result<MapSerializer, FromSerdeError> {
        self.map(len)
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<VariantSerializer<MapSerializer>, FromSerdeError> {
        Ok(VariantSerializer { variant, contents: self.within_container()?.map(len)? })
    }
}

struct ListSerializer {
    values: Vec<Value>,
    contents: ValueSerializer,
}

impl SerializeSeq for ListSerializer {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FromSerdeError> {
        self.values.push(value.serialize(self.contents)?);
        Ok(())
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        Ok(Value::List(self.values))
    }
}

impl SerializeTuple for ListSerializer {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FromSerdeError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        SerializeSeq::end(self)
    }
}

impl SerializeTupleStruct for ListSerializer {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FromSerdeError> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        SerializeSeq::end(self)
    }
}

struct MapSerializer {
    entries: Vec<(Value, Value)>,
    /// The key whose value comes next.
    key: Option<Value>,
    contents: ValueSerializer,
}

impl SerializeMap for MapSerializer {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), FromSerdeError> {
        self.key = Some(key.serialize(self.contents)?);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FromSerdeError> {
        let key =
            self.key.take().ok_or_else(|| ser::Error::custom("a value of a map came before its key"))?;
        self.entries.push((key, value.serialize(self.contents)?));
        Ok(())
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        Ok(Value::Map(self.entries))
    }
}

impl SerializeStruct for MapSerializer {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), FromSerdeError> {
        self.entries.push((key.into(), value.serialize(self.contents)?));
        Ok(())
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        SerializeMap::end(self)
    }
}

/// The contents of an enum, which stand in a map of one entry under the name of the variant.
struct VariantSerializer<S> {
    variant: &'static str,
    contents: S,
}

impl SerializeTupleVariant for VariantSerializer<ListSerializer> {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), FromSerdeError> {
        SerializeSeq::serialize_element(&mut self.contents, value)
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        Ok(Value::from([(self.variant, SerializeSeq::end(self.contents)?)]))
    }
}

impl SerializeStructVariant for VariantSerializer<MapSerializer> {
    type Ok = Value;
    type Error = FromSerdeError;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), FromSerdeError> {
        SerializeStruct::serialize_field(&mut self.contents, key, value)
    }

    fn end(self) -> Result<Value, FromSerdeError> {
        Ok(Value::from([(self.variant, SerializeMap::end(self.contents)?)]))
    }
}
