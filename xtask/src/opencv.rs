//! Our resizing against `cv2.resize`: the pictures, and those that keep it honest without Python.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    Result,
    interop::environment,
    process::{self, Outcome},
    tools::{self, Tool},
    workspace::{Build, Workspace},
};

/// The release of OpenCV that is compared with.
pub(crate) const OPENCV: &str = "5.0.0.93";

/// Where the photographs come from: they are within the package. It brings Pillow, too.
const PHOTOGRAPHS: &str = "scikit-image==0.26.0";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The release of opencv-python-headless to compare with, 5.0.0.93 if it is left out.
    #[arg(long, value_name = "VERSION")]
    opencv: Option<String>,
    /// Write the expected pictures of netgear-media's tests anew, as this OpenCV makes them, in place of comparing.
    #[arg(long)]
    expected: bool,
    /// Draw the pictures of docs/resizing.md anew, in place of comparing.
    #[arg(long, conflicts_with = "expected")]
    pictures: bool,
    /// Compare the debug build that the tests use, not the release.
    #[arg(long, conflicts_with_all = ["expected", "pictures"])]
    debug: bool,
}

/// Resizes pictures of every kind with both, and fails if a sample differs by more than a level.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Python)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Python.name())));
    }
    let version = options.opencv.as_deref().unwrap_or(OPENCV);
    if options.expected {
        let script = workspace.path("crates/netgear-media/tests/data/resize/make.py");
        process::run(Command::new(python(workspace, version)?).arg(script))?;
    } else if options.pictures {
        let mut pictures = script(workspace, version, "pictures.py", Build::Release)?;
        process::run(pictures.arg(workspace.path("docs/pictures")))?;
    } else {
        let build = if options.debug { Build::Tests } else { Build::Release };
        process::run(&mut script(workspace, version, "compare.py", build)?)?;
    }
    Ok(Outcome::Done)
}

/// A script beside this file, with what all of them are given: our program, and where to put files.
fn script(workspace: &Workspace, version: &str, name: &str, build: Build) -> Result<Command> {
    let package = ["netgear-media", "--no-default-features"];
    let program = build.example(workspace, &package, "resize_raw")?;
    let directory = workspace.target("opencv");
    fs::create_dir_all(&directory)?;
    let mut command = Command::new(python(workspace, version)?);
    command.arg(workspace.path("xtask/src/opencv").join(name)).arg(program).arg(directory);
    Ok(command)
}

/// A Python interpreter that has this OpenCV.
fn python(workspace: &Workspace, version: &str) -> Result<PathBuf> {
    let opencv = format!("opencv-python-headless=={version}");
    let packages = [opencv.as_str(), "numpy", PHOTOGRAPHS];
    environment::python(workspace, &format!("opencv-{version}"), &packages, "import cv2, skimage.data")
}
