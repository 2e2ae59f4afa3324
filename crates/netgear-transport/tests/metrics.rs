//! What the `metrics` feature reports. A program of its own: the recorder is the whole program's.

mod common;

use std::{collections::HashMap, time::Duration};

use common::{numbered, receiver, sender, within};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use netgear_transport::proto::{Pattern, session::FramePolicy};
use tokio::time::sleep;

#[tokio::test]
async fn what_crosses_is_counted_at_both_ends() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    let receiver = receiver(Pattern::Pair).bind("tcp://127.0.0.1:0".parse().unwrap()).await.unwrap();
    let sender = sender(Pattern::Pair).frame_policy(FramePolicy::Latest).window(1);
    let sender = sender.connect(receiver.endpoint().unwrap().clone()).await.unwrap();
    for number in 0..10 {
        within("send", sender.send(numbered(number), Some(number.into()))).await.unwrap();
    }
    // One is on its way, the newest waits, and the others were replaced by it.
    for _ in 0..2 {
        within("recv", receiver.recv()).await.unwrap().unwrap();
        receiver.reply("seen").unwrap();
    }
    // Once while the session lasts, and once at its end: nothing is counted twice.
    sleep(Duration::from_millis(1_200)).await;
    within("close", sender.close()).await.unwrap();
    assert_eq!(within("recv", receiver.recv()).await.unwrap(), None);
    within("close", receiver.close()).await.unwrap();
    sleep(Duration::from_millis(100)).await;

    let counted: HashMap<String, u64> = snapshotter
        .snapshot()
        .into_vec()
        .into_iter()
        .filter_map(|(key, _, _, value)| {
            let labels: Vec<_> = key.key().labels().map(|label| label.value().to_owned()).collect();
            let DebugValue::Counter(count) = value else { return None };
            Some((format!("{} {}", key.key().name(), labels.join(" ")), count))
        })
        .collect();
    for (name, expected) in [
        ("netgear_frames_offered_total sender", 10),
        ("netgear_frames_delivered_total sender", 2),
        ("netgear_frames_dropped_total sender replaced", 8),
        ("netgear_frames_dropped_total sender closed", 0),
        ("netgear_frames_received_total receiver", 2),
        ("netgear_data_sent_total sender", 10),
        ("netgear_data_received_total receiver", 10),
        ("netgear_data_received_total sender", 2),
    ] {
        assert_eq!(counted.get(name), Some(&expected), "{name} of {counted:?}");
    }
}
