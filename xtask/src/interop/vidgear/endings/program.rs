//! The `netgear` program as a child process.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use netgear_proto::{Pattern, Role};

use super::super::meeting::Place;
use crate::Result;

/// One of our ends as users run it. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
    /// Reads what it writes to its error output.
    errors: Option<JoinHandle<io::Result<String>>>,
}

/// How it ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exit {
    /// `None` if a signal ended it.
    pub(super) code: Option<i32>,
    /// Its error output.
    pub(super) errors: String,
}

impl Exit {
    /// The last line of its error output.
    pub(super) fn last_words(&self) -> &str {
        self.errors.lines().last().unwrap_or_default()
    }
}

impl Program {
    /// `netgear serve` or `netgear view` at a place where VidGear's other end is.
    pub(super) fn start(
        netgear: &Path,
        role: Role,
        pattern: Pattern,
        place: &Place,
        arguments: &[&str],
    ) -> Result<Self> {
        let mut command = Command::new(netgear);
        match role {
            Role::Sender => command.args(["serve", "test:640x480@100", "--connect", &place.endpoint()]),
            Role::Receiver => command.args(["view", "--bind", &place.endpoint()]),
        };
        command.args(["--pattern", &pattern.to_string(), "--json"]).args(arguments);
        // Its log is not its last words.
        command.env_remove("RUST_LOG");
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let mut output = child.stderr.take().ok_or("the program has no error output")?;
        let errors = thread::spawn(move || {
            let mut text = String::new();
            output.read_to_string(&mut text).map(|_| text)
        });
        Ok(Self { child, errors: Some(errors) })
    }

    /// SIGKILL.
    pub(super) fn kill(mut self) -> Result {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ctrl-C: SIGINT.
    pub(super) fn interrupt(&self) -> Result {
        let status = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        if status.success() { Ok(()) } else { Err("it was gone before it could be interrupted".into()) }
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_none())
    }

    /// Whether the system keeps Ctrl-C from it, as Linux says it.
    pub(super) fn ignores_interrupts(&self) -> bool {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|signals| u64::from_str_radix(signals.trim(), 16).ok());
        // A bit for each signal, from the first on; SIGINT is the second.
        ignored.is_some_and(|signals| signals & 0b10 != 0)
    }

    /// Waits for its end; an error if it has not ended in time.
    pub(super) fn exit(mut self, limit: Duration) -> Result<Exit> {
        let until = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                let reader = self.errors.take().ok_or("its error output was read")?;
                let errors = reader.join().map_err(|_| "reading its error output panicked")??;
                return Ok(Exit { code: status.code(), errors });
            }
            if Instant::now() > until {
                return Err(format!("our end had not ended after {:.1} s", limit.as_secs_f64()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
