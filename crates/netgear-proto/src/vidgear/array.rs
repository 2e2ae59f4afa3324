//! An array of numbers as Python's `msgpack_numpy` writes it: a map whose keys are bytes.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use bytes::{Bytes, BytesMut};

use super::{
    ArrayError, EncodeError, MsgpackError,
    reader::{Reader, Token},
    writer::Writer,
};
use crate::{DType, NdArray, NdArrayError, Part, budget::Budget};

/// What stands before the elements takes less than this for every array of a few dimensions.
const HEAD: usize = 96;

/// Writes an array: its header as one piece of the part, its elements as the other, which are not copied.
pub(super) fn encode(array: NdArray, budget: &mut Budget) -> Result<Part, EncodeError> {
    budget.take_sides(array.shape().len() as u64)?;
    budget.take_pixels(array.elements().len() as u64)?;
    if array.is_empty() && !is_possible_in_numpy(&array) {
        return Err(EncodeError::ArrayShape { array: array.to_string() });
    }
    let mut head = Writer::with_capacity(HEAD);
    head.map_head(5)?;
    head.bytes(b"nd")?;
    head.bool(true);
    head.bytes(b"type")?;
    head.text(type_string(array.dtype()))?;
    head.bytes(b"kind")?;
    head.bytes(b"")?;
    head.bytes(b"shape")?;
    head.list_head(array.shape().len())?;
    for side in array.shape() {
        head.uint(*side as u64);
    }
    head.bytes(b"data")?;
    head.bytes_head(array.elements().len())?;
    Ok(Part::in_two(head.into_bytes(), array.into_elements()))
}

/// Reads an array. Its elements are a slice of the part, unless they are big-endian.
pub(super) fn decode(part: &Bytes, budget: &mut Budget) -> Result<NdArray, ArrayError> {
    let map = Map::read(part, budget)?;
    let missing = |key| ArrayError::MissingKey { key };
    if !map.nd.ok_or(missing("nd"))? {
        return Err(ArrayError::NotAnArray);
    }
    match map.kind {
        // Older versions wrote no kind.
        None | Some(b"") => {}
        Some(b"O") => return Err(ArrayError::Pickle),
        Some(b"V") => return Err(ArrayError::Structured),
        Some(kind) => return Err(ArrayError::Kind { kind: beginning(kind) }),
    }
    let name = map.dtype.ok_or(missing("type"))?.ok_or(ArrayError::Structured)?;
    let (dtype, big_endian) = parse_type(name).ok_or_else(|| ArrayError::DType { dtype: beginning(name) })?;
    let shape = map.shape.ok_or(missing("shape"))?;
    let data = map.data.ok_or(missing("data"))?;
    budget.take_pixels(data.len() as u64)?;
    let array = NdArray::new(part.slice_ref(data), &shape, dtype)?;
    match big_endian {
        true => Ok(NdArray::new(swapped(array.into_elements(), unit(dtype)), &shape, dtype)?),
        false => Ok(array),
    }
}

/// What stands in the map, each under its key.
#[derive(Default)]
struct Map<'a> {
    nd: Option<bool>,
    /// `None` within for the description of a structured type.
    dtype: Option<Option<&'a [u8]>>,
    kind: Option<&'a [u8]>,
    shape: Option<Vec<usize>>,
    data: Option<&'a [u8]>,
}

impl<'a> Map<'a> {
    fn read(part: &'a Bytes, budget: &mut Budget) -> Result<Self, ArrayError> {
        let mut map = Self::default();
        Reader::new(part, budget).fields(|key, reader| match key.token {
            Token::Bin(b"nd") => Ok(reader.once(key, "nd", &mut map.nd, Reader::bool)?),
            Token::Bin(b"type") => Ok(reader.once(key, "type", &mut map.dtype, read_type)?),
            Token::Bin(b"kind") => Ok(reader.once(key, "kind", &mut map.kind, Reader::bytes)?),
            Token::Bin(b"shape") => reader.once(key, "shape", &mut map.shape, read_shape),
            Token::Bin(b"data") => Ok(reader.once(key, "data", &mut map.data, Reader::bytes)?),
            // As msgpack_numpy does, which knows its keys from texts of the same letters.
            _ => Ok(reader.pass_over(key)?),
        })?;
        Ok(map)
    }
}

fn read_type<'a>(reader: &mut Reader<'a, '_>) -> Result<Option<&'a [u8]>, MsgpackError> {
    let offset = reader.offset();
    match reader.token()? {
        Token::Str(name) => Ok(Some(name.as_bytes())),
        Token::Bin(name) => Ok(Some(name)),
        description => reader.value_of(offset, description).map(|_| None),
    }
}

fn read_shape(reader: &mut Reader<'_, '_>) -> Result<Vec<usize>, ArrayError> {
    let count = reader.sides()?;
    let mut shape = Vec::with_capacity(count);
    for _ in 0..count {
        let offset = reader.offset();
        let side = reader.int()?;
        shape.push(usize::try_from(side).map_err(|_| match i64::try_from(side) {
            Ok(side) if side < 0 => ArrayError::NegativeSide { offset, side },
            _ => NdArrayError::TooLarge.into(),
        })?);
    }
    Ok(shape)
}

/// NumPy multiplies the sides that are not 0 even where one of them is, and refuses what an address cannot reach.
fn is_possible_in_numpy(array: &NdArray) -> bool {
    let sides: Vec<usize> = array.shape().iter().copied().filter(|&side| side != 0).collect();
    NdArray::byte_len_of(&sides, array.dtype()).is_ok()
}

/// NumPy's name for a type, little-endian: `numpy.dtype.str`.
const fn type_string(dtype: DType) -> &'static str {
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
    }
}

/// The type of a name, and whether its elements are big-endian.
fn parse_type(name: &[u8]) -> Option<(DType, bool)> {
    let (order, letters) = name.split_first()?;
    let dtype =
        DType::ALL.into_iter().find(|dtype| type_string(*dtype).as_bytes().get(1..) == Some(letters))?;
    match order {
        b'<' => Some((dtype, false)),
        b'>' => Some((dtype, unit(dtype) > 1)),
        // A single byte has no order.
        b'|' if unit(dtype) == 1 => Some((dtype, false)),
        _ => None,
    }
}

/// The bytes of an element whose order may differ: all of them, or each half of a complex number.
const fn unit(dtype: DType) -> usize {
    match dtype {
        DType::Complex64 | DType::Complex128 => dtype.byte_len() / 2,
        _ => dtype.byte_len(),
    }
}

/// The other byte order.
fn swapped(elements: Bytes, unit: usize) -> Bytes {
    let mut swapped = BytesMut::from(&elements[..]);
    for element in swapped.chunks_exact_mut(unit) {
        element.reverse();
    }
    swapped.freeze()
}

/// As much of a name as an error can carry.
fn beginning(name: &[u8]) -> String {
    String::from_utf8_lossy(name.get(..32).unwrap_or(name)).into_owned()
}
