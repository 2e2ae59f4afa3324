//! What the protocol costs without a network: writing and reading messages and values, in nanoseconds and
//! allocations.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes};
use netgear_proto::{
    BufferPool, Frame, Limits, Multipart, Part, Timestamp, Value,
    native::{Acknowledgement, ClockOffset, DataMessage, FrameMessage, Item, Message, Scratch},
    vidgear,
    zmtp::{Connection, ConnectionConfig, Event, SocketType},
};
use serde::{Deserialize, Serialize};

use crate::{Error, Spread, allocations};

/// Something that is done again and again.
pub struct Operation {
    /// What it is done with.
    pub subject: &'static str,
    /// What is done.
    pub step: &'static str,
    /// Does it so many times.
    run: Box<dyn FnMut(u64) -> Result<Taken, Error>>,
}

/// What all those times took.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    time: Duration,
    allocations: u64,
}

impl Taken {
    /// What this takes.
    fn by(work: impl FnOnce() -> Result<(), Error>) -> Result<Self, Error> {
        let (before, started) = (allocations::count(), Instant::now());
        work()?;
        Ok(Self { time: started.elapsed(), allocations: allocations::count() - before })
    }

    fn add(&mut self, other: Self) {
        self.time += other.time;
        self.allocations += other.allocations;
    }
}

/// What one operation came to.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// What it was done with.
    pub subject: &'static str,
    /// What was done.
    pub step: &'static str,
    /// How long it took in each round, in nanoseconds.
    pub rounds_ns: Vec<f64>,
    /// How often memory was allocated for it, over all rounds.
    pub allocations: f64,
}

impl Measured {
    /// Nanoseconds.
    pub fn ns(&self) -> Spread {
        Spread::of(self.rounds_ns.clone())
    }
}

/// How often, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Turns of each operation.
    pub rounds: usize,
    /// What a turn takes, about.
    pub turn: Duration,
}

/// So many calls come before those that are measured: until pools have what they need.
const LEAST_CALLS: u64 = 8;

/// Lets all take turns.
///
/// # Errors
/// If one fails, which would be a fault of ours.
pub fn measure(operations: &mut [Operation], plan: Plan) -> Result<Vec<Measured>, Error> {
    let mut counts = Vec::new();
    for operation in operations.iter_mut() {
        counts.push(operation.calibrate(plan.turn)?);
    }
    let mut taken: Vec<Vec<Taken>> = vec![Vec::new(); operations.len()];
    for _ in 0..plan.rounds {
        for ((operation, count), taken) in operations.iter_mut().zip(&counts).zip(&mut taken) {
            taken.push((operation.run)(*count)?);
        }
    }
    let measured = operations.iter().zip(&counts).zip(taken).map(|((operation, count), taken)| Measured {
        subject: operation.subject,
        step: operation.step,
        rounds_ns: taken.iter().map(|taken| taken.time.as_nanos() as f64 / *count as f64).collect(),
        allocations: taken.iter().map(|taken| taken.allocations).sum::<u64>() as f64
            / (taken.len() as u64 * count) as f64,
    });
    Ok(measured.collect())
}

impl Operation {
    fn new(
        subject: &'static str,
        step: &'static str,
        run: impl FnMut(u64) -> Result<Taken, Error> + 'static,
    ) -> Self {
        Self { subject, step, run: Box::new(run) }
    }

    /// How many times fill a turn. What grows, grows meanwhile, however long the first time takes.
    fn calibrate(&mut self, turn: Duration) -> Result<u64, Error> {
        let mut count = 1;
        loop {
            let time = (self.run)(count)?.time;
            if (time >= turn / 2 && count >= LEAST_CALLS) || count >= 1 << 30 {
                let fit = count as f64 * turn.as_secs_f64() / time.as_secs_f64();
                return Ok((fit as u64).max(1));
            }
            count *= 2;
        }
    }

    /// How often memory is allocated for each of so many times, once it has been done as often.
    ///
    /// # Errors
    /// If it fails.
    pub fn allocations(&mut self, count: u64) -> Result<f64, Error> {
        (self.run)(count)?;
        Ok((self.run)(count)?.allocations as f64 / count as f64)
    }
}

/// A header of the native dialect, with nothing behind it.
pub const HEADER: &str = "header of a frame";
/// Into bytes.
pub const ENCODE: &str = "encode";
/// Out of bytes.
pub const DECODE: &str = "decode";

