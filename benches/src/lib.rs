//! What the benches share. Those that compare sessions with others run each end in a process of its own
//! ([`process`]), and let all contenders take turns ([`measure`](mod@measure), [`latency`]).

pub mod allocations;
pub mod cell;
pub mod contender;
mod content;
pub mod cost;
pub mod encoded;
pub mod ends;
pub mod latency;
pub mod measure;
mod options;
pub mod process;
mod processor_time;
pub mod promises;
pub mod protocol;
pub mod resizing;
mod selection;
pub mod spread;
pub mod svg;
pub mod tables;
pub mod watched;
pub mod whole_path;

pub use self::{
    cell::Cell, contender::Contender, content::Content, options::Options, selection::Selection,
    spread::Spread,
};

/// Any error of a bench ends it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
