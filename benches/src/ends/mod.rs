//! The ends that are built with the workspace: our sessions, and raw sockets; our resizing; and what stands beside an
//! end.

pub mod decoding;
pub mod idle;
pub mod netgear;
pub mod raw;
pub mod resizing;
