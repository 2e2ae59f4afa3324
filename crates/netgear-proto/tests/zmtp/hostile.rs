//! Each class of hostile input, at every split of its bytes.

use std::time::Duration;

use bytes::{BufMut, Bytes};
use netgear_proto::{
    BufferPool, Limits, Timestamp,
    zmtp::{Connection, ConnectionConfig, Event, SendError, SocketType, Violation, ZmtpError},
};

use crate::{
    counting_allocator::measure,
    wire::{
        COMMAND, LONG, MORE, NOW, command, config, established, events, frame, greeting, greeting_of,
        handshake, header, input, message, multipart, next_message, property, ready, shortest, small,
        take_transmit,
    },
};

/// Beside what the limits allow.
const SLACK: usize = 64 << 10;

/// Bytes of a peer, and what they must come to.
struct Case {
    name: String,
    ours: SocketType,
    bytes: Vec<u8>,
    /// Whole messages before the error.
    messages: usize,
    error: ZmtpError,
}

/// Runs the case in one piece, at each split into two, and byte by byte.
fn check(case: &Case) {
    let one_by_one = case.bytes.chunks(1).collect::<Vec<_>>();
    check_pieces(case, &one_by_one);
    for split in 0..case.bytes.len() {
        let (first, second) = case.bytes.split_at(split);
        check_pieces(case, &[first, second]);
    }
}

fn check_pieces(case: &Case, pieces: &[&[u8]]) {
    let limits = small();
    let (mut connection, usage) = measure(|| {
        let mut pool = BufferPool::default();
        let mut connection = Connection::new(config(case.ours), NOW);
        let mut result = Ok(());
        for piece in pieces {
            result = result.and(connection.handle_input(NOW, piece, &mut pool));
        }
        assert_eq!(result, Err(case.error.clone()), "{}, in pieces of {:?}", case.name, lengths(pieces));
        connection
    });
    let bound = limits.message_bytes() + limits.metadata_bytes() + SLACK;
    assert!(usage.peak <= bound, "{}: {} bytes were held, {bound} are allowed", case.name, usage.peak);

    let messages = events(&mut connection).iter().filter(|event| matches!(event, Event::Message(_))).count();
    assert_eq!(messages, case.messages, "{}", case.name);
    check_failed(&mut connection, &case.error, &case.name);
}

fn lengths(pieces: &[&[u8]]) -> Vec<usize> {
    pieces.iter().map(|piece| piece.len()).take(3).collect()
}

/// Any error is final: the connection gives it again, whatever comes, and takes nothing.
fn check_failed(connection: &mut Connection, error: &ZmtpError, name: &str) {
    let again = Err(error.clone());
    let mut pool = BufferPool::default();
    assert_eq!(connection.receive_buffer().remaining_mut(), 0, "{name}");
    assert_eq!(connection.handle_input(NOW, &message(&[b"more"]), &mut pool), again, "{name}");
    assert_eq!(connection.handle_input(NOW, b"", &mut pool), again, "{name}");
    assert_eq!(connection.handle_received(NOW, &mut pool), again, "{name}");
    assert_eq!(connection.handle_timeout(Timestamp::FAR_FUTURE), again, "{name}");
    assert_eq!(connection.handle_eof(), again, "{name}");
    assert_eq!(connection.receive_buffer().remaining_mut(), 0, "{name}");
    assert_eq!(connection.send(multipart(&[b"x"])), Err(SendError::Failed), "{name}");
    assert_eq!((connection.is_established(), connection.can_send()), (false, false), "{name}");
    assert_eq!(connection.next_timeout(), None, "{name}");
    assert_eq!(connection.poll_event(), None, "{name}");
}

/// A peer of a PAIR that breaks a rule of traffic: `good` first, then `bad`, whose first byte is where the rule is
/// broken.
fn traffic(name: &str, good: &[u8], bad: &[u8], messages: usize, violation: Violation) -> Case {
    let start = handshake("PAIR");
    let position = (start.len() + good.len()) as u64;
    Case {
        name: name.into(),
        ours: SocketType::Pair,
        bytes: [&start, good, bad].concat(),
        messages,
        error: ZmtpError::Violation { position, violation },
    }
}

