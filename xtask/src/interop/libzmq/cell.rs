//! One pairing of sockets, tried out: our ZMTP connection here, libzmq's socket in a Python program.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;
use netgear_proto::{
    Multipart, Part, Timestamp,
    native::{READY_PROPERTY, READY_VALUE},
    zmtp::{ConnectionConfig, Heartbeat, SocketType},
};
use serde_json::Value;

use super::{
    link::{Clock, Link, Received, Stream},
    messages::Tally,
};
use crate::Result;

/// Heartbeats are on at both ends. The one that connects asks for signs of life so often that no other is ever
/// needed, so that each cell shows the PINGs of one end and the PONGs of the other.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(10);

/// After how long a silence both ends give the other up.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_millis(800);

/// How long nothing is said half way through: longer than either end would bear without heartbeats.
const SILENCE: Duration = Duration::from_millis(1200);

/// The longest that a message may take there and back, and the whole of a cell.
const PATIENCE: Duration = Duration::from_secs(20);
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// How many messages of a PAIR may be under way at once.
const WINDOW: usize = 16;

/// Which sockets meet, ours first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sockets {
    pub(crate) ours: SocketType,
    pub(crate) theirs: &'static str,
    /// Whether the REQ among the two numbers its requests (`ZMQ_REQ_CORRELATE` and `ZMQ_REQ_RELAXED` in libzmq).
    pub(crate) correlate: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) sockets: Sockets,
    pub(crate) transport: Transport,
    pub(crate) we_bind: bool,
    /// Whether we announce ourselves in READY as NetGear, which libzmq must ignore.
    pub(crate) announce: bool,
}

impl Cell {
    /// Sends every message, gets it back, and has both ends compare. `messages` are what stands in `expected`.
    pub(crate) fn run(self, python: &PathBuf, messages: &[Multipart], expected: Tally) -> Result {
        match self.transport {
            Transport::Tcp => self.run_tcp(python, messages, expected),
            #[cfg(unix)]
            Transport::Ipc => self.run_ipc(python, messages, expected),
            #[cfg(not(unix))]
            Transport::Ipc => Err("this system has no Unix sockets".into()),
        }
    }

    fn run_tcp(self, python: &PathBuf, messages: &[Multipart], expected: Tally) -> Result {
        if !self.we_bind {
            let mut peer = Peer::start(python, self, "bind", "tcp://127.0.0.1:*")?;
            let endpoint = peer.line()?;
            let address = endpoint.strip_prefix("tcp://").ok_or("the peer did not say where it listens")?;
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            return self.exchange(stream, peer, messages, expected);
        }
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let peer = Peer::start(python, self, "connect", &format!("tcp://{}", listener.local_addr()?))?;
        listener.set_nonblocking(true)?;
        let (stream, _) = accept(|| listener.accept())?;
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        self.exchange(stream, peer, messages, expected)
    }

    #[cfg(unix)]
    fn run_ipc(self, python: &PathBuf, messages: &[Multipart], expected: Tally) -> Result {
        use std::os::unix::net::{UnixListener, UnixStream};

        let path = SocketPath::new();
        let endpoint = format!("ipc://{}", path.0.display());
        if !self.we_bind {
            let mut peer = Peer::start(python, self, "bind", &endpoint)?;
            peer.line()?;
            return self.exchange(UnixStream::connect(&path.0)?, peer, messages, expected);
        }
        let listener = UnixListener::bind(&path.0)?;
        let peer = Peer::start(python, self, "connect", &endpoint)?;
        listener.set_nonblocking(true)?;
        let (stream, _) = accept(|| listener.accept())?;
        stream.set_nonblocking(false)?;
        self.exchange(stream, peer, messages, expected)
    }

    fn exchange<S: Stream>(
        self,
        stream: S,
        mut peer: Peer,
        messages: &[Multipart],
        expected: Tally,
    ) -> Result {
        let clock = Clock::new();
        let link = Link::handshake(stream, self.config()?, clock)?;
        let socket_type = link.peer().map(|peer| peer.socket_type().to_owned());
        if socket_type.as_deref() != Some(self.sockets.theirs) {
            return Err(format!("the peer says that it is {socket_type:?}").into());
        }
        let mut conversation = Conversation { link, clock };
        let (first, second) = messages.split_at(messages.len() / 2);
        if self.sockets.ours == SocketType::Rep {
            expect(&conversation.receive()?, &control("start"))?;
        }
        for (half, messages) in [first, second].into_iter().enumerate() {
            match self.sockets.ours {
                SocketType::Pair => conversation.echo_in_window(messages)?,
                SocketType::Req | SocketType::Rep => conversation.echo_in_turns(messages)?,
            }
            if half == 0 {
                conversation.keep_silent()?;
            }
        }
        conversation.link.send(control("stop"))?;
        // One that asks has nothing to ask any more.
        if self.sockets.ours != SocketType::Rep {
            expect(&conversation.receive()?, &control("stop"))?;
        }
        let report: Value = serde_json::from_str(&peer.line()?)?;
        conversation.link.close()?;
        check(&report, expected)?;
        peer.end()
    }

