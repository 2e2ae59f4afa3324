//! NetGear's async sessions: frames one way and data both ways over ZeroMQ PAIR or REQ/REP, on tokio.
//!
//! [`FrameSender`] and [`FrameReceiver`] are the two ends. Each is made by a [`Builder`]: set options, then bind an
//! [`Endpoint`], connect to one, or bring a [`Link`] of your own. Behind each works one task, which finds the peer,
//! carries messages, answers heartbeats, finds the peer again when the connection breaks, and ends with the session;
//! the rules of the exchange are those of [`netgear_proto::session`].
//!
//! * Every wait has a deadline, but the one for a peer to appear, which has one if [`Builder::wait_for_peer`] sets
//!   it, that of a receiver used as a stream while its peer lives, and [`FrameReceiver::lost`], which waits for what
//!   may never happen.
//! * A frame's pixels are copied by the kernel alone, each way. The buffers they arrive in are used again once the
//!   application has dropped the frame.
//! * Every length is checked before anything is allocated for it: a receiver may stand on an open port.
//!
//! Features: `zeromq` adds a link over the sockets of the `zeromq` crate; `metrics` reports every second what
//! crosses, as counters and gauges of the `metrics` crate whose names begin with `netgear_`.

// An example shows what is needed, and no more.
#![doc(test(attr(deny(unused_imports))))]

mod builder;
mod clock;
mod decoding;
mod door;
mod driver;
mod encoding;
mod endpoint;
mod error;
mod establish;
mod greeting;
mod handle;
mod link;
#[cfg(feature = "metrics")]
mod metrics;
mod places;
mod receiver;
mod send_buffer;
mod sender;
mod shared;
mod socket;

pub use netgear_proto as proto;

#[cfg(feature = "zeromq")]
pub use self::link::ZeromqLink;
pub use self::{
    builder::Builder,
    endpoint::{Endpoint, EndpointError, Host},
    error::{
        BindError, CloseError, ConnectError, RecvError, ReplyError, SendError, SessionFailure, WaitError,
    },
    handle::{Closed, End},
    link::{Link, LinkError},
    receiver::FrameReceiver,
    sender::FrameSender,
};
