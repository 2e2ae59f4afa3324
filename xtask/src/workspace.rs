//! What cargo knows of the workspace.

use std::{
    collections::HashMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::{Result, process};

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
    /// What stands in `[package.metadata.xtask]`.
    pub(crate) metadata: Value,
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
        let messages = process::output(&mut self.cargo(&[
            "build",
            "--workspace",
            "--all-features",
            "--examples",
            "--bins",
            "--message-format=json-render-diagnostics",
        ]))?;
        let mut programs = HashMap::new();
        for message in messages.lines() {
            let message: Value = serde_json::from_str(message)?;
            let target = &message["target"];
            if let (Some(executable), Some(name)) = (message["executable"].as_str(), target["name"].as_str())
                && target["kind"][0] == kind
            {
                programs.insert(name.to_owned(), PathBuf::from(executable));
            }
        }
        Ok(programs)
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
        Self { name: text(&package["name"]), metadata: package["metadata"]["xtask"].clone() }
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
