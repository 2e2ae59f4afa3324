//! Programs that are no ends of the bench, watched from outside: what they print, when, and what they take of the
//! machine.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    iter,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus, waitid};

use crate::{
    Error,
    process::memory,
    processor_time::{self, Spent},
};

/// A program that runs. Dropping it kills it.
#[derive(Debug)]
pub struct Watched {
    child: Child,
    lines: mpsc::Receiver<Line>,
    output: mpsc::Receiver<Vec<u8>>,
    peak: Option<u64>,
}

/// A line of the error output, and when it was read.
#[derive(Debug, Clone)]
pub struct Line {
    /// Without its end.
    pub text: String,
    /// When it came.
    pub at: Instant,
}

/// What a program was, once it is over.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// All lines of its error output that nobody has read before.
    pub lines: Vec<Line>,
    /// All of its output.
    pub output: Vec<u8>,
    /// The most of its memory that was resident, in bytes, where the system says (Linux does).
    pub peak_memory: Option<u64>,
    /// The processor time of all its threads, where the system says.
    pub cpu_seconds: Option<f64>,
}

/// How often a program is looked at while it runs. What its memory grows by in its last moments is not seen.
const EVERY: Duration = Duration::from_millis(20);

impl Watched {
    /// Starts it.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(command: &mut Command) -> Result<Self, Error> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        let stderr = child.stderr.take().ok_or("it has no error output")?;
        let mut stdout = child.stdout.take().ok_or("it has no output")?;
        let ((lines_in, lines), (output_in, output)) = (mpsc::channel(), mpsc::channel());
        // Both end with the process.
        thread::spawn(move || {
            for text in BufReader::new(stderr).lines().map_while(Result::ok) {
                if lines_in.send(Line { text, at: Instant::now() }).is_err() {
                    break;
                }
            }
        });
        thread::spawn(move || {
            let mut all = Vec::new();
            let _ = stdout.read_to_end(&mut all);
            let _ = output_in.send(all);
        });
        Ok(Self { child, lines, output, peak: None })
    }

    /// The next line of its error output that this is made of.
    ///
    /// # Errors
    /// If there is none until then, or it ends before.
    pub fn line<T>(&mut self, deadline: Instant, read: impl FnMut(&Line) -> Option<T>) -> Result<T, Error> {
        self.line_unless(deadline, read, || Ok(()))
    }

    /// The same of one that says nothing without another.
    ///
    /// # Errors
    /// As of [`line`](Self::line), and if the other one fails: with the last that that one said.
    pub fn line_beside<T>(
        &mut self,
        other: &mut Self,
        deadline: Instant,
        read: impl FnMut(&Line) -> Option<T>,
    ) -> Result<T, Error> {
        self.line_unless(deadline, read, || other.has_not_failed())
    }

    fn line_unless<T>(
        &mut self,
        deadline: Instant,
        mut read: impl FnMut(&Line) -> Option<T>,
        mut check_other: impl FnMut() -> Result<(), Error>,
    ) -> Result<T, Error> {
        let mut last = String::new();
        loop {
            match self.lines.recv_timeout(EVERY.min(deadline.saturating_duration_since(Instant::now()))) {
                Ok(line) => match read(&line) {
                    Some(found) => return Ok(found),
                    None => last = line.text,
                },
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(format!("it ended: {}: {last}", self.child.wait()?).into());
                }
            }
            if Instant::now() >= deadline {
                return Err(format!("it took too long; it said last: {last}").into());
            }
            check_other()?;
        }
    }

    fn has_not_failed(&mut self) -> Result<(), Error> {
        if self.ended()?.is_none_or(|status| status.exit_status() == Some(0)) {
            return Ok(());
        }
        // What it said may still be on its way here.
        let lines: Vec<Line> = iter::from_fn(|| self.lines.recv_timeout(10 * EVERY).ok()).collect();
        Err(format!("the other one ended: {}: {}", self.child.wait()?, last_words(&lines)).into())
    }

    /// The processor time of all its threads so far.
    pub fn cpu_seconds(&self) -> Option<f64> {
        processor_time::of(self.child.id()).map(Spent::in_all)
    }

    /// Looks at its memory, and whether it has ended.
    fn look(&mut self) -> Result<bool, Error> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok();
        // One that has ended has no memory any more, and still its processor time.
        if let Some(memory) = status.and_then(|status| memory(&status)) {
            self.peak = self.peak.max(Some(memory.peak));
        }
        Ok(self.ended()?.is_some())
    }

    /// How it ended, if it has; it can still be waited for.
    fn ended(&self) -> Result<Option<WaitIdStatus>, Error> {
        let pid = WaitId::Pid(Pid::from_child(&self.child));
        let how = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        Ok(waitid(pid, how)?)
    }

    fn end(mut self) -> Result<Ended, Error> {
        let cpu_seconds = self.cpu_seconds();
        Ok(Ended {
            status: self.child.wait()?,
            lines: self.lines.iter().collect(),
            output: self.output.recv().unwrap_or_default(),
            peak_memory: self.peak,
            cpu_seconds,
        })
    }
}

