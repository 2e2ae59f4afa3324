//! What one message costs to write and to read, without a network.
#![allow(missing_docs, reason = "criterion's macros write functions without any")]

use std::hint::black_box;

use bytes::{Buf, Bytes};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use netgear_proto::{
    BufferPool, Frame, Limits, Multipart, Timestamp, Value,
    native::{FrameMessage, Item, Message},
    zmtp::{Connection, ConnectionConfig, Event, SocketType},
};

fn frame_message(data: Option<Value>) -> Message {
    let frame = Frame::bgr8(1920, 1080, vec![7; 1920 * 1080 * 3]).expect("the size fits");
    let message = FrameMessage::new(12_345, Timestamp::from_micros(1 << 50), frame);
    Message::Frame(FrameMessage { item: data.map(|value| Item { number: 12_345, value }), ..message })
}

fn detections() -> Value {
    let detection = |number: i32| {
        Value::from([
            ("class", Value::from("person")),
            ("score", Value::from(0.93)),
            ("box", Value::from(vec![Value::from(number), 20.into(), 110.into(), 220.into()])),
        ])
    };
    Value::from((0..10).map(detection).collect::<Vec<_>>())
}

fn messages(c: &mut Criterion) {
    let limits = Limits::DEFAULT;
    for (name, data) in
        [("alone", None), ("with a number", Some(Value::from(7))), ("with 10 detections", Some(detections()))]
    {
        let message = frame_message(data);
        let encoded = message.clone().encode(&limits).expect("it is within the limits");
        let mut group = c.benchmark_group(format!("native: a frame {name}"));
        group.bench_function("encode", |b| b.iter(|| black_box(message.clone()).encode(&limits)));
        group.bench_function("decode", |b| b.iter(|| Message::decode(black_box(encoded.clone()), &limits)));
        group.finish();
    }
}

fn values(c: &mut Criterion) {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Detection {
        class: String,
        score: f64,
        r#box: [i32; 4],
    }
    let detection = Detection { class: "person".into(), score: 0.93, r#box: [10, 20, 110, 220] };
    let value = Value::from_serde(&detection).expect("it is plain data");
    c.bench_function("value: from a struct", |b| b.iter(|| Value::from_serde(black_box(&detection))));
    c.bench_function("value: into a struct", |b| b.iter(|| black_box(&value).deserialize::<Detection>()));
}

/// Two connections in memory, past their handshake.
struct Wire {
    from: Connection,
    to: Connection,
    pool: BufferPool,
}

impl Wire {
    fn new() -> Self {
        let new = || Connection::new(ConnectionConfig::new(SocketType::Pair), Timestamp::ZERO);
        let mut wire = Self { from: new(), to: new(), pool: BufferPool::default() };
        for _ in 0..2 {
            wire.carry();
            std::mem::swap(&mut wire.from, &mut wire.to);
            wire.carry();
            std::mem::swap(&mut wire.from, &mut wire.to);
        }
        while wire.to.poll_event().is_some() {}
        wire
    }

    fn carry(&mut self) {
        let transmit = self.from.transmit();
        while transmit.has_remaining() {
            let chunk = transmit.chunk();
            let len = chunk.len();
            self.to.handle_input(Timestamp::ZERO, chunk, &mut self.pool).expect("the bytes are ZMTP's");
            transmit.advance(len);
        }
    }

    fn send(&mut self, message: Multipart) -> Option<Event> {
        self.from.send(message).expect("a PAIR may always send");
        self.carry();
        self.to.poll_event()
    }
}

fn zmtp(c: &mut Criterion) {
    for (name, len) in [("100 bytes", 100), ("1080p BGR", 1920 * 1080 * 3)] {
        let mut wire = Wire::new();
        let message = Multipart::from(vec![Bytes::from(vec![1; 40]), Bytes::from(vec![2; len])]);
        let mut group = c.benchmark_group("zmtp: in memory, with the copy that a kernel makes");
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(name, |b| b.iter(|| wire.send(black_box(message.clone()))));
        group.finish();
    }
}

criterion_group!(benches, messages, values, zmtp);
criterion_main!(benches);
