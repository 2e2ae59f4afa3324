//! What the tests of both dialects' limits share.

pub(crate) mod counting_allocator;
pub(crate) mod random;
