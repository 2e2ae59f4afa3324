use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum, value_parser};
use netgear::{
    media::{FrameRate, Percent, Source, TestPatternSpec},
    prelude::{Dialect, EncodingChoice, Endpoint, FramePolicy, Mode, Pattern, Value},
};

use crate::picture::Picture;
use crate::record_options::Record;
use crate::section_options::SectionOptions;
use crate::shown::ShownOptions;

/// Stream video frames between two programs while any data goes both ways.
#[derive(Debug, Parser)]
#[command(name = "netgear", version, propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "\
Start with:
  netgear demo                    both ends in one program
  netgear view                    here: wait for a sender at port 5555
  netgear serve film.mp4          there: send it; from another machine with --connect tcp://HOST:5555

`netgear help COMMAND` has more of each.")]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Say more of what happens; twice for all of it. RUST_LOG is finer.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Stream a test pattern from one end to another in this very program, with data both ways.
    #[command(after_help = DEMO_EXAMPLES)]
    Demo(Demo),
    /// Send a video, a camera's pictures, a picture sequence or a test pattern to a receiver.
    #[command(alias = "send", after_help = SERVE_EXAMPLES)]
    Serve(Serve),
    /// Receive what a sender sends: see it, count it, record it, answer it.
    #[command(aliases = ["receive", "recv"], after_help = VIEW_EXAMPLES)]
    View(View),
    /// Say what a source is: size, rate, length, codec, and which decoder reads it.
    #[command(after_help = PROBE_EXAMPLES)]
    Probe(Probe),
    /// List the cameras of this machine, with their formats, sizes and rates.
    #[command(after_help = DEVICES_EXAMPLES)]
    Devices(Devices),
}

const DEMO_EXAMPLES: &str = "\
Examples:
  netgear demo                                     10 s of 720p at 30 fps over TCP
  netgear demo --fps max --size 1920x1080          how fast this machine is
  netgear demo --web                               in a browser, at http://127.0.0.1:8080, until Ctrl-C
  netgear demo --return-frames --snapshot last.png frames both ways, and the last of them";

const SERVE_EXAMPLES: &str = "\
Examples:
  netgear serve film.mp4                           to a receiver on this machine
  netgear serve film.mp4 --connect tcp://desk:5555 to one on another
  netgear serve test: --bind tcp://*:5555          wait for one, and send it a test pattern
  netgear serve 'frames/*.png' --fps 10 --loop     pictures, over and over
  netgear serve film.mp4 --start 1:30 --duration 10 --loop
                                                   ten seconds of it, over and over, without a gap
  netgear serve camera:0 --connect tcp://desk:5555 a camera, live; `netgear devices` lists them
  netgear serve 'camera:0?size=1280x720&fps=60&format=mjpeg&resume=30'
  netgear serve test: --stay                       to one receiver after another
  netgear serve camera:0 --encoding jpeg:75        over Wi-Fi
  netgear serve film.mp4 --reduce 30 --data '{\"camera\": 3}' --print-data
  netgear serve film.mp4 --size 640x640 --fit letterbox --gray --annotate 'gate 3, {time}'

When it ends, it prints what crossed; with --json as one object. The exit code is 0 if the stream ended in good order \
(at its end, with Ctrl-C, or because the receiver left), 1 for a failure, 2 for wrong usage.";

const VIEW_EXAMPLES: &str = "\
Examples:
  netgear view                                     wait for a sender at port 5555
  netgear view --connect tcp://camera:5555         go to one that waits
  netgear view --window                            see it
  netgear view --web                               see it in a browser, at http://127.0.0.1:8080
  netgear view --record film.mp4 --snapshot last.png
  netgear view --record frames/ --stay             every pixel of one sender after another, as PNGs
  netgear view --reply seen --print-data           answer each frame, and see what comes with it
  netgear view --reply-frames test:640x480         frames both ways
  netgear view --unidirectional --pattern 1        a VidGear server without bidirectional_mode, and with pattern=1

When it ends, it prints what crossed; with --json as one object. The exit code is 0 if the stream ended in good order \
(because the sender left, or with Ctrl-C), 1 for a failure, 2 for wrong usage.";

