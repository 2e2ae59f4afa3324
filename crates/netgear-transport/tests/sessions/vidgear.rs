//! Sessions in the dialect of the Python original, with our own other end, and with a peer played by hand.

use std::time::{Duration, Instant};

use netgear_transport::{
    Builder, FrameReceiver, FrameSender, LinkError, RecvError, SendError, SessionFailure, WaitError,
    proto::{
        DType, Dialect, Limits, Mode, NdArray, Pattern, Value,
        session::{Mismatch, SessionError},
        vidgear::{FrameMessage, Message},
        zmtp::SocketType,
    },
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::{
    common::{MODES, PATTERNS, connected_with, large, numbered, receiver, sender, within},
    scripted::{Scripted, dial, text},
};

const LIMITS: Limits = Limits::DEFAULT;

/// Which of the two was told what to speak; the other finds it out.
const FORCED: [[Option<Dialect>; 2]; 3] = [
    [Some(Dialect::VidGear), None],
    [None, Some(Dialect::VidGear)],
    [Some(Dialect::VidGear), Some(Dialect::VidGear)],
];

async fn speaking_vidgear(
    pattern: Pattern,
    mode: Mode,
    [sending, receiving]: [Option<Dialect>; 2],
) -> (FrameSender, FrameReceiver) {
    let receiver = receiver(pattern).mode(mode).dialect(receiving);
    let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let sender = sender(pattern).mode(mode).dialect(sending);
    let sender = sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    assert_eq!(within("the sender's peer", sender.peer()).await.unwrap().dialect, Dialect::VidGear);
    (sender, receiver)
}

#[tokio::test]
async fn frames_and_data_cross_and_the_sender_closes() {
    for pattern in PATTERNS {
        for mode in MODES {
            for forced in FORCED {
                let (sender, receiver) = speaking_vidgear(pattern, mode, forced).await;
                let is_bidirectional = mode == Mode::Bidirectional;
                let receiving = tokio::spawn(async move {
                    let mut expected = 0;
                    while let Some(delivery) = receiver.recv().await.unwrap() {
                        assert_eq!(delivery.frame, numbered(expected));
                        assert_eq!(delivery.data, is_bidirectional.then(|| Value::from(expected + 1)));
                        assert_eq!((delivery.sequence, delivery.captured_at), (expected, None));
                        if is_bidirectional {
                            receiver.reply(numbered(expected + 100)).unwrap();
                        }
                        expected += 1;
                    }
                    assert_eq!(receiver.peer().await.unwrap_err().to_string(), WaitError::Over.to_string());
                    receiver.close().await.unwrap();
                    expected
                });
                for number in 0..50 {
                    let data = is_bidirectional.then(|| Value::from(number + 1));
                    within("send", sender.send(numbered(number), data)).await.unwrap();
                    let returned = within("data", sender.recv_data()).await.unwrap();
                    assert_eq!(returned, is_bidirectional.then(|| Value::from(numbered(number + 100))));
                }
                within("close", sender.close()).await.unwrap();
                assert_eq!(within("receiving", receiving).await.unwrap(), 50);
            }
        }
    }
}

#[tokio::test]
async fn arrays_and_large_frames_cross() {
    for pattern in PATTERNS {
        let (sender, receiver) = speaking_vidgear(pattern, Mode::Bidirectional, FORCED[0]).await;
        let cube = NdArray::new(vec![3; 2 * 3 * 4 * 5 * 8], &[2, 3, 4, 5], DType::I64).unwrap();
        let returned = Value::from(cube);
        let expected = returned.clone();
        let receiving = tokio::spawn(async move {
            let delivery = receiver.recv().await.unwrap().unwrap();
            receiver.reply(returned).unwrap();
            assert_eq!(receiver.recv().await.unwrap(), None);
            delivery.frame
        });
        let frame = large(20 << 20);
        within("send", sender.send(frame.clone(), None)).await.unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(expected));
        within("close", sender.close()).await.unwrap();
        assert!(within("receiving", receiving).await.unwrap() == frame);
    }
}

/// A client has no word for its leaving, so that its server can only find it gone.
#[tokio::test]
async fn a_receiver_that_leaves_is_lost_to_the_sender() {
    for pattern in PATTERNS {
        let (sender, receiver) = speaking_vidgear(pattern, Mode::Bidirectional, FORCED[2]).await;
        within("send", sender.send(numbered(0), None)).await.unwrap();
        within("recv", receiver.recv()).await.unwrap().unwrap();
        within("close", receiver.close()).await.unwrap();
        within("the answer", sender.flush()).await.unwrap();
        let error = loop {
            if let Err(error) = within("send", sender.send(numbered(1), None)).await {
                break error;
            }
        };
        assert!(matches!(error, SendError::Failed(SessionFailure::PeerLost)), "{error}");
    }
}

#[tokio::test]
async fn one_end_bidirectional_and_the_other_not() {
    for pattern in PATTERNS {
        for mode in MODES {
            let theirs = mode.opposite();
            let (sender, receiver) = connected_ends(
                sender(pattern).mode(mode).dialect(Dialect::VidGear),
                receiver(pattern).mode(theirs),
            )
            .await;
            within("send", sender.send(numbered(0), None)).await.unwrap();
            let error = within("recv", receiver.recv()).await.unwrap_err();
            let RecvError::Failed(SessionFailure::Session(SessionError::Mismatch(mismatch))) = error else {
                panic!("{error}")
            };
            assert!(matches!(mismatch, Mismatch::Mode { ours, .. } if ours == theirs), "{mismatch}");
            let error = within("flush", sender.flush()).await.unwrap_err();
            let SendError::Failed(SessionFailure::Session(SessionError::FirstFrameUnanswered { ours })) =
                error
            else {
                panic!("{error}")
            };
            assert_eq!(ours, mode);
        }
    }
}

