//! What is depended on: licences, origins, and the Rust that it asks for.

use serde_json::Value;

use crate::{
    Result,
    process::{self, Outcome},
    tools::Tool,
    workspace::Workspace,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Look for known vulnerabilities, too: fetches the list of them.
    #[arg(long)]
    advisories: bool,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    check_rust_versions(workspace)?;
    if !Tool::CargoDeny.is_present() {
        println!("!!! {} is missing: licences and origins are NOT CHECKED", Tool::CargoDeny.name());
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::CargoDeny.name())));
    }
    let mut deny = workspace.cargo(&["deny", "--locked", "check", "licenses", "bans", "sources"]);
    if options.advisories {
        deny.arg("advisories");
    } else {
        println!("!!! known vulnerabilities are NOT LOOKED FOR: --advisories does it, and needs the network");
    }
    process::run(&mut deny)?;
    Ok(Outcome::Done)
}

/// Nothing that is built here asks for a newer Rust than the workspace says that it needs.
fn check_rust_versions(workspace: &Workspace) -> Result {
    let arguments = ["metadata", "--locked", "--all-features", "--format-version", "1"];
    let metadata: Value = serde_json::from_str(&process::output(&mut workspace.cargo(&arguments))?)?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata names no packages")?;
    let ours = workspace.rust_version();
    let newer = packages.iter().filter_map(|package| {
        let asked = package["rust_version"].as_str()?;
        (numbers(asked) > numbers(ours))
            .then(|| format!("{} {}: {asked}", package["name"], package["version"]))
    });
    match newer.collect::<Vec<_>>().as_slice() {
        [] => println!("none of {} packages asks for a newer Rust than {ours}", packages.len()),
        newer => return Err(format!("these ask for a newer Rust than {ours}: {}", newer.join(", ")).into()),
    }
    Ok(())
}

/// Of a version: 1.9 comes before 1.89, and is 1.9.0.
fn numbers(version: &str) -> [u64; 3] {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or_default());
    std::array::from_fn(|_| numbers.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_number_by_number() {
        assert!(numbers("1.9") < numbers("1.89"));
        assert!(numbers("1.89") < numbers("1.89.1"));
        assert_eq!(numbers("1.89"), numbers("1.89.0"));
    }
}
