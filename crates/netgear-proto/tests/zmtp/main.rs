//! One ZeroMQ connection, from outside: scripted peers that break each rule, and pairs of connections that keep them.

mod conversations;
#[path = "../common/counting_allocator.rs"]
mod counting_allocator;
mod end_of_stream;
mod envelopes;
mod golden_bytes;
mod heartbeat;
mod hostile;
mod legal;
mod memory;
mod wire;
mod zero_copy;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;
