//! What docs/performance.md promises, held against what was measured.

mod protocol;
mod resizing;

use netgear_bench_end::{Pattern, Returned};
use serde::Serialize;

pub use self::{
    protocol::of_protocol,
    resizing::{is_promised, of_resizing},
};
use crate::{
    Cell,
    cell::{Carrier, Size},
    contender::{OURS, RAW, RAW_IN_LOCK_STEP},
    latency::{Paced, Way},
    measure::Measured,
};

/// A bound that is to hold wherever it says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Promise {
    /// What is compared, and where.
    pub what: String,
    /// The bound.
    pub bound: Bound,
    /// The figure that is the furthest from keeping it.
    pub worst: f64,
    /// Where that is.
    pub at: String,
    /// In how many places it is kept.
    pub kept: usize,
    /// And of how many.
    pub places: usize,
}

/// Which figures keep a promise.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Those from here on.
    AtLeast(f64),
    /// Those up to here.
    AtMost(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }

    /// The further from the bound, the smaller.
    fn margin(self, figure: f64) -> f64 {
        match self {
            Self::AtLeast(bound) => figure - bound,
            Self::AtMost(bound) => bound - figure,
        }
    }
}

impl Promise {
    /// Of these figures, each with its place. `None` if there are none: what was not measured is neither kept nor
    /// broken.
    pub(crate) fn of(what: impl Into<String>, bound: Bound, figures: Vec<(f64, String)>) -> Option<Self> {
        let worst = figures.iter().min_by(|a, b| bound.margin(a.0).total_cmp(&bound.margin(b.0)))?;
        Some(Self {
            what: what.into(),
            bound,
            worst: worst.0,
            at: worst.1.clone(),
            kept: figures.iter().filter(|(figure, _)| bound.holds(*figure)).count(),
            places: figures.len(),
        })
    }

    /// Whether it is kept in every place.
    pub fn is_kept(&self) -> bool {
        self.kept == self.places
    }
}

/// Those of the rates and of memory.
pub fn of_transport(measured: &[Measured]) -> Vec<Promise> {
    let ratios = |contender: &str, is_meant: &dyn Fn(&Cell) -> bool| -> Vec<(f64, String)> {
        let meant = measured.iter().filter(|measured| is_meant(&measured.cell));
        meant.filter_map(|of| Some((of.ours_to(contender)?, of.cell.to_string()))).collect()
    };
    let lock_step = |cell: &Cell| cell.window == 1;
    let mut promises = vec![
        Promise::of(
            "lock-step at 1080p and 4K, to raw sockets",
            Bound::AtLeast(0.95),
            ratios(RAW, &|cell| lock_step(cell) && cell.size != Size::SD),
        ),
        Promise::of(
            "lock-step at 480p, to raw sockets",
            Bound::AtLeast(0.90),
            ratios(RAW, &|cell| lock_step(cell) && cell.size == Size::SD),
        ),
    ];
    let windowed = |cell: &Cell| {
        !lock_step(cell)
            && cell.size == Size::HD
            && cell.carrier == Carrier::Tcp
            && cell.pattern == Pattern::Pair
    };
    promises.push(Promise::of(
        "windowed 1080p over TCP and PAIR, to raw sockets in lock-step",
        Bound::AtLeast(1.0),
        ratios(RAW_IN_LOCK_STEP, &windowed),
    ));
    promises.push(Promise::of(
        "windowed 1080p over TCP and PAIR, to raw sockets with the same window",
        Bound::AtLeast(0.95),
        ratios(RAW, &windowed),
    ));
    let peers = [
        ("zeromq", "zeromq", None, 1.5),
        ("imagezmq", "imagezmq", None, 1.0),
        ("libzmq-without-copies", "libzmq without copies", None, 1.0),
        ("omq", "omq-tokio", None, 1.0),
        ("vidgear", "VidGear, small data back", Some(Returned::Data), 2.5),
        ("vidgear", "VidGear, frames back", Some(Returned::Frame), 3.5),
    ];
    for (contender, name, returned, least) in peers {
        let is_meant =
            |cell: &Cell| lock_step(cell) && returned.is_none_or(|returned| cell.returned == returned);
        promises.push(Promise::of(
            format!("lock-step at 1080p, to {name}"),
            Bound::AtLeast(least),
            ratios(contender, &|cell| is_meant(cell) && cell.size == Size::HD),
        ));
        promises.push(Promise::of(
            format!("lock-step at 480p and 4K, to {name}"),
            Bound::AtLeast(1.0),
            ratios(contender, &|cell| is_meant(cell) && cell.size != Size::HD),
        ));
    }
    let frames_above_base = |measured: &Measured| {
        let grown = measured.row(OURS)?.receiver_memory?;
        let frames = grown.peak.saturating_sub(grown.base) as f64 / measured.cell.frame_bytes() as f64;
        Some((frames, measured.cell.to_string()))
    };
    promises.push(Promise::of(
        "peak memory of a 4K receiver above its base, in frames",
        Bound::AtMost(4.0),
        measured.iter().filter(|of| of.cell.size == Size::UHD).filter_map(frames_above_base).collect(),
    ));
    promises.into_iter().flatten().collect()
}

