//! A peer that says anything at any time, to an application that does anything at any time.

use netgear_proto::{
    Limits, Mode, Pattern, Role, Timestamp, Value,
    native::{Hello, Message},
};
use proptest::prelude::*;

use crate::link::{End, answer_message, config, frame_message, goodbye, hello, idle, outgoing};

/// More outputs than this never wait, whatever the peer does: a hello, a message, a goodbye, and an event for each.
const MOST_OUTPUTS: usize = 8;

#[derive(Debug, Clone)]
enum Step {
    Hear(Message),
    HearJunk(Vec<u8>),
    Send,
    Recv,
    Reply,
    TakeReturned,
    Timeout,
    Close,
    Drain,
}

fn any_peer_message() -> impl Strategy<Value = Message> {
    let data = || prop_oneof![Just(None), Just(Some(Value::Null))];
    prop_oneof![
        3 => (0..6_u64, data()).prop_map(|(sequence, data)| frame_message(sequence, data)),
        3 => (0..6_u64, data()).prop_map(|(sequence, data)| answer_message(sequence, data)),
        3 => Just(idle()),
        1 => Just(goodbye()),
        1 => Just(Message::Hello(Hello {
            version: 0,
            ..Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional)
        })),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => any_peer_message().prop_map(Step::Hear),
        1 => prop::collection::vec(any::<u8>(), 0..9).prop_map(Step::HearJunk),
        5 => Just(Step::Send),
        5 => Just(Step::Recv),
        4 => Just(Step::Reply),
        2 => Just(Step::TakeReturned),
        3 => Just(Step::Timeout),
        1 => Just(Step::Close),
        12 => Just(Step::Drain),
    ]
}

fn take(end: &mut End, step: Step) {
    let now = Timestamp::ZERO;
    match step {
        Step::Hear(message) => drop(end.handle(now, message.encode(&Limits::default()).unwrap())),
        Step::HearJunk(bytes) => drop(end.handle(now, bytes::Bytes::from(bytes).into())),
        Step::Send => drop(end.session.send(outgoing(0))),
        Step::Recv => drop(end.session.recv()),
        Step::Reply => drop(end.session.reply(1)),
        Step::TakeReturned => drop(end.session.recv_data()),
        Step::Timeout => {
            drop(end.session.handle_timeout(end.session.next_timeout().unwrap_or_default()));
        }
        Step::Close => end.session.close(now),
        Step::Drain => {
            let before = end.events.len();
            let transmitted = end.drain().len();
            let outputs = end.events.len() - before + transmitted;
            assert!(outputs <= MOST_OUTPUTS, "{outputs} outputs were waiting");
        }
    }
}

proptest! {
    /// The harness holds what is said against the rules: in turn, and nothing after the end.
    #[test]
    fn a_hostile_peer_ends_the_session_and_breaks_no_rule_of_this_end(
        role in prop_oneof![Just(Role::Sender), Just(Role::Receiver)],
        pattern in prop_oneof![Just(Pattern::Pair), Just(Pattern::ReqRep)],
        mode in prop_oneof![Just(Mode::Bidirectional), Just(Mode::Unidirectional)],
        greets in prop::bool::weighted(0.9),
        steps in prop::collection::vec(any_step(), 0..60),
    ) {
        let mut end = End::new(config(role, pattern, mode));
        end.session.handle_connected(Timestamp::ZERO);
        if greets {
            take(&mut end, Step::Drain);
            take(&mut end, Step::Hear(hello(role.opposite(), pattern, mode)));
        }
        for step in steps {
            take(&mut end, step);
        }
        take(&mut end, Step::Drain);
        prop_assert_eq!(end.session.ending(), end.ended());
        prop_assert!(end.failure.is_none() || end.ended().is_some());
        let stats = end.session.stats();
        match role {
            Role::Sender => prop_assert!(stats.data_received <= stats.frames_sent && stats.frames_received == 0),
            Role::Receiver => prop_assert!(stats.data_sent <= stats.frames_received && stats.frames_sent == 0),
        }
    }
}
