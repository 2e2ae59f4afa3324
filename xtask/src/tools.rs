//! Programs that some proofs need and that cargo does not bring.

use std::{env, process::Command};

use crate::{
    Result,
    process::{run, succeeds},
};

/// A program beside cargo and a C compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    /// Makes the videos that the tests decode, and is the reference that they are held against.
    Ffmpeg,
    /// Runs pyzmq and VidGear.
    Python,
    /// Compiles fuzz targets.
    Nightly,
}

impl Tool {
    /// What CI needs, all of it in packages of the system. It does not fuzz.
    const OF_CI: [Self; 2] = [Self::Ffmpeg, Self::Python];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ffmpeg => "ffmpeg",
            Self::Python => "python3 with venv",
            Self::Nightly => "a nightly compiler (rustup toolchain install nightly)",
        }
    }

    /// Whether it is there and works.
    pub(crate) fn is_present(self) -> bool {
        match self {
            Self::Ffmpeg => succeeds(Command::new("ffmpeg").arg("-version")),
            // Some systems have Python and keep from it what a virtual environment needs.
            Self::Python => succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
            Self::Nightly => succeeds(Command::new("rustup").args(["run", "nightly", "cargo", "--version"])),
        }
    }

    /// Its packages in Debian and Ubuntu.
    fn packages(self) -> &'static [&'static str] {
        match self {
            Self::Ffmpeg => &["ffmpeg"],
            Self::Python => &["python3", "python3-venv"],
            // It comes from rustup.
            Self::Nightly => &[],
        }
    }
}

/// Whether this is CI, where nothing may be left out.
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// Installs what is missing, where that is possible. In CI all must be there afterwards; elsewhere what needs a missing one
/// is skipped.
pub(crate) fn install_missing() -> Result {
    let missing: Vec<Tool> = Tool::OF_CI.into_iter().filter(|tool| !tool.is_present()).collect();
    if missing.is_empty() {
        println!("ffmpeg and python3 are there");
        return Ok(());
    }
    let packages = missing.iter().flat_map(|tool| tool.packages()).copied();
    let installed = run(Command::new("apt-get").arg("update")).and_then(|()| {
        let mut install = Command::new("apt-get");
        install.env("DEBIAN_FRONTEND", "noninteractive");
        run(install.args(["install", "-y", "--no-install-recommends"]).args(packages))
    });
    if let Err(error) = installed {
        println!("could not install: {error}");
    }
    for tool in missing.into_iter().filter(|tool| !tool.is_present()) {
        require(tool)?;
    }
    Ok(())
}

/// What to do without a tool: nothing may be left out in CI; elsewhere the caller skips what needs it.
pub(crate) fn require(tool: Tool) -> Result<bool> {
    if tool.is_present() {
        return Ok(true);
    }
    if is_ci() {
        return Err(format!("{} is missing, and CI must not leave out what needs it", tool.name()).into());
    }
    println!("!!! {} is missing: what needs it is SKIPPED", tool.name());
    Ok(false)
}
