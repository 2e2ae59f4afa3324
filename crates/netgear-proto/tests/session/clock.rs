//! Two clocks, and how long a frame takes from one to the other.

use std::time::Duration;

use netgear_proto::{
    Mode, Pattern, Role, Timestamp,
    native::{Answer, Message},
    session::Outgoing,
};

use crate::link::{End, Link, outgoing, picture};

/// The receiver's clock is the sender's here: what is found must be no offset, within what is said to be uncertain.
#[test]
fn the_round_trip_is_found_and_the_receiver_is_told() {
    for pattern in [Pattern::Pair, Pattern::ReqRep] {
        let mut link = Link::open(pattern, Mode::Bidirectional);
        link.delays = vec![Duration::from_millis(7), Duration::from_millis(3)];
        for number in 0..3 {
            let outgoing = Outgoing::new(picture(number), link.now);
            link.send(outgoing);
            link.pass(Duration::from_millis(20));
            let delivery = link.recv().unwrap();
            match number {
                0 => assert_eq!(delivery.latency(), None, "nothing is known yet"),
                _ => {
                    let latency = delivery.latency().unwrap();
                    let truth = delivery.received_at.since(delivery.captured_at.unwrap());
                    assert!(latency.duration.abs_diff(truth) <= latency.uncertainty, "{latency:?}");
                    assert!(latency.uncertainty <= Duration::from_millis(5), "{latency:?}");
                    assert_eq!(
                        delivery.age(link.now).unwrap().duration,
                        latency.duration + link.now.since(delivery.received_at)
                    );
                }
            }
            link.reply(number);
            link.pass(Duration::from_millis(20));
        }
        let (sender, receiver) = (link.sender.session.stats(), link.receiver.session.stats());
        assert_eq!(sender.round_trip, Some(Duration::from_millis(10)));
        assert_eq!((sender.clock.unwrap().uncertainty_micros, sender.clock), (5_000, receiver.clock));
        // Both ends say the same of what took 7 ms, but for the frame that came before the receiver was told of the
        // clocks.
        for latency in [sender.latency.unwrap(), receiver.latency.unwrap()] {
            assert!(
                latency.p50.abs_diff(Duration::from_millis(7)) <= Duration::from_millis(5),
                "{latency:?}"
            );
            assert!(latency.p50 <= latency.p90 && latency.p90 <= latency.p99 && latency.p99 <= latency.max);
        }
    }
}

#[test]
fn times_that_cannot_be_are_no_reason_to_fall_out() {
    let mut end = End::open(Role::Sender, Pattern::Pair, Mode::Bidirectional);
    for sequence in 0..4 {
        end.session.send(outgoing(sequence)).unwrap();
        end.drain();
        let [arrived_at, sent_at] =
            [(0, u64::MAX), (u64::MAX, 0), (u64::MAX, u64::MAX), (5, 4)][sequence as usize].into();
        let [arrived_at, sent_at] = [arrived_at, sent_at].map(Timestamp::from_micros);
        end.hear(Message::Answer(Answer { arrived_at, sent_at, ..Answer::new(sequence) })).unwrap();
    }
    assert_eq!(end.session.stats().clock, None);
}
