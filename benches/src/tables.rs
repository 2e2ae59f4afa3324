//! What was measured, as Markdown.

mod protocol;
mod resizing;

use std::fmt::Write as _;

pub use self::{protocol::of_protocol, resizing::of_resizing};

use crate::{
    Spread,
    contender::{OURS, RAW},
    latency::{Latencies, Paced, Way},
    measure::{Growth, Measured, Row},
    promises::{Bound, Promise},
};

/// The promises, the ratios, and all that they come from.
pub fn of_transport(measured: &[Measured], promises: &[Promise]) -> String {
    format!("{}\n{}\n{}", of_promises(promises), ratios(measured), figures(measured))
}

/// The promises, the latencies, and the round trips.
pub fn of_latency(paced: &[Paced], round_trips: &[Measured], promises: &[Promise]) -> String {
    let mut table = of_promises(promises);
    table += "\n| frame | fps | contender | frame there, µs: p50 (least–most) | p99 | most | data back, µs: p50 (least–most) | p99 | most | netgear's p99 there ÷ this |\n";
    table += "|---|--:|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for paced in paced {
        for row in &paced.rows {
            let figures = match &row.failed {
                Some(why) => failed(why, 7),
                None => {
                    let ratio = paced.ours_to(row.contender, Way::There);
                    let ways = [Way::There, Way::Back].map(|way| latencies(&row.latencies(way)));
                    format!("{} | {}", ways.join(" | "), ratio_or_nothing(ratio))
                }
            };
            line(&mut table, &[paced.cell.size.name, &paced.fps.to_string(), row.title, &figures]);
        }
    }
    table += "\n| round trip of | pattern | contender | µs (least–most) | netgear's ÷ this |\n|---|---|---|--:|--:|\n";
    for measured in round_trips {
        for row in &measured.rows {
            let figures = match &row.failed {
                Some(why) => failed(why, 2),
                None => {
                    let times = row.rounds.iter().map(|round| 1e6 * round.seconds / round.frames as f64);
                    let ratio = measured.ours_to(row.contender).map(|ratio| 1.0 / ratio);
                    format!("{} | {}", spread(Spread::of(times.collect()), 1), ratio_or_nothing(ratio))
                }
            };
            let what = format!("{} bytes of data", measured.cell.item_bytes);
            let [.., pattern, _] = measured.cell.words();
            line(&mut table, &[&what, &pattern, row.title, &figures]);
        }
    }
    table
}

/// The promises: what is held against what, and whether it is kept.
pub fn of_promises(promises: &[Promise]) -> String {
    let mut table =
        "| promise | target | worst measured | where | kept |\n|---|--:|--:|---|---|\n".to_owned();
    for promise in promises {
        let target = match promise.bound {
            Bound::AtLeast(bound) => format!("≥ {bound}"),
            Bound::AtMost(bound) => format!("≤ {bound}"),
        };
        let kept = match (promise.is_kept(), promise.places) {
            (true, 1) => "yes".to_owned(),
            (true, places) => format!("yes, in all {places}"),
            (false, places) => format!("**no**: kept in {} of {places}", promise.kept),
        };
        line(&mut table, &[&promise.what, &target, &format!("{:.2}", promise.worst), &promise.at, &kept]);
    }
    table
}

/// A line for each cell, and a column for each contender: netgear's rate as a multiple of its.
fn ratios(measured: &[Measured]) -> String {
    let mut contenders: Vec<(&str, &str)> = Vec::new();
    for row in measured.iter().flat_map(|measured| &measured.rows) {
        if row.contender != OURS && !contenders.contains(&(row.contender, row.title)) {
            contenders.push((row.contender, row.title));
        }
    }
    contenders.sort_by_key(|(contender, _)| *contender != RAW);
    let mut table = "| frame | back | carrier | pattern | flow | netgear, fps | GB/s |".to_owned();
    for (_, title) in &contenders {
        let _ = write!(table, " ÷ {title} |");
    }
    table += "\n|---|---|---|---|---|--:|--:|";
    table += &"--:|".repeat(contenders.len());
    table.push('\n');
    for measured in measured {
        let ours = measured.row(OURS).map(Row::fps);
        let rate = ours.map_or(String::new(), |fps| number(fps.median));
        let bytes = ours.map_or(String::new(), |fps| format!("{:.2}", gigabytes(fps.median, measured)));
        let ratios = contenders.iter().map(|(contender, _)| ratio_or_nothing(measured.ours_to(contender)));
        let cells: Vec<String> =
            measured.cell.words().into_iter().chain([rate, bytes]).chain(ratios).collect();
        line(&mut table, &cells.iter().map(String::as_str).collect::<Vec<_>>());
    }
    table
}