/// Waits for all.
///
/// # Errors
/// If one has not ended until then.
pub fn end_all<const N: usize>(mut all: [Watched; N], deadline: Instant) -> Result<[Ended; N], Error> {
    loop {
        let mut has_ended = true;
        for program in &mut all {
            has_ended &= program.look()?;
        }
        if has_ended {
            break;
        }
        if Instant::now() > deadline {
            return Err("it took too long to end".into());
        }
        thread::sleep(EVERY);
    }
    let ended = all.into_iter().map(Watched::end).collect::<Result<Vec<_>, _>>()?;
    ended.try_into().map_err(|_| "as many end as there are".into())
}

impl Ended {
    /// Its output, if all went well.
    ///
    /// # Errors
    /// If it failed: with the last that it said.
    pub fn succeeded(&self) -> Result<&[u8], Error> {
        if self.status.success() {
            return Ok(&self.output);
        }
        Err(format!("{}: {}", self.status, last_words(&self.lines)).into())
    }
}

fn last_words(lines: &[Line]) -> &str {
    lines.iter().rev().map(|line| line.text.trim()).find(|text| !text.is_empty()).unwrap_or_default()
}

impl Drop for Watched {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Watched {
        Watched::start(Command::new("sh").args(["-c", script])).unwrap()
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn what_it_says_and_takes_is_known_in_the_end() {
        let mut program = shell("echo a >&2; echo b >&2; echo c >&2; echo out; exit 0");
        let b = program.line(in_a_minute(), |line| (line.text == "b").then(|| line.clone())).unwrap();
        let [ended] = end_all([program], in_a_minute()).unwrap();
        assert_eq!(ended.succeeded().unwrap(), b"out\n");
        assert_eq!(ended.lines.iter().map(|line| line.text.as_str()).collect::<Vec<_>>(), ["c"]);
        assert!(ended.lines[0].at >= b.at);
        if cfg!(target_os = "linux") {
            assert!(ended.cpu_seconds.is_some());
        }
    }

    #[test]
    fn one_that_fails_or_lasts_says_so() {
        let [ended] = end_all([shell("echo why >&2; exit 3")], in_a_minute()).unwrap();
        assert!(ended.succeeded().unwrap_err().to_string().ends_with(": why"));
        let mut over = shell("echo why >&2; exit 3");
        let said = over.line(in_a_minute(), |_| None::<()>).unwrap_err().to_string();
        assert!(said.starts_with("it ended: ") && said.ends_with(": why"), "{said}");
        let mut waiting = shell("sleep 60");
        let mut other = shell("echo why >&2; exit 3");
        let said = waiting.line_beside(&mut other, in_a_minute(), |_| None::<()>).unwrap_err().to_string();
        assert!(said.starts_with("the other one ended: ") && said.ends_with(": why"), "{said}");
        let mut talker = shell("while :; do echo still here >&2; done");
        let said = talker.line(Instant::now() + Duration::from_millis(100), |_| None::<()>);
        assert!(said.unwrap_err().to_string().starts_with("it took too long"));
        let long = shell("sleep 60");
        assert!(end_all([long], Instant::now()).is_err());
    }
}
