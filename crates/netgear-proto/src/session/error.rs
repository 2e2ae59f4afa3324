use alloc::boxed::Box;

use super::Outgoing;
use crate::{EncodedFrame, Encoding, Encodings, Mode, Pattern, Role, Value, native, vidgear};

/// Why a session cannot go on with this peer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The two ends were set up for different things; the one named must be changed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The peer broke a rule.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] PeerViolation),
    /// The peer connected and then did not say hello in time.
    #[error(
        "the peer connected but did not say hello in time; is it NetGear, and of a version that this one knows?"
    )]
    GreetingTimeout,
    /// This end still holds what former peers sent, which its application does not take.
    #[error(
        "frames or data of the peer before wait to be taken, and there is no room for those of another; take them first"
    )]
    Clogged,
    /// A VidGear client has not answered the first frame. It has no words for it, but that is what it does if its
    /// mode is not that of this end, and if it has another sender already. The link is gone, and the session over.
    #[error(
        "the VidGear client did not answer the first frame: it may have a sender already, or have ended; \
         or it is not {ours}, as this sender is: then set bidirectional_mode={} there, or make this sender {}",
        if *ours == Mode::Bidirectional { "True" } else { "False" },
        ours.opposite()
    )]
    FirstFrameUnanswered {
        /// This end's mode.
        ours: Mode,
    },
}

/// Two ends that were set up for different things. Each end finds it out by itself, from the other's hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// One end is bidirectional and the other is not.
    #[error("this {role} is {ours} and the {other} is {theirs}; make the {other} {ours}, or this {role} {theirs}",
        other = role.opposite())]
    Mode {
        /// Which end this is.
        role: Role,
        /// This end's mode.
        ours: Mode,
        /// The other end's.
        theirs: Mode,
    },
    /// Both ends are senders, or both receivers.
    #[error("both ends are {0}s; make the other end a {other}", other = _0.opposite())]
    SameRole(Role),
    /// One end is PAIR and the other REQ/REP.
    #[error("this {role} uses {ours} and the {other} uses {theirs}; make the {other} use {ours}, or this {role} {theirs}",
        other = role.opposite())]
    Pattern {
        /// Which end this is.
        role: Role,
        /// This end's pattern.
        ours: Pattern,
        /// The other end's.
        theirs: Pattern,
    },
}

impl Mismatch {
    /// What it means that this end's socket does not go with the peer's (ZMTP's `Socket-Type`); `None` if the peer's
    /// is not one that NetGear uses.
    pub fn of_socket_types(role: Role, ours: Pattern, theirs: &str) -> Option<Self> {
        let theirs = match theirs {
            "PAIR" => Pattern::Pair,
            "REQ" | "REP" => Pattern::ReqRep,
            _ => return None,
        };
        if ours == theirs { Some(Self::SameRole(role)) } else { Some(Self::Pattern { role, ours, theirs }) }
    }
}

