//! A connection of any socket type hears any bytes, in pieces, and meanwhile sends, waits and is read from. A second
//! one has the same done to it and hears the same bytes in other pieces: it must do and say the same.

use std::time::Duration;

use bytes::{Buf, BufMut, Bytes};
use netgear_proto::{
    BufferPool, Limits, Timestamp,
    zmtp::{Connection, ConnectionConfig, Event, Heartbeat, SocketType, ZmtpError},
};

use super::{
    counting_allocator::{live, measure},
    input::Input,
};

/// The smallest that there are, and 2,000 bytes of pixels.
const LIMITS: Limits =
    Limits::DEFAULT.with_frame_bytes(2000).with_data_bytes(0).with_parts(0).with_metadata_bytes(0);

/// What a connection may hold beside a message and a READY: what it stages, what it was configured with, what names
/// it heard.
const SLACK: usize = 16 << 10;

/// What the messages take that came and wait to be polled, for each byte of them.
const EVENT_MEMORY: usize = 200;

const LONG: u8 = 2;
const COMMAND: u8 = 4;

/// Gives how many messages it heard.
pub(crate) fn run(input: &[u8]) -> usize {
    let before = live();
    let heard = converse(Input::new(input));
    assert_eq!(live(), before, "everything is freed");
    heard
}

fn converse(mut input: Input<'_>) -> usize {
    let config = config(&mut input);
    let start = live();
    let mut twins = Twins::new(&config);
    let mut wire = Vec::new();
    if input.flag() {
        let theirs = match config.socket_type() {
            SocketType::Pair => "PAIR",
            SocketType::Req => "REP",
            SocketType::Rep => "REQ",
        };
        wire.extend(greeting(input.byte() & 1));
        let property = [b"\x0BSocket-Type\0\0\0", &[theirs.len() as u8][..], theirs.as_bytes()].concat();
        write_command(&mut wire, b"READY", &property);
        twins.hear(&std::mem::take(&mut wire), 255);
    }
    while let Some(operation) = input.next() {
        match operation % 11 {
            // What the peer says gathers on the wire …
            0 => {
                let len = input.byte().into();
                wire.extend(input.bytes(len));
            }
            1 => {
                let flags = input.byte();
                let len = usize::from(input.byte());
                write_frame(&mut wire, flags & !LONG, input.bytes(len));
            }
            2 => {
                // Few bytes that make a long body.
                let (flags, len, fill) = (input.byte(), usize::from(input.byte()), input.byte());
                write_frame(&mut wire, flags | LONG, &vec![fill; 16 * len]);
            }
            3 => {
                let name = input.choose([&b"READY"[..], b"PING", b"PONG", b"ERROR", b"HELLO"]);
                let len = usize::from(input.byte());
                write_command(&mut wire, name, input.bytes(len));
            }
            4 => {
                wire.push(LONG | input.byte() & 5);
                wire.put_u64(input.about(LIMITS.part_bytes() as u64));
            }
            5 => wire.extend(greeting(input.byte())),
            // … and comes in pieces.
            6 => {
                let len = match input.byte() {
                    255 => wire.len(),
                    len => usize::from(len).min(wire.len()),
                };
                let piece: Vec<u8> = wire.drain(..len).collect();
                twins.hear(&piece, input.byte());
            }
            7 => {
                let parts = (0..input.byte() % 6).map(|_| usize::from(input.byte()) * 9);
                twins.send(&parts.collect::<Vec<_>>());
            }
            8 => twins.wait(Duration::from_millis(u64::from(input.byte()) * 8)),
            9 => drop(twins.poll()),
            _ => twins.transmit(usize::from(input.byte()) * 8),
        }
        wire.truncate(8 << 10);
        twins.compare();
    }
    twins.hear(&wire, 0);
    drop(wire);
    twins.leave();
    let held = (live() - start).max(0).cast_unsigned();
    let most = LIMITS.message_bytes() + LIMITS.metadata_bytes() + SLACK + EVENT_MEMORY * twins.most_unpolled;
    assert!(held <= 2 * most, "{held} bytes are held");
    twins.heard
}

fn config(input: &mut Input<'_>) -> ConnectionConfig {
    let socket_type = input.choose([SocketType::Pair, SocketType::Req, SocketType::Rep]);
    let choices = input.byte();
    let heartbeat =
        Heartbeat { interval: Duration::from_millis((choices & 3).into()), ..Heartbeat::default() };
    let config = ConnectionConfig::new(socket_type).with_limits(LIMITS);
    let config = match choices >> 2 & 3 {
        0 => config,
        1 => config.with_heartbeat(None),
        _ => config.with_heartbeat(Some(heartbeat)),
    };
    let config = config.with_correlation(choices & 16 > 0);
    if choices & 32 > 0 { config.with_relaxed_requests() } else { config }
}

fn greeting(minor: u8) -> [u8; 64] {
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9..12].copy_from_slice(&[0x7F, 3, minor]);
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

fn write_frame(wire: &mut Vec<u8>, flags: u8, body: &[u8]) {
    wire.push(flags);
    if flags & LONG > 0 {
        wire.put_u64(body.len() as u64);
    } else {
        wire.push(body.len() as u8);
    }
    wire.extend(body);
}

fn write_command(wire: &mut Vec<u8>, name: &[u8], data: &[u8]) {
    let body = [&[name.len() as u8], name, data].concat();
    let flags = if body.len() > 255 { COMMAND | LONG } else { COMMAND };
    write_frame(wire, flags, &body);
}

