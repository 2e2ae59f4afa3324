//! Every future may be dropped wherever it waits: nothing is lost, nothing comes twice, and the session goes on.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use futures_util::StreamExt;
use netgear_transport::{
    FrameReceiver, FrameSender,
    proto::{EncodingChoice, Pattern, Value, session::Outgoing},
};
use tokio::time::sleep;

use crate::common::{
    PATTERNS, TRANSPORTS,
    codec::{RAW_AND_ENCODED, RunLengths, banded, came_back, decoding, encoding},
    connected, connected_with, numbered,
    proxy::Proxy,
    receiver, sender, within,
};

/// Polls a future so many times at most, each time after it has asked for it, and then drops it.
async fn cancelled_after<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            // Dropped in the very state that this poll left it in.
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Tries a future anew until one comes to its end, each one dropped after 1, 2, 3, 1, ... polls.
async fn until_done<F: Future>(mut again: impl FnMut() -> F) -> F::Output {
    let mut polls = 0;
    loop {
        polls = polls % 3 + 1;
        if let Some(output) = cancelled_after(polls, again()).await {
            return output;
        }
        tokio::task::yield_now().await;
    }
}

const FRAMES: u64 = 400;

async fn send_cancelling(sender: FrameSender) -> FrameSender {
    let mut returned = 0;
    for number in 0..FRAMES {
        until_done(|| sender.send(numbered(number), Some(Value::from(number)))).await.unwrap();
        match number % 3 {
            0 => until_done(|| sender.flush()).await.unwrap(),
            1 => {
                let data = until_done(|| sender.recv_data()).await.unwrap();
                assert_eq!(data, Some(Value::from(returned)));
                returned += 1;
            }
            _ => until_done(|| sender.peer()).await.map(|_| ()).unwrap(),
        }
        while let Some(data) = sender.try_recv_data() {
            assert_eq!(data, Value::from(returned));
            returned += 1;
        }
    }
    until_done(|| sender.flush()).await.unwrap();
    while let Some(data) = sender.try_recv_data() {
        assert_eq!(data, Value::from(returned));
        returned += 1;
    }
    assert_eq!(returned, FRAMES);
    sender
}

async fn receive_cancelling(receiver: FrameReceiver) -> FrameReceiver {
    for number in 0..FRAMES {
        let delivery = until_done(|| receiver.recv()).await.unwrap().unwrap();
        assert_eq!((delivery.sequence, &delivery.frame), (number, &numbered(number)));
        assert_eq!(delivery.data, Some(Value::from(number)));
        receiver.reply(number).unwrap();
    }
    receiver
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled() {
    for (pattern, encodes) in PATTERNS.into_iter().flat_map(|pattern| [(pattern, false), (pattern, true)]) {
        let (sender, receiver) = if encodes {
            let sender = sender(pattern).codec(RunLengths::new()).encoding(EncodingChoice::Lossless);
            connected_with(sender, receiver(pattern).codec(RunLengths::new())).await
        } else {
            connected(pattern).await
        };
        let sending = tokio::spawn(send_cancelling(sender));
        let receiving = tokio::spawn(receive_cancelling(receiver));
        let sender = within("sending", sending).await.unwrap();
        let receiver = within("receiving", receiving).await.unwrap();
        assert_eq!((sender.stats().frames_sent, receiver.stats().frames_received), (FRAMES, FRAMES));
        assert_eq!(receiver.stats().frames_encoded, if encodes { FRAMES } else { 0 });
        within("close", sender.close()).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap(), None);
    }
}

