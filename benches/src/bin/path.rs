//! The whole path, from a film to a receiver that answers each frame: the `netgear` program at both ends beside
//! VidGear at both, each end a process of its own, in turns; and the decoding alone, so that it shows where the time
//! goes. `cargo xtask bench --only path` runs it.

use std::{fmt::Write as _, path::PathBuf};

use clap::Parser;
use netgear_benches::{
    Error, Options, Spread,
    cell::Size,
    promises::Promise,
    tables,
    whole_path::{Clip, Measured, Programs, Round, Row, measure, promise},
};
use serde::Serialize;

/// Compare how films cross.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    programs: Programs,
    /// Where the films are made.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    common: Options,
}

#[derive(Debug, Serialize)]
struct Figures<'a> {
    films: &'a [Measured],
    promises: &'a [Promise],
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    // Python takes longer to start than most of these films last.
    let (rounds, clips) = if arguments.common.quick {
        (1, [Clip { size: Size::SD, frames: 60 }].as_slice())
    } else {
        (7, [Clip { size: Size::SD, frames: 120 }, Clip { size: Size::HD, frames: 60 }].as_slice())
    };
    let folder = tempfile::Builder::new().prefix("path-").tempdir_in(&arguments.folder)?;
    let mut films = Vec::new();
    for clip in clips.iter().copied() {
        eprintln!("{} …", clip.size.name);
        films.push(measure(clip, &arguments.programs, rounds, folder.path())?);
    }
    let promises: Vec<Promise> = promise(&films).into_iter().collect();
    let tables = match promises.as_slice() {
        [] => markdown(&films)?,
        promises => tables::of_promises(promises) + "\n" + &markdown(&films)?,
    };
    arguments.common.print_and_write(&Figures { films: &films, promises: &promises }, &tables)?;
    // Others may fail, and ours must not.
    let ours = films.iter().flat_map(|film| &film.rows).filter(|row| row.way == row.way.ours());
    match ours.filter_map(|row| row.failed.as_ref()).next() {
        Some(why) => Err(format!("netgear failed: {why}").into()),
        None => Ok(()),
    }
}

fn markdown(films: &[Measured]) -> Result<String, Error> {
    let mut table = "| film | frames | Mbit/s | what | fps (least–most) | netgear doing the same ÷ this | CPU, s for 100 frames | memory of the sender, MB | of the receiver, MB | from the start to the first frame, s |\n".to_owned();
    table += "|---|--:|--:|---|--:|--:|--:|--:|--:|--:|\n";
    for film in films {
        // It has 30 frames a second.
        let megabits = film.clip_bytes as f64 * 8.0 * 30.0 / film.clip.frames as f64 / 1e6;
        for row in &film.rows {
            let size = film.clip.size.name;
            write!(table, "| {size} | {} | {megabits:.1} | {} | ", film.clip.frames, row.way.title())?;
            match &row.failed {
                Some(why) => writeln!(table, "failed: {} | | | | | |", why.replace(['|', '\n', '\r'], " "))?,
                None => writeln!(table, "{} |", figures(film, row).join(" | "))?,
            }
        }
    }
    Ok(table)
}

fn figures(film: &Measured, row: &Row) -> [String; 6] {
    let cell = |figure: fn(&Round) -> Option<f64>, unit: f64, decimals: usize| {
        let spread = |Spread { median, least, most }| {
            let [median, least, most] = [median, least, most].map(|figure| figure / unit);
            format!("{median:.decimals$} ({least:.decimals$}–{most:.decimals$})")
        };
        row.spread(figure).map_or(String::new(), spread)
    };
    [
        cell(|round| Some(round.fps), 1.0, 0),
        film.ours_to(row.way).map_or(String::new(), |ratio| format!("{ratio:.2}")),
        cell(|round| round.cpu_seconds_per_100_frames, 1.0, 2),
        cell(|round| Some(round.sender_memory? as f64), 1e6, 0),
        cell(|round| Some(round.receiver_memory? as f64), 1e6, 0),
        cell(|round| round.seconds_to_first_frame, 1.0, 2),
    ]
}

#[cfg(test)]
mod tests {
    use netgear_benches::whole_path::Way;

    use super::*;

    #[test]
    fn every_line_has_as_many_columns_as_its_heading() {
        let round = Round {
            fps: 61.0,
            cpu_seconds_per_100_frames: Some(1.234),
            cpu_seconds_in_all: None,
            sender_memory: Some(20_000_000),
            receiver_memory: None,
            seconds_to_first_frame: Some(0.25),
        };
        let row = |way, failed: Option<&str>| Row {
            way,
            failed: failed.map(str::to_owned),
            rounds: vec![round; 3],
        };
        let film = Measured {
            clip: Clip { size: Size::SD, frames: 60 },
            clip_bytes: 250_000,
            rows: vec![row(Way::Netgear, None), row(Way::Vidgear, Some("a | b\nc"))],
        };
        let table = markdown(&[film]).unwrap();
        let columns: Vec<_> = table.lines().map(|line| line.matches('|').count()).collect();
        assert!(columns.iter().all(|count| *count == columns[0]), "{table}");
        let expected = "| 480p | 60 | 1.0 | netgear | 61 (61–61) | 1.00 | 1.23 (1.23–1.23) | 20 (20–20) |  | 0.25 (0.25–0.25) |";
        assert_eq!(table.lines().nth(2), Some(expected));
    }
}
