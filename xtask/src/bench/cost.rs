//! What it costs to have NetGear.

use std::path::Path;

use super::{Options, PACKAGE, Part, peers, program, text};
use crate::{
    Result,
    process::Outcome,
    workspace::{Build, Workspace},
};

/// Enough to show that it works.
const FEW_SESSIONS: &str = "50";

pub(super) fn run(workspace: &Workspace, options: &Options, out: &Path) -> Result<Outcome> {
    let end = options.build().program(workspace, &[PACKAGE], "bin", "end")?;
    let mut arguments = vec!["--end".into(), text(&end), "--workspace".into(), text(&workspace.path("."))];
    arguments.extend(["--folder".into(), text(out)]);
    // The size of a debug build is nobody's.
    if options.build() == Build::Release {
        let netgear = options.build().program(workspace, &["netgear-cli"], "bin", "netgear")?;
        arguments.extend(["--netgear".into(), text(&netgear)]);
    }
    if options.once {
        arguments.extend(["--sessions".into(), FEW_SESSIONS.into()]);
    }
    if let Some(peers) = (!options.is_short()).then(|| peers::in_rust(workspace, false)).flatten() {
        arguments.extend(["--peers".into(), text(&peers)]);
    }
    program(workspace, Part::Cost, options, out, &arguments)
}
