//! On which processors a resizer's threads run.

#[cfg(target_os = "linux")]
pub(super) use self::linux::Placement;

/// Where nothing is known of it, the system decides alone.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Clone, Default)]
pub(super) struct Placement;

#[cfg(not(target_os = "linux"))]
impl Placement {
    pub(super) fn add_this_thread(&self) {}

    pub(super) fn keep_off_the_caller(&self) {}
}

#[cfg(target_os = "linux")]
mod linux {
    use std::sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    };

    use rustix::thread::{CpuSet, Pid, gettid, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// Keeps threads off the processor of whoever waits for them.
    ///
    /// Linux wakes a thread where it ran last. Where the caller has come to that very processor meanwhile, the thread
    /// waits behind it for a millisecond and more, with another processor idle: with two of them, up to half of all
    /// calls took as long as on one thread.
    #[derive(Debug, Clone, Default)]
    pub(in crate::resize) struct Placement(Arc<Inner>);

    #[derive(Debug, Default)]
    struct Inner {
        threads: Mutex<Vec<Pid>>,
        /// One more than the processor that they are kept off; 0 at first.
        off: AtomicUsize,
    }

    impl Placement {
        pub(in crate::resize) fn add_this_thread(&self) {
            self.0.threads.lock().unwrap_or_else(PoisonError::into_inner).push(gettid());
            // The next call places it.
            self.0.off.store(0, Ordering::Relaxed);
        }

        /// They may run wherever this thread may, but not where it runs now.
        pub(in crate::resize) fn keep_off_the_caller(&self) {
            let processor = sched_getcpu();
            if self.0.off.swap(processor + 1, Ordering::Relaxed) == processor + 1 {
                return;
            }
            // What the system refuses costs time at the most.
            let Ok(Some(others)) = sched_getaffinity(None).map(|all| without(all, processor)) else { return };
            for thread in self.0.threads.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                let _ = sched_setaffinity(Some(*thread), &others);
            }
        }
    }

    /// `None` if there is no other.
    fn without(mut processors: CpuSet, processor: usize) -> Option<CpuSet> {
        if processor < CpuSet::MAX_CPU {
            processors.unset(processor);
        }
        (processors.count() > 0).then_some(processors)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_only_processor_is_left_to_all() {
            let mut processors = CpuSet::new();
            processors.set(3);
            assert_eq!(without(processors, 3), None);
            processors.set(5);
            let others = without(processors, 3).unwrap();
            assert!(!others.is_set(3) && others.is_set(5));
            // More processors than a set has room for.
            assert_eq!(without(processors, CpuSet::MAX_CPU), Some(processors));
        }

        #[test]
        fn threads_are_kept_off_the_caller_wherever_it_goes() {
            let (placement, all) = (Placement::default(), sched_getaffinity(None).unwrap());
            if all.count() < 2 {
                eprintln!(
                    "SKIPPED: threads_are_kept_off_the_caller_wherever_it_goes: there is one processor"
                );
                return;
            }
            let (ask, asked) = std::sync::mpsc::channel::<()>();
            let (answer, answers) = std::sync::mpsc::channel();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    placement.add_this_thread();
                    answer.send(all).unwrap();
                    for () in asked {
                        answer.send(sched_getaffinity(None).unwrap()).unwrap();
                    }
                });
                answers.recv().unwrap();
                for here in (0..CpuSet::MAX_CPU).filter(|processor| all.is_set(*processor)).cycle().take(5) {
                    let mut only_here = CpuSet::new();
                    only_here.set(here);
                    sched_setaffinity(None, &only_here).unwrap();
                    sched_setaffinity(None, &all).unwrap();
                    placement.keep_off_the_caller();
                    let kept_off = placement.0.off.load(Ordering::Relaxed) - 1;
                    ask.send(()).unwrap();
                    assert_eq!(answers.recv().unwrap(), without(all, kept_off).unwrap());
                }
                drop(ask);
            });
        }
    }
}
