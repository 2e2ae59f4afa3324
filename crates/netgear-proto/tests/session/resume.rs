//! A session outlives its connections: data exactly once and in order, frames never twice.

use std::time::Duration;

use netgear_proto::{
    Mode, Pattern, Role, Timestamp, Value,
    native::{Acknowledgement, Hello, Message, Resume, SessionId},
    session::{
        Ending, Event, FramePolicy, PeerViolation, ResumeToken, SendError, Session, SessionConfig,
        SessionError,
    },
};

use crate::link::{
    BOTH_PATTERNS, End, Link, answer_message, data_message, frame_message, goodbye, hello, idle, lasting,
    outgoing,
};

fn link(pattern: Pattern) -> Link {
    let end = |role| lasting(role, pattern, Mode::Bidirectional);
    let mut link = Link::between(end(Role::Sender), end(Role::Receiver));
    link.connect();
    link
}

fn id(byte: u8) -> SessionId {
    SessionId::from_bytes([byte; 16])
}

fn again(role: Role, pattern: Pattern) -> SessionConfig {
    lasting(role, pattern, Mode::Bidirectional).with_id(id(9))
}

/// All data that the receiver can take now.
fn taken(link: &mut Link) -> Vec<Value> {
    let mut taken = Vec::new();
    loop {
        while let Some(value) = link.receiver.session.recv_data() {
            taken.push(value);
        }
        match link.recv() {
            Some(delivery) => taken.extend(delivery.earlier.into_iter().chain(delivery.data)),
            None if link.receiver.session.has_data() => {}
            None => return taken,
        }
    }
}

/// Where connections are short, a REQ that let its idle interval pass first would never get the answer.
#[test]
fn a_req_asks_at_once_for_what_was_lost_with_a_connection() {
    let mut link = link(Pattern::ReqRep);
    link.send(outgoing(0));
    assert!(link.recv().is_some());
    link.cut();
    link.receiver.session.reply(1).unwrap();
    link.reconnect();
    link.pass(Duration::ZERO);
    assert!(!link.sender.session.awaits_answer());
    assert_eq!(link.sender.session.recv_data(), Some(1.into()));
}

/// An answer that was lost with its connection does not come again, but its data does.
#[test]
fn data_of_a_lost_answer_is_waited_for() {
    for pattern in BOTH_PATTERNS {
        let mut end = End::new(lasting(Role::Sender, pattern, Mode::Bidirectional));
        end.connected(Timestamp::ZERO);
        let theirs = Hello::new(Role::Receiver, pattern, Mode::Bidirectional);
        end.hear(Message::Hello(Hello { id: id(5), first_item: 7, next_item: 9, ..theirs })).unwrap();
        for number in 7..9 {
            assert!(end.session.awaits_answer(), "{number} is still to come");
            if let Some(due) = end.session.next_timeout() {
                end.session.handle_timeout(due).unwrap();
            }
            end.hear(data_message(number)).unwrap();
            assert_eq!(end.session.recv_data(), Some(number.into()));
        }
        assert!(!end.session.awaits_answer());
    }
}

#[test]
fn a_connection_that_is_lost_is_not_the_end() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        for number in 0..5 {
            link.send(outgoing(number).with_data(number));
            assert_eq!(link.recv().unwrap().data, Some(number.into()));
            link.reply(number);
            link.cut();
            assert_eq!(link.endings(), (None, None));
            assert!(!link.sender.session.is_open());
            link.reconnect();
            assert!(link.sender.session.is_open());
            assert_eq!(link.sender.session.recv_data(), Some(number.into()));
        }
        assert_eq!(link.sender.session.recv_data(), None);
        assert_eq!(link.sender.count(Event::Disconnected), 5);
        assert_eq!(link.sender.session.stats().reconnects, 5);
    }
}

#[test]
fn data_that_died_with_a_connection_is_sent_again_and_the_frame_is_not() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("first"));
        link.recv().unwrap();
        link.reply("ok");
        // Said into a link that has gone already.
        link.sender.session.send(outgoing(1).with_data("second")).unwrap();
        link.sender.drain();
        link.cut();
        link.reconnect();
        assert_eq!(taken(&mut link), [Value::from("second")], "with its frame, since the policy is Block");
        let stats = link.sender.session.stats();
        assert_eq!((stats.frames_resent, stats.data_resent), (1, 1));
    }
}

