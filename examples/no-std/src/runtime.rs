//! What std would have brought: memory, and an end for a program that panics. The only `unsafe` of the program is
//! here.
//!
//! Firmware has its own: an allocator over the RAM that it sets aside, and a panic handler that resets the board.
#![expect(unsafe_code, reason = "an allocator and a panic handler cannot be written without")]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    fmt::Write,
    panic::PanicInfo,
    ptr,
    sync::atomic::{AtomicUsize, Ordering},
};

// memcpy and its like, the entry point that calls `main`, and the two functions below.
#[link(name = "c")]
unsafe extern "C" {
    fn write(file: i32, bytes: *const u8, len: usize) -> isize;
    fn abort() -> !;
}

/// All the memory that the program has.
const HEAP: usize = 4 << 20;

#[global_allocator]
static ALLOCATOR: Bump = Bump { memory: UnsafeCell::new([0; HEAP]), used: AtomicUsize::new(0) };

/// Hands out one piece of a static array after the other. Only the piece handed out last can be given back.
struct Bump {
    memory: UnsafeCell<[u8; HEAP]>,
    used: AtomicUsize,
}

// SAFETY: pieces never overlap, because `used` is moved atomically past each before it is handed out.
unsafe impl Sync for Bump {}

// SAFETY: a piece lies within `memory`, is aligned as asked for, and is nobody else's until it is given back. Nothing
// here panics or allocates.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.memory.get().cast::<u8>();
        let place = |used: usize| {
            let start = (base.addr() + used).checked_next_multiple_of(layout.align())? - base.addr();
            Some((start, start.checked_add(layout.size()).filter(|&end| end <= HEAP)?))
        };
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| Some(place(used)?.1));
        match taken.ok().and_then(place) {
            // SAFETY: `place` has held the end of the piece against the end of the array.
            Some((start, _)) => unsafe { base.add(start) },
            None => ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, piece: *mut u8, layout: Layout) {
        let start = piece.addr() - self.memory.get().addr();
        // If another piece was handed out since, this one stays taken.
        let _ =
            self.used.compare_exchange(start + layout.size(), start, Ordering::Relaxed, Ordering::Relaxed);
    }
}

struct StandardError;

impl Write for StandardError {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        // SAFETY: the pointer and the length are those of a slice that is alive; 2 is standard error.
        match unsafe { write(2, text.as_ptr(), text.len()) } {
            -1 => Err(core::fmt::Error),
            _ => Ok(()),
        }
    }
}

/// If std were linked anywhere below, it would bring a panic handler too, and the program would not compile.
#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    let _ = writeln!(StandardError, "{info}");
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// The liballoc that comes with Rust was compiled to unwind, and names these two where it would. Nothing in a program
/// that aborts on panic calls them. A liballoc built for a bare-metal target does not ask for them.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}

/// As [`rust_eh_personality`].
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    // SAFETY: it takes nothing and does not return.
    unsafe { abort() }
}
