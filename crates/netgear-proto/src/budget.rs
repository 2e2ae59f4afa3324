use crate::{Limits, Value};

/// What [`Limits::data_bytes`] counts for a value, beside the bytes of its text.
pub(crate) const VALUE_COST: usize = 64;

/// What [`Limits::data_bytes`] counts for a side of an array: more than the 8 bytes that it takes in memory, and than
/// the 10 that it may take on the wire.
pub(crate) const SIDE_COST: usize = 16;

/// More than the header of any message takes on the wire, whatever stands in it.
pub(crate) const HEADER_BYTES: usize = 160;

// What a value is charged for must cover what it takes.
const _: () = assert!(size_of::<Value>() <= VALUE_COST);

/// What a value counts for against the limits: bytes of data, and of pixels. The elements of an array count as
/// pixels.
///
/// It goes no deeper than the value, which has come through a [`Budget`].
pub(crate) fn cost(value: &Value) -> (usize, usize) {
    let add = |(a, b): (usize, usize), (c, d): (usize, usize)| (a + c, b + d);
    let contents = match value {
        Value::Str(text) => (text.len(), 0),
        Value::Bytes(bytes) => (bytes.len(), 0),
        Value::List(values) => values.iter().map(cost).fold((0, 0), add),
        Value::Map(entries) => {
            entries.iter().map(|(key, value)| add(cost(key), cost(value))).fold((0, 0), add)
        }
        Value::Frame(frame) => (0, frame.pixels().len()),
        Value::Array(array) => (SIDE_COST * array.shape().len(), array.elements().len()),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) => (0, 0),
    };
    add((VALUE_COST, 0), contents)
}

/// What one message may still make its receiver hold.
///
/// Both ends count alike: the sender so that too large a value is its caller's error, the receiver before it
/// allocates.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    limits: Limits,
    data: usize,
    frame: usize,
    depth: usize,
}

impl Budget {
    /// All that these limits allow.
    pub(crate) const fn new(limits: &Limits) -> Self {
        Self {
            limits: *limits,
            data: limits.data_bytes(),
            frame: limits.frame_bytes(),
            depth: limits.depth(),
        }
    }

    /// Takes the cost of so many values, without their text or bytes.
    pub(crate) fn take_values(&mut self, count: u64) -> Result<(), LimitExceeded> {
        self.take_data(count.saturating_mul(VALUE_COST as u64))
    }

    /// Takes so many bytes of data: of a text, or of bytes, inline or apart.
    pub(crate) fn take_data(&mut self, bytes: u64) -> Result<(), LimitExceeded> {
        take(&mut self.data, bytes).ok_or(LimitExceeded::Data { limit: self.limits.data_bytes() })
    }

    /// Takes the sides of an array.
    pub(crate) fn take_sides(&mut self, count: u64) -> Result<(), LimitExceeded> {
        self.take_data(count.saturating_mul(SIDE_COST as u64))
    }

    /// Takes so many bytes of pixels, or of the elements of an array.
    pub(crate) fn take_pixels(&mut self, bytes: u64) -> Result<(), LimitExceeded> {
        take(&mut self.frame, bytes).ok_or(LimitExceeded::Frame { limit: self.limits.frame_bytes() })
    }

    /// Goes into a list or a map. [`Budget::leave`] comes back out.
    pub(crate) fn enter(&mut self) -> Result<(), LimitExceeded> {
        take(&mut self.depth, 1).ok_or(LimitExceeded::Depth { limit: self.limits.depth() })
    }

    /// Comes out of the list or map that [`Budget::enter`] went into.
    pub(crate) fn leave(&mut self) {
        self.depth += 1;
    }
}

/// Takes from what is left, or nothing if there is not enough.
fn take(left: &mut usize, amount: u64) -> Option<()> {
    *left = left.checked_sub(usize::try_from(amount).ok()?)?;
    Some(())
}

/// Which of the [`Limits`] a message goes beyond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LimitExceeded {
    /// Values with their texts and bytes.
    #[error(
        "the data takes more than the {limit} bytes that are allowed, 64 for each value, 16 for each side of an array, \
         and those of its text; \
         send less with a frame, or raise Limits::data_bytes on both ends"
    )]
    Data {
        /// [`Limits::data_bytes`].
        limit: usize,
    },
    /// Pixels, and the elements of arrays.
    #[error(
        "the frames and arrays take more than the {limit} bytes that are allowed; \
         send smaller ones, or raise Limits::frame_bytes on both ends"
    )]
    Frame {
        /// [`Limits::frame_bytes`].
        limit: usize,
    },
    /// Lists and maps in one another.
    #[error(
        "lists and maps stand more than {limit} deep in one another; \
         send flatter data, or raise Limits::depth on both ends"
    )]
    Depth {
        /// [`Limits::depth`].
        limit: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_gone_and_what_is_refused_is_not() {
        let mut budget = Budget::new(&Limits::default().with_data_bytes(1024).with_frame_bytes(10));
        assert_eq!(budget.take_values(17), Err(LimitExceeded::Data { limit: 1024 }));
        assert_eq!(budget.take_values(15), Ok(()));
        assert_eq!(budget.take_data(65), Err(LimitExceeded::Data { limit: 1024 }));
        assert_eq!(budget.take_data(64), Ok(()));
        assert_eq!(budget.take_data(1), Err(LimitExceeded::Data { limit: 1024 }));
        assert_eq!(budget.take_pixels(11), Err(LimitExceeded::Frame { limit: 10 }));
        assert_eq!(budget.take_pixels(10), Ok(()));
    }

    #[test]
    fn a_count_beyond_every_integer_is_refused() {
        let mut budget = Budget::new(&Limits::default());
        assert_eq!(budget.take_values(u64::MAX), Err(LimitExceeded::Data { limit: 16 << 20 }));
        assert_eq!(budget.take_values(u64::MAX / 64 + 2), Err(LimitExceeded::Data { limit: 16 << 20 }));
    }

    #[test]
    fn depth_is_given_back() {
        let mut budget = Budget::new(&Limits::default().with_depth(1));
        assert_eq!(budget.enter(), Ok(()));
        assert_eq!(budget.enter(), Err(LimitExceeded::Depth { limit: 1 }));
        budget.leave();
        assert_eq!(budget.enter(), Ok(()));
    }
}
