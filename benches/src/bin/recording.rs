//! Sessions of the program with and without each kind of recording, in turns, so that what the machine does meanwhile
//! touches all alike. `cargo xtask bench --only recording` runs it.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Instant,
};

use clap::Parser;
use netgear_benches::{Error, Options, Spread};
use serde::Serialize;
use serde_json::Value;

/// Compare sessions that are recorded with one that is not.
#[derive(Debug, Parser)]
struct Arguments {
    /// The `netgear` program.
    #[arg(long, value_name = "PATH")]
    program: PathBuf,
    /// Where to record to. What is recorded there is removed.
    #[arg(long, value_name = "DIR")]
    folder: PathBuf,
    /// Leave out the kinds that need ffmpeg.
    #[arg(long)]
    without_ffmpeg: bool,
    #[command(flatten)]
    common: Options,
}

/// A way to record.
#[derive(Debug, Clone, Copy)]
struct Kind {
    name: &'static str,
    /// The file, and arguments.
    arguments: &'static [&'static str],
    needs_ffmpeg: bool,
}

impl Kind {
    const fn is_recorded(&self) -> bool {
        !self.arguments.is_empty()
    }
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
    /// Of a session at 60 frames a second, which never waits for its recording.
    paced_fps: Spread,
    /// Frames that are not in the recording of it, of a hundred.
    paced_left_out: Option<Spread>,
    /// Of a session as fast as it goes, which never waits either.
    fps: Spread,
    left_out: Option<Spread>,
    /// Of a session as fast as its recording is made, until that is whole on the disk.
    recorded_fps: Option<Spread>,
    /// Written then.
    megabytes_per_second: Option<Spread>,
    kilobytes_per_frame: Option<f64>,
}

/// How the frames of a session come, and what becomes of those that the recording is too slow for.
#[derive(Debug, Clone, Copy)]
struct Way {
    /// In place of the source's 60 frames a second.
    fps: Option<&'static str>,
    policy: &'static str,
    frames: u32,
}

/// What a session came to.
#[derive(Debug)]
struct Measured {
    /// From the first frame to the last that arrived.
    fps: f64,
    /// Frames that are not in the recording, of a hundred.
    left_out: f64,
    /// From the start to the end of both programs, so until the recording is closed.
    recorded_fps: f64,
    megabytes_per_second: f64,
    kilobytes_per_frame: f64,
}

/// What was measured of one kind, in each round.
#[derive(Debug, Default)]
struct Rounds {
    paced: Vec<Measured>,
    dropping: Vec<Measured>,
    waiting: Vec<Measured>,
}

#[allow(clippy::print_stderr, reason = "progress")]
fn main() -> Result<(), Error> {
    let arguments = Arguments::parse();
    // Long beside the second that may wait for the recorder, and beside what an ffmpeg has in the making.
    let (rounds, frames) = if arguments.common.quick { (1, 240) } else { (3, 900) };
    let kinds: Vec<Kind> =
        KINDS.into_iter().filter(|kind| !(kind.needs_ffmpeg && arguments.without_ffmpeg)).collect();
    let mut measured: Vec<Rounds> = kinds.iter().map(|_| Rounds::default()).collect();
    for round in 1..=rounds {
        for (kind, of_kind) in kinds.iter().zip(&mut measured) {
            eprintln!("round {round} of {rounds}: {} …", kind.name);
            let run = |fps, policy, frames| run(&arguments, kind, Way { fps, policy, frames });
            of_kind.paced.push(run(None, "drop", frames / 2)?);
            of_kind.dropping.push(run(Some("max"), "drop", frames)?);
            if kind.is_recorded() {
                of_kind.waiting.push(run(Some("max"), "block", frames / 2)?);
            }
        }
    }
    let spread =
        |measured: &[Measured], of: fn(&Measured) -> f64| Spread::of(measured.iter().map(of).collect());
    let rows: Vec<Row> = kinds
        .iter()
        .zip(&measured)
        .map(|(kind, Rounds { paced, dropping, waiting })| {
            let recorded = |measured: &[Measured], of: fn(&Measured) -> f64| {
                kind.is_recorded().then(|| spread(measured, of))
            };
            Row {
                kind: kind.name,
                paced_fps: spread(paced, |measured| measured.fps),
                paced_left_out: recorded(paced, |measured| measured.left_out),
                fps: spread(dropping, |measured| measured.fps),
                left_out: recorded(dropping, |measured| measured.left_out),
                recorded_fps: recorded(waiting, |measured| measured.recorded_fps),
                megabytes_per_second: recorded(waiting, |measured| measured.megabytes_per_second),
                kilobytes_per_frame: recorded(waiting, |measured| measured.kilobytes_per_frame)
                    .map(|spread| spread.median),
            }
        })
        .collect();
    let table = markdown(&rows)?;
    arguments.common.print_and_write(&rows, &table)
}

