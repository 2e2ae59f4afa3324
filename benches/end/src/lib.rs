//! One end of a bench: a process that is given a job as its argument, takes commands as lines of JSON, and answers
//! with lines.
//!
//! ```text
//! > end raw '{"side":"receiver","endpoint":"tcp://127.0.0.1:0","pattern":"PAIR",…}'
//! {"ready":{"endpoint":"tcp://127.0.0.1:34567"}}
//! ```
//!
//! A receiver answers every frame for as long as it lives. A sender waits for commands: `{"run":{"frames":100}}` has
//! it send so many frames as fast as answers come, `{"pace":{"fps":30,"frames":60}}` at a pace; either is answered by
//! `{"ran":…}`. `"report"` has a receiver say what it has counted. An end whose standard input ends is over; one that
//! fails says `{"failed":"why"}`.
//!
//! An end that holds many sessions, and leaves them alone, takes the commands of [`Hold`] instead.
//!
//! It is a crate of its own so that the ends of others, which are built apart, speak as ours do. It knows no socket:
//! what an end is made of implements [`Exchange`], or calls [`Receiving`].

mod clock;
mod holding;
mod job;
mod lines;
mod receiver;
mod sender;
mod timing;

use std::{future::Future, process::ExitCode};

pub use self::{
    clock::{cpu_seconds, now, stamp, stamp_of},
    holding::{Hold, Holding, hold},
    job::{Job, Pattern, Returned, Side},
    lines::{Command, Ran, Report, Said},
    receiver::Receiving,
    sender::{Exchange, Sending},
    timing::{answer_lines, noise},
};

/// Any error ends the end.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Runs one end of this job to its end, on a runtime like that of a small program: one thread for everything.
///
/// What the functions are given speaks with the bench. Each is to say `ready` once it is bound, or connected.
pub fn run<S, R>(
    job: &str,
    send: impl FnOnce(Job, Sending) -> S,
    receive: impl FnOnce(Job, Receiving) -> R,
) -> ExitCode
where
    S: Future<Output = Result<(), Error>>,
    R: Future<Output = Result<(), Error>>,
{
    let ran = || {
        let job: Job = serde_json::from_str(job)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        match job.side {
            Side::Sender => runtime.block_on(send(job.clone(), Sending::new(&job))),
            Side::Receiver => runtime.block_on(receive(job.clone(), Receiving::new(&job))),
        }
    };
    match ran() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            lines::say(&Said::Failed(error.to_string()));
            ExitCode::FAILURE
        }
    }
}
