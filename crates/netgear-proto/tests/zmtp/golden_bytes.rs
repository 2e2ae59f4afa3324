//! The bytes this end sends, written out.

use std::time::Duration;

use netgear_proto::zmtp::{Connection, ConnectionConfig, PropertyError, SocketType};

use crate::wire::{NOW, config, established, greeting, input, multipart, ready, take_transmit};

#[test]
fn the_greeting_waits_before_anything_has_come() {
    let mut connection = Connection::new(ConnectionConfig::new(SocketType::Pair), NOW);
    let bytes = take_transmit(&mut connection);
    assert_eq!(bytes.len(), 64);
    assert_eq!(&bytes[..16], b"\xFF\0\0\0\0\0\0\0\0\x7F\x03\x01NULL");
    assert!(bytes[16..].iter().all(|&byte| byte == 0));
}

#[test]
fn ready_follows_the_greeting_of_the_peer() {
    let config = ConnectionConfig::new(SocketType::Pair).with_property("X-NetGear", &b"1"[..]).unwrap();
    let mut connection = Connection::new(config, NOW);
    take_transmit(&mut connection);
    input(&mut connection, &greeting()[..63]).unwrap();
    assert_eq!(take_transmit(&mut connection), b"");
    input(&mut connection, &greeting()[63..]).unwrap();
    assert_eq!(
        take_transmit(&mut connection),
        b"\x04\x29\x05READY\x0BSocket-Type\0\0\0\x04PAIR\x09X-NetGear\0\0\0\x01\x31",
    );

    for (socket_type, name) in [(SocketType::Req, b"REQ"), (SocketType::Rep, b"REP")] {
        let mut connection = Connection::new(ConnectionConfig::new(socket_type), NOW);
        input(&mut connection, &greeting()).unwrap();
        let expected = [b"\x04\x19\x05READY\x0BSocket-Type\0\0\0\x03", &name[..]].concat();
        assert_eq!(&take_transmit(&mut connection)[64..], expected);
    }
}

#[test]
fn properties_that_ready_could_not_carry_are_refused() {
    let config = || config(SocketType::Pair);
    let set = |name: &str, len: usize| config().with_property(name, vec![0; len]).map(|_| ());
    assert_eq!(set("", 0), Err(PropertyError::Name));
    assert_eq!(set("X NetGear", 0), Err(PropertyError::Name));
    assert_eq!(set(&"n".repeat(256), 0), Err(PropertyError::Name));
    assert_eq!(set("socket-type", 4), Err(PropertyError::Twice));
    // 26 bytes of name and socket type, 1 + 1 + 4 of a property: 480 more make 512.
    assert_eq!((set("X", 480), set("X", 481)), (Ok(()), Err(PropertyError::TooLong)));
    let mut most = ConnectionConfig::new(SocketType::Pair);
    for number in 1..64 {
        most = most.with_property(&format!("X-{number}"), vec![]).unwrap();
    }
    assert_eq!(most.with_property("X-64", vec![]).map(|_| ()), Err(PropertyError::TooLong));
}

#[test]
fn ping_and_pong() {
    let mut connection = established(config(SocketType::Pair), "PAIR");
    connection.handle_timeout(NOW + Duration::from_secs(1)).unwrap();
    assert_eq!(take_transmit(&mut connection), b"\x04\x07\x04PING\0\0");
    input(&mut connection, b"\x04\x09\x04PING\x00\x64ab").unwrap();
    assert_eq!(take_transmit(&mut connection), b"\x04\x07\x04PONGab");
    input(&mut connection, b"\x04\x07\x04PING\x00\x00").unwrap();
    assert_eq!(take_transmit(&mut connection), b"\x04\x05\x04PONG");
    input(&mut connection, b"\x04\x17\x04PING\xFF\xFF0123456789abcdef").unwrap();
    assert_eq!(take_transmit(&mut connection), b"\x04\x15\x04PONG0123456789abcdef");
}

#[test]
fn an_error_with_its_reason() {
    let mut connection = Connection::new(config(SocketType::Pair), NOW);
    input(&mut connection, &greeting()).unwrap();
    take_transmit(&mut connection);
    input(&mut connection, &ready("REP")).unwrap_err();
    assert_eq!(
        take_transmit(&mut connection),
        b"\x04\x5F\x05ERROR\x58a PAIR socket does not go with a REP; give both ends the same pattern and opposite roles",
    );
}

#[test]
fn short_and_long_frames() {
    let mut connection = established(config(SocketType::Pair), "PAIR");
    for (len, header) in [
        (0, &b"\0\0"[..]),
        (1, b"\0\x01"),
        (255, b"\0\xFF"),
        (256, b"\x02\0\0\0\0\0\0\x01\0"),
        (2000, b"\x02\0\0\0\0\0\0\x07\xD0"),
    ] {
        let body = vec![7; len];
        connection.send(multipart(&[&body])).unwrap();
        assert_eq!(take_transmit(&mut connection), [header, &body].concat());
    }
    connection.send(multipart(&[b"a", &[7; 256], b"", b"z"])).unwrap();
    let expected = [b"\x01\x01a\x03\0\0\0\0\0\0\x01\0", &[7; 256][..], b"\x01\0\0\x01z"].concat();
    assert_eq!(take_transmit(&mut connection), expected);
}