const PROBE_EXAMPLES: &str = "\
Examples:
  netgear probe film.mp4
  netgear probe film.mp4 --start 0:10 --duration 2.5   what serve would send of it
  netgear probe rtsp://camera/1 --json
  netgear probe 'camera:0?size=1280x720'";

const DEVICES_EXAMPLES: &str = "\
Examples:
  netgear devices                                  the number of each goes after camera:
  netgear devices --json";

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Messaging pattern: pair or reqrep.
    #[arg(long, default_value = "pair")]
    pub(crate) pattern: Pattern,
    /// What carries it: TCP over loopback, or a Unix socket.
    #[arg(long, default_value = "tcp")]
    pub(crate) transport: Transport,
    /// Size of the frames, as in 1280x720.
    #[arg(long, default_value = "1280x720", value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Size,
    /// Frames a second, or max for as many as there can be.
    #[arg(long, default_value = "30", value_name = "F|max", allow_negative_numbers = true)]
    pub(crate) fps: Fps,
    /// How long to stream. Default: 10, and until Ctrl-C where somebody looks (--window, --web).
    #[arg(long, value_name = "SECONDS", conflicts_with = "frames", allow_negative_numbers = true,
        value_parser = some_seconds)]
    pub(crate) seconds: Option<Duration>,
    /// How many frames to stream, in place of how long.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) frames: Option<u64>,
    /// How the frames cross: raw, lossless, or jpeg, as for `serve`.
    #[arg(long, default_value = "raw", value_name = "NAME")]
    pub(crate) encoding: EncodingChoice,
    /// Send each frame back as well.
    #[arg(long)]
    pub(crate) return_frames: bool,
    /// Make the frames smaller before they are sent, by more than 0 and less than 90 per cent.
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    pub(crate) reduce: Option<Percent>,
    /// Save the last frame received as a picture.
    #[arg(long, value_name = "OUT.png", value_parser = picture)]
    pub(crate) snapshot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) record: Record,
    #[command(flatten)]
    pub(crate) shown: ShownOptions,
    /// Print one JSON object at the end in place of the summary.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// A file, a URL, a camera such as camera:0, a screen such as screen:0?fps=30, a sequence such as 'frames/*.png',
    /// or a test pattern such as test:1280x720@30. A camera may be a number, a path or a name, and be asked for more:
    /// 'camera:/dev/video2?size=1280x720&fps=60&format=mjpeg&timeout=5&resume=30'.
    pub(crate) source: Source,
    /// Connect to a receiver there. This is the default, to tcp://127.0.0.1:5555.
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "bind")]
    pub(crate) connect: Option<Endpoint>,
    /// Wait there for a receiver to connect; with port 0 at any free port, which is printed.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) bind: Option<Endpoint>,
    #[command(flatten)]
    pub(crate) session: Session,
    /// Text or JSON to send with each frame. What is no JSON is text.
    #[arg(long, value_name = "TEXT-or-JSON", conflicts_with = "unidirectional",
        allow_negative_numbers = true, value_parser = text_or_json)]
    pub(crate) data: Option<Value>,
    #[command(flatten)]
    pub(crate) picture: Picture,
    /// Frames a second, or max for as many as there can be. Default: the source's own pace. A file is played faster
    /// or slower by this; a camera's frames beyond the rate are dropped.
    #[arg(long, value_name = "F|max", allow_negative_numbers = true)]
    pub(crate) fps: Option<Fps>,
    /// What becomes of frames that the receiver is too slow for: block (they wait, and so does the source), latest
    /// (the newest replaces the one that waits), drop-newest (the one that waits stays). Default: latest for a
    /// camera, a screen and a URL, which may be a camera's; block for all else.
    #[arg(long, value_name = "NAME")]
    pub(crate) policy: Option<PolicyOption>,
    /// How the frames cross: raw (for a cable), lossless (the same pixels, in fewer bytes), or jpeg (the smallest:
    /// for Wi-Fi); jpeg:QUALITY from 1 to 100, and jpeg:QUALITY:SUBSAMPLING with 444 (for text and drawings), 422 or
    /// 420. Left out, these are 80 and 420. A receiver that does not decode it, such as VidGear's, gets raw frames.
    #[arg(long, default_value = "raw", value_name = "NAME")]
    pub(crate) encoding: EncodingChoice,
    /// Begin again at the end, without end.
    #[arg(long = "loop")]
    pub(crate) looped: bool,
    #[command(flatten)]
    pub(crate) section: SectionOptions,
}

