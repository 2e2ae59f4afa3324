//! Formatting and lints. The program without std and the fuzz targets are workspaces of their own.

use crate::{
    Result, fuzz, no_std,
    process::{Outcome, run},
    workspace::Workspace,
};

pub(crate) fn format(workspace: &Workspace) -> Result<Outcome> {
    run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    for manifest in [no_std::MANIFEST].into_iter().chain(fuzz::MANIFESTS) {
        run(&mut workspace.cargo(&["fmt", "--check", "--manifest-path", manifest]))?;
    }
    Ok(Outcome::Done)
}

pub(crate) fn clippy(workspace: &Workspace) -> Result<Outcome> {
    let mut clippy = workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
    run(clippy.args(workspace.features()?).args(["--", "-D", "warnings"]))?;
    run(workspace
        .cargo(&["clippy", "--manifest-path", no_std::MANIFEST, "--target-dir"])
        .arg(no_std::target_directory(workspace))
        .args(["--", "-D", "warnings"]))?;
    Ok(Outcome::Done)
}
