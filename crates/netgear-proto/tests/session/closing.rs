//! How a session ends: by either end, by both, by the link.

use std::time::Duration;

use netgear_proto::{
    Mode, Pattern, Role, Timestamp, Value,
    session::{Ending, Event, ReplyError, SendError},
};

use crate::link::{
    BOTH_PATTERNS, End, Link, answer_message, config, frame_message, goodbye, idle, outgoing, picture,
};

const LINGER: Duration = Duration::from_secs(1);
const BOTH_ROLES: [Role; 2] = [Role::Sender, Role::Receiver];

#[test]
fn a_sender_without_a_frame_in_flight_says_goodbye_at_once() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.close(Role::Sender);
        assert_eq!(link.sender.said.last(), Some(&goodbye()));
        assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::PeerLeft)));
        assert_eq!(link.sender.session.ending(), Some(Ending::Closed));
        assert_eq!(link.receiver.session.ending(), Some(Ending::PeerLeft));
    }
}

#[test]
fn a_sender_waits_for_its_last_answer_and_hands_out_its_data() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0));
        link.close(Role::Sender);
        assert_eq!(link.sender.session.send(outgoing(1)), Err(SendError::Over));
        link.pass(LINGER / 2);
        assert_eq!(link.endings(), (None, None));
        assert_eq!(link.recv().unwrap().frame, picture(0));
        link.reply("last");
        assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::PeerLeft)));
        assert_eq!(link.sender.said.last(), Some(&goodbye()));
        assert_eq!(link.sender.session.recv_data(), Some(Value::from("last")));
    }
}

#[test]
fn a_sender_waits_no_longer_than_the_linger_time() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0));
        link.close(Role::Sender);
        assert_eq!(link.sender.session.next_timeout(), Some(link.now + LINGER));
        link.pass(LINGER - Duration::from_micros(1));
        assert_eq!(link.endings(), (None, None));
        link.pass(Duration::from_micros(1));
        // A REQ that waits for an answer may not speak (RFC 28), so the REP finds the link closed.
        let (said_goodbye, receiver) = match pattern {
            Pattern::Pair => (true, Ending::PeerLeft),
            Pattern::ReqRep => (false, Ending::LinkLost),
        };
        assert_eq!(link.endings(), (Some(Ending::Closed), Some(receiver)));
        assert_eq!(link.sender.said.last() == Some(&goodbye()), said_goodbye);
    }
}

#[test]
fn closing_again_does_not_put_the_deadline_off() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0));
    link.close(Role::Sender);
    let deadline = link.sender.session.next_timeout();
    link.pass(LINGER / 2);
    link.close(Role::Sender);
    assert_eq!(link.sender.session.next_timeout(), deadline);
}

#[test]
fn a_sender_in_the_middle_of_an_idle_request_leaves_after_its_answer() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.delays = vec![Duration::from_millis(10)];
    link.pass(Duration::from_millis(255));
    assert_eq!(link.sender.said.last(), Some(&idle()));
    link.close(Role::Sender);
    assert_eq!(link.sender.ended(), None);
    link.pass(Duration::from_millis(30));
    assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::PeerLeft)));
    assert_eq!(link.sender.count(Event::CanSend), 0, "a session that closes takes no frames");
}

#[test]
fn a_receiver_on_pair_answers_what_it_took_and_leaves_at_once() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0));
    link.recv().unwrap();
    link.close(Role::Receiver);
    assert_eq!(link.receiver.said[1..], [answer_message(0, None), goodbye()]);
    assert_eq!(link.sender.count(Event::Answered), 1);
    assert_eq!(link.endings(), (Some(Ending::PeerLeft), Some(Ending::Closed)));
    assert_eq!(link.receiver.session.reply(1), Err(ReplyError::Over));
}

#[test]
fn a_receiver_on_rep_with_a_request_pending_says_goodbye_in_its_answer() {
    for taken in [false, true] {
        let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
        link.send(outgoing(0));
        assert_eq!(taken.then(|| link.recv().unwrap()).is_some(), taken);
        link.close(Role::Receiver);
        assert_eq!(link.receiver.said[1..], [goodbye()]);
        assert_eq!(link.sender.count(Event::Answered), 0);
        assert_eq!(link.endings(), (Some(Ending::PeerLeft), Some(Ending::Closed)));
    }
}

#[test]
fn a_receiver_on_rep_without_a_request_says_goodbye_to_the_next() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.close(Role::Receiver);
    assert_eq!(link.receiver.said.len(), 1);
    link.send(outgoing(0));
    assert_eq!(link.receiver.said[1..], [goodbye()]);
    assert_eq!(link.endings(), (Some(Ending::PeerLeft), Some(Ending::Closed)));
    assert_eq!(link.recv().unwrap().frame, picture(0), "what came on the way is not lost");
}

#[test]
fn a_receiver_on_rep_that_is_never_asked_gives_up_after_the_linger_time() {
    let mut end = End::open(Role::Receiver, Pattern::ReqRep, Mode::Bidirectional);
    end.session.close(Timestamp::ZERO);
    assert_eq!(end.session.handle_timeout(Timestamp::ZERO + LINGER), Ok(()));
    end.drain();
    assert_eq!(end.ended(), Some(Ending::Closed));
    assert_eq!(end.said.len(), 1, "it had no turn to say goodbye in");
}

