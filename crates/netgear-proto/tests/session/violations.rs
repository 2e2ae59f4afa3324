//! Every rule that a peer can break, broken by raw messages.

use bytes::Bytes;
use netgear_proto::{
    Mode, Multipart, Pattern, Role, Timestamp, Value,
    native::{DecodeError, Hello, Message},
    session::{Ending, Event, PeerViolation, SessionError},
};

use crate::link::{
    BOTH_PATTERNS, End, answer_message, config, frame_message, goodbye, hello, idle, outgoing,
};

const ROLES_AND_PATTERNS: [(Role, Pattern); 4] = [
    (Role::Sender, Pattern::Pair),
    (Role::Sender, Pattern::ReqRep),
    (Role::Receiver, Pattern::Pair),
    (Role::Receiver, Pattern::ReqRep),
];

fn open(role: Role, pattern: Pattern) -> End {
    End::open(role, pattern, Mode::Bidirectional)
}

fn greeting(role: Role, pattern: Pattern) -> End {
    let mut end = End::new(config(role, pattern, Mode::Bidirectional));
    end.session.handle_connected(Timestamp::ZERO);
    end
}

/// A sender whose frame 0 has gone out.
fn with_a_frame_in_flight(pattern: Pattern) -> End {
    let mut end = open(Role::Sender, pattern);
    end.session.send(outgoing(0)).unwrap();
    end.drain();
    end
}

/// A REQ whose idle request has gone out.
fn idling() -> End {
    let mut end = open(Role::Sender, Pattern::ReqRep);
    end.session.handle_timeout(end.session.next_timeout().unwrap()).unwrap();
    end.drain();
    assert_eq!(end.said.last(), Some(&idle()));
    end
}

/// The peer says this and the session fails for this reason, with nothing said or counted after it.
fn assert_breaks(mut end: End, message: Message, violation: PeerViolation) {
    end.drain();
    let before = counted(&end);
    assert_eq!(end.hear(message), Err(SessionError::Violation(violation)));
    assert_eq!(counted(&end), before, "what broke a rule was counted");
    end.drain();
    assert_eq!(end.ended(), Some(Ending::Failed));
    assert_eq!(end.count(Event::FrameArrived) + end.count(Event::Answered), accounted_for(&end));
}

/// What the peer's messages add to.
fn counted(end: &End) -> [u64; 5] {
    let stats = end.session.stats();
    [
        stats.frames_received,
        stats.frames_delivered,
        stats.data_received,
        stats.data_acknowledged,
        stats.data_taken,
    ]
}

/// How many events of an exchange the counters account for.
fn accounted_for(end: &End) -> usize {
    let stats = end.session.stats();
    (stats.frames_received + stats.frames_delivered) as usize
}

#[test]
fn what_cannot_be_read() {
    for (role, pattern) in ROLES_AND_PATTERNS {
        for (parts, error) in [
            (vec![], DecodeError::Empty),
            (vec![&b""[..]], DecodeError::Empty),
            (vec![&b"\x93\x01\x02\x03"[..]], DecodeError::FirstByte { found: 0x93 }),
            (vec![&b"\xc1\x63"[..]], DecodeError::Header),
            (vec![&b"\xc1\x03\x00\x00"[..], b"more"], DecodeError::SurplusParts { surplus: 1 }),
        ] {
            for mut end in [greeting(role, pattern), open_and_waiting(role, pattern)] {
                let message: Multipart = parts.iter().map(|part| Bytes::from_static(part)).collect();
                let violation = PeerViolation::Malformed(error.clone());
                assert_eq!(end.hear_raw(Timestamp::ZERO, message), Err(SessionError::Violation(violation)));
                end.drain();
                assert_eq!(end.ended(), Some(Ending::Failed));
            }
        }
    }
}

/// An open end that may hear something next.
fn open_and_waiting(role: Role, pattern: Pattern) -> End {
    match role {
        Role::Sender => with_a_frame_in_flight(pattern),
        Role::Receiver => open(role, pattern),
    }
}

#[test]
fn something_before_the_hello() {
    for (role, pattern) in ROLES_AND_PATTERNS {
        for message in [frame_message(0, None), answer_message(0, None), idle()] {
            assert_breaks(greeting(role, pattern), message, PeerViolation::HelloMissing);
        }
    }
}

#[test]
fn a_goodbye_before_the_hello_is_no_violation() {
    for (role, pattern) in ROLES_AND_PATTERNS {
        let mut end = greeting(role, pattern);
        assert_eq!(end.hear(goodbye()), Ok(()));
        end.drain();
        assert_eq!(end.ended(), Some(Ending::PeerLeft));
    }
}

#[test]
fn hello_twice() {
    for (role, pattern) in ROLES_AND_PATTERNS {
        let again = hello(role.opposite(), pattern, Mode::Bidirectional);
        assert_breaks(open_and_waiting(role, pattern), again, PeerViolation::HelloTwice);
    }
}

#[test]
fn version_0() {
    for (role, pattern) in ROLES_AND_PATTERNS {
        let none = Hello { version: 0, ..Hello::new(role.opposite(), pattern, Mode::Bidirectional) };
        assert_breaks(greeting(role, pattern), Message::Hello(none), PeerViolation::Version);
    }
}

