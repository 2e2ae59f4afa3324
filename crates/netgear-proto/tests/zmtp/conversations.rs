//! Whatever is said, and however the bytes are cut on their way, arrives as it was.

use std::sync::LazyLock;

use bytes::{Buf, Bytes};
use netgear_proto::{
    BufferPool, Multipart,
    zmtp::{Connection, ConnectionConfig, Event, SocketType},
};
use proptest::{collection::vec, prelude::*, sample::select};

use crate::{
    counting_allocator::measure,
    wire::{
        COMMAND, LONG, MORE, NOW, carry, command, config, established, events, frame, handshake, message,
        shortest, small, take_transmit,
    },
};

fn body(lens: &'static [usize]) -> impl Strategy<Value = Bytes> {
    let len = prop_oneof![4 => select(lens), 1 => 0..600_usize];
    (len, 0..251_usize).prop_map(|(len, at)| PATTERN.slice(at..at + len))
}

static PATTERN: LazyLock<Bytes> = LazyLock::new(|| (0..70_300_u32).map(|at| (at % 251) as u8).collect());

fn multipart() -> impl Strategy<Value = Multipart> {
    let lens = &[0, 1, 2, 254, 255, 256, 257, 4095, 4096, 4097, 69_999, 70_000, 70_001];
    vec(body(lens), 1..=5).prop_map(Multipart::from)
}

/// The sizes of the reads of a socket: all alike, or not.
fn chunks() -> impl Strategy<Value = Vec<usize>> {
    prop_oneof![vec(1..20_usize, 1..8), vec(1..5000_usize, 1..8), Just(vec![usize::MAX]), Just(vec![1])]
}

/// The same for large messages, which take long byte by byte.
fn larger_chunks() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..20_usize, 1..5000_usize, 1..100_000_usize], 3..10)
}

/// Two connections after their handshake with one another.
fn couple(
    ours: ConnectionConfig,
    theirs: ConnectionConfig,
    pool: &mut BufferPool,
    chunks: &mut impl Iterator<Item = usize>,
) -> (Connection, Connection) {
    let (mut a, mut b) = (Connection::new(ours, NOW), Connection::new(theirs, NOW));
    for _ in 0..2 {
        carry(&mut a, &mut b, pool, chunks);
        carry(&mut b, &mut a, pool, chunks);
    }
    for connection in [&mut a, &mut b] {
        assert_eq!(events(connection), [Event::Established]);
        assert!(!connection.transmit().has_remaining());
    }
    (a, b)
}

/// Frames as a peer that keeps the rules may send them, with what they come to.
#[derive(Debug, Clone)]
enum Said {
    Message(Vec<(Bytes, bool, bool)>),
    Command(Vec<u8>),
}

fn said() -> impl Strategy<Value = Said> {
    let part = (body(&[0, 1, 9, 255, 256, 300]), any::<bool>(), any::<bool>());
    prop_oneof![
        3 => vec(part, 1..=4).prop_map(Said::Message),
        1 => vec(any::<u8>(), 0..=16).prop_map(|context| {
            Said::Command(command(b"PING", &[b"\0\x01", &context[..]].concat()))
        }),
        1 => ("[A-Z]{6,40}", vec(any::<u8>(), 0..300)).prop_map(|(name, data)| {
            Said::Command(command(name.as_bytes(), &data))
        }),
    ]
}

