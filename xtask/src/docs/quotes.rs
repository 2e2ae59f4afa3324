//! Code in Markdown that is a file of this workspace, and must not drift from it.
//!
//! The first line of such a block names the file behind the language: ```` ```rust examples/camera_sender.rs ````.
//! The block is the file without its head, which is what a page says in its own words: the description, and what is
//! for lints alone.

use std::{fmt, fs};

use crate::workspace::Workspace;

/// A block that names a file.
#[derive(Debug, PartialEq)]
pub(super) struct Quote {
    /// The line of the page where it begins, counted from 1.
    line: usize,
    path: String,
    code: String,
}

impl Quote {
    pub(super) fn all_in(text: &str) -> Vec<Self> {
        let mut quotes = Vec::new();
        // The block that the line is in, if any, and the quote if it names a file.
        let mut block: Option<Option<Quote>> = None;
        for (index, line) in text.lines().enumerate() {
            block = match (block, line.strip_prefix("```")) {
                (None, Some(info)) => Some(info.split_whitespace().nth(1).map(|path| Self {
                    line: index + 1,
                    path: path.to_owned(),
                    code: String::new(),
                })),
                (None, None) => None,
                (Some(quote), Some(_)) => {
                    quotes.extend(quote);
                    None
                }
                (Some(mut quote), None) => {
                    if let Some(quote) = &mut quote {
                        quote.code.push_str(line);
                        quote.code.push('\n');
                    }
                    Some(quote)
                }
            };
        }
        quotes
    }

    pub(super) fn check(&self, workspace: &Workspace) -> Result<(), String> {
        let file = workspace.path(&self.path);
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        self.compare(&text)
    }

    fn compare(&self, file: &str) -> Result<(), String> {
        let body = below_head(file);
        if body.trim_end() == self.code.trim_end() {
            return Ok(());
        }
        let same = body.lines().zip(self.code.lines()).take_while(|(ours, theirs)| ours == theirs).count();
        let there = body.lines().nth(same).unwrap_or("nothing more");
        let here = self.code.lines().nth(same).unwrap_or("nothing more");
        Err(format!("line {} of the block is {here:?}, and in the file {there:?}", same + 1))
    }
}

/// `line 12 quotes examples/camera_sender.rs`.
impl fmt::Display for Quote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} quotes {}", self.line, self.path)
    }
}

/// The file from its first line on that is neither blank, nor a comment of the whole file, nor an attribute of it.
fn below_head(file: &str) -> &str {
    let head = file
        .split_inclusive('\n')
        .take_while(|line| line.trim().is_empty() || line.starts_with("//!") || line.starts_with('#'))
        .map(str::len)
        .sum();
    &file[head..]
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Page\n```rust a.rs\nfn main() {}\n```\n```sh\nls\n```\n```python b.py\nprint(1)\n\nprint(2)\n```\n";

    #[test]
    fn a_block_that_names_a_file_is_a_quote_and_no_other() {
        let quotes = Quote::all_in(PAGE);
        let found: Vec<_> = quotes.iter().map(|quote| (quote.line, &*quote.path, &*quote.code)).collect();
        assert_eq!(found, [(2, "a.rs", "fn main() {}\n"), (8, "b.py", "print(1)\n\nprint(2)\n")]);
    }

    #[test]
    fn a_quote_is_the_file_without_its_head() {
        let [rust, python] = &*Quote::all_in(PAGE) else { panic!() };
        assert_eq!(rust.compare("//! What it does.\n#![allow(lint)]\n\nfn main() {}\n"), Ok(()));
        assert_eq!(python.compare("# What it does.\n\nprint(1)\n\nprint(2)\n"), Ok(()));
    }

    #[test]
    fn every_drift_is_found_and_its_line_is_named() {
        let [_, python] = &*Quote::all_in(PAGE) else { panic!() };
        for (file, line) in [
            ("print(1)\n\nprint(3)\n", 3),
            ("print(1)\nprint(2)\n", 2),
            ("print(1)\n", 2),
            ("print(1)\n\nprint(2)\nprint(3)\n", 4),
            ("", 1),
        ] {
            let error = python.compare(file).unwrap_err();
            assert!(error.starts_with(&format!("line {line} ")), "{file:?}: {error}");
        }
    }
}
