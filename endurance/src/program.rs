//! This program once more, as a process of its own that is one of the ends.

use std::{
    env,
    io::{self, BufRead, BufReader, Write},
    process::{self, Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::mpsc as asynchronous;

use crate::{Result, task::Task};

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    input: ChildStdin,
    /// What it says, a line each, and when.
    said: Receiver<(Instant, String)>,
}

impl Program {
    pub(crate) fn start(task: &Task) -> Result<Self> {
        Self::spawn(task, Command::new(env::current_exe()?))
    }

    /// Starts it with so many descriptors and no more, or with as many as it may have if those are fewer.
    pub(crate) fn start_with_descriptors(task: &Task, descriptors: u32) -> Result<Self> {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -n {descriptors} 2>&- || ulimit -n $(ulimit -H -n); exec \"$@\""));
        shell.arg("sh").arg(env::current_exe()?);
        Self::spawn(task, shell)
    }

    fn spawn(task: &Task, mut command: Command) -> Result<Self> {
        command.arg("--task").arg(serde_json::to_string(task)?);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = child.stdin.take().ok_or("a child without an input")?;
        let output = child.stdout.take().ok_or("a child without an output")?;
        let (say, said) = mpsc::channel();
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(io::Result::ok) {
                if say.send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Self { name: task.name().to_owned(), child, input, said })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, order: &impl Serialize) -> Result {
        let line = serde_json::to_string(order)? + "\n";
        self.input
            .write_all(line.as_bytes())
            .map_err(|error| format!("{} is gone: {error}", self.name).into())
    }

    /// What it says next, and when it did.
    pub(crate) fn hear<T: DeserializeOwned>(&self, limit: Duration) -> Result<(Instant, T)> {
        let (at, line) = self.said.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                format!("{} said nothing for {:.1} s", self.name, limit.as_secs_f64())
            }
            RecvTimeoutError::Disconnected => format!("{} has ended", self.name),
        })?;
        let heard = serde_json::from_str(&line).map_err(|_| format!("{}: {line}", self.name))?;
        Ok((at, heard))
    }

    /// What it has said already and was not heard.
    pub(crate) fn heard_by_now<T: DeserializeOwned>(&self) -> Result<Vec<(Instant, T)>> {
        let read = |(at, line): (Instant, String)| {
            let heard = serde_json::from_str(&line).map_err(|_| format!("{}: {line}", self.name))?;
            Ok((at, heard))
        };
        self.said.try_iter().map(read).collect()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) -> Result {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// In the child: says something to the parent.
pub(crate) fn say(what: &impl Serialize) {
    let mut line = serde_json::to_string(what).unwrap_or_default();
    line.push('\n');
    if io::stdout().write_all(line.as_bytes()).is_err() {
        // The parent is gone.
        process::exit(1);
    }
}

/// In the child: what the parent says.
#[derive(Debug)]
pub(crate) struct Orders<T>(asynchronous::Receiver<T>);

impl<T: DeserializeOwned + Send + 'static> Orders<T> {
    /// Listens from now on. Without its parent, the process ends.
    pub(crate) fn listen() -> Self {
        let (give, orders) = asynchronous::channel(16);
        thread::spawn(move || {
            for line in io::stdin().lines().map_while(io::Result::ok) {
                let Ok(order) = serde_json::from_str(&line) else { break };
                if give.blocking_send(order).is_err() {
                    break;
                }
            }
            process::exit(1);
        });
        Self(orders)
    }

    /// The next. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<T> {
        self.0.recv().await.ok_or_else(|| "the parent says nothing more".into())
    }
}
