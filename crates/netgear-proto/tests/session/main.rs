//! The rules of a session, each by its name, over a link in memory and a virtual clock.

mod closing;
mod exchange;
mod greeting;
mod idle;
mod limits;
mod link;
mod random;
mod violations;
