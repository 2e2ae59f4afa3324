//! The whole path beside VidGear's.

use std::path::Path;

use super::{Options, PACKAGE, Part, peers, program, text};
use crate::{
    Result,
    process::Outcome,
    tools::{self, Tool},
    workspace::Workspace,
};

pub(super) fn run(workspace: &Workspace, options: &Options, out: &Path) -> Result<Outcome> {
    // Nothing here writes H.264 but ffmpeg.
    if !tools::require(Tool::Ffmpeg)? {
        return Ok(Outcome::Skipped(format!("{} is missing, which makes the films", Tool::Ffmpeg.name())));
    }
    let netgear = options.build().program(workspace, &["netgear-cli"], "bin", "netgear")?;
    let end = options.build().program(workspace, &[PACKAGE], "bin", "end")?;
    let mut arguments = vec!["--netgear".into(), text(&netgear), "--end".into(), text(&end)];
    arguments.extend(["--folder".into(), text(out)]);
    if let Some(python) = peers::vidgear(workspace, options.is_short())? {
        arguments.extend(["--vidgear".into(), text(&python)]);
    }
    program(workspace, Part::Path, options, out, &arguments)
}
