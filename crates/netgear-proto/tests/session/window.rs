//! As many frames are on their way as both ends have room for.

use netgear_proto::{
    Frame, Limits, Mode, Pattern, Role, Timestamp,
    session::{FramePolicy, Outgoing},
};

use crate::link::{Link, config, outgoing};

fn link(pattern: Pattern, windows: [u16; 2], limits: Limits) -> Link {
    let end =
        |role, window| config(role, pattern, Mode::Bidirectional).with_window(window).with_limits(limits);
    let mut link = Link::between(end(Role::Sender, windows[0]), end(Role::Receiver, windows[1]));
    link.connect();
    link
}

fn on_their_way(link: &mut Link) -> usize {
    while link.sender.session.can_send() {
        link.send(outgoing(0));
    }
    link.sender.session.stats().frames_in_flight
}

#[test]
fn the_smaller_window_counts() {
    for (windows, expected) in [([2, 2], 2), ([1, 16], 1), ([16, 1], 1), ([16, 5], 5), ([0, 99], 1)] {
        assert_eq!(on_their_way(&mut link(Pattern::Pair, windows, Limits::DEFAULT)), expected);
        assert_eq!(on_their_way(&mut link(Pattern::ReqRep, windows, Limits::DEFAULT)), 1);
    }
}

#[test]
fn an_answer_makes_room_for_one_more() {
    let mut link = link(Pattern::Pair, [2, 2], Limits::DEFAULT);
    assert_eq!(on_their_way(&mut link), 2);
    for number in 0..10 {
        assert_eq!(link.recv().unwrap().sequence, number);
        link.reply(number);
        assert_eq!(on_their_way(&mut link), 2);
    }
}

#[test]
fn the_receiver_holds_no_more_bytes_than_a_message_may_have() {
    let limits = Limits::DEFAULT.with_frame_bytes(20);
    let mut link = link(Pattern::Pair, [9, 9], limits);
    assert_eq!(on_their_way(&mut link), 2, "8 bytes each");
    let large = Frame::gray8(20, 1, vec![0; 20]).unwrap();
    while let Some(delivery) = link.recv() {
        drop(delivery);
    }
    link.send(Outgoing::new(large, Timestamp::ZERO));
    assert_eq!(on_their_way(&mut link), 1);
}

#[test]
fn the_defaults() {
    let config = netgear_proto::session::SessionConfig::new(Role::Sender);
    assert_eq!((config.window(), config.frame_policy()), (2, FramePolicy::Latest));
    assert_eq!(config.with_pattern(Pattern::ReqRep).window(), 1);
}
