//! Frames one way, data both ways, in lock-step.

use netgear_proto::{
    Mode, Pattern, Role, Timestamp, Value,
    session::{Event, Outgoing, ReplyError, SendError},
};

use crate::link::{BOTH_PATTERNS, Link, answer_message, config, outgoing, picture};

#[test]
fn frames_and_data_cross_both_ways() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        for number in 0..100 {
            let data = (number % 3 != 0).then(|| Value::from(number));
            link.send(Outgoing { data: data.clone(), ..outgoing(number) });
            let delivery = link.recv().unwrap();
            assert_eq!(delivery.frame, picture(number));
            assert_eq!(delivery.data, data);
            assert_eq!(delivery.sequence, number);
            assert_eq!(delivery.captured_at, Some(Timestamp::from_micros(number)));
            assert_eq!(delivery.received_at, link.now);
            link.reply(Value::from([("frame", Value::from(picture(number + 1000)))]));
            let returned = link.sender.session.recv_data().unwrap();
            assert_eq!(returned.get("frame").unwrap().as_frame(), Some(&picture(number + 1000)));
            assert_eq!(link.sender.session.recv_data(), None);
        }
        let (sent, received) = (link.sender.session.stats(), link.receiver.session.stats());
        assert_eq!((sent.frames_sent, sent.data_sent, sent.data_received), (100, 66, 100));
        assert_eq!((received.frames_received, received.data_received, received.data_sent), (100, 66, 100));
        assert_eq!(link.sender.count(Event::Answered), 100);
        assert_eq!(link.receiver.count(Event::FrameArrived), 100);
    }
}

#[test]
fn no_data_and_null_are_told_apart() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0).with_data(Value::Null));
        assert_eq!(link.recv().unwrap().data, Some(Value::Null));
        link.reply(Value::Null);
        assert_eq!(link.sender.session.recv_data(), Some(Value::Null));
        link.send(outgoing(1));
        assert_eq!(link.recv().unwrap().data, None);
    }
}

#[test]
fn a_unidirectional_session_carries_frames_and_acknowledges_each_as_it_is_taken() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Unidirectional);
        for number in 0..10 {
            link.send(outgoing(number));
            assert!(link.receiver.session.has_frame());
            assert!(link.sender.session.awaits_answer(), "it is answered only when it is taken");
            assert_eq!(link.recv().unwrap().frame, picture(number));
            assert_eq!(link.receiver.said.last(), Some(&answer_message(number, None)));
            assert!(link.sender.session.can_send());
        }
        assert_eq!(link.sender.session.recv_data(), None);
    }
}

#[test]
fn a_unidirectional_session_refuses_data_from_the_applications() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Unidirectional);
        let refused = link.sender.session.send(outgoing(0).with_data(1));
        assert_eq!(refused, Err(SendError::Unidirectional));
        link.send(outgoing(0));
        link.recv().unwrap();
        assert_eq!(link.receiver.session.reply(1), Err(ReplyError::Unidirectional));
        link.send(outgoing(1));
        assert_eq!(link.recv().unwrap().frame, picture(1));
    }
}

#[test]
fn a_frame_is_busy_and_handed_back_while_one_waits() {
    for pattern in BOTH_PATTERNS {
        let end = |role| config(role, pattern, Mode::Bidirectional).with_window(1);
        let mut link = Link::between(end(Role::Sender), end(Role::Receiver));
        link.connect();
        assert!(link.sender.session.can_send());
        link.send(outgoing(0));
        assert!(link.sender.session.can_send(), "one may wait");
        link.send(outgoing(1));
        for _ in 0..3 {
            assert!(!link.sender.session.can_send());
            let third = outgoing(2).with_data("third");
            let address = third.frame.pixels().as_ptr();
            let Err(SendError::Busy(back)) = link.sender.session.send(third.clone()) else {
                panic!("a frame was taken out of turn");
            };
            assert_eq!(*back, third);
            assert_eq!(back.frame.pixels().as_ptr(), address, "the very frame, not a copy");
        }
        link.recv().unwrap();
        assert!(!link.sender.session.can_send(), "taken is not answered");
        link.reply("ok");
        assert!(link.sender.session.can_send());
        assert_eq!(link.sender.count(Event::CanSend), 1);
        link.send(outgoing(2));
        assert_eq!(link.recv().unwrap().sequence, 1);
        link.reply("ok");
        assert_eq!(link.recv().unwrap().sequence, 2);
    }
}

#[test]
fn a_frame_is_busy_before_a_peer_is_there() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::new(pattern, Mode::Bidirectional);
        assert!(!link.sender.session.can_send());
        assert!(matches!(link.sender.session.send(outgoing(0)), Err(SendError::Busy(_))));
        link.connect();
        link.send(outgoing(0));
        assert_eq!(link.recv().unwrap().sequence, 0);
    }
}

#[test]
fn a_frame_that_is_not_replied_to_is_answered_without_data_when_the_next_is_received() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.send(outgoing(0));
        link.recv().unwrap();
        assert!(link.sender.session.awaits_answer());
        assert_eq!(link.recv(), None, "the next frame can come only now");
        assert_eq!(link.receiver.said.last(), Some(&answer_message(0, None)));
        link.send(outgoing(1));
        assert_eq!(link.recv().unwrap().sequence, 1);
        assert_eq!(link.sender.session.recv_data(), None);
    }
}

#[test]
fn a_reply_needs_a_frame_that_was_taken_and_not_answered() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        assert_eq!(link.receiver.session.reply(1), Err(ReplyError::NothingToAnswer), "before any frame");
        link.send(outgoing(0));
        assert_eq!(link.receiver.session.reply(1), Err(ReplyError::NothingToAnswer), "before it is taken");
        link.recv().unwrap();
        link.reply("once");
        assert_eq!(link.receiver.session.reply("twice"), Err(ReplyError::NothingToAnswer));
        assert_eq!(link.sender.session.recv_data(), Some(Value::from("once")));
        assert_eq!(link.sender.session.recv_data(), None);
    }
}

#[test]
fn each_role_has_its_own_methods() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        assert_eq!(link.receiver.session.send(outgoing(0)), Err(SendError::NotSender));
        assert_eq!(link.sender.session.reply(1), Err(ReplyError::NotReceiver));
        assert_eq!(link.sender.session.recv(), None);
        assert_eq!(link.receiver.session.recv_data(), None);
        assert!(!link.receiver.session.can_send());
        assert!(!link.sender.session.has_frame());
        link.settle();
        assert_eq!(link.endings(), (None, None));
    }
}

#[test]
fn returned_data_is_taken_in_the_order_in_which_it_came() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        for number in 0..5 {
            link.send(outgoing(number));
            link.recv().unwrap();
            link.reply(number);
        }
        let returned: Vec<_> = std::iter::from_fn(|| link.sender.session.recv_data()).collect();
        assert_eq!(Value::from(returned), (0..5).collect());
    }
}

#[test]
fn each_end_knows_the_other() {
    for pattern in BOTH_PATTERNS {
        let link = Link::open(pattern, Mode::Bidirectional);
        let peer = link.sender.session.peer().unwrap();
        assert_eq!((peer.role, peer.pattern, peer.mode), (Role::Receiver, pattern, Mode::Bidirectional));
        assert_eq!(link.receiver.session.peer().unwrap().role, Role::Sender);
    }
}

#[test]
fn nothing_idle_is_sent_on_pair() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.pass(std::time::Duration::from_secs(3600));
    assert_eq!((link.sender.said.len(), link.receiver.said.len()), (1, 1));
    link.send(outgoing(0));
    assert!(link.recv().is_some());
}