    fn config(self) -> Result<ConnectionConfig> {
        let interval = if self.we_bind { SELDOM } else { OFTEN };
        let heartbeat = Heartbeat { interval, timeout: HEARTBEAT_TIMEOUT };
        let config = ConnectionConfig::new(self.sockets.ours)
            .with_heartbeat(Some(heartbeat))
            .with_correlation(self.sockets.correlate);
        Ok(if self.announce { config.with_property(READY_PROPERTY, READY_VALUE)? } else { config })
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<5} {:<7} {:<10} {:<8} {:<4} {:<10}",
            self.sockets.ours.name(),
            self.sockets.theirs,
            match self.sockets {
                Sockets { correlate: true, .. } => "correlated",
                Sockets { ours: SocketType::Pair, .. } => "-",
                _ => "plain",
            },
            if self.we_bind { "bind" } else { "connect" },
            match self.transport {
                Transport::Tcp => "tcp",
                Transport::Ipc => "ipc",
            },
            if self.announce { "announced" } else { "-" },
        )
    }
}

/// A link to a peer that sends everything back.
struct Conversation<S> {
    link: Link<S>,
    clock: Clock,
}

impl<S: Stream> Conversation<S> {
    fn echo_in_turns(&mut self, messages: &[Multipart]) -> Result {
        for message in messages {
            self.link.send(message.clone())?;
            expect(&self.receive()?, message)?;
        }
        Ok(())
    }

    /// As [`Conversation::echo_in_turns`], with many messages under way in both directions.
    fn echo_in_window(&mut self, messages: &[Multipart]) -> Result {
        let mut sent = messages.iter();
        for message in sent.by_ref().take(WINDOW) {
            self.link.send(message.clone())?;
        }
        for message in messages {
            expect(&self.receive()?, message)?;
            if let Some(next) = sent.next() {
                self.link.send(next.clone())?;
            }
        }
        Ok(())
    }

    /// Says nothing for longer than either end would bear if the other did not answer its heartbeats.
    fn keep_silent(&mut self) -> Result {
        match self.link.receive(self.clock.now() + SILENCE)? {
            Received::Nothing => Ok(()),
            received => Err(format!("in a silence came {received:?}").into()),
        }
    }

    fn receive(&mut self) -> Result<Multipart> {
        let until: Timestamp = self.clock.now() + PATIENCE;
        match self.link.receive(until)? {
            Received::Message(message) => Ok(message),
            Received::Nothing => Err(format!("no message in {} s", PATIENCE.as_secs()).into()),
            Received::Closed => Err("the peer closed the connection".into()),
        }
    }
}

fn control(word: &'static str) -> Multipart {
    Bytes::from(word).into()
}

fn expect(found: &Multipart, expected: &Multipart) -> Result {
    if found == expected {
        return Ok(());
    }
    let lengths = |message: &Multipart| message.parts().iter().map(Part::len).collect::<Vec<_>>();
    Err(format!(
        "parts of {:?} bytes were sent, and came back as {:?} or with other bytes",
        lengths(expected),
        lengths(found)
    )
    .into())
}

fn check(report: &Value, expected: Tally) -> Result {
    let number = |name: &str| report[name].as_u64().unwrap_or(u64::MAX);
    let received = Tally {
        messages: number("messages"),
        parts: number("parts"),
        bytes: number("bytes"),
        crc32: number("crc32") as u32,
    };
    if received != expected {
        return Err(format!("the peer received {received:?}, and was sent {expected:?}").into());
    }
    match (number("handshakes"), number("disconnects")) {
        (1, 0) => Ok(()),
        (handshakes, disconnects) => {
            Err(format!("the peer counts {handshakes} handshakes and {disconnects} disconnects").into())
        }
    }
}

/// Where a Unix socket stands for the length of a cell. Whoever binds it leaves it behind.
#[cfg(unix)]
struct SocketPath(PathBuf);

#[cfg(unix)]
impl SocketPath {
    /// Not below the target directory: the path of a socket has no more than 107 bytes.
    fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};

        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("netgear-interop-{}-{number}", std::process::id()));
        // The process before with this number may have been killed.
        let _ = std::fs::remove_file(&path);
        Self(path)
    }
}

#[cfg(unix)]
impl Drop for SocketPath {
    fn drop(&mut self) {
        // libzmq removes its own now and then.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Waits for a peer, though not for ever: it may never have started.
fn accept<T>(mut accept: impl FnMut() -> io::Result<T>) -> Result<T> {
    let started = Instant::now();
    loop {
        match accept() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            accepted => return Ok(accepted?),
        }
        if started.elapsed() > PATIENCE {
            return Err("the peer has not connected".into());
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// The Python program. It ends by itself after [`TIME_LIMIT`], so that reading from it never takes longer.
struct Peer {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(python: &PathBuf, cell: Cell, how: &str, endpoint: &str) -> Result<Self> {
        let mut command = Command::new(python);
        command.args(["-c", include_str!("peer.py"), cell.sockets.theirs, how, endpoint]);
        if cell.sockets.correlate {
            command.arg("--correlate");
        }
        let mut option = |name: &str, value: u128| {
            command.arg(name).arg(value.to_string());
        };
        let interval = if cell.we_bind { OFTEN } else { SELDOM };
        option("--heartbeat-interval", interval.as_millis());
        option("--heartbeat-timeout", HEARTBEAT_TIMEOUT.as_millis());
        option("--time-limit", TIME_LIMIT.as_secs().into());
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("the peer has no output")?;
        Ok(Self { child, output: BufReader::new(output) })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        match self.output.read_line(&mut line)? {
            0 => Err("the peer ended without a word; what it printed above says why".into()),
            _ => Ok(line.trim_end().to_owned()),
        }
    }

    fn end(mut self) -> Result {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest)?;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the peer: {status}").into()) }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
