//! What cargo knows of the workspace.

use std::{
    collections::HashMap,
    env, fs,
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
    rust_version: String,
    features: Vec<String>,
    /// What stands in `[package.metadata.xtask]`.
    pub(crate) metadata: Value,
}

/// A program that cargo has built.
#[derive(Debug)]
pub(crate) struct Executable {
    /// "lib", "bin", "example", "test" or "bench".
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Whether it runs tests.
    pub(crate) is_test: bool,
    /// The folder of the package that it belongs to.
    pub(crate) package: PathBuf,
}

/// Which build of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Build {
    /// As users have it, and for figures.
    Release,
    /// With all features and without optimisation: there already, once the tests were built.
    Tests,
}

impl Build {
    /// Builds the programs of these packages, and says where each is.
    pub(crate) fn programs(
        self,
        workspace: &Workspace,
        packages: &[&str],
    ) -> Result<HashMap<String, PathBuf>> {
        match self {
            Self::Tests => workspace.build("bin"),
            Self::Release => {
                let mut cargo = workspace.cargo(&["build", "--release", "--bins"]);
                cargo.args(packages.iter().flat_map(|package| ["-p", package]));
                Ok(Workspace::paths(workspace.executables(&mut cargo)?, "bin"))
            }
        }
    }

    /// Builds an example, and says where it is. The package may have further options, for a release.
    pub(crate) fn example(self, workspace: &Workspace, package: &[&str], name: &str) -> Result<PathBuf> {
        let examples = match self {
            Self::Tests => workspace.build("example")?,
            Self::Release => {
                let mut cargo = workspace.cargo(&["build", "--release", "--example", name, "-p"]);
                Workspace::paths(workspace.executables(cargo.args(package))?, "example")
            }
        };
        let path = examples.get(name).cloned();
        Ok(path.ok_or_else(|| format!("cargo built no example {name}"))?)
    }
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

    /// The files of a kind in a folder below the root, in order; with `recurse`, in those below that, too, but for
    /// what cargo builds.
    pub(crate) fn files(&self, folder: &str, extension: &str, recurse: bool) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        let mut folders = vec![self.path(folder)];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    folders.extend(Some(path).filter(|_| recurse && entry.file_name() != "target"));
                } else if path.extension().is_some_and(|found| found == extension) {
                    files.push(path);
                }
            }
        }
        files.sort();
        Ok(files)
    }

    /// The oldest Rust that all packages are promised to compile with.
    pub(crate) fn rust_version(&self) -> &str {
        self.packages.first().map_or("", |package| &package.rust_version)
    }

    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// Builds everything, and says where each program of a kind is: "bin" or "example". All is built together, as it
    /// is for the tests, so that what both need is built once.
    pub(crate) fn build(&self, kind: &str) -> Result<HashMap<String, PathBuf>> {
        let mut cargo = self.cargo(&["build", "--workspace", "--examples", "--bins"]);
        Ok(Self::paths(self.executables(cargo.args(self.features()?))?, kind))
    }

    /// Where the programs of a kind are, by their names.
    fn paths(programs: Vec<Executable>, kind: &str) -> HashMap<String, PathBuf> {
        let programs = programs.into_iter().filter(|program| program.kind == kind);
        programs.map(|program| (program.name, program.path)).collect()
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
    pub(crate) fn executables(&self, cargo: &mut Command) -> Result<Vec<Executable>> {
        let messages = process::output(cargo.arg("--message-format=json-render-diagnostics"))?;
        let mut executables = Vec::new();
        for message in messages.lines() {
            let message: Value = serde_json::from_str(message)?;
            if let Some(path) = message["executable"].as_str() {
                let target = &message["target"];
                let (kind, name) = (text(&target["kind"][0]), text(&target["name"]));
                let manifest = PathBuf::from(text(&message["manifest_path"]));
                executables.push(Executable {
                    kind,
                    name,
                    path: PathBuf::from(path),
                    is_test: message["profile"]["test"].as_bool().unwrap_or_default(),
                    package: manifest.parent().unwrap_or(&self.root).to_owned(),
                });
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
        Self {
            name: text(&package["name"]),
            rust_version: text(&package["rust_version"]),
            features,
            metadata: package["metadata"]["xtask"].clone(),
        }
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
