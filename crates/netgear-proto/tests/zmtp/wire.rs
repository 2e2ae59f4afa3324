//! The bytes of a scripted peer, written by hand from RFC 23 and 37 and never by the code under test.

use bytes::{Buf, BufMut, Bytes};
use netgear_proto::{
    BufferPool, Limits, Multipart, Part, Timestamp,
    zmtp::{Connection, ConnectionConfig, Event, SocketType, ZmtpError},
};

pub(crate) const MORE: u8 = 1;
pub(crate) const LONG: u8 = 2;
pub(crate) const COMMAND: u8 = 4;

pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_000_000);

/// A greeting as libzmq sends it: its padding is not zero.
pub(crate) fn greeting_of(major: u8, minor: u8, mechanism: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F, major, minor];
    bytes.extend(mechanism);
    bytes.resize(64, 0);
    bytes
}

pub(crate) fn greeting() -> Vec<u8> {
    greeting_of(3, 1, b"NULL")
}

/// A frame whose length is written as the flags say.
pub(crate) fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = header(flags, body.len() as u64);
    bytes.extend(body);
    bytes
}

pub(crate) fn header(flags: u8, length: u64) -> Vec<u8> {
    let mut bytes = vec![flags];
    if flags & LONG == 0 {
        bytes.push(u8::try_from(length).expect("a short length"));
    } else {
        bytes.extend(length.to_be_bytes());
    }
    bytes
}

/// A frame with the shortest header that can say its length.
pub(crate) fn shortest(flags: u8, body: &[u8]) -> Vec<u8> {
    frame(if body.len() > 255 { flags | LONG } else { flags }, body)
}

pub(crate) fn message(parts: &[&[u8]]) -> Vec<u8> {
    let last = parts.len() - 1;
    let frames = parts.iter().enumerate().map(|(at, part)| shortest(if at < last { MORE } else { 0 }, part));
    frames.collect::<Vec<_>>().concat()
}

pub(crate) fn command(name: &[u8], data: &[u8]) -> Vec<u8> {
    shortest(COMMAND, &[&[name.len() as u8], name, data].concat())
}

pub(crate) fn property(name: &[u8], value: &[u8]) -> Vec<u8> {
    [&[name.len() as u8], name, &(value.len() as u32).to_be_bytes(), value].concat()
}

pub(crate) fn ready(socket_type: &str) -> Vec<u8> {
    let properties = [property(b"Socket-Type", socket_type.as_bytes()), property(b"Identity", b"")];
    command(b"READY", &properties.concat())
}

/// All that a peer sends before its first message.
pub(crate) fn handshake(socket_type: &str) -> Vec<u8> {
    [greeting(), ready(socket_type)].concat()
}

/// The smallest limits there are, and 2,000 bytes of pixels: tests at every split stay quick.
pub(crate) fn small() -> Limits {
    Limits::DEFAULT.with_frame_bytes(2000).with_data_bytes(0).with_parts(0).with_metadata_bytes(0)
}

pub(crate) fn config(socket_type: SocketType) -> ConnectionConfig {
    ConnectionConfig::new(socket_type).with_limits(small())
}

pub(crate) fn input(connection: &mut Connection, bytes: &[u8]) -> Result<(), ZmtpError> {
    connection.handle_input(NOW, bytes, &mut BufferPool::default())
}

/// A connection after the handshake with a scripted peer, with nothing left to transmit or to poll.
pub(crate) fn established(config: ConnectionConfig, peer: &str) -> Connection {
    let mut connection = Connection::new(config, NOW);
    input(&mut connection, &handshake(peer)).expect("a handshake by the rules");
    assert_eq!(connection.poll_event(), Some(Event::Established));
    take_transmit(&mut connection);
    connection
}

/// Everything that waits to be transmitted, in one piece.
pub(crate) fn take_transmit(connection: &mut Connection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while connection.transmit().has_remaining() {
        let piece = connection.transmit().chunk().to_vec();
        connection.transmit().advance(piece.len());
        bytes.extend(piece);
    }
    bytes
}

pub(crate) fn multipart(parts: &[&[u8]]) -> Multipart {
    parts.iter().map(|part| Bytes::copy_from_slice(part)).collect()
}

pub(crate) fn next_message(connection: &mut Connection) -> Option<Vec<Bytes>> {
    loop {
        match connection.poll_event()? {
            Event::Message(message) => {
                return Some(message.into_parts().into_iter().map(Part::into_bytes).collect());
            }
            _ => continue,
        }
    }
}

pub(crate) fn events(connection: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| connection.poll_event()).collect()
}

/// Carries what waits from one connection to the other as sockets do: in chunks of these sizes, again and again, read
/// straight into the receiver's buffer.
pub(crate) fn carry(
    from: &mut Connection,
    to: &mut Connection,
    pool: &mut BufferPool,
    chunks: &mut impl Iterator<Item = usize>,
) {
    while from.transmit().has_remaining() {
        let mut room = to.receive_buffer();
        let chunk =
            chunks.next().expect("endless").min(room.remaining_mut()).min(from.transmit().chunk().len());
        room.put_slice(&from.transmit().chunk()[..chunk]);
        from.transmit().advance(chunk);
        to.handle_received(NOW, pool).expect("both ends keep the rules");
    }
}
