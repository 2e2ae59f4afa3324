//! The benches of the workspace.

mod clean_build;
mod cost;
mod path;
mod peers;
mod prepared;
mod summary;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use self::prepared::Prepared;
use crate::{
    Result,
    process::{self, Outcome},
    tools::{self, Tool},
    viewer_bench,
    workspace::{Build, Workspace},
};

/// Where the benches are.
const PACKAGE: &str = "netgear-benches";

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Short runs, which show that everything works and little more. Of other libraries, only those that are there
    /// already.
    #[arg(long)]
    quick: bool,
    /// As --quick, and by the debug build that the tests use: shows that it works. The figures say nothing.
    #[arg(long)]
    once: bool,
    /// Only this part; may be given again. Without it: transport, latency, resize, protocol, path and cost.
    #[arg(long, value_enum, value_name = "PART")]
    only: Vec<Part>,
    /// Where the tables, all figures and the drawings go, as PART.md, PART.json and PART.svg, and what all parts are
    /// held against, as summary.md and summary.json: target/bench if it is left out.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// More options for the program of the only part, such as `--only transport -- --cells 1080p,tcp`.
    #[arg(last = true)]
    further: Vec<String>,
}

/// What can be measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Criterion's benches of single functions.
    Functions,
    /// Frames as fast as they go: ours, raw sockets, and every peer. Needs Python for some, and pip's network the
    /// first time.
    Transport,
    /// How long frames and data are on their way, beside the same.
    Latency,
    /// A film from its file to a receiver that answers, beside VidGear. Needs ffmpeg, Python, and pip's network the
    /// first time.
    Path,
    /// What it takes to build it, its size, and the memory of idle sessions.
    Cost,
    /// Resizing beside cv2.resize and pic-scale. Needs Python for the one, and pip's network the first time.
    Resize,
    /// What it costs to write and to read messages and values, without a network.
    Protocol,
    /// Sessions with each encoding.
    Encodings,
    /// Sessions with and without each kind of recording.
    Recording,
    /// A demo that is seen in a window, and on a page, beside one that is not. Needs Xvfb.
    Viewers,
}

impl Part {
    /// What is measured unless something is asked for.
    const USUAL: [Self; 6] =
        [Self::Transport, Self::Latency, Self::Resize, Self::Protocol, Self::Path, Self::Cost];

    fn name(self) -> &'static str {
        match self {
            Self::Functions => "functions",
            Self::Transport => "transport",
            Self::Latency => "latency",
            Self::Path => "path",
            Self::Cost => "cost",
            Self::Resize => "resize",
            Self::Protocol => "protocol",
            Self::Encodings => "encodings",
            Self::Recording => "recording",
            Self::Viewers => "viewers",
        }
    }
}

impl Options {
    fn build(&self) -> Build {
        if self.once { Build::Tests } else { Build::Release }
    }

    fn is_short(&self) -> bool {
        self.quick || self.once
    }
}

/// Runs each part that was asked for.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let parts = if options.only.is_empty() { Part::USUAL.as_slice() } else { &options.only };
    if !options.further.is_empty() && parts.len() != 1 {
        return Err("options behind -- are for one part: name it with --only".into());
    }
    let out = match &options.out {
        Some(folder) => std::path::absolute(folder)?,
        None => workspace.target("bench"),
    };
    fs::create_dir_all(&out)?;
    let prepared = Prepared::new(workspace, options, parts, &out)?;
    let (mut done, mut skipped) = (Vec::new(), Vec::new());
    for part in parts {
        match run_part(workspace, &prepared, *part, options, &out)? {
            Outcome::Done => done.push(*part),
            Outcome::Skipped(reason) => skipped.push(format!("{}: {reason}", part.name())),
        }
    }
    if done.len() > 1 {
        summary::run(&done, &out)?;
    }
    Ok(if skipped.is_empty() { Outcome::Done } else { Outcome::Skipped(skipped.join("; ")) })
}

fn run_part(
    workspace: &Workspace,
    prepared: &Prepared,
    part: Part,
    options: &Options,
    out: &Path,
) -> Result<Outcome> {
    match part {
        Part::Functions => functions(workspace, options),
        Part::Transport => {
            let mut arguments = beside_peers(prepared)?;
            arguments.extend(["--svg".into(), text(&out.join("transport.svg"))]);
            program(prepared, part, options, out, &arguments)
        }
        Part::Latency => program(prepared, part, options, out, &beside_peers(prepared)?),
        Part::Path => path::run(prepared, options, out),
        Part::Cost => cost::run(workspace, prepared, options, out),
        Part::Resize => resize(prepared, options, out),
        Part::Protocol | Part::Encodings => program(prepared, part, options, out, &[]),
        Part::Recording => recording(workspace, prepared, options, out),
        Part::Viewers => viewers(prepared, options),
    }
}

