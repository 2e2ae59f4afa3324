use super::Violation;

const MORE: u8 = 0b001;
const LONG: u8 = 0b010;
const COMMAND: u8 = 0b100;

/// A length up to this is written in one byte.
pub(super) const LONGEST_SHORT: usize = 255;

/// The bytes of the longest frame header: flags and a length of eight bytes.
pub(super) const LONGEST_HEADER: usize = 9;

/// What stands before the body of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FrameHeader {
    pub(super) command: bool,
    pub(super) more: bool,
    pub(super) length: u64,
    /// The bytes that the header itself took.
    pub(super) header_len: usize,
}

impl FrameHeader {
    /// Reads a header, once it is whole.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<Self>, Violation> {
        let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
        if flags & !(MORE | LONG | COMMAND) != 0 {
            return Err(Violation::ReservedFlags { flags });
        }
        let (command, more) = (flags & COMMAND != 0, flags & MORE != 0);
        if command && more {
            return Err(Violation::CommandWithMore);
        }
        let (length, header_len) = if flags & LONG == 0 {
            let Some(&length) = rest.first() else { return Ok(None) };
            (length.into(), 2)
        } else {
            let Some(length) = rest.first_chunk() else { return Ok(None) };
            (u64::from_be_bytes(*length), LONGEST_HEADER)
        };
        if length > i64::MAX as u64 {
            return Err(Violation::NegativeLength { length });
        }
        Ok(Some(Self { command, more, length, header_len }))
    }

    /// The header of a frame that this end sends, and how many of the bytes it takes.
    pub(super) fn write(command: bool, more: bool, length: usize) -> ([u8; LONGEST_HEADER], usize) {
        let flags = if command { COMMAND } else { 0 } | if more { MORE } else { 0 };
        let mut header = [0; LONGEST_HEADER];
        match u8::try_from(length) {
            Ok(short) => {
                header[0] = flags;
                header[1] = short;
                (header, 2)
            }
            Err(_) => {
                header[0] = flags | LONG;
                header[1..].copy_from_slice(&(length as u64).to_be_bytes());
                (header, LONGEST_HEADER)
            }
        }
    }
}
