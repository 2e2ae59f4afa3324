//! A [`Value`] for people to read.

use core::fmt::{self, Write};

use super::Value;

/// Much like JSON: text in quotes, bytes as `<1048576 bytes>`, a frame as `<frame 720×1280×3 u8 BGR>`, an array as
/// `<array 2×3 f64>`, keys of any type.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            // Debug keeps the point in 1.0, which tells a float from a whole number.
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(text) => write_quoted(f, text),
            Self::Bytes(bytes) => write!(f, "<{} bytes>", bytes.len()),
            Self::List(values) => {
                f.write_char('[')?;
                for (index, value) in values.iter().enumerate() {
                    write_separator(f, index)?;
                    write!(f, "{value}")?;
                }
                f.write_char(']')
            }
            Self::Map(entries) => {
                f.write_char('{')?;
                for (index, (key, value)) in entries.iter().enumerate() {
                    write_separator(f, index)?;
                    write!(f, "{key}: {value}")?;
                }
                f.write_char('}')
            }
            Self::Frame(frame) => {
                write!(f, "<frame {} {} {}>", frame.shape(), frame.element_type(), frame.pixel_format())
            }
            Self::Array(array) => write!(f, "<array {array}>"),
        }
    }
}

fn write_separator(f: &mut fmt::Formatter<'_>, index: usize) -> fmt::Result {
    if index == 0 { Ok(()) } else { f.write_str(", ") }
}

/// As JSON quotes text; control characters never reach a terminal as such.
fn write_quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            control if control.is_control() => write!(f, "\\u{:04x}", u32::from(control))?,
            plain => f.write_char(plain)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use super::*;
    use crate::{DType, Frame, NdArray};

    #[test]
    fn every_kind_reads_well() {
        let frame = Frame::bgr8(4, 2, vec![0; 24]).unwrap();
        let matrix = NdArray::new(vec![0; 48], &[2, 3], DType::F64).unwrap();
        let number = NdArray::new(vec![0; 8], &[], DType::Complex64).unwrap();
        for (value, text) in [
            (Value::Null, "null"),
            (Value::from(true), "true"),
            (Value::from(u64::MAX), "18446744073709551615"),
            (Value::from(1.0), "1.0"),
            (Value::from(f64::NAN), "NaN"),
            (Value::from(f64::NEG_INFINITY), "-inf"),
            (Value::from("a \"b\"\n\u{1b}[2J\u{9b} é"), r#""a \"b\"\n\u001b[2J\u009b é""#),
            (Value::from(vec![0_u8; 1 << 20]), "<1048576 bytes>"),
            (Value::List(Vec::new()), "[]"),
            (Value::Map(Vec::new()), "{}"),
            (
                Value::from([(1, Value::from(vec![Value::Null, Value::from(frame)]))]),
                "{1: [null, <frame 2×4×3 u8 BGR>]}",
            ),
            (Value::from(matrix), "<array 2×3 f64>"),
            (Value::from(number), "<array complex64>"),
        ] {
            assert_eq!(value.to_string(), text);
        }
    }
}
