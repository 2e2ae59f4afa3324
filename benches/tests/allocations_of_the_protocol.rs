//! Nothing is allocated for the header of a frame, or for what carries it: counted, not timed.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use netgear_benches::{allocations::Counting, protocol};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[test]
fn a_frame_is_written_and_read_in_memory_that_is_used_again() {
    for mut operation in protocol::operations().unwrap() {
        let allocations = operation.allocations(200).unwrap();
        let (subject, step) = (operation.subject, operation.step);
        // What an application is given has memory of its own.
        let is_given =
            subject.contains("ten detections") && step != protocol::ENCODE || subject.contains("MessagePack");
        assert_eq!(allocations > 0.0, is_given, "{subject}, {step}: {allocations} allocations each");
    }
}
