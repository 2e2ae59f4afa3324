use std::{
    future::poll_fn,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Buf;
use netgear_proto::{
    BufferPool, Limits, Multipart, Timestamp,
    native::READY_PROPERTY,
    zmtp::{Connection, ConnectionConfig, Event, Peer},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::{Link, LinkError, close};
use crate::clock::{Alarm, Clock};

/// How many slices one write gives to the system: a frame is five (two part headers, two parts, a command).
const SLICES: usize = 16;

/// A time-out that is noticed so much too late shows that this program was stopped, or the machine asleep: then what
/// has come meanwhile is read before anybody is judged by the time.
const OVERSLEPT: Duration = Duration::from_millis(500);

/// How long that may take. The system tells of what has come as soon as it is asked.
const LOOKS_AGAIN_FOR: Duration = Duration::from_millis(50);

/// ZMTP over a stream of bytes.
///
/// A frame's pixels are copied by the kernel alone: on the way out its own bytes stand in the vectored write, on the
/// way in the kernel writes into the buffer that becomes the frame. Those buffers come from a pool and go back to it
/// when the application has dropped the frame.
#[derive(Debug)]
pub(crate) struct ZmtpLink<S> {
    stream: S,
    connection: Connection,
    pool: BufferPool,
    clock: Clock,
    alarm: Alarm,
    /// No time-out counts before this.
    not_before: Timestamp,
    /// Whether our end of the stream is closed for writing.
    shut: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> ZmtpLink<S> {
    /// Shakes hands with the peer. The configuration's handshake timeout bounds how long that takes.
    ///
    /// # Errors
    /// [`HandshakeError`] if the stream breaks, or the peer does not fit.
    pub(crate) async fn handshake(
        stream: S,
        config: ConnectionConfig,
        clock: Clock,
    ) -> Result<Self, HandshakeError> {
        let mut link = Self {
            stream,
            connection: Connection::new(config, clock.now()),
            pool: BufferPool::default(),
            clock,
            alarm: Alarm::new(clock),
            not_before: Timestamp::ZERO,
            shut: false,
        };
        let shaken = poll_fn(|cx| link.poll_established(cx)).await;
        if let Err(error) = shaken {
            // The state machine may have left the peer an ERROR command that says why.
            close(&mut link).await;
            let is_netgear = link.connection.peer().is_some_and(announces_netgear);
            return Err(HandshakeError { error, is_netgear });
        }
        Ok(link)
    }

    /// The socket type of a peer that does not announce itself as NetGear.
    ///
    /// It may be NetGear all the same, over sockets that announce nothing. Its first message tells: no other peer's
    /// begins as a native hello does.
    pub(crate) fn unannounced(&self) -> Option<String> {
        let peer = self.connection.peer().filter(|peer| !announces_netgear(peer))?;
        Some(peer.socket_type().to_owned())
    }

    /// What the peer may send from now on.
    ///
    /// # Errors
    /// [`LinkError`] if it has begun to send more.
    pub(crate) fn set_limits(&mut self, limits: Limits) -> Result<(), LinkError> {
        Ok(self.connection.set_limits(limits)?)
    }

    /// Whether a message has begun to come and is not whole yet.
    pub(crate) fn is_receiving(&self) -> bool {
        self.connection.is_receiving()
    }

    fn poll_established(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        loop {
            // Readiness to write is not waited for here: the handshake is a few bytes.
            let _ = self.poll_written(cx)?;
            if self.connection.is_established() {
                return Poll::Ready(Ok(()));
            }
            if ready!(self.poll_read(cx))? == 0 {
                self.connection.handle_eof()?;
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
            }
        }
    }

    /// Reads what there is straight to where it belongs; 0 at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, LinkError>> {
        loop {
            let mut buffer = self.connection.receive_buffer();
            if let Poll::Ready(read) = poll_read_buf(Pin::new(&mut self.stream), cx, &mut buffer) {
                let read = read?;
                self.connection.handle_received(self.clock.now(), &mut self.pool)?;
                return Poll::Ready(Ok(read));
            }
            let Some(due) = self.connection.next_timeout() else { return Poll::Pending };
            let now = ready!(self.alarm.poll_due(cx, Some(due.max(self.not_before))));
            if now.since(due) > OVERSLEPT && self.not_before <= due {
                self.not_before = now + LOOKS_AGAIN_FOR;
                continue;
            }
            self.connection.handle_timeout(now)?;
            // A heartbeat may have to go out. A stream that cannot be written to may still have something to read.
            let _ = self.poll_written(cx);
        }
    }

    fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        while self.connection.transmit().has_remaining() {
            let transmit = self.connection.transmit();
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut filled = 0;
            for (slice, bytes) in slices.iter_mut().zip(transmit.slices()) {
                *slice = IoSlice::new(bytes);
                filled += 1;
            }
            let written = ready!(
                Pin::new(&mut self.stream).poll_write_vectored(cx, slices.get(..filled).unwrap_or(&[]))
            )?;
            if written == 0 {
                return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
            }
            self.connection.transmit().advance(written);
        }
        Pin::new(&mut self.stream).poll_flush(cx).map_err(LinkError::from)
    }
}

/// Why a handshake failed.
#[derive(Debug)]
pub(crate) struct HandshakeError {
    pub(crate) error: LinkError,
    /// Whether the peer had announced itself as NetGear.
    pub(crate) is_netgear: bool,
}

fn announces_netgear(peer: &Peer) -> bool {
    peer.property(READY_PROPERTY).is_some()
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Link for ZmtpLink<S> {
    fn send(&mut self, message: Multipart) -> Result<(), LinkError> {
        self.connection.send(message).map_err(|error| LinkError::Send(error.to_string()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_written(cx)
    }

    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Multipart>, LinkError>> {
        loop {
            while let Some(event) = self.connection.poll_event() {
                if let Event::Message(message) = event {
                    return Poll::Ready(Ok(Some(message)));
                }
            }
            let read = ready!(self.poll_read(cx))?;
            // What came may have been a PING, which is answered without waiting for the session. If that cannot be
            // written, flushing will say so; what came is to be handed out first.
            let _ = self.poll_written(cx);
            if read == 0 {
                self.connection.handle_eof()?;
                return Poll::Ready(Ok(None));
            }
        }
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        ready!(self.poll_written(cx))?;
        if !self.shut {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
            self.shut = true;
        }
        // Closing with bytes unread would make the system reset the connection, and the peer lose our goodbye.
        let mut discarded = [0; 16 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut discarded);
            ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer))?;
            if buffer.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}