/// All that are measured.
///
/// # Errors
/// If a message cannot be written, which would be a fault of ours.
pub fn operations() -> Result<Vec<Operation>, Error> {
    let mut operations = Vec::new();
    let detections = (0..10).map(Detection::numbered).collect::<Vec<_>>();
    let value = Value::from_serde(&detections)?;
    let item = |value| Some(Item { number: 12_345, value });
    for (subject, message) in [
        (HEADER, frame(None)?),
        ("header of a frame, with a number", frame(item(Value::from(7)))?),
        ("header of a frame, with ten detections", frame(item(value.clone()))?),
        (
            "ten detections alone",
            Message::Data(DataMessage {
                acknowledgement: Acknowledgement { received: 12_340, taken: 12_339 },
                item: Item { number: 12_345, value: value.clone() },
            }),
        ),
    ] {
        operations.push(Operation::new(subject, DECODE, decode(&message)?));
        operations.push(Operation::new(subject, ENCODE, encode(message)));
    }
    let answer = || vidgear::Message::Return(Some(value.clone()));
    operations.push(Operation::new("ten detections as MessagePack", ENCODE, encode_for_vidgear(answer())));
    operations.push(Operation::new("ten detections as MessagePack", DECODE, decode_of_vidgear(answer())?));
    let subject = "ten detections as a Value";
    operations.push(Operation::new(subject, "from structs", move |count| {
        repeat(count, || {
            black_box(Value::from_serde(black_box(&detections))?);
            Ok(())
        })
    }));
    operations.push(Operation::new(subject, "into structs", move |count| {
        repeat(count, || {
            black_box(black_box(&value).deserialize::<Vec<Detection>>()?);
            Ok(())
        })
    }));
    let step = "write and read, with one copy";
    operations.push(Operation::new("ZMTP: parts of 40 and 100 bytes", step, through_connections(100)?));
    operations.push(Operation::new("ZMTP: parts of 40 bytes and of 1080p", step, through_connections(HD)?));
    operations.push(Operation::new("1080p", "the copy alone", copy(HD)));
    Ok(operations)
}

/// The bytes of a frame of 1080p.
const HD: usize = 1920 * 1080 * 3;

/// What a detector says.
#[derive(Serialize, Deserialize)]
struct Detection {
    class: String,
    score: f64,
    r#box: [i32; 4],
}

impl Detection {
    fn numbered(number: i32) -> Self {
        Self { class: "person".to_owned(), score: 0.93, r#box: [number, 20, 110, 220] }
    }
}

/// As a session would send it in the middle of a talk.
fn frame(item: Option<Item>) -> Result<Message, Error> {
    let now = Timestamp::from_micros(1_790_000_000_000_000);
    let frame = Frame::bgr8(1920, 1080, vec![7; HD])?;
    Ok(Message::Frame(FrameMessage {
        sent_at: now + Duration::from_micros(900),
        clock: Some(ClockOffset { micros: -1_234_567, uncertainty_micros: 180 }),
        acknowledgement: Acknowledgement { received: 12_340, taken: 12_339 },
        item,
        ..FrameMessage::new(12_345, now, frame)
    }))
}

fn repeat(count: u64, mut work: impl FnMut() -> Result<(), Error>) -> Result<Taken, Error> {
    Taken::by(|| (0..count).try_for_each(|_| work()))
}

/// As a session does: into memory that is used again, and with its being given back.
fn encode(message: Message) -> impl FnMut(u64) -> Result<Taken, Error> {
    let (limits, mut scratch) = (Limits::DEFAULT, Scratch::default());
    move |count| {
        repeat(count, || {
            let encoded = black_box(&message).encode_with(&limits, &mut scratch)?;
            scratch.give_back(black_box(encoded).into_parts());
            Ok(())
        })
    }
}

/// Messages that have come before they are read, so that only the reading counts.
const BATCH: u64 = 64;

/// As a session does: the parts are taken out of their list, which is used again.
fn decode(message: &Message) -> Result<impl FnMut(u64) -> Result<Taken, Error> + use<>, Error> {
    let limits = Limits::DEFAULT;
    let parts = message.clone().encode(&limits)?.into_parts();
    let mut lists: Vec<Vec<Part>> = (0..BATCH).map(|_| Vec::with_capacity(parts.len())).collect();
    let mut decoded = Vec::with_capacity(lists.len());
    Ok(move |count: u64| {
        let mut taken = Taken::default();
        let mut left = count;
        while left > 0 {
            let lists = lists.get_mut(..left.min(BATCH) as usize).unwrap_or_default();
            left -= lists.len() as u64;
            lists.iter_mut().for_each(|list| list.extend(parts.iter().cloned()));
            taken.add(Taken::by(|| {
                for list in lists {
                    decoded.push(Message::take_from(black_box(list), &limits)?);
                }
                Ok(())
            })?);
            black_box(&mut decoded).clear();
        }
        Ok(taken)
    })
}

fn encode_for_vidgear(message: vidgear::Message) -> impl FnMut(u64) -> Result<Taken, Error> {
    let limits = Limits::DEFAULT;
    let mut messages = Vec::with_capacity(BATCH as usize);
    move |count| {
        let mut taken = Taken::default();
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            messages.extend((0..batch).map(|_| message.clone()));
            taken.add(Taken::by(|| {
                for message in messages.drain(..) {
                    black_box(message.encode(&limits)?);
                }
                Ok(())
            })?);
        }
        Ok(taken)
    }
}

