//! What a proof came to, for a person and for a program.

use std::fmt::Write as _;

use serde_json::Value;

/// What a proof came to.
#[derive(Debug)]
pub(crate) struct Report {
    /// The tables, and what they mean.
    pub(crate) text: String,
    /// The same figures.
    pub(crate) rows: Value,
    /// What is not as it should be.
    pub(crate) failures: Vec<String>,
}

/// A Markdown table: a row of headings, and the rows.
pub(crate) fn markdown<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    let widths: [usize; N] = std::array::from_fn(|column| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .chain([headings[column].chars().count()])
            .max()
            .unwrap_or(0)
    });
    let mut table = String::new();
    let mut line = |cells: &dyn Fn(usize) -> String| {
        for (column, width) in widths.iter().enumerate() {
            let cell = cells(column);
            // A string takes whatever is written to it.
            let _ = write!(table, "| {cell:<width$} ");
        }
        table.push_str("|\n");
    };
    line(&|column| headings[column].to_owned());
    line(&|column| "-".repeat(widths[column]));
    rows.iter().for_each(|row| line(&|column| row[column].clone()));
    table
}
