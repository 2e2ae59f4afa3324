//! The benches of the workspace.

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

/// Where the benches are.
const PACKAGE: &str = "benches";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Short runs, which show that everything works and little more.
    #[arg(long)]
    pub(crate) quick: bool,
}

/// Runs criterion's benches, then each program of the package.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let Some(package) = workspace.package(PACKAGE) else {
        return Ok(Outcome::Skipped(format!("there is no package {PACKAGE:?} in the workspace")));
    };
    let quick = if options.quick { ["--", "--quick"].as_slice() } else { &[] };
    process::run(workspace.cargo(&["bench", "-p", PACKAGE, "--benches"]).args(quick))?;
    for program in package.targets.iter().filter(|target| target.kind == "bin") {
        process::run(
            workspace.cargo(&["run", "--release", "-p", PACKAGE, "--bin", &program.name]).args(quick),
        )?;
    }
    Ok(Outcome::Done)
}
