use std::sync::{Mutex, OnceLock, PoisonError};

use rayon_core::{ThreadPool, ThreadPoolBuilder};

use super::placement::Placement;
use crate::PixelsMut;

/// Less than so many sums of products, some 150 microseconds, is not worth a thread: waking one takes half as long.
const LEAST_WORK_PER_THREAD: usize = 2_000_000;

/// More share out the rows of a frame no better.
const MOST_THREADS: usize = 64;

/// So many bands for each thread, so that one that is held up leaves its part to the others.
const BANDS_PER_THREAD: usize = 16;

/// The threads that a resizer works on: the one that calls it, and others that wait for the next call.
#[derive(Debug)]
pub(super) struct Workers {
    count: usize,
    /// All but the caller; started by the first call that is worth it. `None` if the system had none.
    others: OnceLock<Option<ThreadPool>>,
    placement: Placement,
}

impl Workers {
    /// So many, the caller among them, from 1 to [`MOST_THREADS`].
    pub(super) fn new(count: usize) -> Self {
        Self { count: count.clamp(1, MOST_THREADS), others: OnceLock::new(), placement: Placement::default() }
    }

    /// Writes the target in bands of rows, each thread with memory of its own from `scratch`. `work` is given the
    /// number of a band's first row, and the band. `amount` is how many sums of a product, or what takes as long,
    /// there are.
    pub(super) fn for_each_band<S: Default + Send>(
        &self,
        target: &mut PixelsMut<'_>,
        amount: usize,
        scratch: &mut Vec<S>,
        work: impl Fn(usize, &mut PixelsMut<'_>, &mut S) + Sync,
    ) {
        let threads = self.count.min(amount / LEAST_WORK_PER_THREAD).max(1);
        if scratch.len() < threads {
            scratch.resize_with(threads, S::default);
        }
        let mut scratch = scratch.iter_mut().take(threads);
        let Some(memory) = scratch.next() else { return };
        let others = if threads > 1 { self.others() } else { None };
        let Some(others) = others else { return work(0, target, memory) };
        let bands = Mutex::new(target.bands(threads * BANDS_PER_THREAD));
        let work_on = |memory: &mut S| {
            loop {
                // Not held while working, as the lock of a `while let` would be.
                let next = bands.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((first_row, mut band)) = next else { break };
                work(first_row, &mut band, memory);
            }
        };
        self.placement.keep_off_the_caller();
        others.in_place_scope(|scope| {
            for memory in scratch.take(others.current_num_threads()) {
                let work_on = &work_on;
                scope.spawn(move |_| work_on(memory));
            }
            work_on(memory);
        });
    }

    /// `None` where the caller does all of it.
    fn others(&self) -> Option<&ThreadPool> {
        // A thread of the application's own pool does other work of that pool while it waits, perhaps some that waits
        // for this very resizer; and who has a pool has work for its cores.
        if rayon_core::current_thread_index().is_some() {
            return None;
        }
        self.others.get_or_init(|| start(self.count - 1, &self.placement)).as_ref()
    }
}

/// As many of them as the system has.
fn start(mut count: usize, placement: &Placement) -> Option<ThreadPool> {
    while count > 0 {
        let placement = placement.clone();
        let builder =
            ThreadPoolBuilder::new().num_threads(count).thread_name(|_| "netgear-resize".to_owned());
        if let Ok(pool) = builder.start_handler(move |_| placement.add_this_thread()).build() {
            return Some(pool);
        }
        count /= 2;
    }
    None
}

#[cfg(test)]
mod tests {
    use std::{
        collections::HashSet,
        thread::{self, ThreadId},
        time::Duration,
    };

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
                let workers = Workers::new(threads);
                workers.for_each_band(&mut target, usize::MAX, &mut scratch, |first_row, band, ()| {
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

    #[test]
    fn the_threads_are_the_same_from_call_to_call() {
        let workers = Workers::new(2);
        let seen = Mutex::new(HashSet::<ThreadId>::new());
        let mut bytes = [0; 8];
        for _ in 0..5 {
            let shape = Shape::new(8, 1, 1).unwrap();
            let mut target = PixelsMut::contiguous(&mut bytes, shape, ElementType::U8).unwrap();
            workers.for_each_band(&mut target, usize::MAX, &mut Vec::new(), |_, _, ()| {
                seen.lock().unwrap().insert(thread::current().id());
                // Long enough for the other one to wake up and do some of it.
                thread::sleep(Duration::from_millis(2));
            });
        }
        assert_eq!(seen.into_inner().unwrap().len(), 2);
    }

    #[test]
    fn a_thread_of_another_pool_works_alone() {
        let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let workers = Workers::new(2);
        let seen = Mutex::new(HashSet::<ThreadId>::new());
        let (mut bytes, shape) = ([0; 8], Shape::new(8, 1, 1).unwrap());
        let mut target = PixelsMut::contiguous(&mut bytes, shape, ElementType::U8).unwrap();
        pool.install(|| {
            workers.for_each_band(&mut target, usize::MAX, &mut Vec::new(), |_, _, ()| {
                seen.lock().unwrap().insert(thread::current().id());
            });
        });
        assert!(workers.others.get().is_none());
        assert_eq!(seen.into_inner().unwrap().len(), 1);
    }

    #[test]
    fn no_number_of_threads_is_too_many() {
        let workers = Workers::new(usize::MAX);
        assert_eq!(workers.count, MOST_THREADS);
        assert_eq!(workers.others().unwrap().current_num_threads(), MOST_THREADS - 1);
    }
}
