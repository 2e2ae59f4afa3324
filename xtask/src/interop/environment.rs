//! Virtual environments of Python below the target directory.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Result, process, workspace::Workspace};

/// The Python of a virtual environment with these packages, which is made if this statement does not run in it.
pub(crate) fn python(
    workspace: &Workspace,
    name: &str,
    packages: &[&str],
    statement: &str,
) -> Result<PathBuf> {
    let directory = workspace.target(&format!("interop/{name}"));
    let python = directory.join("bin/python");
    if !runs(&python, statement) {
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory))?;
        install(&python, packages)?;
    }
    Ok(python)
}

/// Whether this Python has what the statement needs.
pub(crate) fn runs(python: &Path, statement: &str) -> bool {
    process::succeeds(Command::new(python).args(["-c", statement]))
}

/// Installs packages beside those that this Python has, with options of pip before them.
pub(crate) fn install(python: &Path, packages: &[&str]) -> Result {
    let mut pip = Command::new(python);
    process::run(pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages))
}
