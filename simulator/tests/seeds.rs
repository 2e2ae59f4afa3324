//! A few thousand runs and a short stretch of video, as tests like any other. `cargo xtask simulate` does many more.

use netgear_proto::Pattern;

#[test]
fn no_seed_breaks_a_promise() {
    let failures: Vec<_> = (0..3000)
        .filter_map(|seed| {
            netgear_simulator::run(seed, false).err().map(|error| format!("seed {seed}: {error}"))
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// Each fails, among others, where what is said of it is not so.
#[test]
fn seeds_that_once_failed() {
    let seeds: [&[u64]; 6] = [
        // What is said to a frame of a former VidGear connection is no answer on this one.
        &[45, 65],
        // Nobody answers frames from before another peer came.
        &[14, 28],
        // An end is known once it has heard who knows it.
        &[331, 531],
        // An end whose peer believes what cannot be gives up its name,
        &[793, 1865],
        // and forgets what that peer said before.
        &[16_991, 17_194],
        // A frame too many has an end answer none.
        &[46_356],
    ];
    for seed in seeds.concat() {
        assert_eq!(netgear_simulator::run(seed, false).err(), None, "seed {seed}");
    }
}

#[test]
fn an_hour_of_video_goes_past_32_bits() {
    let day = netgear_simulator::run_hours(1, 1, Pattern::Pair, false).unwrap();
    assert!(day.highest.into_iter().take(4).all(|number| number > 1 << 32), "{day:?}");
    assert!(day.offered > 107_000 && day.summary.frames > 106_000, "{day:?}");
}
