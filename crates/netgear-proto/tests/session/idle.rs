//! A REQ that has no frame to send gives the REP its turn to speak.

use std::time::Duration;

use netgear_proto::{
    Mode, Pattern, Role, Value,
    native::{Answer, Message},
    session::{Ending, Event, SendError},
};

use crate::link::{End, Link, config, data_message, frame_message, goodbye, idle, item, outgoing};

const INTERVAL: Duration = Duration::from_millis(250);

fn idle_requests(link: &Link) -> usize {
    link.sender.said.iter().filter(|message| **message == idle()).count()
}

#[test]
fn they_come_at_the_interval_and_each_is_answered() {
    for mode in [Mode::Bidirectional, Mode::Unidirectional] {
        let mut link = Link::open(Pattern::ReqRep, mode);
        link.pass(INTERVAL - Duration::from_micros(1));
        assert_eq!(idle_requests(&link), 0);
        link.pass(Duration::from_micros(1));
        assert_eq!(idle_requests(&link), 1);
        assert_eq!(link.receiver.said.last(), Some(&idle()));
        link.pass(INTERVAL * 39);
        assert_eq!(idle_requests(&link), 40);
        assert_eq!(link.receiver.said.len(), 41);
        assert_eq!(link.receiver.events.len(), 1, "the application hears nothing of it");
    }
}

#[test]
fn the_interval_is_counted_from_the_last_answer() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.pass(Duration::from_millis(200));
    link.send(outgoing(0));
    link.recv().unwrap();
    link.reply(1);
    link.pass(Duration::from_millis(249));
    assert_eq!(idle_requests(&link), 0);
    link.pass(Duration::from_millis(1));
    assert_eq!(idle_requests(&link), 1);
}

#[test]
fn they_stop_while_a_frame_is_in_flight() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.send(outgoing(0));
    assert_eq!(link.sender.session.next_timeout(), None);
    link.pass(Duration::from_secs(60));
    assert_eq!(idle_requests(&link), 0);
    link.recv().unwrap();
    link.reply(Value::Null);
    link.pass(INTERVAL);
    assert_eq!(idle_requests(&link), 1);
}

#[test]
fn the_interval_can_be_chosen_down_to_a_millisecond() {
    for (chosen, kept) in [(Duration::ZERO, 1), (Duration::from_millis(40), 40)] {
        let sender = config(Role::Sender, Pattern::ReqRep, Mode::Bidirectional).with_idle_interval(chosen);
        let receiver = config(Role::Receiver, Pattern::ReqRep, Mode::Bidirectional);
        let mut link = Link::between(sender, receiver);
        link.connect();
        link.pass(Duration::from_millis(400));
        assert_eq!(idle_requests(&link), 400 / kept);
    }
}

#[test]
fn a_frame_refused_during_one_can_be_sent_after_the_next_event() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.delays = vec![Duration::from_millis(30)];
    link.pass(INTERVAL);
    assert_eq!(link.sender.said.last(), Some(&idle()));
    link.send(outgoing(0));
    assert!(matches!(link.sender.session.send(outgoing(1)), Err(SendError::Busy(_))));
    let before = link.sender.events.len();
    link.pass(Duration::from_millis(60));
    assert_eq!(link.sender.events[before..], [Event::CanSend]);
    link.send(outgoing(1));
    link.pass(Duration::from_millis(30));
    assert_eq!(link.recv().unwrap().sequence, 0);
}

#[test]
fn the_receiver_may_say_goodbye_in_answer_to_one() {
    let mut link = Link::open(Pattern::ReqRep, Mode::Bidirectional);
    link.close(Role::Receiver);
    assert_eq!(link.endings(), (None, None), "it is not its turn yet");
    link.pass(INTERVAL);
    assert_eq!(link.receiver.said.last(), Some(&goodbye()));
    assert_eq!(link.endings(), (Some(Ending::PeerLeft), Some(Ending::Closed)));
}

/// An answer has one item, so that those that came behind with a lost connection would stay behind, however fast
/// frames go.
#[test]
fn a_req_asks_in_between_for_data_that_came_behind() {
    let mut end = End::open(Role::Sender, Pattern::ReqRep, Mode::Bidirectional);
    end.session.send(outgoing(0)).unwrap();
    end.drain();
    let answer = |sequence, number: u64| {
        let item = item(number, Some(number.into()));
        Message::Answer(Answer { next_item: 3, item, ..Answer::new(sequence) })
    };
    end.session.send(outgoing(1)).unwrap();
    end.hear(answer(0, 0)).unwrap();
    end.drain();
    assert_eq!(end.said.last(), Some(&idle()), "it asks before the frame that waits");
    end.hear(data_message(1)).unwrap();
    end.drain();
    assert_eq!(end.said.last(), Some(&frame_message(1, None)), "and not again and again");
    end.session.send(outgoing(2)).unwrap();
    end.hear(answer(1, 2)).unwrap();
    end.drain();
    assert_eq!(end.said.last(), Some(&frame_message(2, None)), "nothing is behind any more");
}