#[test]
fn what_was_received_is_not_sent_again_to_the_same_peer() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("once"));
        link.cut();
        link.reconnect();
        assert_eq!(taken(&mut link), [Value::from("once")]);
        let stats = link.sender.session.stats();
        assert_eq!((stats.frames_resent, stats.data_resent, stats.frames_delivered), (0, 0, 1));
        link.pass(Duration::from_secs(1));
        assert!(!link.sender.session.awaits_answer(), "the answer comes on the new connection");
    }
}

#[test]
fn a_restarted_receiver_without_a_token_gets_what_was_not_taken() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        for number in 0..2 {
            link.send(outgoing(number).with_data(number));
            assert_eq!(link.recv().unwrap().data, Some(number.into()));
            link.reply(());
        }
        // The second is in the application's hands, and it has not come for the next.
        link.restart(Role::Receiver, again(Role::Receiver, pattern));
        link.reconnect();
        assert_eq!(taken(&mut link), [Value::from(1)]);
    }
}

#[test]
fn a_restarted_receiver_with_a_token_sees_nothing_again() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        for number in 0..2 {
            link.send(outgoing(number).with_data(number));
            link.recv().unwrap();
            link.reply(());
        }
        let token = link.receiver.session.resume_token();
        assert_eq!(token, Some(ResumeToken { peer: id(1), data_taken: 2 }));
        link.restart(Role::Receiver, again(Role::Receiver, pattern).with_resume(token));
        link.sender.session.send(outgoing(2).with_data(2)).unwrap();
        link.reconnect();
        assert_eq!(taken(&mut link), [Value::from(2)]);
    }
}

#[test]
fn a_token_of_an_unknown_peer_says_nothing() {
    for pattern in BOTH_PATTERNS {
        let sender = lasting(Role::Sender, pattern, Mode::Bidirectional);
        let token = ResumeToken { peer: id(77), data_taken: 1000 };
        let mut link = Link::between(sender, again(Role::Receiver, pattern).with_resume(token));
        link.connect();
        link.send(outgoing(0).with_data("all"));
        assert_eq!(taken(&mut link), [Value::from("all")]);
    }
}

#[test]
fn both_ends_restarted_begin_anew_and_a_restarted_sender_does_not_disturb_what_has_arrived() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("of the first"));
        link.restart(Role::Sender, again(Role::Sender, pattern));
        link.reconnect();
        link.send(outgoing(0).with_data("of the second"));
        assert_eq!(taken(&mut link), ["of the first".into(), "of the second".into()]);
        link.restart(Role::Sender, again(Role::Sender, pattern).with_id(id(10)));
        link.restart(Role::Receiver, again(Role::Receiver, pattern).with_id(id(11)));
        link.reconnect();
        link.send(outgoing(0).with_data("of the third"));
        assert_eq!(taken(&mut link), [Value::from("of the third")]);
    }
}

#[test]
fn a_connection_lost_half_way_through_the_hello_changes_nothing() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data(0));
        link.cut();
        // The receiver hears the sender's hello, and the sender nothing.
        let now = link.now;
        link.sender.connected(now);
        let said = link.sender.drain().remove(0);
        link.receiver.connected(now);
        link.receiver.drain();
        link.receiver.handle(now, said).unwrap();
        link.receiver.drain();
        link.cut();
        link.reconnect();
        assert_eq!(taken(&mut link), [Value::from(0)]);
    }
}

#[test]
fn a_broken_rule_costs_the_connection_and_not_the_session() {
    for pattern in BOTH_PATTERNS {
        for role in [Role::Sender, Role::Receiver] {
            let mut end = End::new(lasting(role, pattern, Mode::Bidirectional));
            for _ in 0..3 {
                end.session.handle_connected(Timestamp::ZERO);
                assert!(
                    end.hear(hello(role, pattern, Mode::Bidirectional)).is_err() || end.session.is_open()
                );
                if end.session.ending().is_some() {
                    // The two will never fit.
                    assert_eq!(end.session.ending(), Some(Ending::Failed));
                    break;
                }
            }
            let mut end = End::new(lasting(role, pattern, Mode::Bidirectional));
            for _ in 0..3 {
                end.session.handle_connected(Timestamp::ZERO);
                assert!(end.hear(data_message(0)).is_err());
                assert_eq!((end.session.ending(), end.session.is_connected()), (None, false));
                end.drain();
                assert_eq!(end.events.last(), Some(&Event::Disconnected));
            }
            end.session.handle_connected(Timestamp::ZERO);
            end.hear(hello(role.opposite(), pattern, Mode::Bidirectional)).unwrap();
            assert!(end.session.is_open());
        }
    }
}

