//! Who is measured: the programs of both ends, and what they can do.

use std::{
    env::consts::EXE_SUFFIX,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use clap::Args;
use netgear_bench_end::{Pattern, Returned};

use crate::{Cell, Error, cell::Size};

/// One that the bench is run for.
#[derive(Debug, Clone)]
pub struct Contender {
    /// A short name that stays, for whoever reads the figures by program.
    pub id: &'static str,
    /// For tables.
    pub title: &'static str,
    /// The end with the frames.
    pub sender: Program,
    /// The end that answers.
    pub receiver: Program,
    can: fn(&Cell) -> bool,
    /// It runs in lock-step also where the others do not: what they are to be compared with.
    in_lock_step: bool,
}

/// A program that is given a job as its last argument.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file.
    pub path: PathBuf,
    /// What comes before the job.
    pub arguments: Vec<String>,
}

/// Where the programs of others are. Those that are left out are not measured.
#[derive(Debug, Clone, Default, Args)]
pub struct Places {
    /// The program of benches/peers, which has the libraries in Rust, and libzmq.
    #[arg(long, value_name = "PATH")]
    pub peers: Option<PathBuf>,
    /// A Python interpreter that has VidGear.
    #[arg(long, value_name = "PYTHON")]
    pub vidgear: Option<PathBuf>,
    /// A Python interpreter that has imagezmq.
    #[arg(long, value_name = "PYTHON")]
    pub imagezmq: Option<PathBuf>,
    /// The program with the ends of this package, if it is not beside this one.
    #[arg(long, value_name = "PATH")]
    pub end: Option<PathBuf>,
    /// Measure only these, by their names in the table or in the JSON, besides netgear and raw.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub contenders: Vec<String>,
}

/// What ours are called.
pub const OURS: &str = "netgear";
/// What the limit is called.
pub const RAW: &str = "raw";
/// What the limit is called where its buffers are those of our sessions.
pub const RAW_BUFFERED: &str = "raw-buffered";
/// What the limit is called where it waits for each answer and the others do not.
pub const RAW_IN_LOCK_STEP: &str = "raw-in-lock-step";

impl Contender {
    /// All whose programs are there, ours first.
    ///
    /// # Errors
    /// If the ends of this package are not beside this program, or the program of the peers is not what it should be.
    pub fn all(places: &Places) -> Result<Vec<Self>, Error> {
        let beside = || Ok::<_, Error>(std::env::current_exe()?.with_file_name(format!("end{EXE_SUFFIX}")));
        let end = places.end.clone().map_or_else(beside, Ok)?;
        if !end.exists() {
            return Err(format!(
                "there is no {}: build the binaries of netgear-benches together",
                end.display()
            )
            .into());
        }
        let ours = |name: &str| Program { path: end.clone(), arguments: vec![name.to_owned()] };
        let mut all = vec![
            Self::of(OURS, "netgear", ours(OURS), |_| true),
            Self::of(RAW, "raw sockets", ours(RAW), |_| true),
            Self::of(RAW_BUFFERED, "raw, netgear's buffers", ours(RAW_BUFFERED), |cell| cell.window == 1),
            Self {
                in_lock_step: true,
                ..Self::of(RAW_IN_LOCK_STEP, "raw sockets in lock-step", ours(RAW), |cell| cell.window > 1)
            },
        ];
        if let Some(peers) = &places.peers {
            let listed = list(peers)?;
            let known = [
                Self::of(
                    "libzmq-without-copies",
                    "libzmq without copies",
                    program(peers, "libzmq-without-copies"),
                    |_| true,
                ),
                // What the copy costs shows with one size.
                Self::of("libzmq", "libzmq", program(peers, "libzmq"), |cell| cell.size == Size::HD),
                Self::of("omq", "omq-tokio", program(peers, "omq"), |_| true),
                Self::of("zeromq", "zeromq", program(peers, "zeromq"), |cell| {
                    cell.pattern == Pattern::ReqRep && cell.window == 1
                }),
            ];
            all.extend(known.into_iter().filter(|contender| listed.iter().any(|name| name == contender.id)));
        }
        if let Some(python) = &places.imagezmq {
            all.push(Self::of("imagezmq", "imagezmq", script(python, "imagezmq"), |cell| {
                cell.pattern == Pattern::ReqRep && cell.window == 1 && cell.returned == Returned::Data
            }));
        }
        if let Some(python) = &places.vidgear {
            let vidgear = script(python, "vidgear");
            all.push(Self::of("vidgear", "VidGear", vidgear.clone(), |cell| cell.window == 1));
            // Who replaces one end.
            let mixed = |id, title, sender, receiver| Self {
                receiver,
                ..Self::of(id, title, sender, |cell| *cell == Cell::PLAIN)
            };
            all.push(mixed("netgear-to-vidgear", "netgear to VidGear", ours(OURS), vidgear.clone()));
            all.push(mixed("vidgear-to-netgear", "VidGear to netgear", vidgear, ours(OURS)));
        }
        let wanted = |contender: &Self| {
            [OURS, RAW, RAW_BUFFERED, RAW_IN_LOCK_STEP].contains(&contender.id)
                || places.contenders.is_empty()
                || places.contenders.iter().any(|name| name == contender.id || name == contender.title)
        };
        all.retain(wanted);
        Ok(all)
    }

    /// Whether it does this at all.
    pub fn can(&self, cell: &Cell) -> bool {
        (self.can)(cell)
    }

    /// What it is put to, in this cell.
    pub fn cell(&self, cell: &Cell) -> Cell {
        if self.in_lock_step { Cell { window: 1, ..*cell } } else { *cell }
    }

    fn of(id: &'static str, title: &'static str, both: Program, can: fn(&Cell) -> bool) -> Self {
        Self { id, title, sender: both.clone(), receiver: both, can, in_lock_step: false }
    }
}

fn program(path: &Path, name: &str) -> Program {
    Program { path: path.to_owned(), arguments: vec![name.to_owned()] }
}

fn script(python: &Path, name: &str) -> Program {
    let ends = Path::new(env!("CARGO_MANIFEST_DIR")).join("python/ends.py");
    Program { path: python.to_owned(), arguments: vec![ends.to_string_lossy().into_owned(), name.to_owned()] }
}

/// What the program of the peers was built with.
///
/// # Errors
/// If it cannot be asked.
pub fn list(peers: &Path) -> Result<Vec<String>, Error> {
    let output = Command::new(peers).arg("--list").stdin(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(format!("{} --list: {}", peers.display(), output.status).into());
    }
    Ok(String::from_utf8(output.stdout)?.split_whitespace().map(str::to_owned).collect())
}
