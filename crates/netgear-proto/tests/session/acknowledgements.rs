//! What an end has received and taken reaches the other, also where nothing else is said.

use std::time::Duration;

use netgear_proto::{
    Mode, Pattern, Role,
    native::{Acknowledgement, Message},
    session::{PeerViolation, SessionError},
};

use crate::link::{BOTH_PATTERNS, End, Link, data_message, outgoing};

#[test]
fn on_pair_they_come_within_100_ms() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0).with_data(0));
    link.pass(Duration::from_micros(99_999));
    assert_eq!(link.sender.session.stats().data_acknowledged, 0);
    link.pass(Duration::from_micros(1));
    assert_eq!(link.sender.session.stats().data_acknowledged, 1);
    assert_eq!(link.sender.session.stats().data_waiting, 1, "received is not taken");
    let said = link.receiver.said.len();
    link.pass(Duration::from_secs(60));
    assert_eq!(link.receiver.said.len(), said, "once is enough");
}

#[test]
fn what_is_taken_late_is_to_be_timed() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0));
    link.recv().unwrap();
    link.reply(1);
    link.pass(Duration::from_secs(1));
    let (session, now) = (&mut link.sender.session, link.now);
    assert!(!session.has_to_be_timed(), "that it was received is said");
    session.recv_data().unwrap();
    assert_eq!(session.recv_data(), None, "the application has come for the next");
    assert!(session.has_to_be_timed() && !session.has_output());
    assert_eq!(session.poll_output(now), None);
    assert!(!session.has_to_be_timed());
    assert_eq!(session.next_timeout(), Some(now + Duration::from_millis(100)));
}

#[test]
fn they_ride_on_what_is_said_anyway() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0).with_data(0));
        link.recv().unwrap();
        link.reply(1);
        let acknowledgement = Acknowledgement { received: 1, taken: 0 };
        let Some(Message::Answer(answer)) = link.receiver.said_in_full.last() else { panic!("no answer") };
        assert_eq!(answer.acknowledgement, acknowledgement);
    }
}

#[test]
fn an_item_is_dropped_here_once_the_peers_application_comes_for_the_next() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0).with_data(0));
        link.recv().unwrap();
        link.pass(Duration::from_secs(1));
        assert_eq!(link.sender.session.stats().data_waiting, 1);
        assert_eq!(link.recv(), None);
        link.pass(Duration::from_secs(1));
        assert_eq!(link.sender.session.stats().data_waiting, 0);
        assert_eq!(link.receiver.session.stats().data_taken, 1);
    }
}

#[test]
fn a_peer_that_acknowledges_what_was_not_sent_or_goes_back_breaks_the_rules() {
    let acknowledge = |received, taken| Message::Idle(Acknowledgement { received, taken });
    for (received, taken) in [(2, 0), (1, 2), (0, 0), (1, 0), (u64::MAX, 0)] {
        let mut end = End::open(Role::Sender, Pattern::Pair, Mode::Bidirectional);
        end.session.send(outgoing(0).with_data(0)).unwrap();
        end.drain();
        end.hear(acknowledge(1, 1)).unwrap();
        let violation = PeerViolation::Acknowledgement { received, taken, sent: 1 };
        assert_eq!(end.hear(acknowledge(received, taken)), Err(SessionError::Violation(violation)));
    }
}

#[test]
fn data_that_is_skipped_repeated_or_too_much_breaks_the_rules() {
    for found in [1, 7, u64::MAX] {
        let mut end = End::open(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
        let violation = PeerViolation::DataSequence { expected: 0, found };
        assert_eq!(end.hear(data_message(found)), Err(SessionError::Violation(violation)));
    }
    let mut end = End::open(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    for number in 0..128 {
        end.hear(data_message(number)).unwrap();
    }
    let violation = PeerViolation::DataOverRoom { number: 128 };
    assert_eq!(end.hear(data_message(128)), Err(SessionError::Violation(violation)));
    let mut end = End::open(Role::Sender, Pattern::Pair, Mode::Unidirectional);
    let violation = PeerViolation::UnidirectionalData;
    assert_eq!(end.hear(data_message(0)), Err(SessionError::Violation(violation)));
}
