//! netgear-media is of use alone: without its features it resizes, and it brings no network with it.

use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

const PACKAGE: &str = "netgear-media";

/// What only the network needs.
const NETWORK: [&str; 4] = ["netgear-transport", "tokio", "zeromq", "mio"];

/// What is in the tree for sure, so that a look that finds nothing is known not to be blind.
const PRESENT: &str = "netgear-proto";

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    // Tests too: resizing and pipelines are all that is there, and they work.
    cargo(workspace, &["test", "--lib", "--tests", "--no-default-features"])?;
    for features in ["still", "annotate", "codec"] {
        let features = ["check", "--lib", "--tests", "--no-default-features", "--features", features];
        cargo(workspace, &features)?;
    }
    check_tree(workspace)?;
    Ok(Outcome::Done)
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result {
    let (command, rest) = arguments.split_first().ok_or("no command")?;
    process::run(workspace.cargo(&[command, "-p", PACKAGE]).args(rest))
}

/// Nothing of the network is among what the crate depends on, with all its features, on any platform.
fn check_tree(workspace: &Workspace) -> Result {
    let arguments = [
        "tree",
        "-p",
        PACKAGE,
        "--all-features",
        "--edges",
        "normal",
        "--target",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let tree = process::output(&mut workspace.cargo(&arguments))?;
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if !names.contains(&PRESENT) {
        return Err(format!("{PRESENT} is not in the tree of {PACKAGE}, so nothing is proved by it").into());
    }
    if let Some(found) = NETWORK.iter().find(|name| names.contains(name)) {
        return Err(format!(
            "{found} is among what {PACKAGE} depends on; `cargo tree -p {PACKAGE} --all-features -i {found}` says why"
        )
        .into());
    }
    println!("none of {} packages that {PACKAGE} depends on is {}", names.len(), NETWORK.join(", "));
    Ok(())
}
