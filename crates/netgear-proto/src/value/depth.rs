use super::Value;

/// How much deeper a conversion may go.
///
/// A serde type may be deeper than its value: `Some(x)` and a newtype are written as `x`. These levels take stack
/// too, so they are counted, apart from the lists and maps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Depth {
    containers: usize,
    wrappers: usize,
}

impl Depth {
    pub(super) const FULL: Self = Self { containers: Value::MAX_DEPTH, wrappers: 2 * Value::MAX_DEPTH };

    /// Within a list or a map.
    pub(super) fn within_container(self) -> Option<Self> {
        Some(Self { containers: self.containers.checked_sub(1)?, ..self })
    }

    /// Within an option or a newtype.
    pub(super) fn within_wrapper(self) -> Option<Self> {
        Some(Self { wrappers: self.wrappers.checked_sub(1)?, ..self })
    }
}