/// A peer that breaks a rule right behind its greeting.
fn behind_greeting(name: &str, bad: &[u8], violation: Violation) -> Case {
    Case {
        name: name.into(),
        ours: SocketType::Pair,
        bytes: [&greeting(), bad].concat(),
        messages: 0,
        error: ZmtpError::Violation { position: 64, violation },
    }
}

#[test]
fn lengths_over_the_limits() {
    let limit = small().part_bytes();
    let too_long = |length| Violation::PartTooLong { length, limit };
    let command_too_long = |length| Violation::CommandTooLong { length, limit: 512 };
    let hello = message(&[b"hello"]);
    for length in [2001, 1 << 20, 16 << 40, u64::MAX >> 1] {
        check(&traffic("a part", &hello, &header(LONG, length), 1, too_long(length)));
        check(&traffic("a part with more", &hello, &header(LONG | MORE, length), 1, too_long(length)));
    }
    for length in [513, 1 << 20, u64::MAX >> 1] {
        let bytes = header(LONG | COMMAND, length);
        check(&traffic("a command", &hello, &bytes, 1, command_too_long(length)));
        check(&behind_greeting("metadata by the megabyte", &bytes, command_too_long(length)));
    }
    for length in [1 << 63, u64::MAX, u64::MAX - 8] {
        for flags in [LONG, LONG | MORE, LONG | COMMAND] {
            let violation = Violation::NegativeLength { length };
            check(&traffic("a negative length", &hello, &header(flags, length), 1, violation));
        }
    }
    let parts = [frame(MORE | LONG, &[1; 2000]), frame(MORE | LONG, &[2; 1000])].concat();
    let total = Violation::MessageTooLong { limit: 3184 };
    check(&traffic("a total of 3185", &parts, &header(0, 185), 0, total));
    check(&traffic("a total of 3185, with more", &parts, &header(MORE, 185), 0, total));
    check(&traffic("a total of 5000", &parts, &header(MORE | LONG, 2000), 0, total));
}

#[test]
fn parts_without_end() {
    let violation = Violation::TooManyParts { limit: 4 };
    for body in [&b""[..], b"x", &[7; 255], &[7; 300]] {
        let four = shortest(MORE, body).repeat(4);
        let fifth = shortest(MORE, body);
        check(&traffic("a fifth part", &four, &fifth, 0, violation));
        check(&traffic("a fifth and last part", &four, &shortest(0, body), 0, violation));
    }
    // A PING between them does not start the count again.
    let pings = [frame(MORE, b""), command(b"PING", b"\0\0")].concat().repeat(4);
    check(&traffic("PINGs between", &pings, &frame(0, b""), 0, violation));
}

#[test]
fn flags_that_no_frame_has() {
    for flags in 8..=255 {
        check(&traffic("reserved", &message(&[b"a", b"b"]), &[flags], 1, Violation::ReservedFlags { flags }));
    }
    for flags in [COMMAND | MORE, COMMAND | MORE | LONG] {
        let name = "a command with MORE";
        check(&traffic(name, &frame(MORE, b"half"), &[flags], 0, Violation::CommandWithMore));
        check(&behind_greeting(name, &[flags], Violation::CommandWithMore));
    }
}

#[test]
fn commands_that_contradict_themselves() {
    let hello = message(&[b"hello"]);
    let cases: [(&[u8], Violation); 13] = [
        (b"", Violation::CommandName),
        (b"\x00", Violation::CommandName),
        (b"\x00READY", Violation::CommandName),
        (b"\x01", Violation::CommandName),
        (b"\x05PING", Violation::CommandName),
        (b"\xFFPING\0\0", Violation::CommandName),
        (b"\x04PING", Violation::Ping),
        (b"\x04PING\x00", Violation::Ping),
        (b"\x04PING\x00\x00seventeen bytes !", Violation::Ping),
        (b"\x05ERROR", Violation::ErrorReason),
        (b"\x05ERROR\x01", Violation::ErrorReason),
        (b"\x05ERROR\xFFshort", Violation::ErrorReason),
        (b"\x05READY\x04name", Violation::PropertyTruncated),
    ];
    for (body, violation) in cases {
        let name = format!("the command {}", body.escape_ascii());
        check(&traffic(&name, &hello, &frame(COMMAND, body), 1, violation));
        check(&traffic(&name, &hello, &frame(COMMAND | LONG, body), 1, violation));
        check(&behind_greeting(&name, &frame(COMMAND, body), violation));
    }
}

