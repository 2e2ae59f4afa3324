//! Either end may be started first, by any time below VidGear's own timeout.

use std::time::Duration;

use netgear_proto::{Mode, Pattern, Role};

use super::super::{
    content::{DataKind, FrameKind},
    meeting::{Carrier, First, Meeting, role_name},
    peers::Peers,
    script::Script,
};
use crate::parallel::in_parallel;

const HEAD_STARTS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(3)];

/// Runs them all at once, since they mostly wait; gives the failures.
pub(super) fn run(peers: &Peers) -> Vec<String> {
    println!("\nstart orders: a short exchange, complete and with a clean end at both ends");
    print!("{:<9} {:<8} {:<5}", "ours", "pattern", "over");
    for who in ["ours", "VidGear's"] {
        for head_start in HEAD_STARTS {
            print!(" {:>17}", format!("{who} +{} s", head_start.as_secs_f64()));
        }
    }
    println!();
    let mut rows = Vec::new();
    for ours in [Role::Sender, Role::Receiver] {
        for pattern in [Pattern::Pair, Pattern::ReqRep] {
            rows.extend([(ours, pattern, Carrier::Tcp)]);
            if cfg!(unix) {
                rows.extend([(ours, pattern, Carrier::Ipc)]);
            }
        }
    }
    let orders: Vec<First> =
        HEAD_STARTS.map(First::Ours).into_iter().chain(HEAD_STARTS.map(First::Theirs)).collect();
    let cases: Vec<Meeting> = rows
        .iter()
        .flat_map(|&(ours, pattern, carrier)| {
            let script = Script {
                mode: Mode::Bidirectional,
                frame: FrameKind::SMALL,
                frames: 20,
                data: DataKind::Numbers,
                returned: DataKind::Numbers,
            };
            orders.iter().map(move |&first| Meeting { ours, pattern, carrier, first, script })
        })
        .collect();
    let results = in_parallel(cases.len(), &cases, |meeting| {
        meeting.run(peers).map(drop).map_err(|error| format!("{meeting}: {error}"))
    });
    for ((ours, pattern, carrier), results) in rows.iter().zip(results.chunks(orders.len())) {
        print!("{:<9} {:<8} {carrier:<5}", role_name(*ours), pattern.to_string());
        results
            .iter()
            .for_each(|result| print!(" {:>17}", if result.is_ok() { "complete" } else { "FAILED" }));
        println!();
    }
    results.into_iter().filter_map(Result::err).collect()
}
