//! A peer that stops, slows down, lies or vanishes in each state of a session: every call comes back, and closing
//! does.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use netgear_transport::{
    RecvError, SendError,
    proto::{Pattern, Role, native::Message, zmtp::SocketType},
};
use tokio::{io::AsyncWriteExt, net::TcpListener, sync::Semaphore, task::JoinSet, time::sleep};

use crate::{
    common::{PATTERNS, large, numbered, receiver, sender, within},
    scripted::{Scripted, dial, text},
};

const SHORT: Duration = Duration::from_millis(200);
/// How much later than due a call may come back. It is shorter than the deadlines that hold where none is set.
const SLACK: Duration = Duration::from_secs(3);

/// Cases that run beside one another.
const AT_ONCE: usize = 40;

/// The latest, in microseconds, that a bare sleep came back beside the cases.
static LAG: AtomicU64 = AtomicU64::new(0);

/// Sleeps again and again, for as long as the runtime lasts, to know how late a machine that is busy lets anything
/// come back.
fn measure_lag() {
    tokio::spawn(async {
        loop {
            let due = Instant::now() + SHORT / 10;
            sleep(SHORT / 10).await;
            LAG.fetch_max(due.elapsed().as_micros() as u64, Ordering::Relaxed);
        }
    });
}

/// A call takes several turns of the handle, the driver and the peer, and each may come as late as a sleep does.
fn slack() -> Duration {
    SLACK + 10 * Duration::from_micros(LAG.load(Ordering::Relaxed))
}

/// How far the peer goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Connected,
    Greeting,
    Handshake,
    Hello,
    AmidMessage,
}

/// And what it does then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Stops,
    Trickles,
    Lies,
    Vanishes,
}

const STATES: [Until; 5] =
    [Until::Connected, Until::Greeting, Until::Handshake, Until::Hello, Until::AmidMessage];
const DEEDS: [Then; 4] = [Then::Stops, Then::Trickles, Then::Lies, Then::Vanishes];

/// The peer; it never comes back unless it vanishes.
async fn misbehave(
    mut stream: tokio::net::TcpStream,
    theirs: SocketType,
    role: Role,
    until: Until,
    then: Then,
) {
    let pattern = if theirs == SocketType::Pair { Pattern::Pair } else { Pattern::ReqRep };
    let mut stream = match until {
        Until::Connected => stream,
        Until::Greeting => {
            let _ = stream.write_all(b"\xFF\0\0\0\0\0\0\0\x01\x7F\x03").await;
            stream
        }
        _ => {
            let mut peer = Scripted::shake(stream, theirs, true).await;
            if until != Until::Handshake {
                // A REP answers; all others may speak first.
                if theirs == SocketType::Rep {
                    assert!(matches!(peer.receive().await, Some(Message::Hello(_))));
                }
                peer.hello(role, pattern).await;
            }
            if until == Until::AmidMessage {
                let _ = peer.stream.write_all(b"\x02\0\0\0\0\0\x10\0\0 and no more").await;
            }
            match then {
                Then::Lies => {
                    let _ = peer.send_or_lose(text("\u{1}what?")).await;
                }
                Then::Vanishes => return,
                _ => {}
            }
            peer.stream
        }
    };
    if then == Then::Lies && matches!(until, Until::Connected | Until::Greeting) {
        let _ = stream.write_all(&[0xAA; 200]).await;
    }
    match then {
        Then::Vanishes => {}
        Then::Stops | Then::Lies => std::future::pending().await,
        Then::Trickles => loop {
            sleep(Duration::from_millis(30)).await;
            if stream.write_all(b"\0").await.is_err() {
                return;
            }
        },
    }
}

struct Call {
    what: String,
    started: Instant,
}

impl Call {
    fn new(what: &str, state: &impl fmt::Display) -> Self {
        Self { what: format!("{what}, {state}"), started: Instant::now() }
    }

