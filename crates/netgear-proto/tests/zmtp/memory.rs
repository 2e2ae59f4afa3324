//! What a peer can make this end hold, counted.

use bytes::Buf;
use netgear_proto::{
    BufferPool, Limits,
    zmtp::{Connection, ConnectionConfig, SocketType},
};

use crate::{
    counting_allocator::{live, measure},
    wire::{
        LONG, MORE, NOW, command, config, established, frame, greeting, handshake, header, input, property,
    },
};

const SLACK: usize = 64 << 10;

/// Feeds `bytes` again and again as a driver does, and gives the most that was held.
fn flood(connection: &mut Connection, bytes: &[u8], times: usize, drain: bool) -> usize {
    let (_, usage) = measure(|| {
        let mut pool = BufferPool::default();
        for _ in 0..times {
            connection.handle_input(NOW, bytes, &mut pool).expect("legal");
            while connection.poll_event().is_some() {}
            let transmit = connection.transmit();
            if drain {
                transmit.advance(transmit.remaining());
            }
        }
    });
    usage.peak
}

#[test]
fn a_peer_that_asks_and_never_reads() {
    let ping = command(b"PING", b"\0\x010123456789abcdef");
    let mut pair = established(config(SocketType::Pair), "PAIR");
    let peak = flood(&mut pair, &ping, 100_000, false);
    assert!(peak < 8 << 10, "{peak}");
    // One is on its way, one is owed.
    assert_eq!(pair.transmit().remaining(), 23);
    // Nor by PINGs between the parts of a message that is never finished.
    let peak = flood(&mut pair, &[frame(MORE, b"half"), ping.repeat(1000)].concat(), 4, false);
    assert!(peak < 8 << 10, "{peak}");
    assert_eq!(pair.transmit().remaining(), 23);
}

#[test]
fn floods_of_what_is_legal() {
    for bytes in [
        command(b"FUTURE", &[0; 200]),
        command(b"PONG", &[0; 400]),
        command(b"PING", b"\0\0"),
        command(b"READY", &property(b"Socket-Type", b"PAIR")),
        frame(0, b""),
        frame(LONG, b""),
        [frame(MORE, b""), frame(MORE, b"x"), frame(MORE | LONG, b"y"), frame(0, b"")].concat(),
        frame(LONG, &[0; 2000]),
    ] {
        let mut pair = established(config(SocketType::Pair), "PAIR");
        let peak = flood(&mut pair, &bytes, 10_000, true);
        assert!(peak <= 2000 + 4096, "{peak}");
    }
}

/// Requests that nobody takes: each takes the place of the one before.
#[test]
fn requests_that_are_not_taken_do_not_pile_up() {
    let mut rep = established(config(SocketType::Rep), "REQ");
    let request = [frame(MORE, &[1; 255]), frame(MORE, b""), frame(LONG, &[2; 2000])].concat();
    let ((), usage) = measure(|| {
        for _ in 0..10_000 {
            input(&mut rep, &request).unwrap();
        }
    });
    assert!(usage.peak <= 3 * 3184 + 4096, "{}", usage.peak);
}

/// READY within its limit must not become many times its size in memory.
#[test]
fn metadata_of_the_smallest_properties() {
    let limits = Limits::DEFAULT;
    let mut data = property(b"Socket-Type", b"PAIR");
    let letters = || (b'a'..=b'z').chain(b'0'..=b'9');
    for (a, b) in letters().flat_map(|a| letters().map(move |b| (a, b))) {
        data.extend(property(&[a, b], b""));
    }
    data.truncate(limits.metadata_bytes() - 6);
    let bytes = [greeting(), command(b"READY", &data)].concat();
    let (result, usage) = measure(|| {
        let mut pair = Connection::new(ConnectionConfig::new(SocketType::Pair), NOW);
        input(&mut pair, &bytes)
    });
    assert!(result.is_err());
    assert!(usage.peak <= limits.metadata_bytes() + 16384, "{}", usage.peak);
}

/// A length is only a claim: within the limit, its memory is all that it takes; beyond, nothing is allocated.
#[test]
fn a_claim_costs_no_more_than_the_limit() {
    let limits = Limits::DEFAULT;
    for length in
        [limits.part_bytes() as u64, limits.part_bytes() as u64 + 1, 16 << 40, u64::MAX >> 1, u64::MAX]
    {
        let (fits, usage) = measure(|| {
            let mut pair = Connection::new(ConnectionConfig::new(SocketType::Pair), NOW);
            input(&mut pair, &[handshake("PAIR"), header(LONG, length)].concat()).is_ok()
        });
        let bound = if fits { limits.part_bytes() } else { 0 };
        assert!(usage.peak <= bound + SLACK, "{length}: {}", usage.peak);
        assert_eq!(fits, length == limits.part_bytes() as u64);
    }
}

/// After an error nothing of a message is held, even while the connection itself still is.
#[test]
fn what_was_half_received_is_let_go() {
    let mut pool = BufferPool::default();
    for half in [
        [frame(MORE | LONG, &[1; 20_000]), header(MORE, 1)].concat(),
        [header(LONG, 50_000), vec![2; 100]].concat(),
    ] {
        let mut pair = established(ConnectionConfig::new(SocketType::Pair), "PAIR");
        let before = live();
        pair.handle_input(NOW, &half, &mut pool).unwrap();
        assert!(live() - before >= 20_000);
        pair.handle_eof().unwrap_err();
        assert!(live() - before < 1024, "{} bytes are held", live() - before);
    }
}

/// In steady state, with whatever small and large parts a message has, no part's memory is allocated anew.
#[test]
fn the_buffers_of_large_parts_are_used_again() {
    let limits = Limits::DEFAULT;
    let mut pair = established(ConnectionConfig::new(SocketType::Pair).with_limits(limits), "PAIR");
    let mut pool = BufferPool::default();
    let message = [
        frame(MORE, &[1; 30]),
        frame(MORE | LONG, &[2; 3 << 20]),
        frame(MORE | LONG, &[3; 1000]),
        frame(LONG, &[4; 200_000]),
    ]
    .concat();
    let receive = |pair: &mut Connection, pool: &mut BufferPool| {
        pair.handle_input(NOW, &message, pool).unwrap();
        let parts = crate::wire::next_message(pair).expect("a message");
        [parts[1].as_ptr(), parts[3].as_ptr()]
    };
    let addresses = receive(&mut pair, &mut pool);
    for _ in 0..20 {
        let (again, usage) = measure(|| receive(&mut pair, &mut pool));
        assert_eq!(again, addresses);
        assert!(usage.largest < 2048, "{}", usage.largest);
    }
}
