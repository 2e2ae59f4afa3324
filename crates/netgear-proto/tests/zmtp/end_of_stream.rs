//! A peer that goes away at every byte of a session.

use std::collections::BTreeMap;

use netgear_proto::zmtp::{Connection, Event, SocketType, ZmtpError};

use crate::wire::{
    COMMAND, LONG, MORE, NOW, command, config, events, frame, handshake, input, message, multipart,
};

/// Half a message never reaches the application, and only between two messages is the end no error.
#[test]
fn an_end_at_every_byte() {
    // Each piece ends where an end is no error, with so many messages complete; `None` for one that ends within a
    // message.
    let pieces = [
        (handshake("PAIR"), Some(0)),
        (message(&[b"one"]), Some(1)),
        (command(b"PING", b"\0\0abc"), Some(1)),
        (frame(MORE, b"two"), None),
        (command(b"PING", b"\0\0"), None),
        (frame(MORE | LONG, &[2; 300]), None),
        (frame(MORE, b""), None),
        (frame(LONG, &[2; 3]), Some(2)),
        (frame(COMMAND | LONG, b"\x04PONG"), Some(2)),
        (message(&[b""]), Some(3)),
        (message(&[&[4; 2000], &[4; 1000]]), Some(4)),
    ];
    let mut ends = BTreeMap::new();
    let mut bytes = Vec::new();
    for (piece, complete) in pieces {
        bytes.extend(piece);
        ends.extend(complete.map(|messages| (bytes.len(), messages)));
    }
    let messages = [
        multipart(&[b"one"]),
        multipart(&[b"two", &[2; 300], b"", &[2; 3]]),
        multipart(&[b""]),
        multipart(&[&[4; 2000], &[4; 1000]]),
    ];

    for len in 0..=bytes.len() {
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        input(&mut connection, &bytes[..len]).unwrap();
        let end = connection.handle_eof();
        if ends.contains_key(&len) {
            assert_eq!(end, Ok(()), "{len}");
        } else {
            assert_eq!(end, Err(ZmtpError::Truncated { position: len as u64 }));
        }
        let complete = ends.range(..=len).next_back().map(|(_, &complete)| complete);
        let mut expected = Vec::from_iter(complete.map(|_| Event::Established));
        expected.extend(messages[..complete.unwrap_or(0)].iter().cloned().map(Event::Message));
        assert_eq!(events(&mut connection), expected, "{len}");
    }
}
