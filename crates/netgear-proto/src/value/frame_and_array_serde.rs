//! A [`Frame`] and an [`NdArray`] for serde: structs for most formats, and themselves still for [`Value`]'s own.
//!
//! Each takes the other's fields as well: a frame is an array, and an array may be a picture.

use alloc::vec::Vec;
use core::fmt;

use bytes::Bytes;
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{
        self, IgnoredAny, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
};

use super::{DeserializeError, Value};
use crate::{DType, ElementType, Frame, NdArray, PixelFormat, Shape};

/// The newtypes that frames and arrays are written as. Other formats write a newtype as its contents; [`Value`]'s own
/// serializer and deserializer know these names and keep the frame or array.
const FRAME_NAME: &str = "netgear::Frame";
const ARRAY_NAME: &str = "netgear::NdArray";

/// What a frame is to other formats.
#[derive(Serialize, Deserialize)]
#[serde(rename = "Frame")]
struct FrameFields<P> {
    height: u32,
    width: u32,
    channels: u16,
    element_type: ElementType,
    pixel_format: PixelFormat,
    pixels: P,
}

/// What an array is to other formats.
#[derive(Serialize, Deserialize)]
#[serde(rename = "NdArray")]
struct ArrayFields<S, E> {
    shape: S,
    dtype: DType,
    elements: E,
}

/// A struct of `height`, `width`, `channels`, `element_type`, `pixel_format` and `pixels` (bytes). Within
/// [`Value::from_serde`] it becomes a [`Value::Frame`], for one copy of the pixels.
impl Serialize for Frame {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = FrameFields {
            height: self.height(),
            width: self.width(),
            channels: self.channels(),
            element_type: self.element_type(),
            pixel_format: self.pixel_format(),
            pixels: Raw(self.pixels()),
        };
        serializer.serialize_newtype_struct(FRAME_NAME, &fields)
    }
}

/// From what [`Frame`]'s `Serialize` writes; the fields are checked as in [`Frame::new`]. What [`NdArray`]'s writes
/// will do too, if [`NdArray::into_frame`] finds a picture in it.
impl<'de> Deserialize<'de> for Frame {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_newtype_struct(FRAME_NAME, FieldsVisitor(Asked::Frame))? {
            Found::Frame(frame) => Ok(frame),
            Found::Array(array) => array
                .into_frame()
                .map_err(|array| de::Error::custom(format_args!("an array of {array} is no frame"))),
        }
    }
}

/// A struct of `shape`, `dtype` and `elements` (bytes). Within [`Value::from_serde`] it becomes a [`Value::Array`],
/// for one copy of the elements.
impl Serialize for NdArray {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = ArrayFields { shape: self.shape(), dtype: self.dtype(), elements: Raw(self.elements()) };
        serializer.serialize_newtype_struct(ARRAY_NAME, &fields)
    }
}

/// From what [`NdArray`]'s `Serialize` writes; the fields are checked as in [`NdArray::new`]. What [`Frame`]'s writes
/// will do too, and is then the array that [`NdArray::from`] makes of the frame.
impl<'de> Deserialize<'de> for NdArray {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_newtype_struct(ARRAY_NAME, FieldsVisitor(Asked::Array))? {
            Found::Frame(frame) => Ok(frame.into()),
            Found::Array(array) => Ok(array),
        }
    }
}

/// What the fields turned out to be those of.
pub(super) enum Found {
    Frame(Frame),
    Array(NdArray),
}

impl From<Found> for Value {
    fn from(found: Found) -> Self {
        match found {
            Found::Frame(frame) => Self::Frame(frame),
            Found::Array(array) => Self::Array(array),
        }
    }
}

/// What the fields should be those of.
#[derive(Clone, Copy)]
pub(super) enum Asked {
    Frame,
    Array,
    Either,
}

impl Asked {
    /// What is written as a newtype of this name; `None` for the newtypes of others.
    pub(super) fn by_name(name: &str) -> Option<Self> {
        match name {
            FRAME_NAME => Some(Self::Frame),
            ARRAY_NAME => Some(Self::Array),
            _ => None,
        }
    }
}

