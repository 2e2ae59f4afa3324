//! The system's allocator, with a count.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

/// The system's allocator, with a count of what is allocated now and of the most since [`CountingAllocator::start`].
///
/// It counts for the whole program, so that one test alone can make use of it.
pub(crate) struct CountingAllocator {
    now: AtomicUsize,
    most: AtomicUsize,
}

impl CountingAllocator {
    pub(crate) const fn new() -> Self {
        Self { now: AtomicUsize::new(0), most: AtomicUsize::new(0) }
    }

    /// Counts anew, and gives what is allocated already.
    pub(crate) fn start(&self) -> usize {
        let now = self.now.load(Relaxed);
        self.most.store(now, Relaxed);
        now
    }

    /// The most that was allocated at any time since [`CountingAllocator::start`].
    pub(crate) fn most(&self) -> usize {
        self.most.load(Relaxed)
    }
}

// SAFETY: every call is passed on to `System` with its arguments, and what that gives is given back unchanged. The default
// `realloc` and `alloc_zeroed` are made of these two.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = self.now.fetch_add(layout.size(), Relaxed) + layout.size();
        self.most.fetch_max(now, Relaxed);
        // SAFETY: the caller keeps the contract of `GlobalAlloc::alloc`, which is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        self.now.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the pointer came from `System.alloc` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }
}
