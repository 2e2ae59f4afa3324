//! Sessions that are open and over which nothing goes but heartbeats: the memory of a process that holds many.

use std::{fmt, path::Path, thread, time::Duration};

use netgear_bench_end::Hold;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;

use crate::{
    Error,
    cell::Carrier,
    contender::{OURS, Program},
    process::{EndProcess, Memory},
    promises::{Bound, Promise},
};

/// Who holds sessions.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Its name for programs.
    pub id: &'static str,
    /// Its name for tables.
    pub title: &'static str,
    /// What holds them, at either end.
    pub program: Program,
}

/// So many sessions of one kind.
#[derive(Debug, Clone, Serialize)]
pub struct Idle {
    /// Whose, for programs.
    pub holder: &'static str,
    /// Whose, for tables.
    pub title: &'static str,
    /// What carries them.
    pub carrier: Carrier,
    /// How many.
    pub sessions: usize,
    /// What went wrong, if it did.
    pub failed: Option<String>,
    /// Of the process that connects, and has the frames.
    pub sender: Option<Held>,
    /// Of the process that is bound.
    pub receiver: Option<Held>,
}

/// Resident memory of a process that holds sessions, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Before the first session.
    pub base: u64,
    /// With all of them, when only heartbeats have crossed for a while.
    pub idle: u64,
    /// When a small frame and its answer have crossed each, and only heartbeats for a while.
    pub used: u64,
}

impl Held {
    /// What the sessions take that have just been opened.
    pub fn idle_above_base(&self) -> u64 {
        self.idle.saturating_sub(self.base)
    }

    /// What they take once each was used.
    pub fn used_above_base(&self) -> u64 {
        self.used.saturating_sub(self.base)
    }
}

impl fmt::Display for Idle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} sessions over {}", self.sessions, self.carrier.name())
    }
}

/// Sessions that a promise is about.
pub const MANY: usize = 1_000;

/// Files that a process has open beside its sessions.
const OTHER_FILES: u64 = 64;

/// How many sessions a process here may hold: `wanted`, or as many as there may be files open. The limit is raised as
/// far as it may be.
///
/// # Errors
/// If the system does not let it be raised.
pub fn as_many_as_may_be(wanted: usize) -> Result<usize, Error> {
    // One that is bound has two: where it listens, and its connection. Others' sockets have a third, which wakes
    // them.
    let needed = 3 * wanted as u64 + OTHER_FILES;
    let limit = getrlimit(Resource::Nofile);
    let (now, most) = (limit.current.unwrap_or(u64::MAX), limit.maximum.unwrap_or(u64::MAX));
    if now < needed && now < most {
        // What is started from here on has the same.
        setrlimit(Resource::Nofile, Rlimit { current: Some(needed.min(most)), maximum: limit.maximum })?;
    }
    Ok(sessions_for(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), wanted))
}

fn sessions_for(files: u64, wanted: usize) -> usize {
    usize::try_from(files.saturating_sub(OTHER_FILES) / 3).unwrap_or(usize::MAX).min(wanted)
}

/// Opens so many sessions, leaves them alone for this long, uses each once, and leaves them alone again.
pub fn measure(holder: &Holder, carrier: Carrier, sessions: usize, rest: Duration, folder: &Path) -> Idle {
    let measured = hold(holder, carrier, sessions, rest, folder);
    let (failed, held) = match measured {
        Ok(held) => (None, held),
        Err(error) => (Some(error.to_string()), None),
    };
    let (sender, receiver) = held.unzip();
    Idle { holder: holder.id, title: holder.title, carrier, sessions, failed, sender, receiver }
}

fn hold(
    holder: &Holder,
    carrier: Carrier,
    sessions: usize,
    rest: Duration,
    folder: &Path,
) -> Result<Option<(Held, Held)>, Error> {
    let folder = tempfile::Builder::new().prefix("idle-").tempdir_in(folder)?;
    let mut receiver = EndProcess::start_holding(&holder.program, folder.path())?;
    let mut sender = EndProcess::start_holding(&holder.program, folder.path())?;
    let _ = (receiver.ready()?, sender.ready()?);
    let base = (sender.memory(), receiver.memory());
    let endpoint = |at| match carrier {
        Carrier::Tcp => "tcp://127.0.0.1:0".to_owned(),
        Carrier::Ipc => format!("ipc://{}/{at}", folder.path().display()),
    };
    let bound = receiver.hold(&Hold::Bind((0..sessions).map(endpoint).collect()))?;
    sender.hold(&Hold::Connect(bound))?;
    thread::sleep(rest);
    let idle = (sender.memory(), receiver.memory());
    // Which also shows that all of them are alive.
    sender.exchange()?;
    thread::sleep(rest);
    let used = (sender.memory(), receiver.memory());
    let held = |base: Option<Memory>, idle: Option<Memory>, used: Option<Memory>| {
        Some(Held { base: base?.now, idle: idle?.now, used: used?.now })
    };
    Ok(held(base.0, idle.0, used.0).zip(held(base.1, idle.1, used.1)))
}

/// What is promised of many sessions of ours.
pub fn promise(measured: &[Idle]) -> Option<Promise> {
    let many = measured.iter().filter(|idle| idle.holder == OURS && idle.sessions == MANY);
    let megabytes = many.flat_map(|idle| {
        let place = |held: Option<Held>, end: &str| {
            let bytes = held?.idle_above_base().max(held?.used_above_base());
            Some((bytes as f64 / f64::from(1 << 20), format!("{}, {end}", idle.carrier.name())))
        };
        [place(idle.sender, "sender"), place(idle.receiver, "receiver")]
    });
    Promise::of(
        format!("memory of {MANY} idle sessions above its base, in MiB"),
        Bound::AtMost(32.0),
        megabytes.flatten().collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_are_held_where_fewer_files_may_be_open() {
        assert_eq!(sessions_for(20_000, 1_000), 1_000);
        assert_eq!(sessions_for(1_024, 1_000), 320);
        assert_eq!(sessions_for(3, 1_000), 0);
    }

    #[test]
    fn the_end_that_takes_more_is_held_against_the_promise() {
        let held = |above: u64| Some(Held { base: 1 << 20, idle: 1 << 20, used: (1 + above) << 20 });
        let idle = |holder, sessions| Idle {
            holder,
            title: holder,
            carrier: Carrier::Tcp,
            sessions,
            failed: None,
            sender: held(20),
            receiver: held(33),
        };
        let promise = promise(&[idle(OURS, 1), idle("other", MANY), idle(OURS, MANY)]).unwrap();
        assert_eq!((promise.worst, promise.at.as_str()), (33.0, "tcp, receiver"));
        assert_eq!((promise.kept, promise.places), (1, 2));
        assert_eq!(super::promise(&[idle(OURS, 1)]), None);
    }
}
