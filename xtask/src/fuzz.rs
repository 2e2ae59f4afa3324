//! Hostile input in numbers: the fuzz targets of netgear-proto.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result,
    process::{self, Outcome},
    tools::{self, Tool},
    workspace::Workspace,
};

/// The package of the targets. It is a workspace of its own: it needs a nightly compiler.
pub(crate) const MANIFEST: &str = "crates/netgear-proto/fuzz/Cargo.toml";

/// The target, and the folder with the seeds that it begins with.
const TARGET: &str = "vidgear_message";
const SEEDS: &str = "crates/netgear-proto/tests/data/vidgear/messages";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// So many executions.
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// At most so many seconds.
    #[arg(long, default_value_t = 0)]
    seconds: u64,
}

/// Fuzzes from the recorded messages on. What it finds on the way is kept below the target directory for the next time.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Nightly)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Nightly.name())));
    }
    let program = cargo_fuzz(workspace)?;
    let found = workspace.target("fuzz/corpus").join(TARGET);
    let artifacts = workspace.target("fuzz/artifacts");
    fs::create_dir_all(&found)?;
    fs::create_dir_all(&artifacts)?;
    let mut command = Command::new("rustup");
    // The cargo of this program is not nightly's.
    command.args(["run", "nightly"]).env_remove("CARGO").env_remove("CARGO_TARGET_DIR");
    command.arg(program).args(["run", "--fuzz-dir"]).arg(parent(&workspace.path(MANIFEST)));
    command.arg("--target-dir").arg(workspace.target("fuzz/build")).arg(TARGET);
    // The first folder is the one that is written to.
    command.args([found, workspace.path(SEEDS)]).arg("--");
    // One recorded message is longer than half of this, and most limits are passed with less.
    command.args(["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=16"]);
    command.args(["-print_final_stats=1", &format!("-runs={}", options.runs)]);
    command.arg(format!("-max_total_time={}", options.seconds));
    command.arg(prefixed("-artifact_prefix=", &artifacts.join("")));
    process::run(&mut command)?;
    Ok(Outcome::Done)
}

/// The program that builds fuzz targets. It is installed below the target directory where there is none.
fn cargo_fuzz(workspace: &Workspace) -> Result<PathBuf> {
    let ours = workspace.target("fuzz/tools");
    let program = ours.join("bin/cargo-fuzz");
    for program in [PathBuf::from("cargo-fuzz"), program.clone()] {
        if process::succeeds(Command::new(&program).arg("--version")) {
            return Ok(program);
        }
    }
    process::run(workspace.cargo(&["install", "cargo-fuzz", "--locked", "--root"]).arg(ours))?;
    Ok(program)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn prefixed(prefix: &str, path: &Path) -> OsString {
    let mut argument = OsString::from(prefix);
    argument.push(path);
    argument
}
