//! Frames through `FrameCodec` and back: what must come out the same does, what need not is near, and what a peer may
//! send instead of a frame is an error.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "it is test code, also outside the test functions"
)]

#[path = "../../../netgear-proto/tests/common/counting_allocator.rs"]
mod counting_allocator;
mod damage;
mod jpeg;
mod lossless;
mod pictures;
#[path = "../../src/jpeg/soft_colours.rs"]
mod soft_colours;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;
