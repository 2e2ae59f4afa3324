//! Strangers at the port of a session: what becomes of its frames, its memory and its descriptors, and whether a peer
//! gets in.

mod ends;
mod exhaustion;
mod loads;
mod newcomers;
mod strangers;

use std::{
    thread,
    time::{Duration, Instant},
};

use netgear_proto::Pattern;
use serde::Serialize;
use serde_json::json;

pub(crate) use self::{
    ends::{Decoy, Peer, Server},
    strangers::Strangers,
};
use self::{
    ends::{PeerOrder, ServerEvent},
    exhaustion::Exhaustion,
    loads::Loads,
    newcomers::Newcomers,
    strangers::{Came, StrangersOrder},
};
use crate::{Extent, Result, end::Setup, port, program::Program, table::Report, task::Task};

const PATIENCE: Duration = Duration::from_secs(10);

/// Strangers that come in a second, while they come.
const SILENT_PER_SECOND: u32 = 1_000;
const GARBAGE_PER_SECOND: u32 = 500;

/// Those that say nothing are kept open, so many at once.
const SILENT_AT_ONCE: usize = 10_000;

pub(crate) fn run(extent: &Extent) -> Result<Report> {
    let loads = [Some(60), None]
        .map(|rate| Loads::measure(rate, extent.quick))
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let newcomers = Newcomers::measure(extent.quick)?;
    let exhaustion = Exhaustion::measure(extent.quick)?;
    let text = format!(
        "{SILENT_PER_SECOND} strangers a second that say nothing and {GARBAGE_PER_SECOND} whose handshake is garbage; \
         up to {SILENT_AT_ONCE} of the silent ones are kept open.\n\n{}\n{}\n{}",
        loads::text(&loads),
        newcomers.text(),
        exhaustion.text(),
    );
    let failures = loads
        .iter()
        .flat_map(Loads::failures)
        .chain(newcomers.failures())
        .chain(exhaustion.failures())
        .map(|failure| format!("flood: {failure}"))
        .collect();
    let rows = json!({ "loads": loads, "newcomers": newcomers, "exhaustion": exhaustion });
    Ok(Report { text, rows, failures })
}

/// A session at an open port, and who floods it.
struct Session {
    setup: Setup,
    server: Program,
    /// How many senders there ever were.
    runs: u64,
}

impl Session {
    /// A server, with so many descriptors if that is said.
    fn start(latest: bool, descriptors: Option<u32>) -> Result<Self> {
        let setup = Setup { pattern: Pattern::Pair, latest, window: 2, port: port::free()? };
        let task = Task::Server(Server { setup });
        let server = match descriptors {
            Some(descriptors) => Program::start_with_descriptors(&task, descriptors)?,
            None => Program::start(&task)?,
        };
        while !matches!(server.hear(PATIENCE)?.1, ServerEvent::Bound) {}
        Ok(Self { setup, server, runs: 0 })
    }

    /// A new sender, and how long it was until its first frame had arrived.
    fn new_peer(&mut self, frames_per_second: Option<u32>) -> Result<(Program, Duration)> {
        self.runs += 1;
        let run = self.runs;
        let started = Instant::now();
        let peer = Program::start(&Task::Peer(Peer { setup: self.setup, run, frames_per_second }))?;
        loop {
            // The counts come all the time.
            if started.elapsed() > PATIENCE {
                return Err("a new peer did not get in".into());
            }
            match self.server.hear(PATIENCE)? {
                (at, ServerEvent::FirstFrame { of_run }) if of_run == run => return Ok((peer, at - started)),
                _ => {}
            }
        }
    }

    /// Frames a second over a window of time.
    fn rate(&self, window: Duration) -> Result<f64> {
        self.server.heard_by_now::<ServerEvent>()?;
        thread::sleep(window);
        let counts: Vec<_> = self
            .server
            .heard_by_now()?
            .into_iter()
            .filter_map(|(at, event)| match event {
                ServerEvent::Count(frames) => Some((at, frames)),
                _ => None,
            })
            .collect();
        match counts[..] {
            [(from, first), .., (to, last)] => Ok((last - first) as f64 / (to - from).as_secs_f64()),
            _ => Err("the server said nothing".into()),
        }
    }
}

/// Strangers at a port, that come and pause as they are told.
struct Flood(Program);

impl Flood {
    fn prepare(port: u16) -> Result<Self> {
        Self::of(Strangers {
            port,
            silent_per_second: SILENT_PER_SECOND,
            silent_at_once: SILENT_AT_ONCE,
            garbage_per_second: GARBAGE_PER_SECOND,
        })
    }

    fn of(strangers: Strangers) -> Result<Self> {
        // Those that are open, and those on their way.
        Ok(Self(Program::start_with_descriptors(&Task::Strangers(strangers), 13_000)?))
    }

    fn come(&mut self) -> Result {
        self.0.tell(&StrangersOrder::Come)
    }

    fn pause(&mut self) -> Result<Came> {
        self.0.tell(&StrangersOrder::Pause)?;
        Ok(self.0.hear(PATIENCE)?.1)
    }

    fn go(&mut self) -> Result<Came> {
        self.0.tell(&StrangersOrder::Go)?;
        Ok(self.0.hear(PATIENCE)?.1)
    }
}

/// Tells a sender to say goodbye, and waits until it has.
fn leave(mut peer: Program) -> Result {
    peer.tell(&PeerOrder::Leave)?;
    peer.hear::<()>(PATIENCE)?;
    Ok(())
}

/// A number as it was over several windows.
#[derive(Debug, Clone, Serialize)]
struct Windows(Vec<f64>);

impl Windows {
    fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    /// How the windows stand to those of the same turns, which had the same of whatever else the machine did.
    fn median_ratio_to(&self, others: &Self) -> f64 {
        Self(self.0.iter().zip(&others.0).map(|(one, other)| one / other).collect()).median()
    }
}
