//! Counts what the current thread allocates, so that a test can say how much a peer made this end hold.
#![allow(unsafe_code, reason = "an allocator is an implementation of the unsafe trait GlobalAlloc")]
#![allow(dead_code, reason = "who counts does not look at all that is counted")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
};

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, with a count for each thread. A block that grows counts twice while it moves.
pub(crate) struct CountingAllocator;

// SAFETY: every call goes to `System` unchanged. The counts are plain cells without a destructor, in
// const-initialised thread-locals: reaching them neither allocates nor panics.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps `GlobalAlloc::alloc`'s contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: the caller keeps `GlobalAlloc::dealloc`'s contract, and the block came from `System`.
        unsafe { System.dealloc(block, layout) }
    }
}

fn count(bytes: isize) {
    let live = LIVE.get() + bytes;
    LIVE.set(live);
    PEAK.set(PEAK.get().max(live));
    LARGEST.set(LARGEST.get().max(bytes.max(0).cast_unsigned()));
}

/// The bytes that this thread has allocated and not freed.
pub(crate) fn live() -> isize {
    LIVE.get()
}

/// What a piece of code allocated.
pub(crate) struct Usage {
    /// The most bytes that were live at once, above those before it.
    pub(crate) peak: usize,
    /// The largest single block.
    pub(crate) largest: usize,
}

/// Runs `code` on this thread and counts.
pub(crate) fn measure<R>(code: impl FnOnce() -> R) -> (R, Usage) {
    let before = LIVE.get();
    PEAK.set(before);
    LARGEST.set(0);
    let result = code();
    let peak = (PEAK.get() - before).max(0).cast_unsigned();
    (result, Usage { peak, largest: LARGEST.get() })
}

#[test]
fn it_counts() {
    let ((), usage) = measure(|| {
        drop(std::hint::black_box(vec![0_u8; 10_000]));
        drop(std::hint::black_box([vec![0_u8; 3_000], vec![0_u8; 4_000]]));
    });
    assert_eq!((usage.peak, usage.largest), (10_000, 10_000));
}
