//! What cargo knows of the workspace.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{
    Result, process,
    tools::{self, Tool},
};

/// The feature that is not built where libclang is missing, whatever package has it.
const NEEDS_LIBCLANG: &str = "camera";

/// The workspace that this program belongs to.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    packages: Vec<Package>,
}

/// A package of the workspace.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    features: Vec<String>,
    /// What stands in `[package.metadata.xtask]`.
    pub(crate) metadata: Value,
}

/// A program that cargo has built.
#[derive(Debug)]
pub(crate) struct Executable {
    /// "bin", "example" or "test".
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

impl Workspace {
    /// Asks `cargo metadata`.
    pub(crate) fn load() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"])
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml"))
            .output()?;
        if !output.status.success() {
            return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        Ok(Self {
            root: PathBuf::from(text(&metadata["workspace_root"])),
            target: PathBuf::from(text(&metadata["target_directory"])),
            packages: array(&metadata["packages"]).iter().map(Package::read).collect(),
        })
    }

    /// A path below the workspace's root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A path below the target directory.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Builds everything, and says where each program of a kind is: "bin" or "example". All is built together, as it is for the
    /// tests, so that what both need is built once.
    pub(crate) fn build(&self, kind: &str) -> Result<HashMap<String, PathBuf>> {
        let mut cargo = self.cargo(&["build", "--workspace", "--examples", "--bins"]);
        let programs = Self::executables(cargo.args(self.features()?))?
            .into_iter()
            .filter(|program| program.kind == kind);
        Ok(programs.map(|program| (program.name, program.path)).collect())
    }

    /// What tells cargo to build the whole workspace with all features, or with all that can be built here.
    pub(crate) fn features(&self) -> Result<Vec<String>> {
        if tools::require(Tool::Libclang)? {
            return Ok(vec!["--all-features".to_owned()]);
        }
        let of_package = |package: &Package| {
            let features = package.features.iter().filter(|feature| *feature != NEEDS_LIBCLANG);
            features.map(|feature| format!("{}/{feature}", package.name)).collect::<Vec<_>>()
        };
        Ok(vec![
            "--features".to_owned(),
            self.packages.iter().flat_map(of_package).collect::<Vec<_>>().join(","),
        ])
    }

    /// Runs a cargo command that builds, and says what programs there are then.
    pub(crate) fn executables(cargo: &mut Command) -> Result<Vec<Executable>> {
        let messages = process::output(cargo.arg("--message-format=json-render-diagnostics"))?;
        let mut executables = Vec::new();
        for message in messages.lines() {
            let message: Value = serde_json::from_str(message)?;
            if let Some(path) = message["executable"].as_str() {
                let target = &message["target"];
                let (kind, name) = (text(&target["kind"][0]), text(&target["name"]));
                executables.push(Executable { kind, name, path: PathBuf::from(path) });
            }
        }
        Ok(executables)
    }

    /// A cargo command to run in the workspace.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut command = cargo();
        command.current_dir(&self.root).args(arguments);
        command
    }
}

impl Package {
    fn read(package: &Value) -> Self {
        let features = package["features"].as_object().into_iter().flatten();
        let features = features.map(|(name, _)| name.clone()).collect();
        Self { name: text(&package["name"]), features, metadata: package["metadata"]["xtask"].clone() }
    }
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
