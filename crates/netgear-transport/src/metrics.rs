//! What crosses, as counters and gauges of the `metrics` crate: every second, and once more at the end.
//!
//! Each has the label `role`, which is `sender` or `receiver`. Counters of several sessions in one program add up.

use std::{sync::Arc, time::Duration};

use metrics::{Label, counter, gauge};
use netgear_proto::session::Stats;
use tokio::time::timeout;

use crate::shared::Shared;

const INTERVAL: Duration = Duration::from_secs(1);

/// Reports until the session is over.
pub(crate) async fn report(shared: Arc<Shared>) {
    let role = shared.lock().session.config().role();
    let labels = vec![Label::new("role", role.to_string())];
    let mut reported = Stats::default();
    loop {
        let finished = timeout(INTERVAL, shared.until(|state| state.finished.then_some(()))).await.is_ok();
        let stats = shared.lock().session.stats();
        publish(&labels, &stats, &reported);
        reported = stats;
        if finished {
            return;
        }
    }
}

fn publish(labels: &[Label], stats: &Stats, before: &Stats) {
    let count = |name: &'static str, of: fn(&Stats) -> u64| {
        counter!(name, labels.iter()).increment(of(stats).saturating_sub(of(before)));
    };
    count("netgear_frames_offered_total", |stats| stats.frames_offered);
    count("netgear_frames_sent_total", |stats| stats.frames_sent);
    count("netgear_frames_delivered_total", |stats| stats.frames_delivered);
    count("netgear_frames_received_total", |stats| stats.frames_received);
    count("netgear_frames_encoded_total", |stats| stats.frames_encoded);
    count("netgear_frames_undecodable_total", |stats| stats.frames_undecodable);
    count("netgear_bytes_sent_total", |stats| stats.bytes_sent);
    count("netgear_bytes_received_total", |stats| stats.bytes_received);
    count("netgear_data_sent_total", |stats| stats.data_sent);
    count("netgear_data_received_total", |stats| stats.data_received);
    count("netgear_data_undelivered_total", |stats| stats.data_undelivered);
    count("netgear_reconnects_total", |stats| stats.reconnects);
    let drop = |cause: &'static str, of: fn(&Stats) -> u64| {
        let labels: Vec<_> = labels.iter().cloned().chain([Label::new("cause", cause)]).collect();
        counter!("netgear_frames_dropped_total", labels).increment(of(stats).saturating_sub(of(before)));
    };
    drop("replaced", |stats| stats.frames_dropped.replaced);
    drop("refused", |stats| stats.frames_dropped.refused);
    drop("connection", |stats| stats.frames_dropped.connection);
    drop("closed", |stats| stats.frames_dropped.closed);
    let measure = |name: &'static str, value: f64| gauge!(name, labels.iter()).set(value);
    measure("netgear_frames_waiting", stats.frames_waiting as f64);
    measure("netgear_frames_in_flight", stats.frames_in_flight as f64);
    measure("netgear_data_waiting", stats.data_waiting as f64);
    measure("netgear_data_to_take", stats.data_to_take as f64);
    if let Some(round_trip) = stats.round_trip {
        measure("netgear_round_trip_seconds", round_trip.as_secs_f64());
    }
    if let Some(latency) = stats.latency {
        measure("netgear_latency_p50_seconds", latency.p50.as_secs_f64());
        measure("netgear_latency_p99_seconds", latency.p99.as_secs_f64());
    }
}
