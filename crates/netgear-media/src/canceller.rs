use std::fmt;
use std::sync::Arc;

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
