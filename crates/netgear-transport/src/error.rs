use std::{fmt, io, time::Duration};

use netgear_proto::{
    EncodedFrame, Encoding, FrameDecodeError, Mode, Value,
    session::{self, Delivery, EncodeError, Mismatch, Outgoing, SessionError},
};

use crate::{Endpoint, EndpointError, LinkError, handle::Unmet};

/// Why an endpoint could not be bound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Another program has it.
    #[error("{endpoint} is taken by another program; stop that one, or bind another endpoint")]
    Taken {
        /// The endpoint asked for.
        endpoint: Endpoint,
    },
    /// The system refused.
    #[error("cannot bind {endpoint}: {source}{}", remedy(endpoint, source))]
    Io {
        /// The endpoint asked for.
        endpoint: Endpoint,
        /// The system's word for it.
        source: io::Error,
    },
    /// A sender's frames are to be encoded, and there is nothing to encode them with.
    #[error("{}", NoCodec(*.encoding))]
    NoCodec {
        /// What they were to be encoded as.
        encoding: Encoding,
    },
}

/// Why an endpoint cannot be connected to, whoever may be there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The endpoint is one to bind.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The host name leads nowhere.
    #[error("{endpoint} cannot be found: {source}; check the name, or give the address")]
    Resolve {
        /// The endpoint asked for.
        endpoint: Endpoint,
        /// The system's word for it.
        source: io::Error,
    },
    /// A sender's frames are to be encoded, and there is nothing to encode them with.
    #[error("{}", NoCodec(*.encoding))]
    NoCodec {
        /// What they were to be encoded as.
        encoding: Encoding,
    },
}

/// Why a session failed for good. What it can go on after, on another connection, is only logged.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SessionFailure {
    /// The two ends do not fit, or the peer broke a rule.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The connection broke, or the peer broke a rule of it.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// The peer went without a goodbye.
    #[error("the peer went away without a goodbye")]
    PeerLost,
    /// The task behind the session is gone: its runtime was shut down, or it panicked.
    #[error("the session was cut off, since the tokio runtime that it was started in has stopped")]
    Stopped,
}

/// The session had failed before it was closed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failure}")]
#[non_exhaustive]
pub struct CloseError {
    /// Why.
    #[source]
    pub failure: SessionFailure,
    /// Data of this end that is not known to have been received, oldest first.
    pub undelivered: Vec<Value>,
    /// Data of the peer that came and was not taken, oldest first: for the peer it is delivered.
    pub untaken: Vec<Value>,
}

impl From<Mismatch> for SessionFailure {
    fn from(mismatch: Mismatch) -> Self {
        Self::Session(mismatch.into())
    }
}

/// Why a peer did not appear.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The deadline set for it has passed.
    #[error("{}", NoPeerWithin(*.0))]
    NoPeer(Duration),
    /// The peer left again, or this end was closed.
    #[error("the session is over")]
    Over,
    /// The session failed.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

/// Why a frame was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No peer appeared within the deadline set for it.
    #[error("{}", NoPeerWithin(*.0))]
    NoPeer(Duration),
    /// The peer is there but has not answered the frame before this one in time.
    #[error("the receiver has not answered for {:.1} s; it may be stopped, or slower than the timeout allows", .0.as_secs_f64())]
    Timeout(Duration),
    /// The same of the very first frame, and the peer is a VidGear client, which behaves so if its mode is not this
    /// end's, or if it has another sender.
    #[error("{} (waited for {:.1} s)", SessionError::FirstFrameUnanswered { ours: *ours }, waited.as_secs_f64())]
    FirstFrameUnanswered {
        /// [`Builder::timeout`](crate::Builder::timeout).
        waited: Duration,
        /// This end's mode.
        ours: Mode,
    },
    /// The peer said goodbye.
    #[error("the receiver has left")]
    PeerLeft,
    /// Too much returned data waits to be taken. The frame is handed back.
    #[error(
        "{items} items of returned data wait; take them with try_recv_data before the next frame is sent"
    )]
    ReturnedDataWaiting {
        /// How many wait.
        items: usize,
        /// The frame that was not sent.
        outgoing: Box<Outgoing>,
    },
    /// The frame or its data is over a limit.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The codec has not encoded the frame in what this call had left of its time. The frame was not sent; sending
    /// may be tried again.
    #[error(
        "the codec has not encoded the frame within {:.1} s; it is stuck, or the timeout is too short for it: try again, or send raw",
        .0.as_secs_f64()
    )]
    EncodingTimeout(Duration),
    /// The encoded picture that was given is of another shape, element type or pixel format than the frame.
    #[error(
        "what was given as encoded, a picture of {} {} {}, is not that of the frame beside it; encode that one, or send \
         it raw",
        encoded.shape(), encoded.element_type(), encoded.pixel_format()
    )]
    EncodedOtherwise {
        /// What was given.
        encoded: EncodedFrame,
    },
    /// Data was given in a unidirectional session.
    #[error(
        "a unidirectional session carries no data; make both ends bidirectional, or send the frame alone"
    )]
    Unidirectional,
    /// The session failed.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

