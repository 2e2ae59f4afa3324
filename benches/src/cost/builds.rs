//! What cargo makes of the crates: how long it takes, of how many crates, and how large the program is.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Instant,
};

use serde::{Deserialize, Serialize};

use crate::{
    Error,
    processor_time::{self, Spent},
};

/// A crate of this workspace that another program may depend on.
#[derive(Debug, Clone, Serialize)]
pub struct Built {
    /// Its name.
    pub name: &'static str,
    /// How many crates a program has from it: those that it depends on with its default features, and itself.
    pub crates: usize,
    /// From nothing to the crate in a release build, with the sources there already.
    pub clean_build: Option<CleanBuild>,
}

/// A build from nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CleanBuild {
    /// How long it took.
    pub seconds: f64,
    /// The processor time that it took, which a busy machine changes less; where the system says (Linux does).
    pub cpu_seconds: Option<f64>,
    /// The crates that took longest, and how long the compiler was at each while others were built beside it; none if cargo does not say.
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

/// Where builds take place.
#[derive(Debug, Clone)]
pub struct Place {
    /// The workspace's root.
    pub workspace: PathBuf,
    /// A folder that is emptied before each build, and removed after it.
    pub target: PathBuf,
}

/// The crate that brings all.
pub const FACADE: &str = "netgear";

/// It, and those below it that are of use alone.
pub const CRATES: [&str; 3] = [FACADE, "netgear-transport", "netgear-proto"];

/// The processors that builds share.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// The compiler, as it calls itself.
pub fn compiler() -> String {
    let said = Command::new("rustc").arg("--version").output();
    said.map_or(String::new(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

impl Place {
    /// Counts the crates that this one brings.
    ///
    /// # Errors
    /// If cargo cannot say.
    pub fn crates(&self, name: &str) -> Result<usize, Error> {
        let mut cargo = self.cargo(&["tree", "--locked", "--offline", "-e", "normal", "--prefix", "none"]);
        let said = cargo.args(["-p", name]).output()?;
        if !said.status.success() {
            return Err(format!("cargo tree: {}", String::from_utf8_lossy(&said.stderr).trim()).into());
        }
        Ok(count(&String::from_utf8_lossy(&said.stdout)))
    }

    /// Builds a crate from nothing. A debug build would say nothing of other programs: the workspace has some crates optimised there.
    ///
    /// # Errors
    /// If it does not build.
    pub fn build(&self, name: &str) -> Result<CleanBuild, Error> {
        remove(&self.target)?;
        let mut cargo = self.cargo(&["build", "--release", "--locked", "--offline", "--quiet", "--timings"]);
        cargo.args(["-p", name]).arg("--target-dir").arg(&self.target);
        let spent = || processor_time::of_children().map(Spent::in_all);
        let (started, cpu_before) = (Instant::now(), spent());
        let status = cargo.status()?;
        let seconds = started.elapsed().as_secs_f64();
        let cpu_seconds = spent().zip(cpu_before).map(|(now, before)| now - before);
        let timings = fs::read_to_string(self.target.join("cargo-timings/cargo-timing.html"));
        remove(&self.target)?;
        if !status.success() {
            return Err(format!("cargo build -p {name}: {status}").into());
        }
        Ok(CleanBuild { seconds, cpu_seconds, slowest: timings.map_or(Vec::new(), |page| slowest(&page)) })
    }

    /// With the profiles of the workspace, whatever the environment says for other builds.
    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PROFILE_") || text == "CARGO_INCREMENTAL" {
                cargo.env_remove(&name);
            }
        }
        cargo.current_dir(&self.workspace).args(arguments);
        cargo
    }
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

/// The crates that took longest, from the page that `cargo build --timings` makes. What is not as expected there is left out.
fn slowest(page: &str) -> Vec<(String, f64)> {
    let after = page.split_once("const UNIT_DATA = ").map_or("", |(_, after)| after);
    let mut units = serde_json::Deserializer::from_str(after).into_iter::<Vec<Unit>>();
    let mut units = units.next().and_then(Result::ok).unwrap_or_default();
    units.sort_by(|a, b| b.duration.total_cmp(&a.duration));
    units.truncate(SLOWEST);
    units.into_iter().map(|unit| (unit.name, unit.duration)).collect()
}

/// How many crates are named that took long.
const SLOWEST: usize = 3;

/// A run of the compiler in the page of timings.
#[derive(Debug, Deserialize)]
struct Unit {
    name: String,
    /// In seconds.
    duration: f64,
}

fn remove(folder: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
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
    fn the_slowest_crates_stand_in_the_page_of_timings() {
        let unit =
            |name, seconds: f64| format!(r#"{{"i":0,"name":"{name}","version":"1","duration":{seconds}}}"#);
        let units = [unit("a", 0.5), unit("b", 60.25), unit("c", 3.0), unit("d", 2.0)].join(",\n");
        let page = format!("<script>\nconst UNIT_DATA = [{units}];\nconst CONCURRENCY_DATA = [];\n");
        let expected =
            [("b", 60.25), ("c", 3.0), ("d", 2.0)].map(|(name, seconds)| (name.to_owned(), seconds));
        assert_eq!(slowest(&page), expected);
        assert_eq!(slowest("<html>"), []);
    }

    #[test]
    fn this_workspace_s_crates_stand_on_one_another() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let place = Place { workspace, target: PathBuf::new() };
        let [facade, transport, proto] = CRATES.map(|name| place.crates(name).unwrap());
        assert!(facade > transport && transport > proto && proto > 1, "{facade} {transport} {proto}");
    }
}
