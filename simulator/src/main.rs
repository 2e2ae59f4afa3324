//! `cargo run -p netgear-simulator --release -- --seeds 100000`
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

use std::{panic, process::ExitCode, time::Instant};

use clap::Parser;
use netgear_proto::Pattern;
use netgear_simulator::{Day, Summary, run, run_hours};

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
    /// In the place of many runs, so many hours of virtual time at 30 frames a second, on PAIR and on REQ/REP, over
    /// messages and over bytes, by the first seed.
    #[arg(long, conflicts_with_all = ["seeds", "seed", "trace"])]
    hours: Option<u64>,
}

fn main() -> ExitCode {
    let Arguments { seeds, first, seed, trace, hours } = Arguments::parse();
    let failures = match hours {
        Some(hours) => run_days(first, hours),
        None => {
            let seeds = seed.map_or(first..first.saturating_add(seeds), |seed| seed..seed + 1);
            run_seeds(seeds, trace)
        }
    };
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run_seeds(seeds: std::ops::Range<u64>, trace: bool) -> u32 {
    let count = seeds.end - seeds.start;
    let started = Instant::now();
    let mut sum = Summary::default();
    let mut failures = 0_u32;
    for seed in seeds {
        let error = match panic::catch_unwind(|| run(seed, trace)) {
            Ok(Ok(summary)) => {
                sum = sum.and(summary);
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
    println!(
        "{count} seeds in {:.1} s: {}; {failures} failures",
        started.elapsed().as_secs_f64(),
        text(&sum)
    );
    failures
}

fn run_days(seed: u64, hours: u64) -> u32 {
    let mut failures = 0;
    for pattern in [Pattern::Pair, Pattern::ReqRep] {
        for over_bytes in [false, true] {
            let started = Instant::now();
            let result = run_hours(seed, hours, pattern, over_bytes);
            let seconds = started.elapsed().as_secs_f64();
            let carries = if over_bytes { "bytes" } else { "messages" };
            println!("{hours} h of {pattern} over {carries}, in {seconds:.1} s:");
            match result {
                Ok(day) => print_day(&day),
                Err(error) => {
                    println!("  {error}");
                    failures += 1;
                }
            }
        }
    }
    failures
}

fn print_day(day: &Day) {
    let [frames, there, back, bytes, micros] = day.highest;
    println!("  {} frames offered; {}", day.offered, text(&day.summary));
    println!(
        "  {:.2} s the longest without a frame; {} frames and items held at most",
        day.longest_gap as f64 / 1e6,
        day.most_held
    );
    println!(
        "  up to frame {frames}, item {there} there and {back} back, {bytes} bytes in one session, {micros} µs"
    );
    if let Some([first, last]) = day.resident {
        println!("  {} KiB in memory after an hour, {} KiB at the end", first / 1024, last / 1024);
    }
}

fn text(sum: &Summary) -> String {
    format!(
        "{} items of data and {} frames over {} connections, {} of them with a stranger or a liar, \
         {} gone dead without a word; {} programs killed, {} bits turned over",
        sum.data, sum.frames, sum.connections, sum.guests, sum.vanished, sum.kills, sum.flips
    )
}
