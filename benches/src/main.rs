//! Sessions side by side with raw sockets: the same bytes in one run, round after round, A B A B, so that what the machine
//! does meanwhile touches both alike. `cargo xtask bench` runs it.

use std::{fmt::Write as _, time::Duration};

use clap::Parser;
use netgear_benches::{Carrier, Error, Exchange, Options, Returned, Spread, raw, session};
use netgear_proto::Pattern;
use serde::Serialize;

/// Compare sessions with raw tokio sockets that move the same bytes.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(flatten)]
    common: Options,
}

/// One line of the table: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    size: String,
    returned: &'static str,
    carrier: &'static str,
    pattern: String,
    /// Milliseconds a frame.
    raw_ms: Spread,
    session_ms: Spread,
    /// The session's rate as a part of the raw sockets': the ratio of the medians.
    ratio: f64,
    session_fps: f64,
    session_gigabytes_per_second: f64,
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    let (rounds, seconds) = if arguments.common.quick { (3, 0.15) } else { (9, 0.6) };
    let mut rows = Vec::new();
    for (size, width, height) in [("480p", 640, 480), ("1080p", 1920, 1080), ("4K", 3840, 2160)] {
        for returned in [Returned::Data, Returned::Frame] {
            for (carrier, pattern) in [
                (Carrier::Tcp, Pattern::Pair),
                (Carrier::Tcp, Pattern::ReqRep),
                (Carrier::Ipc, Pattern::Pair),
                (Carrier::Ipc, Pattern::ReqRep),
            ] {
                let mut exchange =
                    Exchange { carrier, pattern, width, height, returned, warm_up: 10, frames: 10 };
                eprintln!("{size}, {}, {}, {pattern} …", returned.name(), carrier.name());
                let probe = raw::run(exchange)? / exchange.frames;
                exchange.frames = ((seconds / probe.as_secs_f64()) as u32).clamp(10, 5_000);
                rows.push(compare(size, exchange, rounds)?);
            }
        }
    }
    let table = markdown(&rows)?;
    arguments.common.print_or_write(&rows, &table)
}

fn compare(size: &str, exchange: Exchange, rounds: usize) -> Result<Row, Error> {
    let (mut raw_times, mut session_times) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        raw_times.push(raw::run(exchange)? / exchange.frames);
        session_times.push(session::run(exchange)? / exchange.frames);
    }
    let (raw_ms, session_ms) = (spread(raw_times), spread(session_times));
    let fps = 1000.0 / session_ms.median;
    Ok(Row {
        size: size.to_owned(),
        returned: exchange.returned.name(),
        carrier: exchange.carrier.name(),
        pattern: exchange.pattern.to_string(),
        ratio: raw_ms.median / session_ms.median,
        session_fps: fps,
        session_gigabytes_per_second: fps * exchange.bytes_per_frame() as f64 / 1e9,
        raw_ms,
        session_ms,
    })
}

fn spread(times: Vec<Duration>) -> Spread {
    Spread::of(times.into_iter().map(|time| time.as_secs_f64() * 1000.0).collect())
}

fn markdown(rows: &[Row]) -> Result<String, Error> {
    let mut table = String::new();
    writeln!(
        table,
        "| frame | what comes back | carrier | pattern | raw sockets, ms a frame | session, ms a frame | session fps | GB/s | session : raw |"
    )?;
    writeln!(table, "|---|---|---|---|--:|--:|--:|--:|--:|")?;
    for row in rows {
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {} | {:.0} | {:.2} | {:.2} |",
            row.size,
            row.returned,
            row.carrier,
            row.pattern,
            cell(&row.raw_ms),
            cell(&row.session_ms),
            row.session_fps,
            row.session_gigabytes_per_second,
            row.ratio,
        )?;
    }
    Ok(table)
}

fn cell(spread: &Spread) -> String {
    format!("{:.3} ({:.3}–{:.3})", spread.median, spread.least, spread.most)
}