/// Two connections that differ only in the pieces in which they hear what the peer says.
struct Twins {
    now: Timestamp,
    whole: Connection,
    split: Connection,
    pools: [BufferPool; 2],
    failure: Option<ZmtpError>,
    heard: usize,
    /// A REP has one request to hand out at most.
    is_rep: bool,
    /// Messages that were handed out since bytes came.
    handed_out: usize,
    /// The bytes that came since the last time that nothing waited to be polled.
    unpolled: usize,
    /// The most that those ever were: the queue of what was in them keeps its room.
    most_unpolled: usize,
}

impl Twins {
    fn new(config: &ConnectionConfig) -> Self {
        let now = Timestamp::from_micros(1_000_000);
        Self {
            now,
            whole: Connection::new(config.clone(), now),
            split: Connection::new(config.clone(), now),
            pools: [BufferPool::default(), BufferPool::default()],
            failure: None,
            heard: 0,
            is_rep: config.socket_type() == SocketType::Rep,
            handed_out: 0,
            unpolled: 0,
            most_unpolled: 0,
        }
    }

    /// The same bytes, all at once and as they come out of a socket that gives at most so many at a time.
    fn hear(&mut self, bytes: &[u8], at_a_time: u8) {
        self.unpolled += bytes.len();
        self.handed_out = 0;
        self.most_unpolled = self.most_unpolled.max(self.unpolled);
        let [pool, other_pool] = &mut self.pools;
        let (whole, usage) = measure(|| self.whole.handle_input(self.now, bytes, pool));
        let allowed = LIMITS.message_bytes() + LIMITS.metadata_bytes() + SLACK + EVENT_MEMORY * self.unpolled;
        assert!(usage.peak <= allowed, "{} bytes were allocated for {}", usage.peak, bytes.len());

        let mut rest = bytes;
        let mut split = self.failure.clone().map_or(Ok(()), Err);
        while !rest.is_empty() && split.is_ok() {
            let mut room = self.split.receive_buffer();
            let taken = rest.len().min(usize::from(at_a_time) + 1).min(room.remaining_mut());
            assert!(taken > 0, "a connection that lives has room");
            room.put_slice(&rest[..taken]);
            rest = &rest[taken..];
            split = self.split.handle_received(self.now, other_pool);
        }
        assert_eq!(whole, split);
        self.note(whole);
    }

    fn send(&mut self, parts: &[usize]) {
        if self.whole.transmit().remaining() > 16 << 10 {
            return;
        }
        let zeros = Bytes::from_static(&[0; 256 * 9]);
        let message = || parts.iter().map(|&len| zeros.slice(..len)).collect();
        let could = self.whole.can_send();
        let sent = self.whole.send(message());
        assert_eq!(sent, self.split.send(message()));
        assert!(could || sent.is_err());
    }

    /// Time passes, with every timeout at its moment.
    fn wait(&mut self, time: Duration) {
        let end = self.now + time;
        // A heartbeat is due every millisecond at most.
        for _ in 0..=2 * time.as_millis() {
            let Some(due) = self.whole.next_timeout().filter(|due| *due <= end) else { break };
            self.now = self.now.max(due);
            let timeout = self.whole.handle_timeout(self.now);
            assert_eq!(timeout, self.split.handle_timeout(self.now));
            assert!(self.whole.next_timeout().is_none_or(|due| due > self.now), "it would wait no more");
            self.note(timeout);
            self.compare();
        }
        self.now = end;
    }

    /// Gives whether something had happened.
    fn poll(&mut self) -> bool {
        let event = self.whole.poll_event();
        assert_eq!(event, self.split.poll_event());
        let Some(event) = event else {
            self.unpolled = 0;
            return false;
        };
        let Event::Message(message) = event else { return true };
        self.heard += 1;
        self.handed_out += 1;
        assert!(self.handed_out == 1 || !self.is_rep, "a request that another took the place of");
        assert!(!message.is_empty() && message.len() <= LIMITS.parts() + 2);
        assert!(message.byte_len() <= LIMITS.message_bytes() + 255);
        assert!(message.parts().iter().all(|part| part.len() <= LIMITS.part_bytes()));
        true
    }

    /// The system takes some of what waits.
    fn transmit(&mut self, most: usize) {
        let len = most.min(self.whole.transmit().remaining());
        assert_eq!(self.whole.transmit().copy_to_bytes(len), self.split.transmit().copy_to_bytes(len));
    }

    fn leave(&mut self) {
        while self.whole.transmit().has_remaining() {
            self.transmit(usize::MAX);
        }
        self.compare();
        let end = self.whole.handle_eof();
        assert_eq!(end, self.split.handle_eof());
        self.note(end);
        // What was whole before is still handed out.
        while self.poll() {}
    }

    fn note(&mut self, result: Result<(), ZmtpError>) {
        match (&self.failure, result) {
            (Some(failure), result) => assert_eq!(result, Err(failure.clone()), "an error is final"),
            (None, result) => self.failure = result.err(),
        }
    }

    fn compare(&mut self) {
        let Self { whole, split, .. } = self;
        assert_eq!(whole.can_send(), split.can_send());
        assert_eq!(whole.is_established(), split.is_established());
        assert_eq!(whole.is_receiving(), split.is_receiving());
        assert_eq!(whole.next_timeout(), split.next_timeout());
        assert_eq!(whole.peer(), split.peer());
        assert_eq!(whole.transmit().remaining(), split.transmit().remaining());
        if self.failure.is_some() {
            assert!(!whole.is_established() && !whole.can_send() && whole.next_timeout().is_none());
            assert_eq!(whole.receive_buffer().remaining_mut(), 0);
        }
    }
}
