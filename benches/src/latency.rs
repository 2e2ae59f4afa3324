//! How long a frame is on its way at a camera's pace, and an item of data on its way back.

use std::{path::Path, thread, time::Duration};

use netgear_bench_end::Command;
use serde::Serialize;

use crate::{
    Cell, Contender, Error,
    measure::{Order, Pair, Plan, REST},
    spread::{Spread, quantile},
};

/// What was measured at one pace.
#[derive(Debug, Clone, Serialize)]
pub struct Paced {
    /// The exchange.
    pub cell: Cell,
    /// Frames a second.
    pub fps: f64,
    /// Of each contender, ours first.
    pub rows: Vec<Row>,
}

/// What one contender came to.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name for programs.
    pub contender: &'static str,
    /// Its name for tables.
    pub title: &'static str,
    /// What went wrong, if it did.
    pub failed: Option<String>,
    /// Every round, in order.
    pub rounds: Vec<Round>,
}

/// One turn of one contender: microseconds in the order of the frames.
#[derive(Debug, Clone, Serialize)]
pub struct Round {
    /// From the capture to the receiving application.
    pub there_us: Vec<f64>,
    /// From the reply of the receiving application to the sending one.
    pub back_us: Vec<f64>,
}

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Frames.
    There,
    /// Data.
    Back,
}

/// What latencies came to, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latencies {
    /// The medians of the rounds.
    pub p50: Spread,
    /// Of all rounds together.
    pub p99: f64,
    /// Of all rounds together.
    pub most: f64,
}

/// Frames at the start of each round that are not counted: they wake up two processes which have slept for some
/// seconds.
const WARM_UP: usize = 3;

impl Paced {
    /// Our 99th percentile as a multiple of this contender's.
    pub fn ours_to(&self, contender: &str, way: Way) -> Option<f64> {
        let p99 = |name: &str| {
            let row = self.rows.iter().find(|row| row.contender == name && row.failed.is_none())?;
            Some(row.latencies(way).p99)
        };
        Some(p99(crate::contender::OURS)? / p99(contender)?)
    }
}

impl Row {
    /// Of the frames, or of the data.
    pub fn latencies(&self, way: Way) -> Latencies {
        let counted = |round: &Round| {
            let of_way = if way == Way::There { &round.there_us } else { &round.back_us };
            of_way.iter().skip(WARM_UP).copied().collect::<Vec<_>>()
        };
        let rounds: Vec<Vec<f64>> = self.rounds.iter().map(counted).collect();
        let all = rounds.concat();
        Latencies {
            p50: Spread::of(rounds.iter().map(|round| quantile(round, 0.5)).collect()),
            p99: quantile(&all, 0.99),
            most: quantile(&all, 1.0),
        }
    }
}

/// Measures these contenders at this pace, in turns. One that fails is a row that says why.
pub fn pace(cell: &Cell, fps: f64, contenders: &[Contender], plan: Plan, folder: &Path) -> Paced {
    let frames = WARM_UP as u64 + (fps * plan.round.as_secs_f64()) as u64;
    let mut pairs = Pair::start_all(cell, contenders, folder);
    let mut rows: Vec<Row> = pairs
        .iter()
        .map(|(contender, _)| Row {
            contender: contender.id,
            title: contender.title,
            failed: None,
            rounds: Vec::new(),
        })
        .collect();
    let mut order = Order::of(pairs.len());
    for _ in 0..plan.rounds {
        for at in order.draw() {
            let (_, pair) = &mut pairs[*at];
            let Ok(alive) = pair else { continue };
            thread::sleep(REST);
            match round(alive, fps, frames, plan.round) {
                Ok(round) => rows[*at].rounds.push(round),
                Err(error) => *pair = Err(error),
            }
        }
    }
    for ((_, pair), row) in pairs.into_iter().zip(&mut rows) {
        row.failed = pair.err().map(|error| error.to_string());
    }
    Paced { cell: *cell, fps, rows }
}

fn round(pair: &mut Pair, fps: f64, frames: u64, about: Duration) -> Result<Round, Error> {
    // What is left from before is not of this round.
    pair.receiver.report()?;
    let ran = pair.sender.run(Command::Pace { fps, frames }, about)?;
    let report = pair.receiver.report()?;
    Ok(Round { there_us: report.latencies_us, back_us: ran.back_us })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_frames_of_a_round_are_not_counted() {
        let round = |of: f64| Round {
            there_us: vec![9000.0, 9000.0, 9000.0, of, of + 1.0, of + 2.0],
            back_us: vec![9000.0, 9000.0, 9000.0, 5.0],
        };
        let rounds = vec![round(10.0), round(20.0), round(30.0)];
        let row = Row { contender: "netgear", title: "netgear", failed: None, rounds };
        let there = row.latencies(Way::There);
        assert_eq!(there.p50, Spread { median: 21.0, least: 11.0, most: 31.0 });
        assert_eq!((there.p99, there.most), (32.0, 32.0));
        assert_eq!(row.latencies(Way::Back).most, 5.0);
        let half = Row {
            contender: "raw",
            rounds: vec![Round { there_us: vec![0.0, 0.0, 0.0, 64.0], back_us: vec![] }],
            ..row.clone()
        };
        let paced = Paced { cell: Cell::PLAIN, fps: 30.0, rows: vec![row, half] };
        assert_eq!(paced.ours_to("raw", Way::There), Some(0.5));
    }
}
