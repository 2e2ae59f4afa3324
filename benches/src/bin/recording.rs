//! Sessions of the program with and without each kind of recording, in turns, so that what the machine does meanwhile touches all
//! alike. `cargo xtask bench --recording` runs it.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use clap::Parser;
use netgear_benches::{Error, Output, Spread};
use serde::Serialize;
use serde_json::Value;

/// Compare sessions that are recorded with one that is not.
#[derive(Debug, Parser)]
struct Options {
    /// The `netgear` program.
    #[arg(long, value_name = "PATH")]
    program: PathBuf,
    /// Where to record to. What is recorded there is removed.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Leave out the kinds that need ffmpeg.
    #[arg(long)]
    without_ffmpeg: bool,
    /// Fewer and shorter rounds.
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    output: Output,
}

/// A way to record.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    /// The file, and options.
    arguments: &'static [&'static str],
    needs_ffmpeg: bool,
}

const KINDS: [Kind; 9] = [
    Kind { name: "not recorded", arguments: &[], needs_ffmpeg: false },
    Kind { name: "Y4M 4:2:0", arguments: &["a.y4m"], needs_ffmpeg: false },
    Kind { name: "Y4M 4:4:4", arguments: &["a.y4m", "--record-chroma", "444"], needs_ffmpeg: false },
    Kind { name: "AVI, Motion JPEG", arguments: &["a.avi"], needs_ffmpeg: false },
    Kind { name: "JPEG files", arguments: &["%06d.jpg"], needs_ffmpeg: false },
    Kind { name: "PNG files", arguments: &["%06d.png"], needs_ffmpeg: false },
    Kind { name: "MP4, H.264", arguments: &["a.mp4"], needs_ffmpeg: true },
    Kind { name: "MP4, H.264 lossless", arguments: &["a.mp4", "--record-lossless"], needs_ffmpeg: true },
    Kind { name: "MKV, FFV1 lossless", arguments: &["a.mkv", "--record-lossless"], needs_ffmpeg: true },
];

/// One line of the table: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    kind: &'static str,
    /// Of the session, which waits for the recording.
    fps: Spread,
    /// Written to the disk.
    megabytes_per_second: Spread,
    kilobytes_per_frame: f64,
    /// Of the session, which does not wait.
    fps_with_drop: Option<Spread>,
    /// Of what is recorded then.
    recorded_fps_with_drop: Option<Spread>,
}

/// What a session came to.
#[derive(Debug)]
struct Measured {
    fps: f64,
    recorded_fps: f64,
    megabytes_per_second: f64,
    kilobytes_per_frame: f64,
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let options = Options::parse();
    let (rounds, frames) = if options.quick { (1, 60) } else { (3, 200) };
    let kinds: Vec<Kind> =
        KINDS.into_iter().filter(|kind| !(kind.needs_ffmpeg && options.without_ffmpeg)).collect();
    let mut waiting: Vec<Vec<Measured>> = kinds.iter().map(|_| Vec::new()).collect();
    let mut dropping: Vec<Vec<Measured>> = kinds.iter().map(|_| Vec::new()).collect();
    for round in 1..=rounds {
        for (at, kind) in kinds.iter().enumerate() {
            eprintln!("round {round} of {rounds}: {} …", kind.name);
            waiting[at].push(run(&options, kind, "block", frames)?);
            if !kind.arguments.is_empty() {
                dropping[at].push(run(&options, kind, "drop", frames)?);
            }
        }
    }
    let spread =
        |measured: &[Measured], of: fn(&Measured) -> f64| Spread::of(measured.iter().map(of).collect());
    let rows: Vec<Row> = kinds
        .iter()
        .zip(waiting.iter().zip(&dropping))
        .map(|(kind, (waiting, dropping))| Row {
            kind: kind.name,
            fps: spread(waiting, |measured| measured.fps),
            megabytes_per_second: spread(waiting, |measured| measured.megabytes_per_second),
            kilobytes_per_frame: spread(waiting, |measured| measured.kilobytes_per_frame).median,
            fps_with_drop: (!dropping.is_empty()).then(|| spread(dropping, |measured| measured.fps)),
            recorded_fps_with_drop: (!dropping.is_empty())
                .then(|| spread(dropping, |measured| measured.recorded_fps)),
        })
        .collect();
    let table = markdown(&rows)?;
    options.output.print_or_write(&rows, &table)
}

/// A session of 1080p, as fast as it goes.
fn run(options: &Options, kind: &Kind, policy: &str, frames: u32) -> Result<Measured, Error> {
    let folder = options.folder.join("recording");
    remove(&folder)?;
    let mut view = Command::new(&options.program);
    view.args(["view", "--bind", "tcp://127.0.0.1:0", "--json"]);
    if let [file, more @ ..] = kind.arguments {
        view.arg("--record").arg(folder.join(file)).args(more).args(["--record-policy", policy]);
    }
    let mut view = view.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let endpoint = listening(&mut view)?;
    let frames = frames.to_string();
    let serve = ["serve", "test:1920x1080@60", "--fps", "max", "--frames", &frames, "--connect", &endpoint];
    let served =
        Command::new(&options.program).args(serve).stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let viewed = view.wait_with_output()?;
    remove(&folder)?;
    if !served.success() || !viewed.status.success() {
        return Err(format!("{}: the session failed: {viewed:?}", kind.name).into());
    }
    let summary: Value = serde_json::from_slice(&viewed.stdout)?;
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let (seconds, recording) = (number(&summary["seconds"]), &summary["recording"]);
    let (recorded, bytes) = (number(&recording["frames"]), number(&recording["bytes"]));
    Ok(Measured {
        fps: number(&summary["fps"]),
        recorded_fps: recorded / seconds,
        megabytes_per_second: bytes / 1e6 / seconds,
        kilobytes_per_frame: if recorded > 0.0 { bytes / 1e3 / recorded } else { 0.0 },
    })
}

fn listening(view: &mut Child) -> Result<String, Error> {
    let stderr = view.stderr.take().ok_or("the view has no error output")?;
    let mut lines = BufReader::new(stderr);
    let mut line = String::new();
    lines.read_line(&mut line)?;
    let endpoint =
        line.trim().strip_prefix("listening at ").ok_or_else(|| format!("the view said {line:?}"))?;
    // What it says from here on is read, so that it does not wait to say it.
    std::thread::spawn(move || std::io::copy(&mut lines, &mut std::io::sink()));
    Ok(endpoint.to_owned())
}

fn remove(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn markdown(rows: &[Row]) -> Result<String, Error> {
    let mut table = String::new();
    writeln!(
        table,
        "| recorded as | session fps | MB/s written | KB a frame | session fps with `drop` | recorded fps with `drop` |"
    )?;
    writeln!(table, "|---|--:|--:|--:|--:|--:|")?;
    let cell = |spread: &Spread| format!("{:.0} ({:.0}–{:.0})", spread.median, spread.least, spread.most);
    let optional = |spread: &Option<Spread>| spread.as_ref().map_or(String::new(), cell);
    for row in rows {
        writeln!(
            table,
            "| {} | {} | {} | {:.0} | {} | {} |",
            row.kind,
            cell(&row.fps),
            cell(&row.megabytes_per_second),
            row.kilobytes_per_frame,
            optional(&row.fps_with_drop),
            optional(&row.recorded_fps_with_drop),
        )?;
    }
    Ok(table)
}
