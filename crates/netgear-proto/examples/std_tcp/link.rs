//! ZMTP over a blocking stream of `std`: what stands between a [`Connection`], which has no socket and no clock, and
//! the system, which has both. `cargo xtask interop` runs this very file against libzmq.

use std::{
    io::{self, IoSlice, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant, SystemTime},
};

use bytes::{Buf, BufMut, BytesMut, buf::Limit};
use netgear_proto::{
    BufferPool, Multipart, Timestamp,
    zmtp::{Connection, ConnectionConfig, Event, Peer, SendError, ZmtpError},
};

/// How long the peer may leave our bytes untaken before it counts as gone.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a peer may take to close its end after us.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// The most that is read in one go; [`read_into`] tells why there is such a number.
const READ_AT_ONCE: usize = 64 << 10;

/// How many slices one write gives to the system: a message of a header and a frame is four, with the parts' own
/// headers.
const SLICES: usize = 8;

/// A clock that never steps back. It tells the time since 1970, which is what frames are stamped with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Timestamp,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at: Timestamp::ZERO + since_1970 }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.started_at + self.started.elapsed()
    }
}

/// A blocking stream of bytes that can be told how long to block.
pub(crate) trait Stream: Read + Write {
    fn set_timeouts(&self, read: Duration, write: Duration) -> io::Result<()>;
    fn shut_down_writing(&self) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn set_timeouts(&self, read: Duration, write: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(read))?;
        self.set_write_timeout(Some(write))
    }

    fn shut_down_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn set_timeouts(&self, read: Duration, write: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(read))?;
        self.set_write_timeout(Some(write))
    }

    fn shut_down_writing(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }
}

/// What [`Link::receive`] waited for.
#[derive(Debug)]
pub(crate) enum Received {
    Message(Multipart),
    /// The time is up, and no message has come.
    Nothing,
    /// The peer has closed the connection, between two messages.
    Closed,
}

/// Why a link is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
    #[error(transparent)]
    Zmtp(#[from] ZmtpError),
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("the peer closed the connection before the handshake was done")]
    ClosedEarly,
}

/// One connection to one peer: messages in, messages out, heartbeats answered on the way.
#[derive(Debug)]
pub(crate) struct Link<S> {
    stream: S,
    connection: Connection,
    /// Gives out the memory for large parts, and takes it back once the application has dropped them.
    pool: BufferPool,
    clock: Clock,
}

impl<S: Stream> Link<S> {
    /// Shakes hands with the peer. [`ConnectionConfig::handshake_timeout`] bounds how long that takes.
    pub(crate) fn handshake(stream: S, config: ConnectionConfig, clock: Clock) -> Result<Self, LinkError> {
        let connection = Connection::new(config, clock.now());
        let mut link = Self { stream, connection, pool: BufferPool::default(), clock };
        let shaken = link.run_handshake();
        link.explain_failure(shaken)?;
        Ok(link)
    }

    /// Who the peer is.
    pub(crate) fn peer(&self) -> Option<&Peer> {
        self.connection.peer()
    }

    /// Sends a message, and waits until the system has taken all of it.
    ///
    /// If both ends did this at once with more than the system buffers, each would wait for the other to read. In a
    /// session that cannot happen, because its ends take turns. libzmq reads at all times.
    pub(crate) fn send(&mut self, message: Multipart) -> Result<(), LinkError> {
        self.connection.send(message)?;
        self.flush()
    }

    /// Waits for a message until that moment, and keeps the connection alive meanwhile.
    pub(crate) fn receive(&mut self, until: Timestamp) -> Result<Received, LinkError> {
        let received = self.run_receive(until);
        self.explain_failure(received)
    }

