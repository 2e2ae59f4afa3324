//! Sessions with each encoding side by side: round after round, so that what the machine does meanwhile touches all
//! alike. `cargo xtask bench --only encodings` runs it.

use std::{fmt::Write as _, time::Duration};

use clap::Parser;
use netgear_benches::{Content, Error, Options, Spread, encoded};
use netgear_proto::EncodingChoice;
use serde::Serialize;

/// Compare sessions over TCP whose frames are raw, JPEG and lossless.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: Options,
}

/// One line of the table: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    size: &'static str,
    content: &'static str,
    encoding: String,
    /// Bytes of a frame on the link.
    frame_bytes: f64,
    /// Of the pixels' bytes.
    ratio: f64,
    /// Megabytes a second at 30 frames a second.
    megabytes_per_second_at_30: f64,
    /// Milliseconds of processor time of both ends together for a frame.
    cpu_ms: Spread,
    /// Milliseconds from the call of `send` until the receiver has the decoded frame: half of the frames take no
    /// longer.
    latency_p50_ms: Spread,
    /// And 99 of 100.
    latency_p99_ms: Spread,
    /// Frames a second, one at a time.
    fps: Spread,
}

const CHOICES: [&str; 6] = ["raw", "jpeg:80:420", "jpeg:90:420", "jpeg:80:444", "jpeg:90:444", "lossless"];

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (rounds, count) = if arguments.common.quick { (2, 20) } else { (7, 100) };
    let choices: Vec<EncodingChoice> = CHOICES.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let mut rows = Vec::new();
    for (size, width, height) in [("720p", 1280, 720), ("1080p", 1920, 1080)] {
        for content in [Content::Photograph, Content::TestPattern] {
            eprintln!("{size}, {} …", content.name());
            let frames = content.frames(width, height, 4)?;
            let mut runs = vec![Vec::new(); choices.len()];
            for _ in 0..rounds {
                for (choice, runs) in choices.iter().zip(&mut runs) {
                    runs.push(encoded::run(&frames, *choice, count)?);
                }
            }
            let raw_bytes = f64::from(width) * f64::from(height) * 3.0;
            for (choice, runs) in choices.iter().zip(runs) {
                rows.push(row(size, content, *choice, raw_bytes, &runs));
            }
        }
    }
    let table = markdown(&rows)?;
    arguments.common.print_and_write(&rows, &table)
}

fn row(
    size: &'static str,
    content: Content,
    choice: EncodingChoice,
    raw_bytes: f64,
    runs: &[encoded::Measured],
) -> Row {
    let spread = |of: &dyn Fn(&encoded::Measured) -> f64| Spread::of(runs.iter().map(of).collect());
    let frame_bytes = spread(&|run| run.frame_bytes).median;
    Row {
        size,
        content: content.name(),
        encoding: choice.to_string(),
        frame_bytes,
        ratio: frame_bytes / raw_bytes,
        megabytes_per_second_at_30: frame_bytes * 30.0 / 1e6,
        cpu_ms: spread(&|run| milliseconds(run.cpu)),
        latency_p50_ms: spread(&|run| milliseconds(run.latency(0.5))),
        latency_p99_ms: spread(&|run| milliseconds(run.latency(0.99))),
        fps: spread(&|run| 1.0 / run.interval.as_secs_f64()),
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn markdown(rows: &[Row]) -> Result<String, Error> {
    let mut table = String::new();
    writeln!(
        table,
        "| frame | content | encoding | bytes a frame | of raw | MB/s at 30 fps | CPU, ms a frame, both ends | latency p50, ms | p99, ms | fps, one at a time |"
    )?;
    writeln!(table, "|---|---|---|--:|--:|--:|--:|--:|--:|--:|")?;
    for row in rows {
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.1} % | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} |",
            row.size,
            row.content,
            row.encoding,
            row.frame_bytes,
            100.0 * row.ratio,
            row.megabytes_per_second_at_30,
            row.cpu_ms.median,
            row.latency_p50_ms.median,
            row.latency_p99_ms.median,
            row.fps.median,
        )?;
    }
    Ok(table)
}
