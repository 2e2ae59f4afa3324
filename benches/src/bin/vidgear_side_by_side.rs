//! Our ends and VidGear's in every combination, round after round, A B C D A B C D, so that what the machine does meanwhile
//! touches all alike. `cargo xtask bench --vidgear` runs it.

use std::{fmt::Write as _, path::PathBuf};

use clap::Parser;
use netgear_benches::{
    Error, Options, Spread,
    vidgear::{End, VidGear},
};
use serde::Serialize;

/// Compare our ends with VidGear's.
#[derive(Debug, Parser)]
struct Arguments {
    /// A Python interpreter that has VidGear.
    #[arg(long)]
    python: PathBuf,
    /// xtask's peers.py.
    #[arg(long)]
    script: PathBuf,
    #[command(flatten)]
    common: Options,
}

/// Sender and receiver; VidGear with itself is what the others are compared with.
const COMBINATIONS: [(End, End); 4] = [
    (End::VidGear, End::VidGear),
    (End::VidGear, End::Ours),
    (End::Ours, End::VidGear),
    (End::Ours, End::Ours),
];

/// One line of the table.
#[derive(Debug, Serialize)]
struct Row {
    sender: &'static str,
    receiver: &'static str,
    fps: Spread,
    /// To that of VidGear with itself: the ratio of the medians.
    ratio: f64,
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let vidgear = VidGear { python: arguments.python, script: arguments.script };
    let (rounds, frames) = if arguments.common.quick { (1, 60) } else { (7, 400) };
    let mut fps: [Vec<f64>; COMBINATIONS.len()] = Default::default();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds} …");
        for ((sender, receiver), fps) in COMBINATIONS.into_iter().zip(&mut fps) {
            let elapsed = vidgear.run(sender, receiver, frames)?;
            fps.push(f64::from(frames) / elapsed.as_secs_f64());
        }
    }
    let fps = fps.map(Spread::of);
    let rows: Vec<Row> = COMBINATIONS
        .into_iter()
        .zip(fps)
        .map(|((sender, receiver), of_this)| Row {
            sender: name(sender),
            receiver: name(receiver),
            fps: of_this,
            ratio: of_this.median / fps[0].median,
        })
        .collect();
    let table = markdown(&rows)?;
    arguments.common.print_or_write(&rows, &table)
}

fn name(end: End) -> &'static str {
    match end {
        End::Ours => "NetGear for Rust",
        End::VidGear => "VidGear",
    }
}

fn markdown(rows: &[Row]) -> Result<String, Error> {
    let mut table = String::new();
    writeln!(table, "| sender | receiver | fps | to VidGear with itself |")?;
    writeln!(table, "|---|---|--:|--:|")?;
    for Row { sender, receiver, fps, ratio } in rows {
        let Spread { median, least, most } = fps;
        writeln!(table, "| {sender} | {receiver} | {median:.0} ({least:.0}–{most:.0}) | {ratio:.2} |")?;
    }
    Ok(table)
}
