//! Data and frames on their way back, and both handles used by several tasks at once.

use std::{
    hash::{DefaultHasher, Hasher},
    sync::Arc,
    time::Duration,
};

use futures_util::StreamExt;
use netgear_transport::{
    RecvError, SendError, SessionFailure,
    proto::{
        Frame, Pattern, Role, Value,
        native::{Acknowledgement, DataMessage, Item, Message},
        zmtp::SocketType,
    },
};
use tokio::time::sleep;

use crate::{
    common::{PATTERNS, connected, frame_of, numbered, receiver, sender, within},
    scripted::{Scripted, dial},
};

#[tokio::test]
async fn a_receiver_is_a_stream() {
    for pattern in PATTERNS {
        let (sender, mut receiver) = connected(pattern).await;
        let sending = tokio::spawn(async move {
            for number in 0..50 {
                sender.send(numbered(number), None).await.unwrap();
            }
            sender.close().await.unwrap();
        });
        let mut expected = 0;
        while let Some(delivery) = within("next", receiver.next()).await {
            assert_eq!(delivery.unwrap().frame, numbered(expected));
            expected += 1;
        }
        assert_eq!(expected, 50);
        assert!(within("next", receiver.next()).await.is_none(), "it stays over");
        within("sending", sending).await.unwrap();
    }
}

/// One error, and then the end: a loop that goes on after an error must end all the same.
#[tokio::test]
async fn the_stream_of_a_session_that_fails_gives_one_error_and_ends() {
    let mut receiver =
        receiver(Pattern::Pair).reconnect(false).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut peer = Scripted::shake(dial(receiver.endpoint().unwrap()).await, SocketType::Pair, true).await;
    peer.hello(Role::Sender, Pattern::Pair).await;
    within("peer", receiver.peer()).await.unwrap();
    drop(peer);
    let items: Vec<_> = within("the stream", receiver.by_ref().take(9).collect()).await;
    assert!(
        matches!(&items[..], [Err(RecvError::Failed(SessionFailure::PeerLost | SessionFailure::Link(_)))]),
        "{items:?}"
    );
}

/// One task sends and never looks at what comes back, another takes that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_task_sends_and_another_takes_what_comes_back() {
    const FRAMES: u64 = 300;
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        let receiving = tokio::spawn(async move {
            while let Some(delivery) = receiver.recv().await.unwrap() {
                receiver.reply(delivery.sequence).unwrap();
            }
        });
        let sender = Arc::new(sender);
        let taking = tokio::spawn({
            let sender = Arc::clone(&sender);
            async move {
                let mut expected = 0;
                while expected < FRAMES {
                    match sender.recv_data().await.unwrap() {
                        Some(data) => {
                            assert_eq!(data, Value::from(expected));
                            expected += 1;
                        }
                        // Nothing is under way between two frames.
                        None => sleep(Duration::from_micros(100)).await,
                    }
                }
            }
        });
        within("sending", async {
            for number in 0..FRAMES {
                sender.send(numbered(number), None).await.unwrap();
            }
        })
        .await;
        within("taking", taking).await.unwrap();
        within("close", Arc::into_inner(sender).unwrap().close()).await.unwrap();
        within("receiving", receiving).await.unwrap();
    }
}

fn digest(hasher: &mut DefaultHasher, frame: &Frame) {
    hasher.write_u32(frame.width());
    hasher.write(frame.pixels());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_flow_both_ways() {
    const FRAMES: usize = 120;
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        let receiving = tokio::spawn(async move {
            let (mut got, mut gave) = (DefaultHasher::new(), DefaultHasher::new());
            let mut number = 0;
            while let Some(delivery) = receiver.recv().await.unwrap() {
                digest(&mut got, &delivery.frame);
                let frame = frame_of(number * 3 + 1);
                digest(&mut gave, &frame);
                receiver.reply(frame).unwrap();
                number += 1;
            }
            (got.finish(), gave.finish())
        });
        let (mut got, mut gave, mut taken) = (DefaultHasher::new(), DefaultHasher::new(), 0);
        let mut take = |data: Value| {
            digest(&mut got, data.as_frame().expect("a frame came back"));
            taken += 1;
        };
        for number in 0..FRAMES {
            let frame = frame_of(number);
            digest(&mut gave, &frame);
            within("send", sender.send(frame, None)).await.unwrap();
            while let Some(data) = sender.try_recv_data() {
                take(data);
            }
        }
        within("flush", sender.flush()).await.unwrap();
        while let Some(data) = sender.try_recv_data() {
            take(data);
        }
        assert_eq!(taken, FRAMES);
        assert_eq!(sender.stats().data_received, FRAMES as u64);
        within("close", sender.close()).await.unwrap();
        let (their_got, their_gave) = within("receiving", receiving).await.unwrap();
        assert_eq!((gave.finish(), got.finish()), (their_got, their_gave));
    }
}

