//! Sessions over sockets of the `zeromq` crate, at both ends or at one.

use std::time::{Duration, Instant};

use netgear_transport::{
    FrameReceiver, FrameSender, RecvError, SendError, SessionFailure, WaitError, ZeromqLink,
    proto::{
        Dialect, Mode, Pattern,
        session::{Mismatch, SessionError},
    },
};
use tokio::time::sleep;
use zeromq::{RepSocket, ReqSocket, Socket};

use crate::common::{Transport, frame_of, numbered, receiver, same, sender, value_of, within};

const PATTERN: Pattern = Pattern::ReqRep;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Via {
    /// This crate's own link.
    Ours,
    /// A socket of the `zeromq` crate.
    Zeromq,
}

async fn a_sender(via: Via, binds: bool, mode: Mode, endpoint: &str) -> FrameSender {
    // A socket of the `zeromq` crate cannot announce what it speaks.
    let builder = sender(PATTERN).mode(mode).dialect(Dialect::Native);
    match (via, binds) {
        (Via::Ours, true) => builder.bind(endpoint.parse().unwrap()).await.unwrap(),
        (Via::Ours, false) => builder.connect(endpoint.parse().unwrap()).await.unwrap(),
        (Via::Zeromq, _) => {
            let mut socket = ReqSocket::new();
            if binds {
                socket.bind(endpoint).await.unwrap();
            } else {
                socket.connect(endpoint).await.unwrap();
            }
            builder.over(ZeromqLink::req(socket))
        }
    }
}

async fn a_receiver(via: Via, binds: bool, mode: Mode, endpoint: &str) -> FrameReceiver {
    let builder = receiver(PATTERN).mode(mode);
    match (via, binds) {
        (Via::Ours, true) => builder.bind(endpoint.parse().unwrap()).await.unwrap(),
        (Via::Ours, false) => builder.connect(endpoint.parse().unwrap()).await.unwrap(),
        (Via::Zeromq, _) => {
            let mut socket = RepSocket::new();
            if binds {
                socket.bind(endpoint).await.unwrap();
            } else {
                socket.connect(endpoint).await.unwrap();
            }
            builder.over(ZeromqLink::rep(socket))
        }
    }
}

/// Whichever binds is there first: the sockets of the `zeromq` crate do not wait for a listener.
async fn both(
    [sending, receiving]: [Via; 2],
    sender_binds: bool,
    [sender_mode, receiver_mode]: [Mode; 2],
) -> (FrameSender, FrameReceiver) {
    let endpoint = Transport::Tcp.endpoint().to_string();
    if sender_binds {
        let sender = a_sender(sending, true, sender_mode, &endpoint).await;
        (sender, a_receiver(receiving, false, receiver_mode, &endpoint).await)
    } else {
        let receiver = a_receiver(receiving, true, receiver_mode, &endpoint).await;
        (a_sender(sending, false, sender_mode, &endpoint).await, receiver)
    }
}