/// Each item once and in order, through whichever of the futures it comes.
async fn send_cancelling_over_losses(sender: &FrameSender) {
    let mut returned = 0;
    let mut take = |data: Value| {
        assert_eq!(data, Value::from(returned));
        returned += 1;
    };
    for number in 0..FRAMES {
        if number % 2 == 0 {
            until_done(|| sender.send(banded(number), Some(Value::from(number)))).await.unwrap();
        } else {
            let outgoing = || Outgoing::new(banded(number), sender.now()).with_data(number);
            until_done(|| sender.send_outgoing(outgoing())).await.unwrap();
        }
        match number % 8 {
            3 => until_done(|| sender.flush()).await.unwrap(),
            5 => take(until_done(|| sender.recv_data()).await.unwrap().unwrap()),
            7 => drop(until_done(|| sender.peer()).await.unwrap()),
            _ => {}
        }
        while let Some(data) = sender.try_recv_data() {
            take(data);
        }
    }
    while let Some(data) = until_done(|| sender.recv_data()).await.unwrap() {
        take(data);
    }
    assert_eq!(returned, FRAMES);
}

async fn receive_cancelling_over_losses(
    mut receiver: FrameReceiver,
    choice: EncodingChoice,
) -> FrameReceiver {
    let mut data = 0;
    let mut take = |value: Value| {
        assert_eq!(value, Value::from(data));
        data += 1;
    };
    for number in 0..FRAMES {
        let delivery = match number % 4 {
            1 => {
                until_done(|| receiver.peer()).await.unwrap();
                until_done(|| receiver.recv()).await.unwrap()
            }
            // As with tokio::select!, of which one branch is dropped.
            2 => loop {
                let either = until_done(|| async {
                    tokio::select! {
                        delivery = receiver.recv() => Ok(delivery),
                        loose = receiver.recv_data() => Err(loose),
                    }
                });
                match either.await {
                    Ok(delivery) => break delivery.unwrap(),
                    Err(loose) => take(loose.unwrap().unwrap()),
                }
            },
            3 => {
                let mut polls = 0;
                loop {
                    polls = polls % 3 + 1;
                    if let Some(item) = cancelled_after(polls, receiver.next()).await {
                        break item.transpose().unwrap();
                    }
                    tokio::task::yield_now().await;
                }
            }
            _ => until_done(|| receiver.recv()).await.unwrap(),
        };
        let delivery = delivery.unwrap();
        assert_eq!((delivery.sequence, &delivery.frame), (number, &came_back(&banded(number), choice)));
        delivery.earlier.into_iter().chain(delivery.data).for_each(&mut take);
        receiver.reply(number).unwrap();
    }
    assert_eq!(data, FRAMES);
    receiver
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_doubled_over_many_connections() {
    for (pattern, choice) in
        PATTERNS.into_iter().cycle().zip(RAW_AND_ENCODED.into_iter().flat_map(|it| [it; 2]))
    {
        let receiver =
            decoding(receiver(pattern), choice).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        let proxy = Proxy::to(receiver.endpoint().unwrap()).await;
        let sender = encoding(sender(pattern), choice).connect(proxy.endpoint()).await.unwrap();
        let receiving = tokio::spawn(receive_cancelling_over_losses(receiver, choice));
        let cutting = async {
            loop {
                sleep(Duration::from_millis(fastrand::u64(5..60))).await;
                proxy.cut();
            }
        };
        let sending = async {
            tokio::select! {
                () = send_cancelling_over_losses(&sender) => {}
                () = cutting => {}
            }
        };
        within(&format!("sending, {pattern} {choice}"), sending).await;
        let receiver = within("receiving", receiving).await.unwrap();
        assert!(sender.stats().reconnects > 0 && receiver.stats().reconnects > 0, "{pattern} {choice}");
        // The last connection may be cut just now, and would take the goodbye with it.
        within("send", sender.send(banded(FRAMES), None)).await.unwrap();
        assert_eq!(
            within("recv", receiver.recv()).await.unwrap().unwrap().frame,
            came_back(&banded(FRAMES), choice)
        );
        receiver.reply(()).unwrap();
        within("flush", sender.flush()).await.unwrap();
        // A close that is given up has begun all the same. The other thread may have ended it before this one looks.
        if let Some(closed) = cancelled_after(1, sender.close()).await {
            closed.unwrap();
        }
        assert_eq!(within("recv", receiver.recv()).await.unwrap(), None);
    }
}

/// Each of them, dropped after any number of polls, leaves the endpoint as it was.
#[tokio::test]
async fn binding_and_connecting_given_up() {
    for transport in TRANSPORTS {
        for polls in 0..4 {
            let endpoint = transport.endpoint();
            drop(cancelled_after(polls, receiver(Pattern::Pair).bind(endpoint.clone())).await);
            drop(cancelled_after(polls, sender(Pattern::Pair).connect(endpoint.clone())).await);
            let receiver = within("bind", async {
                loop {
                    // One that was bound is given up in the background.
                    match receiver(Pattern::Pair).bind(endpoint.clone()).await {
                        Ok(receiver) => break receiver,
                        Err(_) => sleep(Duration::from_millis(5)).await,
                    }
                }
            })
            .await;
            let sender = sender(Pattern::Pair).connect(endpoint).await.unwrap();
            within("send", sender.send(numbered(polls as u64), None)).await.unwrap();
            let delivery = within("recv", receiver.recv()).await.unwrap().unwrap();
            assert_eq!(delivery.frame, numbered(polls as u64));
        }
    }
}

/// Before a peer is there, too: what was given up before is not sent when one comes.
#[tokio::test]
async fn a_frame_whose_sending_was_dropped_is_not_sent() {
    for pattern in PATTERNS {
        let receiver = receiver(pattern).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
        assert!(cancelled_after(1, receiver.recv()).await.is_none());
        assert!(cancelled_after(1, receiver.peer()).await.is_none());
        let sender = sender(pattern).connect(receiver.endpoint().unwrap().clone()).await.unwrap();
        assert!(cancelled_after(1, sender.send(numbered(1), None)).await.is_none());
        assert!(cancelled_after(1, sender.peer()).await.is_none());
        within("peer", sender.peer()).await.unwrap();
        within("send", sender.send(numbered(2), None)).await.unwrap();
        // Those before are not answered yet.
        let mut refused = 10;
        while cancelled_after(1, sender.send(numbered(refused), None)).await.is_some() {
            refused += 1;
        }
        assert!(cancelled_after(1, sender.flush()).await.is_none());
        for number in std::iter::once(2).chain(10..refused) {
            assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(number));
            receiver.reply(()).unwrap();
        }
        within("send", sender.send(numbered(4), None)).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap().unwrap().frame, numbered(4));
    }
}

