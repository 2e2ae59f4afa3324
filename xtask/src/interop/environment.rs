//! Virtual environments of Python below the target directory.

use std::{path::PathBuf, process::Command};

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
    if !process::succeeds(Command::new(&python).args(["-c", statement])) {
        process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&directory))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
        process::run(&mut install)?;
    }
    Ok(python)
}
