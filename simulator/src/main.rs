//! `cargo run -p netgear-simulator --release -- --seeds 100000`
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::{panic, process::ExitCode, time::Instant};

use clap::Parser;
use netgear_simulator::{Summary, run};

/// Two NetGear sessions over a link that fails in every way. Every run follows from its seed.
#[derive(Debug, Parser)]
struct Arguments {
    /// So many runs.
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The seed of the first; each further one has the next.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Only the run of this seed.
    #[arg(long, conflicts_with_all = ["seeds", "first"])]
    seed: Option<u64>,
    /// Print all that happens.
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let Arguments { seeds, first, seed, trace } = Arguments::parse();
    let seeds = seed.map_or(first..first.saturating_add(seeds), |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    let started = Instant::now();
    let mut sum = Summary::default();
    let mut failures = 0_u32;
    for seed in seeds {
        let error = match panic::catch_unwind(|| run(seed, trace)) {
            Ok(Ok(Summary { data, frames, connections, kills })) => {
                sum.data += data;
                sum.frames += frames;
                sum.connections += connections;
                sum.kills += kills;
                continue;
            }
            Ok(Err(error)) => error,
            Err(_) => "it panicked".into(),
        };
        println!("seed {seed}: {error}");
        failures += 1;
        if failures == 10 {
            println!("there may be more");
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{count} seeds in {seconds:.1} s: {} items of data and {} frames over {} connections, {} programs killed, {failures} failures",
        sum.data, sum.frames, sum.connections, sum.kills
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
