use alloc::boxed::Box;
use core::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{ElementType, Frame, PixelFormat, Shape};

/// An array of numbers in any number of dimensions: what NumPy calls an `ndarray`.
///
/// The elements stand in C order (the last index runs fastest), little-endian and without gaps. A side may be 0, and
/// an array without dimensions is a single number. Cloning an array copies no elements.
///
/// ```
/// use netgear_proto::{DType, NdArray};
///
/// let matrix = NdArray::new(vec![0; 2 * 3 * 8], &[2, 3], DType::F64)?;
/// assert_eq!((matrix.shape(), matrix.len()), ([2, 3].as_slice(), 6));
/// # Ok::<(), netgear_proto::NdArrayError>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct NdArray {
    elements: Bytes,
    shape: Box<[usize]>,
    dtype: DType,
}

impl NdArray {
    /// The most dimensions that an array may have, as in NumPy before version 2.
    pub const MAX_DIMENSIONS: usize = 32;

    /// An array of these elements: in C order, little-endian.
    ///
    /// # Errors
    /// [`NdArrayError`] if there are more than [`NdArray::MAX_DIMENSIONS`] sides, or the bytes are not as many as the
    /// shape and the type need.
    pub fn new(elements: impl Into<Bytes>, shape: &[usize], dtype: DType) -> Result<Self, NdArrayError> {
        let elements = elements.into();
        let expected = Self::byte_len_of(shape, dtype)?;
        if elements.len() != expected {
            return Err(NdArrayError::Length { expected, found: elements.len() });
        }
        Ok(Self { elements, shape: shape.into(), dtype })
    }

    /// The bytes that an array of this shape and type takes.
    ///
    /// # Errors
    /// [`NdArrayError::Dimensions`] or [`NdArrayError::TooLarge`] if there can be no such array.
    pub fn byte_len_of(shape: &[usize], dtype: DType) -> Result<usize, NdArrayError> {
        if shape.len() > Self::MAX_DIMENSIONS {
            return Err(NdArrayError::Dimensions { found: shape.len() });
        }
        if shape.contains(&0) {
            return Ok(0);
        }
        shape
            .iter()
            .try_fold(dtype.byte_len(), |bytes, &side| bytes.checked_mul(side))
            .filter(|&bytes| bytes <= isize::MAX as usize)
            .ok_or(NdArrayError::TooLarge)
    }

    /// The elements: in C order, little-endian.
    pub const fn elements(&self) -> &Bytes {
        &self.elements
    }

    /// The elements alone, without a copy.
    pub fn into_elements(self) -> Bytes {
        self.elements
    }

    /// How long each side is, the outermost first; empty for a single number.
    pub const fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The type of one element.
    pub const fn dtype(&self) -> DType {
        self.dtype
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.elements.len() / self.dtype.byte_len()
    }

    /// Whether there are none, because a side is 0.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The array as a picture, without a copy: of `height, width`, which is gray, or `height, width, channels`, in
    /// the channel order of OpenCV ([`PixelFormat::from_channels`]).
    ///
    /// # Errors
    /// Hands the array back if it is no picture: it has other dimensions, a side of 0, or elements that a [`Frame`]
    /// cannot have.
    pub fn into_frame(self) -> Result<Frame, Self> {
        let Some((shape, element_type)) = self.frame_shape() else { return Err(self) };
        let pixel_format = PixelFormat::from_channels(shape.channels());
        Frame::new(self.elements.clone(), shape, element_type, pixel_format).map_err(|_| self)
    }

    fn frame_shape(&self) -> Option<(Shape, ElementType)> {
        let (height, width, channels) = match *self.shape {
            [height, width] => (height, width, 1),
            [height, width, channels] => (height, width, channels),
            _ => return None,
        };
        let shape =
            Shape::new(height.try_into().ok()?, width.try_into().ok()?, channels.try_into().ok()?).ok()?;
        Some((shape, self.dtype.element_type()?))
    }
}

/// The pixels as an array of `height, width` if there is one channel, else of `height, width, channels`, without a
/// copy.
impl From<Frame> for NdArray {
    fn from(frame: Frame) -> Self {
        let (height, width) = (frame.height() as usize, frame.width() as usize);
        let shape: Box<[usize]> = match frame.channels() {
            1 => Box::new([height, width]),
            channels => Box::new([height, width, usize::from(channels)]),
        };
        let dtype = DType::from(frame.element_type());
        Self { elements: frame.into_pixels(), shape, dtype }
    }
}

/// Shape and type; not the elements, which nobody would read.
impl fmt::Debug for NdArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NdArray({self})")
    }
}

/// `2×3 f64`.
impl fmt::Display for NdArray {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, side) in self.shape.iter().enumerate() {
            write!(f, "{}{side}", if index == 0 { "" } else { "×" })?;
        }
        write!(f, "{}{}", if self.shape.is_empty() { "" } else { " " }, self.dtype)
    }
}

/// The type of one element of an [`NdArray`]: NumPy's numbers. All are little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum DType {
    // The order is the wire's (docs/wire.md): append, never reorder.
    /// 8 bits, 0 or 1.
    Bool,
    /// 8-bit unsigned.
    U8,
    /// 16-bit unsigned.
    U16,
    /// 32-bit unsigned.
    U32,
    /// 64-bit unsigned.
    U64,
    /// 8-bit signed.
    I8,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit signed.
    I64,
    /// 16-bit IEEE 754 float.
    F16,
    /// 32-bit IEEE 754 float.
    F32,
    /// 64-bit IEEE 754 float.
    F64,
    /// Two 32-bit floats: the real part, then the imaginary one.
    Complex64,
    /// Two 64-bit floats: the real part, then the imaginary one.
    Complex128,
}