#[test]
fn a_strangers_goodbye_is_not_the_peers() {
    let mut end = End::new(lasting(Role::Receiver, Pattern::Pair, Mode::Bidirectional));
    end.session.handle_connected(Timestamp::ZERO);
    end.hear(goodbye()).unwrap();
    assert_eq!((end.session.ending(), end.session.is_connected()), (None, false));
}

#[test]
fn a_peer_that_lies_in_its_hello_is_refused() {
    for (received, taken, next_frame) in [(1, 0, 0), (0, 1, 0), (0, 0, 1), (u64::MAX, u64::MAX, u64::MAX)] {
        let mut end = End::new(lasting(Role::Sender, Pattern::Pair, Mode::Bidirectional));
        end.session.handle_connected(Timestamp::ZERO);
        let data = Acknowledgement { received, taken };
        let resume = Some(Resume { peer: id(1), data, next_frame, next_answer: 0 });
        let theirs = Hello::new(Role::Receiver, Pattern::Pair, Mode::Bidirectional);
        let error = end.hear(Message::Hello(Hello { id: id(5), resume, ..theirs })).unwrap_err();
        assert!(
            matches!(
                error,
                SessionError::Violation(
                    PeerViolation::Acknowledgement { .. } | PeerViolation::FrameNeverSent { .. }
                )
            ),
            "{error}"
        );
    }
}

#[test]
fn numbers_at_their_end_break_nothing() {
    let mut end = End::new(lasting(Role::Receiver, Pattern::Pair, Mode::Bidirectional));
    end.session.handle_connected(Timestamp::ZERO);
    let theirs = Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    end.hear(Message::Hello(Hello { id: id(5), first_item: u64::MAX, ..theirs })).unwrap();
    let error = end.hear(data_message(u64::MAX)).unwrap_err();
    assert_eq!(error, SessionError::Violation(PeerViolation::NumbersExhausted));
    end.session.handle_connected(Timestamp::ZERO);
    end.hear(Message::Hello(Hello { id: id(5), first_item: u64::MAX, ..theirs })).unwrap();
    end.hear(frame_message(u64::MAX - 1, None)).unwrap();
    assert_eq!(end.recv().unwrap().sequence, u64::MAX - 1);
}

#[test]
fn no_number_of_further_peers_makes_this_end_hold_more() {
    let mut end = End::new(lasting(Role::Receiver, Pattern::Pair, Mode::Bidirectional));
    let mut refused = 0;
    for number in 0..50 {
        end.session.handle_connected(Timestamp::ZERO);
        let theirs = Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional);
        if end.hear(Message::Hello(Hello { id: id(number + 3), ..theirs })).is_err() {
            refused += 1;
            continue;
        }
        for sequence in 0..2 {
            end.hear(frame_message(sequence, None)).unwrap();
        }
        for item in 0..30 {
            end.hear(data_message(item)).unwrap();
        }
        end.session.handle_disconnected().unwrap();
    }
    let stats = end.session.stats();
    assert!(refused > 40 && stats.frames_waiting <= 4 && stats.data_to_take <= 128, "{stats:?}");
}

#[test]
fn undelivered_data_is_handed_back_at_the_end() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("received"));
        link.cut();
        link.sender.session.send(outgoing(1).with_data("not")).unwrap();
        link.close(Role::Sender);
        link.pass(Duration::from_secs(2));
        assert_eq!(link.sender.ended(), Some(Ending::Closed));
        let undelivered = link.sender.session.take_undelivered();
        // The link broke before the first was acknowledged.
        assert_eq!(undelivered, ["received".into(), "not".into()]);
        assert!(link.sender.session.take_undelivered().is_empty());
        let stats = link.sender.session.stats();
        assert_eq!(stats.frames_offered, stats.frames_delivered + stats.frames_dropped.total());
    }
}

#[test]
fn a_session_of_one_connection_ends_with_it_and_reports_what_it_had() {
    let mut link = Link::open(Pattern::Pair, Mode::Bidirectional);
    link.send(outgoing(0).with_data(0));
    link.cut();
    assert_eq!(link.endings(), (Some(Ending::LinkLost), Some(Ending::LinkLost)));
    assert_eq!(link.sender.session.take_undelivered(), [Value::from(0)]);
    assert_eq!(link.sender.session.send(outgoing(1)), Err(SendError::Over));
}

#[test]
fn the_answer_of_a_former_connection_is_no_answer_on_this() {
    let end = |role| lasting(role, Pattern::Pair, Mode::Bidirectional).with_frame_policy(FramePolicy::Latest);
    let mut link = Link::between(end(Role::Sender), end(Role::Receiver));
    link.connect();
    link.send(outgoing(0));
    link.restart(Role::Receiver, again(Role::Receiver, Pattern::Pair));
    let now = link.now;
    link.sender.session.handle_connected(now);
    link.sender.hear(hello(Role::Receiver, Pattern::Pair, Mode::Bidirectional)).unwrap();
    let error = link.sender.hear(answer_message(0, None)).unwrap_err();
    assert_eq!(error, SessionError::Violation(PeerViolation::UnexpectedAnswer { found: 0 }));
}

