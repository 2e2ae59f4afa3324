//! Formatting, the width of comments, and lints. The program without std and the fuzz targets are workspaces of their
//! own.

use std::fs;

use crate::{
    Result, fuzz, no_std,
    process::{self, Outcome},
    workspace::Workspace,
};

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    format(workspace)?;
    comments(workspace)?;
    clippy(workspace)?;
    Ok(Outcome::Done)
}

fn format(workspace: &Workspace) -> Result {
    process::run(&mut workspace.cargo(&["fmt", "--all", "--check"]))?;
    for manifest in [no_std::MANIFEST].into_iter().chain(fuzz::MANIFESTS) {
        process::run(&mut workspace.cargo(&["fmt", "--check", "--manifest-path", manifest]))?;
    }
    Ok(())
}

/// How many columns a comment may have, which rustfmt leaves as it is.
const LONGEST_COMMENT: usize = 118;

/// Where the code is.
const FOLDERS: [&str; 6] = ["benches", "crates", "endurance", "examples", "simulator", "xtask"];

fn comments(workspace: &Workspace) -> Result {
    let mut long = Vec::new();
    for folder in FOLDERS {
        for file in workspace.files(folder, "rs", true)? {
            let text = fs::read_to_string(&file)?;
            long.extend(long_comments(&text).map(|line| format!("{}:{line}", file.display())));
        }
    }
    if long.is_empty() {
        return Ok(());
    }
    Err(format!("comments of more than {LONGEST_COMMENT} columns:\n{}", long.join("\n")).into())
}

/// The lines, from 1, with a comment that is too long. The row of a table has to be one line.
fn long_comments(text: &str) -> impl Iterator<Item = usize> {
    let is_long = |line: &str| {
        let comment = line.trim_start();
        comment.starts_with("//") && !comment.starts_with("/// |") && line.chars().count() > LONGEST_COMMENT
    };
    (1..).zip(text.lines()).filter(move |(_, line)| is_long(line)).map(|(number, _)| number)
}

fn clippy(workspace: &Workspace) -> Result {
    let mut clippy = workspace.cargo(&["clippy", "--workspace", "--all-targets"]);
    process::run(clippy.args(workspace.features()?).args(["--", "-D", "warnings"]))?;
    process::run(
        workspace
            .cargo(&["clippy", "--manifest-path", no_std::MANIFEST, "--target-dir"])
            .arg(no_std::target_directory(workspace))
            .args(["--", "-D", "warnings"]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_comment_is_found_and_a_long_row_or_line_of_code_is_not() {
        let long = "ä".repeat(LONGEST_COMMENT);
        let text =
            format!("// short\n    // {long}\n/// | {long} |\nlet text = \"{long}\";\n//{}\n", &long[4..]);
        assert_eq!(long_comments(&text).collect::<Vec<_>>(), [2]);
    }
}
