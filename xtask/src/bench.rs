//! The benches of the workspace.

use std::path::PathBuf;

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

/// Where the benches are.
const PACKAGE: &str = "netgear-benches";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Short runs, which show that everything works and little more.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Only the sessions side by side with raw sockets, not criterion's benches.
    #[arg(long)]
    pub(crate) side_by_side: bool,
    /// Print the side-by-side figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the side-by-side table as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

/// Runs criterion's benches, then sessions and raw sockets in turns, and prints their table.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !options.side_by_side {
        let quick = if options.quick { ["--", "--quick"].as_slice() } else { &[] };
        process::run(workspace.cargo(&["bench", "-p", PACKAGE, "--benches"]).args(quick))?;
    }
    let mut side_by_side =
        workspace.cargo(&["run", "--release", "-p", PACKAGE, "--bin", "side-by-side", "--"]);
    if options.quick {
        side_by_side.arg("--quick");
    }
    if options.json {
        side_by_side.arg("--json");
    }
    if let Some(path) = &options.markdown {
        side_by_side.arg("--markdown").arg(path);
    }
    process::run(&mut side_by_side)?;
    Ok(Outcome::Done)
}
