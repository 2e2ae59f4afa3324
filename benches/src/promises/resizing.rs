//! What resizing is held against.

use netgear_media::Filter;

use super::{Bound, Promise};
use crate::{
    cell::Size,
    resizing::{Library, Measured, Pixels, Reduction},
};

/// Whether anything is promised of it.
pub fn is_promised(reduction: &Reduction) -> bool {
    reduction.size == Size::HD && reduction.pixels == Pixels::Bgr
}

/// How many times as fast as `cv2.resize`, each on one thread.
const TO_CV2: [(Filter, f64); 5] = [
    (Filter::Lanczos4, 5.0),
    (Filter::Area, 4.0),
    (Filter::Cubic, 1.3),
    (Filter::Nearest, 1.5),
    (Filter::Linear, 1.0),
];

/// Where one thread takes less than this, in milliseconds, a second one has no time to help.
const WORTH_TWO_THREADS: f64 = 1.0;

/// Those of 1080p BGR, at every percentage that was measured.
pub fn of_resizing(measured: &[Measured]) -> Vec<Promise> {
    let meant = || measured.iter().filter(|of| is_promised(&of.reduction));
    let mut promises: Vec<Option<Promise>> = Vec::new();
    for (filter, least) in TO_CV2 {
        let figures = meant()
            .filter(|of| of.reduction.filter == filter)
            .filter_map(|of| Some((of.to_ours(Library::Cv2)?, of.reduction.to_string())));
        let what = format!("{filter} at 1080p BGR, times as fast as cv2");
        promises.push(Promise::of(what, Bound::AtLeast(least), figures.collect()));
    }
    let figures = meant()
        .filter(|of| of.ms(Library::Netgear, 1).is_some_and(|ms| ms.median >= WORTH_TWO_THREADS))
        .filter_map(|of| Some((of.one_thread_to_two(Library::Netgear)?, of.reduction.to_string())));
    promises.push(Promise::of(
        "1080p BGR on two threads, times as fast as on one that takes 1 ms or more",
        Bound::AtLeast(1.6),
        figures.collect(),
    ));
    promises.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resizing::Row;

    fn measured(reduction: Reduction, ms: &[(Library, usize, f64)]) -> Measured {
        let row = |(library, threads, ms): &(Library, usize, f64)| Row {
            library: *library,
            threads: *threads,
            failed: None,
            rounds_ms: vec![*ms],
        };
        Measured { reduction, rows: ms.iter().map(row).collect() }
    }

    #[test]
    fn the_worst_percentage_decides_and_other_frames_do_not() {
        let of = |percent| Reduction { size: Size::HD, pixels: Pixels::Bgr, percent, filter: Filter::Area };
        let all = [
            measured(
                of(30),
                &[(Library::Cv2, 1, 10.0), (Library::Netgear, 1, 2.0), (Library::Netgear, 2, 1.0)],
            ),
            // Too short for two threads to count.
            measured(
                of(50),
                &[(Library::Cv2, 1, 1.5), (Library::Netgear, 1, 0.5), (Library::Netgear, 2, 0.5)],
            ),
            measured(
                Reduction { pixels: Pixels::Gray, ..of(30) },
                &[(Library::Cv2, 1, 1.0), (Library::Netgear, 1, 1.0)],
            ),
            measured(
                Reduction { size: Size::UHD, ..of(30) },
                &[(Library::Cv2, 1, 1.0), (Library::Netgear, 1, 1.0)],
            ),
        ];
        let promises = of_resizing(&all);
        // Of filters that were not measured, nothing is said.
        assert_eq!(promises.len(), 2);
        assert_eq!(promises[0].what, "area at 1080p BGR, times as fast as cv2");
        assert_eq!((promises[0].worst, promises[0].at.as_str()), (3.0, "area, 1080p, BGR, 50 % off"));
        assert_eq!((promises[0].kept, promises[0].places, promises[0].is_kept()), (1, 2, false));
        assert_eq!((promises[1].worst, promises[1].places, promises[1].is_kept()), (2.0, 1, true));
    }

    #[test]
    fn without_opencv_only_threads_are_held_against_it() {
        let of = Reduction { size: Size::HD, pixels: Pixels::Bgr, percent: 30, filter: Filter::Lanczos4 };
        let promises =
            of_resizing(&[measured(of, &[(Library::Netgear, 1, 3.0), (Library::Netgear, 2, 2.0)])]);
        assert_eq!(promises.iter().map(Promise::is_kept).collect::<Vec<_>>(), [false]);
    }
}