#[derive(Debug, Args)]
pub(crate) struct View {
    /// Wait there for a sender to connect; with port 0 at any free port, which is printed. This is the default, at
    /// tcp://*:5555.
    #[arg(long, value_name = "ENDPOINT", conflicts_with = "connect")]
    pub(crate) bind: Option<Endpoint>,
    /// Connect to a sender there.
    #[arg(long, value_name = "ENDPOINT")]
    pub(crate) connect: Option<Endpoint>,
    #[command(flatten)]
    pub(crate) session: Session,
    /// Text or JSON to send back for each frame. What is no JSON is text.
    #[arg(long, value_name = "TEXT-or-JSON", conflicts_with_all = ["reply_frames", "unidirectional"],
        allow_negative_numbers = true, value_parser = text_or_json)]
    pub(crate) reply: Option<Value>,
    /// A source whose frames to send back, over and over.
    #[arg(long, value_name = "SOURCE", conflicts_with = "unidirectional")]
    pub(crate) reply_frames: Option<Source>,
    /// Save the last frame as a picture.
    #[arg(long, value_name = "OUT.png", value_parser = picture)]
    pub(crate) snapshot: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) record: Record,
    #[command(flatten)]
    pub(crate) shown: ShownOptions,
}

/// What both ends can be told.
#[derive(Debug, Args)]
pub(crate) struct Session {
    /// Messaging pattern, the same on both ends: pair (both speak freely) or reqrep (request and reply).
    #[arg(long, default_value = "pair")]
    pub(crate) pattern: Pattern,
    /// What to speak: native (NetGear for Rust), vidgear (the Python original), or auto, whichever the other end
    /// speaks.
    #[arg(long, default_value = "auto")]
    pub(crate) dialect: DialectOption,
    /// End after so many frames.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    pub(crate) frames: Option<u64>,
    /// Send frames one way and no data at all; the same on both ends.
    #[arg(long)]
    pub(crate) unidirectional: bool,
    /// How long to wait for the other end to appear, and to come back each time that it is lost. Default: for ever.
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true,
        value_parser = seconds)]
    pub(crate) wait: Option<Duration>,
    /// End when the connection is lost, rather than wait for the other end to come back.
    #[arg(long, conflicts_with = "stay")]
    pub(crate) no_reconnect: bool,
    /// When the other end has left, wait for the next one, until Ctrl-C. An end that binds also outlives peers that
    /// were set up differently.
    #[arg(long)]
    pub(crate) stay: bool,
    /// Print each item of data that arrives, as JSON where it is such: on the standard output, or on the error output
    /// with --json.
    #[arg(long)]
    pub(crate) print_data: bool,
    /// Work out a digest of all pixels: equal on both ends when every pixel crossed.
    #[arg(long)]
    pub(crate) digest: bool,
    /// Print one JSON object at the end in place of the summary.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Session {
    pub(crate) fn mode(&self) -> Mode {
        if self.unidirectional { Mode::Unidirectional } else { Mode::Bidirectional }
    }

    /// `None` for whichever the other end speaks.
    pub(crate) fn dialect(&self) -> Option<Dialect> {
        match self.dialect {
            DialectOption::Auto => None,
            DialectOption::Native => Some(Dialect::Native),
            DialectOption::Vidgear => Some(Dialect::VidGear),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Probe {
    /// A file, a URL, a camera such as camera:0, a screen such as screen:0, a sequence such as 'frames/*.png', or a
    /// test pattern such as test:1280x720@30.
    pub(crate) source: Source,
    #[command(flatten)]
    pub(crate) section: SectionOptions,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Devices {
    /// Print one JSON array.
    #[arg(long)]
    pub(crate) json: bool,
}

/// What carries a demo. A doc comment on a variant would stretch the whole help.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Transport {
    Tcp,
    Ipc,
}

/// What to speak.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum DialectOption {
    Auto,
    Native,
    Vidgear,
}

/// What becomes of frames that the receiver is too slow for.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PolicyOption {
    Block,
    Latest,
    DropNewest,
}

