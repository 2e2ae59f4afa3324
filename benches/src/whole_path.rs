//! The whole path: a film that is read, decoded, sent, received and answered, by the `netgear` program at both ends
//! and by VidGear's `NetGear_Async`, in turns; and the decoding alone.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    Error, Spread,
    cell::Size,
    measure::Order,
    promises::{Bound, Promise},
    watched::{Ended, Watched, end_all},
};

/// A film of this bench.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Clip {
    /// Its pictures.
    pub size: Size,
    /// How many.
    pub frames: u64,
}

/// Where the programs are.
#[derive(Debug, Clone, clap::Args)]
pub struct Programs {
    /// The `netgear` program.
    #[arg(long, value_name = "PATH")]
    pub netgear: PathBuf,
    /// The program with the ends of this package, which also decodes.
    #[arg(long, value_name = "PATH")]
    pub end: PathBuf,
    /// A Python interpreter that has VidGear; without it, VidGear is not measured.
    #[arg(long, value_name = "PYTHON")]
    pub vidgear: Option<PathBuf>,
}

/// What is done with a film.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The `netgear` program at both ends.
    Netgear,
    /// `NetGear_Async` at both ends, with frames from OpenCV.
    Vidgear,
    /// Ours reads all frames and does nothing with them.
    NetgearDecoding,
    /// OpenCV does.
    OpencvDecoding,
}

/// What was measured with one film.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The film.
    pub clip: Clip,
    /// Its file, in bytes.
    pub clip_bytes: u64,
    /// A row for each way.
    pub rows: Vec<Row>,
}

/// What one way came to.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Which.
    pub way: Way,
    /// What went wrong, if it did; it has no further rounds then.
    pub failed: Option<String>,
    /// Every round, in order.
    pub rounds: Vec<Round>,
}

/// One round of one way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Round {
    /// Frames a second, from the first that arrives to the last; of decoding from the opening of the file.
    pub fps: f64,
    /// The processor time of both ends from the arrival of the first frame to their end.
    pub cpu_seconds_per_100_frames: Option<f64>,
    /// The same from their start.
    pub cpu_seconds_in_all: Option<f64>,
    /// The most of the sender's memory that was resident, in bytes; of who decodes.
    pub sender_memory: Option<u64>,
    /// The receiver's.
    pub receiver_memory: Option<u64>,
    /// From the start of the first of both ends to the first frame.
    pub seconds_to_first_frame: Option<f64>,
}

/// The longest that a round may take, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What goes with each frame, and what comes back.
const ITEM: &str = "frame";
const ANSWER: &str = "seen";

impl Way {
    /// In this order they take turns.
    pub const ALL: [Self; 4] = [Self::Netgear, Self::Vidgear, Self::NetgearDecoding, Self::OpencvDecoding];

    /// For tables.
    pub fn title(self) -> &'static str {
        match self {
            Self::Netgear => "netgear",
            Self::Vidgear => "VidGear",
            Self::NetgearDecoding => "netgear, decoding alone",
            Self::OpencvDecoding => "cv2, decoding alone",
        }
    }

    /// The one of ours that it is compared with.
    pub fn ours(self) -> Self {
        match self {
            Self::Netgear | Self::Vidgear => Self::Netgear,
            Self::NetgearDecoding | Self::OpencvDecoding => Self::NetgearDecoding,
        }
    }

    fn is_decoding(self) -> bool {
        self.ours() == Self::NetgearDecoding
    }

    fn needs_python(self) -> bool {
        matches!(self, Self::Vidgear | Self::OpencvDecoding)
    }
}

impl Clip {
    /// Writes the film to a file, with ffmpeg: a moving test picture under noise, so that there is something to
    /// decode.
    ///
    /// # Errors
    /// If there is no ffmpeg with an H.264 encoder.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        let picture = format!("testsrc2=size={}x{}:rate=30", self.size.width, self.size.height);
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args(["-nostdin", "-v", "error", "-y", "-f", "lavfi", "-i", &picture]);
        ffmpeg.args(["-vf", "noise=alls=6:allf=t", "-frames:v", &self.frames.to_string()]);
        ffmpeg
            .args(["-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-crf", "23"])
            .arg(path);
        let made = ffmpeg.output().map_err(|error| format!("ffmpeg: {error}"))?;
        if made.status.success() {
            return Ok(());
        }
        Err(format!("ffmpeg: {}: {}", made.status, String::from_utf8_lossy(&made.stderr).trim()).into())
    }

    fn bytes(&self) -> u64 {
        self.frames * u64::from(self.size.width) * u64::from(self.size.height) * 3
    }
}

impl Measured {
    /// What a way came to; `None` if it was not measured or has failed.
    pub fn row(&self, way: Way) -> Option<&Row> {
        self.rows.iter().find(|row| row.way == way && row.failed.is_none())
    }

