//! Every example is built, and those that finish by themselves are run.
//!
//! Which those are, a package says in its manifest:
//!
//! ```toml
//! [package.metadata.xtask]
//! # Each list is a group of command lines that run at the same time, like a receiver and a sender.
//! run-examples = [["frames_both_ways"], ["receiver", "sender --frames 10"]]
//! ```

use std::{
    collections::HashMap,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    process::{Outcome, human},
    workspace::{Package, Workspace},
};

/// What the list is called in a manifest.
const KEY: &str = "run-examples";

/// No example takes longer.
const TIME_LIMIT: Duration = Duration::from_secs(60);

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    let programs = workspace.build("example")?;
    let mut not_run: Vec<&str> = programs.keys().map(String::as_str).collect();
    for package in workspace.packages() {
        for group in groups(package)? {
            run_group(&programs, &group)?;
            not_run.retain(|name| group.iter().all(|line| line.split_whitespace().next() != Some(name)));
        }
    }
    not_run.sort_unstable();
    if !not_run.is_empty() {
        println!("built, and not run because they do not finish by themselves: {}", not_run.join(", "));
    }
    Ok(Outcome::Done)
}

/// The groups of command lines that a package's manifest asks to run.
fn groups(package: &Package) -> Result<Vec<Vec<String>>> {
    match package.metadata.get(KEY) {
        None => Ok(Vec::new()),
        Some(groups) => serde_json::from_value(groups.clone()).map_err(|error| {
            format!(
                "package.metadata.xtask.{KEY} of {} is not a list of lists of command lines: {error}",
                package.name
            )
            .into()
        }),
    }
}

/// Runs the programs of a group at the same time; all must end well.
fn run_group(programs: &HashMap<String, PathBuf>, group: &[String]) -> Result {
    let started = Instant::now();
    let mut running = Vec::new();
    for line in group {
        running.push(Running::start(programs, line)?);
    }
    while !running.is_empty() {
        let mut left = Vec::new();
        for mut program in running {
            match program.child.try_wait()? {
                Some(status) if status.success() => {}
                Some(status) => return Err(format!("the example `{}`: {status}", program.line).into()),
                None if started.elapsed() > TIME_LIMIT => {
                    let limit = human(TIME_LIMIT);
                    return Err(format!("the example `{}` has not ended after {limit}", program.line).into());
                }
                None => left.push(program),
            }
        }
        running = left;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A program that ends with this value at the latest.
struct Running {
    line: String,
    child: Child,
}

impl Running {
    fn start(programs: &HashMap<String, PathBuf>, line: &str) -> Result<Self> {
        let mut words = line.split_whitespace();
        let program = words.next().and_then(|name| programs.get(name));
        let program = program.ok_or_else(|| format!("there is no example for the command line {line:?}"))?;
        println!("$ {line}");
        let child = Command::new(program).args(words).stdin(Stdio::null()).spawn()?;
        Ok(Self { line: line.to_owned(), child })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
