//! One ZeroMQ connection as a state machine: ZMTP 3.1 and 3.0 (RFC 37 and 23) with the NULL mechanism, for PAIR, REQ
//! and REP sockets (RFC 31 and 28). libzmq's sockets are ordinary peers.
//!
//! A [`Connection`] has no socket and no clock. Whoever has them runs this loop:
//!
//! 1. write [`Connection::transmit`] to the socket;
//! 2. read from the socket into [`Connection::receive_buffer`], and say so with [`Connection::handle_received`]; or,
//!    with bytes that stand somewhere already, call [`Connection::handle_input`];
//! 3. take what has come with [`Connection::poll_event`];
//! 4. at [`Connection::next_timeout`] call [`Connection::handle_timeout`]; at the end of the stream
//!    [`Connection::handle_eof`].
//!
//! Any error is final: flush what [`Connection::transmit`] still holds (it may tell the peer why) and close the
//! socket.
//!
//! **No copies.** A large part is transmitted from the very bytes that were given, and received into the very buffer
//! that becomes the part: `receive_buffer` gives out a part's own memory while its body is due, and never so much
//! room before it that the body's first byte could land elsewhere.
//!
//! **No surprises.** Every length is held against [`Limits`](crate::Limits) before anything is allocated for it. What
//! is held at any moment is the message that is being received, the READY properties, one PONG that is owed, 1 KiB of
//! staging, and the messages that were not yet taken with `poll_event`: on a REP one at most, on the others as many
//! as the caller lets come before it asks. A buffer that the pool gives out again may be up to twice as large as its
//! part.
//!
//! ```
//! use netgear_proto::{
//!     BufferPool, Multipart, Timestamp,
//!     zmtp::{Connection, ConnectionConfig, Event, SocketType},
//! };
//! use bytes::{Buf, Bytes};
//!
//! let now = Timestamp::ZERO;
//! let mut pool = BufferPool::default();
//! let mut req = Connection::new(ConnectionConfig::new(SocketType::Req), now);
//! let mut rep = Connection::new(ConnectionConfig::new(SocketType::Rep), now);
//!
//! let mut carry = |from: &mut Connection, to: &mut Connection| {
//!     let len = from.transmit().remaining();
//!     let bytes = from.transmit().copy_to_bytes(len);
//!     to.handle_input(now, &bytes, &mut pool).expect("both ends keep the rules");
//! };
//! // Greetings and READYs.
//! for _ in 0..2 {
//!     carry(&mut req, &mut rep);
//!     carry(&mut rep, &mut req);
//! }
//! assert_eq!(req.peer().map(|peer| peer.socket_type()), Some("REP"));
//! assert_eq!(rep.poll_event(), Some(Event::Established));
//!
//! req.send(Multipart::from(Bytes::from("question")))?;
//! carry(&mut req, &mut rep);
//! assert_eq!(rep.poll_event(), Some(Event::Message(Bytes::from("question").into())));
//! # Ok::<(), netgear_proto::zmtp::SendError>(())
//! ```

mod command;
mod config;
mod connection;
mod envelope;
mod error;
mod framing;
mod greeting;
mod properties;
mod socket_type;
mod transmit;

pub use self::{
    config::{ConnectionConfig, Heartbeat},
    connection::{Connection, Event, Peer},
    error::{PropertyError, SendError, Violation, ZmtpError},
    socket_type::SocketType,
    transmit::Transmit,
};
