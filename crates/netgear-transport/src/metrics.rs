//! What crosses, as counters and gauges of the `metrics` crate: every second, and once more at the end.
//!
//! Each has the label `role`, which is `sender` or `receiver`. Counters of several sessions in one program add up.

use std::{sync::Arc, time::Duration};

use metrics::{Key, Label, Level, Metadata, with_recorder};
use netgear_proto::{Role, session::Stats};
use tokio::time::timeout;

use crate::shared::Shared;

const INTERVAL: Duration = Duration::from_secs(1);

const METADATA: Metadata<'_> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Reports until the session is over.
pub(crate) async fn report(shared: Arc<Shared>) {
    let metrics = Metrics::new(shared.lock().session.config().role());
    let mut reported = Stats::default();
    loop {
        let finished = timeout(INTERVAL, shared.until(|state| state.finished.then_some(()))).await.is_ok();
        let stats = shared.lock().session.stats();
        metrics.publish(&stats, &reported);
        reported = stats;
        if finished {
            return;
        }
    }
}

type Count = fn(&Stats) -> u64;

/// Without a value, the gauge stays as it was.
type Measure = fn(&Stats) -> Option<f64>;

/// What is reported, and where each number comes from. The names and labels are put together once, and not every
/// second.
struct Metrics {
    counters: Vec<(Key, Count)>,
    gauges: Vec<(Key, Measure)>,
}

impl Metrics {
    fn new(role: Role) -> Self {
        let role = Label::new("role", role.to_string());
        let counter = |name, of: Count| (Key::from_parts(name, vec![role.clone()]), of);
        let dropped = |cause, of: Count| {
            let labels = vec![role.clone(), Label::from_static_parts("cause", cause)];
            (Key::from_parts("netgear_frames_dropped_total", labels), of)
        };
        let gauge = |name, of: Measure| (Key::from_parts(name, vec![role.clone()]), of);
        Self {
            counters: vec![
                counter("netgear_frames_offered_total", |stats| stats.frames_offered),
                counter("netgear_frames_sent_total", |stats| stats.frames_sent),
                counter("netgear_frames_delivered_total", |stats| stats.frames_delivered),
                counter("netgear_frames_received_total", |stats| stats.frames_received),
                counter("netgear_frames_encoded_total", |stats| stats.frames_encoded),
                counter("netgear_frames_undecodable_total", |stats| stats.frames_undecodable),
                counter("netgear_bytes_sent_total", |stats| stats.bytes_sent),
                counter("netgear_bytes_received_total", |stats| stats.bytes_received),
                counter("netgear_data_sent_total", |stats| stats.data_sent),
                counter("netgear_data_received_total", |stats| stats.data_received),
                counter("netgear_data_undelivered_total", |stats| stats.data_undelivered),
                counter("netgear_reconnects_total", |stats| stats.reconnects),
                dropped("replaced", |stats| stats.frames_dropped.replaced),
                dropped("refused", |stats| stats.frames_dropped.refused),
                dropped("connection", |stats| stats.frames_dropped.connection),
                dropped("closed", |stats| stats.frames_dropped.closed),
            ],
            gauges: vec![
                gauge("netgear_frames_waiting", |stats| Some(stats.frames_waiting as f64)),
                gauge("netgear_frames_in_flight", |stats| Some(stats.frames_in_flight as f64)),
                gauge("netgear_data_waiting", |stats| Some(stats.data_waiting as f64)),
                gauge("netgear_data_to_take", |stats| Some(stats.data_to_take as f64)),
                gauge("netgear_round_trip_seconds", |stats| Some(stats.round_trip?.as_secs_f64())),
                gauge("netgear_latency_p50_seconds", |stats| Some(stats.latency?.p50.as_secs_f64())),
                gauge("netgear_latency_p99_seconds", |stats| Some(stats.latency?.p99.as_secs_f64())),
            ],
        }
    }

    /// To the recorder of the moment: a program may install its own when sessions are already open.
    fn publish(&self, stats: &Stats, before: &Stats) {
        with_recorder(|recorder| {
            for (key, of) in &self.counters {
                recorder.register_counter(key, &METADATA).increment(of(stats).saturating_sub(of(before)));
            }
            for (key, of) in &self.gauges {
                if let Some(value) = of(stats) {
                    recorder.register_gauge(key, &METADATA).set(value);
                }
            }
        });
    }
}
