//! The bytes that a fuzzer made up, taken apart.

use bytes::Bytes;
use netgear_proto::Multipart;

/// Choices and numbers, front to back. Behind the end all are 0.
#[derive(Debug, Clone)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// The next byte, until there is none.
    pub(crate) fn next(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.next().unwrap_or_default()
    }

    /// The lowest bit of a byte.
    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn choose<T: Copy, const N: usize>(&mut self, choices: [T; N]) -> T {
        choices[usize::from(self.byte()) % N]
    }

    /// So many bytes, or all that are left.
    pub(crate) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.rest.split_at(len.min(self.rest.len()));
        self.rest = rest;
        bytes
    }

    /// A number that is mostly this one, sometimes one near to it, and sometimes the highest of all.
    pub(crate) fn about(&mut self, number: u64) -> u64 {
        match self.byte() {
            0..192 => number,
            255 => u64::MAX,
            byte => number.wrapping_add_signed(i64::from(byte) - 224),
        }
    }
}

/// The parts of a message, each behind its length in four bytes, big-endian: the form of the recorded messages in
/// `tests/data/vidgear/messages`. A length past the end takes what is there.
pub(crate) fn multipart(mut input: &[u8]) -> Multipart {
    let mut parts = Vec::new();
    while let Some((length, rest)) = input.split_first_chunk() {
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (part, rest) = rest.split_at(length.min(rest.len()));
        parts.push(Bytes::copy_from_slice(part));
        input = rest;
    }
    parts.into()
}
