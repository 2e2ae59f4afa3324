//! Every mode against every kind of frame and data, both ways round.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Instant,
};

use netgear_proto::{Mode, Pattern, Role};

use super::{
    content::{DataKind, FrameKind},
    meeting::{Carrier, First, Meeting, role_name},
    peers::Peers,
    script::Script,
    spoilt, start_peers,
};
use crate::{Result, process::human, workspace::Workspace};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Frames in each cell.
    #[arg(long, default_value_t = Options::default().frames, value_parser = clap::value_parser!(u32).range(1..))]
    frames: u32,
    /// Only the rows in which all of these words stand, as in --only sender --only REQ/REP --only nested.
    #[arg(long, value_name = "WORD")]
    only: Vec<String>,
    /// Only the columns in whose name this stands, as in --frame u16.
    #[arg(long, value_name = "PART", default_value = "")]
    frame: String,
}

impl Default for Options {
    fn default() -> Self {
        Self { frames: 100, only: Vec::new(), frame: String::new() }
    }
}

/// After how many failures no further row is begun.
const ENOUGH_FAILURES: usize = 10;

/// One line of the table: the same for several kinds of frames.
#[derive(Debug, Clone)]
struct Row {
    ours: Role,
    pattern: Pattern,
    carrier: Carrier,
    mode: Mode,
    data: Payload,
    frames: &'static [FrameKind],
}

/// What travels beside the frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// The same kind with the frames and back.
    Both(DataKind),
    /// Text with the frames, and arrays back.
    ArraysBack,
    /// The same, and every array has a side of 1: its shape must come back as it was.
    OneSidedBack,
    /// What only our end can read, so that it comes from VidGear alone.
    KeysToUs,
}

/// What all threads write to.
#[derive(Debug, Default)]
struct Results {
    cells: usize,
    frames: usize,
    failures: Vec<String>,
}

/// Runs the matrix and prints it.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result {
    let started = Instant::now();
    let peers = start_peers(workspace)?;
    spoilt::run(&peers)?;
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.is_wanted(&options.only)).collect();
    println!("\nframes a second at our end; every pixel and every value is compared at both ends");
    print!("{:<9} {:<8} {:<5} {:<15} {:<12}", "ours", "pattern", "over", "mode", "data");
    FrameKind::ALL.iter().for_each(|kind| print!(" {:>14}", kind.name));
    println!();
    let results = Mutex::new(Results::default());
    // Each exchange keeps one of its ends busy at a time: two at once fill two cores.
    thread::scope(|scope| {
        for ours in [Role::Sender, Role::Receiver] {
            let (rows, peers, results) = (&rows, &peers, &results);
            scope.spawn(move || {
                for row in rows.iter().filter(|row| row.ours == ours) {
                    // Each failure may take as long as a deadline.
                    if locked(results).failures.len() >= ENOUGH_FAILURES {
                        break;
                    }
                    row.run(peers, options, results);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("{} cells, {} frames in {}", results.cells, results.frames, human(started.elapsed()));
    if results.failures.is_empty() {
        return Ok(());
    }
    println!("\nfailures:");
    results.failures.iter().for_each(|failure| println!("  {failure}"));
    println!("what VidGear logged is in {}", peers.log().display());
    Err(format!("{} of {} cells failed", results.failures.len(), results.cells).into())
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ours in [Role::Sender, Role::Receiver] {
        for pattern in [Pattern::Pair, Pattern::ReqRep] {
            let mut row = |carrier, mode, data, frames| {
                rows.push(Row { ours, pattern, carrier, mode, data, frames });
            };
            let all = FrameKind::ALL.as_slice();
            row(Carrier::Tcp, Mode::Unidirectional, Payload::Both(DataKind::Nothing), all);
            for data in [DataKind::Nothing, DataKind::Text, DataKind::Numbers, DataKind::Nested] {
                row(Carrier::Tcp, Mode::Bidirectional, Payload::Both(data), all);
            }
            row(Carrier::Tcp, Mode::Bidirectional, Payload::ArraysBack, all);
            row(Carrier::Tcp, Mode::Bidirectional, Payload::OneSidedBack, &all[..1]);
            row(Carrier::Tcp, Mode::Bidirectional, Payload::Both(DataKind::Falsy), &all[..1]);
            if ours == Role::Receiver {
                row(Carrier::Tcp, Mode::Bidirectional, Payload::KeysToUs, &all[..1]);
            }
            if cfg!(unix) {
                row(Carrier::Ipc, Mode::Bidirectional, Payload::Both(DataKind::Nested), &all[..2]);
                row(Carrier::Ipc, Mode::Unidirectional, Payload::Both(DataKind::Nothing), &all[..2]);
            }
        }
    }
    rows
}

impl Row {
    fn is_wanted(&self, only: &[String]) -> bool {
        let title = self.title();
        only.iter().all(|word| title.split_whitespace().any(|found| found == word))
    }

    fn title(&self) -> String {
        let ours = role_name(self.ours);
        let data = match self.data {
            Payload::Both(kind) => kind.to_string(),
            Payload::ArraysBack => "arrays back".to_owned(),
            Payload::OneSidedBack => "sides of 1".to_owned(),
            Payload::KeysToUs => "odd keys".to_owned(),
        };
        let (pattern, mode) = (self.pattern.to_string(), self.mode.to_string());
        format!("{ours:<9} {pattern:<8} {:<5} {mode:<15} {data:<12}", self.carrier)
    }

    fn run(&self, peers: &Peers, options: &Options, results: &Mutex<Results>) {
        let mut line = self.title();
        for kind in FrameKind::ALL {
            if !self.frames.contains(&kind) || !kind.name.contains(&options.frame) {
                line += &format!(" {:>14}", "");
                continue;
            }
            let result = self.meeting(kind, options.frames as usize).run(peers);
            let mut results = locked(results);
            results.cells += 1;
            match result {
                Ok(done) => {
                    results.frames += done.tally.frames as usize;
                    line += &format!(" {:>14.0}", done.tally.frames as f64 / done.took.as_secs_f64());
                }
                Err(error) => {
                    line += &format!(" {:>14}", "FAILED");
                    results.failures.push(format!("{}{}: {error}", self.title(), kind.name));
                }
            }
        }
        println!("{line}");
    }

    fn meeting(&self, frame: FrameKind, frames: usize) -> Meeting {
        let (data, returned) = match self.data {
            Payload::Both(kind) => (kind, kind),
            Payload::ArraysBack => (DataKind::Text, DataKind::Arrays),
            Payload::OneSidedBack => (DataKind::Text, DataKind::OneSided),
            Payload::KeysToUs => (DataKind::Keys, DataKind::Nothing),
        };
        Meeting {
            ours: self.ours,
            pattern: self.pattern,
            carrier: self.carrier,
            first: First::NEITHER,
            script: Script { mode: self.mode, frame, frames, data, returned },
        }
    }
}

fn locked(results: &Mutex<Results>) -> MutexGuard<'_, Results> {
    results.lock().unwrap_or_else(PoisonError::into_inner)
}
