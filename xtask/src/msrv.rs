//! What is published compiles with the oldest Rust that it is promised to.

use std::process::Command;

use crate::{
    Result,
    process::{self, Outcome, succeeds},
    workspace::Workspace,
};

/// Checks the published crates with all their features, and with none, by the release that `rust-version` names.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let version = workspace.rust_version();
    if !succeeds(Command::new("rustup").args(["run", version, "cargo", "--version"])) {
        let install =
            format!("Rust {version} is missing (rustup toolchain install --profile minimal {version})");
        return Ok(Outcome::Skipped(install));
    }
    // A target directory of its own: what another compiler wrote is of no use to this one.
    let target = workspace.target("msrv");
    for features in [workspace.features()?, vec!["--no-default-features".to_owned()]] {
        let mut check = Command::new("rustup");
        check.current_dir(workspace.path(".")).args(["run", version, "cargo", "check", "--locked"]);
        // Cargo sets these for what it runs, of the toolchain that this was built with.
        check.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTUP_TOOLCHAIN");
        process::run(check.args(features).arg("--target-dir").arg(&target))?;
    }
    Ok(Outcome::Done)
}
