use serde::{Deserialize, Serialize};

/// What stands before every value: its kind, as postcard writes the variant of an enum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Tag {
    // The order is the wire's (docs/wire.md): append, never reorder.
    Null,
    False,
    True,
    /// A zigzag varint of up to 128 bits follows.
    Int,
    /// 8 bytes follow, little-endian.
    Float,
    /// A length and UTF-8 follow.
    Str,
    /// A length and the bytes follow.
    Bytes,
    /// The bytes are the next part of the message.
    BytesApart,
    /// A count and so many values follow.
    List,
    /// A count and so many pairs of a key and a value follow.
    Map,
    /// A frame header follows; the pixels are the next part of the message.
    Frame,
    // What follows is unknown to a reader of the first programs, which refuse it as a tag of a newer peer.
    /// The type of an array's elements, the count of its sides and the sides follow; the elements are the next part
    /// of the message.
    Array,
}
