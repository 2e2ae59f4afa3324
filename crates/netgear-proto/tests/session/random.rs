//! Anything that two applications may do, in any order, over a link of any latency.

use std::{hash::Hasher, time::Duration};

use netgear_proto::{
    Frame, Mode, Pattern, Role, Timestamp, Value,
    session::{Ending, Outgoing, SendError},
};
use proptest::prelude::*;

use crate::link::Link;

#[derive(Debug, Clone)]
enum Operation {
    Send { width: u32, with_data: bool },
    Recv,
    Reply,
    TakeReturned,
    Pass { millis: u64 },
    Close(Role),
    Cut,
}

fn any_operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        8 => (1..40_u32, any::<bool>())
            .prop_map(|(width, with_data)| Operation::Send { width, with_data }),
        6 => Just(Operation::Recv),
        5 => Just(Operation::Reply),
        3 => Just(Operation::TakeReturned),
        8 => (0..400_u64).prop_map(|millis| Operation::Pass { millis }),
    ]
}

fn any_ending() -> impl Strategy<Value = Option<Operation>> {
    let role = prop_oneof![Just(Role::Sender), Just(Role::Receiver)];
    prop_oneof![
        2 => Just(None),
        2 => role.prop_map(|role| Some(Operation::Close(role))),
        1 => Just(Some(Operation::Cut)),
    ]
}

/// The frames and data of one run, at both ends.
#[derive(Debug, Default)]
struct Record {
    sent: Vec<(Frame, Option<Value>)>,
    received: Vec<(Frame, Option<Value>)>,
    replied: Vec<Value>,
    returned: Vec<Value>,
}

impl Record {
    fn send(&mut self, link: &mut Link, width: u32, with_data: bool) {
        let number = self.sent.len() as u8;
        let frame = Frame::bgr8(width, 1, vec![number; 3 * width as usize]).unwrap();
        let bidirectional = link.sender.session.config().mode() == Mode::Bidirectional;
        let data = (with_data && bidirectional).then(|| Value::from([("number", number)]));
        let could_send = link.sender.session.can_send();
        let outgoing = Outgoing { data: data.clone(), ..Outgoing::new(frame.clone(), Timestamp::ZERO) };
        match link.sender.session.send(outgoing.clone()) {
            Ok(()) => self.sent.push((frame, data)),
            Err(SendError::Busy(back) | SendError::ReturnedDataWaiting { outgoing: back, .. }) => {
                assert_eq!(*back, outgoing);
            }
            Err(SendError::Over) => {}
            Err(error) => panic!("{error}"),
        }
        assert_eq!(could_send, self.sent.len() > usize::from(number));
        link.settle();
    }

    fn recv(&mut self, link: &mut Link) -> bool {
        let Some(delivery) = link.recv() else { return false };
        assert_eq!(delivery.sequence, self.received.len() as u64);
        self.received.push((delivery.frame, delivery.data));
        true
    }

    fn reply(&mut self, link: &mut Link) {
        let value = Value::from(self.replied.len());
        if link.receiver.session.reply(value.clone()).is_ok() {
            self.replied.push(value);
        }
        link.settle();
    }

    fn take_returned(&mut self, link: &mut Link) {
        self.returned.extend(link.sender.session.recv_data());
    }

    fn apply(&mut self, link: &mut Link, operation: &Operation) {
        match *operation {
            Operation::Send { width, with_data } => self.send(link, width, with_data),
            Operation::Recv => drop(self.recv(link)),
            Operation::Reply => self.reply(link),
            Operation::TakeReturned => self.take_returned(link),
            Operation::Pass { millis } => link.pass(Duration::from_millis(millis)),
            Operation::Close(role) => link.close(role),
            Operation::Cut => link.cut(),
        }
    }
}

fn digest(frames: &[(Frame, Option<Value>)]) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    frames.iter().for_each(|(frame, _)| hasher.write(frame.pixels()));
    hasher.finish()
}

proptest! {
    #[test]
    fn nothing_is_lost_twice_or_out_of_order(
        pattern in prop_oneof![Just(Pattern::Pair), Just(Pattern::ReqRep)],
        mode in prop_oneof![Just(Mode::Bidirectional), Just(Mode::Unidirectional)],
        delays in prop::collection::vec(0..120_u64, 0..9),
        operations in prop::collection::vec(any_operation(), 0..120),
        ending in any_ending(),
        afterwards in prop::collection::vec(any_operation(), 0..20),
    ) {
        let mut link = Link::new(pattern, mode);
        link.delays = delays.into_iter().map(Duration::from_millis).collect();
        link.connect();
        let mut record = Record::default();
        for operation in operations.iter().chain(&ending).chain(&afterwards) {
            record.apply(&mut link, operation);
        }
        // Whatever is still on its way comes home.
        link.pass(Duration::from_secs(2));
        for _ in 0..2 {
            while record.recv(&mut link) {
                link.pass(Duration::from_secs(2));
            }
            // The answer to the frame taken last lets the one go that waits.
            link.pass(Duration::from_secs(2));
        }
        prop_assert!(!record.recv(&mut link));
        while link.sender.session.recv_data().map(|value| record.returned.push(value)).is_some() {}

        prop_assert_eq!((&link.sender.failure, &link.receiver.failure), (&None, &None));
        prop_assert!(record.sent.starts_with(&record.received), "lost, twice or out of order");
        prop_assert!(record.replied.starts_with(&record.returned), "lost, twice or out of order");
        let lost = record.sent.len() - record.received.len();
        prop_assert!(lost <= 3, "two frames are on their way, and one waits");
        match ending {
            None => {
                prop_assert_eq!(link.endings(), (None, None));
                prop_assert!(!link.sender.session.awaits_answer());
                prop_assert_eq!(&record.replied, &record.returned);
                prop_assert_eq!(digest(&record.sent), digest(&record.received));
                prop_assert_eq!(lost, 0);
            }
            // A sender that closes has its last frame delivered if the receiver takes it within the linger time; here
            // the link may be slower, but what has arrived is never lost.
            Some(Operation::Close(role)) => {
                prop_assert_eq!(link.end(role).ended(), Some(Ending::Closed));
                prop_assert!(link.end(role.opposite()).ended().is_some());
                prop_assert!(role == Role::Receiver || lost <= 1, "what waits until the linger time is over");
            }
            _ => prop_assert_eq!(link.endings(), (Some(Ending::LinkLost), Some(Ending::LinkLost))),
        }
    }
}
