//! Ends that do not fit: ours says which setting it is.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use netgear_proto::{Mode, Pattern, Role};
use serde_json::{Value, json};

use super::{
    super::{
        content::{DataKind, FrameKind},
        meeting::{Carrier, First, Meeting, Outcome, Place, role_name},
        peers::Peers,
        script::Script,
    },
    program::Program,
};
use crate::{Result, parallel::in_parallel};

/// By when our end must have said it.
const DEADLINE: Duration = Duration::from_secs(6);

/// VidGear's own deadline, in seconds, and how long its end is given to end by itself.
const VIDGEAR_TIMEOUT: u64 = 2;
const PATIENCE: Duration = Duration::from_secs(6);

/// What is not the same at both ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfit {
    /// VidGear's end is of the other mode than ours.
    Mode,
    /// VidGear's end is of the other pattern than ours.
    Pattern,
}

/// How a case went.
struct Told {
    error: String,
    after: Duration,
    theirs: String,
}

/// Runs them all at once; gives the failures.
pub(super) fn run(peers: &Peers, netgear: &Path) -> Vec<String> {
    println!("\nends that do not fit: what ours says, after how many seconds, and what VidGear's does");
    let mut cases = Vec::new();
    for misfit in [Misfit::Mode, Misfit::Pattern] {
        for ours in [Role::Sender, Role::Receiver] {
            for pattern in [Pattern::Pair, Pattern::ReqRep] {
                for mode in [Mode::Bidirectional, Mode::Unidirectional] {
                    let script = Script {
                        mode,
                        frame: FrameKind::SMALL,
                        frames: 20,
                        data: DataKind::Nothing,
                        returned: DataKind::Nothing,
                    };
                    let meeting =
                        Meeting { ours, pattern, carrier: Carrier::Tcp, first: First::NEITHER, script };
                    cases.push((misfit, meeting));
                }
            }
        }
    }
    let results = in_parallel(cases.len(), &cases, |&(misfit, meeting)| {
        misfit.told(meeting, peers, netgear).map_err(|error| error.to_string())
    });
    let mut failures = Vec::new();
    for ((misfit, meeting), told) in cases.iter().zip(results) {
        let title = format!(
            "{:<9} {:<8} {:<15} VidGear's of the other {:<8}",
            role_name(meeting.ours),
            meeting.pattern.to_string(),
            meeting.script.mode.to_string(),
            format!("{misfit:?}").to_lowercase(),
        );
        match told {
            Ok(told) => {
                println!(
                    "{title} {:>4.1}  {}\n{:>61} VidGear's: {}",
                    told.after.as_secs_f64(),
                    told.error,
                    "",
                    told.theirs
                );
                // It must name the setting, and what either end has.
                let named = match misfit {
                    Misfit::Mode => ["bidirectional", "unidirectional"],
                    Misfit::Pattern => ["PAIR", "REQ/REP"],
                };
                if !named.iter().all(|name| told.error.contains(name)) {
                    failures.push(format!("{title}: the error does not name the {misfit:?}: {}", told.error));
                }
                if told.after > DEADLINE {
                    failures.push(format!("{title}: told after {:.1} s", told.after.as_secs_f64()));
                }
            }
            Err(error) => {
                println!("{title} FAILED");
                failures.push(format!("{title}: {error}"));
            }
        }
    }
    failures
}

impl Misfit {
    fn told(self, meeting: Meeting, peers: &Peers, netgear: &Path) -> Result<Told> {
        let settings = match self {
            Self::Mode => {
                json!({ "bidirectional": meeting.script.mode == Mode::Unidirectional, "timeout": VIDGEAR_TIMEOUT })
            }
            Self::Pattern => json!({
                "pattern": match meeting.pattern {
                    Pattern::Pair => 1,
                    Pattern::ReqRep => 0,
                },
                "timeout": VIDGEAR_TIMEOUT,
            }),
        };
        if self == Self::Pattern && meeting.ours == Role::Receiver {
            return warned(meeting, peers, netgear, &settings);
        }
        let Outcome { ours, ours_took, theirs } = meeting.run_with(peers, &settings, PATIENCE)?;
        match ours {
            Ok(_) => Err("our end found nothing wrong".into()),
            Err(error) => Ok(Told { error: error.to_string(), after: ours_took, theirs: theirs.to_string() }),
        }
    }
}

/// A socket of the wrong type at a port that is open to all is refused, with a warning in the log, and the next is
/// waited for.
fn warned(meeting: Meeting, peers: &Peers, netgear: &Path, settings: &Value) -> Result<Told> {
    let place = Place::free(Carrier::Tcp)?;
    let started = Instant::now();
    let theirs = meeting.peer(peers, &place, settings)?;
    let mut arguments = vec!["--wait", "2"];
    if meeting.script.mode == Mode::Unidirectional {
        arguments.push("--unidirectional");
    }
    let ours = Program::start(netgear, meeting.ours, meeting.pattern, &place, &arguments)?;
    let exit = ours.exit(DEADLINE)?;
    let after = started.elapsed();
    let warning =
        exit.errors.lines().find_map(|line| line.split_once("WARN")).map(|(_, warning)| warning.trim());
    match warning {
        Some(warning) if exit.code == Some(1) => {
            Ok(Told { error: warning.to_owned(), after, theirs: theirs.end(PATIENCE)?.to_string() })
        }
        _ => Err(format!("our end did not warn: {exit:?}").into()),
    }
}
