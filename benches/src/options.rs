use std::{fs, path::PathBuf};

use serde::Serialize;

use crate::Error;

/// What every program that measures side by side is asked: how long, and where its figures go.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Less of everything: fewer and shorter rounds.
    #[arg(long)]
    pub quick: bool,
    /// Write the tables as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write every figure to this file, for programs.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Options {
    /// Prints the tables, and writes the files that were asked for.
    ///
    /// # Errors
    /// If a file cannot be written.
    #[allow(clippy::print_stdout, reason = "the tables are what the programs are for")]
    pub fn print_and_write(&self, figures: &(impl Serialize + ?Sized), tables: &str) -> Result<(), Error> {
        println!("{tables}");
        if let Some(path) = &self.markdown {
            fs::write(path, tables)?;
        }
        if let Some(path) = &self.json {
            fs::write(path, serde_json::to_string_pretty(figures)? + "\n")?;
        }
        Ok(())
    }
}
