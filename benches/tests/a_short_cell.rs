//! A short cell of ours against raw sockets, from the processes to the table.
#![allow(missing_docs, reason = "tests document themselves")]

use std::{path::Path, time::Duration};

use netgear_bench_end::{Pattern, Returned};
use netgear_benches::{
    Cell, Contender,
    cell::{Carrier, Size, WINDOW},
    contender::{OURS, Places, RAW, RAW_BUFFERED, RAW_IN_LOCK_STEP},
    latency::{Way, pace},
    measure::{Plan, measure},
    promises, tables,
};

const PLAN: Plan = Plan { rounds: 2, round: Duration::from_millis(20) };

fn contenders() -> Vec<Contender> {
    let mut all =
        Contender::all(&Places { end: Some(env!("CARGO_BIN_EXE_end").into()), ..Places::default() })
            .expect("the ends are built with the tests");
    assert_eq!(
        all.iter().map(|contender| contender.id).collect::<Vec<_>>(),
        [OURS, RAW, RAW_BUFFERED, RAW_IN_LOCK_STEP]
    );
    // One that cannot even be started.
    let mut broken = all[0].clone();
    (broken.id, broken.title) = ("broken", "broken");
    broken.sender.path = "/nonexistent".into();
    all.push(broken);
    all
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("there is room")
}

#[test]
fn every_kind_of_cell_is_measured_and_one_that_fails_is_a_row() {
    let small = Size { name: "small", width: 64, height: 48 };
    let base = Cell { size: small, ..Cell::PLAIN };
    for cell in [
        base,
        Cell { pattern: Pattern::ReqRep, carrier: Carrier::Ipc, returned: Returned::Frame, ..base },
        Cell { window: WINDOW, ..base },
        // More than the buffers of the kernel hold, so that both ends must read while they write.
        Cell { size: Size::HD, window: WINDOW, returned: Returned::Frame, carrier: Carrier::Ipc, ..base },
    ] {
        let measured = measure(&cell, &contenders(), PLAN, folder().path());
        let ids: Vec<_> = measured.rows.iter().map(|row| row.contender).collect();
        let limits = if cell.window > 1 { [RAW, RAW_IN_LOCK_STEP] } else { [RAW, RAW_BUFFERED] };
        assert_eq!(ids, [&[OURS][..], &limits, &["broken"]].concat(), "{cell}");
        for row in &measured.rows {
            if row.contender == "broken" {
                assert!(row.failed.as_ref().is_some_and(|why| why.contains("/nonexistent")), "{row:?}");
                continue;
            }
            assert_eq!(row.failed, None, "{cell}");
            assert_eq!(row.rounds.len(), 2);
            assert!(row.rounds.iter().all(|round| round.frames >= 2 && round.seconds > 0.0), "{row:?}");
            assert!(row.cpu_seconds_per_gigabyte(&cell) > 0.0);
            if Path::new("/proc/self/status").exists() {
                assert!(row.receiver_memory.is_some_and(|grown| grown.peak >= grown.base), "{row:?}");
                assert!(row.user_copies.is_some_and(|copies| copies >= 0.0), "{row:?}");
            }
        }
        assert!(measured.ours_to(RAW).is_some_and(|ratio| ratio > 0.0));
        let table = tables::of_transport(&[measured], &[]);
        assert!(table.contains("| broken | failed: "), "{table}");
    }
}

#[test]
fn paced_frames_are_timed_both_ways() {
    let cell = Cell { size: Size::SD, item_bytes: 100, ..Cell::PLAIN };
    let paced = pace(
        &cell,
        100.0,
        &contenders()[..2],
        Plan { round: Duration::from_millis(100), ..PLAN },
        folder().path(),
    );
    for row in &paced.rows {
        assert_eq!(row.failed, None, "{}", row.contender);
        // Three of each round are not counted.
        assert!(
            row.rounds.iter().all(|round| round.there_us.len() == 13 && round.back_us.len() == 13),
            "{row:?}"
        );
        for way in [Way::There, Way::Back] {
            let latencies = row.latencies(way);
            assert!(latencies.p50.median > 0.0 && latencies.p50.median <= latencies.most, "{row:?}");
        }
    }
    assert_eq!(promises::of_latency(&[paced], &[]), []);
}
