//! A session without a frame to carry, and one that waits for its peer, take next to no time of the processor.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::{fs, time::Duration};

use netgear_transport::proto::Pattern;
use tokio::time::sleep;

use crate::common::{PATTERNS, connected, receiver, sender, within};

/// What all threads of this program have run, by the scheduler's own count.
fn processor_time() -> Duration {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let nanos = tasks.filter_map(|task| {
        let path = task.ok()?.path().join("schedstat");
        fs::read_to_string(path).ok()?.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

async fn spent_in_two_seconds() -> Duration {
    let before = processor_time();
    sleep(Duration::from_secs(2)).await;
    processor_time() - before
}

const NEXT_TO_NONE: Duration = Duration::from_millis(40);

/// All in one test, since the clock counts for the whole program.
#[tokio::test]
async fn waiting_takes_no_processor_time() {
    for pattern in PATTERNS {
        let (sender, receiver) = connected(pattern).await;
        let spent = spent_in_two_seconds().await;
        assert!(spent < NEXT_TO_NONE, "{pattern}: {spent:?} in 2 s of an idle session");
        // With a frame in the receiver's hands.
        sender.send(common::numbered(0), None).await.unwrap();
        assert!(receiver.recv().await.unwrap().is_some());
        let spent = spent_in_two_seconds().await;
        assert!(spent < NEXT_TO_NONE, "{pattern}: {spent:?} in 2 s with an unanswered frame");
        // With a large one on its way that nobody takes.
        receiver.reply(()).unwrap();
        sender.send(common::large(64 << 20), None).await.unwrap();
        sleep(Duration::from_secs(1)).await;
        let spent = spent_in_two_seconds().await;
        assert!(spent < NEXT_TO_NONE, "{pattern}: {spent:?} in 2 s with a frame that waits");
    }
    let _bound = receiver(Pattern::Pair).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let _connecting = sender(Pattern::Pair).connect("tcp://127.0.0.1:9".parse().unwrap()).await.unwrap();
    let spent = within("waiting", spent_in_two_seconds()).await;
    assert!(spent < NEXT_TO_NONE, "{spent:?} in 2 s without a peer");
}