    /// It came back; the peer may have been waited for, and then its answer.
    fn came_back(self, due: Duration) {
        let elapsed = self.started.elapsed();
        assert!(elapsed < due + slack(), "{}: {elapsed:?}, where {:?} is the most", self.what, due + slack());
    }
}

async fn our_receiver(pattern: Pattern, until: Until, then: Then) {
    let state = format!("{pattern}: a sender that goes as far as {until:?} and then {then:?}");
    let receiver = receiver(pattern)
        .heartbeat(None)
        .handshake_timeout(SHORT)
        .wait_for_peer(SHORT)
        .timeout(SHORT)
        .linger(SHORT)
        .bind("tcp://127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let stream = dial(receiver.endpoint().unwrap()).await;
    let theirs = if pattern == Pattern::Pair { SocketType::Pair } else { SocketType::Req };
    let peer = tokio::spawn(misbehave(stream, theirs, Role::Sender, until, then));
    sleep(SHORT / 4).await;
    let call = Call::new("peer", &state);
    let _ = within(&call.what.clone(), receiver.peer()).await;
    call.came_back(2 * SHORT);
    for _ in 0..2 {
        let call = Call::new("recv", &state);
        assert!(!matches!(within(&call.what.clone(), receiver.recv()).await, Ok(Some(_))));
        call.came_back(2 * SHORT);
        let call = Call::new("recv_data", &state);
        assert!(!matches!(within(&call.what.clone(), receiver.recv_data()).await, Ok(Some(_))));
        call.came_back(2 * SHORT);
    }
    let call = Call::new("close", &state);
    let _ = within(&call.what.clone(), receiver.close()).await;
    call.came_back(SHORT + Duration::from_secs(1));
    peer.abort();
}

async fn our_sender(pattern: Pattern, until: Until, then: Then, bytes: u32) {
    let state =
        format!("{pattern}: a receiver that goes as far as {until:?} and then {then:?}, {bytes} bytes");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sender = sender(pattern)
        .heartbeat(None)
        .handshake_timeout(SHORT)
        .wait_for_peer(SHORT)
        .timeout(SHORT)
        .linger(SHORT)
        .connect(format!("tcp://{}", listener.local_addr().unwrap()).parse().unwrap())
        .await
        .unwrap();
    let theirs = if pattern == Pattern::Pair { SocketType::Pair } else { SocketType::Rep };
    let peers = tokio::spawn(async move {
        let mut peers = JoinSet::new();
        // Who vanishes is found again.
        while let Ok((stream, _)) = listener.accept().await {
            peers.spawn(misbehave(stream, theirs, Role::Receiver, until, then));
        }
    });
    let call = Call::new("peer", &state);
    let _ = within(&call.what.clone(), sender.peer()).await;
    call.came_back(2 * SHORT);
    for _ in 0..5 {
        let call = Call::new("send", &state);
        let frame = if bytes > 0 { large(bytes) } else { numbered(0) };
        let _ = within(&call.what.clone(), sender.send(frame, Some(1.into()))).await;
        call.came_back(2 * SHORT);
    }
    let call = Call::new("recv_data", &state);
    assert!(!matches!(within(&call.what.clone(), sender.recv_data()).await, Ok(Some(_))));
    call.came_back(2 * SHORT);
    let call = Call::new("flush", &state);
    let _ = within(&call.what.clone(), sender.flush()).await;
    call.came_back(2 * SHORT);
    let call = Call::new("close", &state);
    let _ = within(&call.what.clone(), sender.close()).await;
    call.came_back(SHORT + Duration::from_secs(1));
    peers.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_comes_back_in_every_state() {
    measure_lag();
    let mut cases = JoinSet::new();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    for pattern in PATTERNS {
        for until in STATES {
            for then in DEEDS {
                for sent in [None, Some(0), Some(8 << 20)] {
                    let places = Arc::clone(&places);
                    cases.spawn(async move {
                        let _place = places.acquire().await.unwrap();
                        match sent {
                            None => our_receiver(pattern, until, then).await,
                            Some(bytes) => our_sender(pattern, until, then, bytes).await,
                        }
                    });
                }
            }
        }
    }
    let mut wrong = Vec::new();
    while let Some(done) = cases.join_next().await {
        if let Err(error) = done {
            let panic = error.into_panic();
            let literal = panic.downcast_ref::<&str>().map(|it| (*it).to_owned());
            let said = panic.downcast::<String>().map(|it| *it).ok();
            wrong.push(said.or(literal).unwrap_or_else(|| "a case panicked".to_owned()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Ctrl-C in the very moment in which something else happens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_at_any_moment_takes_no_longer_than_it_says() {
    // The linger time, and a second.
    let due = Duration::from_secs(2);
    measure_lag();
    let mut cases = JoinSet::new();
    for pattern in PATTERNS {
        for delay in (0..40).map(Duration::from_millis) {
            cases.spawn(async move {
                let receiver = receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
                let endpoint = receiver.endpoint().unwrap().clone();
                let sending = tokio::spawn(async move {
                    let sender = sender(pattern).connect(endpoint).await.unwrap();
                    let started = Instant::now();
                    let _ = tokio::time::timeout(delay, async {
                        for number in 0.. {
                            match sender.send(numbered(number), Some(number.into())).await {
                                Ok(()) => while sender.try_recv_data().is_some() {},
                                // On a busy machine the receiver may be the first to close.
                                Err(SendError::PeerLeft) => break,
                                Err(error) => panic!("{error}"),
                            }
                        }
                    })
                    .await;
                    let (sending, closing) = (started.elapsed(), Instant::now());
                    within("close", sender.close()).await.unwrap();
                    let elapsed = closing.elapsed();
                    assert!(elapsed < due + slack(), "{pattern} {delay:?}: {elapsed:?} after {sending:?}");
                });
                let receiving = async {
                    loop {
                        match receiver.recv().await {
                            Ok(Some(_)) => drop(receiver.reply(1)),
                            other => break other,
                        }
                    }
                };
                let _ = tokio::time::timeout(delay * 3 / 2 + SHORT / 10, receiving).await;
                let closing = Instant::now();
                within("close", receiver.close()).await.unwrap();
                let elapsed = closing.elapsed();
                assert!(elapsed < due + slack(), "{pattern} {delay:?}: {elapsed:?}");
                within("the sender", sending).await.unwrap();
            });
        }
    }
    while let Some(done) = cases.join_next().await {
        done.unwrap();
    }
}

/// It says hello and goes, again and again: each time a peer, and never one that is there.
#[tokio::test]
async fn a_peer_that_comes_and_goes_for_ever_is_none() {
    measure_lag();
    let patterns = [(Pattern::Pair, SocketType::Pair), (Pattern::ReqRep, SocketType::Req)];
    let rhythms = [(SHORT / 10, SHORT / 10), (Duration::ZERO, SHORT / 5)];
    for ((pattern, theirs), (stays, goes)) in
        patterns.into_iter().flat_map(|it| rhythms.map(|rhythm| (it, rhythm)))
    {
        let receiver = receiver(pattern)
            .wait_for_peer(2 * SHORT)
            .timeout(2 * SHORT)
            .bind("tcp://127.0.0.1:0".parse().unwrap())
            .await
            .unwrap();
        let endpoint = receiver.endpoint().unwrap().clone();
        let flapping = tokio::spawn(async move {
            loop {
                let mut peer = Scripted::shake(dial(&endpoint).await, theirs, true).await;
                peer.hello(Role::Sender, pattern).await;
                let _ = peer.receive().await;
                sleep(stays).await;
                drop(peer);
                sleep(goes).await;
            }
        });
        let started = Instant::now();
        let error = within("recv", receiver.recv()).await.unwrap_err();
        assert!(matches!(error, RecvError::NoPeer(_) | RecvError::Timeout(_)), "{error}");
        assert!(started.elapsed() < 6 * SHORT + slack());
        flapping.abort();
    }
}
