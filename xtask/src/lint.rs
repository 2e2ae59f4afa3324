//! Formatting and lints. The program without std and the fuzz targets are workspaces of their own.

use crate::{
    Result, fuzz, no_std,
    process::{self, Outcome},
    workspace::Workspace,
};

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    format(workspace)?;
    clippy(workspace)?;
    Ok(Outcome::Done)
}

fn format(workspace: &Workspace) -> Result {
    process::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    for manifest in [no_std::MANIFEST].into_iter().chain(fuzz::MANIFESTS) {
        process::run(&mut workspace.cargo(&["fmt", "--check", "--manifest-path", manifest]))?;
    }
    Ok(())
}

fn clippy(workspace: &Workspace) -> Result {
    let mut clippy = workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
    process::run(clippy.args(workspace.features()?).args(["--", "-D", "warnings"]))?;
    process::run(
        workspace
            .cargo(&["clippy", "--manifest-path", no_std::MANIFEST, "--target-dir"])
            .arg(no_std::target_directory(workspace))
            .args(["--", "-D", "warnings"]),
    )
}
