//! A server that is out of file descriptors.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{Flood, Session, Strangers};
use crate::{Result, proc_status};

/// A loop that is busy takes all of a processor.
const MOST_BUSY: f64 = 0.1;

/// Once descriptors can be had again. Strangers have 5 s to shake hands.
const BACK_WITHIN: Duration = Duration::from_secs(2);

/// Fewer than the strangers that are greeted at once.
const DESCRIPTORS: u32 = 32;

#[derive(Debug, Serialize)]
pub(super) struct Exhaustion {
    /// How many it has, with nobody there.
    descriptors_before: usize,
    descriptors_then: usize,
    /// The part of one processor that it takes with nobody there and none left.
    busy: f64,
    /// How long after the strangers went a new peer has its first frame there.
    peer_in_after: Duration,
    /// Frames a second before, and with none left.
    rate_before: f64,
    rate_then: f64,
    descriptors_after: usize,
}

impl Exhaustion {
    pub(super) fn measure(quick: bool) -> Result<Self> {
        let window = Duration::from_millis(if quick { 1_000 } else { 5_000 });
        let mut session = Session::start(true, Some(DESCRIPTORS))?;
        let server = session.server.id();
        let descriptors_before = proc_status::descriptors(server)?;
        // More than it can hold, and a little flow of others.
        let mut flood = Flood::of(Strangers {
            port: session.setup.port,
            silent_per_second: 100,
            silent_at_once: 200,
            garbage_per_second: 20,
        })?;
        flood.come()?;
        let descriptors_then = await_exhaustion(server)?;
        let (started, busy) = (Instant::now(), proc_status::processor_time(server)?);
        thread::sleep(window);
        let busy =
            (proc_status::processor_time(server)? - busy).as_secs_f64() / started.elapsed().as_secs_f64();
        flood.go()?;
        let (peer, peer_in_after) = session.new_peer(Some(60))?;
        let rate_before = session.rate(window)?;
        flood.come()?;
        await_exhaustion(server)?;
        let rate_then = session.rate(window)?;
        flood.go()?;
        peer.kill()?;
        let gone = Instant::now();
        let mut descriptors_after = proc_status::descriptors(server)?;
        while descriptors_after != descriptors_before && gone.elapsed() < Duration::from_secs(8) {
            thread::sleep(Duration::from_millis(20));
            descriptors_after = proc_status::descriptors(server)?;
        }
        Ok(Self {
            descriptors_before,
            descriptors_then,
            busy,
            peer_in_after,
            rate_before,
            rate_then,
            descriptors_after,
        })
    }

    pub(super) fn failures(&self) -> Vec<String> {
        let mut failures = Vec::new();
        if self.busy > MOST_BUSY {
            failures.push(format!("out of descriptors it takes {:.2} of a processor", self.busy));
        }
        if self.peer_in_after > BACK_WITHIN {
            failures
                .push(format!("a peer got in {:?} after there were descriptors again", self.peer_in_after));
        }
        if self.rate_then < 0.8 * self.rate_before {
            failures.push(format!(
                "out of descriptors: {:.1} frames/s of {:.1}",
                self.rate_then, self.rate_before
            ));
        }
        if self.descriptors_after != self.descriptors_before {
            failures.push(format!(
                "{} descriptors before, {} after",
                self.descriptors_before, self.descriptors_after
            ));
        }
        failures
    }

    pub(super) fn text(&self) -> String {
        format!(
            "A server with {DESCRIPTORS} descriptors, of which strangers have taken all but {}: {:.1} % of one processor with nobody there; \
             a session that runs goes on at {:.1} frames/s of {:.1}; a new peer has its first frame there {:.0} ms after the strangers went; \
             {} descriptors in the end.\n",
            self.descriptors_before,
            self.busy * 100.0,
            self.rate_then,
            self.rate_before,
            self.peer_in_after.as_secs_f64() * 1e3,
            self.descriptors_after,
        )
    }
}

/// Waits until there is none left.
fn await_exhaustion(server: u32) -> Result<usize> {
    let started = Instant::now();
    loop {
        let descriptors = proc_status::descriptors(server)?;
        if descriptors >= DESCRIPTORS as usize {
            return Ok(descriptors);
        }
        if started.elapsed() > Duration::from_secs(10) {
            return Err(format!("the server had {descriptors} descriptors, and was never out of them").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
}
