//! Frames are encoded as the peer said that it decodes them, and no other way.

use netgear_proto::{
    Dialect, EncodedFrame, Encoding, Encodings, Frame, Limits, Mode, Pattern, Role, Timestamp, Value,
    WireFrame,
    native::{FrameMessage, Hello, Message, SessionId},
    session::{Event, Outgoing, Output, PeerViolation, SendError, Session, SessionConfig, SessionError},
};

use crate::link::{BOTH_PATTERNS, End, Link, config, frame_message, item, lasting, room};

const JPEG: Encodings = Encodings::RAW.with(Encoding::Jpeg);

/// A frame of 16 bytes, and so many that stand for its encoded form: the session does not look into them.
fn encoded(number: u64, encoding: Encoding, length: usize) -> Outgoing {
    let frame = Frame::gray8(16, 1, [number; 2].map(u64::to_le_bytes).concat()).unwrap();
    let encoded = EncodedFrame::of(&frame, vec![number as u8; length], encoding).unwrap();
    Outgoing::new(frame, Timestamp::from_micros(number)).with_encoded(encoded)
}

fn jpeg(number: u64) -> Outgoing {
    encoded(number, Encoding::Jpeg, 5)
}

fn receiver(config: SessionConfig, decodes: Encodings) -> SessionConfig {
    config.with_encodings(decodes)
}

fn link(pattern: Pattern, decodes: Encodings) -> Link {
    let end = |role| config(role, pattern, Mode::Bidirectional);
    let mut link = Link::between(end(Role::Sender), receiver(end(Role::Receiver), decodes));
    link.connect();
    link
}

/// How the frames went that an end has sent.
fn sent(end: &End) -> Vec<Encoding> {
    let frames = end.said.iter().filter_map(|message| match message {
        Message::Frame(message) => Some(message.frame.encoding()),
        _ => None,
    });
    frames.collect()
}

#[test]
fn a_peer_that_decodes_it_gets_the_frame_encoded_and_the_marks_are_true() {
    for pattern in BOTH_PATTERNS {
        for encoding in [Encoding::Jpeg, Encoding::Lossless] {
            let mut link = link(pattern, Encodings::ALL);
            let outgoing = encoded(7, encoding, 5).with_data("beside");
            let frame = outgoing.frame.clone();
            let expected = outgoing.encoded.clone().unwrap();
            link.send(outgoing);
            let session = &mut link.receiver.session;
            assert!(session.has_frame());
            assert_eq!(session.next_encoded(), Some(&expected));
            assert_eq!(session.recv(), None, "not as a frame, and it stays");
            let delivery = session.recv_undecoded().unwrap();
            assert_eq!(delivery.frame, WireFrame::Encoded(expected));
            assert!(matches!(&delivery.frame, WireFrame::Encoded(encoded) if encoded.promises(&frame)));
            assert_eq!(delivery.data, Some(Value::from("beside")));
            link.reply("seen");
            assert_eq!(link.sender.session.recv_data(), Some(Value::from("seen")));
            for stats in [link.sender.session.stats(), link.receiver.session.stats()] {
                assert_eq!(stats.last_encoding, encoding);
                assert_eq!((stats.frames_encoded, stats.pixel_bytes, stats.frame_bytes), (1, 16, 5));
            }
        }
    }
}

#[test]
fn a_peer_that_did_not_say_so_gets_it_raw() {
    for pattern in BOTH_PATTERNS {
        for (decodes, encoding) in [
            (Encodings::RAW, Encoding::Jpeg),
            (Encodings::RAW, Encoding::Lossless),
            (JPEG, Encoding::Lossless),
            (Encodings::RAW.with(Encoding::Lossless), Encoding::Jpeg),
        ] {
            let mut link = link(pattern, decodes);
            let outgoing = encoded(3, encoding, 5);
            link.send(outgoing.clone());
            assert_eq!(link.recv().unwrap().frame, outgoing.frame);
            assert_eq!(sent(&link.sender), [Encoding::Raw]);
            assert_eq!(link.sender.session.stats().frames_encoded, 0);
        }
    }
}

#[test]
fn a_vidgear_peer_gets_it_raw() {
    for pattern in BOTH_PATTERNS {
        let vidgear = |role| config(role, pattern, Mode::Bidirectional).with_dialect(Dialect::VidGear);
        let mut sender = netgear_proto::session::Session::new(vidgear(Role::Sender));
        sender.handle_connected(Timestamp::ZERO);
        assert_eq!(sender.peer().unwrap().encodings, Encodings::RAW);
        let outgoing = jpeg(3);
        sender.send(outgoing.clone()).unwrap();
        let mut receiver = netgear_proto::session::Session::new(vidgear(Role::Receiver));
        receiver.handle_connected(Timestamp::ZERO);
        while let Some(output) = sender.poll_output(Timestamp::ZERO) {
            if let netgear_proto::session::Output::Transmit(message) = output {
                receiver.handle_message(Timestamp::ZERO, message).unwrap();
            }
        }
        assert_eq!(receiver.recv().unwrap().frame, outgoing.frame);
    }
}

