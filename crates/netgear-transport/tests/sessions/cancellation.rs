//! Every future may be dropped wherever it waits: nothing is lost, nothing comes twice, and the session goes on.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use netgear_transport::{
    FrameReceiver, FrameSender,
    proto::{Pattern, Value},
};
use tokio::time::sleep;

use crate::common::{PATTERNS, connected, numbered, receiver, sender, within};

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
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        let sending = tokio::spawn(send_cancelling(sender));
        let receiving = tokio::spawn(receive_cancelling(receiver));
        let sender = within("sending", sending).await.unwrap();
        let receiver = within("receiving", receiving).await.unwrap();
        assert_eq!((sender.stats().frames_sent, receiver.stats().frames_received), (FRAMES, FRAMES));
        within("close", sender.close()).await.unwrap();
        assert_eq!(within("recv", receiver.recv()).await.unwrap(), None);
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
