//! What each end finds out of the other's hello, and what if there is none.

use std::time::Duration;

use bytes::Bytes;
use netgear_proto::{
    Dialect, Mode, Multipart, Pattern, Role, Timestamp,
    native::{Hello, Message},
    session::{Ending, Event, Mismatch, Peer, SessionConfig, SessionError},
};

use crate::link::{BOTH_PATTERNS, End, Link, config, frame_message, goodbye, hello, outgoing};

/// Connects two ends that do not fit, and gives what each of them says is wrong.
fn mismatch(sender: SessionConfig, receiver: SessionConfig) -> (Mismatch, Mismatch) {
    let mut link = Link::between(sender, receiver);
    link.connect();
    assert_eq!(link.endings(), (Some(Ending::Failed), Some(Ending::Failed)));
    assert_eq!((link.sender.session.peer(), link.receiver.session.peer()), (None, None));
    for end in [&link.sender, &link.receiver] {
        assert_eq!(end.events, [Event::Over(Ending::Failed)]);
    }
    let of = |end: &End| match end.failure {
        Some(SessionError::Mismatch(mismatch)) => mismatch,
        ref other => panic!("{other:?}"),
    };
    (of(&link.sender), of(&link.receiver))
}

#[test]
fn one_end_bidirectional_and_the_other_not_is_found_on_both() {
    use Mode::*;
    for pattern in BOTH_PATTERNS {
        for (ours, theirs) in [(Bidirectional, Unidirectional), (Unidirectional, Bidirectional)] {
            let (at_sender, at_receiver) =
                mismatch(config(Role::Sender, pattern, ours), config(Role::Receiver, pattern, theirs));
            assert_eq!(at_sender, Mismatch::Mode { role: Role::Sender, ours, theirs });
            assert_eq!(at_receiver, Mismatch::Mode { role: Role::Receiver, ours: theirs, theirs: ours });
        }
    }
}

#[test]
fn two_senders_are_found_on_both_ends() {
    for pattern in BOTH_PATTERNS {
        let sender = config(Role::Sender, pattern, Mode::Bidirectional);
        let found = mismatch(sender.clone(), sender);
        assert_eq!(found, (Mismatch::SameRole(Role::Sender), Mismatch::SameRole(Role::Sender)));
    }
}

