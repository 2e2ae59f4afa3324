//! What becomes of frames that the peer is too slow for: never of their data.

use netgear_proto::{
    Limits, Mode, Pattern, Role, Value,
    session::{Drops, FramePolicy, Outgoing, SendError, Stats},
};

use crate::link::{BOTH_PATTERNS, Link, lasting, outgoing, picture};

fn link(pattern: Pattern, policy: FramePolicy) -> Link {
    let end = |role| lasting(role, pattern, Mode::Bidirectional).with_frame_policy(policy).with_window(1);
    let mut link = Link::between(end(Role::Sender), end(Role::Receiver));
    link.connect();
    link
}

fn assert_adds_up(stats: &Stats) {
    let undecided = (stats.frames_in_flight + stats.frames_waiting) as u64;
    assert_eq!(stats.frames_offered, stats.frames_delivered + stats.frames_dropped.total() + undecided);
}

/// Five frames to a receiver that looks at the first meanwhile, and then what it gets: frames, and data.
fn overrun(link: &mut Link) -> (Vec<u64>, Vec<u64>) {
    for number in 0..5 {
        link.send(outgoing(number).with_data(number));
        assert_adds_up(&link.sender.session.stats());
    }
    let (mut frames, mut data) = (Vec::new(), Vec::new());
    for _ in 0..20 {
        if let Some(delivery) = link.recv() {
            frames.push(delivery.sequence);
            data.extend(delivery.earlier.iter().chain(&delivery.data).filter_map(Value::as_u64));
        }
        while let Some(value) = link.receiver.session.recv_data() {
            data.extend(value.as_u64());
        }
        link.pass(std::time::Duration::from_millis(300));
    }
    (frames, data)
}

#[test]
fn latest_sends_the_newest_and_all_data() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern, FramePolicy::Latest);
        assert_eq!(overrun(&mut link), (vec![0, 4], vec![0, 1, 2, 3, 4]));
        let stats = link.sender.session.stats();
        assert_eq!((stats.frames_dropped.replaced, stats.frames_dropped.total()), (3, 3));
        assert_eq!(stats.frames_delivered, 2);
    }
}

#[test]
fn drop_newest_sends_the_oldest_and_all_data() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern, FramePolicy::DropNewest);
        assert_eq!(overrun(&mut link), (vec![0, 1], vec![0, 1, 2, 3, 4]));
        let stats = link.sender.session.stats();
        assert_eq!((stats.frames_dropped.refused, stats.frames_dropped.total()), (3, 3));
    }
}

#[test]
fn block_hands_back_what_has_no_place() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern, FramePolicy::Block);
        for number in 0..2 {
            link.send(outgoing(number).with_data(number));
        }
        let refused = link.sender.session.send(outgoing(2).with_data(2));
        let Err(SendError::Busy(back)) = refused else { panic!("{refused:?}") };
        assert_eq!(*back, outgoing(2).with_data(2));
        assert_eq!(link.sender.session.stats().frames_offered, 2, "it was not offered");
        assert_eq!(link.sender.session.stats().frames_dropped, Drops::default());
    }
}

/// An application that comes for frames alone takes data with them: it must get one when no more data has room.
#[test]
fn more_data_than_has_room_without_a_frame_keeps_no_frame_back() {
    for pattern in BOTH_PATTERNS {
        for policy in [FramePolicy::Latest, FramePolicy::DropNewest] {
            let mut link = link(pattern, policy);
            link.cut();
            for number in 0..200 {
                link.send(outgoing(number).with_data(number));
            }
            link.reconnect();
            let mut data = Vec::new();
            for number in 200..206 {
                // Coming for it says that the one before is done with, which makes room.
                let mut come = || {
                    let delivery = link.recv();
                    link.pass(std::time::Duration::from_millis(600));
                    delivery
                };
                let delivery = come().or_else(&mut come).or_else(&mut come);
                let delivery = delivery.unwrap_or_else(|| panic!("{pattern} {policy:?}: no frame came"));
                data.extend(delivery.earlier.iter().chain(&delivery.data).filter_map(Value::as_u64));
                link.send(outgoing(number).with_data(number));
            }
            assert!(data.len() > 200, "{pattern} {policy:?}: {} came", data.len());
            assert!(data.iter().copied().eq(0..data.len() as u64), "{pattern} {policy:?}: {data:?}");
            assert_eq!((&link.sender.failure, &link.receiver.failure), (&None, &None));
        }
    }
}

