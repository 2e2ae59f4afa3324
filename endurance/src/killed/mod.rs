//! kill -9 of either end in mid-stream, again and again, with a ledger on disk.

mod arrivals;
mod ledger;
mod program;
mod verdict;

use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

use netgear_proto::{Pattern, Role};
use serde::Serialize;
use serde_json::json;

pub(crate) use self::program::Program;
use self::{
    program::{Event, Order},
    verdict::Verdict,
};
use crate::{
    Extent, Result,
    end::Setup,
    percentiles::Percentiles,
    port,
    program::Program as Process,
    table::{Report, markdown},
    task::Task,
};

/// A restarted end is back in session within this time, at the median.
const BACK_WITHIN: f64 = 500.0;

/// How long anything may take before it counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// An end that is killed, and how it is connected to the one that survives.
#[derive(Debug, Clone, Copy, Serialize)]
struct Case {
    killed: Role,
    pattern: Pattern,
    latest: bool,
    /// Whether the end that is killed binds or connects.
    binds: bool,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Row {
    case: Case,
    kills: u32,
    /// Kills before the first frame of a run.
    early_kills: u32,
    #[serde(flatten)]
    verdict: Verdict,
    /// From the start of a run to the first frame after it, in milliseconds.
    back: Percentiles,
}

pub(crate) fn run(extent: &Extent) -> Result<Report> {
    let mut random = fastrand::Rng::with_seed(extent.seed);
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut back = Vec::new();
    for killed in [Role::Receiver, Role::Sender] {
        for pattern in [Pattern::Pair, Pattern::ReqRep] {
            for latest in [false, true] {
                for binds in [true, false] {
                    let case = Case { killed, pattern, latest, binds };
                    let directory = tempfile::tempdir()?;
                    let known = failures.len();
                    match case.run(directory.path(), extent.kills, &mut random) {
                        Ok((row, times)) => {
                            if !row.verdict.holds() {
                                failures.push(format!("{case:?}: {:?}", row.verdict));
                            }
                            back.extend(times);
                            rows.push(row);
                        }
                        Err(error) => failures.push(format!("{case:?}: {error}")),
                    }
                    if failures.len() > known {
                        // For whoever looks for the cause.
                        failures.push(format!("the ledgers of that are in {}", directory.keep().display()));
                    }
                }
            }
        }
    }
    let all = Percentiles::of(back);
    if all.median > BACK_WITHIN {
        failures.push(format!("killed: {:.0} ms from restart to the next frame", all.median));
    }
    Ok(Report { text: text(&rows, &all), rows: json!({ "cases": rows, "back": all }), failures })
}

impl Case {
    fn run(self, directory: &Path, kills: u32, random: &mut fastrand::Rng) -> Result<(Row, Vec<Duration>)> {
        let Self { killed, pattern, latest, binds } = self;
        let setup = Setup { pattern, latest, window: 2, port: port::free()? };
        let (killed_ledger, ledger) = (directory.join("killed"), directory.join("survivor"));
        let task = |role, binds, run, ledger: &Path| {
            Task::KilledOrSurvivor(Program { setup, role, binds, run, ledger: ledger.to_owned() })
        };
        let mut survivor = Process::start(&task(killed.opposite(), !binds, 0, &ledger))?;
        let (mut run, mut early_kills, mut back) = (0, 0, Vec::new());
        for kill in 0..=kills {
            let (started, process) = loop {
                run += 1;
                let started = Instant::now();
                let process = Process::start(&task(killed, binds, run, &killed_ledger))?;
                if random.u8(..8) > 0 || kill == kills {
                    break (started, process);
                }
                // Now and then again before there is a session, or in the middle of its first words.
                thread::sleep(Duration::from_micros(random.u64(..20_000)));
                process.kill()?;
                early_kills += 1;
            };
            let receiver = if killed == Role::Receiver { &process } else { &survivor };
            let arrived = loop {
                match receiver.hear(PATIENCE)? {
                    (at, Event::FirstFrame { of_run }) if killed == Role::Receiver || of_run == run => {
                        break at;
                    }
                    // Of a run that was killed early.
                    (_, Event::FirstFrame { .. }) => {}
                    (_, Event::Ended) => return Err("an end ended that was not told to".into()),
                }
            };
            if kill > 0 {
                back.push(arrived - started);
            }
            if kill < kills {
                let life = Duration::from_micros(random.u64(2_000..200_000));
                thread::sleep(life.saturating_sub(arrived.elapsed()));
                process.kill()?;
                continue;
            }
            thread::sleep(Duration::from_millis(50));
            survivor.tell(&Order::Close)?;
            for process in [&survivor, &process] {
                while !matches!(process.hear(PATIENCE)?.1, Event::Ended) {}
            }
        }
        let verdict = Verdict::of(&ledger::read(&killed_ledger)?, &ledger::read(&ledger)?);
        let row = Row { case: self, kills, early_kills, verdict, back: Percentiles::of(back.clone()) };
        Ok((row, back))
    }
}

fn text(rows: &[Row], back: &Percentiles) -> String {
    let kills = |role| -> u32 {
        rows.iter().filter(|row| row.case.killed == role).map(|row| row.kills + row.early_kills).sum()
    };
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let Row { case, verdict, .. } = row;
            let binds = if case.binds { "binds" } else { "connects" };
            [
                format!("{}, which {binds}", case.killed),
                case.pattern.to_string(),
                if case.latest { "Latest" } else { "Block" }.to_owned(),
                format!("{} + {}", row.kills, row.early_kills),
                verdict.frames.to_string(),
                verdict.accepted.to_string(),
                verdict.taken.to_string(),
                verdict.undelivered.to_string(),
                verdict.lost.to_string(),
                verdict.again.to_string(),
                verdict.out_of_order.to_string(),
                verdict.taken_by_survivor.to_string(),
                verdict.partial.to_string(),
                format!("{:.0} / {:.0} / {:.0}", row.back.median, row.back.p95, row.back.worst),
            ]
        })
        .collect();
    let headings = [
        "killed",
        "pattern",
        "policy",
        "kills + early",
        "frames",
        "survivor's data",
        "taken",
        "reported",
        "lost",
        "again",
        "too late",
        "taken of the killed",
        "partial frames",
        "back, ms: median / p95 / worst",
    ];
    format!(
        "Receivers killed {} times, senders {} times, 2 to 200 ms after their first frame or (early) in the first 20 ms of their lives.\n\
         From restart to the next frame: {:.0} ms at the median, {:.0} at p95, {:.0} at worst, of {}.\n\n{}",
        kills(Role::Receiver),
        kills(Role::Sender),
        back.median,
        back.p95,
        back.worst,
        back.count,
        markdown(headings, &cells),
    )
}
