use core::fmt;

use serde::{Deserialize, Serialize};

/// The type of one element of a frame: OpenCV's depths.
///
/// Elements of more than one byte are little-endian, on the wire and in a [`Frame`](crate::Frame).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum ElementType {
    // The order is the wire's (docs/wire.md): append, never reorder.
    /// 8-bit unsigned, the usual one.
    U8,
    /// 16-bit unsigned: depth cameras, medical and machine-vision sensors.
    U16,
    /// 32-bit IEEE 754 float.
    F32,
    /// 8-bit signed.
    I8,
    /// 16-bit signed.
    I16,
    /// 32-bit signed.
    I32,
    /// 64-bit IEEE 754 float.
    F64,
}

impl ElementType {
    /// The bytes that one element takes.
    pub const fn byte_len(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 => 8,
        }
    }
}

/// The name that Rust gives the type: `u8`, `u16`, `f32`.
impl fmt::Display for ElementType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::F32 => "f32",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::F64 => "f64",
        })
    }
}
