//! What is too large, and what may wait.

use netgear_proto::{
    Frame, LimitExceeded, Limits, Mode, Pattern, Role, Value,
    native::{self, ValueEncodeError},
    session::{ReplyError, SendError, SessionConfig},
};

use crate::link::{BOTH_PATTERNS, Link, config, outgoing};

fn limited(limits: Limits, pattern: Pattern) -> Link {
    let end = |role| -> SessionConfig { config(role, pattern, Mode::Bidirectional).with_limits(limits) };
    let mut link = Link::between(end(Role::Sender), end(Role::Receiver));
    link.connect();
    link
}

fn exchange(link: &mut Link, number: u64, data: impl Into<Value>) {
    link.send(outgoing(number));
    assert_eq!(link.recv().unwrap().sequence, number);
    link.reply(data);
}

#[test]
fn no_more_frames_are_taken_while_64_items_of_returned_data_wait() {
    for pattern in BOTH_PATTERNS {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        for number in 0..64 {
            exchange(&mut link, number, number);
        }
        assert!(!link.sender.session.can_send());
        let refused = outgoing(64).with_data("kept");
        let Err(SendError::ReturnedDataWaiting { items: 64, outgoing: back }) =
            link.sender.session.send(refused.clone())
        else {
            panic!("a frame was taken");
        };
        assert_eq!(*back, refused);
        assert_eq!(link.sender.session.recv_data(), Some(Value::from(0)));
        assert!(link.sender.session.can_send());
        link.send(*back);
        assert_eq!(link.recv().unwrap().data, Some(Value::from("kept")));
    }
}

#[test]
fn answers_without_data_take_no_room() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    for number in 0..100 {
        link.send(outgoing(number));
        link.recv().unwrap();
        assert_eq!(link.recv(), None);
    }
    assert!(link.sender.session.can_send());
}

#[test]
fn no_more_frames_are_taken_while_as_many_bytes_wait_as_a_message_may_hold() {
    for pattern in BOTH_PATTERNS {
        let limits = Limits::default().with_frame_bytes(1000).with_data_bytes(2000);
        let mut link = limited(limits, pattern);
        // 64 for the list, 64 for the frame and 600 for its pixels: 4 of them stay below 3000.
        let returned = || Value::List(vec![Frame::gray8(600, 1, vec![1; 600]).unwrap().into()]);
        for number in 0..4 {
            exchange(&mut link, number, returned());
        }
        exchange(&mut link, 4, "x".repeat(3000 - 4 * 728 - 64));
        let refused = link.sender.session.send(outgoing(5));
        assert!(matches!(refused, Err(SendError::ReturnedDataWaiting { items: 5, .. })), "{refused:?}");
        assert_eq!(link.sender.session.recv_data(), Some(returned()));
        exchange(&mut link, 5, 1);
        while link.sender.session.recv_data().is_some() {}
        for number in 6..10 {
            exchange(&mut link, number, returned());
        }
        assert!(link.sender.session.can_send(), "what was taken makes room");
    }
}

#[test]
fn what_is_too_large_to_send_is_the_callers_error_and_the_session_goes_on() {
    for pattern in BOTH_PATTERNS {
        let limits = Limits::default().with_frame_bytes(16).with_data_bytes(1024);
        let mut link = limited(limits, pattern);
        let mut frame = outgoing(0);
        frame.frame = Frame::gray8(17, 1, vec![0; 17]).unwrap();
        let too_large = native::EncodeError::Limit(LimitExceeded::Frame { limit: 16 });
        assert_eq!(link.sender.session.send(frame), Err(SendError::Encode(too_large.into())));
        let data = native::EncodeError::Value(ValueEncodeError::Limit(LimitExceeded::Data { limit: 1024 }));
        let refused = link.sender.session.send(outgoing(0).with_data("x".repeat(961)));
        assert_eq!(refused, Err(SendError::Encode(data.clone().into())));
        link.settle();
        assert_eq!(link.sender.session.stats().frames_sent, 0);
        exchange(&mut link, 0, "no number was used up");
        link.send(outgoing(1).with_data("x".repeat(960)));
        assert!(link.recv().is_some());
    }
}

#[test]
fn a_refused_reply_leaves_the_frame_answerable() {
    for pattern in BOTH_PATTERNS {
        let mut link = limited(Limits::default().with_data_bytes(1024), pattern);
        link.send(outgoing(0));
        link.recv().unwrap();
        let too_large =
            native::EncodeError::Value(ValueEncodeError::Limit(LimitExceeded::Data { limit: 1024 }));
        for _ in 0..2 {
            let refused = link.receiver.session.reply("x".repeat(2000));
            assert_eq!(refused, Err(ReplyError::Encode(too_large.clone().into())));
        }
        link.settle();
        assert_eq!(link.receiver.session.stats().data_sent, 0);
        link.reply("short");
        assert_eq!(link.sender.session.recv_data(), Some(Value::from("short")));
    }
}
