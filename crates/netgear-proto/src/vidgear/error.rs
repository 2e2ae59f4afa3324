use alloc::string::String;

use crate::{LimitExceeded, NdArrayError, Value};

/// Why a message cannot be written: always the caller's doing, and nothing of it has been sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The pixels or the data are over the limit.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
    /// One part of the message is over the limit.
    #[error(
        "a part of the message takes {found} bytes with its header, and a part may take {limit}; \
         send less at once, or raise Limits::frame_bytes"
    )]
    Part {
        /// The bytes of the part.
        found: usize,
        /// [`Limits::part_bytes`](crate::Limits::part_bytes).
        limit: usize,
    },
    /// The whole message is over the limit.
    #[error(
        "the message takes {found} bytes, and a message may take {limit}; \
         send less at once, or raise Limits::data_bytes or Limits::frame_bytes"
    )]
    Message {
        /// The bytes of the message.
        found: usize,
        /// The pixels and the data that [`Limits`](crate::Limits) allow together.
        limit: usize,
    },
    /// Data with a frame that says that this end is not bidirectional.
    #[error("VidGear takes data with a frame in bidirectional mode only; make both ends bidirectional")]
    UnidirectionalData,
    /// An array as the data that goes with a frame.
    #[error(
        "VidGear takes no array as the data of a frame; send the array as the frame itself, \
         or from the receiver, as its answer"
    )]
    ArrayWithFrame,
    /// An array within a list or a map.
    #[error(
        "VidGear reads no array within a list or a map; send it from the receiver as the whole answer, \
         or its numbers as a list"
    )]
    ArrayInData,
    /// An array whose sides NumPy cannot have.
    #[error(
        "NumPy has no array of {array}: its sides are too long, though one of them is 0; send a smaller shape"
    )]
    ArrayShape {
        /// The sides and the type of the array.
        array: String,
    },
    /// A whole number beyond 64 bits.
    #[error(
        "{value} is beyond the 64 bits of a MessagePack integer, -2^63 to 2^64-1; send it as a text or as a float"
    )]
    Integer {
        /// The number.
        value: i128,
    },
    /// A key of a map that is neither text nor bytes.
    #[error(
        "{key} is the key of a map, and Python's MessagePack takes only texts and bytes as keys; \
         make it a text, or send a list of pairs"
    )]
    Key {
        /// The key.
        key: Value,
    },
    /// A key that stands in a map twice.
    #[error("the key {key} stands in a map twice, and Python would drop the first; send a list of pairs")]
    DuplicateKey {
        /// The key.
        key: Value,
    },
    /// More than MessagePack can count.
    #[error(
        "{length} bytes or values in one are more than the 2^32-1 that MessagePack can count; send less at once"
    )]
    Length {
        /// The bytes of a text, of bytes or of an array, or the values of a list or a map.
        length: usize,
    },
}

/// Why a message cannot be read: always the peer's doing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message has no part, or an empty first one.
    #[error("the message is empty")]
    Empty,
    /// The message is of another dialect.
    #[error(
        "the message begins with byte {found:#04x}, which no VidGear message does; is the peer VidGear's NetGear_Async?"
    )]
    FirstByte {
        /// The byte found.
        found: u8,
    },
    /// A text that is not the one that acknowledges a frame.
    #[error(
        "the message is a text, but not the one by which VidGear acknowledges a frame; is the peer VidGear's NetGear_Async?"
    )]
    Text,
    /// A map that is none of VidGear's messages, or more than one of them at once.
    #[error(
        "the message is a map that has not exactly one of the keys `terminate`, `return_type` and `terminated`; \
         is the peer VidGear's NetGear_Async, and of a version that this end knows?"
    )]
    Unknown,
    /// A message without something that it must have.
    #[error(
        "the message has no `{key}`; is the peer VidGear's NetGear_Async, and of a version that this end knows?"
    )]
    MissingKey {
        /// The key that is missing.
        key: &'static str,
    },
    /// The header speaks of a part that did not come.
    #[error("the part with the array is missing")]
    MissingPart,
    /// Parts came that the header does not speak of.
    #[error("{surplus} parts came that the header does not speak of")]
    SurplusParts {
        /// How many.
        surplus: usize,
    },
    /// The header part cannot be read.
    #[error("header part, {0}")]
    Header(#[source] MsgpackError),
    /// The array part cannot be read.
    #[error("array part, {0}")]
    Array(#[source] ArrayError),
    /// The array that came as a frame is no picture.
    #[error(
        "an array of {array} came as a frame, which must have two or three dimensions, none of them 0, and elements of \
         u8, u16, i8, i16, i32, f32 or f64; convert it in Python, for example by frame.astype(numpy.uint8)"
    )]
    NoPicture {
        /// The sides and the type of the array.
        array: String,
    },
}

