//! What cargo makes of the crates: how long it takes, of how many crates, and how large the program is.

use std::{collections::BTreeSet, env, fs, path::Path, process::Command, thread};

use serde::{Deserialize, Serialize};

use crate::Error;

/// A crate of this workspace that another program may depend on.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// Its name.
    pub name: &'static str,
    /// How many crates are compiled for it: those that it depends on with its default features, procedural macros
    /// among them, and itself.
    pub crates: usize,
    /// From nothing to the crate in a release build, with the sources there already.
    pub clean_build: Option<CleanBuild>,
}

/// A build from nothing, as `cargo xtask bench` has measured it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CleanBuild {
    /// What was built.
    #[serde(rename = "crate")]
    pub name: String,
    /// How long it took.
    pub seconds: f64,
    /// The processor time that it took, which a busy machine changes less; where the system says (Linux does).
    pub cpu_seconds: Option<f64>,
    /// The crates that took longest, and how long the compiler was at each while others were built beside it; none if
    /// cargo does not say.
    pub slowest: Vec<(String, f64)>,
}

/// The `netgear` program.
#[derive(Debug, Clone, Serialize)]
pub struct Program {
    /// As cargo builds it.
    pub bytes: u64,
    /// Without its symbols, where there is a `strip`.
    pub stripped_bytes: Option<u64>,
}

/// The crate that brings all, and those below it that are of use alone.
pub const CRATES: [&str; 3] = ["netgear", "netgear-transport", "netgear-proto"];

/// The processors that builds share.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The compiler, as it calls itself.
pub fn compiler() -> String {
    let said = Command::new("rustc").arg("--version").output();
    said.map_or(String::new(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// Counts the crates that this one of a workspace brings.
///
/// # Errors
/// If cargo cannot say.
pub fn crates(workspace: &Path, name: &str) -> Result<usize, Error> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["tree", "--locked", "--offline", "-e", "normal", "--prefix", "none", "-p", name]);
    let said = cargo.current_dir(workspace).output()?;
    if !said.status.success() {
        return Err(format!("cargo tree: {}", String::from_utf8_lossy(&said.stderr).trim()).into());
    }
    Ok(count(&String::from_utf8_lossy(&said.stdout)))
}

impl Program {
    /// Measures this file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn measure(path: &Path, folder: &Path) -> Result<Self, Error> {
        let stripped = folder.join("netgear-stripped");
        let status = Command::new("strip").arg("-o").arg(&stripped).arg(path).status();
        let stripped_bytes = match status {
            Ok(status) if status.success() => Some(fs::metadata(&stripped)?.len()),
            _ => None,
        };
        let _ = fs::remove_file(&stripped);
        Ok(Self { bytes: fs::metadata(path)?.len(), stripped_bytes })
    }
}

/// Each line of `cargo tree` is a crate; one that was there before has a mark.
fn count(tree: &str) -> usize {
    let crates: BTreeSet<&str> = tree
        .lines()
        .map(|line| line.strip_suffix(" (*)").unwrap_or(line).trim())
        .filter(|line| !line.is_empty())
        .collect();
    crates.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_and_its_versions_apart() {
        let tree = "netgear v0.1.0 (/a)\nbytes v1.12.0\nrustix v1.1.6\n\nbytes v1.12.0\nrustix v0.38.44\nnetgear-proto v0.1.0 (/b) (*)\nnetgear-proto v0.1.0 (/b)\n";
        assert_eq!(count(tree), 5);
    }

    #[test]
    fn this_workspace_s_crates_stand_on_one_another() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let [facade, transport, proto] = CRATES.map(|name| crates(&workspace, name).unwrap());
        assert!(facade > transport && transport > proto && proto > 1, "{facade} {transport} {proto}");
    }
}