/// A line for each contender in each cell.
fn figures(measured: &[Measured]) -> String {
    let mut table = "| frame | back | carrier | pattern | flow | contender | fps (least–most) | GB/s | CPU, s/GB | copies in user space, at most | memory of the sender, MB | of the receiver, MB | netgear ÷ this |\n".to_owned();
    table += "|---|---|---|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
    for of_cell in measured {
        for row in &of_cell.rows {
            let figures = match &row.failed {
                Some(why) => failed(why, 7),
                None => {
                    let fps = row.fps();
                    format!(
                        "{} | {:.2} | {:.2} | {} | {} | {} | {}",
                        spread(fps, 0),
                        gigabytes(fps.median, of_cell),
                        row.cpu_seconds_per_gigabyte(&of_cell.cell),
                        ratio_or_nothing(row.user_copies),
                        memory(row.sender_memory),
                        memory(row.receiver_memory),
                        ratio_or_nothing(of_cell.ours_to(row.contender)),
                    )
                }
            };
            let [size, returned, carrier, pattern, flow] = of_cell.cell.words();
            line(&mut table, &[&size, &returned, &carrier, &pattern, &flow, row.title, &figures]);
        }
    }
    table
}

fn line(table: &mut String, cells: &[&str]) {
    let _ = writeln!(table, "| {} |", cells.join(" | "));
}

fn gigabytes(fps: f64, measured: &Measured) -> f64 {
    fps * measured.cell.bytes_per_frame() as f64 / 1e9
}

/// Columns of nothing where nothing was timed: VidGear's answers come with the next frame, whenever that is.
fn latencies(latencies: &Latencies) -> String {
    if latencies.most.is_nan() {
        return " |  | ".to_owned();
    }
    format!("{} | {:.0} | {:.0}", spread(latencies.p50, 0), latencies.p99, latencies.most)
}

fn spread(spread: Spread, decimals: usize) -> String {
    let decimals = if decimals == 0 && spread.least < 20.0 { 1 } else { decimals };
    format!("{:.decimals$} ({:.decimals$}–{:.decimals$})", spread.median, spread.least, spread.most)
}

fn number(figure: f64) -> String {
    if figure < 20.0 { format!("{figure:.1}") } else { format!("{figure:.0}") }
}

fn ratio_or_nothing(ratio: Option<f64>) -> String {
    ratio.map_or(String::new(), |ratio| format!("{ratio:.2}"))
}

fn memory(growth: Option<Growth>) -> String {
    growth.map_or(String::new(), |growth| format!("{:.0}", growth.peak as f64 / 1e6))
}

/// Why, and so many columns of nothing.
fn failed(why: &str, columns: usize) -> String {
    // What would end the column, or the line, cannot stand in it.
    let why = why.replace(['|', '\n', '\r'], " ");
    format!("failed: {why}{}", " | ".repeat(columns.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, measure::Round};

    fn measured() -> Measured {
        let row = |contender, title, frames| Row {
            contender,
            title,
            failed: None,
            rounds: vec![Round { frames, seconds: 0.5, sender_cpu_seconds: 0.1, receiver_cpu_seconds: 0.2 }],
            sender_memory: Some(Growth { base: 1, peak: 31_400_000 }),
            receiver_memory: None,
            user_copies: Some(0.25),
        };
        let omq = Row { failed: Some("a | b\nc".into()), ..row("omq", "omq-tokio", 1) };
        Measured {
            cell: Cell::PLAIN,
            rows: vec![row("netgear", "netgear", 300), row("raw", "raw sockets", 400), omq],
        }
    }

    #[test]
    fn every_line_has_as_many_columns_as_its_heading() {
        let promises = crate::promises::of_transport(&[measured()]);
        let round = crate::latency::Round { there_us: vec![1.0; 9], back_us: vec![2.0; 9] };
        let row =
            crate::latency::Row { contender: "netgear", title: "netgear", failed: None, rounds: vec![round] };
        let failed = crate::latency::Row { failed: Some("it ended".into()), ..row.clone() };
        let silent = crate::latency::Round { there_us: vec![1.0; 9], back_us: vec![] };
        let silent = crate::latency::Row { rounds: vec![silent], ..row.clone() };
        let paced = Paced { cell: Cell::PLAIN, fps: 30.0, rows: vec![row, failed, silent] };
        let markdown =
            of_transport(&[measured()], &promises) + "\n" + &of_latency(&[paced], &[measured()], &[]);
        for table in markdown.split("\n\n") {
            let columns: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(columns.len() >= 2 && columns.iter().all(|count| *count == columns[0]), "{table}");
        }
    }

    #[test]
    fn figures_stand_in_their_columns() {
        let markdown = of_transport(&[measured()], &crate::promises::of_transport(&[measured()]));
        let cell = "| 1080p | small data | tcp | PAIR | lock-step |";
        for expected in [
            "| lock-step at 1080p and 4K, to raw sockets | ≥ 0.95 | 0.75 | 1080p, small data back, tcp, PAIR, lock-step | **no**: kept in 0 of 1 |".to_owned(),
            format!("{cell} 600 | 3.73 | 0.75 |  |"),
            format!("{cell} netgear | 600 (600–600) | 3.73 | 0.16 | 0.25 | 31 |  | 1.00 |"),
            format!("{cell} omq-tokio | failed: a   b c |  |  |  |  |  |  |"),
        ] {
            assert!(markdown.lines().any(|line| line == expected), "{expected}\nis not in\n{markdown}");
        }
    }
}
