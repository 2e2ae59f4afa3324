//! Frames as fast as they go: our sessions, raw sockets and every peer, each end in a process of its own, in turns.
//! `cargo xtask bench --only transport` runs it.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use clap::Parser;
use netgear_benches::{
    Cell, Contender, Error, Options, Selection,
    cell::Size,
    contender::Places,
    measure::{Measured, Plan, measure},
    promises::{self, Promise},
    svg, tables,
};
use serde::Serialize;

/// Compare our sessions with raw sockets and with others.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    selection: Selection,
    /// Rounds of each contender, in place of 7, or of 2 with --quick.
    #[arg(long)]
    rounds: Option<usize>,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    common: Options,
    /// Draw the rates over TCP to this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Figures<'a> {
    cells: &'a [Measured],
    promises: &'a [Promise],
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let rounds = arguments.rounds.unwrap_or(if arguments.common.quick { 2 } else { 7 }).max(1);
    let plan = |cell: &Cell| Plan {
        rounds,
        round: Duration::from_millis(match cell.size {
            _ if arguments.common.quick => 50,
            // It takes a dozen frames.
            Size::UHD => 80,
            _ => 60,
        }),
    };
    let all = if arguments.common.quick { Cell::few() } else { Cell::all() };
    let cells = arguments.selection.of(all, Cell::to_string)?;
    let contenders = Contender::all(&arguments.places)?;
    let started = Instant::now();
    let mut measured = Vec::new();
    for (at, cell) in cells.iter().enumerate() {
        let folder = tempfile::Builder::new().prefix("netgear-bench-").tempdir()?;
        measured.push(measure(cell, &contenders, plan(cell), folder.path()));
        let left = started.elapsed() * (cells.len() - at - 1).try_into()? / (at + 1).try_into()?;
        eprintln!(
            "[{}/{}] {cell}: {}; {} s left",
            at + 1,
            cells.len(),
            outcome(&measured[at]),
            left.as_secs()
        );
    }
    let promises = promises::of_transport(&measured);
    arguments.common.print_and_write(
        &Figures { cells: &measured, promises: &promises },
        &tables::of_transport(&measured, &promises),
    )?;
    if let Some(path) = &arguments.svg {
        let drawn: Vec<Measured> = measured.into_iter().filter(|of| is_drawn(&of.cell)).collect();
        std::fs::write(path, svg::of_transport(&drawn))?;
    }
    Ok(())
}

/// Half of all would say little more.
fn is_drawn(cell: &Cell) -> bool {
    cell.carrier == netgear_benches::cell::Carrier::Tcp
}

/// In a line.
fn outcome(measured: &Measured) -> String {
    let of_row = |row: &netgear_benches::measure::Row| match &row.failed {
        Some(why) => format!("{} FAILED ({why})", row.title),
        None => format!("{} {:.0}", row.title, row.fps().median),
    };
    measured.rows.iter().map(of_row).collect::<Vec<_>>().join(", ")
}
