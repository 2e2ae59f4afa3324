//! How long a new peer takes to get in during a flood.

use std::{thread, time::Duration};

use serde::Serialize;

use super::{Flood, Session, leave};
use crate::{Result, percentiles::Percentiles};

const IN_WITHIN: f64 = 2_000.0;

/// From the start of its process until its first frame has arrived.
#[derive(Debug, Serialize)]
pub(super) struct Newcomers {
    /// The one before was killed: the same session of the server goes on.
    after_a_kill: Percentiles,
    /// The one before said goodbye: the server bound its port again.
    after_a_goodbye: Percentiles,
}

impl Newcomers {
    pub(super) fn measure(quick: bool) -> Result<Self> {
        let times = if quick { 2 } else { 20 };
        let mut session = Session::start(true, None)?;
        let mut flood = Flood::prepare(session.setup.port)?;
        let (mut peer, _) = session.new_peer(Some(60))?;
        flood.come()?;
        thread::sleep(Duration::from_millis(500));
        let (mut after_a_kill, mut after_a_goodbye) = (Vec::new(), Vec::new());
        for _ in 0..times {
            peer.kill()?;
            let (next, took) = session.new_peer(Some(60))?;
            after_a_kill.push(took);
            thread::sleep(Duration::from_millis(100));
            leave(next)?;
            let (next, took) = session.new_peer(Some(60))?;
            after_a_goodbye.push(took);
            thread::sleep(Duration::from_millis(100));
            peer = next;
        }
        flood.go()?;
        Ok(Self {
            after_a_kill: Percentiles::of(after_a_kill),
            after_a_goodbye: Percentiles::of(after_a_goodbye),
        })
    }

    fn both(&self) -> [(&'static str, Percentiles); 2] {
        [("was killed", self.after_a_kill), ("said goodbye", self.after_a_goodbye)]
    }

    pub(super) fn failures(&self) -> Vec<String> {
        let is_late = |(_, times): &(_, Percentiles)| times.worst > IN_WITHIN;
        let both = self.both().into_iter().filter(is_late);
        both.map(|(how, times)| {
            format!("a new peer got in after {:.0} ms when the one before {how}", times.worst)
        })
        .collect()
    }

    pub(super) fn text(&self) -> String {
        self.both()
            .map(|(how, times)| {
                format!(
                    "A new peer during the flood, after the one before {how}, has its first frame there {:.0} ms from its start at the median, {:.0} ms at worst, of {}.\n",
                    times.median, times.worst, times.count
                )
            })
            .concat()
    }
}
