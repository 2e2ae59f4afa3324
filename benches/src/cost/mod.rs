//! What it costs to have NetGear in a program: to build it, to keep it on a disk, and to hold sessions that nothing
//! crosses.

pub mod builds;
pub mod idle;
