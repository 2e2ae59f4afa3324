//! `cargo xtask endurance`: sessions between real processes over loopback TCP, one of which is killed, slow, or under
//! a flood of strangers.
#![expect(clippy::print_stdout, reason = "it is what this program is for")]

mod end;
mod flood;
mod killed;
mod percentiles;
mod picture;
mod port;
mod proc_status;
mod program;
mod slow_receiver;
mod table;
mod task;

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use serde_json::{Map, Value, json};

use self::{table::Report, task::Task};

type Result<T = (), E = Box<dyn std::error::Error>> = std::result::Result<T, E>;

/// Sessions between real processes over loopback TCP. Linux only: it reads /proc.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to run. Default: all of it.
    #[arg(value_enum)]
    proofs: Vec<Proof>,
    /// Short runs, which show that everything works and little more.
    #[arg(long)]
    quick: bool,
    /// Print the figures as one JSON object in place of the tables.
    #[arg(long)]
    json: bool,
    /// What the random moments come from. Printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
    /// How often an end is killed in each of the 16 cases. Default: 50.
    #[arg(long)]
    kills: Option<u32>,
    /// How long each slow receiver receives. Default: 60.
    #[arg(long)]
    seconds: Option<u64>,
    /// Be one of the ends, as it was described.
    #[arg(long, hide = true, conflicts_with = "proofs")]
    task: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Proof {
    /// Either end is killed in mid-stream, again and again.
    Killed,
    /// A receiver that takes 10 frames a second from a sender of 60.
    SlowReceiver,
    /// Strangers by the thousand at the port of a session.
    Flood,
}

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Extent {
    quick: bool,
    seed: u64,
    kills: u32,
    seconds: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(task) = &arguments.task {
        return match Task::run(task) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                program::say(&json!({ "failed": error.to_string() }));
                ExitCode::FAILURE
            }
        };
    }
    match run(&arguments) {
        Ok(failures) if failures.is_empty() => ExitCode::SUCCESS,
        Ok(failures) => {
            // Of the JSON object they are a part.
            if !arguments.json {
                println!("\nfailures:");
                failures.iter().for_each(|failure| println!("  {failure}"));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs them one after another; gives what is not as it should be.
fn run(arguments: &Arguments) -> Result<Vec<String>> {
    let quick = arguments.quick;
    let extent = Extent {
        quick,
        seed: arguments.seed.unwrap_or_else(|| fastrand::u64(..)),
        kills: arguments.kills.unwrap_or(if quick { 2 } else { 50 }),
        seconds: arguments.seconds.unwrap_or(if quick { 3 } else { 60 }),
    };
    let all = [Proof::Killed, Proof::SlowReceiver, Proof::Flood];
    let proofs = if arguments.proofs.is_empty() { &all[..] } else { &arguments.proofs };
    if !arguments.json {
        println!("--seed {}", extent.seed);
    }
    let mut figures = Map::from_iter([("seed".to_owned(), json!(extent.seed))]);
    let mut failures = Vec::new();
    for proof in proofs {
        let started = Instant::now();
        let (name, report) = match proof {
            Proof::Killed => ("killed", killed::run(&extent)?),
            Proof::SlowReceiver => ("slow_receiver", slow_receiver::run(&extent)?),
            Proof::Flood => ("flood", flood::run(&extent)?),
        };
        let Report { text, rows, failures: more } = report;
        if !arguments.json {
            println!("\n{text}in {:.0} s", started.elapsed().as_secs_f64());
        }
        figures.insert(name.to_owned(), rows);
        failures.extend(more);
    }
    if arguments.json {
        figures.insert("failures".to_owned(), json!(failures));
        println!("{}", serde_json::to_string_pretty(&Value::Object(figures))?);
    }
    Ok(failures)
}