/// Reads the fields of a frame or an array, or a newtype of them.
pub(super) struct FieldsVisitor(pub(super) Asked);

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Asked::Frame => "a frame",
            Asked::Array => "an array",
            Asked::Either => "a frame or an array",
        })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        // Formats without names read as many fields as are asked for, in this order.
        match self.0 {
            Asked::Frame => {
                const FIELDS: &[&str] =
                    &["height", "width", "channels", "element_type", "pixel_format", "pixels"];
                deserializer.deserialize_struct("Frame", FIELDS, self)
            }
            Asked::Array => deserializer.deserialize_struct("NdArray", &["shape", "dtype", "elements"], self),
            Asked::Either => deserializer.deserialize_map(self),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, fields: A) -> Result<Found, A::Error> {
        let fields = SeqAccessDeserializer::new(fields);
        match self.0 {
            Asked::Frame => frame(FrameFields::<RawBytes>::deserialize(fields)?, |pixels| pixels.0),
            Asked::Array => {
                array(ArrayFields::<Vec<usize>, RawBytes>::deserialize(fields)?, |elements| elements.0)
            }
            Asked::Either => Err(de::Error::invalid_type(Unexpected::Seq, &self)),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Found, A::Error> {
        let fields = NamedFields::<RawBytes>::deserialize(MapAccessDeserializer::new(fields))?;
        fields.into_found(self.0, |bytes| bytes.0)
    }
}

/// The frame or array of the map that its `Serialize` makes in a [`Value`], without a further copy of the bytes.
pub(super) fn from_fields(fields: &Value, asked: Asked) -> Result<Found, DeserializeError> {
    let name = if let Asked::Frame = asked { "pixels" } else { "elements" };
    let bytes = fields.get(name).and_then(Value::as_bytes).cloned();
    let bytes = bytes.ok_or_else(|| de::Error::missing_field(name))?;
    fields.deserialize::<NamedFields<IgnoredAny>>()?.into_found(asked, |_| bytes)
}

/// The fields of either, for it is their names that tell which of the two there is.
#[derive(Deserialize)]
struct NamedFields<B> {
    height: Option<u32>,
    width: Option<u32>,
    channels: Option<u16>,
    element_type: Option<ElementType>,
    pixel_format: Option<PixelFormat>,
    pixels: Option<B>,
    shape: Option<Vec<usize>>,
    dtype: Option<DType>,
    elements: Option<B>,
}

impl<B> NamedFields<B> {
    fn into_found<E: de::Error>(self, asked: Asked, bytes: impl FnOnce(B) -> Bytes) -> Result<Found, E> {
        // In doubt it is what was asked for, whose missing field is then named.
        let is_frame = match asked {
            Asked::Frame => self.shape.is_none(),
            Asked::Array | Asked::Either => self.height.is_some(),
        };
        if is_frame {
            let fields = FrameFields {
                height: given(self.height, "height")?,
                width: given(self.width, "width")?,
                channels: given(self.channels, "channels")?,
                element_type: given(self.element_type, "element_type")?,
                pixel_format: given(self.pixel_format, "pixel_format")?,
                pixels: given(self.pixels, "pixels")?,
            };
            frame(fields, bytes)
        } else {
            let fields = ArrayFields {
                shape: given(self.shape, "shape")?,
                dtype: given(self.dtype, "dtype")?,
                elements: given(self.elements, "elements")?,
            };
            array(fields, bytes)
        }
    }
}

fn given<T, E: de::Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

fn frame<P, E: de::Error>(fields: FrameFields<P>, bytes: impl FnOnce(P) -> Bytes) -> Result<Found, E> {
    let shape = Shape::new(fields.height, fields.width, fields.channels).map_err(E::custom)?;
    Frame::new(bytes(fields.pixels), shape, fields.element_type, fields.pixel_format)
        .map(Found::Frame)
        .map_err(E::custom)
}

fn array<P, E: de::Error>(
    fields: ArrayFields<Vec<usize>, P>,
    bytes: impl FnOnce(P) -> Bytes,
) -> Result<Found, E> {
    NdArray::new(bytes(fields.elements), &fields.shape, fields.dtype).map(Found::Array).map_err(E::custom)
}

/// Written as bytes.
struct Raw<'a>(&'a [u8]);

impl Serialize for Raw<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// Read from bytes, or from numbers where a format has no bytes.
struct RawBytes(Bytes);

impl<'de> Deserialize<'de> for RawBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_byte_buf(RawVisitor).map(Self)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the bytes of pixels or elements")
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
