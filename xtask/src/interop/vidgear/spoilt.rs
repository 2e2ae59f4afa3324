//! The proof of the proof: each end, VidGear's and ours, notices one wrong bit, a wrong value and a wrong answer.

use std::time::Duration;

use netgear_proto::{Mode, Pattern, Role};
use serde_json::{Value, json};

use super::{
    content::{DataKind, FrameKind},
    meeting::{Carrier, First, Meeting, Place, job},
    peers::{Peers, Story},
    script::Script,
};
use crate::{Result, parallel::in_parallel};

const SCRIPT: Script = Script {
    mode: Mode::Bidirectional,
    frame: FrameKind::SMALL,
    frames: 60,
    data: DataKind::Nested,
    returned: DataKind::Nested,
};

/// What is spoilt on purpose, as peers.py calls it; who has to find it, and in which words.
const SPOILS: [(&str, Role, &str); 3] = [
    ("pixel 7", Role::Receiver, "frame 7 differs "),
    ("value 7", Role::Receiver, "the data with frame 7 is "),
    ("answer 7", Role::Sender, "the answer to frame 8 is "),
];

/// Runs them and prints what was found.
pub(crate) fn run(peers: &Peers) -> Result {
    println!("\nwhat each end finds when VidGear's other end spoils one thing on purpose");
    let cases: Vec<(Pattern, Option<usize>)> = [Pattern::Pair, Pattern::ReqRep]
        .into_iter()
        .flat_map(|pattern| [None, Some(0), Some(1), Some(2)].map(|spoil| (pattern, spoil)))
        .collect();
    let found =
        in_parallel(2, &cases, |&(pattern, spoil)| found(peers, pattern, spoil).map_err(|e| e.to_string()));
    for ((pattern, spoil), found) in cases.into_iter().zip(found) {
        let what = spoil.map_or("nothing", |at| SPOILS[at].0);
        for (finder, words) in found? {
            println!("{:<8} {what:<9} {finder:<18} {words:.60}", pattern.to_string());
        }
    }
    Ok(())
}

/// Which end found what; an error if one did not find what it must.
fn found(peers: &Peers, pattern: Pattern, spoil: Option<usize>) -> Result<Vec<(&'static str, String)>> {
    let (sender, receiver) = between_themselves(peers, pattern, spoil.map(|at| SPOILS[at].0))?;
    let Some((what, finder, words)) = spoil.map(|at| SPOILS[at]) else {
        sender.clean()?;
        receiver.clean()?;
        return Ok(vec![("VidGear's ends", "nothing".to_owned())]);
    };
    let (title, finder_story, other) = match finder {
        Role::Sender => ("VidGear's sender", sender, receiver),
        Role::Receiver => ("VidGear's receiver", receiver, sender),
    };
    other.clean()?;
    let theirs = match &finder_story.report {
        Some(report) if report.wrong == 1 && finder_story.exit == Some(1) => report.examples.join("; "),
        _ => return Err(format!("{title} did not find the spoilt {what}: {finder_story}").into()),
    };
    let meeting =
        Meeting { ours: finder, pattern, carrier: Carrier::Tcp, first: First::NEITHER, script: SCRIPT };
    // Ours leaves when it finds it, and VidGear's may then wait for its own deadline.
    let settings = json!({ "spoil": what, "timeout": 1 });
    let ours = match meeting.run_with(peers, &settings, Duration::ZERO)?.ours {
        Ok(_) => return Err(format!("our end did not find the spoilt {what}").into()),
        Err(error) => error.to_string(),
    };
    for found in [&theirs, &ours] {
        if !found.starts_with(words) {
            return Err(format!("the spoilt {what} was taken for: {found}").into());
        }
    }
    Ok(vec![(title, theirs), ("ours", ours)])
}

/// How VidGear's sender and VidGear's receiver fare with one another.
fn between_themselves(peers: &Peers, pattern: Pattern, spoil: Option<&str>) -> Result<(Story, Story)> {
    let place = Place::free(Carrier::Tcp)?;
    let with = |mut job: Value, stay: f64| {
        job["spoil"] = json!(spoil);
        job["stay"] = json!(stay);
        peers.run(job)
    };
    let receiver = with(job(Role::Receiver, pattern, &place, SCRIPT), 0.3)?;
    let sender = with(job(Role::Sender, pattern, &place, SCRIPT), 0.0)?;
    let limit = Duration::from_secs(20);
    Ok((sender.end(limit)?, receiver.end(limit)?))
}
