//! Whatever comes to an open port, the real peer gets in, and keeps its session.

use std::time::{Duration, Instant};

use netgear_transport::{
    Builder, FrameReceiver, FrameSender, LinkError, SessionFailure, WaitError,
    proto::{
        Dialect, Mode, Multipart, Pattern, Role, Value,
        native::{Hello, Message},
        zmtp::SocketType,
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::{
    common::{PATTERNS, connected, numbered, receiver, sender, within},
    scripted::{Scripted, dial, text},
};

async fn bound(builder: Builder<FrameReceiver>) -> FrameReceiver {
    builder.bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap()
}

/// The real peer comes, at once, and a frame crosses.
async fn is_still_served(receiver: &FrameReceiver, pattern: Pattern) {
    let started = Instant::now();
    let sender = sender(pattern).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    within("send", sender.send(numbered(1), Some("real".into()))).await.unwrap();
    let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
    assert_eq!((delivery.frame, delivery.data), (numbered(1), Some(Value::from("real"))));
    receiver.reply("welcome").unwrap();
    assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(Value::from("welcome")));
    assert!(started.elapsed() < Duration::from_secs(4), "it waited for a stranger's deadline");
}

#[tokio::test]
async fn other_protocols_are_turned_away() {
    let greeting = |version: &[u8], mechanism: &[u8]| {
        let mut bytes = vec![0xFF, 0, 0, 0, 0, 0, 0, 0, 1, 0x7F];
        bytes.extend_from_slice(version);
        bytes.extend_from_slice(mechanism);
        bytes.resize(64, 0);
        bytes
    };
    let garbage: Vec<Vec<u8>> = vec![
        b"GET / HTTP/1.1\r\nHost: camera\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03".to_vec(),
        b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(),
        vec![0; 4096],
        vec![0xFF; 4096],
        (0..65_536_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect(),
        greeting(&[1, 0], b"NULL"),
        greeting(&[3, 1], b"CURVE"),
        // A greeting in order, and then a frame of 8 EiB.
        [greeting(&[3, 1], b"NULL"), b"\x02\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec()].concat(),
        // A READY of 4 GiB.
        [greeting(&[3, 1], b"NULL"), b"\x06\0\0\0\x01\0\0\0\0".to_vec()].concat(),
    ];
    for pattern in PATTERNS {
        let receiver = bound(receiver(pattern)).await;
        for bytes in &garbage {
            let mut stream = dial(receiver.endpoint().unwrap()).await;
            let _ = stream.write_all(bytes).await;
            within("being turned away", async {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            })
            .await;
        }
        is_still_served(&receiver, pattern).await;
    }
}

#[tokio::test]
async fn half_open_connections_do_not_keep_the_real_peer_out() {
    for pattern in PATTERNS {
        let receiver = bound(receiver(pattern)).await;
        let mut held = Vec::new();
        for number in 0..60 {
            let mut stream = dial(receiver.endpoint().unwrap()).await;
            // Some say a part of a greeting, some nothing.
            if number % 2 == 0 {
                let _ = stream.write_all(b"\xFF\0\0").await;
            }
            held.push(stream);
        }
        is_still_served(&receiver, pattern).await;
    }
}

#[tokio::test]
async fn connect_and_close() {
    for pattern in PATTERNS {
        let receiver = bound(receiver(pattern)).await;
        for number in 0..200 {
            let stream = dial(receiver.endpoint().unwrap()).await;
            if number % 2 == 0 {
                // Closed by a reset.
                stream.set_zero_linger().unwrap();
            }
        }
        is_still_served(&receiver, pattern).await;
    }
}

/// They shake hands, and then: nothing, nonsense, a goodbye, a hello and no more. None of them delays the real one.
#[tokio::test]
async fn zeromq_peers_without_a_session_do_not_keep_the_real_one_out() {
    for netgear in [true, false] {
        for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Req)] {
            let receiver = bound(receiver(pattern)).await;
            let mut held = Vec::new();
            for number in 0..8 {
                let stream = dial(receiver.endpoint().unwrap()).await;
                let mut stranger = Scripted::shake(stream, theirs, netgear).await;
                match number % 4 {
                    0 => {}
                    1 => stranger.send_raw(text("hello?")).await,
                    2 => stranger.send(Message::Goodbye(Default::default())).await,
                    _ => {
                        // Version 0 does not exist.
                        let (role, mode) = (Role::Sender, Mode::Bidirectional);
                        stranger
                            .send(Message::Hello(Hello { version: 0, ..Hello::new(role, pattern, mode) }))
                            .await;
                    }
                }
                held.push(stranger);
            }
            is_still_served(&receiver, pattern).await;
        }
    }
}

/// A socket of another type is a mistake of set-up only if it is NetGear's.
#[tokio::test]
async fn a_zeromq_socket_of_another_type_is_a_stranger() {
    let receiver = bound(receiver(Pattern::Pair)).await;
    let stream = dial(receiver.endpoint().unwrap()).await;
    let shaking = tokio::spawn(Scripted::shake(stream, SocketType::Req, false));
    assert!(within("being refused", shaking).await.is_err());
    is_still_served(&receiver, Pattern::Pair).await;
}

/// Whoever connects has chosen the peer, and is told that it is something else.
#[tokio::test]
async fn connecting_to_something_else_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint: netgear_transport::Endpoint =
        format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();

    let to_http = sender(Pattern::Pair).connect(endpoint.clone()).await.unwrap();
    let (mut http, _) = listener.accept().await.unwrap();
    http.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let error = within("peer", to_http.peer()).await.unwrap_err().to_string();
    assert!(error.contains("does not speak ZMTP, but HTTP"), "{error}");

    // A plain ZeroMQ program that answers the hello with something else.
    let to_zeromq = sender(Pattern::ReqRep).dialect(Dialect::Native).connect(endpoint).await.unwrap();
    let mut rep = Scripted::accept(&listener, SocketType::Rep, false).await;
    assert!(matches!(rep.receive().await, Some(Message::Hello(_))));
    rep.send_raw(text("what?")).await;
    let error = within("peer", to_zeromq.peer()).await.unwrap_err();
    assert!(
        matches!(&error, WaitError::Failed(SessionFailure::Link(LinkError::NotNetGear { socket_type })) if socket_type == "REP"),
        "{error}"
    );
    assert!(error.to_string().contains("not NetGear"), "{error}");
}

