//! Every wait has an end.

use std::time::{Duration, Instant};

use netgear_transport::{
    LinkError, RecvError, SendError, SessionFailure, WaitError,
    proto::{
        Dialect, Pattern, Role, Value,
        native::Message,
        session::SessionError,
        zmtp::{Heartbeat, SocketType, ZmtpError},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    time::sleep,
};

use crate::{
    common::{PATTERNS, TRANSPORTS, connected, connected_with, large, numbered, receiver, sender, within},
    scripted::{Scripted, dial},
};

const SHORT: Duration = Duration::from_millis(300);
/// How much later than due an error may come on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

#[track_caller]
fn in_time(started: Instant, due: Duration) {
    let elapsed = started.elapsed();
    assert!(elapsed >= due, "{elapsed:?} is before the deadline of {due:?}");
    assert!(elapsed < due + SLACK, "{elapsed:?} is long after the deadline of {due:?}");
}

const BRISK: Option<Heartbeat> =
    Some(Heartbeat { interval: Duration::from_millis(100), timeout: Duration::from_millis(600) });

#[tokio::test]
async fn a_peer_that_never_appears() {
    for transport in TRANSPORTS {
        let endpoint = transport.endpoint();
        let started = Instant::now();
        let lonely = sender(Pattern::Pair).wait_for_peer(SHORT).connect(endpoint.clone()).await.unwrap();
        let error = within("send", lonely.send(numbered(0), None)).await.unwrap_err();
        assert!(matches!(error, SendError::NoPeer(SHORT)), "{error}");
        in_time(started, SHORT);
        let error = within("peer", lonely.peer()).await.unwrap_err();
        assert!(matches!(error, WaitError::NoPeer(SHORT)), "{error}");
        within("close", lonely.close()).await.unwrap();

        let started = Instant::now();
        let lonely = receiver(Pattern::ReqRep).wait_for_peer(SHORT).bind(endpoint).await.unwrap();
        let error = within("recv", lonely.recv()).await.unwrap_err();
        assert!(matches!(error, RecvError::NoPeer(SHORT)), "{error}");
        assert!(error.to_string().contains("start the other end"), "{error}");
        in_time(started, SHORT);
        within("close", lonely.close()).await.unwrap();
    }
}

/// The wait is for a peer, not for one call: it may still come after one call has given up.
#[tokio::test]
async fn a_peer_that_appears_late() {
    let receiver = receiver(Pattern::Pair)
        .wait_for_peer(SHORT)
        .bind("tcp://127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    assert!(matches!(receiver.recv().await, Err(RecvError::NoPeer(_))));
    let sender = sender(Pattern::Pair).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    within("send", sender.send(numbered(7), None)).await.unwrap();
    within("recv", async {
        loop {
            match receiver.recv().await {
                Ok(delivery) => break assert_eq!(delivery.unwrap().frame, numbered(7)),
                Err(RecvError::NoPeer(_)) => sleep(SHORT / 10).await,
                Err(error) => panic!("{error}"),
            }
        }
    })
    .await;
}

/// Whoever connects has a peer that shakes no hands: it keeps trying, for as long as it was told to.
#[tokio::test]
async fn a_listener_that_says_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
    let sender = sender(Pattern::Pair)
        .handshake_timeout(SHORT)
        .wait_for_peer(4 * SHORT)
        .connect(endpoint)
        .await
        .unwrap();
    let started = Instant::now();
    let error = within("send", sender.send(numbered(0), None)).await.unwrap_err();
    assert!(matches!(error, SendError::NoPeer(_)), "{error}");
    in_time(started, 4 * SHORT - SHORT / 2);
    let (mut tries, mut held) = (0, Vec::new());
    while let Ok(Ok((stream, _))) = tokio::time::timeout(Duration::from_millis(20), listener.accept()).await {
        tries += 1;
        held.push(stream);
    }
    assert!(tries >= 1, "it did not even connect");
}

/// NetGear by its READY, and then no hello: that is an error to whoever chose the peer.
#[tokio::test]
async fn a_listener_that_never_says_hello() {
    for (pattern, theirs) in [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Rep)] {
        for netgear in [true, false] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
            let sender = sender(pattern).dialect(Dialect::Native).handshake_timeout(SHORT);
            let sender = sender.connect(endpoint).await.unwrap();
            let silent = Scripted::accept(&listener, theirs, netgear).await;
            let started = Instant::now();
            let error = within("peer", sender.peer()).await.unwrap_err();
            assert!(started.elapsed() < SHORT + SLACK);
            match error {
                WaitError::Failed(SessionFailure::Session(SessionError::GreetingTimeout)) => assert!(netgear),
                WaitError::Failed(SessionFailure::Link(LinkError::NotNetGear { socket_type })) => {
                    assert!(!netgear);
                    assert_eq!(socket_type, theirs.name());
                }
                error => panic!("{error}"),
            }
            drop(silent);
        }
    }
}