    /// The rate of ours as a multiple of that of a way: the ratio of the medians.
    pub fn ours_to(&self, way: Way) -> Option<f64> {
        let fps = |way| Some(self.row(way)?.spread(|round| Some(round.fps))?.median);
        Some(fps(way.ours())? / fps(way)?)
    }
}

impl Row {
    /// Of a figure over all rounds; `None` if it is in none.
    pub fn spread(&self, figure: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        let figures: Vec<f64> = self.rounds.iter().filter_map(figure).collect();
        (!figures.is_empty()).then(|| Spread::of(figures))
    }
}

/// Measures with one film. The sessions take turns for so many rounds; the decoding alone has its turn in every
/// third, from the first on.
///
/// # Errors
/// If the film cannot be made. What fails later is in the row of who failed.
pub fn measure(clip: Clip, programs: &Programs, rounds: usize, folder: &Path) -> Result<Measured, Error> {
    let path = folder.join(format!("{}.mp4", clip.size.name));
    clip.write(&path)?;
    let ways = Way::ALL.into_iter().filter(|way| !way.needs_python() || programs.vidgear.is_some());
    let mut rows: Vec<Row> = ways.map(|way| Row { way, failed: None, rounds: Vec::new() }).collect();
    let mut order = Order::of(rows.len());
    for round in 0..rounds {
        for at in order.draw() {
            let Some(row) = rows.get_mut(*at).filter(|row| row.failed.is_none()) else { continue };
            let measured = match row.way.is_decoding() {
                true if round % 3 == 0 => decode(row.way, &clip, programs, &path),
                true => continue,
                false => session(row.way, &clip, programs, &path),
            };
            match measured {
                Ok(round) => row.rounds.push(round),
                Err(error) => row.failed = Some(error.to_string()),
            }
        }
    }
    Ok(Measured { clip, clip_bytes: std::fs::metadata(&path)?.len(), rows })
}

/// What is promised of the sessions.
pub fn promise(films: &[Measured]) -> Option<Promise> {
    let ratio = |film: &Measured| Some((film.ours_to(Way::Vidgear)?, film.clip.size.name.to_owned()));
    let ratios = films.iter().filter_map(ratio).collect();
    Promise::of("frames a second of the whole path, to VidGear", Bound::AtLeast(1.0), ratios)
}

/// What both receivers, and both who decode, print in the end.
#[derive(Debug, Deserialize)]
struct Printed {
    frames: u64,
    bytes: u64,
    /// From the first frame to the last.
    seconds: f64,
    /// Of who decodes.
    #[serde(default)]
    cpu_seconds: f64,
}

fn session(way: Way, clip: &Clip, programs: &Programs, path: &Path) -> Result<Round, Error> {
    let started = Instant::now();
    let deadline = started + PATIENCE;
    let (mut receiver, mut sender) = match (way, &programs.vidgear) {
        (Way::Vidgear, Some(python)) => start_vidgear(python, path),
        _ => start_netgear(&programs.netgear, path, deadline),
    }?;
    let item = line_of(ITEM);
    let first = receiver.line_beside(&mut sender, deadline, |line| (line.text == item).then_some(line.at));
    let first = first.map_err(|error| format!("while the receiver was waited for: {error}"))?;
    let at_first = sender.cpu_seconds().zip(receiver.cpu_seconds());
    let [sender, receiver] = end_all([sender, receiver], deadline)?;
    let sent = sender.succeeded().map_err(|error| format!("the sender: {error}"));
    let printed = last_object(receiver.succeeded().map_err(|error| format!("the receiver: {error}"))?)?;
    sent?;
    check(way, clip, &printed, &sender, &receiver)?;
    let in_all = sender.cpu_seconds.zip(receiver.cpu_seconds).map(|(sender, receiver)| sender + receiver);
    let since_first = in_all.zip(at_first).map(|(in_all, (sender, receiver))| in_all - sender - receiver);
    Ok(Round {
        fps: (printed.frames - 1) as f64 / printed.seconds,
        cpu_seconds_per_100_frames: since_first.map(|seconds| seconds * 100.0 / clip.frames as f64),
        cpu_seconds_in_all: in_all,
        sender_memory: sender.peak_memory,
        receiver_memory: receiver.peak_memory,
        seconds_to_first_frame: Some(first.duration_since(started).as_secs_f64()),
    })
}

fn start_netgear(program: &Path, clip: &Path, deadline: Instant) -> Result<(Watched, Watched), Error> {
    let mut view = Command::new(program);
    view.args(["view", "--bind", "tcp://127.0.0.1:0", "--reply", ANSWER, "--print-data", "--json"]);
    let mut receiver = Watched::start(&mut view)?;
    let endpoint =
        receiver.line(deadline, |line| line.text.strip_prefix("listening at ").map(str::to_owned))?;
    let mut serve = Command::new(program);
    serve.arg("serve").arg(clip).args(["--fps", "max", "--connect", &endpoint]);
    let sender = Watched::start(serve.args(["--data", ITEM, "--print-data", "--json"]))?;
    Ok((receiver, sender))
}

