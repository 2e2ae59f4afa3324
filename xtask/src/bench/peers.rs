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

const IMAGEZMQ: &str = "1.2.0";

const NOT_INSTALLED: &str = "it is not installed: `cargo xtask bench` without --quick does it";

/// A Python interpreter that has VidGear, and OpenCV with it; `None` if it cannot be had, which a line says. In a
/// hurry only what was built or installed before is taken.
pub(super) fn vidgear(workspace: &Workspace, has_python: bool, in_a_hurry: bool) -> Option<PathBuf> {
    let environment = workspace.target(&format!("interop/{}", vidgear::ENVIRONMENT));
    if !has_python {
        return skipped("VidGear", format!("{} is missing", Tool::Python.name()));
    }
    if in_a_hurry && !environment.join("bin/python").exists() {
        return skipped("VidGear", NOT_INSTALLED);
    }
    match vidgear::python(workspace) {
        Ok((python, _)) => Some(python),
        Err(error) => skipped("VidGear", format!("it could not be installed: {error}")),
    }
}

/// The same one, if it has imagezmq, too: that needs nothing that VidGear does not bring.
pub(super) fn imagezmq(vidgear: Option<&Path>, in_a_hurry: bool) -> Option<PathBuf> {
    let Some(python) = vidgear else {
        return skipped("imagezmq", "it would be installed beside VidGear");
    };
    let has_it = format!(
        "import imagezmq
from importlib.metadata import version
assert version('imagezmq') == '{IMAGEZMQ}'"
    );
    if environment::runs(python, &has_it) {
        return Some(python.to_owned());
    }
    if in_a_hurry {
        return skipped("imagezmq", NOT_INSTALLED);
    }
    match environment::install(python, &["--no-deps", &format!("imagezmq=={IMAGEZMQ}")]) {
        Ok(()) => Some(python.to_owned()),
        Err(error) => skipped("imagezmq", format!("it could not be installed: {error}")),
    }
}

/// zeromq, omq-tokio, libzmq and pic-scale: a package that the workspace does not depend on.
pub(super) fn in_rust(workspace: &Workspace, in_a_hurry: bool) -> Option<PathBuf> {
    // Ours are built there, too, and what both are made of is then built once.
    let target = workspace.target("");
    let program = target.join(format!("release/netgear-bench-peers{EXE_SUFFIX}"));
    if in_a_hurry && !program.exists() {
        return skipped(
            "zeromq, libzmq, omq-tokio and pic-scale",
            "they are not built: `cargo xtask bench` without --quick does it",
        );
    }
    let build = |features: &[&str]| {
        let mut cargo = workspace.cargo(&["build", "--release", "--locked", "--manifest-path"]);
        cargo.arg(workspace.path("benches/peers/Cargo.toml")).arg("--target-dir").arg(&target);
        process::run(cargo.args(features))
    };
    if let Err(error) = build(&[]) {
        let _ = skipped("libzmq", format!("it needs a C++ compiler, such as Debian's g++: {error}"));
        if let Err(error) = build(&["--no-default-features"]) {
            return skipped("zeromq, omq-tokio and pic-scale", error);
        }
    }
    Some(program)
}

fn skipped(name: &str, why: impl Display) -> Option<PathBuf> {
    println!("!!! {name} SKIPPED: {why}");
    None
}
