//! What frames cost to resize.

use std::fmt::Write as _;

use super::{failed, line, of_promises, ratio_or_nothing};
use crate::{
    promises::Promise,
    resizing::{Library, Measured, Row, THREADS},
};

/// The promises, and a table for each kind of frame.
pub fn of_resizing(measured: &[Measured], promises: &[Promise]) -> String {
    let mut tables = of_promises(promises);
    let others = [Library::Cv2, Library::PicScale];
    let present = |library: Library| {
        measured.iter().flat_map(|measured| &measured.rows).any(|row| row.library == library)
    };
    let others: Vec<Library> = others.into_iter().filter(|library| present(*library)).collect();
    let of_a_kind = |a: &Measured, b: &Measured| {
        (a.reduction.size, a.reduction.pixels) == (b.reduction.size, b.reduction.pixels)
    };
    for kind in measured.chunk_by(of_a_kind) {
        if let Some(first) = kind.first() {
            let (size, pixels) = (first.reduction.size, first.reduction.pixels.name());
            let _ = writeln!(tables, "\n### {}, {pixels}\n", size.name);
            of_kind(&mut tables, kind, &others);
        }
    }
    tables
}

/// A line for each filter and percentage: all on one thread, and then on two.
fn of_kind(table: &mut String, measured: &[Measured], others: &[Library]) {
    let _ = write!(table, "| filter | off | netgear, ms (least–most) |");
    for other in others {
        let title = other.title();
        let _ = write!(table, " {title}, ms (least–most) | {title} ÷ netgear |");
    }
    let _ = write!(table, " netgear on 2 threads | 1 thread ÷ 2 |");
    for other in others {
        let _ = write!(table, " {} on 2 |", other.title());
    }
    let _ = writeln!(
        table,
        "\n|---|--:|--:|{}--:|--:|{}",
        "--:|--:|".repeat(others.len()),
        "--:|".repeat(others.len())
    );
    for of in measured {
        let mut cells = vec![of.reduction.filter.to_string(), format!("{} %", of.reduction.percent)];
        for threads in THREADS {
            cells.push(figure(of, Library::Netgear, threads));
            if threads == 2 {
                cells.push(ratio_or_nothing(of.one_thread_to_two(Library::Netgear)));
            }
            for other in others {
                cells.push(figure(of, *other, threads));
                if threads == 1 {
                    cells.push(ratio_or_nothing(of.to_ours(*other)));
                }
            }
        }
        line(table, &cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

/// Milliseconds; nothing for a filter that the library has not.
fn figure(measured: &Measured, library: Library, threads: usize) -> String {
    let is_meant = |row: &&Row| row.library == library && row.threads == threads;
    match measured.rows.iter().find(is_meant) {
        None => String::new(),
        Some(Row { failed: Some(why), .. }) => failed(why, 1),
        Some(row) => {
            let ms = row.ms();
            let decimals = if ms.median < 0.1 { 3 } else { 2 };
            format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", ms.median, ms.least, ms.most)
        }
    }
}

#[cfg(test)]
mod tests {
    use netgear_media::Filter;

    use super::*;
    use crate::{
        cell::Size,
        resizing::{Pixels, Reduction},
    };

    #[test]
    fn each_kind_of_frame_has_its_table_and_each_library_its_columns() {
        let row = |library, threads, ms: f64| Row {
            library,
            threads,
            failed: None,
            rounds_ms: vec![ms, ms / 2.0, ms * 2.0],
        };
        let of = |pixels, filter, rows| Measured {
            reduction: Reduction { size: Size::HD, pixels, percent: 30, filter },
            rows,
        };
        let ours = [row(Library::Netgear, 1, 2.0), row(Library::Netgear, 2, 1.0)];
        let theirs =
            [row(Library::Cv2, 1, 8.0), Row { failed: Some("gone".into()), ..row(Library::Cv2, 2, 1.0) }];
        let markdown = of_resizing(
            &[
                of(Pixels::Bgr, Filter::Area, [ours.clone(), theirs].concat()),
                of(Pixels::Bgra, Filter::AntialiasedCubic, ours.to_vec()),
            ],
            &[],
        );
        for expected in [
            "### 1080p, BGR",
            "| area | 30 % | 2.00 (1.00–4.00) | 8.00 (4.00–16.00) | 4.00 | 1.00 (0.50–2.00) | 2.00 | failed: gone |",
            "### 1080p, BGRA",
            "| antialiased-cubic | 30 % | 2.00 (1.00–4.00) |  |  | 1.00 (0.50–2.00) | 2.00 |  |",
        ] {
            assert!(markdown.lines().any(|line| line == expected), "{expected}\nis not in\n{markdown}");
        }
        for table in markdown.split("\n\n").filter(|text| text.starts_with('|')) {
            let columns: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.iter().all(|count| *count == columns[0]), "{table}");
        }
    }
}
