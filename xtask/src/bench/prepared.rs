//! What is built and installed before the first part is run. Criterion's benches are not among it.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    thread,
};

use serde_json::Value;

use super::{Options, PACKAGE, Part, clean_build, peers, text};
use crate::{
    Result,
    tools::{self, Tool},
    workspace::{Build, Workspace},
};

/// The `netgear` program's.
const NETGEAR_PACKAGE: &str = "netgear-cli";

/// Where all is that the parts run. What of others is wanted and not to be had is `None`, after a line that says why.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    programs: HashMap<String, PathBuf>,
    /// The program of benches/peers.
    pub(super) peers: Option<PathBuf>,
    /// An interpreter of Python that has VidGear, and OpenCV with it.
    pub(super) vidgear: Option<PathBuf>,
    /// The same, if it has imagezmq, too.
    pub(super) imagezmq: Option<PathBuf>,
    /// What building the facade from nothing has cost, in a file.
    pub(super) clean_build: Option<PathBuf>,
}

impl Prepared {
    /// Prepares these parts. Python's packages come by the network, which keeps no core busy, while the compiler
    /// works.
    pub(super) fn new(workspace: &Workspace, options: &Options, parts: &[Part], out: &Path) -> Result<Self> {
        let any = |wanted: &[Part]| parts.iter().any(|part| wanted.contains(part));
        let short = options.is_short();
        let beside_peers = any(&[Part::Transport, Part::Latency]);
        let has_python = (beside_peers || any(&[Part::Resize, Part::Path])) && tools::require(Tool::Python)?;
        let mut prepared = Self::default();
        if any(&[Part::Cost]) && !short {
            // The first of all builds, for that is then one of those that the others need; and alone, for it is
            // measured.
            let measured = clean_build::measure(workspace)?;
            let file = out.join("clean-build.json");
            fs::write(&file, Value::to_string(&measured))?;
            prepared.clean_build = Some(file);
        }
        thread::scope(|scope| {
            let python = scope.spawn(|| {
                let wanted = beside_peers || any(&[Part::Resize, Part::Path]);
                let vidgear = wanted.then(|| peers::vidgear(workspace, has_python, short)).flatten();
                let imagezmq = beside_peers.then(|| peers::imagezmq(vidgear.as_deref(), short)).flatten();
                (vidgear, imagezmq)
            });
            prepared.programs = programs(workspace, options.build(), parts)?;
            if beside_peers || any(&[Part::Resize]) || (any(&[Part::Cost]) && !short) {
                prepared.peers = peers::in_rust(workspace, short);
            }
            (prepared.vidgear, prepared.imagezmq) =
                python.join().map_err(|_| "the installation of Python's packages panicked")?;
            Ok(prepared)
        })
    }

    /// A program of this workspace.
    pub(super) fn program(&self, name: &str) -> Result<String> {
        let path = self.programs.get(name);
        Ok(text(path.ok_or_else(|| format!("cargo built no program {name}"))?))
    }
}

/// Builds the programs of all parts together, so that what they share is built once.
fn programs(workspace: &Workspace, build: Build, parts: &[Part]) -> Result<HashMap<String, PathBuf>> {
    let mut packages: Vec<&str> = parts.iter().flat_map(|part| packages(*part)).copied().collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() { Ok(HashMap::new()) } else { build.programs(workspace, &packages) }
}

fn packages(part: Part) -> &'static [&'static str] {
    match part {
        Part::Functions => &[],
        Part::Viewers => &[NETGEAR_PACKAGE],
        Part::Path | Part::Cost | Part::Recording => &[PACKAGE, NETGEAR_PACKAGE],
        Part::Transport | Part::Latency | Part::Resize | Part::Protocol | Part::Encodings => &[PACKAGE],
    }
}
