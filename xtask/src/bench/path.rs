//! The whole path beside VidGear's.

use std::path::Path;

use super::{Options, Part, Prepared, paths, program, text};
use crate::{
    Result,
    process::Outcome,
    tools::{self, Tool},
};

pub(super) fn run(prepared: &Prepared, options: &Options, out: &Path) -> Result<Outcome> {
    // Nothing here writes H.264 but ffmpeg.
    if !tools::require(Tool::Ffmpeg)? {
        return Ok(Outcome::Skipped(format!("{} is missing, which makes the films", Tool::Ffmpeg.name())));
    }
    let mut arguments = vec!["--netgear".into(), prepared.program("netgear")?];
    arguments.extend(["--end".into(), prepared.program("end")?, "--folder".into(), text(out)]);
    arguments.extend(paths([("--vidgear", &prepared.vidgear)]));
    program(prepared, Part::Path, options, out, &arguments)
}