fn decode_of_vidgear(message: vidgear::Message) -> Result<impl FnMut(u64) -> Result<Taken, Error>, Error> {
    let limits = Limits::DEFAULT;
    let encoded = message.encode(&limits)?;
    let (mut waiting, mut decoded) = (Vec::with_capacity(BATCH as usize), Vec::with_capacity(BATCH as usize));
    Ok(move |count: u64| {
        let mut taken = Taken::default();
        let mut left = count;
        while left > 0 {
            let batch = left.min(BATCH);
            left -= batch;
            waiting.extend((0..batch).map(|_| encoded.clone()));
            taken.add(Taken::by(|| {
                for message in waiting.drain(..) {
                    decoded.push(vidgear::Message::decode(black_box(message), &limits)?);
                }
                Ok(())
            })?);
            black_box(&mut decoded).clear();
        }
        Ok(taken)
    })
}

/// One message that two connections send to each other. All bytes are copied once each time, from the one's to the
/// other's memory, as a kernel would.
fn through_connections(len: usize) -> Result<impl FnMut(u64) -> Result<Taken, Error>, Error> {
    let mut wire = Wire::new()?;
    let mut message = Multipart::from(vec![Bytes::from(vec![1; 40]), Bytes::from(vec![2; len])]);
    Ok(move |count: u64| {
        repeat(count, || {
            message = wire.carry_over(black_box(std::mem::take(&mut message)))?;
            Ok(())
        })
    })
}

/// Two connections in memory, past their handshake.
struct Wire {
    from: Connection,
    to: Connection,
    pool: BufferPool,
}

impl Wire {
    fn new() -> Result<Self, Error> {
        let new = || Connection::new(ConnectionConfig::new(SocketType::Pair), Timestamp::ZERO);
        let mut wire = Self { from: new(), to: new(), pool: BufferPool::default() };
        for _ in 0..4 {
            wire.copy()?;
            wire.turn();
        }
        while wire.from.poll_event().or_else(|| wire.to.poll_event()).is_some() {}
        Ok(wire)
    }

    /// The next message goes the other way.
    fn turn(&mut self) {
        std::mem::swap(&mut self.from, &mut self.to);
    }

    fn copy(&mut self) -> Result<(), Error> {
        let transmit = self.from.transmit();
        while transmit.has_remaining() {
            let chunk = transmit.chunk();
            let len = chunk.len();
            self.to.handle_input(Timestamp::ZERO, chunk, &mut self.pool)?;
            transmit.advance(len);
        }
        Ok(())
    }

    fn carry_over(&mut self, message: Multipart) -> Result<Multipart, Error> {
        self.from.send(message)?;
        self.copy()?;
        let event = self.to.poll_event();
        self.turn();
        match event {
            Some(Event::Message(message)) => Ok(message),
            other => Err(format!("{other:?} is no message").into()),
        }
    }
}

fn copy(len: usize) -> impl FnMut(u64) -> Result<Taken, Error> {
    let (from, mut to) = (vec![7_u8; len], vec![0_u8; len]);
    move |count| {
        repeat(count, || {
            black_box(&mut to).copy_from_slice(black_box(&from));
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_filled_and_every_time_counts() {
        let slow =
            |count: u64| Ok(Taken { time: count as u32 * Duration::from_micros(50), allocations: 3 * count });
        let mut operations = [Operation::new("something", "do", slow)];
        let plan = Plan { rounds: 5, turn: Duration::from_millis(10) };
        let [measured] = &measure(&mut operations, plan).unwrap()[..] else { panic!("it is one") };
        assert_eq!(measured.rounds_ns, [50_000.0; 5]);
        assert_eq!(measured.allocations, 3.0);
        assert_eq!(operations[0].calibrate(plan.turn).unwrap(), 200);
    }

    #[test]
    fn what_grows_at_first_is_not_counted() {
        let mut calls = 0;
        let grows = move |count: u64| {
            let growing = 5_u64.saturating_sub(calls).min(count);
            calls += count;
            Ok(Taken { time: count as u32 * Duration::from_millis(8), allocations: growing })
        };
        let plan = Plan { rounds: 3, turn: Duration::from_millis(10) };
        let [measured] = &measure(&mut [Operation::new("something", "do", grows)], plan).unwrap()[..] else {
            panic!("it is one")
        };
        assert_eq!(measured.allocations, 0.0);
    }

    #[test]
    fn every_operation_works_and_has_a_name_of_its_own() {
        let mut names = std::collections::HashSet::new();
        for operation in &mut operations().unwrap() {
            (operation.run)(2 * BATCH / 3).unwrap();
            assert!(names.insert((operation.subject, operation.step)), "{names:?}");
        }
        assert!(names.contains(&(HEADER, ENCODE)) && names.contains(&(HEADER, DECODE)));
    }
}