/// Each on a port of its own: a peer that stays silent before ZMTP, and one before its hello, are let go in time.
#[tokio::test]
async fn a_stranger_that_says_nothing_is_let_go() {
    for shakes in [false, true] {
        let receiver = receiver(Pattern::Pair)
            .handshake_timeout(SHORT)
            .bind("tcp://127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let mut stream = dial(receiver.endpoint().unwrap()).await;
        let started = Instant::now();
        within("being let go", async {
            if shakes {
                let mut silent = Scripted::shake(stream, SocketType::Pair, true).await;
                assert_eq!(silent.receive().await, None);
            } else {
                let mut rest = Vec::new();
                let _ = stream.read_to_end(&mut rest).await;
            }
        })
        .await;
        in_time(started, SHORT / 2);
        within("close", receiver.close()).await.unwrap();
    }
}

#[tokio::test]
async fn a_peer_that_goes_silent_in_session() {
    let receiver = receiver(Pattern::Pair)
        .reconnect(false)
        .heartbeat(BRISK)
        .bind("tcp://127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let mut peer = Scripted::shake(dial(receiver.endpoint().unwrap()).await, SocketType::Pair, true).await;
    peer.hello(Role::Sender, Pattern::Pair).await;
    within("peer", receiver.peer()).await.unwrap();
    let started = Instant::now();
    let error = within("recv", receiver.recv()).await.unwrap_err();
    assert!(
        matches!(
            error,
            RecvError::Failed(SessionFailure::Link(LinkError::Zmtp(ZmtpError::PeerSilent { .. })))
        ),
        "{error}"
    );
    assert!(started.elapsed() < Duration::from_millis(600) + SLACK);
    // The peer that is there no more reads nothing, and closing does not wait for it either.
    assert!(within("close", receiver.close()).await.is_err());
}

/// The peer stops reading in the middle of a frame, and its system's buffers are full.
#[tokio::test]
async fn a_peer_that_stops_reading() {
    for closes in [false, true] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap();
        // Without a heartbeat nobody finds out; only closing must still come to its end.
        let heartbeat = if closes { None } else { BRISK };
        let sender = sender(Pattern::Pair)
            .reconnect(false)
            .linger(SHORT)
            .heartbeat(heartbeat)
            .connect(endpoint)
            .await
            .unwrap();
        let mut peer = Scripted::accept(&listener, SocketType::Pair, true).await;
        peer.hello(Role::Receiver, Pattern::Pair).await;
        assert!(matches!(peer.receive().await, Some(Message::Hello(_))));
        within("send", sender.send(large(64 << 20), None)).await.unwrap();
        let started = Instant::now();
        if closes {
            within("close", sender.close()).await.unwrap();
            in_time(started, SHORT);
        } else {
            let error = within("flush", sender.flush()).await.unwrap_err();
            assert!(
                matches!(
                    error,
                    SendError::Failed(SessionFailure::Link(LinkError::Zmtp(ZmtpError::PeerSilent { .. })))
                ),
                "{error}"
            );
            assert!(started.elapsed() < Duration::from_millis(600) + SLACK);
        }
        drop(peer);
    }
}

/// A large frame takes far longer than the heartbeat allows for a silence, and nobody takes the other for dead.
#[tokio::test]
async fn a_large_frame_over_a_slow_network() {
    const BYTES: u32 = 24 << 20;
    for pattern in PATTERNS {
        let receiver =
            receiver(pattern).heartbeat(BRISK).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let network = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("tcp://{}", network.local_addr().unwrap()).parse().unwrap();
        let sender = sender(pattern).heartbeat(BRISK).connect(endpoint).await.unwrap();
        let carried = tokio::spawn(async move {
            let (near, _) = network.accept().await.unwrap();
            let far = dial(receiver.endpoint().unwrap()).await;
            let (mut from_sender, mut to_sender) = near.into_split();
            let (mut from_receiver, mut to_receiver) = far.into_split();
            let back = tokio::spawn(async move {
                let _ = tokio::io::copy(&mut from_receiver, &mut to_sender).await;
            });
            let forth = tokio::spawn(async move {
                let mut some = vec![0; 256 << 10];
                while let Ok(read @ 1..) = from_sender.read(&mut some).await {
                    to_receiver.write_all(&some[..read]).await.unwrap();
                    sleep(Duration::from_millis(20)).await;
                }
            });
            let delivery = receiver.recv().await.unwrap().unwrap();
            assert_eq!(delivery.frame.pixels().len(), BYTES as usize);
            receiver.reply("at last").unwrap();
            assert_eq!(receiver.recv().await.unwrap(), None);
            back.abort();
            forth.abort();
        });
        let started = Instant::now();
        within("send", sender.send(large(BYTES), None)).await.unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(Value::from("at last")));
        assert!(started.elapsed() > 2 * Duration::from_millis(600), "too fast to show anything");
        within("close", sender.close()).await.unwrap();
        within("carrying", carried).await.unwrap();
    }
}

