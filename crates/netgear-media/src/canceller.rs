use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
#[cfg(any(test, feature = "camera", all(feature = "screen", unix, not(target_vendor = "apple"))))]
use std::{sync::Condvar, time::Duration};

/// Ends a [`FrameSource`](crate::FrameSource) that waits for its next frame, from another thread.
///
/// The source then gives an error or its end, soon. It is not good for anything more.
#[derive(Clone)]
pub struct Canceller(Arc<dyn Fn() + Send + Sync>);

impl Canceller {
    /// Calls `cancel`, which must not block, each time that the source is to end.
    pub fn new(cancel: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(cancel))
    }

    /// Ends the source.
    pub fn cancel(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Canceller")
    }
}

/// Whether whoever waits is to give up: what a [`Canceller`] sets, and a source looks at.
#[cfg(any(test, feature = "camera", all(feature = "screen", unix, not(target_vendor = "apple"))))]
#[derive(Debug, Clone, Default)]
pub(crate) struct CancelSignal(Arc<(Mutex<bool>, Condvar)>);

#[cfg(any(test, feature = "camera", all(feature = "screen", unix, not(target_vendor = "apple"))))]
impl CancelSignal {
    pub(crate) fn cancel(&self) {
        let (is_cancelled, changed) = &*self.0;
        *lock(is_cancelled) = true;
        changed.notify_all();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        *lock(&self.0.0)
    }

    /// Waits for so long, or until it is cancelled; whether it is.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let (is_cancelled, changed) = &*self.0;
        let waited = changed.wait_timeout_while(lock(is_cancelled), time, |is_cancelled| !*is_cancelled);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// What sets it.
    pub(crate) fn canceller(&self) -> Canceller {
        let signal = self.clone();
        Canceller::new(move || signal.cancel())
    }
}

/// A panic elsewhere does no harm to what is behind the locks of this crate.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
