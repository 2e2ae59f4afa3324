use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::PixelsMut;

/// Less than so many sums of products, some 150 microseconds, is not worth a thread: starting one takes half as long.
const LEAST_WORK_PER_THREAD: usize = 2_000_000;

/// So many bands for each thread, so that one that is held up leaves its part to the others.
const BANDS_PER_THREAD: usize = 4;

/// Writes the target in bands of rows, on up to so many threads, each with memory of its own from `scratch`. `work`
/// is given the number of a band's first row, and the band. `amount` is how many sums of a product, or what takes as
/// long, there are.
pub(super) fn for_each_band<S: Default + Send>(
    target: &mut PixelsMut<'_>,
    amount: usize,
    threads: usize,
    scratch: &mut Vec<S>,
    work: impl Fn(usize, &mut PixelsMut<'_>, &mut S) + Sync,
) {
    let threads = threads.min(amount / LEAST_WORK_PER_THREAD).max(1);
    if scratch.len() < threads {
        scratch.resize_with(threads, S::default);
    }
    let mut scratch = scratch.iter_mut().take(threads);
    let Some(memory) = scratch.next() else { return };
    if threads == 1 {
        return work(0, target, memory);
    }
    let bands = Mutex::new(target.bands(threads * BANDS_PER_THREAD));
    let work_on = |memory: &mut S| {
        loop {
            // Not held while working, as the lock of a `while let` would be.
            let next = bands.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((first_row, mut band)) = next else { break };
            work(first_row, &mut band, memory);
        }
    };
    thread::scope(|scope| {
        for memory in scratch {
            let work_on = &work_on;
            // If the system has no more threads, those that there are do all of it.
            if thread::Builder::new().spawn_scoped(scope, move || work_on(memory)).is_err() {
                break;
            }
        }
        work_on(memory);
    });
}

#[cfg(test)]
mod tests {
    use netgear_proto::{ElementType, Shape};

    use super::*;

    #[test]
    fn every_row_is_written_once_whatever_the_threads() {
        for height in [1, 2, 7, 64, 65] {
            for threads in [1, 2, 3, 100] {
                let mut bytes = vec![0; 5 * height];
                let shape = Shape::new(height as u32, 3, 1).unwrap();
                let mut target = PixelsMut::new(&mut bytes, shape, ElementType::U8, 5).unwrap();
                let mut scratch: Vec<()> = Vec::new();
                for_each_band(&mut target, usize::MAX, threads, &mut scratch, |first_row, band, ()| {
                    for (y, row) in (first_row..).zip(band.rows_mut()) {
                        row.iter_mut().for_each(|byte| *byte += 1 + y as u8);
                    }
                });
                for (y, row) in bytes.chunks(5).enumerate() {
                    let expected = 1 + y as u8;
                    assert_eq!(row, [expected, expected, expected, 0, 0], "{height} rows, {threads} threads");
                }
            }
        }
    }
}