#[tokio::test]
async fn a_receiver_that_never_takes_a_frame() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected_with(sender(pattern).timeout(SHORT), receiver(pattern)).await;
        let mut sent = 0;
        while within("sending", sender.send(numbered(sent), None)).await.is_ok() {
            sent += 1;
        }
        for attempt in 0..2 {
            let started = Instant::now();
            let error = within("one more", sender.send(numbered(sent), None)).await.unwrap_err();
            assert!(matches!(error, SendError::Timeout(SHORT)), "{attempt}: {error}");
            in_time(started, SHORT);
            let error = within("data", sender.recv_data()).await.unwrap_err();
            assert!(matches!(error, SendError::Timeout(SHORT)), "{attempt}: {error}");
        }
        // The session is alive: the frame is still there, and further ones follow.
        for number in 0..sent + 3 {
            if number >= sent {
                within("send", sender.send(numbered(number), None)).await.unwrap();
            }
            let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
            assert_eq!((delivery.sequence, delivery.frame), (number, numbered(number)));
            receiver.reply(number).unwrap();
            assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(Value::from(number)));
        }
    }
}

#[tokio::test]
async fn a_sender_that_sends_nothing_for_a_while() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected_with(sender(pattern), receiver(pattern).timeout(SHORT)).await;
        for number in 0..3 {
            let started = Instant::now();
            let error = within("recv", receiver.recv()).await.unwrap_err();
            assert!(matches!(error, RecvError::Timeout(SHORT)), "{error}");
            in_time(started, SHORT);
            within("send", sender.send(numbered(number), None)).await.unwrap();
            let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
            assert_eq!(delivery.frame, numbered(number));
            receiver.reply(()).unwrap();
        }
    }
}

/// Longer than the heartbeat allows without a word from either application.
#[tokio::test]
async fn an_idle_session_stays_alive() {
    for pattern in PATTERNS {
        let (sender, receiver) =
            connected_with(sender(pattern).heartbeat(BRISK), receiver(pattern).heartbeat(BRISK)).await;
        sleep(Duration::from_millis(1500)).await;
        within("send", sender.send(numbered(0), None)).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        // The receiver holds the frame for as long again: on REQ/REP neither may speak meanwhile.
        sleep(Duration::from_millis(1500)).await;
        receiver.reply("late").unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some(Value::from("late")));
    }
}

#[tokio::test]
async fn both_ends_close_at_once() {
    for pattern in PATTERNS {
        for _ in 0..20 {
            let (sender, receiver) = connected(pattern).await;
            let started = Instant::now();
            let (a, b) = within("close", async { tokio::join!(sender.close(), receiver.close()) }).await;
            a.unwrap();
            b.unwrap();
            assert!(started.elapsed() < SLACK);
        }
    }
}
