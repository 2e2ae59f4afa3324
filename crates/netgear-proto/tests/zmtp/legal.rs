//! What a peer may do, and must not be refused for.

use netgear_proto::{
    BufferPool,
    zmtp::{Connection, Event, SocketType},
};

use crate::wire::{
    COMMAND, LONG, MORE, NOW, command, config, established, events, frame, greeting_of, handshake, input,
    message, multipart, property, ready, take_transmit,
};

#[test]
fn higher_and_lower_versions_down_to_3_0() {
    for (major, minor, spoken) in
        [(3, 0, (3, 0)), (3, 1, (3, 1)), (3, 2, (3, 1)), (3, 255, (3, 1)), (4, 0, (3, 1)), (255, 0, (3, 1))]
    {
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        input(&mut connection, &[greeting_of(major, minor, b"NULL"), ready("PAIR")].concat()).unwrap();
        assert_eq!(connection.peer().map(|peer| peer.version()), Some(spoken), "{major}.{minor}");
    }
}

#[test]
fn a_greeting_with_any_padding_and_as_server() {
    for padding in [[0; 8], [0xFF; 8], [0, 0, 0, 0, 0, 0, 0, 1], *b"whatever"] {
        let mut bytes = handshake("PAIR");
        bytes[1..9].copy_from_slice(&padding);
        bytes[32] = 1;
        bytes[33..64].fill(0xAA);
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        input(&mut connection, &bytes).unwrap();
        assert!(connection.is_established());
    }
}

/// Greeting, READY and the first messages may come in one segment, or in any other way.
#[test]
fn all_at_once_or_in_pieces() {
    let bytes = [handshake("PAIR"), message(&[b"a", b""]), message(&[&[7; 300]])].concat();
    let expected = [
        Event::Established,
        Event::Message(multipart(&[b"a", b""])),
        Event::Message(multipart(&[&[7; 300]])),
    ];
    for split in 0..bytes.len() {
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        input(&mut connection, &bytes[..split]).unwrap();
        input(&mut connection, &bytes[split..]).unwrap();
        assert_eq!(events(&mut connection), expected, "{split}");
    }
    let mut connection = Connection::new(config(SocketType::Pair), NOW);
    for byte in &bytes {
        input(&mut connection, &[*byte]).unwrap();
    }
    assert_eq!(events(&mut connection), expected);
}

#[test]
fn property_names_in_any_case_and_order() {
    for name in ["Socket-Type", "socket-type", "SOCKET-TYPE"] {
        let properties = [
            property(b"X-NetGear", b"1"),
            property(name.as_bytes(), b"PAIR"),
            property(b"a-Z_0.9+", b""),
            property(&[b'n'; 255], b"\0\xFF"),
        ];
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        let bytes = [greeting_of(3, 1, b"NULL"), command(b"READY", &properties.concat())].concat();
        input(&mut connection, &bytes).unwrap();
        let peer = connection.peer().expect("established");
        assert_eq!(peer.property("x-netgear").map(|value| &value[..]), Some(&b"1"[..]));
        assert_eq!(peer.property(&"N".repeat(255)).map(|value| &value[..]), Some(&b"\0\xFF"[..]));
        assert_eq!(peer.property("X-Other"), None);
    }
    // 64 of them are enough for anybody, and not too many.
    let mut properties = property(b"Socket-Type", b"PAIR");
    for number in 1..64 {
        properties.extend(property(&[b'a' + number / 8, b'a' + number % 8], b""));
    }
    let mut connection = Connection::new(config(SocketType::Pair), NOW);
    input(&mut connection, &[greeting_of(3, 1, b"NULL"), command(b"READY", &properties)].concat()).unwrap();
    assert!(connection.is_established());
}

/// RFC 37 asks the sender for the short form where it fits; it does not have the receiver refuse the other.
#[test]
fn a_long_header_with_a_short_length() {
    for len in [0, 1, 8, 9, 10, 254, 255] {
        let body = vec![7; len];
        let bytes = [
            handshake("PAIR"),
            frame(MORE | LONG, &body),
            frame(COMMAND | LONG, b"\x04PING\0\0"),
            frame(LONG, &body),
        ];
        let bytes = bytes.concat();
        for split in 0..bytes.len() {
            let mut connection = Connection::new(config(SocketType::Pair), NOW);
            input(&mut connection, &bytes[..split]).unwrap();
            input(&mut connection, &bytes[split..]).unwrap();
            let message = Event::Message(multipart(&[&body, &body]));
            assert_eq!(events(&mut connection), [Event::Established, message]);
        }
    }
}

#[test]
fn empty_parts_and_messages() {
    let mut connection = established(config(SocketType::Pair), "PAIR");
    let bytes =
        [message(&[b""]), message(&[b"", b"", b"", b""]), message(&[b"", b"x"]), message(&[b"x", b""])];
    input(&mut connection, &bytes.concat()).unwrap();
    let expected: [&[&[u8]]; 4] = [&[b""], &[b"", b"", b"", b""], &[b"", b"x"], &[b"x", b""]];
    assert_eq!(events(&mut connection), expected.map(|parts| Event::Message(multipart(parts))));
}

/// libzmq sends PING between the parts of a message; what is not known is ignored there and elsewhere.
#[test]
fn commands_between_the_parts_of_a_message() {
    let bytes = [
        command(b"FUTURE", b"\0\xFF"),
        frame(MORE, b"a"),
        command(b"PING", b"\0\x64context"),
        frame(MORE | LONG, &[7; 300]),
        command(b"PONG", b""),
        command(b"PONG", &[0; 100]),
        command(b"SUBSCRIBE", b"topic"),
        command(&[b'n'; 255], b""),
        frame(0, b"b"),
        command(b"FUTURE", &[0; 500]),
    ];
    let bytes = bytes.concat();
    for split in 0..bytes.len() {
        let mut connection = established(config(SocketType::Pair), "PAIR");
        let mut pool = BufferPool::default();
        connection.handle_input(NOW, &bytes[..split], &mut pool).unwrap();
        connection.handle_input(NOW, &bytes[split..], &mut pool).unwrap();
        assert_eq!(events(&mut connection), [Event::Message(multipart(&[b"a", &[7; 300], b"b"]))]);
        assert_eq!(take_transmit(&mut connection), command(b"PONG", b"context"));
        assert_eq!(connection.handle_eof(), Ok(()));
    }
}
