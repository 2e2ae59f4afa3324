//! Our resizing against `cv2.resize`, and the pictures that keep it honest without Python.

use std::{env::consts::EXE_SUFFIX, fs, path::PathBuf, process::Command};

use crate::{
    Result,
    interop::environment,
    process::{self, Outcome},
    tools::{self, Tool},
    workspace::Workspace,
};

/// The release of OpenCV that is compared with, and where the photographs come from: they are within the package.
const OPENCV: &str = "5.0.0.93";
const PHOTOGRAPHS: &str = "scikit-image==0.26.0";

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// The release of opencv-python-headless to compare with, 5.0.0.93 if it is left out.
    #[arg(long, value_name = "VERSION")]
    opencv: Option<String>,
    /// Write the expected pictures of netgear-media's tests anew, as this OpenCV makes them, in place of comparing.
    #[arg(long)]
    expected: bool,
}

/// Resizes pictures of every kind with both, and fails if a sample differs by more than a level.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Python)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Python.name())));
    }
    let python = python(workspace, options.opencv.as_deref().unwrap_or(OPENCV))?;
    if options.expected {
        let script = workspace.path("crates/netgear-media/tests/data/resize/make.py");
        process::run(Command::new(python).arg(script))?;
        return Ok(Outcome::Done);
    }
    let package = ["-p", "netgear-media", "--no-default-features", "--example", "resize_raw"];
    process::run(workspace.cargo(&["build", "--release"]).args(package))?;
    let program = workspace.target(&format!("release/examples/resize_raw{EXE_SUFFIX}"));
    let directory = workspace.target("opencv");
    fs::create_dir_all(&directory)?;
    let script = workspace.path("xtask/src/opencv/compare.py");
    process::run(Command::new(python).arg(script).arg(program).arg(directory))?;
    Ok(Outcome::Done)
}

/// A Python interpreter that has this OpenCV.
pub(crate) fn python(workspace: &Workspace, version: &str) -> Result<PathBuf> {
    let opencv = format!("opencv-python-headless=={version}");
    let packages = [opencv.as_str(), "numpy", PHOTOGRAPHS];
    environment::python(workspace, &format!("opencv-{version}"), &packages, "import cv2, skimage.data")
}
