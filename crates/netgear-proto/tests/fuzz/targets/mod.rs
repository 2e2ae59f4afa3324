//! What is fuzzed, each target a function of any bytes. A panic is a finding.
//!
//! The fuzz targets of libFuzzer (`fuzz/fuzz_targets`) and the ordinary tests that replay their corpora both call these.

#[path = "../../common/counting_allocator.rs"]
mod counting_allocator;
mod input;
pub(crate) mod native_message;
pub(crate) mod session;
pub(crate) mod session_pair;
pub(crate) mod texts;
pub(crate) mod vidgear_message;
pub(crate) mod zmtp_connection;

use std::{env, sync::LazyLock};

use netgear_proto::Limits;

#[global_allocator]
static ALLOCATOR: counting_allocator::CountingAllocator = counting_allocator::CountingAllocator;

/// What the messages are held against: small, so that inputs of a few thousand bytes go past them.
const MESSAGE_LIMITS: Limits = Limits::DEFAULT.with_data_bytes(16 << 10).with_frame_bytes(2 << 10);

/// What reading a message may allocate under those: what they allow, and an error besides.
const MESSAGE_MEMORY: usize = MESSAGE_LIMITS.data_bytes() + MESSAGE_LIMITS.frame_bytes() + (4 << 10);

/// Says what happens if `FUZZ_TRACE` is set.
#[allow(clippy::print_stdout, reason = "it was asked for")]
fn trace(what: impl FnOnce() -> String) {
    static IS_WANTED: LazyLock<bool> = LazyLock::new(|| env::var_os("FUZZ_TRACE").is_some());
    if *IS_WANTED {
        println!("{}", what());
    }
}