#[test]
fn what_is_no_smaller_encoded_goes_raw() {
    for (length, expected) in [(15, Encoding::Jpeg), (16, Encoding::Raw), (17, Encoding::Raw)] {
        let mut link = link(Pattern::Pair, JPEG);
        link.send(encoded(1, Encoding::Jpeg, length));
        assert_eq!(sent(&link.sender), [expected]);
    }
}

#[test]
fn the_encoded_picture_is_that_of_the_frame() {
    let mut link = link(Pattern::Pair, JPEG);
    let other = Frame::gray8(4, 4, vec![0; 16]).unwrap();
    let outgoing = jpeg(0).with_encoded(EncodedFrame::of(&other, vec![1], Encoding::Jpeg).unwrap());
    let refused = link.sender.session.send(outgoing);
    assert!(matches!(refused, Err(SendError::EncodedOtherwise { .. })), "{refused:?}");
    link.send(jpeg(0));
    assert_eq!(sent(&link.sender), [Encoding::Jpeg]);
}

#[test]
fn frames_and_data_keep_their_order_however_they_are_encoded() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern, Encodings::ALL);
        for number in 0..12 {
            let outgoing = match number % 3 {
                0 => encoded(number, Encoding::Lossless, 9),
                1 => jpeg(number),
                _ => Outgoing { encoded: None, ..jpeg(number) },
            };
            link.send(outgoing.with_data(number));
            let delivery = link.receiver.session.recv_undecoded().unwrap();
            assert_eq!((delivery.sequence, delivery.data), (number, Some(Value::from(number))));
            link.settle();
            link.reply(number);
            assert_eq!(link.sender.session.recv_data(), Some(Value::from(number)));
        }
        assert_eq!(link.sender.session.stats().frames_encoded, 8);
    }
}

#[test]
fn a_frame_that_waits_goes_raw_to_another_peer_that_does_not_decode_it() {
    for pattern in BOTH_PATTERNS {
        let end = |role| lasting(role, pattern, Mode::Bidirectional);
        let mut link = Link::between(end(Role::Sender), receiver(end(Role::Receiver), JPEG));
        link.connect();
        // One or two are on their way and lost with the connection, and one waits.
        let mut offered = 0;
        while link.sender.session.can_send() {
            link.send(jpeg(offered));
            offered += 1;
        }
        assert!(sent(&link.sender).iter().all(|encoding| *encoding == Encoding::Jpeg));
        let before = sent(&link.sender).len();
        let stranger = end(Role::Receiver).with_id(SessionId::from_bytes([9; 16]));
        link.restart(Role::Receiver, stranger);
        link.reconnect();
        for number in 0..offered {
            assert_eq!(link.recv().unwrap().frame, jpeg(number).frame);
            link.reply(number);
        }
        assert!(sent(&link.sender)[before..].iter().all(|encoding| *encoding == Encoding::Raw));
        assert_eq!(link.sender.session.stats().frames_dropped.total(), 0);
        // And encoded again, once one is there that decodes it.
        link.restart(Role::Receiver, receiver(end(Role::Receiver), JPEG));
        link.sender.session.send(jpeg(offered)).unwrap();
        link.reconnect();
        assert_eq!(sent(&link.sender).last(), Some(&Encoding::Jpeg));
    }
}

#[test]
fn an_encoding_that_was_not_announced_breaks_the_rules() {
    for pattern in BOTH_PATTERNS {
        for (decodes, encoding, breaks) in [
            (Encodings::RAW, Encoding::Jpeg, true),
            (JPEG, Encoding::Lossless, true),
            (JPEG, Encoding::Jpeg, false),
            (JPEG, Encoding::Raw, false),
        ] {
            let mut end = End::new(receiver(config(Role::Receiver, pattern, Mode::Bidirectional), decodes));
            end.session.handle_connected(Timestamp::ZERO);
            let theirs = Hello::new(Role::Sender, pattern, Mode::Bidirectional);
            end.hear(Message::Hello(Hello { room: room(pattern), ..theirs })).unwrap();
            let frame: WireFrame = match encoding {
                Encoding::Raw => jpeg(0).frame.into(),
                encoding => encoded(0, encoding, 5).encoded.unwrap().into(),
            };
            let heard = end.hear(Message::Frame(FrameMessage {
                item: item(0, Some(1.into())),
                ..FrameMessage::new(0, Timestamp::ZERO, frame)
            }));
            let violation = PeerViolation::EncodingNotAnnounced { encoding, decodes };
            assert_eq!(heard, if breaks { Err(SessionError::Violation(violation)) } else { Ok(()) });
            assert_eq!(end.session.has_frame(), !breaks);
            assert_eq!(end.session.stats().data_received, u64::from(!breaks));
        }
    }
}