const WAYS: [[Via; 2]; 3] = [[Via::Zeromq, Via::Zeromq], [Via::Zeromq, Via::Ours], [Via::Ours, Via::Zeromq]];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_and_data_cross_and_either_end_closes() {
    const FRAMES: usize = 30;
    for vias in WAYS {
        for sender_binds in [false, true] {
            for sender_closes in [true, false] {
                let what = format!("{vias:?}, sender binds: {sender_binds}, sender closes: {sender_closes}");
                let (sender, receiver) = both(vias, sender_binds, [Mode::Bidirectional; 2]).await;
                let receiving = tokio::spawn(within(&what, async move {
                    for number in 0..FRAMES {
                        let delivery = receiver.recv().await.unwrap().unwrap();
                        assert_eq!(delivery.frame, frame_of(number));
                        assert!(same(&delivery.data.unwrap(), &value_of(number)));
                        receiver.reply(value_of(number + 8)).unwrap();
                    }
                    if sender_closes {
                        assert_eq!(receiver.recv().await.unwrap(), None);
                    }
                    receiver.close().await.unwrap();
                }));
                let sending = within(&what, async {
                    for number in 0..FRAMES {
                        sender.send(frame_of(number), Some(value_of(number))).await.unwrap();
                        let returned = sender.recv_data().await.unwrap().unwrap();
                        assert!(same(&returned, &value_of(number + 8)));
                    }
                    if !sender_closes {
                        let refused = loop {
                            if let Err(error) = sender.send(numbered(0), None).await {
                                break error;
                            }
                        };
                        assert!(matches!(refused, SendError::PeerLeft), "{refused}");
                    }
                    sender.close().await.unwrap();
                });
                sending.await;
                if let Err(error) = receiving.await {
                    panic!("{what}: {error}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_mode_mismatch_is_found_at_both_ends() {
    for vias in WAYS {
        for sender_binds in [false, true] {
            let started = Instant::now();
            let modes = [Mode::Unidirectional, Mode::Bidirectional];
            let (sender, receiver) = both(vias, sender_binds, modes).await;
            let (sent, received) = within(&format!("{vias:?} {sender_binds}"), async {
                tokio::join!(sender.peer(), receiver.recv())
            })
            .await;
            let WaitError::Failed(SessionFailure::Session(SessionError::Mismatch(theirs))) =
                sent.unwrap_err()
            else {
                panic!("{vias:?}: not told")
            };
            let RecvError::Failed(SessionFailure::Session(SessionError::Mismatch(ours))) =
                received.unwrap_err()
            else {
                panic!("{vias:?}: not told")
            };
            assert!(matches!(theirs, Mismatch::Mode { ours: Mode::Unidirectional, .. }), "{theirs}");
            assert!(matches!(ours, Mismatch::Mode { ours: Mode::Bidirectional, .. }), "{ours}");
            assert!(started.elapsed() < Duration::from_secs(4));
        }
    }
}

/// The one that chose its peer is told; a listener goes on, since any ZeroMQ socket may stray to its port.
#[tokio::test]
async fn a_pair_that_connects_to_a_rep_of_the_zeromq_crate() {
    let endpoint = Transport::Tcp.endpoint().to_string();
    let _receiver = a_receiver(Via::Zeromq, true, Mode::Bidirectional, &endpoint).await;
    let sender = sender(Pattern::Pair).connect(endpoint.parse().unwrap()).await.unwrap();
    let error = within("peer", sender.peer()).await.unwrap_err();
    assert!(error.to_string().contains("make the receiver use PAIR, or this sender REQ/REP"), "{error}");
}

/// Whoever is first waits for the other, longer than a peer that is there may take for its hello.
#[tokio::test]
async fn either_end_may_be_started_first() {
    let endpoint = Transport::Tcp.endpoint().to_string();
    for sender_first in [true, false] {
        let brief = Duration::from_millis(100);
        let (sender, receiver) = if sender_first {
            let mut socket = ReqSocket::new();
            socket.bind(&endpoint).await.unwrap();
            let sender = sender(PATTERN).handshake_timeout(brief).over(ZeromqLink::req(socket));
            sleep(5 * brief).await;
            (sender, a_receiver(Via::Zeromq, false, Mode::Bidirectional, &endpoint).await)
        } else {
            let mut socket = RepSocket::new();
            let endpoint = Transport::Tcp.endpoint().to_string();
            socket.bind(&endpoint).await.unwrap();
            let receiver = receiver(PATTERN).handshake_timeout(brief).over(ZeromqLink::rep(socket));
            sleep(5 * brief).await;
            (a_sender(Via::Zeromq, false, Mode::Bidirectional, &endpoint).await, receiver)
        };
        within("send", sender.send(numbered(3), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(3));
    }
}

/// A request that nobody is there to take does not keep the application.
#[tokio::test]
async fn closing_without_a_peer() {
    let mut socket = ReqSocket::new();
    socket.bind("tcp://127.0.0.1:0").await.unwrap();
    let sender = sender(PATTERN).wait_for_peer(Duration::from_millis(100)).over(ZeromqLink::req(socket));
    let error = within("send", sender.send(numbered(0), None)).await.unwrap_err();
    assert!(matches!(error, SendError::NoPeer(_)), "{error}");
    let started = Instant::now();
    within("close", sender.close()).await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(5));
}