/// On REQ/REP over a network with a round trip of 50 ms, 60 items a second are more than it carries.
#[test]
fn more_data_than_the_link_carries_keeps_no_frame_back() {
    for pattern in BOTH_PATTERNS {
        let mut link = link(pattern, FramePolicy::Latest);
        link.delays = vec![std::time::Duration::from_millis(25)];
        let (mut frames, mut data) = (0, Vec::new());
        for number in 0..1_200_u64 {
            // Data that is too much is handed back, frame and all.
            let _ = link.sender.session.send(Outgoing::new(picture(number), link.now).with_data(number));
            link.pass(std::time::Duration::from_micros(16_667));
            if let Some(delivery) = link.recv() {
                frames += 1;
                data.extend(delivery.earlier.iter().chain(&delivery.data).map(Value::as_u64));
                let age = link.now.since(delivery.captured_at.unwrap());
                assert!(age.as_millis() < 250, "{pattern}: a frame is {age:?} old");
            }
        }
        assert!(frames >= 100, "{pattern}: {frames} in 20 s");
        assert!(data.len() > 200 && data.is_sorted(), "{pattern}: {}", data.len());
        assert_adds_up(&link.sender.session.stats());
    }
}

/// Where room comes by itself, since the application still has a frame to take, data stays with its frame.
#[test]
fn a_frame_waits_for_room_for_its_data_while_the_application_has_others() {
    for pattern in BOTH_PATTERNS {
        let end = |role| lasting(role, pattern, Mode::Bidirectional).with_window(4);
        let limits = Limits::DEFAULT.with_frame_bytes(64).with_data_bytes(1 << 10);
        let mut link = Link::between(end(Role::Sender), end(Role::Receiver).with_limits(limits));
        link.connect();
        // A third has no room.
        let long = |number: u64| Value::from(format!("{number:0900}").as_str());
        let (mut offered, mut received) = (0, 0);
        while received < 12 {
            while link.sender.session.send(outgoing(offered).with_data(long(offered))).is_ok() {
                offered += 1;
                link.settle();
            }
            let delivery = link.recv();
            link.pass(std::time::Duration::from_millis(600));
            if let Some(delivery) = delivery {
                assert_eq!((delivery.sequence, delivery.earlier), (received, vec![]));
                assert_eq!(delivery.data, Some(long(received)));
                received += 1;
            }
        }
    }
}

#[test]
fn a_frame_lost_with_a_connection_is_dropped_if_frames_are_to_be_fresh_and_its_data_is_not() {
    for pattern in BOTH_PATTERNS {
        for policy in [FramePolicy::Latest, FramePolicy::DropNewest] {
            let mut link = link(pattern, policy);
            link.sender.session.send(outgoing(0).with_data("kept")).unwrap();
            link.sender.drain();
            link.cut();
            link.reconnect();
            assert_eq!(link.sender.session.stats().frames_dropped.connection, 1);
            assert_adds_up(&link.sender.session.stats());
            assert_eq!(link.receiver.session.recv_data(), Some(Value::from("kept")));
            assert_eq!(link.recv(), None);
        }
    }
}

#[test]
fn while_there_is_no_connection_only_the_newest_frame_waits() {
    let mut link = link(Pattern::Pair, FramePolicy::Latest);
    link.cut();
    for number in 0..10 {
        link.send(outgoing(number));
        assert_eq!(link.sender.session.stats().frames_waiting, 1);
    }
    link.reconnect();
    assert_eq!(link.recv().unwrap().sequence, 9);
}

#[test]
fn data_is_never_dropped_for_a_frame_and_is_handed_back_when_too_much_waits() {
    for policy in [FramePolicy::Latest, FramePolicy::DropNewest] {
        let mut link = link(Pattern::Pair, policy);
        link.cut();
        let mut accepted = 0;
        while link.sender.session.send(outgoing(0).with_data(accepted)).is_ok() {
            accepted += 1;
        }
        assert_eq!(accepted, 256);
        link.reconnect();
        let mut data = Vec::new();
        while data.len() < 256 {
            while let Some(value) = link.receiver.session.recv_data() {
                data.extend(value.as_u64());
            }
            if let Some(delivery) = link.recv() {
                data.extend(delivery.earlier.iter().chain(&delivery.data).filter_map(Value::as_u64));
            }
            link.pass(std::time::Duration::from_millis(100));
        }
        assert_eq!(data, (0..256).collect::<Vec<_>>());
        assert!(link.sender.count(netgear_proto::session::Event::CanSend) > 0);
    }
}
