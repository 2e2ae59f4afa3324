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
}

impl Default for Options {
    fn default() -> Self {
        Self { seeds: 100_000, first: 0 }
    }
}

/// Runs the simulator. It prints the seed of whatever fails; `--seed S --trace` shows that run.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let mut command = workspace.cargo(&["run", "--release", "-p", PACKAGE, "--"]);
    command.args([format!("--seeds={}", options.seeds), format!("--first={}", options.first)]);
    process::run(&mut command)?;
    Ok(Outcome::Done)
}