#[test]
fn properties_that_no_ready_has() {
    let socket_type = property(b"Socket-Type", b"PAIR");
    let many: Vec<u8> =
        (0..64).flat_map(|number| property(&[b'a' + number / 8, b'a' + number % 8], b"")).collect();
    let cases: [(&str, &[u8], Violation); 14] = [
        ("a name past the end", b"\x0BSocket", Violation::PropertyTruncated),
        ("a name of 255 past the end", b"\xFFSocket-Type", Violation::PropertyTruncated),
        ("no length", b"\x01X", Violation::PropertyTruncated),
        ("half a length", b"\x01X\0\0\0", Violation::PropertyTruncated),
        ("a value past the end", b"\x01X\0\0\0\x05PAIR", Violation::PropertyTruncated),
        ("a value of 4 GiB", b"\x01X\xFF\xFF\xFF\xFFPAIR", Violation::PropertyTruncated),
        ("a negative value", b"\x01X\x80\0\0\0", Violation::PropertyTruncated),
        ("no name", b"\x00\0\0\0\0", Violation::PropertyName),
        ("a name with a space", b"\x03a b\0\0\0\0", Violation::PropertyName),
        ("a name with a zero", b"\x02a\0\0\0\0\0", Violation::PropertyName),
        ("a name that is not text", b"\x01\xFF\0\0\0\0", Violation::PropertyName),
        ("one twice", &[property(b"X-a", b"1"), property(b"x-A", b"2")].concat(), Violation::PropertyTwice),
        ("another socket type", &property(b"SOCKET-TYPE", b"REP"), Violation::PropertyTwice),
        ("65 properties", &many, Violation::TooManyProperties { limit: 64 }),
    ];
    for (name, bytes, violation) in cases {
        let data = [&socket_type, bytes].concat();
        check(&behind_greeting(name, &command(b"READY", &data), violation));
        check(&traffic(name, b"", &command(b"READY", &data), 0, violation));
    }
    check(&behind_greeting("no properties", &command(b"READY", b""), Violation::SocketTypeMissing));
    let others = property(b"Socket-Typ", b"PAIR");
    check(&behind_greeting("no socket type", &command(b"READY", &others), Violation::SocketTypeMissing));
}

#[test]
fn something_other_than_ready() {
    for bytes in [
        frame(0, b""),
        frame(MORE, b"early"),
        header(LONG, u64::MAX >> 1),
        command(b"PING", b"\0\0"),
        command(b"PONG", b""),
        command(b"HELLO", b"plain"),
        command(b"INITIATE", b""),
        command(b"ready", &property(b"Socket-Type", b"PAIR")),
    ] {
        check(&behind_greeting("before READY", &bytes, Violation::ReadyExpected));
    }
    check(&behind_greeting("junk", b"GET / HTTP/1.1", Violation::ReservedFlags { flags: b'G' }));
    check(&behind_greeting("the greeting again", &greeting(), Violation::ReservedFlags { flags: 0xFF }));
}

