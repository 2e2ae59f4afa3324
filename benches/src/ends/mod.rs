//! The ends that are built with the workspace: our sessions, and raw sockets.

pub mod netgear;
pub mod raw;
