//! Resizing beside `cv2.resize` and pic-scale, each library in a process of its own, in turns.
//! `cargo xtask bench --only resize` runs it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use clap::Parser;
use netgear_benches::{
    Error, Options, Selection,
    cell::Size,
    contender,
    promises::{self, Promise},
    resizing::{Library, Measured, Plan, Reduction, Stopwatch, measure},
    svg, tables,
};
use serde::Serialize;

/// Compare our resizing with that of others.
#[derive(Debug, Parser)]
struct Arguments {
    /// The program with the ends of this package.
    #[arg(long, value_name = "PATH")]
    end: PathBuf,
    /// A Python interpreter that has OpenCV.
    #[arg(long, value_name = "PYTHON")]
    cv2: Option<PathBuf>,
    /// The program of benches/peers, which has pic-scale.
    #[arg(long, value_name = "PATH")]
    peers: Option<PathBuf>,
    #[command(flatten)]
    selection: Selection,
    /// Rounds of each, in place of 7, or of 2 with --quick; three times as many of 1080p BGR, of which something is
    /// promised.
    #[arg(long)]
    rounds: Option<usize>,
    #[command(flatten)]
    common: Options,
    /// Draw the times of 1080p BGR, 30 % off, to this file.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// How often what is promised is measured, each time in new processes. Where the system puts a process's memory
/// decides for its whole life, at times by more than what is compared.
const LIVES: usize = 3;

#[derive(Debug, Serialize)]
struct Figures<'a> {
    reductions: &'a [Measured],
    promises: &'a [Promise],
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (rounds, milliseconds, sizes) = if arguments.common.quick {
        (2, 1, [Size::SD, Size::HD].as_slice())
    } else {
        (7, 2, [Size::SD, Size::HD, Size::UHD].as_slice())
    };
    let plan =
        Plan { rounds: arguments.rounds.unwrap_or(rounds).max(1), turn: Duration::from_millis(milliseconds) };
    let reductions = arguments.selection.of(Reduction::all(sizes), Reduction::to_string)?;
    let (started, mut said) = (Instant::now(), Instant::now());
    let mut measured: Vec<Measured> = Vec::new();
    for lives in 0..LIVES {
        let mut stopwatches = stopwatches(&arguments)?;
        for (at, reduction) in reductions.iter().enumerate() {
            match measured.get_mut(at) {
                None => measured.push(measure(reduction, &mut stopwatches, plan)),
                Some(before) if promises::is_promised(reduction) => {
                    before.add(measure(reduction, &mut stopwatches, plan));
                }
                Some(_) => continue,
            }
            if said.elapsed() > Duration::from_secs(2) || at + 1 == reductions.len() {
                said = Instant::now();
                eprintln!(
                    "[{}/{LIVES}, {}/{}] {} s: {reduction}",
                    lives + 1,
                    at + 1,
                    reductions.len(),
                    started.elapsed().as_secs()
                );
            }
        }
    }
    let promises = promises::of_resizing(&measured);
    arguments.common.print_and_write(
        &Figures { reductions: &measured, promises: &promises },
        &tables::of_resizing(&measured, &promises),
    )?;
    if let Some(path) = &arguments.svg {
        std::fs::write(path, svg::of_resizing(&measured))?;
    }
    Ok(())
}

fn stopwatches(arguments: &Arguments) -> Result<Vec<Stopwatch>, Error> {
    let mut stopwatches =
        vec![Stopwatch::start(Library::Netgear, Command::new(&arguments.end).arg("resizing"))?];
    if let Some(python) = &arguments.cv2 {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/resize.py");
        stopwatches.push(Stopwatch::start(Library::Cv2, Command::new(python).arg(script))?);
    }
    if let Some(peers) = &arguments.peers
        && contender::list(peers)?.iter().any(|name| name == Library::PicScale.title())
    {
        let mut command = Command::new(peers);
        stopwatches.push(Stopwatch::start(Library::PicScale, command.arg(Library::PicScale.title()))?);
    }
    Ok(stopwatches)
}