/// A peer that lets everybody in and closes at once must not be hammered.
#[tokio::test]
async fn a_peer_that_closes_after_the_handshake_is_tried_again_ever_more_slowly() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let sender = sender(Pattern::Pair).connect(endpoint).await.unwrap();
    let mut tries = 0;
    let _ = tokio::time::timeout(Duration::from_secs(2), async {
        loop {
            drop(Scripted::accept(&listener, SocketType::Pair, true).await);
            tries += 1;
        }
    })
    .await;
    assert!((2..20).contains(&tries), "{tries} tries in 2 s");
    // And the real one is still found.
    let mut peer = within("another try", Scripted::accept(&listener, SocketType::Pair, true)).await;
    peer.hello(Role::Receiver, Pattern::Pair).await;
    within("peer", sender.peer()).await.unwrap();
}

#[tokio::test]
async fn a_second_peer_is_refused_without_disturbing_the_first() {
    for pattern in PATTERNS {
        let (first, receiver) = connected(pattern).await;
        let endpoint = receiver.endpoint().unwrap().clone();
        let receiving = tokio::spawn(async move {
            let mut expected = 0;
            while let Some(delivery) = receiver.recv().await.unwrap() {
                assert_eq!((delivery.sequence, &delivery.frame), (expected, &numbered(expected)));
                receiver.reply(expected).unwrap();
                expected += 1;
            }
            expected
        });
        let second = sender(pattern)
            .wait_for_peer(Duration::from_millis(500))
            .connect(endpoint.clone())
            .await
            .unwrap();
        let pestering = tokio::spawn(async move {
            loop {
                let _ = TcpStream::connect(("127.0.0.1", crate::common::port_of(&endpoint))).await;
                sleep(Duration::from_millis(2)).await;
            }
        });
        for number in 0..300 {
            within("send", first.send(numbered(number), None)).await.unwrap();
            assert_eq!(within("data", first.recv_data()).await.unwrap(), Some(Value::from(number)));
        }
        let error = within("the second", second.peer()).await.unwrap_err();
        assert!(matches!(error, WaitError::NoPeer(_)), "{error}");
        pestering.abort();
        within("close", first.close()).await.unwrap();
        assert_eq!(within("receiving", receiving).await.unwrap(), 300);
    }
}

/// A sender that is bound stands on an open port just as well.
#[tokio::test]
async fn a_bound_sender_outlives_strangers_too() {
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Rep)] {
        let sender: FrameSender = sender(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let endpoint = sender.endpoint().unwrap().clone();
        let mut held = Vec::new();
        for netgear in [true, false] {
            let mut stranger = Scripted::shake(dial(&endpoint).await, theirs, netgear).await;
            if pattern == Pattern::ReqRep {
                assert!(matches!(stranger.receive().await, Some(Message::Hello(_))));
                stranger.send_raw(Multipart::from(bytes::Bytes::from_static(b"\xC1nonsense"))).await;
            }
            held.push(stranger);
            held.push(Scripted::shake(dial(&endpoint).await, theirs, netgear).await);
        }
        let receiver = receiver(pattern).connect(endpoint).await.unwrap();
        let started = Instant::now();
        within("send", sender.send(numbered(5), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(5));
        assert!(started.elapsed() < Duration::from_secs(4));
        assert_eq!(receiver.peer().await.unwrap().dialect, Dialect::Native);
    }
}