/// The server tries again until the client is bound, so that both may start at once.
fn start_vidgear(python: &Path, clip: &Path) -> Result<(Watched, Watched), Error> {
    let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port().to_string();
    let receiver = Watched::start(script(python).args(["client", &port]))?;
    let sender = Watched::start(script(python).arg("server").arg(clip).arg(&port))?;
    Ok((receiver, sender))
}

fn script(python: &Path) -> Command {
    let mut command = Command::new(python);
    // The sources' folder is no place for what Python makes of them.
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/python/whole_path.py"));
    command
}

fn decode(way: Way, clip: &Clip, programs: &Programs, path: &Path) -> Result<Round, Error> {
    let mut command = match (way, &programs.vidgear) {
        (Way::OpencvDecoding, Some(python)) => script(python),
        _ => Command::new(&programs.end),
    };
    let program = Watched::start(command.arg("decode").arg(path))?;
    let [ended] = end_all([program], Instant::now() + PATIENCE)?;
    let printed = last_object(ended.succeeded()?)?;
    all_of("frames", printed.frames, clip.frames)?;
    all_of("bytes of pixels", printed.bytes, clip.bytes())?;
    Ok(Round {
        fps: printed.frames as f64 / printed.seconds,
        cpu_seconds_per_100_frames: Some(printed.cpu_seconds * 100.0 / clip.frames as f64),
        cpu_seconds_in_all: ended.cpu_seconds,
        sender_memory: ended.peak_memory,
        receiver_memory: None,
        seconds_to_first_frame: None,
    })
}

/// Whether every frame arrived with its item, and every answer.
fn check(way: Way, clip: &Clip, printed: &Printed, sender: &Ended, receiver: &Ended) -> Result<(), Error> {
    let count = |ended: &Ended, item: &str| {
        let item = line_of(item);
        ended.lines.iter().filter(|line| line.text == item).count() as u64
    };
    all_of("frames", printed.frames, clip.frames)?;
    all_of("bytes of pixels", printed.bytes, clip.bytes())?;
    // The first line was read already.
    all_of("items with frames", count(receiver, ITEM) + 1, clip.frames)?;
    // VidGear answers the first frame before its application has it, with nothing.
    let unanswered = u64::from(way == Way::Vidgear);
    all_of("answers", count(sender, ANSWER), clip.frames - unanswered)
}

fn all_of(what: &str, count: u64, expected: u64) -> Result<(), Error> {
    if count == expected { Ok(()) } else { Err(format!("{count} {what} of {expected} came").into()) }
}

/// An item of data as both print it.
fn line_of(item: &str) -> String {
    format!("\"{item}\"")
}

/// What begins with the last line that begins an object: libraries print before it.
fn last_object(output: &[u8]) -> Result<Printed, Error> {
    let text = String::from_utf8_lossy(output);
    let begins = text.rfind("\n{").map_or(0, |newline| newline + 1);
    let object = text.get(begins..).unwrap_or_default();
    serde_json::from_str(object).map_err(|error| format!("it printed {object:?}: {error}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_stands_behind_whatever_libraries_print() {
        let printed =
            last_object(b"INFO {x}\n{\n \"frames\": 3,\n \"bytes\": 9, \"seconds\": 0.5,\n \"a\": {\n}\n}\n");
        let printed = printed.unwrap();
        assert_eq!((printed.frames, printed.bytes, printed.seconds), (3, 9, 0.5));
        assert!(last_object(b"").is_err());
    }

    #[test]
    fn ours_is_compared_with_what_does_the_same() {
        let row = |way, fps: [f64; 3]| {
            let round = |fps| Round {
                fps,
                cpu_seconds_per_100_frames: None,
                cpu_seconds_in_all: None,
                sender_memory: None,
                receiver_memory: None,
                seconds_to_first_frame: None,
            };
            Row { way, failed: None, rounds: fps.map(round).to_vec() }
        };
        let rows = vec![
            row(Way::Netgear, [10.0, 90.0, 30.0]),
            row(Way::Vidgear, [20.0, 20.0, 1.0]),
            row(Way::NetgearDecoding, [50.0, 50.0, 50.0]),
            Row { failed: Some("it ended".into()), ..row(Way::OpencvDecoding, [1.0, 1.0, 1.0]) },
        ];
        let measured = Measured { clip: Clip { size: Size::SD, frames: 9 }, clip_bytes: 1, rows };
        assert_eq!(measured.ours_to(Way::Vidgear), Some(1.5));
        assert_eq!(measured.ours_to(Way::NetgearDecoding), Some(1.0));
        assert_eq!(measured.ours_to(Way::OpencvDecoding), None);
        let promise = promise(std::slice::from_ref(&measured)).unwrap();
        assert_eq!((promise.worst, promise.at.as_str(), promise.is_kept()), (1.5, "480p", true));
        assert_eq!(measured.rows[0].spread(|round| round.cpu_seconds_in_all), None);
    }
}