impl DType {
    /// Every type.
    pub const ALL: [Self; 14] = [
        Self::Bool,
        Self::U8,
        Self::U16,
        Self::U32,
        Self::U64,
        Self::I8,
        Self::I16,
        Self::I32,
        Self::I64,
        Self::F16,
        Self::F32,
        Self::F64,
        Self::Complex64,
        Self::Complex128,
    ];

    /// The bytes that one element takes.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 | Self::F16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Complex64 => 8,
            Self::Complex128 => 16,
        }
    }

    /// The same type as that of a frame's elements, if a frame can have it.
    pub const fn element_type(self) -> Option<ElementType> {
        match self {
            Self::U8 => Some(ElementType::U8),
            Self::U16 => Some(ElementType::U16),
            Self::I8 => Some(ElementType::I8),
            Self::I16 => Some(ElementType::I16),
            Self::I32 => Some(ElementType::I32),
            Self::F32 => Some(ElementType::F32),
            Self::F64 => Some(ElementType::F64),
            _ => None,
        }
    }
}

impl From<ElementType> for DType {
    fn from(element_type: ElementType) -> Self {
        match element_type {
            ElementType::U8 => Self::U8,
            ElementType::U16 => Self::U16,
            ElementType::F32 => Self::F32,
            ElementType::I8 => Self::I8,
            ElementType::I16 => Self::I16,
            ElementType::I32 => Self::I32,
            ElementType::F64 => Self::F64,
        }
    }
}

/// As [`ElementType`] writes them, and `complex64`, `complex128` as NumPy does.
impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
        })
    }
}

/// Why bytes do not make an [`NdArray`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NdArrayError {
    /// Too many sides.
    #[error("an array of {found} dimensions was given; {most} are the most", most = NdArray::MAX_DIMENSIONS)]
    Dimensions {
        /// How many.
        found: usize,
    },
    /// Its bytes cannot be addressed.
    #[error("an array of this shape is larger than memory can be")]
    TooLarge,
    /// The bytes are too few or too many.
    #[error("an array of this shape and type takes {expected} bytes, and {found} were given")]
    Length {
        /// The bytes that shape and type need.
        expected: usize,
        /// The bytes that there are.
        found: usize,
    },
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;

    #[test]
    fn an_array_has_exactly_the_bytes_of_its_shape() {
        for (shape, dtype, expected) in [
            ([].as_slice(), DType::F64, 8),
            (&[3], DType::U16, 6),
            (&[2, 0, 5], DType::U8, 0),
            (&[2, 3, 4, 5], DType::Complex128, 1920),
        ] {
            assert!(NdArray::new(vec![0; expected], shape, dtype).is_ok());
            let error = NdArray::new(vec![0; expected + 1], shape, dtype).unwrap_err();
            assert_eq!(error, NdArrayError::Length { expected, found: expected + 1 });
        }
    }

    #[test]
    fn shapes_beyond_memory_are_refused() {
        let huge = [usize::MAX, 2];
        assert_eq!(NdArray::new(vec![], &huge, DType::U8), Err(NdArrayError::TooLarge));
        assert_eq!(NdArray::new(vec![], &[usize::MAX], DType::U8), Err(NdArrayError::TooLarge));
        // NumPy has arrays without elements whose other sides could not be: so has this.
        assert!(NdArray::new(vec![], &[usize::MAX, usize::MAX, 0], DType::U8).is_ok());
        assert_eq!(NdArray::new(vec![0], &[1; 33], DType::U8), Err(NdArrayError::Dimensions { found: 33 }));
    }

    #[test]
    fn pictures_become_frames_and_come_back_without_a_copy() {
        for (shape, dtype) in [
            ([4, 2].as_slice(), DType::U8),
            (&[4, 2, 3], DType::U16),
            (&[4, 2, 4], DType::F32),
            (&[4, 2, 2], DType::F64),
        ] {
            let bytes = NdArray::byte_len_of(shape, dtype).unwrap();
            let array = NdArray::new(vec![7; bytes], shape, dtype).unwrap();
            let address = array.elements().as_ptr();
            let frame = array.clone().into_frame().unwrap();
            assert_eq!((frame.height(), frame.width()), (4, 2));
            assert_eq!(NdArray::from(frame.clone()), array);
            assert_eq!(NdArray::from(frame).elements().as_ptr(), address);
        }
    }

    #[test]
    fn what_is_no_picture_is_handed_back() {
        for (shape, dtype) in [
            ([].as_slice(), DType::U8),
            (&[4], DType::U8),
            (&[4, 0], DType::U8),
            (&[4, 2], DType::I64),
            (&[1, 4, 2, 3], DType::U8),
            (&[1, 1, 65536], DType::U8),
        ] {
            let bytes = NdArray::byte_len_of(shape, dtype).unwrap();
            let array = NdArray::new(vec![0; bytes], shape, dtype).unwrap();
            assert_eq!(array.clone().into_frame(), Err(array));
        }
    }

    #[test]
    fn shape_and_type_read_well() {
        for (shape, text) in [([].as_slice(), "f16"), (&[5], "5 f16"), (&[2, 3], "2×3 f16")] {
            let bytes = NdArray::byte_len_of(shape, DType::F16).unwrap();
            assert_eq!(NdArray::new(vec![0; bytes], shape, DType::F16).unwrap().to_string(), text);
        }
    }
}