/// Why no frame was received.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// No peer appeared within the deadline set for it.
    #[error("{}", NoPeerWithin(*.0))]
    NoPeer(Duration),
    /// The peer is there but has sent no frame in time. Receiving may be tried again.
    #[error("the sender has sent nothing for {:.1} s; it may be stopped, or slower than the timeout allows", .0.as_secs_f64())]
    Timeout(Duration),
    /// No frame comes, because so much data waits whose frames were dropped: there is no room for more, or for
    /// another peer. Receiving may be tried again once some was taken.
    #[error(
        "{items} items of data wait whose frames were dropped; take them with try_recv_data or recv_data, also while no frame comes"
    )]
    DataWaiting {
        /// How many wait.
        items: usize,
    },
    /// The next frame came encoded and cannot be decoded. It counts as received, with its data, and can be replied
    /// to; receiving goes on with the next.
    #[error(
        "frame {} cannot be decoded: {error}; it was damaged, or the sender encodes otherwise: receive the next, or have the sender send raw",
        delivery.sequence
    )]
    Undecodable {
        /// The frame as it came, and what came with it.
        delivery: Box<Delivery<EncodedFrame>>,
        /// What is wrong with it.
        #[source]
        error: FrameDecodeError,
    },
    /// The next frame came encoded, and the codec has not decoded it in time. The frame is still there: receiving may
    /// be tried again, and [`FrameReceiver::recv_undecoded`](crate::FrameReceiver::recv_undecoded) gives it as it
    /// came.
    #[error(
        "the codec has not decoded the next frame for {:.1} s; it is stuck, or the timeout is too short for it: try again, or take the frame undecoded",
        .0.as_secs_f64()
    )]
    DecodingTimeout(Duration),
    /// The session failed.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

impl From<Unmet> for RecvError {
    fn from(unmet: Unmet) -> Self {
        match unmet {
            Unmet::NoPeer(wait) => Self::NoPeer(wait),
            Unmet::Timeout(timeout) => Self::Timeout(timeout),
            Unmet::Decoding(timeout) => Self::DecodingTimeout(timeout),
        }
    }
}

impl RecvError {
    /// Whether receiving goes on after it by itself, as a stream does.
    pub(crate) const fn is_passing(&self) -> bool {
        matches!(self, Self::DataWaiting { .. } | Self::Undecodable { .. } | Self::DecodingTimeout(_))
    }
}

/// Why a reply was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The session did not take it.
    #[error(transparent)]
    Refused(#[from] session::ReplyError),
    /// The sender said goodbye.
    #[error("the sender has left")]
    PeerLeft,
    /// The session failed.
    #[error(transparent)]
    Failed(#[from] SessionFailure),
}

/// What to do where the system does not let an endpoint be bound.
fn remedy(endpoint: &Endpoint, error: &io::Error) -> &'static str {
    match (error.kind(), endpoint) {
        (io::ErrorKind::AddrNotAvailable, _) => {
            "; bind an address of this machine, or tcp://*:PORT for all of them"
        }
        (io::ErrorKind::NotFound, Endpoint::Ipc(_)) => "; make the folder first",
        (io::ErrorKind::PermissionDenied, Endpoint::Ipc(_)) => "; take a folder that this user may write to",
        (io::ErrorKind::PermissionDenied, _) => "; take a port from 1024 on",
        _ => "",
    }
}

/// What both say of a codec that is missing.
struct NoCodec(Encoding);

impl fmt::Display for NoCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "there is no codec to encode frames as {} with; give the builder one by Builder::codec, or leave \
             Builder::encoding out, which frames that are encoded already do not need",
            self.0
        )
    }
}

/// What all of them say of a peer that did not appear.
struct NoPeerWithin(Duration);

impl fmt::Display for NoPeerWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        write!(
            f,
            "there was no peer for {seconds:.1} s; start the other end, check the endpoint, or see whether it has a peer already"
        )
    }
}
