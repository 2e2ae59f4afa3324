//! The API's documentation, the links between the Markdown files, and the code that they quote.

mod quotes;

use std::{fs, path::Path};

use self::quotes::Quote;
use crate::{
    Result,
    process::{self, Outcome},
    workspace::Workspace,
};

pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    process::run(
        workspace
            .cargo(&["doc", "--no-deps", "--workspace"])
            .args(workspace.features()?)
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    let mut files = workspace.files(".", "md", false)?;
    files.extend(workspace.files("docs", "md", true)?);
    let (mut links, mut quotes) = (0, 0);
    let mut broken = Vec::new();
    for file in &files {
        let text = fs::read_to_string(file)?;
        for link in relative_links(&text) {
            links += 1;
            if let Err(reason) = check(file, &text, &link) {
                broken.push(format!("{}: {link}: {reason}", file.display()));
            }
        }
        for quote in Quote::all_in(&text) {
            quotes += 1;
            if let Err(reason) = quote.check(workspace) {
                broken.push(format!("{}: {quote}: {reason}", file.display()));
            }
        }
    }
    println!("{links} relative links and {quotes} quoted files in {} Markdown files", files.len());
    if broken.is_empty() { Ok(Outcome::Done) } else { Err(broken.join("\n").into()) }
}

/// The targets of `[text](target)` and `[text]: target` that are not addresses elsewhere.
fn relative_links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    for line in prose(text) {
        let definition =
            line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).map(|(_, target)| target);
        let inline = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let targets = definition.into_iter().chain(inline);
        links.extend(
            targets
                // A title may stand behind the target.
                .filter_map(|target| target.split_whitespace().next())
                .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
                .map(str::to_owned),
        );
    }
    links
}

/// The lines that are not code, without the code within them.
fn prose(text: &str) -> impl Iterator<Item = String> {
    let mut in_code = false;
    text.lines().filter_map(move |line| {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
            return None;
        }
        // Between the backticks of a line stands code, in every second piece.
        (!in_code).then(|| line.split('`').step_by(2).collect())
    })
}

fn check(file: &Path, text: &str, link: &str) -> Result<(), String> {
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor)));
    let target =
        if path.is_empty() { file.to_owned() } else { file.parent().unwrap_or(Path::new(".")).join(path) };
    if !path.is_empty() && !target.exists() {
        return Err(format!("there is no {}", target.display()));
    }
    let Some(anchor) = anchor else { return Ok(()) };
    let text = if path.is_empty() {
        text.to_owned()
    } else {
        fs::read_to_string(&target).map_err(|error| error.to_string())?
    };
    if headings(&text).iter().any(|heading| heading == anchor) {
        return Ok(());
    }
    Err(format!("there is no heading #{anchor} in {}", target.display()))
}

/// The anchors that a file's headings have on the usual forges.
fn headings(text: &str) -> Vec<String> {
    let mut in_code = false;
    let mut anchors: Vec<String> = Vec::new();
    for line in text.lines() {
        in_code ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if in_code || title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let anchor: String = title
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        // The same heading again gets a number.
        let same = |known: &&String| {
            **known == anchor
                || known
                    .rsplit_once('-')
                    .is_some_and(|(stem, number)| stem == anchor && number.parse::<u32>().is_ok())
        };
        match anchors.iter().filter(same).count() {
            0 => anchors.push(anchor),
            before => anchors.push(format!("{anchor}-{before}")),
        }
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_in_prose_and_not_in_code() {
        let text = "See [a](a.md), [b](b.md#part \"title\") and [c](https://example.org).\n\
                    `[not](code.md)` but [d](d.md)\n```\n[not](block.md)\n```\n[e]: e.md\n[f]: http://example.org\n";
        assert_eq!(relative_links(text), ["a.md", "b.md#part", "d.md", "e.md"]);
    }

    #[test]
    fn headings_become_anchors() {
        let text = "# The house\n## 2. What `Foo::bar` is, and why\n```\n# a comment\n```\n## Same\n## Same\n#hashtag\n";
        assert_eq!(headings(text), ["the-house", "2-what-foobar-is-and-why", "same", "same-1"]);
    }

    #[test]
    fn a_link_to_nothing_is_found_out() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("here.md");
        let text = "# Here\n";
        assert_eq!(check(&file, text, "Cargo.toml"), Ok(()));
        assert_eq!(check(&file, text, "#here"), Ok(()));
        assert!(check(&file, text, "#there").is_err());
        assert!(check(&file, text, "absent.md").is_err());
    }
}
