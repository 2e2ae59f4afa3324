//! How sessions with VidGear begin and end: who starts first, who dies, who is interrupted, and ends that do not fit.

mod deaths;
mod misfits;
mod program;
mod start_orders;

use std::time::Instant;

use super::start_peers;
use crate::{Result, process::human, workspace::Workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How often an end is killed, in each role and pattern.
    #[arg(long, default_value_t = Options::default().deaths)]
    deaths: u32,
    /// What the random moments come from; printed, so that a run can be repeated.
    #[arg(long)]
    seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { deaths: 20, seed: None }
    }
}

/// Runs all cases and prints a table of each kind.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let started = Instant::now();
    let netgear = workspace.build("bin")?.remove("netgear").ok_or("there is no program `netgear`")?;
    let peers = start_peers(workspace)?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    println!("--seed {seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let failures = [
        start_orders::run(&peers),
        misfits::run(&peers, &netgear),
        deaths::run(&peers, &netgear, options.deaths, &mut random),
    ]
    .concat();
    println!("\nall of it in {}", human(started.elapsed()));
    if failures.is_empty() {
        return Ok(());
    }
    println!("\nfailures:");
    failures.iter().for_each(|failure| println!("  {failure}"));
    println!("what VidGear logged is in {}", peers.log().display());
    Err(format!("{} cases failed", failures.len()).into())
}
