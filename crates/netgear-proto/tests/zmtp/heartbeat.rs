//! PING, PONG and silence, with a virtual clock.

use std::time::Duration;

use bytes::Buf;
use netgear_proto::{
    BufferPool, Timestamp,
    zmtp::{Connection, Heartbeat, SocketType, ZmtpError},
};

use crate::wire::{
    LONG, NOW, command, config, established, frame, greeting_of, handshake, header, input, message,
    multipart, ready, take_transmit,
};

fn at(millis: u64) -> Timestamp {
    NOW + Duration::from_millis(millis)
}

fn pair() -> Connection {
    established(config(SocketType::Pair), "PAIR")
}

fn ping() -> Vec<u8> {
    command(b"PING", b"\0\0")
}

#[test]
fn a_ping_after_each_interval_of_silence_and_then_the_end() {
    let mut pair = pair();
    for second in 1..5 {
        assert_eq!(pair.next_timeout(), Some(at(1000 * second)));
        assert_eq!(pair.handle_timeout(at(1000 * second - 1)), Ok(()));
        assert_eq!(take_transmit(&mut pair), b"");
        assert_eq!(pair.handle_timeout(at(1000 * second)), Ok(()));
        assert_eq!(take_transmit(&mut pair), ping());
    }
    assert_eq!(pair.next_timeout(), Some(at(5000)));
    let silent = ZmtpError::PeerSilent { silence: Duration::from_secs(5) };
    assert_eq!(pair.handle_timeout(at(5000)), Err(silent.clone()));
    assert_eq!(pair.next_timeout(), None);
    assert_eq!(pair.handle_timeout(at(6000)), Err(silent));
    assert_eq!(take_transmit(&mut pair), b"");
}

#[test]
fn any_byte_proves_life() {
    let mut pair = pair();
    let mut pool = BufferPool::default();
    // A large frame on a slow link: one byte each 4 s, first of the header, then of the body.
    let bytes = [header(LONG, 300), vec![7; 300]].concat();
    for (number, byte) in bytes[..308].iter().enumerate() {
        let now = at(4000 * (number as u64 + 1));
        assert_eq!(pair.handle_timeout(now), Ok(()), "{number}");
        pair.handle_input(now, &[*byte], &mut pool).unwrap();
        assert_eq!(pair.next_timeout(), Some(now + Duration::from_secs(1)));
        assert_eq!(take_transmit(&mut pair), ping());
    }
    // To be called without a byte is no sign of life.
    let last = at(4000 * 308);
    pair.receive_buffer();
    pair.handle_received(last + Duration::from_secs(3), &mut pool).unwrap();
    assert_eq!(pair.next_timeout(), Some(last + Duration::from_secs(1)));
    let end = last + Duration::from_secs(5);
    assert!(matches!(pair.handle_timeout(end), Err(ZmtpError::PeerSilent { .. })));
}

#[test]
fn no_ping_piles_up_behind_bytes_that_are_not_taken() {
    let mut pair = pair();
    pair.send(multipart(&[b"not taken"])).unwrap();
    let mut pool = BufferPool::default();
    for second in 1..1000 {
        assert_eq!(pair.next_timeout(), Some(at(1000 * second)));
        pair.handle_timeout(at(1000 * second)).unwrap();
        if second % 4 == 0 {
            pair.handle_input(at(1000 * second), &command(b"PONG", b""), &mut pool).unwrap();
        }
    }
    assert_eq!(take_transmit(&mut pair), message(&[b"not taken"]));
    pair.handle_timeout(at(1_000_000)).unwrap();
    assert_eq!(take_transmit(&mut pair), ping());
}