#[tokio::test]
async fn returned_data_that_nobody_takes_stops_the_sender_and_no_more() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        let receiving = tokio::spawn(async move {
            while let Some(delivery) = receiver.recv().await.unwrap() {
                receiver.reply(delivery.sequence).unwrap();
            }
            receiver.stats().frames_received
        });
        let mut sent = 0;
        let outgoing = loop {
            match within("send", sender.send(numbered(sent), Some("kept".into()))).await {
                Ok(()) => sent += 1,
                Err(SendError::ReturnedDataWaiting { items, outgoing }) => {
                    assert!(items >= 64 && items as u64 <= sent, "{items} of {sent}");
                    break *outgoing;
                }
                Err(error) => panic!("{error}"),
            }
        };
        // A frame may wait for its turn when the 64th item comes, and two may be on their way.
        assert!((64..=67).contains(&sent), "{sent}");
        assert_eq!((&outgoing.frame, &outgoing.data), (&numbered(sent), &Some(Value::from("kept"))));
        // Still full: it is handed back again.
        let again = within("send", sender.send_outgoing(outgoing)).await.unwrap_err();
        let SendError::ReturnedDataWaiting { outgoing, .. } = again else { panic!("{again}") };
        within("flush", sender.flush()).await.unwrap();
        for number in 0..4 {
            assert_eq!(sender.try_recv_data(), Some(Value::from(number)));
        }
        within("send", sender.send_outgoing(*outgoing)).await.unwrap();
        within("flush", sender.flush()).await.unwrap();
        for number in 4..=sent {
            assert_eq!(sender.try_recv_data(), Some(Value::from(number)));
        }
        assert_eq!(sender.try_recv_data(), None);
        within("close", sender.close()).await.unwrap();
        assert_eq!(within("receiving", receiving).await.unwrap(), sent + 1);
    }
}

/// An application that comes for frames alone is told when what it leaves lying keeps every further peer out.
#[tokio::test]
async fn data_that_nobody_takes_is_an_error_once_no_frame_can_come_for_it() {
    let receiver = receiver(Pattern::Pair).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut peer = Scripted::shake(dial(receiver.endpoint().unwrap()).await, SocketType::Pair, true).await;
    peer.hello(Role::Sender, Pattern::Pair).await;
    within("peer", receiver.peer()).await.unwrap();
    for number in 0..80 {
        let item = Item { number, value: number.into() };
        peer.send(Message::Data(DataMessage { acknowledgement: Acknowledgement::default(), item })).await;
    }
    within("data", async {
        while receiver.stats().data_to_take < 80 {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    drop(peer);
    let error = within("recv", receiver.recv()).await.unwrap_err();
    assert!(matches!(error, RecvError::DataWaiting { items: 80 }), "{error}");
    for number in 0..80 {
        assert_eq!(within("data", receiver.recv_data()).await.unwrap(), Some(Value::from(number)));
    }
    // The next one is let in.
    let next = sender(Pattern::Pair).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    within("send", next.send(numbered(1), None)).await.unwrap();
    assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(1));
}

/// What came and was not taken is the application's all the same.
#[tokio::test]
async fn closing_hands_out_what_was_not_taken() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        within("send", sender.send(numbered(0), Some("there".into()))).await.unwrap();
        within("recv", receiver.recv()).await.unwrap().unwrap();
        receiver.reply("back").unwrap();
        within("flush", sender.flush()).await.unwrap();
        within("send", sender.send(numbered(1), Some("unseen".into()))).await.unwrap();
        within("arrival", async {
            while receiver.stats().frames_received < 2 {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        let closed = within("close", receiver.close()).await.unwrap();
        assert_eq!((closed.untaken, closed.undelivered), (vec![Value::from("unseen")], vec![]));
        let closed = within("close", sender.close()).await.unwrap();
        assert_eq!((closed.untaken, closed.undelivered), (vec![Value::from("back")], vec![]));
    }
}

/// What is taken long after it came is acknowledged too, though nothing crosses that would have anybody look.
#[tokio::test]
async fn data_that_is_taken_late_is_acknowledged_by_itself() {
    let receiver = receiver(Pattern::Pair).heartbeat(None);
    let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let sender = sender(Pattern::Pair).heartbeat(None);
    let sender = sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    within("send", sender.send(numbered(0), None)).await.unwrap();
    let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
    drop(delivery);
    receiver.reply("late").unwrap();
    within("flush", sender.flush()).await.unwrap();
    // Long enough for all to be said that is said of its arrival.
    sleep(Duration::from_millis(500)).await;
    assert_eq!(receiver.stats().data_waiting, 1);
    assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("late".into()));
    // Coming for the next says that the application is done with this one.
    assert_eq!(sender.try_recv_data(), None);
    within("the acknowledgement", async {
        while receiver.stats().data_waiting > 0 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