/// Why a part is not a map in MessagePack that this end takes, and at which of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MsgpackError {
    /// The value is larger than this end allows.
    #[error("byte {offset}: {source}")]
    Limit {
        /// Where the value begins.
        offset: usize,
        /// The limit.
        source: LimitExceeded,
    },
    /// The bytes end within a value, or it names a length that goes past their end.
    #[error("byte {offset}: the value goes on past the end of the part")]
    Truncated {
        /// Where the value begins.
        offset: usize,
    },
    /// Bytes are left over behind the map.
    #[error("byte {offset}: the part goes on past the end of its map")]
    TrailingBytes {
        /// Where the map ended.
        offset: usize,
    },
    /// The byte 0xc1, which begins nothing in MessagePack.
    #[error("byte {offset}: 0xc1, which MessagePack never uses")]
    Reserved {
        /// Where the byte is.
        offset: usize,
    },
    /// An extension type of MessagePack, a timestamp among them.
    #[error(
        "byte {offset}: an extension of MessagePack of type {number}, which this end cannot hold; \
         send a number, a text or bytes instead (a msgpack.Timestamp as its to_unix())"
    )]
    Extension {
        /// Where it begins.
        offset: usize,
        /// The number of the type; -1 is a timestamp.
        number: i8,
    },
    /// A text is not UTF-8.
    #[error("byte {offset}: a text is not UTF-8; send it as bytes")]
    Utf8 {
        /// Where the text begins.
        offset: usize,
    },
    /// A key that stands in the map twice.
    #[error("byte {offset}: `{key}` stands in the map twice")]
    DuplicateKey {
        /// Where it stands for the second time.
        offset: usize,
        /// The key.
        key: &'static str,
    },
    /// Something of another type than VidGear sends.
    #[error("byte {offset}: {what} is not {expected}")]
    Type {
        /// Where it begins.
        offset: usize,
        /// What it is.
        what: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// Why a part is not an array that this end takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError {
    /// The map cannot be read.
    #[error(transparent)]
    Msgpack(#[from] MsgpackError),
    /// The map lacks something that it must have.
    #[error("the map has no `{key}` (as bytes, not as text), so that it is no array of msgpack_numpy")]
    MissingKey {
        /// The key that is missing.
        key: &'static str,
    },
    /// A single NumPy number, where an array was announced.
    #[error("`nd` is false: a single number, where an array was announced")]
    NotAnArray,
    /// An array of Python objects.
    #[error(
        "an array of Python objects (dtype object), which travels as a pickle; a pickle can run any program, and is never \
         unpickled here; send an array of numbers, or the objects as a list"
    )]
    Pickle,
    /// A structured array.
    #[error(
        "a structured array (dtype with fields), which this end cannot hold; send each field as an array of its own, \
         or as a list"
    )]
    Structured,
    /// A kind of array that msgpack_numpy does not have.
    #[error("an array of the unknown kind {kind:?}; is the peer newer than this end?")]
    Kind {
        /// Its beginning.
        kind: String,
    },
    /// Elements that are not numbers, or not of a type that this end knows.
    #[error(
        "elements of dtype {dtype:?}, which this end cannot hold; send bool, an integer of 8 to 64 bits, a float of 16 to 64 \
         bits or a complex number, for example by array.astype(numpy.float64)"
    )]
    DType {
        /// The beginning of its name.
        dtype: String,
    },
    /// A side that is negative.
    #[error("byte {offset}: a side of the array is {side}, and none can be negative")]
    NegativeSide {
        /// Where the side stands.
        offset: usize,
        /// How long it claims to be.
        side: i64,
    },
    /// Shape, type and length disagree, or no array can be of that shape.
    #[error(transparent)]
    Shape(#[from] NdArrayError),
    /// The elements are more than this end allows.
    #[error(transparent)]
    Limit(#[from] LimitExceeded),
}