impl Said {
    fn write(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Command(command) => bytes.extend(command),
            Self::Message(parts) => {
                let last = parts.len() - 1;
                for (at, (body, long, ping)) in parts.iter().enumerate() {
                    let more = if at < last { MORE } else { 0 };
                    bytes.extend(if *long { frame(more | LONG, body) } else { shortest(more, body) });
                    // libzmq sends PING between the parts of a message.
                    if *ping {
                        bytes.extend(command(b"PING", b"\0\0"));
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_gives_the_same_events(said in vec(said(), 0..12), chunks in chunks()) {
        let mut bytes = handshake("PAIR");
        said.iter().for_each(|said| said.write(&mut bytes));
        let mut expected = vec![Event::Established];
        expected.extend(said.iter().filter_map(|said| match said {
            Said::Command(_) => None,
            Said::Message(parts) => Some(Event::Message(parts.iter().map(|(body, ..)| body.clone()).collect())),
        }));

        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        let mut pool = BufferPool::default();
        let mut rest = &bytes[..];
        for chunk in chunks.iter().copied().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at(chunk.min(rest.len()));
            connection.handle_input(NOW, now, &mut pool).unwrap();
            rest = later;
        }
        prop_assert_eq!(events(&mut connection), expected);
        prop_assert_eq!(connection.handle_eof(), Ok(()));
    }

    #[test]
    fn messages_cross_between_two_pairs(
        messages in vec((any::<bool>(), multipart()), 1..8),
        chunks in larger_chunks(),
    ) {
        let mut chunks = chunks.into_iter().cycle();
        let mut pool = BufferPool::default();
        let config = || ConnectionConfig::new(SocketType::Pair);
        let (mut a, mut b) = couple(config(), config(), &mut pool, &mut chunks);
        // Several may wait on either side before anything is carried.
        let mut said = [Vec::new(), Vec::new()];
        for (by_a, message) in messages {
            let (speaker, said) = if by_a { (&mut a, &mut said[0]) } else { (&mut b, &mut said[1]) };
            speaker.send(message.clone()).unwrap();
            said.push(Event::Message(message));
        }
        carry(&mut a, &mut b, &mut pool, &mut chunks);
        carry(&mut b, &mut a, &mut pool, &mut chunks);
        prop_assert!([events(&mut b), events(&mut a)] == said, "something arrived differently");
    }

    #[test]
    fn questions_and_answers_cross_between_req_and_rep(
        exchanges in vec((multipart(), multipart()), 1..5),
        correlate in any::<bool>(),
        chunks in larger_chunks(),
    ) {
        let mut chunks = chunks.into_iter().cycle();
        let mut pool = BufferPool::default();
        let ours = ConnectionConfig::new(SocketType::Req).with_correlation(correlate);
        let theirs = ConnectionConfig::new(SocketType::Rep);
        let (mut req, mut rep) = couple(ours, theirs, &mut pool, &mut chunks);
        for (question, answer) in exchanges {
            prop_assert_eq!((req.can_send(), rep.can_send()), (true, false));
            req.send(question.clone()).unwrap();
            carry(&mut req, &mut rep, &mut pool, &mut chunks);
            prop_assert!(events(&mut rep) == [Event::Message(question)], "the question arrived differently");
            prop_assert_eq!((req.can_send(), rep.can_send()), (false, true));
            rep.send(answer.clone()).unwrap();
            carry(&mut rep, &mut req, &mut pool, &mut chunks);
            prop_assert!(events(&mut req) == [Event::Message(answer)], "the answer arrived differently");
        }
    }
}

/// Bytes of somebody who knows the format and does not keep to it.
fn junk() -> impl Strategy<Value = Vec<u8>> {
    let flags = prop_oneof![8 => 0..8_u8, 1 => any::<u8>()];
    let frame =
        (flags, vec(any::<u8>(), 0..40), prop_oneof![6 => Just(0_i64), 1 => -20..20_i64, 1 => any::<i64>()]);
    let frame = frame.prop_map(|(flags, body, lie)| {
        let length = (body.len() as u64).wrapping_add_signed(lie);
        let mut bytes = vec![flags];
        if flags & LONG == 0 {
            bytes.push(length as u8);
        } else {
            bytes.extend(length.to_be_bytes());
        }
        bytes.extend(body);
        bytes
    });
    let names = select(vec![&b"PING"[..], b"PONG", b"READY", b"ERROR", b"HELLO", b""]);
    let commands = (names, vec(any::<u8>(), 0..40)).prop_map(|(name, data)| command(name, &data));
    prop_oneof![
        1 => vec(any::<u8>(), 0..100),
        4 => frame,
        2 => commands,
        2 => vec(vec(any::<u8>(), 0..300), 1..4).prop_map(|parts| {
            message(&parts.iter().map(|part| &part[..]).collect::<Vec<_>>())
        }),
        1 => Just(frame_of_request()),
    ]
}

fn frame_of_request() -> Vec<u8> {
    [frame(MORE, b""), frame(COMMAND, b"\x04PING\0\0"), frame(0, b"request")].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// No panic, nothing held beyond the limits, and the same outcome however the bytes are cut.
    #[test]
    fn whatever_comes_after_the_handshake(
        junk in vec(junk(), 0..20),
        ours in select(&[SocketType::Pair, SocketType::Req, SocketType::Rep]),
        chunks in chunks(),
    ) {
        let junk = junk.concat();
        let theirs = match ours {
            SocketType::Pair => "PAIR",
            SocketType::Req => "REP",
            SocketType::Rep => "DEALER",
        };
        let run = |chunks: &[usize]| {
            let mut connection = established(config(ours).with_correlation(true), theirs);
            if ours == SocketType::Req {
                connection.send(Bytes::from("question").into()).unwrap();
            }
            let mut pool = BufferPool::default();
            let mut result = Ok(());
            let mut rest = &junk[..];
            let mut chunks = chunks.iter().copied().cycle();
            let ((), usage) = measure(|| while !rest.is_empty() && result.is_ok() {
                let (now, later) = rest.split_at(chunks.next().expect("endless").min(rest.len()));
                result = connection.handle_input(NOW, now, &mut pool);
                rest = later;
            });
            let events = events(&mut connection);
            (result, events, connection.handle_eof(), take_transmit(&mut connection), usage.peak)
        };
        let whole = run(&[usize::MAX]);
        let cut = run(&chunks);
        prop_assert_eq!((&whole.0, &whole.1, &whole.2, &whole.3), (&cut.0, &cut.1, &cut.2, &cut.3));
        // All of the events wait until the end here: they are bounded by the bytes that came.
        let bound = small().message_bytes() + small().metadata_bytes() + (64 << 10);
        prop_assert!(whole.4 <= bound && cut.4 <= bound, "{} and {} bytes", whole.4, cut.4);
    }

    /// The same before the handshake.
    #[test]
    fn whatever_comes_first(junk in vec(junk(), 0..6), valid in 0..100_usize, chunk in 1..40_usize) {
        let mut bytes = handshake("PAIR");
        bytes.truncate(valid);
        bytes.extend(junk.concat());
        let run = |chunk: usize| {
            let mut connection = Connection::new(config(SocketType::Pair), NOW);
            let mut pool = BufferPool::default();
            let result = bytes.chunks(chunk).try_for_each(|piece| connection.handle_input(NOW, piece, &mut pool));
            (result, events(&mut connection), connection.handle_eof())
        };
        prop_assert_eq!(run(usize::MAX), run(chunk));
    }
}