/// A session of 1080p.
fn run(arguments: &Arguments, kind: &Kind, way: Way) -> Result<Measured, Error> {
    let folder = arguments.folder.join("recording");
    remove(&folder)?;
    let mut view = Command::new(&arguments.program);
    view.args(["view", "--bind", "tcp://127.0.0.1:0", "--json"]);
    if let [file, more @ ..] = kind.arguments {
        view.arg("--record").arg(folder.join(file)).args(more).args(["--record-policy", way.policy]);
    }
    let mut view = view.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let endpoint = listening(&mut view)?;
    let frames = way.frames.to_string();
    let mut serve = Command::new(&arguments.program);
    serve.args(["serve", "test:1920x1080@60", "--frames", &frames, "--connect", &endpoint]);
    if let Some(fps) = way.fps {
        serve.args(["--fps", fps]);
    }
    let start = Instant::now();
    let served = serve.stdout(Stdio::null()).stderr(Stdio::null()).status()?;
    let viewed = view.wait_with_output()?;
    let seconds = start.elapsed().as_secs_f64();
    remove(&folder)?;
    if !served.success() || !viewed.status.success() {
        return Err(format!("{}: the session failed: {viewed:?}", kind.name).into());
    }
    let summary: Value = serde_json::from_slice(&viewed.stdout)?;
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let (crossed, recording) = (number(&summary["frames"]), &summary["recording"]);
    let (recorded, bytes) = (number(&recording["frames"]), number(&recording["bytes"]));
    Ok(Measured {
        fps: number(&summary["fps"]),
        left_out: 100.0 * (crossed - recorded) / crossed,
        recorded_fps: recorded / seconds,
        megabytes_per_second: bytes / 1e6 / seconds,
        kilobytes_per_frame: bytes / 1e3 / recorded,
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
        "| recorded as | session at 60 fps | left out of it | session as fast as it goes | left out of it | all recorded | MB/s | KB a frame |"
    )?;
    writeln!(table, "|---|--:|--:|--:|--:|--:|--:|--:|")?;
    let cell = |spread: &Spread| format!("{:.0} ({:.0}–{:.0})", spread.median, spread.least, spread.most);
    let percent = |spread: &Spread| format!("{:.0} %", spread.median);
    for row in rows {
        writeln!(
            table,
            "| {} | {} fps | {} | {} fps | {} | {} | {} | {} |",
            row.kind,
            cell(&row.paced_fps),
            row.paced_left_out.as_ref().map_or(String::new(), percent),
            cell(&row.fps),
            row.left_out.as_ref().map_or(String::new(), percent),
            row.recorded_fps.as_ref().map_or(String::new(), |fps| format!("{} fps", cell(fps))),
            row.megabytes_per_second.as_ref().map_or(String::new(), cell),
            row.kilobytes_per_frame.map_or(String::new(), |kilobytes| format!("{kilobytes:.0}")),
        )?;
    }
    Ok(table)
}
