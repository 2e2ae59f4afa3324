//! The tests that want a screen or a browser, and the pictures in the README that they make.

use crate::{
    Result,
    process::{self, Outcome},
    tools::{self, Tool},
    workspace::Workspace,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Install what is missing of Xvfb, its libraries and Chromium with apt-get, as is done when CI=true.
    #[arg(long)]
    install: bool,
    /// Write the pictures in docs/pictures anew: both viewers, as the tests see them.
    #[arg(long)]
    pictures: bool,
    /// What the test programs get besides, like the name of a test.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    further: Vec<String>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if options.install || tools::is_ci() {
        tools::install(&Tool::OF_THE_VIEWER_TEST)?;
    }
    for tool in Tool::OF_THE_VIEWER_TEST {
        if !tools::require(tool)? {
            return Ok(Outcome::Skipped(format!("{} is missing; see --install", tool.name())));
        }
    }
    let tests = [
        "test",
        "-p",
        "netgear-cli",
        "-p",
        "netgear-viewer",
        "--test",
        "window",
        "--test",
        "web_page",
        "--test",
        "web",
    ];
    let mut command = workspace.cargo(&tests);
    if options.pictures {
        command.env("NETGEAR_PICTURES", workspace.path("docs/pictures"));
    }
    if !options.further.is_empty() {
        command.arg("--").args(&options.further);
    }
    process::run(&mut command)?;
    Ok(Outcome::Done)
}
