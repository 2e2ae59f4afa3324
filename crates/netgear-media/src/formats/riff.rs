//! The chunks of RIFF files, which are WebP and AVI among others: a type of four letters, a length, and so many
//! bytes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// What stands before the content of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ChunkHeader {
    pub(crate) kind: [u8; 4],
    /// The bytes of the content, as the file has it.
    pub(crate) len: u32,
}

impl ChunkHeader {
    pub(crate) const LEN: u64 = 8;

    /// The header at the start of some bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first_chunk()?;
        Some(Self { kind: *kind, len: u32::from_le_bytes(*rest.first_chunk()?) })
    }

    /// The header at this place of a file; `None` at the end of the file, or if less than a header is left.
    pub(crate) fn read(file: &mut File, at: u64) -> io::Result<Option<Self>> {
        let mut header = [0; Self::LEN as usize];
        Ok(if read_at(file, at, &mut header)? { Self::parse(&header) } else { None })
    }

    /// The bytes of the whole chunk: its header, its content, and what makes the length even.
    pub(crate) const fn whole_len(self) -> u64 {
        Self::LEN + self.len as u64 + (self.len & 1) as u64
    }
}

/// Fills `bytes` from this place of the file on; `false` if the file ends before.
pub(crate) fn read_at(file: &mut File, at: u64, bytes: &mut [u8]) -> io::Result<bool> {
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// The chunks in a content, one after the other, as type and content. It ends at the first that is longer than what
/// is left.
pub(crate) fn chunks(mut content: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let header = ChunkHeader::parse(content)?;
        let rest = content.get(ChunkHeader::LEN as usize..)?;
        let inner = rest.get(..header.len as usize)?;
        let next = usize::try_from(header.whole_len()).ok().and_then(|len| content.get(len..));
        content = next.unwrap_or_default();
        Some((header.kind, inner))
    })
}

/// The number of 24 bits at the start, least significant byte first.
pub(crate) fn u24(bytes: &[u8]) -> Option<u32> {
    let [a, b, c] = *bytes.first_chunk()?;
    Some(u32::from_le_bytes([a, b, c, 0]))
}

/// The number of 32 bits at this offset.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_walked_to_the_first_that_is_cut_short() {
        let bytes = b"abcd\x03\0\0\0xyz\0efgh\0\0\0\0ijkl\x01\0\0\0q";
        let found: Vec<_> = chunks(bytes).collect();
        assert_eq!(found, [(*b"abcd", &b"xyz"[..]), (*b"efgh", b""), (*b"ijkl", b"q")]);
        assert_eq!(chunks(&bytes[..10]).count(), 0);
        assert_eq!(chunks(b"abcd\xff\xff\xff\xffxyz").count(), 0);
        assert_eq!(ChunkHeader { kind: *b"abcd", len: u32::MAX }.whole_len(), 8 + (1 << 32));
    }
}