/// All data that the receiver can take in a while.
fn taken_in_time(link: &mut Link) -> Vec<Value> {
    let mut all = Vec::new();
    for _ in 0..4 {
        all.extend(taken(link));
        link.pass(Duration::from_secs(1));
    }
    all
}

/// A receiver with another name takes the place of the first for a while.
fn another_receives(link: &mut Link, pattern: Pattern, frames: u64) {
    let first = std::mem::replace(&mut link.receiver, End::new(again(Role::Receiver, pattern)));
    link.reconnect();
    for number in 0..frames {
        link.send(outgoing(100 + number));
        link.recv().unwrap();
        link.reply("thanks");
    }
    link.cut();
    link.receiver = first;
}

/// The sender waits for none of the answers that a former peer owes, and that one is told so.
#[test]
fn nobody_answers_frames_from_before_another_peer() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("first"));
        assert!(link.recv().is_some(), "and not answered");
        link.cut();
        another_receives(&mut link, pattern, 2);
        link.reconnect();
        link.reply("late");
        for number in 1..4 {
            link.send(outgoing(number).with_data(number));
            assert!(taken_in_time(&mut link).contains(&number.into()), "{pattern}");
        }
        assert_eq!((link.sender.failure.clone(), link.receiver.failure.clone()), (None, None));
        assert_eq!(link.sender.session.stats().reconnects, 2);
        let returned: Vec<_> = std::iter::from_fn(|| link.sender.session.recv_data()).collect();
        assert_eq!(returned.last(), Some(&Value::from("late")), "the reply comes all the same");
    }
}

/// A connection that broke before the second hello arrived has told one end of the other, and not the other.
#[test]
fn an_end_is_known_once_it_has_heard_who_knows_it() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0));
        assert!(link.recv().is_some());
        link.cut();
        another_receives(&mut link, pattern, 1);
        // The receiver's hello arrives, the sender's does not.
        link.sender.connected(Timestamp::ZERO);
        link.sender.drain();
        let data = Acknowledgement::default();
        let resume = Some(Resume { peer: id(1), data, next_frame: 1, next_answer: 0 });
        let Message::Hello(plain) = hello(Role::Receiver, pattern, Mode::Bidirectional) else { panic!() };
        link.sender.hear(Message::Hello(Hello { id: id(2), resume, ..plain })).unwrap();
        assert!(link.sender.session.is_open());
        link.cut();
        link.reconnect();
        link.send(outgoing(5).with_data("on it goes"));
        assert_eq!(taken_in_time(&mut link), [Value::from("on it goes")], "{pattern}");
        assert_eq!((link.sender.failure.clone(), link.receiver.failure.clone()), (None, None));
    }
}

/// Whoever has heard a name may use it. What it says in it may be believed, but not for ever: the two ends begin
/// anew.
#[test]
fn two_ends_find_each_other_again_after_a_liar_in_the_name_of_one() {
    for pattern in BOTH_PATTERNS {
        for (first_item, deceives_both) in [(7, false), (u64::MAX, false), (7, true), (u64::MAX, true)] {
            let mut link = link(pattern);
            link.send(outgoing(0).with_data("before"));
            assert_eq!(taken(&mut link).len(), 1);
            link.cut();
            // To the receiver it says that it is the sender, and far ahead; to the sender the same of the receiver.
            deceive(&mut link.receiver, id(1), first_item, frame_message(u64::MAX - 1, None));
            assert!(link.receiver.recv().is_some());
            if deceives_both {
                deceive(&mut link.sender, id(2), first_item, idle());
                // It finds out first, and by itself.
                for _ in 0..2 {
                    let data = Acknowledgement { received: first_item, taken: first_item };
                    let resume = Some(Resume { peer: id(1), data, next_frame: 0, next_answer: 0 });
                    let theirs = Hello::new(Role::Receiver, pattern, Mode::Bidirectional);
                    link.sender.connected(Timestamp::ZERO);
                    let heard = link.sender.hear(Message::Hello(Hello { id: id(2), resume, ..theirs }));
                    assert!(heard.is_err());
                    link.sender.drain();
                }
            }
            let mut connections = 0;
            while !(link.sender.session.is_open() && link.receiver.session.is_open()) {
                link.cut();
                link.reconnect();
                connections += 1;
                assert!(connections < 6, "{pattern} {first_item} {deceives_both}");
            }
            link.send(outgoing(1).with_data("after"));
            assert_eq!(taken_in_time(&mut link).last(), Some(&"after".into()), "{pattern} {first_item}");
        }
    }
}

