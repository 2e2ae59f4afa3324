//! A session outlives its connections, and either end may die and come back.

use std::{
    future::Future,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use netgear_transport::{
    BindError, Builder, Endpoint, FrameReceiver, FrameSender, RecvError, SendError, SessionFailure,
    WaitError,
    proto::{
        EncodingChoice, Pattern, Value,
        session::{FramePolicy, ResumeToken},
        zmtp::Heartbeat,
    },
};
use tokio::{
    runtime,
    task::spawn_blocking,
    time::{sleep, timeout},
};

use crate::common::{
    PATTERNS, Transport,
    codec::{RAW_AND_ENCODED, banded, came_back, decoding, encoding},
    numbered,
    proxy::Proxy,
    receiver, sender, within,
};

const SHORT: Duration = Duration::from_millis(300);
/// How much later than due something may come on a busy machine.
const SLACK: Duration = Duration::from_secs(3);

/// Each pattern with frames raw and encoded.
fn each_encoding() -> impl Iterator<Item = (Pattern, EncodingChoice)> {
    PATTERNS.into_iter().flat_map(|pattern| RAW_AND_ENCODED.map(|choice| (pattern, choice)))
}

fn any() -> Endpoint {
    "tcp://127.0.0.1:0".parse().unwrap()
}

/// Two ends in session through a network that can be made to fail.
async fn through_proxy(
    sender: Builder<FrameSender>,
    receiver: Builder<FrameReceiver>,
    sender_binds: bool,
) -> (FrameSender, FrameReceiver, Proxy) {
    let (sender, receiver, proxy) = if sender_binds {
        let sender = sender.bind(any()).await.unwrap();
        let proxy = Proxy::to(sender.endpoint().unwrap()).await;
        let receiver = receiver.connect(proxy.endpoint()).await.unwrap();
        (sender, receiver, proxy)
    } else {
        let receiver = receiver.bind(any()).await.unwrap();
        let proxy = Proxy::to(receiver.endpoint().unwrap()).await;
        (sender.connect(proxy.endpoint()).await.unwrap(), receiver, proxy)
    };
    within("the sender's hello", sender.peer()).await.unwrap();
    within("the receiver's hello", receiver.peer()).await.unwrap();
    (sender, receiver, proxy)
}

/// The connection is gone, and no other comes about.
fn part(proxy: &Proxy) {
    proxy.refuse(true);
    proxy.cut();
}

/// Waits until an end knows that its peer is gone, which it shows by its patience of [`SHORT`].
async fn until_lost(receiver: &FrameReceiver) {
    within("the loss", async { while !matches!(receiver.recv().await, Err(RecvError::NoPeer(_))) {} }).await;
}

/// Who shows a stream can say meanwhile that the sender is lost; a goodbye is no loss.
#[tokio::test]
async fn a_receiver_hears_that_its_sender_is_lost_and_that_it_is_back() {
    for pattern in PATTERNS {
        let alone = receiver(pattern).bind(any()).await.unwrap();
        assert!(timeout(SHORT, alone.lost()).await.is_err(), "nobody was there");

        let (sender, receiver, proxy) = through_proxy(sender(pattern), receiver(pattern), false).await;
        within("a sender", receiver.peer()).await.unwrap();
        assert!(timeout(SHORT, receiver.lost()).await.is_err(), "it is there");
        proxy.refuse(true);
        proxy.cut();
        within("the loss", receiver.lost()).await;
        proxy.refuse(false);
        within("the sender again", receiver.peer()).await.unwrap();
        assert!(timeout(SHORT, receiver.lost()).await.is_err(), "it is back");
        let (closed, received) = tokio::join!(sender.close(), receiver.recv());
        closed.unwrap();
        assert_eq!(received.unwrap(), None);
        assert!(timeout(SHORT, receiver.lost()).await.is_err(), "it has left");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_cut_again_and_again() {
    const FRAMES: u64 = 400;
    for (pattern, choice) in each_encoding() {
        for sender_binds in [false, true] {
            // Encoded frames wait on two threads more, and are cut as often.
            let frames = if choice == EncodingChoice::Raw { FRAMES } else { FRAMES / 2 };
            let (sender, receiver, proxy) = through_proxy(
                encoding(sender(pattern), choice),
                decoding(receiver(pattern), choice),
                sender_binds,
            )
            .await;
            let proxy = Arc::new(proxy);
            let cutting = tokio::spawn({
                let proxy = Arc::clone(&proxy);
                async move {
                    loop {
                        sleep(Duration::from_millis(fastrand::u64(5..60))).await;
                        proxy.cut();
                    }
                }
            });
            let receiving = tokio::spawn(async move {
                for number in 0..frames {
                    let delivery = receiver.recv().await.unwrap().unwrap();
                    assert_eq!(
                        (delivery.sequence, delivery.frame),
                        (number, came_back(&banded(number), choice))
                    );
                    assert_eq!((delivery.data, delivery.earlier), (Some(Value::from(number)), vec![]));
                    receiver.reply(number).unwrap();
                    sleep(Duration::from_millis(1)).await;
                }
                receiver
            });
            let sending = async {
                let mut returned = 0;
                for number in 0..frames {
                    sender.send(banded(number), Some(number.into())).await.unwrap();
                    while let Some(data) = sender.try_recv_data() {
                        assert_eq!(data, Value::from(returned));
                        returned += 1;
                    }
                }
                while let Some(data) = sender.recv_data().await.unwrap() {
                    assert_eq!(data, Value::from(returned));
                    returned += 1;
                }
                assert_eq!(returned, frames);
            };
            within(&format!("sending, {pattern} {choice}, sender binds: {sender_binds}"), sending).await;
            let receiver = within("receiving", receiving).await.unwrap();
            cutting.abort();
            let _ = cutting.await;
            // A goodbye needs a connection, and neither end may have noticed the last cut: what goes round shows one.
            let there = async {
                sender.send(banded(frames), None).await.unwrap();
                assert_eq!(sender.recv_data().await.unwrap(), Some(Value::from(frames)));
            };
            let back = async {
                receiver.recv().await.unwrap().unwrap();
                receiver.reply(frames).unwrap();
            };
            within("a last round", async { tokio::join!(there, back) }).await;
            let reconnects = [sender.stats().reconnects, receiver.stats().reconnects];
            let connections = proxy.connections() as u64;
            assert!(
                reconnects.iter().all(|reconnects| (2..connections).contains(reconnects)),
                "{pattern} {choice}: {reconnects:?} reconnects over {connections} connections"
            );
            let (closed, left) =
                within("closing", async { tokio::join!(sender.close(), receiver.recv()) }).await;
            assert_eq!((closed.unwrap().undelivered, left.unwrap()), (vec![], None));
        }
    }
}

/// Runs on a runtime of its own, which is shut down then: as with a program that is killed, nobody has time for a
/// goodbye.
async fn killed_after<E: Send + 'static, T: Send + 'static>(
    life: impl Future<Output = (E, T)> + Send + 'static,
) -> T {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (end, result) = within("a life", runtime.spawn(life)).await.unwrap();
    spawn_blocking(move || runtime.shutdown_timeout(SLACK)).await.unwrap();
    drop(end);
    result
}

/// The one that was killed may not have let go of the port yet.
async fn bind_again(receiver: impl Fn() -> Builder<FrameReceiver>, at: &Endpoint) -> FrameReceiver {
    loop {
        match receiver().bind(at.clone()).await {
            Ok(receiver) => return receiver,
            Err(BindError::Taken { .. }) => sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// What one life of a receiver takes before it is killed.
async fn receiver_life(
    (pattern, choice): (Pattern, EncodingChoice),
    at: Endpoint,
    binds: bool,
    token: Option<ResumeToken>,
    most: usize,
) -> (FrameReceiver, (Vec<Value>, Option<ResumeToken>)) {
    let builder = move || decoding(receiver(pattern), choice).resume(token);
    let receiver = if binds { bind_again(builder, &at).await } else { builder().connect(at).await.unwrap() };
    let (mut taken, mut recorded) = (Vec::new(), token);
    while taken.len() < most
        && let Some(delivery) = receiver.recv().await.unwrap()
    {
        let number: u64 = delivery.data.as_ref().unwrap().deserialize().unwrap();
        assert!(delivery.frame == came_back(&banded(number), choice), "{choice} frame {number}");
        taken.extend(delivery.earlier.into_iter().chain(delivery.data));
        recorded = receiver.resume_token();
        let _ = receiver.reply(());
    }
    (receiver, (taken, recorded))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_killed_and_comes_back() {
    const ITEMS: u64 = 60;
    for (pattern, choice) in each_encoding() {
        let ways = [(true, true), (false, false), (true, false), (false, true)];
        // Which frames come again is a matter of their data, so that two of the ways are enough where they are
        // encoded.
        for (binds, keeps_token) in ways.into_iter().take(if choice == EncodingChoice::Raw { 4 } else { 2 }) {
            let what = format!("{pattern} {choice}, bound: {binds}, with a token: {keeps_token}");
            let at = Transport::Tcp.endpoint();
            let sender = encoding(sender(pattern), choice);
            let sender = if binds {
                sender.connect(at.clone()).await
            } else {
                Ok(sender.bind(at.clone()).await.unwrap())
            };
            let sender = sender.unwrap();
            let sending = tokio::spawn(async move {
                for number in 0..ITEMS {
                    sender.send(banded(number), Some(number.into())).await.unwrap();
                    while sender.try_recv_data().is_some() {}
                }
                sender.close().await.unwrap()
            });
            let (mut lives, mut token) = (Vec::new(), None);
            for most in [7, 20, 1, usize::MAX] {
                let life = receiver_life((pattern, choice), at.clone(), binds, token, most);
                let (taken, recorded) = killed_after(life).await;
                token = recorded.filter(|_| keeps_token);
                lives.push(taken);
            }
            let closed = within("closing", sending).await.unwrap();
            assert!(closed.undelivered.is_empty(), "{what}: {closed:?}");
            assert_eq!(closed.stats.reconnects, 3, "{what}");
            let mut next = 0;
            for taken in lives {
                let taken: Vec<u64> = taken.iter().map(|value| value.deserialize().unwrap()).collect();
                let begin = taken[0];
                // The item that the program was killed over is all that it may have missed recording.
                assert!(
                    if keeps_token { begin == next } else { begin <= next },
                    "{what}: {begin}, not {next}"
                );
                next = begin + taken.len() as u64;
                assert_eq!(taken, (begin..next).collect::<Vec<_>>(), "{what}");
            }
            assert_eq!(next, ITEMS, "{what}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_is_killed_and_comes_back() {
    for (pattern, choice) in each_encoding() {
        let receiver = decoding(receiver(pattern), choice).bind(any()).await.unwrap();
        let at = receiver.endpoint().unwrap().clone();
        let receiving = tokio::spawn(async move {
            let (mut replied, mut sequence) = (0_u64, None);
            while let Some(delivery) = receiver.recv().await.unwrap() {
                // The numbers of a new sender's frames begin anew.
                assert!(sequence < Some(delivery.sequence) || delivery.sequence < 2, "{sequence:?}");
                sequence = Some(delivery.sequence);
                assert_eq!(delivery.frame, came_back(&banded(delivery.sequence), choice), "{choice}");
                receiver.reply(replied).unwrap();
                replied += 1;
            }
            (replied, receiver.stats())
        });
        let (mut returned, mut token) = (Vec::<Value>::new(), None);
        for (life, most) in [5, 20, 1, 10].into_iter().enumerate() {
            let at = at.clone();
            let living = async move {
                let sender = encoding(sender(pattern), choice).resume(token).connect(at).await.unwrap();
                let (mut returned, mut recorded) = (Vec::new(), token);
                let mut number = 0;
                while returned.len() < most {
                    sender.send(banded(number), None).await.unwrap();
                    number += 1;
                    while returned.len() < most
                        && let Some(data) = sender.recv_data().await.unwrap()
                    {
                        returned.push(data);
                        recorded = sender.resume_token();
                    }
                }
                if life == 3 {
                    while let Some(data) = sender.recv_data().await.unwrap() {
                        returned.push(data);
                    }
                    let _ = sender.close().await.unwrap();
                    return (None, (returned, recorded));
                }
                (Some(sender), (returned, recorded))
            };
            let (taken, recorded) = killed_after(living).await;
            returned.extend(taken);
            token = recorded;
        }
        let (replied, stats) = within("receiving", receiving).await.unwrap();
        assert_eq!(returned, (0..replied).map(Value::from).collect::<Vec<_>>(), "{pattern} {choice}");
        assert_eq!(stats.reconnects, 3);
        let encoded = if choice == EncodingChoice::Raw { 0 } else { stats.frames_received };
        assert_eq!(stats.frames_encoded, encoded, "{choice}");
    }
}

#[tokio::test]
async fn the_bound_end_comes_back_on_another_address() {
    for pattern in PATTERNS {
        let (sender, receiver, proxy) = through_proxy(sender(pattern), receiver(pattern), false).await;
        within("send", sender.send(numbered(0), Some(0.into()))).await.unwrap();
        let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
        assert_eq!(delivery.data, Some(0.into()));
        // Gone without a goodbye.
        part(&proxy);
        let token = receiver.resume_token();
        drop(receiver);
        let receiver = crate::common::receiver(pattern).resume(token).bind(any()).await.unwrap();
        proxy.retarget(receiver.endpoint().unwrap());
        proxy.refuse(false);
        within("send", sender.send(numbered(1), Some(1.into()))).await.unwrap();
        let mut data = Vec::new();
        while data.is_empty() {
            let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
            data.extend(delivery.earlier.into_iter().chain(delivery.data));
        }
        assert_eq!(data, [Value::from(1)], "{pattern}");
    }
}

/// The end that connects is back while the bound one has heard nothing of the loss, and never would.
#[tokio::test]
async fn a_half_dead_connection_is_replaced_by_the_peers_next_at_once() {
    for (pattern, sender_binds) in [(Pattern::Pair, false), (Pattern::Pair, true), (Pattern::ReqRep, false)] {
        let (sender, receiver, proxy) =
            through_proxy(sender(pattern).heartbeat(None), receiver(pattern).heartbeat(None), sender_binds)
                .await;
        for number in 0..5 {
            within("send", sender.send(numbered(number), Some(number.into()))).await.unwrap();
            let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
            assert_eq!((delivery.sequence, delivery.data), (number, Some(number.into())));
            let started = Instant::now();
            proxy.half_cut();
            receiver.reply(number).unwrap();
            let data = within("data", sender.recv_data()).await.unwrap();
            assert_eq!(data, Some(number.into()), "{pattern}, sender binds: {sender_binds}");
            assert!(started.elapsed() < SLACK);
        }
    }
}

/// A REQ that is bound must speak before it can know who has come, and so hears out the connection that it has.
#[tokio::test]
async fn a_half_dead_connection_of_a_bound_req_is_replaced_after_the_heartbeat() {
    let pattern = Pattern::ReqRep;
    let sender = sender(pattern).heartbeat(Some(BRISK));
    let (sender, receiver, proxy) = through_proxy(sender, receiver(pattern), true).await;
    within("send", sender.send(numbered(0), None)).await.unwrap();
    assert!(within("recv", receiver.recv()).await.unwrap().is_some());
    proxy.half_cut();
    receiver.reply("late").unwrap();
    assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("late".into()));
}

const BRISK: Heartbeat =
    Heartbeat { interval: Duration::from_millis(100), timeout: Duration::from_millis(600) };

#[tokio::test]
async fn a_half_dead_connection_is_replaced_by_another_peers_after_the_heartbeat() {
    for pattern in PATTERNS {
        let receiver = receiver(pattern).heartbeat(Some(BRISK));
        let (first, receiver, proxy) = through_proxy(sender(pattern), receiver, false).await;
        within("send", first.send(numbered(0), Some(0.into()))).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        proxy.freeze();
        let started = Instant::now();
        let second = sender(pattern).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
        within("send", second.send(numbered(1), Some(1.into()))).await.unwrap();
        let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
        assert_eq!((delivery.frame, delivery.data), (numbered(1), Some(1.into())));
        let waited = started.elapsed();
        assert!((BRISK.timeout / 2..BRISK.timeout + SLACK).contains(&waited), "{pattern}: {waited:?}");
        assert_eq!(receiver.stats().reconnects, 1);
    }
}

#[tokio::test]
async fn the_wait_for_a_peer_counts_from_the_loss() {
    for pattern in PATTERNS {
        let (sender, mut receiver, proxy) = through_proxy(
            sender(pattern).wait_for_peer(SHORT).frame_policy(FramePolicy::Block),
            receiver(pattern).wait_for_peer(SHORT),
            false,
        )
        .await;
        // Longer than a peer stays that only says hello and goes.
        sleep(Duration::from_millis(1_100)).await;
        let lost = Instant::now();
        part(&proxy);
        let sending = async {
            loop {
                if let Err(error) = sender.send(numbered(0), None).await {
                    break error;
                }
            }
        };
        let (sent, received) = within("giving up", async { tokio::join!(sending, receiver.recv()) }).await;
        assert!(matches!(sent, SendError::NoPeer(SHORT)), "{sent}");
        assert!(matches!(received, Err(RecvError::NoPeer(SHORT))), "{received:?}");
        let waited = lost.elapsed();
        assert!((SHORT..SHORT + SLACK).contains(&waited), "{pattern}: {waited:?}");
        assert!(matches!(within("flush", sender.flush()).await, Err(SendError::NoPeer(SHORT))));
        assert!(matches!(within("data", sender.recv_data()).await, Err(SendError::NoPeer(SHORT))));
        assert!(matches!(within("data", receiver.recv_data()).await, Err(RecvError::NoPeer(SHORT))));
        assert!(matches!(within("peer", receiver.peer()).await, Err(WaitError::NoPeer(SHORT))));
        // It is not too late: the peer may still come back, and is waited for anew.
        proxy.refuse(false);
        within("being back", async {
            while sender.peer().await.is_err() || receiver.peer().await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        let delivery = within("recv", receiver.next()).await.unwrap().unwrap();
        assert_eq!(delivery.frame, numbered(0));
        let lost = Instant::now();
        part(&proxy);
        let mut last = within("the stream", receiver.next()).await;
        while let Some(Ok(_)) = last {
            last = within("the stream", receiver.next()).await;
        }
        assert!(matches!(last, Some(Err(RecvError::NoPeer(SHORT)))), "{last:?}");
        assert!(lost.elapsed() >= SHORT && lost.elapsed() < SHORT + SLACK);
        assert!(within("the stream", receiver.next()).await.is_none());
    }
}

#[tokio::test]
async fn closing_while_the_peer_is_gone_says_what_was_not_delivered() {
    for pattern in PATTERNS {
        let (sender, receiver, proxy) = through_proxy(
            sender(pattern).linger(SHORT),
            receiver(pattern).linger(SHORT).wait_for_peer(SHORT),
            false,
        )
        .await;
        within("send", sender.send(numbered(0), Some("arrives".into()))).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        // Its acknowledgement has come back with the answer.
        receiver.reply("comes back").unwrap();
        assert_eq!(within("data", sender.recv_data()).await.unwrap(), Some("comes back".into()));
        within("send", sender.send(numbered(1), None)).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        part(&proxy);
        receiver.reply("does not").unwrap();
        within("send", sender.send(numbered(2), Some("neither does this".into()))).await.unwrap();
        until_lost(&receiver).await;
        let started = Instant::now();
        let (sent, received) =
            within("close", async { tokio::join!(sender.close(), receiver.close()) }).await;
        let waited = started.elapsed();
        assert!((SHORT..SHORT + Duration::from_secs(1)).contains(&waited), "{waited:?}");
        let (sent, received) = (sent.unwrap(), received.unwrap());
        assert_eq!(sent.undelivered, [Value::from("neither does this")], "{pattern}");
        assert_eq!(received.undelivered, [Value::from("does not")], "{pattern}");
        assert_eq!(sent.stats.data_undelivered, 1);
    }
}

/// The peer is back just in time.
#[tokio::test]
async fn closing_waits_for_the_peer_to_come_back() {
    for pattern in PATTERNS {
        let (sender, receiver, proxy) =
            through_proxy(sender(pattern).linger(SLACK), receiver(pattern), false).await;
        part(&proxy);
        within("send", sender.send(numbered(1), Some("late".into()))).await.unwrap();
        let closing = tokio::spawn(sender.close());
        sleep(SHORT).await;
        proxy.refuse(false);
        let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
        assert_eq!((delivery.frame, delivery.data), (numbered(1), Some("late".into())));
        assert_eq!(within("recv", receiver.recv()).await.unwrap(), None, "{pattern}");
        assert!(within("close", closing).await.unwrap().unwrap().undelivered.is_empty());
    }
}

/// There is nothing left to say but goodbye, and a peer that never heard it would wait for ever.
#[tokio::test]
async fn a_goodbye_waits_for_the_peer_to_come_back() {
    for pattern in PATTERNS {
        let (sender, receiver, proxy) =
            through_proxy(sender(pattern).linger(SLACK), receiver(pattern).wait_for_peer(SHORT), false).await;
        within("send", sender.send(numbered(0), None)).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        receiver.reply(()).unwrap();
        within("flush", sender.flush()).await.unwrap();
        part(&proxy);
        until_lost(&receiver).await;
        let closing = tokio::spawn(sender.close());
        sleep(SHORT).await;
        proxy.refuse(false);
        let told = async {
            loop {
                match receiver.recv().await {
                    Err(RecvError::NoPeer(_)) => {}
                    received => break received,
                }
            }
        };
        assert_eq!(within("goodbye", told).await.unwrap(), None, "{pattern}");
        within("close", closing).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn without_reconnecting_a_session_fails_with_its_connection() {
    for pattern in PATTERNS {
        let (sender, receiver, proxy) =
            through_proxy(sender(pattern).reconnect(false), receiver(pattern).reconnect(false), false).await;
        within("send", sender.send(numbered(0), Some("taken".into()))).await.unwrap();
        assert!(within("recv", receiver.recv()).await.unwrap().is_some());
        proxy.cut();
        let error = within("flush", sender.flush()).await.unwrap_err();
        assert!(
            matches!(error, SendError::Failed(SessionFailure::PeerLost | SessionFailure::Link(_))),
            "{error}"
        );
        let error = within("recv", receiver.recv()).await.unwrap_err();
        assert!(
            matches!(error, RecvError::Failed(SessionFailure::PeerLost | SessionFailure::Link(_))),
            "{error}"
        );
        let closed = within("close", sender.close()).await.unwrap_err();
        assert!(closed.undelivered.len() <= 1, "{closed:?}");
        assert!(within("close", receiver.close()).await.is_err());
        assert_eq!(proxy.connections(), 1);
    }
}

/// A camera goes on while nobody is there; its data is kept, and only the newest picture.
#[tokio::test]
async fn frames_follow_their_policy_over_a_loss() {
    const SENT: u64 = 20;
    for (pattern, choice) in each_encoding() {
        for policy in [FramePolicy::Latest, FramePolicy::DropNewest] {
            let (sender, receiver, proxy) = through_proxy(
                encoding(sender(pattern), choice).frame_policy(policy),
                decoding(receiver(pattern), choice).wait_for_peer(SHORT),
                false,
            )
            .await;
            part(&proxy);
            until_lost(&receiver).await;
            for number in 0..SENT {
                let sending = timeout(SLACK, sender.send(banded(number), Some(number.into())));
                sending.await.expect("nobody is waited for").unwrap();
            }
            proxy.refuse(false);
            within("being back", async { while receiver.peer().await.is_err() {} }).await;
            let (mut frames, mut data) = (Vec::new(), Vec::new());
            while (data.len() as u64) < SENT {
                tokio::select! {
                    delivery = within("recv", receiver.recv()) => {
                        let delivery = delivery.unwrap().unwrap();
                        assert_eq!(delivery.frame, came_back(&banded(delivery.sequence), choice), "{choice}");
                        frames.push(delivery.sequence);
                        data.extend(delivery.earlier.into_iter().chain(delivery.data));
                    }
                    loose = within("data", receiver.recv_data()) => data.extend(loose.unwrap()),
                }
            }
            assert_eq!(data, (0..SENT).map(Value::from).collect::<Vec<_>>(), "{pattern} {policy:?}");
            while let Some(delivery) = timeout(SHORT / 3, receiver.recv()).await.ok().and_then(Result::unwrap)
            {
                frames.push(delivery.sequence);
            }
            let stats = sender.stats();
            assert_eq!(stats.frames_offered, SENT);
            match policy {
                FramePolicy::Latest => {
                    assert_eq!(frames, [SENT - 1], "{pattern}");
                    assert_eq!(stats.frames_dropped.replaced, SENT - 1);
                }
                _ => {
                    assert_eq!(frames, [0], "{pattern}");
                    assert_eq!(stats.frames_dropped.refused, SENT - 1);
                }
            }
        }
    }
}