fn functions(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    let mut command = if options.once {
        // Run as tests, criterion's benches measure nothing, and call each function once.
        let mut command = workspace.cargo(&["test", "--workspace", "--bench", "*"]);
        command.args(workspace.features()?).arg("--");
        command
    } else {
        workspace.cargo(&["bench", "-p", PACKAGE, "--benches", "--"])
    };
    match (options.once, options.quick) {
        (true, _) => {}
        (false, true) => {
            command.arg("--quick");
        }
        // Enough for what takes microseconds, and for all of them in a few minutes.
        (false, false) => {
            command.args(["--warm-up-time", "1", "--measurement-time", "2"]);
        }
    }
    process::run(command.args(&options.further))?;
    Ok(Outcome::Done)
}

/// Where both ends of ours are, and those of others.
fn beside_peers(prepared: &Prepared) -> Result<Vec<String>> {
    let Prepared { peers, vidgear, imagezmq, .. } = prepared;
    let mut arguments = paths([("--peers", peers), ("--vidgear", vidgear), ("--imagezmq", imagezmq)]);
    arguments.extend(["--end".into(), prepared.program("end")?]);
    Ok(arguments)
}

fn resize(prepared: &Prepared, options: &Options, out: &Path) -> Result<Outcome> {
    let mut arguments = paths([("--peers", &prepared.peers), ("--cv2", &prepared.vidgear)]);
    arguments.extend(["--end".into(), prepared.program("end")?]);
    if options.once {
        // By the tests' build larger frames take long, and show nothing more.
        arguments.extend(["--cells".into(), "480p".into()]);
    }
    arguments.extend(["--svg".into(), text(&out.join("resize.svg"))]);
    program(prepared, Part::Resize, options, out, &arguments)
}

fn recording(workspace: &Workspace, prepared: &Prepared, options: &Options, out: &Path) -> Result<Outcome> {
    let folder = workspace.target("bench");
    let mut arguments =
        vec!["--program".into(), prepared.program("netgear")?, "--folder".into(), text(&folder)];
    if !tools::require(Tool::Ffmpeg)? {
        arguments.push("--without-ffmpeg".into());
    }
    program(prepared, Part::Recording, options, out, &arguments)
}

fn viewers(prepared: &Prepared, options: &Options) -> Result<Outcome> {
    if !tools::require(Tool::Xvfb)? {
        return Ok(Outcome::Skipped(format!("{} is missing", Tool::Xvfb.name())));
    }
    viewer_bench::run(Path::new(&prepared.program("netgear")?), options.is_short())?;
    Ok(Outcome::Done)
}

/// Runs the program of a part.
fn program(
    prepared: &Prepared,
    part: Part,
    options: &Options,
    out: &Path,
    arguments: &[String],
) -> Result<Outcome> {
    let name = match part {
        Part::Encodings => "encodings-side-by-side",
        Part::Resize => "resize-side-by-side",
        _ => part.name(),
    };
    let mut command = Command::new(prepared.program(name)?);
    command.args(arguments);
    measure(command, part, options, out)
}

/// Gives a program what all understand, runs it, and says where its files are.
fn measure(mut command: Command, part: Part, options: &Options, out: &Path) -> Result<Outcome> {
    if options.is_short() {
        command.arg("--quick");
    }
    let file = |ending: &str| out.join(format!("{}.{ending}", part.name()));
    let (tables, figures, drawing) = (file("md"), file("json"), file("svg"));
    command.arg("--markdown").arg(&tables).arg("--json").arg(&figures);
    process::run(command.args(&options.further))?;
    let drawing =
        if drawing.exists() { format!(", and {} is a drawing", drawing.display()) } else { String::new() };
    println!("{} has the tables, {} every figure{drawing}", tables.display(), figures.display());
    Ok(Outcome::Done)
}

/// Options for what there is.
fn paths<const N: usize>(places: [(&str, &Option<PathBuf>); N]) -> Vec<String> {
    let there = places.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?)));
    there.flat_map(|(option, path)| [option.to_owned(), text(path)]).collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
