//! The programs that run in the guest, as they lie here.

use std::{collections::BTreeSet, env, path::PathBuf, process::Command};

use crate::{
    Result,
    process::output,
    workspace::{Executable, Workspace},
};

/// The name of each test program that wants the camera, whatever package it belongs to.
const TEST: &str = "virtual_camera";

/// The programs.
#[derive(Debug)]
pub(super) struct Programs {
    /// The test programs.
    pub(super) tests: Vec<PathBuf>,
    /// What the test programs run. In the guest it lies where it lies here: they have its path in them.
    pub(super) netgear: PathBuf,
    /// With it the tests set the camera's controls, and hear from somebody else what it offers.
    pub(super) v4l2_ctl: PathBuf,
    /// The shell, and all that it calls. It needs no libraries.
    pub(super) busybox: PathBuf,
}

impl Programs {
    /// Builds ours, as they are built for the other tests, so that what both need is built once.
    pub(super) fn build(workspace: &Workspace) -> Result<Self> {
        let mut cargo = workspace.cargo(&["test", "--workspace", "--no-run", "--test", TEST]);
        let built = workspace.executables(cargo.args(workspace.features()?))?;
        let find = |kind: &str, name: &str| -> Vec<PathBuf> {
            let fits = |program: &&Executable| program.kind == kind && program.name == name;
            built.iter().filter(fits).map(|program| program.path.clone()).collect()
        };
        let netgear =
            find("bin", "netgear").pop().ok_or("the tests in the guest need the program netgear")?;
        let (v4l2_ctl, busybox) = (on_path("v4l2-ctl")?, on_path("busybox")?);
        let tests = find("test", TEST);
        if tests.is_empty() {
            return Err(format!("there is no test program {TEST}").into());
        }
        Ok(Self { tests, netgear, v4l2_ctl, busybox })
    }

    /// The libraries of all of them, and what loads those.
    pub(super) fn libraries(&self) -> Result<BTreeSet<PathBuf>> {
        let mut libraries = BTreeSet::new();
        for program in self.tests.iter().chain([&self.netgear, &self.v4l2_ctl]) {
            for line in output(Command::new("ldd").arg(program))?.lines() {
                if line.contains("not found") {
                    return Err(format!("{}: {}", program.display(), line.trim()).into());
                }
                // `name => /path (address)`, or the loader: `/path (address)`. What the kernel brings has no path.
                let path = line.split_whitespace().find(|word| word.starts_with('/'));
                libraries.extend(path.map(PathBuf::from));
            }
        }
        Ok(libraries)
    }
}

fn on_path(program: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let found = env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file());
    Ok(found.ok_or_else(|| format!("{program} is not on the PATH"))?)
}
