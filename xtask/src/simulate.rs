//! Two sessions over a link that fails in every way, by the hundred thousand.

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

const PACKAGE: &str = "netgear-simulator";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// So many runs, each by a seed of its own.
    #[arg(long, default_value_t = 100_000)]
    seeds: u64,
    /// The seed of the first.
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// In the place of many runs, so many hours of video at 30 frames a second in virtual time: a day takes about a
    /// minute.
    #[arg(long, conflicts_with = "seeds")]
    hours: Option<u64>,
}

/// Runs the simulator. It prints the seed of whatever fails; `--seed S --trace` shows that run.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let mut command = workspace.cargo(&["run", "--release", "-p", PACKAGE, "--"]);
    let length = match options.hours {
        Some(hours) => format!("--hours={hours}"),
        None => format!("--seeds={}", options.seeds),
    };
    command.args([length, format!("--first={}", options.first)]);
    process::run(&mut command)?;
    Ok(Outcome::Done)
}
