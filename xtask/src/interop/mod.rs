//! Our ends against those of others: libzmq, which every ZeroMQ program out there speaks through, and VidGear.

pub(crate) mod environment;
mod libzmq;
pub(crate) mod vidgear;

use crate::{
    Result,
    process::Outcome,
    tools::{self, Tool},
    workspace::Workspace,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which; all of them if it is left out.
    #[command(subcommand)]
    part: Option<Part>,
}

#[derive(Debug, clap::Subcommand)]
enum Part {
    /// Our ZMTP connections against libzmq's sockets, by way of pyzmq.
    Libzmq(libzmq::Options),
    /// Our sessions against VidGear's NetGear_Async: every pixel and every value, in every mode.
    Vidgear(vidgear::MatrixOptions),
    /// Our sessions and VidGear's: who starts first, sudden deaths, and ends that do not fit.
    VidgearEndings(vidgear::EndingsOptions),
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Python)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Python.name())));
    }
    match &options.part {
        Some(Part::Libzmq(options)) => libzmq::run(workspace, options)?,
        Some(Part::Vidgear(options)) => vidgear::run_matrix(workspace, options)?,
        Some(Part::VidgearEndings(options)) => vidgear::run_endings(workspace, options)?,
        None => {
            libzmq::run(workspace, &libzmq::Options::default())?;
            vidgear::run_matrix(workspace, &vidgear::MatrixOptions::default())?;
            vidgear::run_endings(workspace, &vidgear::EndingsOptions::default())?;
        }
    }
    Ok(Outcome::Done)
}
