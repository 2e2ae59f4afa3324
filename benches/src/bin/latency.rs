//! How long a frame is on its way at a camera's pace, and data on its way back: our sessions, raw sockets and some
//! peers, each end in a process of its own, in turns. `cargo xtask bench --only latency` runs it.

use std::time::Duration;

use clap::Parser;
use netgear_bench_end::Pattern;
use netgear_benches::{
    Cell, Contender, Error, Options,
    cell::Size,
    contender::Places,
    latency::{Paced, pace},
    measure::{Measured, Plan, measure},
    promises::{self, Promise},
    tables,
};
use serde::Serialize;

/// Compare how long frames and data are on their way.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    common: Options,
}

#[derive(Debug, Serialize)]
struct Figures<'a> {
    paced: &'a [Paced],
    round_trips: &'a [Measured],
    promises: &'a [Promise],
}

/// Who is measured unless somebody is named: the others of their kind would say little more.
const USUAL: [&str; 4] = ["netgear", "raw", "libzmq-without-copies", "vidgear"];

/// Of the item of data.
const ITEM_BYTES: usize = 100;

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (rounds, milliseconds, paces) = if arguments.common.quick {
        (2, 400, [(Size::HD, 60.0)].as_slice())
    } else {
        (7, 500, [(Size::SD, 30.0), (Size::SD, 60.0), (Size::HD, 30.0), (Size::HD, 60.0)].as_slice())
    };
    let plan = Plan { rounds, round: Duration::from_millis(milliseconds) };
    let mut contenders = Contender::all(&arguments.places)?;
    if arguments.places.contenders.is_empty() {
        contenders.retain(|contender| USUAL.contains(&contender.id));
    }
    let cell = Cell { item_bytes: ITEM_BYTES, ..Cell::PLAIN };
    let folder = || tempfile::Builder::new().prefix("netgear-bench-").tempdir();
    let mut paced = Vec::new();
    for (size, fps) in paces {
        eprintln!("{} at {fps} fps …", size.name);
        paced.push(pace(&Cell { size: *size, ..cell }, *fps, &contenders, plan, folder()?.path()));
    }
    eprintln!("round trips …");
    let plan = Plan { round: Duration::from_millis(200).min(plan.round), ..plan };
    // A pixel goes with it, for there is no data without a frame.
    let data = Cell { size: Size::PIXEL, ..cell };
    let round_trips = [data, Cell { pattern: Pattern::ReqRep, ..data }]
        .map(|cell| folder().map(|folder| measure(&cell, &contenders, plan, folder.path())));
    let round_trips = round_trips.into_iter().collect::<Result<Vec<_>, _>>()?;
    let promises = promises::of_latency(&paced, &round_trips);
    arguments.common.print_and_write(
        &Figures { paced: &paced, round_trips: &round_trips, promises: &promises },
        &tables::of_latency(&paced, &round_trips, &promises),
    )
}
