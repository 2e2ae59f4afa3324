//! The libraries that ours are measured beside: built and installed below the target directory.

use std::{
    env::consts::EXE_SUFFIX,
    fmt::Display,
    path::{Path, PathBuf},
};

use crate::{
    interop::{environment, vidgear},
    process,
    tools::Tool,
    workspace::Workspace,
};

const IMAGEZMQ: &str = "imagezmq==1.2.0";

const NOT_INSTALLED: &str = "it is not installed: `cargo xtask bench` without --quick does it";

/// A Python interpreter that has VidGear, and OpenCV with it; `None` if it cannot be had, which a line says. In a
/// hurry only what was built or installed before is taken.
pub(super) fn vidgear(workspace: &Workspace, has_python: bool, in_a_hurry: bool) -> Option<PathBuf> {
    let environment = workspace.target(&format!("interop/{}", vidgear::ENVIRONMENT));
    if !has_python {
        skipped("VidGear", format!("{} is missing", Tool::Python.name()));
        return None;
    }
    if in_a_hurry && !environment.join("bin/python").exists() {
        skipped("VidGear", NOT_INSTALLED);
        return None;
    }
    match vidgear::python(workspace) {
        Ok((python, _)) => Some(python),
        Err(error) => could_not_be_installed("VidGear", &error),
    }
}

/// The same one, if it has imagezmq, too: that needs nothing that VidGear does not bring.
pub(super) fn imagezmq(vidgear: Option<&Path>, in_a_hurry: bool) -> Option<PathBuf> {
    let Some(python) = vidgear else {
        skipped("imagezmq", "it would be installed beside VidGear");
        return None;
    };
    if !environment::runs(python, "import imagezmq") {
        if in_a_hurry {
            skipped("imagezmq", NOT_INSTALLED);
            return None;
        }
        if let Err(error) = environment::install(python, &[IMAGEZMQ]) {
            return could_not_be_installed("imagezmq", &error);
        }
    }
    Some(python.to_owned())
}

/// zeromq, omq-tokio, libzmq and pic-scale: a package that the workspace does not depend on.
pub(super) fn in_rust(workspace: &Workspace, in_a_hurry: bool) -> Option<PathBuf> {
    // Ours are built there, too, and what both are made of is then built once.
    let target = workspace.target("");
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

fn could_not_be_installed(name: &str, error: &dyn Display) -> Option<PathBuf> {
    skipped(name, format!("it could not be installed: {error}"));
    None
}

fn skipped(name: &str, why: impl Display) {
    println!("!!! {name} SKIPPED: {why}");
}
