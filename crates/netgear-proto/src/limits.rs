use crate::{Value, budget::HEADER_BYTES};

/// What a peer may make this end hold.
///
/// Every length that comes off the wire is held against these before anything is allocated for it; one that is over
/// ends the connection with an error that names the limit. The same limits are applied to what is sent, so that too
/// large a message is an error for the caller who made it, not for the peer.
///
/// ```
/// use netgear_proto::Limits;
///
/// let limits = Limits::default().with_frame_bytes(8 << 20);
/// assert_eq!(limits.frame_bytes(), 8 << 20);
/// assert_eq!(limits.data_bytes(), 16 << 20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    frame_bytes: usize,
    data_bytes: usize,
    parts: usize,
    metadata_bytes: usize,
    depth: usize,
}

impl Limits {
    /// The limits of [`Limits::default`].
    pub const DEFAULT: Self =
        Self { frame_bytes: 128 << 20, data_bytes: 16 << 20, parts: 64, metadata_bytes: 8 << 10, depth: 64 };

    /// The pixels that one message may carry, in all its frames together, and the elements of its arrays with them.
    /// Default: 128 MiB, an 8K BGR frame of 8 bits.
    pub const fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// What one message may carry beside pixels. Default: 16 MiB. A value counts with the memory that it will take:
    /// 64 bytes for itself, the bytes of its string, and 16 for each side of an array.
    pub const fn data_bytes(&self) -> usize {
        self.data_bytes
    }

    /// The parts of one multipart message. Default: 64.
    pub const fn parts(&self) -> usize {
        self.parts
    }

    /// The body of one ZMTP command, READY's metadata above all. Default: 8 KiB.
    pub const fn metadata_bytes(&self) -> usize {
        self.metadata_bytes
    }

    /// How deep lists and maps may stand in one another. Default: 64.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The bytes of one part of a message: the larger of [`Limits::frame_bytes`] and [`Limits::data_bytes`].
    pub const fn part_bytes(&self) -> usize {
        if self.frame_bytes > self.data_bytes { self.frame_bytes } else { self.data_bytes }
    }

    /// The bytes of one whole message on the wire, all parts together: pixels, data, and 160 for its header.
    pub const fn message_bytes(&self) -> usize {
        self.content_bytes().saturating_add(HEADER_BYTES)
    }

    /// What one message may carry: pixels and data.
    pub(crate) const fn content_bytes(&self) -> usize {
        self.frame_bytes.saturating_add(self.data_bytes)
    }

    /// Sets [`Limits::frame_bytes`].
    #[must_use]
    pub const fn with_frame_bytes(mut self, bytes: usize) -> Self {
        self.frame_bytes = bytes;
        self
    }

    /// Sets [`Limits::data_bytes`]. At least 1 KiB is kept, which the protocol's own headers need.
    #[must_use]
    pub const fn with_data_bytes(mut self, bytes: usize) -> Self {
        self.data_bytes = if bytes < 1024 { 1024 } else { bytes };
        self
    }

    /// Sets [`Limits::parts`]. At least 4 are kept: an envelope of two, a header and a frame.
    #[must_use]
    pub const fn with_parts(mut self, parts: usize) -> Self {
        self.parts = if parts < 4 { 4 } else { parts };
        self
    }

    /// Sets [`Limits::metadata_bytes`]. At least 512 are kept, which READY needs.
    #[must_use]
    pub const fn with_metadata_bytes(mut self, bytes: usize) -> Self {
        self.metadata_bytes = if bytes < 512 { 512 } else { bytes };
        self
    }

    /// Sets [`Limits::depth`]. At most [`Value::MAX_DEPTH`](crate::Value::MAX_DEPTH) is kept: values are read and
    /// dropped by recursion, and a stack has an end.
    #[must_use]
    pub const fn with_depth(mut self, depth: usize) -> Self {
        self.depth = if depth > Value::MAX_DEPTH { Value::MAX_DEPTH } else { depth };
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
