//! The libraries that ours are measured beside: built and installed below the target directory.

use std::{env::consts::EXE_SUFFIX, fmt::Display, path::PathBuf};

use crate::{
    Result,
    interop::{environment, vidgear},
    process,
    tools::Tool,
    workspace::Workspace,
};

const IMAGEZMQ: &str = "imagezmq-1.2.0";

/// A Python interpreter that has VidGear, and OpenCV with it; `None` if it cannot be had, which a line says. In a
/// hurry only what was built or installed before is taken.
pub(super) fn vidgear(workspace: &Workspace, python: bool, in_a_hurry: bool) -> Option<PathBuf> {
    let install = || vidgear::python(workspace).map(|(python, _)| python);
    in_python(workspace, "VidGear", vidgear::ENVIRONMENT, python, in_a_hurry, install)
}

/// One that has imagezmq.
pub(super) fn imagezmq(workspace: &Workspace, python: bool, in_a_hurry: bool) -> Option<PathBuf> {
    let install = || {
        let package = IMAGEZMQ.replacen('-', "==", 1);
        environment::python(workspace, IMAGEZMQ, &[package.as_str()], "import imagezmq")
    };
    in_python(workspace, "imagezmq", IMAGEZMQ, python, in_a_hurry, install)
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
