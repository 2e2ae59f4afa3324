//! Every way of setting up a session carries every kind of frame and data, and ends cleanly from either end.

use std::time::Duration;

use netgear_transport::{
    FrameReceiver, FrameSender, SendError,
    proto::{Mode, Pattern, Role},
};
use tokio::{task::JoinSet, time::sleep};

use crate::common::{MODES, TRANSPORTS, Transport, frame_of, receiver, same, sender, value_of, within};

/// Twice as many as there are kinds of data, so that each comes by both ways.
const FRAMES: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Case {
    pattern: Pattern,
    transport: Transport,
    binds: Role,
    starts: Role,
    mode: Mode,
    closes: Role,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pair_sessions_that_the_sender_closes() {
    all_of(Pattern::Pair, Role::Sender).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pair_sessions_that_the_receiver_closes() {
    all_of(Pattern::Pair, Role::Receiver).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqrep_sessions_that_the_sender_closes() {
    all_of(Pattern::ReqRep, Role::Sender).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reqrep_sessions_that_the_receiver_closes() {
    all_of(Pattern::ReqRep, Role::Receiver).await;
}

async fn all_of(pattern: Pattern, closes: Role) {
    const ROLES: [Role; 2] = [Role::Sender, Role::Receiver];
    let mut sessions = JoinSet::new();
    for transport in TRANSPORTS {
        for binds in ROLES {
            for starts in ROLES {
                for mode in MODES {
                    let case = Case { pattern, transport, binds, starts, mode, closes };
                    sessions.spawn(within(&format!("{case:?}"), session(case)));
                }
            }
        }
    }
    while let Some(session) = sessions.join_next().await {
        session.unwrap();
    }
}

async fn session(case: Case) {
    let endpoint = case.transport.endpoint();
    let start_sender = async || {
        let builder = sender(case.pattern).mode(case.mode);
        if case.binds == Role::Sender {
            builder.bind(endpoint.clone()).await.unwrap()
        } else {
            builder.connect(endpoint.clone()).await.unwrap()
        }
    };
    let start_receiver = async || {
        let builder = receiver(case.pattern).mode(case.mode);
        if case.binds == Role::Receiver {
            builder.bind(endpoint.clone()).await.unwrap()
        } else {
            builder.connect(endpoint.clone()).await.unwrap()
        }
    };
    let gap = Duration::from_millis(300);
    let (sender, receiver) = if case.starts == Role::Sender {
        let sender = start_sender().await;
        sleep(gap).await;
        (sender, start_receiver().await)
    } else {
        let receiver = start_receiver().await;
        sleep(gap).await;
        (start_sender().await, receiver)
    };
    let sending = tokio::spawn(send_all(case, sender));
    let receiving = tokio::spawn(receive_all(case, receiver));
    if let Err(error) = sending.await {
        panic!("{case:?}: sending: {error}");
    }
    if let Err(error) = receiving.await {
        panic!("{case:?}: receiving: {error}");
    }
}

async fn send_all(case: Case, sender: FrameSender) {
    let both_ways = case.mode == Mode::Bidirectional;
    for number in 0..FRAMES {
        // Now and then a frame without data.
        let data = (both_ways && number % 7 != 6).then(|| value_of(number));
        sender.send(frame_of(number), data).await.unwrap();
        let returned = sender.recv_data().await.unwrap();
        match (returned, both_ways && number % 5 != 4) {
            (Some(returned), true) => assert!(same(&returned, &value_of(number + 8)), "{case:?}: {number}"),
            (None, false) => {}
            (returned, _) => panic!("{case:?}: {number} came back with {returned:?}"),
        }
    }
    let stats = sender.stats();
    assert_eq!((stats.frames_sent, stats.frames_received), (FRAMES as u64, 0), "{case:?}");
    if case.closes == Role::Receiver {
        // The goodbye may still be on its way when the next frame is.
        let refused = async {
            loop {
                if let Err(error) = sender.send(frame_of(0), None).await {
                    break error;
                }
            }
        };
        let refused = refused.await;
        assert!(matches!(refused, SendError::PeerLeft), "{case:?}: {refused}");
        assert_eq!(sender.recv_data().await.unwrap(), None);
    }
    sender.close().await.unwrap();
}

async fn receive_all(case: Case, receiver: FrameReceiver) {
    let both_ways = case.mode == Mode::Bidirectional;
    for number in 0..FRAMES {
        let delivery = receiver.recv().await.unwrap().expect("a frame");
        assert_eq!(delivery.sequence, number as u64, "{case:?}");
        assert_eq!(delivery.frame, frame_of(number), "{case:?}: {number}");
        match (delivery.data, both_ways && number % 7 != 6) {
            (Some(data), true) => assert!(same(&data, &value_of(number)), "{case:?}: {number}"),
            (None, false) => {}
            (data, _) => panic!("{case:?}: {number} came with {data:?}"),
        }
        if both_ways && number % 5 != 4 {
            receiver.reply(value_of(number + 8)).unwrap();
        }
    }
    if case.closes == Role::Sender {
        assert_eq!(receiver.recv().await.unwrap(), None, "{case:?}");
        assert_eq!(receiver.recv().await.unwrap(), None, "{case:?}: a second time");
        assert_eq!(receiver.stats().frames_received, FRAMES as u64);
    }
    receiver.close().await.unwrap();
}
