//! A session over a network that fails at every single byte of its first exchanges, and at random ones of a longer
//! stream.
//!
//! A failure names its case. `NETGEAR_CHAOS="<case>"` runs that one alone.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../common/mod.rs"]
mod common;
mod talk;

use std::{fmt, sync::Arc, time::Duration};

use fastrand::Rng;
use netgear_transport::proto::{EncodingChoice, Pattern, Role};
use tokio::{sync::Semaphore, task::JoinSet};

use crate::{
    common::{
        PATTERNS,
        codec::RAW_AND_ENCODED,
        proxy::{DIRECTIONS, Direction, Fault, Plan},
    },
    talk::{HEARTBEAT, SHORT, STREAM, Talk, talk},
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
        let encoding = talk.encoding;
        write!(f, "{pattern}, {frames} {encoding} frames, byte {offset} {way} the bound {binds}: ")?;
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
    /// TCP lets no altered bit through. One that comes through all the same may cost the session, with an error, and
    /// what it stood in.
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

/// Every byte of a short talk, both ways, with the receiver bound, and some with the sender. Where frames are
/// encoded, every `thinned`th byte, and JPEG and lossless take turns.
async fn every_byte(thinned: usize, fault: impl Fn(u64) -> Fault) -> Vec<Case> {
    let mut cases = Vec::new();
    let talks = [
        (SHORT, 0, 1),
        (Talk { encoding: EncodingChoice::JPEG, ..SHORT }, 0, thinned),
        (Talk { encoding: EncodingChoice::Lossless, ..SHORT }, thinned as u64 / 2, thinned),
    ];
    for (pattern, (talk, first, step)) in
        PATTERNS.into_iter().flat_map(|pattern| talks.map(|talk| (pattern, talk)))
    {
        for (binds, stride) in [(Role::Receiver, 1), (Role::Sender, 4)] {
            let lengths = lengths(pattern, binds, talk).await;
            for (direction, length) in DIRECTIONS.into_iter().zip(lengths) {
                cases.extend((first..length).step_by(stride * step).map(|offset| {
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
    run(every_byte(2, fault).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_at_every_byte() {
    let fault = |offset: u64| stall(offset.is_multiple_of(2), offset.is_multiple_of(3));
    run(every_byte(9, fault).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_byte_at_a_time_from_every_byte() {
    run(every_byte(9, |_| Fault::Slow { bytes: 24 }).await, Harm::None, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_in_every_byte() {
    let fault = |offset: u64| Fault::Flip { bit: (offset.wrapping_mul(5) % 8) as u8 };
    run(every_byte(9, fault).await, Harm::Altered, 200).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn faults_anywhere_in_a_stream() {
    for (at, encoding) in RAW_AND_ENCODED.into_iter().enumerate() {
        let stream = Talk { encoding, ..STREAM };
        let (seed, share) = (10 * at as u64, if encoding == EncodingChoice::Raw { 1 } else { 3 });
        let cut = |random| if random % 2 == 0 { Fault::Cut } else { Fault::Reset };
        let mut cases = random_bytes(stream, seed + 1, 12 / share, cut).await;
        let stall = |random| stall(random % 2 == 0, random % 3 == 0);
        cases.extend(random_bytes(stream, seed + 2, 12 / share, stall).await);
        cases.extend(random_bytes(stream, seed + 3, 8 / share, |_| Fault::Slow { bytes: 200 }).await);
        run(cases, Harm::None, 12).await;
        let flip = |random| Fault::Flip { bit: (random % 8) as u8 };
        run(random_bytes(stream, seed + 4, 24 / share, flip).await, Harm::Altered, 12).await;
    }
}
