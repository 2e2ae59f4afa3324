use std::io::{self, ErrorKind, IoSlice};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use x11rb::rust_connection::{DefaultStream, PollMode, Stream};
use x11rb::utils::RawFdContainer;

use crate::canceller::{CancelSignal, lock};

/// The connection to an X server, of which each exchange has a deadline and can be cancelled: a server that is
/// stopped or stuck would hold up its client for ever.
#[derive(Debug)]
pub(super) struct DeadlineStream {
    stream: DefaultStream,
    deadline: Mutex<Instant>,
    cancelled: CancelSignal,
}

impl DeadlineStream {
    /// How long the server may take for one exchange. Pictures of a screen take it milliseconds.
    pub(super) const LIMIT: Duration = Duration::from_secs(5);

    /// Between two looks at whether it was cancelled.
    const SLICE: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

    pub(super) fn new(stream: DefaultStream, cancelled: CancelSignal) -> Self {
        Self { stream, deadline: Mutex::new(Instant::now() + Self::LIMIT), cancelled }
    }

    /// An exchange begins.
    pub(super) fn begin(&self) {
        *lock(&self.deadline) = Instant::now() + Self::LIMIT;
    }

    fn deadline(&self) -> Instant {
        *lock(&self.deadline)
    }
}

impl Stream for DeadlineStream {
    fn poll(&self, mode: PollMode) -> io::Result<()> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, mode.readable());
        flags.set(PollFlags::OUT, mode.writable());
        loop {
            match poll(&mut [PollFd::new(&self.stream, flags)], Some(&Self::SLICE)) {
                Ok(0) | Err(Errno::INTR) => {}
                // What is wrong, reading or writing will tell.
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
            if self.cancelled.is_cancelled() {
                return Err(io::Error::new(ErrorKind::ConnectionAborted, "it was cancelled"));
            }
            if Instant::now() > self.deadline() {
                let seconds = Self::LIMIT.as_secs();
                let text = format!("the X server has not answered for {seconds} s");
                return Err(io::Error::new(ErrorKind::TimedOut, text));
            }
        }
    }

    fn read(&self, buffer: &mut [u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.stream.read(buffer, fds)
    }

    fn write(&self, buffer: &[u8], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.stream.write(buffer, fds)
    }

    fn write_vectored(&self, buffers: &[IoSlice<'_>], fds: &mut Vec<RawFdContainer>) -> io::Result<usize> {
        self.stream.write_vectored(buffers, fds)
    }
}