#[test]
fn what_its_role_may_not_say() {
    for pattern in BOTH_PATTERNS {
        assert_breaks(
            with_a_frame_in_flight(pattern),
            frame_message(0, None),
            PeerViolation::WrongRole { message: "a frame", role: Role::Receiver },
        );
        assert_breaks(
            open(Role::Receiver, pattern),
            answer_message(0, None),
            PeerViolation::WrongRole { message: "an answer", role: Role::Sender },
        );
    }
}

#[test]
fn more_frames_than_there_is_room_for() {
    for taken in [false, true] {
        let mut end = open(Role::Receiver, Pattern::Pair);
        for sequence in 0..2 {
            end.hear(frame_message(sequence, None)).unwrap();
        }
        if taken {
            end.recv().unwrap();
        }
        assert_breaks(end, frame_message(2, None), PeerViolation::FrameOutOfTurn { found: 2 });
    }
}

#[test]
fn a_frame_sent_again() {
    for pattern in BOTH_PATTERNS {
        for found in [0, 3, 4] {
            let mut end = open(Role::Receiver, pattern);
            end.hear(frame_message(4, None)).unwrap();
            end.recv().unwrap();
            end.session.reply(1).unwrap();
            let violation = PeerViolation::Sequence { expected: 5, found };
            assert_breaks(end, frame_message(found, None), violation);
        }
        let end = open(Role::Receiver, pattern);
        assert_breaks(end, frame_message(u64::MAX, None), PeerViolation::NumbersExhausted);
    }
}

#[test]
fn an_answer_that_nothing_waits_for() {
    let unexpected = |found| PeerViolation::UnexpectedAnswer { found };
    assert_breaks(open(Role::Sender, Pattern::Pair), answer_message(0, None), unexpected(0));
    assert_breaks(idling(), answer_message(0, Some(Value::Null)), unexpected(0));
    for pattern in BOTH_PATTERNS {
        assert_breaks(with_a_frame_in_flight(pattern), answer_message(1, None), unexpected(1));
    }
    let mut answered = with_a_frame_in_flight(Pattern::Pair);
    answered.hear(answer_message(0, None)).unwrap();
    assert_breaks(answered, answer_message(0, Some(Value::from("again"))), unexpected(0));
}

#[test]
fn an_idle_answer_to_a_frame() {
    assert_breaks(
        with_a_frame_in_flight(Pattern::ReqRep),
        idle(),
        PeerViolation::FrameNotAnswered { expected: 0 },
    );
}

#[test]
fn data_in_a_unidirectional_session() {
    for pattern in BOTH_PATTERNS {
        assert_breaks(
            End::open(Role::Receiver, pattern, Mode::Unidirectional),
            frame_message(0, Some(Value::Null)),
            PeerViolation::UnidirectionalData,
        );
        let mut sender = End::open(Role::Sender, pattern, Mode::Unidirectional);
        sender.session.send(outgoing(0)).unwrap();
        assert_breaks(sender, answer_message(0, Some(Value::from(1))), PeerViolation::UnidirectionalData);
    }
}

#[test]
fn speaking_out_of_turn_on_reqrep() {
    for message in [answer_message(0, None), idle(), goodbye()] {
        assert_breaks(open(Role::Sender, Pattern::ReqRep), message, PeerViolation::OutOfTurn);
    }
    for message in [frame_message(1, None), idle(), goodbye()] {
        let mut receiver = open(Role::Receiver, Pattern::ReqRep);
        receiver.hear(frame_message(0, None)).unwrap();
        assert_breaks(receiver, message, PeerViolation::OutOfTurn);
    }
}

/// A peer that does not wait for answers must not make this end keep them.
#[test]
fn a_flood_that_does_not_wait_for_its_answers() {
    let encoded = |message: Message| message.encode(&Default::default()).unwrap();
    let mut receiver = open(Role::Receiver, Pattern::ReqRep);
    receiver.drain();
    assert_eq!(receiver.handle(Timestamp::ZERO, encoded(idle())), Ok(()));
    let second = receiver.handle(Timestamp::ZERO, encoded(idle()));
    assert_eq!(second, Err(SessionError::Violation(PeerViolation::OutOfTurn)));

    let mut receiver = End::open(Role::Receiver, Pattern::Pair, Mode::Unidirectional);
    receiver.drain();
    for sequence in 0..2 {
        receiver.handle(Timestamp::ZERO, encoded(frame_message(sequence, None))).unwrap();
        receiver.session.recv().unwrap();
    }
    let third = receiver.handle(Timestamp::ZERO, encoded(frame_message(2, None)));
    assert_eq!(third, Err(SessionError::Violation(PeerViolation::FrameOutOfTurn { found: 2 })));

    let mut sender = open(Role::Sender, Pattern::Pair);
    sender.drain();
    sender.session.send(outgoing(0)).unwrap();
    let guessed = sender.handle(Timestamp::ZERO, encoded(answer_message(0, None)));
    assert_eq!(guessed, Err(SessionError::Violation(PeerViolation::UnexpectedAnswer { found: 0 })));
}

#[test]
fn a_violation_says_what_the_peer_did() {
    let text = SessionError::Violation(PeerViolation::Sequence { expected: 5, found: 3 }).to_string();
    assert_eq!(text, "the peer broke the protocol: it sent frame 3 where frame 5 or a later one was due");
    let idle = PeerViolation::WrongRole { message: "an idle request", role: Role::Sender };
    assert_eq!(idle.to_string(), "it sent an idle request, which a sender may not");
}