#[test]
fn both_ends_may_close_at_once() {
    for pattern in BOTH_PATTERNS {
        for delay in [0, 10] {
            let mut link = Link::open(pattern, Mode::Bidirectional);
            link.delays = vec![Duration::from_millis(delay)];
            link.sender.session.close(link.now);
            link.receiver.session.close(link.now);
            link.pass(LINGER);
            assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::Closed)));
            assert_eq!((link.sender.failure, link.receiver.failure), (None, None));
        }
    }
}

#[test]
fn both_ends_may_close_with_a_frame_in_flight() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0));
        link.recv().unwrap();
        link.sender.session.close(link.now);
        link.receiver.session.close(link.now);
        link.settle();
        assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::Closed)));
    }
}

#[test]
fn closing_before_the_hellos_have_crossed_ends_both() {
    for pattern in BOTH_PATTERNS {
        for role in BOTH_ROLES {
            let mut link = Link::new(pattern, Mode::Bidirectional);
            link.delays = vec![Duration::from_millis(10)];
            link.connect();
            link.close(role);
            link.pass(LINGER);
            assert_eq!(link.end(role).ended(), Some(Ending::Closed));
            assert_eq!(link.end(role.opposite()).ended(), Some(Ending::PeerLeft), "{pattern} {role}");
        }
    }
}

#[test]
fn closing_before_the_link_is_there_ends_at_once() {
    for role in BOTH_ROLES {
        let mut end = End::new(config(role, Pattern::Pair, Mode::Bidirectional));
        end.session.close(Timestamp::ZERO);
        end.drain();
        assert_eq!((end.ended(), end.said.len()), (Some(Ending::Closed), 0));
        end.session.handle_connected(Timestamp::ZERO);
        assert_eq!(end.drain(), []);
    }
}

#[test]
fn a_frame_that_came_before_the_goodbye_can_still_be_taken() {
    let mut end = End::open(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
    end.hear(frame_message(0, Some(Value::from("with it")))).unwrap();
    end.hear(goodbye()).unwrap();
    end.drain();
    assert_eq!(end.ended(), Some(Ending::PeerLeft));
    let delivery = end.recv().unwrap();
    assert_eq!((delivery.frame, delivery.data), (picture(0), Some(Value::from("with it"))));
    assert_eq!(end.session.reply("too late"), Err(ReplyError::Over));
    assert_eq!(end.recv(), None);
}

#[test]
fn a_link_that_breaks_is_told_apart_from_a_goodbye_in_every_phase() {
    for pattern in BOTH_PATTERNS {
        for role in BOTH_ROLES {
            let before_the_link = End::new(config(role, pattern, Mode::Bidirectional));
            let mut greeting = End::new(config(role, pattern, Mode::Bidirectional));
            greeting.session.handle_connected(Timestamp::ZERO);
            let open = End::open(role, pattern, Mode::Bidirectional);
            for mut end in [before_the_link, greeting, open] {
                end.session.handle_disconnected().unwrap();
                end.drain();
                assert_eq!(end.ended(), Some(Ending::LinkLost));
                assert_eq!(end.session.next_timeout(), None);
            }
        }
    }
}

#[test]
fn a_link_that_breaks_between_frame_and_answer_loses_neither_end() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0));
        link.cut();
        assert_eq!(link.endings(), (Some(Ending::LinkLost), Some(Ending::LinkLost)));
        assert_eq!(link.recv().unwrap().frame, picture(0));
        assert_eq!(link.sender.session.send(outgoing(1)), Err(SendError::Over));
    }
}

#[test]
fn a_link_that_breaks_while_this_end_closes_has_closed() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0));
    link.close(Role::Sender);
    link.cut();
    assert_eq!(link.endings(), (Some(Ending::Closed), Some(Ending::LinkLost)));
}

#[test]
fn nothing_is_transmitted_once_it_is_over() {
    for pattern in BOTH_PATTERNS {
        for role in BOTH_ROLES {
            for mode in [Mode::Bidirectional, Mode::Unidirectional] {
                let mut end = End::open(role, pattern, mode);
                if role == Role::Receiver {
                    end.hear(frame_message(0, None)).unwrap();
                    end.recv().unwrap();
                }
                end.session.handle_disconnected().unwrap();
                end.drain();
                // The harness fails on whatever comes after the end.
                drop(end.session.send(outgoing(0)));
                drop(end.session.reply(1));
                drop(end.session.recv());
                end.session.close(Timestamp::ZERO);
                end.session.handle_connected(Timestamp::ZERO);
                end.session.handle_disconnected().unwrap();
                assert_eq!(end.session.handle_timeout(Timestamp::FAR_FUTURE), Ok(()));
                assert_eq!(end.hear(idle()), Ok(()));
                assert_eq!(end.drain(), []);
                assert_eq!(end.ended(), Some(Ending::LinkLost));
            }
        }
    }
}
