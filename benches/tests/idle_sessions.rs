//! A few idle sessions of ours, from the processes to the figures.
#![allow(missing_docs, reason = "tests document themselves")]

use std::{path::Path, time::Duration};

use netgear_benches::{
    cell::Carrier,
    contender::{OURS, Program},
    cost::idle::{Holder, measure},
};

fn holder(program: &str) -> Holder {
    let program = Program { path: program.into(), arguments: vec!["hold".into()] };
    Holder { id: OURS, title: OURS, program }
}

#[test]
fn sessions_are_held_over_every_carrier_and_used() {
    let folder = tempfile::tempdir().unwrap();
    for carrier in [Carrier::Tcp, Carrier::Ipc] {
        let rest = Duration::from_millis(50);
        let idle = measure(&holder(env!("CARGO_BIN_EXE_end")), carrier, 3, rest, folder.path());
        assert_eq!((idle.failed.as_deref(), idle.sessions), (None, 3), "{idle}");
        if Path::new("/proc/self/status").exists() {
            for held in [idle.sender, idle.receiver] {
                assert!(held.is_some_and(|held| held.base > 0 && held.idle > 0 && held.used > 0), "{idle:?}");
            }
        }
    }
}

#[test]
fn a_holder_that_fails_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let idle = measure(&holder("/nonexistent"), Carrier::Tcp, 1, Duration::ZERO, folder.path());
    assert!(idle.failed.as_ref().is_some_and(|why| why.contains("/nonexistent")), "{idle:?}");
    assert_eq!((idle.sender, idle.receiver), (None, None));
}
