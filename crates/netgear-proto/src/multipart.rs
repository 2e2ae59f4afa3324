use alloc::vec::Vec;

use bytes::Bytes;

/// A ZeroMQ message: one part or more, sent and received as a whole.
///
/// Parts are counted references; neither cloning a message nor taking it apart copies their bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Multipart {
    parts: Vec<Bytes>,
}

impl Multipart {
    /// A message without parts, to be filled. It can be sent only once it has one.
    pub const fn new() -> Self {
        Self { parts: Vec::new() }
    }

    /// Adds a part at the end.
    pub fn push(&mut self, part: impl Into<Bytes>) {
        self.parts.push(part.into());
    }

    /// The parts, first to last.
    pub fn parts(&self) -> &[Bytes] {
        &self.parts
    }

    /// The parts, without a copy.
    pub fn into_parts(self) -> Vec<Bytes> {
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
        self.parts.iter().map(Bytes::len).sum()
    }
}

impl From<Vec<Bytes>> for Multipart {
    fn from(parts: Vec<Bytes>) -> Self {
        Self { parts }
    }
}

impl From<Bytes> for Multipart {
    fn from(part: Bytes) -> Self {
        Self { parts: Vec::from([part]) }
    }
}

impl FromIterator<Bytes> for Multipart {
    fn from_iter<I: IntoIterator<Item = Bytes>>(parts: I) -> Self {
        Self { parts: parts.into_iter().collect() }
    }
}