#[test]
fn a_hello_says_what_its_end_decodes() {
    for decodes in [Encodings::RAW, JPEG, Encodings::ALL] {
        let link = link(Pattern::Pair, decodes);
        assert_eq!(link.sender.session.peer().unwrap().encodings, decodes);
        assert_eq!(link.receiver.session.peer().unwrap().encodings, Encodings::RAW);
        assert!(matches!(&link.receiver.said[..], [Message::Hello(hello)] if hello.encodings == decodes));
    }
}

/// A receiver has to hold the decoded pixels: few encoded bytes may be many of those.
#[test]
fn what_is_on_its_way_counts_for_what_it_decodes_to() {
    let limits = Limits::DEFAULT.with_frame_bytes(40);
    let end = |role| config(role, Pattern::Pair, Mode::Bidirectional).with_window(9).with_limits(limits);
    let mut link = Link::between(end(Role::Sender), receiver(end(Role::Receiver), JPEG));
    link.connect();
    let mut number = 0;
    while link.sender.session.can_send() && number < 9 {
        link.send(encoded(number, Encoding::Jpeg, 1));
        number += 1;
    }
    assert_eq!(link.sender.session.stats().frames_in_flight, 2, "16 bytes each");
    // A peer that sends a third all the same breaks the rules.
    let frame = encoded(2, Encoding::Jpeg, 1).encoded.unwrap();
    let heard = link.receiver.hear(Message::Frame(FrameMessage::new(2, Timestamp::ZERO, frame)));
    assert_eq!(heard, Err(PeerViolation::FrameOutOfTurn { found: 2 }.into()));
}

#[test]
fn coming_for_an_encoded_frame_is_being_done_with_the_one_before() {
    let mut link = link(Pattern::Pair, JPEG);
    link.send(jpeg(0));
    link.send(jpeg(1));
    assert_eq!(link.receiver.session.recv_undecoded().unwrap().sequence, 0);
    link.settle();
    assert_eq!(link.sender.session.stats().frames_in_flight, 2);
    assert_eq!(link.receiver.session.recv(), None, "the next is encoded");
    link.settle();
    assert_eq!(link.sender.session.stats().frames_in_flight, 1, "but the first is answered");
    assert!(link.receiver.session.reply("too late").is_err());
    assert_eq!(link.receiver.session.recv_undecoded().unwrap().sequence, 1);
    link.reply("in time");
    assert_eq!(link.sender.session.recv_data(), Some(Value::from("in time")));
}

#[test]
fn raw_frames_need_nothing_of_all_this() {
    let mut end = End::open(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    end.hear(frame_message(0, None)).unwrap();
    assert_eq!(end.session.next_encoded(), None);
    let delivery = end.session.recv_undecoded().unwrap();
    assert!(matches!(delivery.frame, WireFrame::Raw(_)));
}

/// Another peer may come before anybody has looked at the first: what is told is what is there.
#[test]
fn a_peer_that_comes_back_otherwise_is_told_as_it_is_now() {
    for role in [Role::Sender, Role::Receiver] {
        let lasting = config(role, Pattern::Pair, Mode::Bidirectional).with_reconnect(true);
        let mut session = Session::new(lasting.with_dialect(Dialect::Native));
        for encodings in [Encodings::RAW, JPEG, Encodings::ALL] {
            session.handle_connected(Timestamp::ZERO);
            let hello = Hello::new(role.opposite(), Pattern::Pair, Mode::Bidirectional);
            let hello = Message::Hello(Hello { encodings, ..hello }).encode(&Limits::DEFAULT).unwrap();
            session.handle_message(Timestamp::ZERO, hello).unwrap();
            if encodings != Encodings::ALL {
                session.handle_disconnected().unwrap();
            }
        }
        let told: Vec<Event> = std::iter::from_fn(|| session.poll_output(Timestamp::ZERO))
            .filter_map(|output| if let Output::Event(event) = output { Some(event) } else { None })
            .collect();
        // It went before it came as it is.
        let [Event::Disconnected, Event::Connected(peer)] = told[..] else { panic!("{told:?}") };
        assert_eq!(peer.encodings, Encodings::ALL);
        assert_eq!(session.peer().unwrap().encodings, Encodings::ALL);
    }
}
