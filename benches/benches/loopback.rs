//! A frame and its answer over loopback: sessions, and raw sockets that move the same bytes.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netgear_benches::{Carrier, Error, Exchange, Returned, raw, session};
use netgear_proto::Pattern;

fn exchanges(c: &mut Criterion) {
    for returned in [Returned::Data, Returned::Frame] {
        for carrier in [Carrier::Tcp, Carrier::Ipc] {
            let exchange = Exchange {
                carrier,
                pattern: Pattern::Pair,
                width: 1920,
                height: 1080,
                returned,
                warm_up: 5,
                frames: 0,
            };
            let mut group =
                c.benchmark_group(format!("1080p in lock-step, {}, {}", returned.name(), carrier.name()));
            group.throughput(Throughput::Bytes(exchange.bytes_per_frame() as u64));
            group.sample_size(10).measurement_time(Duration::from_secs(3));
            let mut bench = |name: &str, run: fn(Exchange) -> Result<Duration, Error>| {
                group.bench_function(name, |b| {
                    b.iter_custom(|frames| {
                        let frames = frames.try_into().unwrap_or(u32::MAX);
                        run(Exchange { frames, ..exchange }).expect("loopback works")
                    });
                });
            };
            bench("raw sockets", raw::run);
            bench("session", session::run);
            group.finish();
        }
    }
}

criterion_group!(benches, exchanges);
criterion_main!(benches);
