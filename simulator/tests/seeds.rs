//! A few thousand runs, as a test like any other. `cargo xtask simulate` does many more.

#[test]
fn no_seed_breaks_a_promise() {
    let failures: Vec<_> = (0..3000)
        .filter_map(|seed| {
            netgear_simulator::run(seed, false).err().map(|error| format!("seed {seed}: {error}"))
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// What the application takes between its hello and the peer's is news to the peer, which would wait for it for ever.
#[test]
fn seeds_that_once_failed() {
    for seed in [76, 14344, 247_125, 252_036, 287_111] {
        assert_eq!(netgear_simulator::run(seed, false).err(), None, "seed {seed}");
    }
}