/// A rule of the session that the peer broke.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PeerViolation {
    /// The message cannot be read.
    #[error("unreadable message: {0}")]
    Malformed(#[from] native::DecodeError),
    /// The message is none of VidGear's, or holds what must not be read.
    #[error("no VidGear message: {0}")]
    MalformedVidGear(#[from] vidgear::DecodeError),
    /// Version 0 of the dialect does not exist.
    #[error("it says that it speaks version 0, which does not exist")]
    Version,
    /// Something came before the hello.
    #[error("it sent a message before its hello")]
    HelloMissing,
    /// A second hello came.
    #[error("it said hello twice")]
    HelloTwice,
    /// A message that its role may not send, or not in this pattern.
    #[error("it sent {message}, which a {role} may not")]
    WrongRole {
        /// What was sent.
        message: &'static str,
        /// The peer's role.
        role: Role,
    },
    /// A frame came while as many as this end has room for were still unanswered.
    #[error("it sent frame {found} without waiting for the answers to those before it")]
    FrameOutOfTurn {
        /// The sequence number of the frame that came.
        found: u64,
    },
    /// A frame came with a number that was used before.
    #[error("it sent frame {found} where frame {expected} or a later one was due")]
    Sequence {
        /// The lowest number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An encoded frame came that this end had not said it decodes.
    #[error("it sent a {encoding} frame, and this end had said that it decodes {decodes}")]
    EncodingNotAnnounced {
        /// How the frame is encoded.
        encoding: Encoding,
        /// What this end had said.
        decodes: Encodings,
    },
    /// An item of data came with another number than the next.
    #[error("it sent data {found} where data {expected} was due")]
    DataSequence {
        /// The number that was due.
        expected: u64,
        /// The number that came.
        found: u64,
    },
    /// An item of data came that this end had said it has no room for.
    #[error("it sent data {number}, for which this end had no room left")]
    DataOverRoom {
        /// Its number.
        number: u64,
    },
    /// A number was used that has none after it.
    #[error("it used up all numbers")]
    NumbersExhausted,
    /// What it says that it has of the data sent to it cannot be.
    #[error(
        "it says that it has received {received} items of data and taken {taken}, of {sent} sent; or it said more before"
    )]
    Acknowledgement {
        /// How many it says it has received.
        received: u64,
        /// How many it says its application is done with.
        taken: u64,
        /// How many were sent.
        sent: u64,
    },
    /// It says that it has frames that were never sent.
    #[error("it says that it has the frames before {next_frame}, and only those before {sent} were sent")]
    FrameNeverSent {
        /// The one after the last that it says it has.
        next_frame: u64,
        /// The one after the last that was sent.
        sent: u64,
    },
    /// An answer came to a frame that is not waiting for one.
    #[error("it answered frame {found}, which was not waiting for an answer")]
    UnexpectedAnswer {
        /// The frame that was answered.
        found: u64,
    },
    /// The answer to an idle request came where that to a frame was due.
    #[error("it left frame {expected} unanswered, and sent an idle answer in its place")]
    FrameNotAnswered {
        /// The frame that was waiting for its answer.
        expected: u64,
    },
    /// Data came although both ends agreed on none.
    #[error("it sent data in a unidirectional session")]
    UnidirectionalData,
    /// A message came out of turn in REQ/REP.
    #[error("it spoke out of turn: REQ and REP alternate strictly (RFC 28)")]
    OutOfTurn,
}

/// Why a message cannot be written: always the caller's doing, and nothing of it has been sent.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// To another NetGear for Rust.
    #[error(transparent)]
    Native(#[from] native::EncodeError),
    /// To the Python original.
    #[error(transparent)]
    VidGear(#[from] vidgear::EncodeError),
}

/// Why a frame was not taken for sending.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// Nothing can be taken right now; try again after the next event. The frame is handed back, and its data with
    /// it.
    #[error("frames or data before this one still wait, or no peer was there yet; send it again later")]
    Busy(Box<Outgoing>),
    /// Too much returned data waits to be taken. The frame is handed back.
    #[error("{items} items of returned data wait to be taken; take them before the next frame is sent")]
    ReturnedDataWaiting {
        /// How many wait.
        items: usize,
        /// The frame that was not taken.
        outgoing: Box<Outgoing>,
    },
    /// The message is over a limit, or cannot be said to this peer.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The encoded picture is of another shape, element type or pixel format than the frame.
    #[error("{encoded:?} is not the picture of the frame beside it; encode that one, or send it raw")]
    EncodedOtherwise {
        /// What was given.
        encoded: EncodedFrame,
    },
    /// Data was given in a unidirectional session.
    #[error(
        "a unidirectional session carries no data; make both ends bidirectional, or send the frame alone"
    )]
    Unidirectional,
    /// This end is the receiver.
    #[error("a receiver sends no frames; it replies to those that it receives")]
    NotSender,
    /// The session is over.
    #[error("the session is over")]
    Over,
}

/// Why a reply was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// No frame waits for an answer: none was received yet, or the last one is answered already.
    #[error(
        "there is no frame to reply to; reply once, after a frame was received and before the next one is"
    )]
    NothingToAnswer,
    /// Too much data waits to be taken by the sender. It is handed back; the frame still waits for its answer.
    #[error("the replies before this one still wait to be taken; reply again later")]
    Busy(Box<Value>),
    /// The message is over a limit, or cannot be said to this peer.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// A unidirectional session carries no data back.
    #[error("a unidirectional session carries no data back; make both ends bidirectional")]
    Unidirectional,
    /// This end is the sender.
    #[error("a sender does not reply; its data goes with its frames")]
    NotReceiver,
    /// The session is over.
    #[error("the session is over")]
    Over,
}
