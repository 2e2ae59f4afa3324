//! netgear-proto needs no std: a program that has none links it and runs it.

use std::{env, fs, path::PathBuf, process::Command};

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

/// The program.
pub(crate) const MANIFEST: &str = "examples/no-std/Cargo.toml";

/// A microcontroller (Cortex-M4): alloc and core are all that it has.
const BARE_METAL: &str = "thumbv7em-none-eabihf";

/// Every program with std in it says so: its messages name the source files they come from.
const TRACE_OF_STD: &[u8] = b"library/std/src";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    if !cfg!(all(target_os = "linux", target_env = "gnu")) {
        return Ok(Outcome::Skipped("the program has an entry point for Linux with glibc only".into()));
    }
    let target = target_directory(workspace);
    // Its panic handler is the first proof: std has one of its own, and two do not compile.
    process::run(workspace.cargo(&["build", "--manifest-path", MANIFEST, "--target-dir"]).arg(&target))?;
    let program = target.join("debug/netgear-no-std");
    if !has_trace_of_std(&env::current_exe()?)? {
        return Err("the trace of std is not found even in xtask, so its absence proves nothing".into());
    }
    if has_trace_of_std(&program)? {
        return Err("std is linked into the program".into());
    }
    println!("no std is linked into {}", program.display());
    process::run(&mut Command::new(&program))?;
    println!("two sessions shook hands, exchanged frames and data, and said goodbye");
    check_bare_metal(workspace)
}

pub(crate) fn target_directory(workspace: &Workspace) -> PathBuf {
    workspace.target("no-std")
}

fn has_trace_of_std(program: &PathBuf) -> Result<bool> {
    Ok(fs::read(program)?.windows(TRACE_OF_STD.len()).any(|window| window == TRACE_OF_STD))
}

/// Compiles the crate for a target that has no std at all, where that target is installed.
fn check_bare_metal(workspace: &Workspace) -> Result<Outcome> {
    let installed = Command::new("rustc").args(["--print", "target-libdir", "--target", BARE_METAL]).output();
    let libraries = installed.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    if !libraries.is_some_and(|path| PathBuf::from(path.trim()).exists()) {
        println!("{BARE_METAL} is not installed (`rustup target add {BARE_METAL}`), and not checked");
        return Ok(Outcome::Done);
    }
    process::run(
        workspace
            .cargo(&["check", "-p", "netgear-proto", "--lib", "--target", BARE_METAL, "--target-dir"])
            .arg(target_directory(workspace)),
    )?;
    Ok(Outcome::Done)
}
