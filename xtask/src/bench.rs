//! The benches of the workspace.

use std::{ffi::OsStr, path::PathBuf, process::Command};

use crate::{
    Result,
    interop::vidgear,
    opencv,
    process::{self, Outcome},
    tools::{self, Tool},
    viewer_bench,
    workspace::{Build, Workspace},
};

/// Where the benches are.
const PACKAGE: &str = "netgear-benches";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Short runs, which show that everything works and little more.
    #[arg(long)]
    quick: bool,
    /// Everything once or little more, by the debug build that the tests use: shows that it works. The figures say nothing.
    #[arg(long)]
    once: bool,
    /// Only the sessions side by side with raw sockets, not criterion's benches.
    #[arg(long)]
    pub(crate) side_by_side: bool,
    /// Only our ends and VidGear's in every combination. Needs Python, and pip's network the first time.
    #[arg(long, conflicts_with = "side_by_side")]
    vidgear: bool,
    /// Only resizing side by side with cv2.resize. Needs Python, and pip's network the first time.
    #[arg(long, conflicts_with_all = ["side_by_side", "vidgear"])]
    resize: bool,
    /// Only sessions with each encoding, side by side.
    #[arg(long, conflicts_with_all = ["side_by_side", "vidgear", "resize"])]
    pub(crate) encodings: bool,
    /// Only sessions with and without each kind of recording.
    #[arg(long, conflicts_with_all = ["side_by_side", "vidgear", "resize"])]
    pub(crate) recording: bool,
    /// Only a demo that is seen in a window, and on a page, beside one that is not. Needs Xvfb.
    #[arg(long, conflicts_with_all = ["side_by_side", "vidgear", "resize"])]
    viewers: bool,
    /// Print the side-by-side figures as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write the side-by-side table as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) markdown: Option<PathBuf>,
}

/// Runs criterion's benches, then sessions and raw sockets in turns, and prints their table.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if options.vidgear {
        return beside_vidgear(workspace, options);
    }
    if options.resize {
        return beside_opencv(workspace, options);
    }
    if options.encodings {
        return side_by_side(workspace, "encodings-side-by-side", options, &[]);
    }
    if options.recording {
        return recording(workspace, options);
    }
    if options.viewers {
        return viewers(workspace, options);
    }
    if !options.side_by_side {
        process::run(&mut criterion(workspace, options)?)?;
    }
    side_by_side(workspace, "side-by-side", options, &[])
}

fn criterion(workspace: &Workspace, options: &Options) -> Result<Command> {
    if options.once {
        // Run as tests, criterion's benches measure nothing, and call each function once.
        let mut command = workspace.cargo(&["test", "--workspace", "--bench", "*"]);
        command.args(workspace.features()?);
        return Ok(command);
    }
    let mut command = workspace.cargo(&["bench", "-p", PACKAGE, "--benches"]);
    command.args(if options.quick { ["--", "--quick"].as_slice() } else { &[] });
    Ok(command)
}

fn beside_vidgear(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Python)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Python.name())));
    }
    let (python, script) = vidgear::python(workspace)?;
    let places = ["--python".as_ref(), python.as_os_str(), "--script".as_ref(), script.as_os_str()];
    side_by_side(workspace, "vidgear-side-by-side", options, &places)
}

fn beside_opencv(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Python)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Python.name())));
    }
    let mut command = opencv::measure(workspace, options.build())?;
    add_options(&mut command, options);
    process::run(&mut command)?;
    Ok(Outcome::Done)
}

fn recording(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let program = options.build().program(workspace, &["netgear-cli"], "bin", "netgear")?;
    let folder = workspace.target("bench");
    let mut arguments =
        vec!["--program".as_ref(), program.as_os_str(), "--folder".as_ref(), folder.as_os_str()];
    if !tools::require(Tool::Ffmpeg)? {
        arguments.push("--without-ffmpeg".as_ref());
    }
    side_by_side(workspace, "recording", options, &arguments)
}

fn viewers(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Xvfb)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Xvfb.name())));
    }
    let program = options.build().program(workspace, &["netgear-cli"], "bin", "netgear")?;
    viewer_bench::run(&program, options.is_short())?;
    Ok(Outcome::Done)
}

fn side_by_side(
    workspace: &Workspace,
    program: &str,
    options: &Options,
    arguments: &[&OsStr],
) -> Result<Outcome> {
    let mut command = Command::new(options.build().program(workspace, &[PACKAGE], "bin", program)?);
    command.args(arguments);
    add_options(&mut command, options);
    process::run(&mut command)?;
    Ok(Outcome::Done)
}

/// What every program that measures side by side understands.
fn add_options(command: &mut Command, options: &Options) {
    if options.is_short() {
        command.arg("--quick");
    }
    if options.json {
        command.arg("--json");
    }
    if let Some(path) = &options.markdown {
        command.arg("--markdown").arg(path);
    }
}

impl Options {
    fn build(&self) -> Build {
        if self.once { Build::Tests } else { Build::Release }
    }

    fn is_short(&self) -> bool {
        self.quick || self.once
    }
}
