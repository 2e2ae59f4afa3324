//! What it costs to have NetGear.

use std::path::Path;

use super::{Options, Part, Prepared, paths, program, text};
use crate::{
    Result,
    process::Outcome,
    workspace::{Build, Workspace},
};

/// Enough to show that it works.
const FEW_SESSIONS: &str = "50";

pub(super) fn run(
    workspace: &Workspace,
    prepared: &Prepared,
    options: &Options,
    out: &Path,
) -> Result<Outcome> {
    let mut arguments = vec!["--end".into(), prepared.program("end")?];
    arguments.extend(["--workspace".into(), text(&workspace.path(".")), "--folder".into(), text(out)]);
    // The size of a debug build is nobody's.
    if options.build() == Build::Release {
        arguments.extend(["--netgear".into(), prepared.program("netgear")?]);
    }
    if options.once {
        arguments.extend(["--sessions".into(), FEW_SESSIONS.into()]);
    }
    let peers = prepared.peers.as_ref().filter(|_| !options.is_short()).cloned();
    arguments.extend(paths([("--peers", &peers), ("--clean-build", &prepared.clean_build)]));
    program(prepared, Part::Cost, options, out, &arguments)
}