impl Serve {
    pub(crate) fn policy(&self) -> FramePolicy {
        match (self.policy, &self.source) {
            (Some(PolicyOption::Latest), _)
            | (None, Source::Camera(_) | Source::Screen(_) | Source::Url(_)) => FramePolicy::Latest,
            (Some(PolicyOption::DropNewest), _) => FramePolicy::DropNewest,
            (Some(PolicyOption::Block), _) | (None, _) => FramePolicy::Block,
        }
    }
}

/// Pixels in a row, and rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (width, height) = text.split_once('x').ok_or("a size is needed, such as 1280x720")?;
        let (width, height) = (side(width)?, side(height)?);
        // The test pattern is drawn in this size, and knows which sizes it can have.
        TestPatternSpec::new(width, height, FrameRate::THIRTY).map_err(|error| error.to_string())?;
        Ok(Self { width, height })
    }
}

fn side(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("{text:?} is no number of pixels; a size is written 1280x720"))
}

/// How fast frames are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fps {
    /// As fast as the other end takes them.
    Max,
    /// So many a second.
    Rate(FrameRate),
}

impl FromStr for Fps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        text.parse().map(Self::Rate).map_err(|error| format!("{error}; or write max"))
    }
}

/// The longest time that can be given: 1,000 days. A clock must be able to add it to what it shows.
const LONGEST: Duration = Duration::from_secs(1_000 * 24 * 60 * 60);

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    text.parse()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|time| *time <= LONGEST)
        .ok_or_else(|| {
            format!("a number of seconds is needed, such as 10 or 0.5, and {} at most", LONGEST.as_secs())
        })
}

/// Not none at all.
fn some_seconds(text: &str) -> Result<Duration, String> {
    let time = seconds(text)?;
    if time.is_zero() { Err("it has to be more than 0".to_owned()) } else { Ok(time) }
}

/// The file of a picture: checked now, since it is only written at the end.
fn picture(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let ending = path.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    if !matches!(ending.as_deref(), Some("png" | "jpg" | "jpeg")) {
        return Err("a picture's name ends in .png, .jpg or .jpeg".to_owned());
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            Err(format!("there is no folder {}; make it first", folder.display()))
        }
        _ => Ok(path),
    }
}

/// JSON if it is JSON, else the text itself.
fn text_or_json(text: &str) -> Result<Value, std::convert::Infallible> {
    Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text)))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;
    use netgear::media::Filter;

    use super::*;

    #[test]
    fn the_options_go_together() {
        Options::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_filter() {
        let mut command = Options::command();
        let help = command.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        for filter in Filter::ALL {
            assert!(help.contains(filter.name()), "{filter}");
        }
    }

    #[test]
    fn what_is_live_is_not_held_up_by_a_slow_receiver() {
        let policy = |arguments: &[&str]| {
            let all = ["netgear", "serve"].iter().chain(arguments);
            match Options::try_parse_from(all).unwrap().command {
                Command::Serve(serve) => serve.policy(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(policy(&["camera:0"]), FramePolicy::Latest);
        assert_eq!(policy(&["rtsp://camera/1"]), FramePolicy::Latest);
        assert_eq!(policy(&["camera:0", "--policy", "block"]), FramePolicy::Block);
        assert_eq!(policy(&["film.mp4"]), FramePolicy::Block);
    }

    #[test]
    fn what_is_no_json_is_text() {
        for (text, value) in [
            ("hello", Value::from("hello")),
            ("\"hello\"", Value::from("hello")),
            ("", Value::from("")),
            ("{", Value::from("{")),
            ("-1", Value::from(-1)),
            ("18446744073709551615", Value::from(u64::MAX)),
            ("null", Value::Null),
            ("NaN", Value::from("NaN")),
        ] {
            assert_eq!(text_or_json(text), Ok(value), "{text}");
        }
    }

    #[test]
    fn times_are_bounded() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for text in ["", "-1", "x", "1e19", "inf", "NaN", "86400001"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!((seconds("0"), some_seconds("0").is_err()), (Ok(Duration::ZERO), true));
    }
}
