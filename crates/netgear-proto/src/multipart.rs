use alloc::vec::Vec;
use core::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// A ZeroMQ message: one part or more, sent and received as a whole.
///
/// Parts are counted references; neither cloning a message nor taking it apart copies their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Multipart {
    parts: Vec<Part>,
}

impl Multipart {
    /// A message without parts, to be filled. It can be sent only once it has one.
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// Adds a part at the end.
    pub fn push(&mut self, part: impl Into<Part>) {
        self.parts.push(part.into());
    }

    /// The parts, first to last.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The parts, without a copy.
    pub fn into_parts(self) -> Vec<Part> {
        self.parts
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is no part yet.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The bytes of all parts together.
    pub fn byte_len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }
}

impl From<Vec<Part>> for Multipart {
    fn from(parts: Vec<Part>) -> Self {
        Self { parts }
    }
}

impl From<Vec<Bytes>> for Multipart {
    fn from(parts: Vec<Bytes>) -> Self {
        parts.into_iter().collect()
    }
}

impl From<Bytes> for Multipart {
    fn from(part: Bytes) -> Self {
        Self { parts: Vec::from([part.into()]) }
    }
}

impl FromIterator<Bytes> for Multipart {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        Self { parts: parts.into_iter().map(Part::from).collect() }
    }
}

/// One part of a message. To the peer it is a run of bytes; here it stands in one piece or in two, so that a few
/// bytes can go before the pixels of a frame without a copy of those. A part that was received is always in one
/// piece.
#[derive(Clone, Default)]
pub struct Part {
    /// Empty if there is one piece.
    head: Bytes,
    body: Bytes,
}

impl Part {
    /// A part of two pieces, `head` first.
    pub const fn in_two(head: Bytes, body: Bytes) -> Self {
        Self { head, body }
    }

    /// The pieces in order; one of them or both may be empty.
    pub const fn pieces(&self) -> [&Bytes; 2] {
        [&self.head, &self.body]
    }

    /// The pieces, without a copy.
    pub fn into_pieces(self) -> [Bytes; 2] {
        [self.head, self.body]
    }

    /// The bytes in one piece: without a copy if they are that already.
    pub fn into_bytes(self) -> Bytes {
        if self.head.is_empty() {
            return self.body;
        }
        if self.body.is_empty() {
            return self.head;
        }
        let mut joined = BytesMut::with_capacity(self.len());
        joined.put(self.head);
        joined.put(self.body);
        joined.freeze()
    }

    /// How many bytes there are.
    pub fn len(&self) -> usize {
        self.head.len() + self.body.len()
    }

    /// Whether there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Bytes> for Part {
    fn from(bytes: Bytes) -> Self {
        Self { head: Bytes::new(), body: bytes }
    }
}

impl From<Vec<u8>> for Part {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<&'static str> for Part {
    fn from(text: &'static str) -> Self {
        Bytes::from(text).into()
    }
}

/// Parts are equal if their bytes are, in however many pieces.
impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |part: &Self| part.head.clone().into_iter().chain(part.body.clone());
        match (self.head.is_empty(), other.head.is_empty()) {
            (true, true) => self.body == other.body,
            _ => self.len() == other.len() && bytes(self).eq(bytes(other)),
        }
    }
}

impl Eq for Part {}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pieces() {
            [head, body] if head.is_empty() => fmt::Debug::fmt(body, f),
            [head, body] => write!(f, "{head:?} + {body:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_do_not_show_in_the_bytes() {
        let whole = Part::from(Bytes::from_static(b"header and pixels"));
        let split = Part::in_two(Bytes::from_static(b"header "), Bytes::from_static(b"and pixels"));
        assert_eq!(whole, split);
        assert_eq!((split.len(), split.is_empty()), (17, false));
        assert_eq!(split.into_bytes(), Bytes::from_static(b"header and pixels"));
        assert_ne!(whole, Part::in_two(Bytes::from_static(b"header "), Bytes::from_static(b"and pixelz")));
    }

    #[test]
    fn one_piece_is_handed_out_without_a_copy() {
        let bytes = Bytes::from(Vec::from([1, 2, 3]));
        let address = bytes.as_ptr();
        assert_eq!(Part::from(bytes.clone()).into_bytes().as_ptr(), address);
        assert_eq!(Part::in_two(bytes, Bytes::new()).into_bytes().as_ptr(), address);
    }
}
