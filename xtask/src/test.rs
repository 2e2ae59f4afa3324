//! All tests of the workspace, with cargo alone.

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// What `cargo test` gets besides, like the name of a test.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    further: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    // Features only add, so that what passes with all of them says most.
    let mut command = workspace.cargo(&["test", "--workspace", "--no-fail-fast"]);
    process::run(command.args(workspace.features()?).args(&options.further))?;
    Ok(Outcome::Done)
}
