//! Panics of libraries that work on pixels: one that panics has failed on this picture, and ends nothing else.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a library. What it panicked over must be let go, with the memory that it used.
pub(crate) fn contained<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let run = || {
        #[cfg(test)]
        failing::panic_if_told();
        run()
    };
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic: Box<dyn Any + Send>| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
    })
}

/// Libraries that panic, for tests of what becomes of that.
#[cfg(test)]
pub(crate) mod failing {
    use std::cell::Cell;

    thread_local! {
        static FAILS: Cell<bool> = const { Cell::new(false) };
    }

    /// Whatever is contained on this thread panics meanwhile.
    pub(crate) fn libraries<R>(run: impl FnOnce() -> R) -> R {
        FAILS.set(true);
        let result = run();
        FAILS.set(false);
        result
    }

    pub(super) fn panic_if_told() {
        assert!(!FAILS.get(), "this panic belongs to the test");
    }
}
