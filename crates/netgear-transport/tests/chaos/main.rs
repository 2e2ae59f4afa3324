//! A session over a network that fails at every single byte of its first exchanges, and at random ones of a longer stream.
//!
//! A failure names its case. `NETGEAR_CHAOS="<case>"` runs that one alone.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../common/mod.rs"]
mod common;
mod talk;

use std::{fmt, sync::Arc, time::Duration};

use fastrand::Rng;
use netgear_transport::proto::{Pattern, Role};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    common::{
        PATTERNS,
        proxy::{DIRECTIONS, Direction, Fault, Plan},
    },
    talk::{HEARTBEAT, SHORT, SHORT_ENCODED, STREAM, STREAM_ENCODED, Talk, talk},
};

/// One session over one network that fails once.
#[derive(Debug, Clone, Copy)]
struct Case {
    pattern: Pattern,
    binds: Role,
    talk: Talk,
    plan: Plan,
}

/// By which it can be run alone.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pattern, binds, talk, plan: Plan { direction, offset, fault } } = self;
        let frames = talk.frames;
        let way = match direction {
            Direction::Forth => "to",
            Direction::Back => "from",
        };
        let encoded = if talk.encoded { "encoded " } else { "" };
        write!(f, "{pattern}, {frames} {encoded}frames, byte {offset} {way} the bound {binds}: ")?;
        match fault {
            Fault::Cut => f.write_str("cut"),
            Fault::Reset => f.write_str("reset"),
            Fault::Stall { both, then_cut, .. } => {
                write!(f, "stall{}", if *both { " of both directions" } else { "" })?;
                f.write_str(if *then_cut { ", then cut" } else { "" })
            }
            Fault::Slow { bytes } => write!(f, "slow for {bytes} bytes"),
            Fault::Flip { bit } => write!(f, "flip of bit {bit}"),
        }
    }
}

/// What a fault may do to a session.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Nothing but time.
    None,
    /// TCP lets no altered bit through. One that comes through all the same may cost the session, with an error, and what it stood in.
    Altered,
}

const STALL: Duration = Duration::from_millis(HEARTBEAT.timeout.as_millis() as u64 * 3 / 2);

fn stall(both: bool, then_cut: bool) -> Fault {
    Fault::Stall { pause: STALL, both, then_cut }
}

/// How many bytes pass each way when nothing fails.
async fn lengths(pattern: Pattern, binds: Role, talking: Talk) -> [u64; 2] {
    let outcome = talk(pattern, binds, talking, None).await;
    outcome.check_all(talking).unwrap();
    outcome.passed
}

/// Every byte of a short talk, both ways, with the receiver bound, and some with the sender.
async fn every_byte(talk: Talk, fault: impl Fn(u64) -> Fault) -> Vec<Case> {
    let mut cases = Vec::new();
    for pattern in PATTERNS {
        for (binds, step) in [(Role::Receiver, 1), (Role::Sender, 4)] {
            let lengths = lengths(pattern, binds, talk).await;
            for (direction, length) in DIRECTIONS.into_iter().zip(lengths) {
                cases.extend((0..length).step_by(step).map(|offset| {
                    let plan = Plan { direction, offset, fault: fault(offset) };
                    Case { pattern, binds, talk, plan }
                }));
            }
        }
    }
    cases
}

/// Bytes anywhere in a long talk.
async fn random_bytes(talk: Talk, seed: u64, number: usize, fault: impl Fn(u64) -> Fault) -> Vec<Case> {
    let mut random = Rng::with_seed(seed);
    let mut cases = Vec::new();
    for pattern in PATTERNS {
        let lengths = lengths(pattern, Role::Receiver, talk).await;
        for at in 0..number {
            let binds = if at % 2 == 0 { Role::Receiver } else { Role::Sender };
            let (direction, length) = match (at / 2) % 2 {
                0 => (Direction::Forth, lengths[if binds == Role::Receiver { 0 } else { 1 }]),
                _ => (Direction::Back, lengths[if binds == Role::Receiver { 1 } else { 0 }]),
            };
            let offset = random.u64(..length);
            let plan = Plan { direction, offset, fault: fault(random.u64(..)) };
            cases.push(Case { pattern, binds, talk, plan });
        }
    }
    cases
}

/// Runs so many cases at once.
async fn run(mut cases: Vec<Case>, harm: Harm, at_once: usize) {
    if let Ok(one) = std::env::var("NETGEAR_CHAOS") {
        cases.retain(|case| case.to_string() == one);
    }
    let places = Arc::new(Semaphore::new(at_once));
    let mut running = JoinSet::new();
    for case in cases {
        let places = Arc::clone(&places);
        running.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let outcome = talk(case.pattern, case.binds, case.talk, Some(case.plan)).await;
            (case, outcome)
        });
    }
    let (mut wrong, mut struck, mut ran) = (Vec::new(), 0, 0);
    while let Some(done) = running.join_next().await {
        let (case, outcome) = done.unwrap();
        ran += 1;
        struck += usize::from(outcome.struck);
        let checked = match harm {
            Harm::None => outcome.check_all(case.talk),
            Harm::Altered => outcome.check_altered(case.talk),
        };
        if let Err(why) = checked {
            wrong.push(format!("{case}\n    {why}\n    {outcome:?}"));
        }
    }
    let number = wrong.len();
    wrong.truncate(10);
    assert!(wrong.is_empty(), "{number} of {ran}:\n{}", wrong.join("\n"));
    // The talk differs by a few bytes from one time to the next.
    assert!(struck * 100 >= ran * 95, "only {struck} of {ran} faults happened");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_every_byte() {
    let fault = |offset| if offset % 2 == 0 { Fault::Cut } else { Fault::Reset };
    run(every_byte(SHORT, fault).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_at_every_byte() {
    let fault = |offset: u64| stall(offset.is_multiple_of(2), offset.is_multiple_of(3));
    run(every_byte(SHORT, fault).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_at_a_time_from_every_byte() {
    run(every_byte(SHORT, |_| Fault::Slow { bytes: 24 }).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_every_byte() {
    let fault = |offset: u64| Fault::Flip { bit: (offset.wrapping_mul(5) % 8) as u8 };
    run(every_byte(SHORT, fault).await, Harm::Altered, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_anywhere_in_a_stream() {
    let mut cases =
        random_bytes(STREAM, 1, 12, |random| if random % 2 == 0 { Fault::Cut } else { Fault::Reset }).await;
    cases.extend(random_bytes(STREAM, 2, 12, |random| stall(random % 2 == 0, random % 3 == 0)).await);
    cases.extend(random_bytes(STREAM, 3, 8, |_| Fault::Slow { bytes: 200 }).await);
    run(cases, Harm::None, 12).await;
    let cases = random_bytes(STREAM, 4, 24, |random| Fault::Flip { bit: (random % 8) as u8 }).await;
    run(cases, Harm::Altered, 12).await;
}

/// Encoded frames are lost and come again as raw ones do, and none is decoded before it is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_at_every_byte_of_encoded_frames() {
    let fault = |offset| if offset % 2 == 0 { Fault::Cut } else { Fault::Reset };
    run(every_byte(SHORT_ENCODED, fault).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_anywhere_in_a_stream_of_encoded_frames() {
    let mut cases =
        random_bytes(STREAM_ENCODED, 5, 8, |random| if random % 2 == 0 { Fault::Cut } else { Fault::Reset })
            .await;
    cases.extend(random_bytes(STREAM_ENCODED, 6, 6, |random| stall(random % 2 == 0, random % 3 == 0)).await);
    run(cases, Harm::None, 12).await;
}
