//! A session's frames with and without strangers, in turns.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Came, Decoy, Flood, PATIENCE, Session, Windows};
use crate::{Result, port, proc_status, program::Program, table::markdown, task::Task};

/// What a flood may cost: a fifth of the frames, and so much memory.
const LEAST_RATIO: f64 = 0.8;
const MOST_MEMORY: u64 = 16 << 20;

/// How long the strangers may take until as many are there as should be.
const ALL_WITHIN: Duration = Duration::from_secs(60);

/// How long it may take until what the strangers had is given back: they have 5 s for their handshake.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(8);

/// A session of one rate, without strangers, with strangers at another port, and with strangers at its own.
#[derive(Debug, Serialize)]
pub(super) struct Loads {
    /// As many as go, if none.
    frames_per_second: Option<u32>,
    /// Whether the windows are so many and so long that they say something of a session that takes all that it can
    /// get.
    is_long: bool,
    alone: Windows,
    /// What the strangers cost the machine by themselves.
    decoy: Windows,
    flooded: Windows,
    came: Came,
    /// Of the server, in bytes.
    memory_before: u64,
    memory_at_most: u64,
    descriptors_before: usize,
    descriptors_at_most: usize,
    descriptors_after: usize,
    /// How long after the last stranger it has as many as before.
    descriptors_back_after: Duration,
}

impl Loads {
    pub(super) fn measure(frames_per_second: Option<u32>, quick: bool) -> Result<Self> {
        let (rounds, window) = if quick { (3, 400) } else { (12, 1_000) };
        let (window, settling) = (Duration::from_millis(window), Duration::from_millis(200));
        // Paced, it drops frames rather than be late; at full speed all that it is offered counts.
        let mut session = Session::start(frames_per_second.is_some(), None)?;
        let (peer, _) = session.new_peer(frames_per_second)?;
        let decoy_port = port::free()?;
        let decoy = Program::start(&Task::Decoy(Decoy { port: decoy_port }))?;
        decoy.hear::<()>(PATIENCE)?;
        let mut floods = [Flood::prepare(decoy_port)?, Flood::prepare(session.setup.port)?];
        session.rate(Duration::from_secs(1))?;
        let server = session.server.id();
        let memory_before = proc_status::resident_at_most(server)?;
        let descriptors_before = proc_status::descriptors(server)?;
        let mut descriptors_at_most = descriptors_before;
        let [mut alone, mut at_decoy, mut flooded] = [const { Vec::new() }; 3];
        let mut came = Came::default();
        for _ in 0..rounds {
            thread::sleep(settling);
            alone.push(session.rate(window)?);
            for (flood, rates) in floods.iter_mut().zip([&mut at_decoy, &mut flooded]) {
                flood.come()?;
                thread::sleep(settling);
                rates.push(session.rate(window)?);
                descriptors_at_most = descriptors_at_most.max(proc_status::descriptors(server)?);
                came = flood.pause()?;
            }
        }
        let [mut decoys, mut strangers] = floods;
        decoys.go()?;
        if !quick {
            // Until there were as many as there should be.
            strangers.come()?;
            let began = Instant::now();
            while came.open_at_most < super::SILENT_AT_ONCE
                && came.failed == 0
                && began.elapsed() < ALL_WITHIN
            {
                thread::sleep(Duration::from_millis(500));
                came = strangers.pause()?;
                strangers.come()?;
            }
        }
        came = strangers.go()?;
        let gone = Instant::now();
        let mut descriptors_after = proc_status::descriptors(server)?;
        while descriptors_after != descriptors_before && gone.elapsed() < GIVEN_BACK_WITHIN {
            thread::sleep(Duration::from_millis(20));
            descriptors_after = proc_status::descriptors(server)?;
        }
        let descriptors_back_after = gone.elapsed();
        let memory_at_most = proc_status::resident_at_most(server)?;
        peer.kill()?;
        Ok(Self {
            frames_per_second,
            is_long: !quick,
            alone: Windows(alone),
            decoy: Windows(at_decoy),
            flooded: Windows(flooded),
            came,
            memory_before,
            memory_at_most,
            descriptors_before,
            descriptors_at_most,
            descriptors_after,
            descriptors_back_after,
        })
    }

    fn ratio(&self) -> f64 {
        self.flooded.median_ratio_to(&self.alone)
    }

    fn ratio_to_decoy(&self) -> f64 {
        self.flooded.median_ratio_to(&self.decoy)
    }

    fn memory(&self) -> u64 {
        self.memory_at_most.saturating_sub(self.memory_before)
    }

    fn name(&self) -> String {
        self.frames_per_second.map_or("full speed".to_owned(), |rate| format!("{rate} frames/s"))
    }

    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        // At full speed the session and the strangers want more processors than a small machine has: what they cost
        // by themselves is not the session's doing.
        let ratio = if self.frames_per_second.is_some() { self.ratio() } else { self.ratio_to_decoy() };
        let is_held_to_it = self.is_long || self.frames_per_second.is_some();
        if is_held_to_it && ratio < LEAST_RATIO {
            failures.push(format!("{}: {ratio:.2} of its frames", self.name()));
        }
        if self.memory() > MOST_MEMORY {
            failures.push(format!("{}: {} bytes more of memory", self.name(), self.memory()));
        }
        if self.descriptors_after != self.descriptors_before {
            failures.push(format!(
                "{}: {} descriptors before, {} after",
                self.name(),
                self.descriptors_before,
                self.descriptors_after
            ));
        }
        failures
    }
}

pub(super) fn text(loads: &[Loads]) -> String {
    let cells: Vec<_> = loads
        .iter()
        .map(|load| {
            [
                load.name(),
                format!("{:.1}", load.alone.median()),
                format!("{:.1}", load.decoy.median()),
                format!("{:.1}", load.flooded.median()),
                format!("{:.2}", load.ratio()),
                format!("{:.2}", load.ratio_to_decoy()),
                format!("{} + {}, {}", load.came.silent, load.came.garbage, load.came.failed),
                load.came.open_at_most.to_string(),
                format!("{:.1}", load.memory() as f64 / f64::from(1 << 20)),
                format!(
                    "{} / {} / {} after {:.1} s",
                    load.descriptors_before,
                    load.descriptors_at_most,
                    load.descriptors_after,
                    load.descriptors_back_after.as_secs_f64()
                ),
            ]
        })
        .collect();
    let headings = [
        "720p session",
        "alone",
        "strangers elsewhere",
        "strangers at its port",
        "ratio",
        "ratio to elsewhere",
        "silent + garbage, failed",
        "open at once",
        "memory, MiB more",
        "descriptors: before / most / after",
    ];
    format!(
        "Frames a second, medians of windows in turns; a ratio is the median of those of neighbours. \"Elsewhere\" is a port of another process that only accepts: what the strangers cost the machine by themselves.\n\n{}",
        markdown(headings, &cells)
    )
}