    /// Closes our end, then waits until the peer has closed its own.
    ///
    /// A socket closed with bytes unread, be it a heartbeat, resets the connection, and what we sent last is lost.
    pub(crate) fn close(mut self) -> Result<(), LinkError> {
        self.flush()?;
        match self.stream.shut_down_writing() {
            // The peer was faster.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(()),
            shut => shut?,
        }
        let deadline = self.clock.now() + CLOSE_TIMEOUT;
        let mut discarded = [0; 4096];
        loop {
            let left = deadline.since(self.clock.now());
            if left.is_zero() {
                return Ok(());
            }
            self.stream.set_timeouts(left, WRITE_TIMEOUT)?;
            match self.stream.read(&mut discarded) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if is_timeout(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn run_handshake(&mut self) -> Result<(), LinkError> {
        while !self.connection.is_established() {
            if self.read_or_time_out(Timestamp::FAR_FUTURE)? == Some(0) {
                return Err(LinkError::ClosedEarly);
            }
        }
        Ok(())
    }

    fn run_receive(&mut self, until: Timestamp) -> Result<Received, LinkError> {
        loop {
            while let Some(event) = self.connection.poll_event() {
                if let Event::Message(message) = event {
                    return Ok(Received::Message(message));
                }
            }
            match self.read_or_time_out(until)? {
                Some(0) => return Ok(Received::Closed),
                Some(_) => {}
                None if self.clock.now() >= until => return Ok(Received::Nothing),
                None => {}
            }
        }
    }

    /// One round of the loop that `netgear_proto::zmtp` describes: write what waits, read what comes, at the latest
    /// until the connection's next timeout or `until`. How many bytes came (0: the peer has closed), or `None` if the
    /// time was up.
    fn read_or_time_out(&mut self, until: Timestamp) -> Result<Option<usize>, LinkError> {
        self.flush()?;
        let now = self.clock.now();
        let due = self.connection.next_timeout().map_or(until, |due| due.min(until));
        // A timeout of zero would mean "never". One that is too early only makes us ask again.
        let wait = due.since(now).max(Duration::from_millis(1));
        self.stream.set_timeouts(wait, WRITE_TIMEOUT)?;
        match read_into(&mut self.stream, &mut self.connection.receive_buffer()) {
            Ok(0) => {
                self.connection.handle_eof()?;
                Ok(Some(0))
            }
            Ok(read) => {
                self.connection.handle_received(self.clock.now(), &mut self.pool)?;
                Ok(Some(read))
            }
            Err(error) if is_timeout(&error) => {
                // It does nothing before its time, so there is no need to find out whose timeout this was.
                self.connection.handle_timeout(self.clock.now())?;
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes all that waits. A frame's pixels go from the frame's own memory straight to the system.
    fn flush(&mut self) -> Result<(), LinkError> {
        while self.connection.transmit().has_remaining() {
            let transmit = self.connection.transmit();
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut filled = 0;
            for (slice, bytes) in slices.iter_mut().zip(transmit.slices()) {
                *slice = IoSlice::new(bytes);
                filled += 1;
            }
            match self.stream.write_vectored(slices.get(..filled).unwrap_or(&[])) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => self.connection.transmit().advance(written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// After an error of the protocol there may be an ERROR command that tells the peer why: that is still sent.
    fn explain_failure<T>(&mut self, result: Result<T, LinkError>) -> Result<T, LinkError> {
        if let Err(LinkError::Zmtp(_)) = result {
            // It has failed already, and this failure says less than that one.
            let _ = self.flush();
        }
        result
    }
}

/// Reads what there is to where it belongs. The bytes of a frame land in the memory that becomes the frame.
///
/// [`Read::read`] wants bytes that are initialised, and the buffer's are not. Without `unsafe` there are three ways:
///
/// * read into an array and call [`Connection::handle_input`], which copies every byte once more;
/// * initialise all that is due, read, and cut off what did not come: each read of a few hundred kilobytes then
///   clears the rest of a frame of megabytes again;
/// * the same, but never more than [`READ_AT_ONCE`]: that much is still in the cache when the system writes over it.
///   This costs the least, and the only price is a read call for every 64 KiB.
///
/// With tokio the question does not arise: its `ReadBuf` takes memory as it is.
fn read_into(stream: &mut impl Read, buffer: &mut Limit<&mut BytesMut>) -> io::Result<usize> {
    let room = buffer.remaining_mut().min(READ_AT_ONCE);
    let bytes = buffer.get_mut();
    let filled = bytes.len();
    bytes.resize(filled + room, 0);
    let read = match bytes.get_mut(filled..) {
        Some(room) => stream.read(room),
        None => Ok(0),
    };
    // After an error too: what stays in the buffer counts as received.
    bytes.truncate(filled + read.as_ref().map_or(0, |read| *read));
    read
}

/// Systems differ in what they call a read that has waited long enough.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}