/// Those of how long it takes.
pub fn of_latency(paced: &[Paced], round_trips: &[Measured]) -> Vec<Promise> {
    let at_30 = paced.iter().filter(|paced| paced.cell.size == Size::HD && paced.fps == 30.0);
    let ratios = at_30.filter_map(|paced| {
        let place = format!("{}, {} fps", paced.cell, paced.fps);
        Some((paced.ours_to(RAW, Way::There)?, place))
    });
    // The ratio of the rates is that of raw sockets' time to ours.
    let times = round_trips.iter().filter_map(|of| Some((1.0 / of.ours_to(RAW)?, of.cell.to_string())));
    [
        Promise::of("p99 of a 1080p frame at 30 fps, to raw sockets", Bound::AtMost(1.5), ratios.collect()),
        Promise::of(
            "round trip of an item of 100 bytes, to raw sockets",
            Bound::AtMost(1.3),
            times.collect(),
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::{Growth, Round, Row};

    fn measured(cell: Cell, fps: &[(&'static str, u64)]) -> Measured {
        let row = |(contender, fps): &(&'static str, u64)| Row {
            contender,
            title: contender,
            failed: None,
            rounds: vec![Round {
                frames: *fps,
                seconds: 1.0,
                sender_cpu_seconds: 0.0,
                receiver_cpu_seconds: 0.0,
            }],
            sender_memory: None,
            receiver_memory: Some(Growth { base: 10, peak: 10 + 3 * cell.frame_bytes() }),
            user_copies: None,
        };
        Measured { cell, rows: fps.iter().map(row).collect() }
    }

    #[test]
    fn the_worst_place_decides() {
        let ipc = Cell { carrier: Carrier::Ipc, ..Cell::PLAIN };
        let all = [
            measured(Cell::PLAIN, &[(OURS, 96), (RAW, 100), ("omq", 90)]),
            measured(ipc, &[(OURS, 94), (RAW, 100)]),
            // At another size other promises are made.
            measured(Cell { size: Size::SD, ..ipc }, &[(OURS, 91), (RAW, 100)]),
        ];
        let promises = of_transport(&all);
        let to_raw = &promises[0];
        assert_eq!(
            (to_raw.worst, to_raw.at.as_str()),
            (0.94, "1080p, small data back, ipc, PAIR, lock-step")
        );
        assert_eq!((to_raw.kept, to_raw.places, to_raw.is_kept()), (1, 2, false));
        assert!(promises[1].is_kept());
        assert_eq!(promises[2].what, "lock-step at 1080p, to omq-tokio");
        assert!(promises[2].is_kept());
        // What was not measured is not in the list.
        assert_eq!(promises.len(), 3);
    }

    #[test]
    fn a_window_is_held_against_lock_step_too() {
        let cell = Cell { window: crate::cell::WINDOW, ..Cell::PLAIN };
        let promises = of_transport(&[measured(cell, &[(OURS, 98), (RAW, 100), (RAW_IN_LOCK_STEP, 99)])]);
        assert_eq!(promises.iter().map(Promise::is_kept).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn memory_is_counted_in_frames() {
        let promises = of_transport(&[measured(Cell { size: Size::UHD, ..Cell::PLAIN }, &[(OURS, 1)])]);
        assert_eq!(
            (promises[0].worst, promises[0].bound, promises[0].is_kept()),
            (3.0, Bound::AtMost(4.0), true)
        );
    }

    #[test]
    fn a_round_trip_is_a_time_and_not_a_rate() {
        let promises = of_latency(&[], &[measured(Cell::PLAIN, &[(OURS, 50), (RAW, 100)])]);
        assert_eq!((promises[0].worst, promises[0].is_kept()), (2.0, false));
    }
}
