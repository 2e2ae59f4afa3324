//! The examples stand beside this file, each a sender and a receiver:
//!
//! ```text
//! cargo run -p netgear-examples --example bare_minimum_receiver
//! cargo run -p netgear-examples --example bare_minimum_sender
//! ```
//!
//! Either may be started first.
