use alloc::string::String;
use core::time::Duration;

use super::SocketType;

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ZmtpError {
    /// The first bytes are those of something else.
    #[error("the peer does not speak ZMTP, but {guess}; connect a ZeroMQ program to this port")]
    NotZmtp {
        /// What it seems to speak.
        guess: &'static str,
    },
    /// A ZMTP older than 3.0.
    #[error(
        "the peer speaks ZMTP {major}.x, and at least 3.0 is needed; update its ZeroMQ to version 4 or later"
    )]
    Version {
        /// The peer's major version.
        major: u8,
    },
    /// A security mechanism that this end does not speak.
    #[error(
        "the peer wants the security mechanism {theirs:?}, and this end speaks NULL; set both to the same"
    )]
    Mechanism {
        /// The peer's mechanism.
        theirs: String,
    },
    /// Two sockets that do not go together.
    #[error(
        "a {ours} socket does not go with a {theirs}; give both ends the same pattern and opposite roles"
    )]
    SocketType {
        /// This end's type.
        ours: SocketType,
        /// The peer's, in its own words.
        theirs: String,
    },
    /// The peer sent ERROR: trying the same again is of no use.
    #[error("the peer refused the connection: {reason}")]
    Refused {
        /// The peer's reason.
        reason: String,
    },
    /// The peer did not finish the handshake in time.
    #[error("the peer did not finish the ZMTP handshake in time")]
    HandshakeTimeout,
    /// The peer did not send a byte for as long as the heartbeat allows.
    #[error("nothing was heard of the peer for {:.1} s", .silence.as_secs_f64())]
    PeerSilent {
        /// How long.
        silence: Duration,
    },
    /// The stream ended within the handshake, a frame or a message.
    #[error(
        "the peer closed the connection in the middle of the handshake or of a message, at byte {position}"
    )]
    Truncated {
        /// How many bytes it had sent.
        position: u64,
    },
    /// The peer broke a rule.
    #[error("the peer broke ZMTP at byte {position}: {violation}")]
    Violation {
        /// Where in the peer's bytes the frame begins that broke it, counted from the start of the connection.
        position: u64,
        /// The rule.
        violation: Violation,
    },
}

/// A rule of ZMTP, or a limit of this end, that the peer broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// RFC 37: the upper five bits of the flags are zero.
    #[error("reserved bits are set in the flags {flags:#04x}")]
    ReservedFlags {
        /// The flags.
        flags: u8,
    },
    /// RFC 37: a command is a single frame.
    #[error("a command has the MORE flag")]
    CommandWithMore,
    /// RFC 37: the highest bit of a length is zero.
    #[error("the length {length:#x} is negative")]
    NegativeLength {
        /// The length.
        length: u64,
    },
    /// A part is longer than the limits allow.
    #[error(
        "a part of {length} bytes, where {limit} are allowed; see Limits::frame_bytes and Limits::data_bytes"
    )]
    PartTooLong {
        /// The length claimed.
        length: u64,
        /// The limit.
        limit: usize,
    },
    /// The parts of a message are longer together than the limits allow.
    #[error("a message of more than {limit} bytes; see Limits::message_bytes")]
    MessageTooLong {
        /// The limit.
        limit: usize,
    },
    /// A message has too many parts.
    #[error("a message of more than {limit} parts; see Limits::parts")]
    TooManyParts {
        /// The limit.
        limit: usize,
    },
    /// A command is longer than the limits allow.
    #[error("a command of {length} bytes, where {limit} are allowed; see Limits::metadata_bytes")]
    CommandTooLong {
        /// The length claimed.
        length: u64,
        /// The limit.
        limit: usize,
    },
    /// A command is shorter than its own name.
    #[error("a command is too short for its name")]
    CommandName,
    /// A message, or another command, came where READY was due.
    #[error("something other than READY came during the handshake")]
    ReadyExpected,
    /// A property name is empty, or has a character that RFC 37 does not allow.
    #[error("a property name is empty or has a forbidden character")]
    PropertyName,
    /// A property goes past the end of its command.
    #[error("a property goes past the end of its command")]
    PropertyTruncated,
    /// A property came twice.
    #[error("a property came twice")]
    PropertyTwice,
    /// READY has too many properties.
    #[error("READY has more than {limit} properties")]
    TooManyProperties {
        /// The limit.
        limit: usize,
    },
    /// READY has no Socket-Type.
    #[error("READY has no Socket-Type")]
    SocketTypeMissing,
    /// ERROR's reason goes past the end of the command.
    #[error("the reason in ERROR goes past the end of the command")]
    ErrorReason,
    /// RFC 37: PING has a TTL of two bytes and a context of at most 16.
    #[error("a PING is too short for its TTL, or its context is longer than 16 bytes")]
    Ping,
    /// RFC 28: an empty part, then a body.
    #[error("a message without the empty part that RFC 28 wants before the body, or without a body")]
    Envelope,
    /// An answer that is none to a request of this end which waits for one.
    #[error("an answer to a request that was not made, or was answered already")]
    UnknownRequest,
    /// A routing id, in the envelope before the empty part, is longer than RFC 28's 255 bytes.
    #[error("a routing id of {length} bytes, where RFC 28 allows 255")]
    RoutingId {
        /// Its length.
        length: usize,
    },
}

/// Why a message was not taken for sending. Cloning a message is cheap: keep one to try it again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The handshake is not done.
    #[error("the handshake with the peer is not done yet")]
    NotEstablished,
    /// The connection has failed.
    #[error("the connection has failed")]
    Failed,
    /// RFC 28: a REQ has not got its answer yet, or a REP no request.
    #[error("it is the peer's turn: REQ and REP alternate")]
    OutOfTurn,
    /// A message has at least one part.
    #[error("a message needs at least one part")]
    Empty,
    /// A message has more parts than the limits allow.
    #[error("{parts} parts are more than the {limit} allowed; raise Limits::parts on both ends")]
    TooManyParts {
        /// How many it has.
        parts: usize,
        /// The limit.
        limit: usize,
    },
    /// A message, or one of its parts, has more bytes than the limits allow.
    #[error("{bytes} bytes are more than the {limit} allowed; raise Limits::frame_bytes on both ends")]
    TooLong {
        /// How many it has.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
}

/// Why a READY property cannot be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PropertyError {
    /// RFC 37: 1 to 255 characters of `[A-Za-z0-9-_.+]`.
    #[error("a property name has 1 to 255 characters of A-Z a-z 0-9 - _ . +")]
    Name,
    /// It is set already, or is `Socket-Type`, which the connection sets itself.
    #[error("the property is set already")]
    Twice,
    /// READY would be longer than [`Limits::metadata_bytes`](crate::Limits::metadata_bytes).
    #[error("READY would be longer than the limits allow")]
    TooLong,
}