/// Says hello to an end in the name of its peer, whose data goes on here, and then this.
fn deceive(end: &mut End, name: SessionId, first_item: u64, and: Message) {
    let config = end.session.config();
    let Message::Hello(plain) = hello(config.role().opposite(), config.pattern(), config.mode()) else {
        panic!("it is another message")
    };
    end.connected(Timestamp::ZERO);
    end.hear(Message::Hello(Hello { id: name, first_item, ..plain })).unwrap();
    end.drain();
    // To a sender on REQ/REP the answer to what it has asked by now.
    end.session.handle_timeout(Timestamp::FAR_FUTURE).ok();
    end.drain();
    end.hear(and).ok();
    end.session.handle_disconnected().unwrap();
    end.drain();
}

/// To the sender it says that it is the receiver, and has it all.
#[test]
fn a_liar_that_acknowledges_in_the_name_of_another_does_not_part_the_two_for_ever() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern);
        link.send(outgoing(0).with_data("stolen"));
        link.cut();
        let data = Acknowledgement { received: 1, taken: 1 };
        let resume = Some(Resume { peer: id(1), data, next_frame: 1, next_answer: 1 });
        let Message::Hello(plain) = hello(Role::Receiver, pattern, Mode::Bidirectional) else { panic!() };
        link.sender.connected(Timestamp::ZERO);
        link.sender.drain();
        link.sender.hear(Message::Hello(Hello { id: id(2), resume, ..plain })).unwrap();
        link.sender.session.handle_disconnected().unwrap();
        link.sender.drain();
        for _ in 0..4 {
            link.cut();
            link.reconnect();
        }
        link.send(outgoing(1).with_data("after"));
        assert_eq!(taken_in_time(&mut link).last(), Some(&"after".into()), "{pattern}");
    }
}

#[test]
fn numbers_of_more_than_32_bits_cross_and_are_resumed() {
    for pattern in BOTH_PATTERNS {
        let begin = u64::from(u32::MAX) - 2;
        let mut link = link(pattern);
        for role in [Role::Sender, Role::Receiver] {
            let end = link.end(role);
            end.session = Session::new(end.session.config().clone()).with_so_many_behind(begin);
        }
        link.connect();
        for number in 0..6 {
            link.send(outgoing(number).with_data(number));
            let delivery = link.recv().unwrap();
            assert_eq!((delivery.sequence, delivery.data), (begin + number, Some(number.into())));
            link.reply(number);
            link.cut();
            link.reconnect();
            assert_eq!(link.sender.session.recv_data(), Some(number.into()));
        }
        let token = link.receiver.session.resume_token().unwrap();
        assert_eq!(token.data_taken, begin + 6);
        link.cut();
        link.restart(Role::Receiver, again(Role::Receiver, pattern).with_resume(token));
        link.reconnect();
        link.send(outgoing(6).with_data(6));
        assert_eq!(taken(&mut link), [Value::from(6)]);
        assert_eq!(link.sender.session.stats().data_acknowledged, begin + 7);
    }
}

/// The peer was told less by the hello, and would wait for it for ever.
#[test]
fn what_is_taken_between_the_two_hellos_is_acknowledged() {
    let mut end = End::new(lasting(Role::Receiver, Pattern::Pair, Mode::Bidirectional));
    let theirs = Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    end.connected(Timestamp::ZERO);
    end.hear(Message::Hello(Hello { id: id(5), ..theirs })).unwrap();
    end.hear(data_message(0)).unwrap();
    assert_eq!(end.session.recv_data(), Some(0.into()));
    end.session.handle_disconnected().unwrap();
    end.drain();
    end.connected(Timestamp::ZERO);
    end.drain();
    assert_eq!(end.session.recv_data(), None, "and is done with what it had");
    let data = Acknowledgement::default();
    let resume = Some(Resume { peer: id(2), data, next_frame: 0, next_answer: 0 });
    end.hear(Message::Hello(Hello { id: id(5), resume, ..theirs })).unwrap();
    end.drain();
    let due = end.session.next_timeout().expect("it has something to say");
    end.session.handle_timeout(due).unwrap();
    end.drain_at(due);
    let all = Acknowledgement { received: 1, taken: 1 };
    assert_eq!(end.said_in_full.last(), Some(&Message::Idle(all)));
}
