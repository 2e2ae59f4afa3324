//! How long it takes to build the facade from nothing.

use std::{env, fs, path::Path, process::Command, time::Instant};

use serde_json::{Value, json};

use crate::{Result, process, workspace::Workspace};

/// The crate that brings all.
const FACADE: &str = "netgear";

/// How many crates are named that took long.
const SLOWEST: usize = 3;

/// Builds the facade for release with its default features, from nothing but the sources. A debug build would say
/// nothing of other programs: the workspace has some crates optimised there.
///
/// As long as nothing was built for release that is done where all is built, for the rest needs most of it too;
/// afterwards in a folder of its own.
pub(super) fn measure(workspace: &Workspace) -> Result<Value> {
    let compiler = process::output(Command::new("rustc").arg("-vV"))?;
    let host = compiler.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("rustc has no host")?;
    process::run(&mut workspace.cargo(&["fetch", "--locked", "--target", host]))?;
    let shared = workspace.target("");
    let own = workspace.target("bench/clean-build");
    let target = if has_a_release(&shared)? { &own } else { &shared };
    remove(&own)?;
    let mut cargo = workspace.cargo(&[
        "build",
        "--release",
        "--locked",
        "--offline",
        "--quiet",
        "--timings",
        "-p",
        FACADE,
    ]);
    without_the_settings_of_the_environment(cargo.arg("--target-dir").arg(target));
    let (started, spent_before) = (Instant::now(), process::time_of_children());
    process::run(&mut cargo)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_seconds = process::time_of_children().zip(spent_before).map(|(now, before)| now - before);
    let timings = fs::read_to_string(target.join("cargo-timings/cargo-timing.html")).unwrap_or_default();
    remove(&own)?;
    Ok(
        json!({ "crate": FACADE, "seconds": seconds, "cpu_seconds": cpu_seconds, "slowest": slowest(&timings) }),
    )
}

/// Whether something was built for release there, for this machine or for one that was named.
fn has_a_release(target: &Path) -> Result<bool> {
    for entry in fs::read_dir(target)? {
        let entry = entry?;
        if entry.file_name() == "release" || entry.path().join("release").exists() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// It is built as the workspace has it, and by the compiler: the environment may have been set for other builds.
fn without_the_settings_of_the_environment(cargo: &mut Command) {
    const SETTINGS: [&str; 7] = [
        "CARGO_BUILD_RUSTC_WRAPPER",
        "CARGO_BUILD_RUSTFLAGS",
        "CARGO_BUILD_TARGET",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ];
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PROFILE_") || SETTINGS.contains(&&*text) {
            cargo.env_remove(&name);
        }
    }
}

/// The crates that took longest and their seconds, from the page that `cargo build --timings` makes. What is not as
/// expected there is left out.
fn slowest(page: &str) -> Vec<(String, f64)> {
    let after = page.split_once("const UNIT_DATA = ").map_or("", |(_, after)| after);
    let units = serde_json::Deserializer::from_str(after).into_iter::<Vec<Value>>().next();
    let units = units.and_then(|units| units.ok()).unwrap_or_default();
    let named = |unit: &Value| Some((unit["name"].as_str()?.to_owned(), unit["duration"].as_f64()?));
    let mut units: Vec<_> = units.iter().filter_map(named).collect();
    units.sort_by(|(_, a), (_, b)| b.total_cmp(a));
    units.truncate(SLOWEST);
    units
}

fn remove(folder: &Path) -> Result {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_crates_stand_in_the_page_of_timings() {
        let unit =
            |name, seconds: f64| format!(r#"{{"i":0,"name":"{name}","version":"1","duration":{seconds}}}"#);
        let units = [unit("a", 0.5), unit("b", 60.25), unit("c", 3.0), unit("d", 2.0)].join(",\n");
        let page = format!("<script>\nconst UNIT_DATA = [{units}];\nconst CONCURRENCY_DATA = [];\n");
        let expected =
            [("b", 60.25), ("c", 3.0), ("d", 2.0)].map(|(name, seconds)| (name.to_owned(), seconds));
        assert_eq!(slowest(&page), expected);
        assert_eq!(slowest("<html>"), []);
    }
}
