//! VidGear's ends: Python processes, one for each job, forked off one that has imported the package (peers.py).

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::script::Tally;
use crate::Result;

/// What a Python process says, and on which channel it is heard.
type Listeners = Mutex<HashMap<u64, mpsc::Sender<Value>>>;

/// The process that the others are forked off. Dropping it ends all of them.
#[derive(Debug)]
pub(crate) struct Peers {
    process: Child,
    /// `None` once it is told to end.
    commands: Option<Mutex<ChildStdin>>,
    listeners: Arc<Listeners>,
    next_id: AtomicU64,
    log: PathBuf,
}

impl Peers {
    /// `script` is peers.py; what the processes write to their error output goes to `log`.
    pub(crate) fn start(python: &Path, script: &Path, log: PathBuf) -> Result<Self> {
        let mut process = Command::new(python)
            .arg(script)
            // The sources' folder is no place for what Python makes of them.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let commands = process.stdin.take().map(Mutex::new);
        let said = process.stdout.take().ok_or("the Python process has no output")?;
        let listeners = Arc::new(Listeners::default());
        let hand_out_to = Arc::clone(&listeners);
        thread::spawn(move || hand_out(said, &hand_out_to));
        Ok(Self { process, commands, listeners, next_id: AtomicU64::new(0), log })
    }

    /// Starts a job, an object of what peers.py calls its DEFAULTS.
    pub(crate) fn run(&self, mut job: Value) -> Result<Peer<'_>> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        job["id"] = json!(id);
        let (sender, messages) = mpsc::channel();
        locked(&self.listeners).insert(id, sender);
        self.command(&job)?;
        Ok(Peer { peers: self, id, messages, story: Story::default(), ended: false })
    }

    /// Where the Python processes have written what they had to say beyond their reports.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    fn command(&self, command: &Value) -> Result {
        let commands = self.commands.as_ref().ok_or("the Python processes are over")?;
        // One write for each command, for threads write here.
        Ok(locked(commands).write_all(format!("{command}\n").as_bytes())?)
    }
}

impl Drop for Peers {
    fn drop(&mut self) {
        // The end of its input is its end.
        self.commands = None;
        let _ = self.process.wait();
    }
}

/// One Python process with one end of VidGear's. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Peer<'a> {
    peers: &'a Peers,
    id: u64,
    messages: mpsc::Receiver<Value>,
    story: Story,
    ended: bool,
}

/// What became of a process, as far as it is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Story {
    pub(crate) first_frame: bool,
    /// The exception that VidGear's methods raised.
    pub(crate) raised: Option<String>,
    /// It took SIGINT.
    pub(crate) interrupted: bool,
    /// `close()` was called.
    pub(crate) closing: bool,
    pub(crate) report: Option<Report>,
    pub(crate) exit: Option<i64>,
    pub(crate) signal: Option<i64>,
}

/// What an end that has finished says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) tally: Tally,
    /// How often something differed from what must have arrived, and the first few of these.
    pub(crate) wrong: u64,
    pub(crate) examples: Vec<String>,
}

impl Peer<'_> {
    /// Waits for the first frame to cross; whether it did.
    pub(crate) fn first_frame(&mut self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        while !self.story.first_frame && !self.ended && self.listen(until) {}
        self.story.first_frame
    }

    /// Whether a signal has reached it, as far as it has said so by now: it has ended, or is about to.
    pub(crate) fn noticed(&mut self) -> bool {
        while !self.ended && self.listen(Instant::now()) {}
        self.ended || self.story.interrupted
    }

    /// Kills it with SIGKILL, which it cannot notice.
    pub(crate) fn kill(&self) -> Result {
        self.peers.command(&json!({ "signal": 9, "to": self.id }))
    }

    /// Ctrl-C: SIGINT.
    pub(crate) fn interrupt(&self) -> Result {
        self.peers.command(&json!({ "signal": 2, "to": self.id }))
    }

    /// Waits for its end, and kills it if that does not come in time. Its exit code and signal say which it was.
    pub(crate) fn end(mut self, limit: Duration) -> Result<Story> {
        let until = Instant::now() + limit;
        while !self.ended && self.listen(until) {}
        if !self.ended {
            self.kill()?;
            let until = Instant::now() + Duration::from_secs(5);
            while !self.ended && self.listen(until) {}
        }
        Ok(std::mem::take(&mut self.story))
    }

    /// Takes the next message in; false if none has come in time.
    fn listen(&mut self, until: Instant) -> bool {
        let Ok(message) = self.messages.recv_timeout(until.saturating_duration_since(Instant::now())) else {
            return false;
        };
        self.story.note(&message);
        self.ended = self.story.exit.is_some() || self.story.signal.is_some();
        true
    }
}

impl Drop for Peer<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let _ = self.kill();
        }
        locked(&self.peers.listeners).remove(&self.id);
    }
}

impl Story {
    fn note(&mut self, message: &Value) {
        self.first_frame |= message["first frame"] == true;
        self.interrupted |= message["interrupted"] == true;
        self.closing |= message["closing"] == true;
        if let Some(raised) = message["raised"].as_str() {
            self.raised = Some(raised.to_owned());
        }
        if message["report"].is_object() {
            self.report = Some(Report::read(&message["report"]));
        }
        self.exit = self.exit.or(message["exit"].as_i64());
        self.signal = self.signal.or(message["signal"].as_i64());
    }

    /// The report of an end that came to a good end and found nothing wrong.
    pub(crate) fn clean(&self) -> Result<&Report> {
        match &self.report {
            Some(report) if report.wrong > 0 => Err(format!(
                "VidGear's end found {} differences: {}",
                report.wrong,
                report.examples.join("; ")
            )
            .into()),
            Some(report) if self.exit == Some(0) => Ok(report),
            _ => Err(format!("VidGear's end did not end well: {self}").into()),
        }
    }
}

/// How it ended, in a few words.
impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let during = match (self.closing, self.first_frame) {
            (true, _) => "in close()",
            (false, true) => "between frames",
            (false, false) => "before the first frame",
        };
        match &self.raised {
            Some(raised) => write!(f, "raised {}, then ", raised.trim_end_matches(": "))?,
            None if self.report.is_some() => write!(f, "finished, then ")?,
            None => {}
        }
        match (self.exit, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            // peers.py sets an alarm, and we kill.
            (_, Some(9 | 14)) => write!(f, "hung {during} until it was killed"),
            (_, Some(signal)) => write!(f, "signal {signal} {during}"),
            (None, None) => write!(f, "no end"),
        }
    }
}

impl Report {
    fn read(report: &Value) -> Self {
        let number = |name: &str| report[name].as_u64().unwrap_or(u64::MAX);
        Self {
            tally: Tally {
                frames: number("frames"),
                pixels: number("pixels") as u32,
                data: number("data") as u32,
                answers: number("answers") as u32,
            },
            wrong: number("wrong"),
            examples: report["examples"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|example| example.as_str().unwrap_or_default().to_owned())
                .collect(),
        }
    }
}

/// Reads until the Python process ends, and then hangs up on everybody.
fn hand_out(said: ChildStdout, listeners: &Listeners) {
    for line in BufReader::new(said).lines() {
        let Ok(message) =
            line.map_err(drop).and_then(|line| serde_json::from_str::<Value>(&line).map_err(drop))
        else {
            break;
        };
        if let Some(listener) = message["id"].as_u64().and_then(|id| locked(listeners).get(&id).cloned()) {
            // Whoever does not listen any more does not want to know.
            let _ = listener.send(message);
        }
    }
    locked(listeners).clear();
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
