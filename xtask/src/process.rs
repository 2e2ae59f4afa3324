//! Running other programs, in sight of whoever reads the output.

use std::{
    fs::{self, OpenOptions},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::Result;

/// How a command ended that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// It could not be done on this machine, for this reason.
    Skipped(String),
}

/// Runs a program and prints its command line first.
pub(crate) fn run(command: &mut Command) -> Result {
    println!("$ {}", line(command));
    let status =
        command.stdin(Stdio::null()).status().map_err(|error| failed(command, &error.to_string()))?;
    if status.success() { Ok(()) } else { Err(failed(command, &status.to_string()).into()) }
}

/// Runs a program, and gives what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    println!("$ {}", line(command));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(command, &error.to_string()))?;
    if !output.status.success() {
        return Err(failed(command, &output.status.to_string()).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// The processor time, in seconds, of all programs that this one has started and that are over, and of those that
/// they have started; where the system says (Linux does).
pub(crate) fn time_of_children() -> Option<f64> {
    time_of_children_in(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Linux counts hundredths of seconds there, in user space and in the kernel.
fn time_of_children_in(stat: &str) -> Option<f64> {
    // The name is the second field, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(13).map(str::parse);
    let (user, kernel): (f64, f64) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + kernel) / 100.0)
}

/// A program whose output goes to a file. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Logged {
    child: Child,
    started: Instant,
}

impl Logged {
    /// Starts it. What the file held before is gone.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        OpenOptions::new().create(true).write(true).truncate(true).open(log)?;
        // All that writes to it writes at its end, whichever process it is.
        let output = || OpenOptions::new().append(true).open(log);
        let child = command.stdin(Stdio::null()).stdout(output()?).stderr(output()?).spawn();
        let child = child.map_err(|error| failed(command, &error.to_string()))?;
        Ok(Self { child, started: Instant::now() })
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end; `None` if it has not come at this limit.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        loop {
            let status = self.ended()?;
            if status.is_some() || self.started.elapsed() > limit {
                return Ok(status);
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a program is there and ends well. Prints nothing.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A duration as a person reads it.
pub(crate) fn human(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    format!("{} min {:02} s", duration.as_secs() / 60, duration.as_secs() % 60)
}

fn failed(command: &Command, how: &str) -> String {
    format!("`{}`: {how}", line(command))
}

/// The command line, with the variables that were set for it.
fn line(command: &Command) -> String {
    let variables = command.get_envs().filter_map(|(name, value)| {
        Some(format!("{}={:?}", name.to_string_lossy(), value?.to_string_lossy()))
    });
    let program = command.get_program().to_string_lossy();
    // Cargo gives its own full path.
    let program = program.rsplit('/').next().unwrap_or_default().to_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    variables.chain([program]).chain(words).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_children_stands_behind_any_name() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 0 0 75 25 6 1 20 0 1 0 100 1 1";
        assert_eq!(time_of_children_in(stat), Some(0.07));
        assert_eq!(time_of_children_in("42 (a) S 1"), None);
    }
}
