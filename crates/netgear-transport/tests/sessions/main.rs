//! Sessions over real sockets, as an adversary would try them.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

#[path = "../common/mod.rs"]
mod common;

mod cancellation;
mod deadlines;
mod dropping;
mod encodings;
mod matrix;
mod mismatches;
mod reconnecting;
mod returned_data;
mod scripted;
mod states;
mod strangers;
#[cfg(unix)]
mod unix_sockets;
mod vidgear;
#[cfg(feature = "zeromq")]
mod zeromq;