#[test]
fn a_pong_echoes_the_context_and_stands_between_messages() {
    let mut pair = pair();
    let parts = multipart(&[b"a", &[7; 300], b"b"]);
    let sent = message(&[b"a", &[7; 300], b"b"]);
    // Whatever has been taken of a message when the PING comes, its PONG waits for the end.
    for taken in 0..=sent.len() {
        pair.send(parts.clone()).unwrap();
        let mut bytes = Vec::new();
        while bytes.len() < taken {
            let transmit = pair.transmit();
            let len = transmit.chunk().len().min(taken - bytes.len());
            let piece = transmit.copy_to_bytes(len);
            bytes.extend(piece);
        }
        input(&mut pair, &command(b"PING", b"\0\0context")).unwrap();
        bytes.extend(take_transmit(&mut pair));
        assert_eq!(bytes, [sent.clone(), command(b"PONG", b"context")].concat(), "{taken}");
    }
    // With more to send, it stands before the next message and not behind all of them.
    input(&mut pair, &command(b"PING", b"\0\0x")).unwrap();
    pair.send(parts.clone()).unwrap();
    input(&mut pair, &command(b"PING", b"\0\0y")).unwrap();
    pair.send(parts).unwrap();
    let expected = [command(b"PONG", b"x"), sent.clone(), command(b"PONG", b"y"), sent].concat();
    assert_eq!(take_transmit(&mut pair), expected);
}

/// ZMTP 3.0 has no PING. One that comes is answered nonetheless.
#[test]
fn a_peer_of_3_0_is_not_asked() {
    let mut pair = Connection::new(config(SocketType::Pair), NOW);
    input(&mut pair, &[greeting_of(3, 0, b"NULL"), ready("PAIR")].concat()).unwrap();
    take_transmit(&mut pair);
    assert_eq!(pair.next_timeout(), None);
    assert_eq!(pair.handle_timeout(at(1_000_000)), Ok(()));
    assert_eq!(take_transmit(&mut pair), b"");
    input(&mut pair, &command(b"PING", b"\0\0?")).unwrap();
    assert_eq!(take_transmit(&mut pair), command(b"PONG", b"?"));
    // Higher ones are.
    for (major, minor) in [(3, 1), (3, 2), (4, 0)] {
        let mut pair = Connection::new(config(SocketType::Pair), NOW);
        input(&mut pair, &[greeting_of(major, minor, b"NULL"), ready("PAIR")].concat()).unwrap();
        assert_eq!(pair.next_timeout(), Some(at(1000)));
    }
}

#[test]
fn without_a_heartbeat_silence_is_no_error() {
    let mut pair = established(config(SocketType::Pair).with_heartbeat(None), "PAIR");
    assert_eq!(pair.next_timeout(), None);
    assert_eq!(pair.handle_timeout(Timestamp::FAR_FUTURE), Ok(()));
    assert_eq!(take_transmit(&mut pair), b"");
    // The handshake has its deadline all the same.
    let mut pair = Connection::new(config(SocketType::Pair).with_heartbeat(None), NOW);
    assert_eq!(pair.handle_timeout(at(5000)), Err(ZmtpError::HandshakeTimeout));
}

/// There is always a moment at which nothing is due, so that the loop that drives a connection comes to rest.
#[test]
fn an_interval_of_zero_leaves_time_between_pings() {
    let heartbeat = Heartbeat { interval: Duration::ZERO, timeout: Duration::from_secs(5) };
    let mut pair = established(config(SocketType::Pair).with_heartbeat(Some(heartbeat)), "PAIR");
    for millis in 0..100 {
        assert!(pair.next_timeout() > Some(at(millis)));
        pair.handle_timeout(pair.next_timeout().unwrap()).unwrap();
        assert_eq!(take_transmit(&mut pair), ping());
    }
}

#[test]
fn nothing_is_owed_after_the_end() {
    let mut pair = pair();
    let bytes = [command(b"PING", b"\0\0owed"), frame(!LONG, b"")].concat();
    input(&mut pair, &bytes).unwrap_err();
    assert_eq!(take_transmit(&mut pair), b"");
    let mut pair = Connection::new(config(SocketType::Pair), NOW);
    input(&mut pair, &handshake("PAIR")).unwrap();
    take_transmit(&mut pair);
    input(&mut pair, &command(b"PING", b"\0\0owed")).unwrap();
    pair.handle_timeout(at(5000)).unwrap_err();
    assert_eq!(take_transmit(&mut pair), b"");
}
