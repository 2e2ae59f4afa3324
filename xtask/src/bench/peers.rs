//! The libraries that ours are measured beside: built and installed below the target directory.

use std::{env::consts::EXE_SUFFIX, fmt::Display, path::PathBuf};

use crate::{
    Result,
    interop::{environment, vidgear},
    process,
    tools::{self, Tool},
    workspace::Workspace,
};

const IMAGEZMQ: &str = "imagezmq-1.2.0";

/// Where they are, as options for a program of the benches. What cannot be had is left out, with a line that says so. In a hurry only
/// what was built or installed before is taken.
pub(super) fn arguments(workspace: &Workspace, in_a_hurry: bool) -> Result<Vec<String>> {
    let mut arguments = Vec::new();
    let mut add = |option: &str, path: Option<PathBuf>| {
        if let Some(path) = path {
            arguments.extend([option.to_owned(), path.to_string_lossy().into_owned()]);
        }
    };
    add("--peers", in_rust(workspace, in_a_hurry));
    let python = tools::require(Tool::Python)?;
    let vidgear = || vidgear::python(workspace).map(|(python, _)| python);
    add("--vidgear", in_python(workspace, "VidGear", vidgear::ENVIRONMENT, python, in_a_hurry, vidgear));
    let imagezmq = || {
        let package = IMAGEZMQ.replacen('-', "==", 1);
        environment::python(workspace, IMAGEZMQ, &[package.as_str()], "import imagezmq")
    };
    add("--imagezmq", in_python(workspace, "imagezmq", IMAGEZMQ, python, in_a_hurry, imagezmq));
    Ok(arguments)
}

/// zeromq, omq-tokio and libzmq: a package that the workspace does not depend on.
fn in_rust(workspace: &Workspace, in_a_hurry: bool) -> Option<PathBuf> {
    let target = workspace.target("bench-peers");
    let program = target.join(format!("release/netgear-bench-peers{EXE_SUFFIX}"));
    if in_a_hurry && !program.exists() {
        skipped(
            "zeromq, libzmq and omq-tokio",
            "they are not built: `cargo xtask bench --only transport` does it",
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
            skipped("zeromq and omq-tokio", error);
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
        skipped(name, "it is not installed: `cargo xtask bench --only transport` does it");
        return None;
    }
    install().inspect_err(|error| skipped(name, format!("it could not be installed: {error}"))).ok()
}

fn skipped(name: &str, why: impl Display) {
    println!("!!! {name} SKIPPED: {why}");
}
