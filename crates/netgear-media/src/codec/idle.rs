use std::sync::{Mutex, PoisonError};

/// Things that are costly to make, between two uses. The one used last is taken first, as its memory is in the cache.
#[derive(Debug)]
pub(crate) struct Idle<T>(Mutex<Vec<T>>);

impl<T> Idle<T> {
    /// More threads than these at once are rare, and their memory is large.
    const MOST: usize = 4;

    pub(crate) fn take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub(crate) fn put_back(&self, thing: T) {
        let mut things = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if things.len() < Self::MOST {
            things.push(thing);
        }
    }
}

impl<T> Default for Idle<T> {
    fn default() -> Self {
        Self(Mutex::new(Vec::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_is_taken_first_and_no_more_are_kept_than_are_of_use() {
        let idle = Idle::default();
        assert_eq!(idle.take(), None);
        for number in 0..10 {
            idle.put_back(number);
        }
        let kept: Vec<_> = std::iter::from_fn(|| idle.take()).collect();
        assert_eq!(kept, [3, 2, 1, 0]);
    }
}
