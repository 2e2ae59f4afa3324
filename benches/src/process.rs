//! The ends as processes: started, spoken with by lines, and ended.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use netgear_bench_end::{Command as Order, Hold, Job, Ran, Report, Said};
use serde::Serialize;

use crate::{
    Error,
    contender::Program,
    processor_time::{self, Spent},
};

/// An end that runs. Dropping it kills it.
#[derive(Debug)]
pub struct EndProcess {
    child: Child,
    orders: ChildStdin,
    said: mpsc::Receiver<Said>,
    log: PathBuf,
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// Resident now.
    pub now: u64,
    /// The most that was.
    pub peak: u64,
}

/// How long an end may take for what takes no time: Python has to start, and the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

impl EndProcess {
    /// Starts an end. What it writes to its error output goes to a file in `folder`.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(program: &Program, job: &Job, folder: &Path) -> Result<Self, Error> {
        Self::spawn(program, Some(serde_json::to_string(job)?), folder)
    }

    /// Starts an end that holds sessions, which has no job.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start_holding(program: &Program, folder: &Path) -> Result<Self, Error> {
        Self::spawn(program, None, folder)
    }

    fn spawn(program: &Program, job: Option<String>, folder: &Path) -> Result<Self, Error> {
        let log = folder.join(format!("{}.log", fs::read_dir(folder)?.count()));
        let mut child = Command::new(&program.path)
            .args(&program.arguments)
            .args(job)
            // The sources' folder is no place for what Python makes of them.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.path.display()))?;
        let orders = child.stdin.take().ok_or("it has no input")?;
        let lines = BufReader::new(child.stdout.take().ok_or("it has no output")?).lines();
        let (said_in, said) = mpsc::channel();
        // It ends with the process. What is no line of ours is some library's.
        thread::spawn(move || {
            for said in lines.map_while(Result::ok).filter_map(|line| serde_json::from_str(&line).ok()) {
                if said_in.send(said).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, orders, said, log })
    }

    /// Waits until it is bound or connected, and gives its endpoint.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn ready(&mut self) -> Result<String, Error> {
        match self.hear(PATIENCE)? {
            Said::Ready { endpoint } => Ok(endpoint),
            other => Err(unexpected(&other)),
        }
    }

    /// Has a sender do something that takes about so long.
    ///
    /// # Errors
    /// If it fails or takes much longer.
    pub fn run(&mut self, order: Order, about: Duration) -> Result<Ran, Error> {
        self.order(order)?;
        match self.hear(PATIENCE + 10 * about)? {
            Said::Ran(ran) => Ok(ran),
            other => Err(unexpected(&other)),
        }
    }

    /// Asks a receiver what it has counted.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn report(&mut self) -> Result<Report, Error> {
        self.order(Order::Report)?;
        match self.hear(PATIENCE)? {
            Said::Report(report) => Ok(report),
            other => Err(unexpected(&other)),
        }
    }

    /// Has it hold sessions at these endpoints, and gives where they are.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn hold(&mut self, order: &Hold) -> Result<Vec<String>, Error> {
        self.order(order)?;
        match self.hear(PATIENCE)? {
            Said::Held(endpoints) => Ok(endpoints),
            other => Err(unexpected(&other)),
        }
    }

    /// Has one that holds sessions use each that is connected.
    ///
    /// # Errors
    /// If it fails or takes too long.
    pub fn exchange(&mut self) -> Result<(), Error> {
        self.order(&Hold::Exchange)?;
        match self.hear(PATIENCE)? {
            Said::Ran(_) => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// Its memory, where the system says (Linux does).
    pub fn memory(&self) -> Option<Memory> {
        memory(&fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?)
    }

    /// The processor time that it has spent, where the system says.
    pub(crate) fn processor_time(&self) -> Option<Spent> {
        processor_time::of(self.child.id())
    }

    fn order(&mut self, order: impl Serialize) -> Result<(), Error> {
        let line = serde_json::to_string(&order)? + "\n";
        // It says itself why it does not listen any more.
        match self.orders.write_all(line.as_bytes()) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.hear(Duration::from_secs(1)).err().unwrap_or_else(|| error.into())),
        }
    }

    fn hear(&mut self, patience: Duration) -> Result<Said, Error> {
        match self.said.recv_timeout(patience) {
            Ok(Said::Failed(why)) => Err(why.into()),
            Ok(said) => Ok(said),
            Err(RecvTimeoutError::Timeout) => {
                Err(format!("no answer within {} s", patience.as_secs()).into())
            }
            Err(RecvTimeoutError::Disconnected) => {
                let status = self.child.wait()?;
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                let last = log.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default();
                Err(format!("it ended: {status}: {last}").into())
            }
        }
    }
}

impl Drop for EndProcess {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unexpected(said: &Said) -> Error {
    format!("it said {said:?}").into()
}

/// Reads what Linux has of a process in `/proc/PID/status`.
pub(crate) fn memory(status: &str) -> Option<Memory> {
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
        Some(1024 * kilobytes)
    };
    Some(Memory { now: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_what_the_kernel_says() {
        let status = "Name:\tend\nVmPeak:\t  999 kB\nVmHWM:\t   20484 kB\nVmRSS:\t    4096 kB\nThreads:\t1\n";
        assert_eq!(memory(status), Some(Memory { now: 4096 * 1024, peak: 20_484 * 1024 }));
        assert_eq!(memory("Name:\tend\nState:\tZ (zombie)\n"), None);
    }
}