#[test]
fn two_receivers_are_found_on_both_ends_of_a_pair() {
    let receiver = config(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    let found = mismatch(receiver.clone(), receiver);
    assert_eq!(found, (Mismatch::SameRole(Role::Receiver), Mismatch::SameRole(Role::Receiver)));
}

/// ZMTP never joins REP with REP (RFC 28). Over another link neither may speak first, and both give up.
#[test]
fn two_rep_receivers_end_by_the_greeting_timeout() {
    let receiver = config(Role::Receiver, Pattern::ReqRep, Mode::Bidirectional);
    let mut link = Link::between(receiver.clone(), receiver);
    link.connect();
    link.pass(Duration::from_secs(6));
    for end in [link.sender, link.receiver] {
        assert_eq!((end.failure, end.said.len()), (Some(SessionError::GreetingTimeout), 0));
    }
}

#[test]
fn pair_against_reqrep_is_found_on_both_ends() {
    for (ours, theirs) in [(Pattern::Pair, Pattern::ReqRep), (Pattern::ReqRep, Pattern::Pair)] {
        let (at_sender, at_receiver) = mismatch(
            config(Role::Sender, ours, Mode::Bidirectional),
            config(Role::Receiver, theirs, Mode::Bidirectional),
        );
        assert_eq!(at_sender, Mismatch::Pattern { role: Role::Sender, ours, theirs });
        assert_eq!(at_receiver, Mismatch::Pattern { role: Role::Receiver, ours: theirs, theirs: ours });
    }
}

#[test]
fn a_mismatch_names_the_end_to_change() {
    use Mode::*;
    let mode = |role, ours, theirs| Mismatch::Mode { role, ours, theirs }.to_string();
    assert_eq!(
        mode(Role::Sender, Bidirectional, Unidirectional),
        "this sender is bidirectional and the receiver is unidirectional; \
         make the receiver bidirectional, or this sender unidirectional"
    );
    assert_eq!(
        mode(Role::Receiver, Unidirectional, Bidirectional),
        "this receiver is unidirectional and the sender is bidirectional; \
         make the sender unidirectional, or this receiver bidirectional"
    );
    assert_eq!(
        Mismatch::SameRole(Role::Sender).to_string(),
        "both ends are senders; make the other end a receiver"
    );
    assert_eq!(
        Mismatch::SameRole(Role::Receiver).to_string(),
        "both ends are receivers; make the other end a sender"
    );
    let pattern = Mismatch::Pattern { role: Role::Sender, ours: Pattern::Pair, theirs: Pattern::ReqRep };
    assert_eq!(
        SessionError::from(pattern).to_string(),
        "this sender uses PAIR and the receiver uses REQ/REP; \
         make the receiver use PAIR, or this sender REQ/REP"
    );
}

#[test]
fn a_peer_that_never_says_hello_is_given_up() {
    for pattern in BOTH_PATTERNS {
        for role in [Role::Sender, Role::Receiver] {
            let timeout = Duration::from_secs(2);
            let mut end = End::new(config(role, pattern, Mode::Bidirectional).with_greeting_timeout(timeout));
            assert_eq!(end.session.next_timeout(), None, "the clock starts with the link");
            let connected = Timestamp::from_micros(7);
            end.session.handle_connected(connected);
            assert_eq!(end.session.next_timeout(), Some(connected + timeout));
            let just_before = connected + (timeout - Duration::from_micros(1));
            assert_eq!(end.session.handle_timeout(just_before), Ok(()));
            assert_eq!(end.session.handle_timeout(connected + timeout), Err(SessionError::GreetingTimeout));
            end.drain();
            assert_eq!(end.ended(), Some(Ending::Failed));
            assert_eq!(end.session.next_timeout(), None);
            assert_eq!(end.session.handle_timeout(Timestamp::FAR_FUTURE), Ok(()), "once is enough");
        }
    }
}

#[test]
fn the_default_greeting_timeout_is_five_seconds() {
    let mut end = End::new(SessionConfig::new(Role::Sender));
    end.session.handle_connected(Timestamp::ZERO);
    assert_eq!(end.session.next_timeout(), Some(Timestamp::from_micros(5_000_000)));
}

#[test]
fn a_rep_says_nothing_before_it_is_asked() {
    let mut link = Link::new(Pattern::ReqRep, Mode::Bidirectional);
    link.receiver.session.handle_connected(link.now);
    link.settle();
    assert_eq!(link.receiver.said, []);
    link.sender.session.handle_connected(link.now);
    link.settle();
    assert_eq!(link.receiver.said, [hello(Role::Receiver, Pattern::ReqRep, Mode::Bidirectional)]);
    assert_eq!(link.receiver.count(Event::Over(Ending::Failed)), 0);
}

#[test]
fn connecting_twice_says_hello_once() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.connect();
    assert_eq!(link.sender.said.len(), 1);
}

#[test]
fn what_comes_before_the_link_or_after_the_end_is_ignored() {
    let mut end = End::new(SessionConfig::new(Role::Receiver));
    assert_eq!(end.hear(frame_message(0, None)), Ok(()));
    assert_eq!((end.events.len(), end.session.has_frame()), (0, false));
    let mut end = End::open(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    end.hear(goodbye()).unwrap();
    assert_eq!(end.hear(frame_message(0, None)), Ok(()));
    assert_eq!(end.hear_raw(Timestamp::ZERO, Multipart::new()), Ok(()));
    end.drain();
    assert_eq!((end.ended(), end.session.has_frame()), (Some(Ending::PeerLeft), false));
}

#[test]
fn a_newer_peer_is_accepted_with_all_that_it_says_more() {
    for pattern in BOTH_PATTERNS {
        let mut end = End::new(config(Role::Sender, pattern, Mode::Bidirectional));
        end.session.handle_connected(Timestamp::ZERO);
        let theirs = Hello { version: u16::MAX, ..Hello::new(Role::Receiver, pattern, Mode::Bidirectional) };
        let said = Message::Hello(theirs).encode(end.session.config().limits()).unwrap();
        let mut bytes = said.parts()[0].clone().into_bytes().to_vec();
        bytes.extend_from_slice(b"\xff\x7f\x00 what a later version says");
        end.hear_raw(Timestamp::ZERO, Bytes::from(bytes).into()).unwrap();
        end.drain();
        assert!(matches!(end.events[..], [Event::Connected(Peer { dialect: Dialect::Native, .. })]));
        end.session.send(outgoing(0)).unwrap();
        end.drain();
    }
}