#[test]
fn greetings_of_others() {
    let not_zmtp = |guess| ZmtpError::NotZmtp { guess };
    let version = |major| ZmtpError::Version { major };
    let mechanism = |theirs: &str| ZmtpError::Mechanism { theirs: theirs.into() };
    let null_and_more = greeting_of(3, 1, b"NULL\0X");
    let in_lower_case = greeting_of(3, 1, b"null");
    let unprintable = greeting_of(3, 1, b"\x1B[2J\xFF");
    let cases: [(&[u8], ZmtpError); 21] = [
        (b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n", not_zmtp("HTTP")),
        (b"POST /frames HTTP/1.1\r\n", not_zmtp("HTTP")),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03", not_zmtp("TLS")),
        (b"SSH-2.0-OpenSSH_9.9\r\n", not_zmtp("SSH")),
        (b"\x01\x00\x01\x00", not_zmtp("ZMTP 1.0, or nothing known")),
        (b"\x00", not_zmtp("ZMTP 1.0, or nothing known")),
        (b"\xFE\0\0\0\0\0\0\0\0\x7F\x03\x01", not_zmtp("something unknown")),
        (b"\x7F\xFF", not_zmtp("something unknown")),
        (b"\xFF\0\0\0\0\0\0\0\x05\x00hello", version(1)),
        (b"\xFF\0\0\0\0\0\0\0\x05\xFEhello", version(1)),
        (b"\xFF\0\0\0\0\0\0\0\0\x7F\x00", version(1)),
        (b"\xFF\0\0\0\0\0\0\0\x01\x7F\x01\x05", version(2)),
        (b"\xFF\0\0\0\0\0\0\0\0\x7F\x02\x00", version(2)),
        (&greeting_of(2, 9, b"NULL"), version(2)),
        (&greeting_of(3, 0, b"PLAIN"), mechanism("PLAIN")),
        (&greeting_of(3, 1, b"CURVE"), mechanism("CURVE")),
        (&greeting_of(3, 1, b"TWENTY_BYTES_OF_NAME"), mechanism("TWENTY_BYTES_OF_NAME")),
        (&greeting_of(3, 1, b""), mechanism("")),
        (&null_and_more, mechanism("NULL.X")),
        (&in_lower_case, mechanism("null")),
        (&unprintable, mechanism(".[2J\u{FFFD}")),
    ];
    for (bytes, error) in cases {
        let name = format!("the greeting {}", bytes.escape_ascii());
        check(&Case { name, ours: SocketType::Pair, bytes: bytes.into(), messages: 0, error });
    }
}

#[test]
fn sockets_that_do_not_go_together_are_told_so() {
    let all = [
        "PAIR", "REQ", "REP", "DEALER", "ROUTER", "PUB", "SUB", "XPUB", "XSUB", "PUSH", "PULL", "CLIENT",
        "SERVER", "RADIO", "DISH", "GATHER", "SCATTER", "STREAM", "PEER", "CHANNEL", "", "pair", "Rep",
        "PAIR ", "PAIR\0", "req",
    ];
    for (ours, accepted) in [
        (SocketType::Pair, &["PAIR"][..]),
        (SocketType::Req, &["REP", "ROUTER"]),
        (SocketType::Rep, &["REQ", "DEALER"]),
    ] {
        for theirs in all {
            if accepted.contains(&theirs) {
                let mut connection = Connection::new(config(ours), NOW);
                let bytes = handshake(theirs);
                assert_eq!(connection.handle_input(NOW, &bytes, &mut BufferPool::default()), Ok(()));
                assert_eq!(connection.peer().map(|peer| peer.socket_type()), Some(theirs));
                continue;
            }
            let shown = theirs.replace('\0', ".");
            let error = ZmtpError::SocketType { ours, theirs: shown.clone() };
            let bytes = handshake(theirs);
            check(&Case {
                name: format!("{ours} and {theirs}"),
                ours,
                bytes: bytes.clone(),
                messages: 0,
                error,
            });

            let mut connection = Connection::new(config(ours), NOW);
            assert!(connection.handle_input(NOW, &bytes, &mut BufferPool::default()).is_err());
            let reason = format!(
                "a {ours} socket does not go with a {shown}; give both ends the same pattern and opposite roles"
            );
            let told = command(b"ERROR", &[&[reason.len() as u8], reason.as_bytes()].concat());
            assert!(take_transmit(&mut connection).ends_with(&told), "{ours} and {theirs}");
        }
    }

    let mut connection = Connection::new(config(SocketType::Rep), NOW);
    let bytes = [greeting(), command(b"READY", b"")].concat();
    assert!(connection.handle_input(NOW, &bytes, &mut BufferPool::default()).is_err());
    assert!(take_transmit(&mut connection).ends_with(&command(b"ERROR", b"\x18READY has no Socket-Type")));
}

/// A peer's words may reach a terminal, a log and, in an ERROR, the peer again.
#[test]
fn what_a_peer_says_of_itself_is_printed_safely() {
    for name in ["\u{1B}[31mroot", "a\r\nb", "\u{202E}evil", "x\u{7}", "\u{2028}"] {
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        let error = connection.handle_input(NOW, &handshake(name), &mut BufferPool::default()).unwrap_err();
        assert!(error.to_string().chars().all(|c| (' '..='~').contains(&c)), "{error:?}");
        let transmitted = take_transmit(&mut connection);
        let at = transmitted.windows(6).position(|window| window == b"\x05ERROR").unwrap();
        assert!(transmitted[at + 7..].iter().all(|byte| (b' '..=b'~').contains(byte)), "{error:?}");
    }
    let long = "PAIR".repeat(100);
    let mut connection = Connection::new(config(SocketType::Pair), NOW);
    let error = connection.handle_input(NOW, &handshake(&long), &mut BufferPool::default()).unwrap_err();
    assert_eq!(error, ZmtpError::SocketType { ours: SocketType::Pair, theirs: long[..32].into() });
}

#[test]
fn an_error_ends_it_and_its_reason_is_bounded_and_printable() {
    let cases: [(&[u8], &str); 6] = [
        (b"", ""),
        (b"Invalid socket type", "Invalid socket type"),
        (b"say \"it's\" 100 \\", "say \"it's\" 100 \\"),
        (b"\x1B[2J\r\n\0", ".[2J..."),
        (b"\xFF\xC3\xA9", "\u{FFFD}\u{E9}"),
        (&[b'x'; 255], &"x".repeat(255)),
    ];
    for (bytes, reason) in cases {
        let body = [&[bytes.len() as u8], bytes].concat();
        let error = || ZmtpError::Refused { reason: reason.into() };
        let ours = SocketType::Pair;
        for (start, messages) in [
            (greeting(), 0),
            (handshake("PAIR"), 0),
            ([handshake("PAIR"), message(&[b"a"]), frame(MORE, b"half")].concat(), 1),
        ] {
            let bytes = [start, command(b"ERROR", &body)].concat();
            check(&Case { name: format!("ERROR {reason}"), ours, bytes, messages, error: error() });
        }
        // More behind the reason is of no interest.
        let bytes = [greeting(), command(b"ERROR", &[&body[..], b"and more"].concat())].concat();
        check(&Case { name: format!("ERROR {reason} and more"), ours, bytes, messages: 0, error: error() });
    }
}

#[test]
fn envelopes_that_no_request_has() {
    let start = handshake("REQ");
    let case = |name: &str, good: &[u8], bad: &[u8], violation| Case {
        name: name.into(),
        ours: SocketType::Rep,
        bytes: [&start, good, bad].concat(),
        messages: 0,
        error: ZmtpError::Violation { position: (start.len() + good.len()) as u64, violation },
    };
    check(&case("no empty part", b"", &message(&[b"body"]), Violation::Envelope));
    check(&case("no empty part", &frame(MORE, b"id"), &frame(0, b"body"), Violation::Envelope));
    check(&case("no body", b"", &message(&[b""]), Violation::Envelope));
    check(&case("no body", &frame(MORE, b"id"), &frame(0, b""), Violation::Envelope));
    let (id, rest) = (shortest(MORE, &[1; 256]), message(&[b"", b"body"]));
    let last = rest.len() - 6;
    let violation = Violation::RoutingId { length: 256 };
    check(&case("a routing id of 256", &[&id, &rest[..last]].concat(), &rest[last..], violation));
}

/// At a limit is within it; one byte more is not.
#[test]
fn limits_are_exact() {
    let limits = small();
    let [part, total, command_bytes] = [limits.part_bytes(), limits.message_bytes(), limits.metadata_bytes()];
    assert_eq!((part, total, command_bytes, limits.parts()), (2000, 3184, 512, 4));
    let run = |bytes: Vec<u8>| {
        let (result, usage) = measure(|| {
            let mut connection = Connection::new(config(SocketType::Pair), NOW);
            let all = [handshake("PAIR"), bytes].concat();
            connection.handle_input(NOW, &all, &mut BufferPool::default()).map(|()| connection.poll_event())
        });
        assert!(usage.peak <= 2 * (total + command_bytes) + SLACK);
        match result {
            Ok(_) => "accepted",
            Err(ZmtpError::Violation { violation, .. }) => match violation {
                Violation::PartTooLong { .. } => "part",
                Violation::MessageTooLong { .. } => "message",
                Violation::TooManyParts { .. } => "parts",
                Violation::CommandTooLong { .. } => "command",
                other => panic!("{other}"),
            },
            Err(other) => panic!("{other}"),
        }
    };
    let part_of = |len| run(frame(LONG, &vec![1; len]));
    assert_eq!([part - 1, part, part + 1].map(part_of), ["accepted", "accepted", "part"]);
    let total_of = |len: usize| run(message(&[&vec![1; 1500], &vec![2; len - 1500]]));
    assert_eq!([total - 1, total, total + 1].map(total_of), ["accepted", "accepted", "message"]);
    let parts_of = |count| run(message(&vec![&b"x"[..]; count]));
    assert_eq!([3, 4, 5].map(parts_of), ["accepted", "accepted", "parts"]);
    let command_of = |len: usize| run(command(b"HMM", &vec![0; len - 4]));
    let lens = [command_bytes - 1, command_bytes, command_bytes + 1];
    assert_eq!(lens.map(command_of), ["accepted", "accepted", "command"]);
    // The next message has all of the limit again.
    let twice = [message(&[&[1; 2000], &[2; 1184]]), message(&[&[1; 2000], &[2; 1184]])].concat();
    assert_eq!(run(twice), "accepted");
}

/// What this end sends is held against the same limits, so that the caller hears of it and not the peer.
#[test]
fn what_the_peer_would_refuse_is_not_sent() {
    use crate::wire::established;
    let mut pair = established(config(SocketType::Pair), "PAIR");
    let zeros = Bytes::from_static(&[0; 3185]);
    let parts = |lens: &[usize]| lens.iter().map(|&len| zeros.slice(..len)).collect();
    assert_eq!(pair.send(parts(&[2001])), Err(SendError::TooLong { bytes: 2001, limit: 2000 }));
    assert_eq!(pair.send(parts(&[2000, 1185])), Err(SendError::TooLong { bytes: 3185, limit: 3184 }));
    assert_eq!(pair.send(parts(&[0; 5])), Err(SendError::TooManyParts { parts: 5, limit: 4 }));
    assert_eq!(pair.send(parts(&[])), Err(SendError::Empty));
    assert_eq!(take_transmit(&mut pair), b"");

    // And whatever is sent is accepted: a message at the limit, also within an envelope that correlates.
    for (ours, theirs) in [(SocketType::Pair, SocketType::Pair), (SocketType::Req, SocketType::Rep)] {
        for lens in [&[2000, 1184][..], &[2000], &[1000, 1000, 1000, 184], &[0; 4]] {
            let mut from = established(config(ours).with_correlation(true), theirs.name());
            let mut to = established(config(theirs), ours.name());
            from.send(parts(lens)).unwrap();
            let mut pool = BufferPool::default();
            assert_eq!(to.handle_input(NOW, &take_transmit(&mut from), &mut pool), Ok(()), "{lens:?}");
            assert_eq!(to.poll_event(), Some(Event::Message(parts(lens))));
            if ours == SocketType::Req {
                to.send(parts(lens)).unwrap();
                assert_eq!(from.handle_input(NOW, &take_transmit(&mut to), &mut pool), Ok(()), "{lens:?}");
                assert_eq!(from.poll_event(), Some(Event::Message(parts(lens))));
            }
        }
    }
}

/// Limits without an end are the caller's wish; counting towards them must not overflow.
#[test]
fn limits_without_an_end_do_not_overflow() {
    let limits =
        Limits::DEFAULT.with_parts(usize::MAX).with_frame_bytes(usize::MAX).with_data_bytes(usize::MAX);
    let config = ConnectionConfig::new(SocketType::Rep).with_limits(limits);
    let mut rep = crate::wire::established(config, "REQ");
    rep.handle_input(NOW, &message(&[b"", b"body"]), &mut BufferPool::default()).unwrap();
    assert_eq!(rep.poll_event(), Some(Event::Message(multipart(&[b"body"]))));
}

/// A second READY says nothing: who the peer is was settled by the first.
#[test]
fn a_second_ready_changes_nothing() {
    let mut connection = Connection::new(config(SocketType::Rep), NOW);
    let bytes = [handshake("REQ"), ready("DEALER"), ready("PAIR"), message(&[b"", b"body"])].concat();
    connection.handle_input(NOW, &bytes, &mut BufferPool::default()).unwrap();
    assert_eq!(connection.peer().map(|peer| peer.socket_type()), Some("REQ"));
    let message = Event::Message(multipart(&[b"body"]));
    assert_eq!(events(&mut connection), [Event::Established, message]);
}

#[test]
fn a_handshake_that_is_never_finished_ends_at_its_deadline() {
    let bytes = handshake("PAIR");
    let deadline = NOW + Duration::from_secs(5);
    let mut pool = BufferPool::default();
    for len in 0..bytes.len() {
        let mut connection = Connection::new(config(SocketType::Pair), NOW);
        // One byte at a time, the last just before the deadline: bytes prove life, and buy no time.
        for (at, byte) in bytes[..len].iter().enumerate() {
            let now = NOW + Duration::from_millis(40 * at as u64);
            connection.handle_input(now, &[*byte], &mut pool).unwrap();
            assert_eq!(connection.next_timeout(), Some(deadline));
        }
        assert_eq!(connection.handle_timeout(Timestamp::from_micros(deadline.as_micros() - 1)), Ok(()));
        assert_eq!(connection.handle_timeout(deadline), Err(ZmtpError::HandshakeTimeout));
        check_failed(&mut connection, &ZmtpError::HandshakeTimeout, "unfinished");
    }
    let mut connection = Connection::new(config(SocketType::Pair), NOW);
    connection.handle_input(NOW, &bytes, &mut pool).unwrap();
    assert_ne!(connection.next_timeout(), Some(deadline));
}

/// Whoever is not known yet may say little; who is let in may say all that the limits allow.
#[test]
fn limits_that_change_hold_for_what_has_begun_and_for_what_comes() {
    let large = message(&[&[7; 3000]]);
    let few = Limits::DEFAULT.with_frame_bytes(0).with_data_bytes(1024);

    let mut stranger = established(ConnectionConfig::new(SocketType::Pair).with_limits(few), "PAIR");
    assert!(input(&mut stranger, &large).is_err());

    let mut known = established(ConnectionConfig::new(SocketType::Pair).with_limits(few), "PAIR");
    assert_eq!(known.set_limits(Limits::DEFAULT), Ok(()));
    input(&mut known, &large).unwrap();
    assert_eq!(next_message(&mut known).unwrap(), [Bytes::from(vec![7; 3000])]);

    // Its first bytes came with the end of the handshake.
    let mut early = established(ConnectionConfig::new(SocketType::Pair), "PAIR");
    input(&mut early, &large[..20]).unwrap();
    let error = early.set_limits(few).unwrap_err();
    assert!(
        matches!(error, ZmtpError::Violation { violation: Violation::MessageTooLong { .. }, .. }),
        "{error}"
    );
    assert!(input(&mut early, &large[20..]).is_err());
}
