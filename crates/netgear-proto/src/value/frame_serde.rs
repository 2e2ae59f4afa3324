//! A [`Frame`] for serde: a struct for most formats, and a frame still for [`Value`]'s own.

use alloc::{string::String, vec::Vec};
use core::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, IgnoredAny, IntoDeserializer, SeqAccess, Visitor, value::MapDeserializer},
    forward_to_deserialize_any,
};

use super::{DeserializeError, Value};
use crate::{ElementType, Frame, PixelFormat, Shape};

/// The name of the newtype that a frame is written as. Other formats write a newtype as its contents; [`Value`]'s own
/// serializer and deserializer know this name and keep the frame.
pub(super) const NAME: &str = "netgear::Frame";

/// What a frame is to other formats.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Frame")]
struct Fields<P> {
    height: u32,
    width: u32,
    channels: u16,
    element_type: ElementType,
    pixel_format: PixelFormat,
    pixels: P,
}

/// A struct of `height`, `width`, `channels`, `element_type`, `pixel_format` and `pixels` (bytes). Within
/// [`Value::from_serde`] it becomes a [`Value::Frame`], for one copy of the pixels.
impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = Fields {
            height: self.height(),
            width: self.width(),
            channels: self.channels(),
            element_type: self.element_type(),
            pixel_format: self.pixel_format(),
            pixels: Pixels(self.pixels()),
        };
        serializer.serialize_newtype_struct(NAME, &fields)
    }
}

/// From what [`Frame`]'s `Serialize` writes; the fields are checked as in [`Frame::new`].
impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(NAME, FrameVisitor)
    }
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = Frame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Frame, D::Error> {
        let fields = Fields::<PixelBytes>::deserialize(deserializer)?;
        let pixels = fields.pixels.0.clone();
        frame(fields, pixels)
    }
}

/// A frame of the map that [`Frame`]'s `Serialize` makes in a [`Value`], without a further copy of the pixels.
pub(super) fn from_fields(fields: &Value) -> Result<Frame, DeserializeError> {
    let pixels = fields.get("pixels").and_then(Value::as_bytes).cloned();
    let pixels = pixels.ok_or_else(|| de::Error::missing_field("pixels"))?;
    frame(fields.deserialize::<Fields<IgnoredAny>>()?, pixels)
}

fn frame<P, E: de::Error>(fields: Fields<P>, pixels: Bytes) -> Result<Frame, E> {
    let shape = Shape::new(fields.height, fields.width, fields.channels).map_err(E::custom)?;
    Frame::new(pixels, shape, fields.element_type, fields.pixel_format).map_err(E::custom)
}

struct Pixels<'a>(&'a [u8]);

impl Serialize for Pixels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct PixelBytes(Bytes);

impl<'de> Deserialize<'de> for PixelBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(PixelVisitor).map(Self)
    }
}

struct PixelVisitor;

impl<'de> Visitor<'de> for PixelVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of pixels")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Bytes, E> {
        Ok(Bytes::copy_from_slice(bytes))
    }

    fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Bytes, E> {
        Ok(bytes.into())
    }

    /// JSON has no bytes and writes a list of numbers.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Bytes, A::Error> {
        // The length is the peer's word: room for no more than 64 KiB is made on it.
        let mut bytes = Vec::with_capacity(numbers.size_hint().unwrap_or(0).min(64 << 10));
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes.into())
    }
}

/// The frame in a [`Value`], as the fields that its `Deserialize` asks for.
pub(super) struct FrameDeserializer<'de>(pub(super) &'de Frame);

impl<'de> FrameDeserializer<'de> {
    fn fields<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        let frame = self.0;
        let fields = [
            ("height", FrameField::Number(frame.height())),
            ("width", FrameField::Number(frame.width())),
            ("channels", FrameField::Number(frame.channels().into())),
            ("element_type", FrameField::variant(&frame.element_type())?),
            ("pixel_format", FrameField::variant(&frame.pixel_format())?),
            ("pixels", FrameField::Pixels(frame.pixels())),
        ];
        visitor.visit_map(MapDeserializer::new(fields.into_iter()))
    }
}

impl<'de> Deserializer<'de> for FrameDeserializer<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        self.fields(visitor)
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

enum FrameField<'de> {
    Number(u32),
    /// The name of a variant of an enum without contents.
    Variant(String),
    Pixels(&'de [u8]),
}

impl FrameField<'_> {
    fn variant(of: &impl Serialize) -> Result<Self, DeserializeError> {
        match Value::from_serde(of).map_err(de::Error::custom)? {
            Value::Str(name) => Ok(Self::Variant(name)),
            other => Err(de::Error::custom(format_args!("{other} names no variant"))),
        }
    }
}

impl<'de> IntoDeserializer<'de, DeserializeError> for FrameField<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for FrameField<'de> {
    type Error = DeserializeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeserializeError> {
        match self {
            Self::Number(number) => visitor.visit_u32(number),
            Self::Variant(name) => visitor.visit_string(name),
            Self::Pixels(pixels) => visitor.visit_borrowed_bytes(pixels),
        }
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
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}
