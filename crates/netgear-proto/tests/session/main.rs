//! The rules of a session, each by its name, over a link in memory and a virtual clock.
#![allow(clippy::unwrap_used, reason = "clippy.toml allows it in tests, but not in what they share")]

mod acknowledgements;
mod clock;
mod closing;
mod encodings;
mod exchange;
mod greeting;
mod hostile;
mod idle;
mod limits;
mod link;
mod open_port;
mod policies;
mod random;
mod resume;
mod vidgear;
mod violations;
mod window;