async fn connected_ends(
    sender: Builder<FrameSender>,
    receiver: Builder<FrameReceiver>,
) -> (FrameSender, FrameReceiver) {
    let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    (sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap(), receiver)
}

/// VidGear's client keeps its socket after such an error, if its program goes on.
#[tokio::test]
async fn a_client_that_stays_and_never_answers_is_reported_with_the_likely_cause() {
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Rep)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        let timeout = Duration::from_millis(200);
        let sender = sender(pattern).timeout(timeout).connect(endpoint).await.unwrap();
        let mut client = Scripted::accept(&listener, theirs, false).await;
        within("send", sender.send(numbered(0), None)).await.unwrap();
        let error = within("flush", sender.flush()).await.unwrap_err();
        assert!(
            matches!(error, SendError::FirstFrameUnanswered { ours: Mode::Bidirectional, waited } if waited == timeout),
            "{error}"
        );
        assert!(error.to_string().contains("bidirectional_mode=True"), "{error}");
        // The session goes on, and its end is said even to a REP that owes an answer.
        let frame = within("frame", client.receive_raw()).await.unwrap();
        assert!(matches!(Message::decode(frame, &LIMITS), Ok(Message::Frame(_))));
        let started = Instant::now();
        let closing = tokio::spawn(sender.close());
        let terminate = within("terminate", client.receive_raw()).await.unwrap();
        assert_eq!(Message::decode(terminate, &LIMITS), Ok(Message::Terminate));
        drop(client);
        within("close", closing).await.unwrap().unwrap();
        assert!(started.elapsed() < Duration::from_secs(4));
    }
}

/// Any ZeroMQ program may connect to an open port, and says nothing; a server is known by its first frame.
#[tokio::test]
async fn plain_zeromq_peers_do_not_keep_a_server_out() {
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Req)] {
        let receiver = receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = receiver.endpoint().unwrap().clone();
        let mut held = Vec::new();
        for number in 0..8 {
            let mut stranger = Scripted::shake(dial(&endpoint).await, theirs, false).await;
            if number % 2 == 0 {
                stranger.send_raw(text("Data received")).await;
            }
            held.push(stranger);
        }
        let mut server = Scripted::shake(dial(&endpoint).await, theirs, false).await;
        let frame = FrameMessage { mode: Mode::Bidirectional, frame: numbered(4), data: None };
        server.send_raw(Message::Frame(frame).encode(&LIMITS).unwrap()).await;
        let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
        assert_eq!(delivery.frame, numbered(4));
        receiver.reply("seen").unwrap();
        let answer = within("answer", server.receive_raw()).await.unwrap();
        assert_eq!(Message::decode(answer, &LIMITS), Ok(Message::Return(Some("seen".into()))));
    }
}

/// No VidGear client connects, so that a sender that binds takes nobody for one unless it is told to.
#[tokio::test]
async fn a_sender_that_binds_gives_its_frames_to_no_plain_zeromq_peer() {
    for forced in [None, Some(Dialect::VidGear)] {
        let wait = Duration::from_millis(300);
        let sender = sender(Pattern::Pair).dialect(forced).wait_for_peer(wait);
        let sender = sender.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let _plain = Scripted::shake(dial(sender.endpoint().unwrap()).await, SocketType::Pair, false).await;
        let peer = within("peer", sender.peer()).await;
        match forced {
            None => assert!(matches!(peer, Err(WaitError::NoPeer(_))), "{peer:?}"),
            Some(dialect) => assert_eq!(peer.unwrap().dialect, dialect),
        }
    }
}

#[tokio::test]
async fn two_netgear_ends_that_are_told_nothing_speak_the_native_dialect() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected_with(sender(pattern), receiver(pattern)).await;
        assert_eq!(sender.peer().await.unwrap().dialect, Dialect::Native);
        assert_eq!(receiver.peer().await.unwrap().dialect, Dialect::Native);
    }
}

/// The cause is what broke first, and not what a VidGear client would mean by going.
#[tokio::test]
async fn a_first_answer_that_breaks_a_limit_is_reported_as_that() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let limits = Limits::DEFAULT.with_data_bytes(1024).with_frame_bytes(1024);
    let sender = sender(Pattern::Pair).limits(limits).connect(endpoint).await.unwrap();
    let mut client = Scripted::accept(&listener, SocketType::Pair, false).await;
    within("send", sender.send(numbered(0), None)).await.unwrap();
    client.send_raw(vec![bytes::Bytes::from(vec![0; 2048])].into()).await;
    let error = within("flush", sender.flush()).await.unwrap_err();
    assert!(matches!(error, SendError::Failed(SessionFailure::Link(LinkError::Zmtp(_)))), "{error}");
}

/// A server may be silent for long before its first frame; what has begun must end.
#[tokio::test]
async fn a_stranger_that_begins_a_message_and_stops_is_let_go() {
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Req)] {
        let brief = Duration::from_millis(300);
        let receiver = receiver(pattern).handshake_timeout(brief);
        let receiver = receiver.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = receiver.endpoint().unwrap().clone();
        let mut silent = Scripted::shake(dial(&endpoint).await, theirs, false).await;
        let mut stranger = Scripted::shake(dial(&endpoint).await, theirs, false).await;
        // The header of a part of 1 MiB, and a little of it.
        stranger.stream.write_all(b"\x02\0\0\0\0\0\x10\0\0 and no more").await.unwrap();
        within("being let go", async { while stranger.receive_raw().await.is_some() {} }).await;
        let frame = FrameMessage { mode: Mode::Bidirectional, frame: numbered(4), data: None };
        silent.send_raw(Message::Frame(frame).encode(&LIMITS).unwrap()).await;
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(4));
    }
}
