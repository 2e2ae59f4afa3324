//! Sessions between real processes, of which one is killed, slow, or under a flood.

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

const PACKAGE: &str = "netgear-endurance";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What to run. Default: all of it.
    #[arg(value_parser = ["killed", "slow-receiver", "flood"])]
    pub(crate) proofs: Vec<String>,
    /// Short runs, which show that everything works and little more.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Print the figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// What the random moments come from. Default: a new one, which is printed.
    #[arg(long)]
    pub(crate) seed: Option<u64>,
}

/// Builds the program and runs it. The figures are those of a release build.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !cfg!(target_os = "linux") {
        return Ok(Outcome::Skipped("what a process takes is read in Linux's /proc".into()));
    }
    let mut command = workspace.cargo(&["run", "--release", "-p", PACKAGE, "--"]);
    command.args(&options.proofs);
    command.args(options.quick.then_some("--quick")).args(options.json.then_some("--json"));
    command.args(options.seed.map(|seed| format!("--seed={seed}")));
    process::run(&mut command)?;
    Ok(Outcome::Done)
}
