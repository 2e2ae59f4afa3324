//! The libraries that ours are measured beside: built and installed below the target directory.

use std::{env::consts::EXE_SUFFIX, fmt::Display, path::PathBuf};

use crate::{
    Result,
    interop::{environment, vidgear},
    opencv, process,
    tools::{self, Tool},
    workspace::Workspace,
};

const IMAGEZMQ: &str = "imagezmq-1.2.0";

/// Where they are, as options for a program of the benches. What cannot be had is left out, with a line that says so. In a hurry only
/// what was built or installed before is taken.
pub(super) fn arguments(workspace: &Workspace, in_a_hurry: bool) -> Result<Vec<String>> {
    let python = tools::require(Tool::Python)?;
    let imagezmq = || {
        let package = IMAGEZMQ.replacen('-', "==", 1);
        environment::python(workspace, IMAGEZMQ, &[package.as_str()], "import imagezmq")
    };
    Ok(options([
        ("--peers", in_rust(workspace, in_a_hurry)),
        ("--vidgear", vidgear(workspace, in_a_hurry)?),
        ("--imagezmq", in_python(workspace, "imagezmq", IMAGEZMQ, python, in_a_hurry, imagezmq)),
    ]))
}

/// The same of those that resize.
pub(super) fn that_resize(workspace: &Workspace, in_a_hurry: bool) -> Result<Vec<String>> {
    let python = tools::require(Tool::Python)?;
    let install = || opencv::usual_python(workspace);
    let environment = opencv::usual_environment();
    Ok(options([
        ("--peers", in_rust(workspace, in_a_hurry)),
        ("--cv2", in_python(workspace, "OpenCV", &environment, python, in_a_hurry, install)),
    ]))
}

fn options<const N: usize>(places: [(&str, Option<PathBuf>); N]) -> Vec<String> {
    let there = places.into_iter().filter_map(|(option, path)| Some((option, path?)));
    there.flat_map(|(option, path)| [option.to_owned(), path.to_string_lossy().into_owned()]).collect()
}

/// A Python interpreter that has VidGear.
pub(super) fn vidgear(workspace: &Workspace, in_a_hurry: bool) -> Result<Option<PathBuf>> {
    let python = tools::require(Tool::Python)?;
    let install = || vidgear::python(workspace).map(|(python, _)| python);
    Ok(in_python(workspace, "VidGear", vidgear::ENVIRONMENT, python, in_a_hurry, install))
}

/// zeromq, omq-tokio, libzmq and pic-scale: a package that the workspace does not depend on.
pub(super) fn in_rust(workspace: &Workspace, in_a_hurry: bool) -> Option<PathBuf> {
    let target = workspace.target("bench-peers");
    let program = target.join(format!("release/netgear-bench-peers{EXE_SUFFIX}"));
    if in_a_hurry && !program.exists() {
        skipped(
            "zeromq, libzmq, omq-tokio and pic-scale",
            "they are not built: `cargo xtask bench` without --quick does it",
        );
        return None;
    }
    let build = |features: &[&str]| {
        let mut cargo = workspace.cargo(&["build", "--release", "--locked", "--manifest-path"]);
        cargo.arg(workspace.path("benches/peers/Cargo.toml")).arg("--target-dir").arg(&target);
        process::run(cargo.args(features))
    };
    if let Err(error) = build(&[]) {
        skipped("libzmq", format!("it needs a C++ compiler, such as Debian's g++: {error}"));
        if let Err(error) = build(&["--no-default-features"]) {
            skipped("zeromq, omq-tokio and pic-scale", error);
            return None;
        }
    }
    Some(program)
}

fn in_python(
    workspace: &Workspace,
    name: &str,
    environment: &str,
    python: bool,
    in_a_hurry: bool,
    install: impl FnOnce() -> Result<PathBuf>,
) -> Option<PathBuf> {
    if !python {
        skipped(name, format!("{} is missing", Tool::Python.name()));
        return None;
    }
    if in_a_hurry && !workspace.target(&format!("interop/{environment}/bin/python")).exists() {
        skipped(name, "it is not installed: `cargo xtask bench` without --quick does it");
        return None;
    }
    install().inspect_err(|error| skipped(name, format!("it could not be installed: {error}"))).ok()
}

fn skipped(name: &str, why: impl Display) {
    println!("!!! {name} SKIPPED: {why}");
}
