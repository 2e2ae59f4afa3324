//! What all parts of a run are held against, in one table.

use std::{fs, iter, path::Path};

use serde_json::{Map, Value};

use super::Part;
use crate::Result;

/// How the table of promises begins that a part writes first.
const HEADER: &str = "| promise |";

/// Prints the promises of these parts, and writes them to the folder where the parts have left their files.
pub(super) fn run(parts: &[Part], out: &Path) -> Result {
    let mut rows = Vec::new();
    let mut figures = Map::new();
    for part in parts {
        // Some parts have no files, and some promise nothing.
        let of_part = |ending: &str| fs::read_to_string(out.join(format!("{}.{ending}", part.name())));
        let (Ok(tables), Ok(json)) = (of_part("md"), of_part("json")) else { continue };
        if rows.is_empty() {
            rows.extend(promises(&tables, "part").into_iter().take(2));
        }
        rows.extend(promises(&tables, part.name()).into_iter().skip(2));
        if let Some(promises) = serde_json::from_str::<Value>(&json)?.get_mut("promises") {
            figures.insert(part.name().to_owned(), promises.take());
        }
    }
    if rows.is_empty() {
        return Ok(());
    }
    let (table, words) = (aligned(&rows), verdict(&rows));
    println!("\n{table}\n{words}");
    let (tables, json) = (out.join("summary.md"), out.join("summary.json"));
    fs::write(&tables, format!("{table}\n{words}\n"))?;
    fs::write(&json, serde_json::to_string_pretty(&figures)? + "\n")?;
    println!("{} has this table, and {} its figures", tables.display(), json.display());
    Ok(())
}

/// The lines of a part's promises, each in its columns, behind one more.
fn promises(tables: &str, first: &str) -> Vec<Vec<String>> {
    let lines = tables.lines().skip_while(|line| !line.starts_with(HEADER));
    let lines = lines.take_while(|line| line.starts_with('|')).enumerate();
    let row = |(at, line): (usize, &str)| {
        let first = if at == 1 { "---" } else { first };
        let columns = line.trim_matches('|').split('|').map(str::trim);
        iter::once(first).chain(columns).map(str::to_owned).collect()
    };
    lines.map(row).collect()
}

/// The same as Markdown that is a table in a terminal, too.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut table = String::new();
    for row in rows {
        for (cell, &width) in row.iter().zip(&widths) {
            let is_rule = !cell.is_empty() && cell.chars().all(|char| "-:".contains(char));
            table += &match cell.strip_suffix(':').filter(|_| is_rule) {
                Some(_) => format!("| {:-<1$}: ", "", width - 1),
                None if is_rule => format!("| {:-<width$} ", ""),
                None => format!("| {cell:<width$} "),
            };
        }
        table += "|\n";
    }
    table
}

/// What the table comes to, and what it leaves unsaid.
fn verdict(rows: &[Vec<String>]) -> String {
    let promises = rows.iter().skip(2);
    let kept = promises.clone().filter(|row| row.last().is_some_and(|kept| kept.starts_with("yes"))).count();
    format!(
        "{kept} of {} promises are kept. One that is not fails nothing: the figures are of this machine, as it was. \
         What was not measured is not in the table.",
        promises.count()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLES: &str = "before\n| promise | target | kept |\n|---|--:|---|\n| a | ≥ 1 | yes |\n\
        | bc | ≤ 20 | **no**: kept in 1 of 2 |\n\n| another | table |\n|---|---|\n";

    #[test]
    fn a_part_stands_before_each_of_its_promises() {
        let rows = promises(TABLES, "cost");
        assert_eq!(rows.len(), 4);
        assert_eq!(rows[2], ["cost", "a", "≥ 1", "yes"]);
        assert!(verdict(&rows).starts_with("1 of 2 promises are kept."), "{}", verdict(&rows));
        let table = [
            "| cost | promise | target | kept                   |",
            "| ---- | ------- | -----: | ---------------------- |",
            "| cost | a       | ≥ 1    | yes                    |",
            "| cost | bc      | ≤ 20   | **no**: kept in 1 of 2 |\n",
        ];
        assert_eq!(aligned(&rows), table.join("\n"));
    }

    #[test]
    fn parts_without_promises_are_left_out() {
        assert_eq!(promises("| another | table |\n|---|---|\n", "cost").len(), 0);
    }

    #[test]
    fn all_parts_of_a_run_are_in_one_table() {
        let folder = std::env::temp_dir().join(format!("netgear-summary-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for part in [Part::Cost, Part::Latency] {
            fs::write(folder.join(format!("{}.md", part.name())), TABLES).unwrap();
            let json = r#"{"other": 1, "promises": [{"what": "a"}, {"what": "bc"}]}"#;
            fs::write(folder.join(format!("{}.json", part.name())), json).unwrap();
        }
        run(&[Part::Viewers, Part::Cost, Part::Latency], &folder).unwrap();
        let table = fs::read_to_string(folder.join("summary.md")).unwrap();
        assert_eq!(table.lines().filter(|line| line.contains("| bc ")).count(), 2, "{table}");
        assert!(table.contains("2 of 4 promises"), "{table}");
        let json: Value =
            serde_json::from_str(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
        assert_eq!(json["latency"][1]["what"], "bc");
        fs::remove_dir_all(&folder).unwrap();
    }
}