/// Closing goes on in the background.
#[tokio::test]
async fn a_close_that_was_dropped_still_says_goodbye() {
    for pattern in PATTERNS {
        for polls in 0..3 {
            let (sender, receiver) = connected(pattern).await;
            let _ = cancelled_after(polls, sender.close()).await;
            assert_eq!(within("recv", receiver.recv()).await.unwrap(), None, "after {polls} polls");
            let (sender, receiver) = connected(pattern).await;
            let _ = cancelled_after(polls, receiver.close()).await;
            let refused = async {
                loop {
                    if let Err(error) = sender.send(numbered(0), None).await {
                        break error;
                    }
                }
            };
            let refused = within("send", refused).await;
            assert!(matches!(refused, netgear_transport::SendError::PeerLeft), "{refused}");
        }
    }
}

/// A wait that was given up leaves nothing behind for the next event.
#[tokio::test]
async fn thousands_of_waits_given_up() {
    let (sender, receiver) = connected(Pattern::Pair).await;
    for _ in 0..20_000 {
        assert!(cancelled_after(1, receiver.recv()).await.is_none());
    }
    within("send", sender.send(numbered(0), None)).await.unwrap();
    assert!(within("recv", receiver.recv()).await.unwrap().is_some());
    sleep(Duration::from_millis(1)).await;
}
