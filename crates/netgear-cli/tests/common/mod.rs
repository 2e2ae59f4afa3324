//! Runs the built program, one process for each end.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "it is part of the tests")]

#[path = "../../../netgear-media/tests/common/xvfb.rs"]
pub mod xvfb;

use std::{
    io::Read,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value as Json;

/// Longer than anything here takes on a busy machine; what is still running then hangs.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program with these arguments.
pub fn command<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_netgear"));
    command.args(arguments).env_remove("RUST_LOG").env("COLUMNS", "120");
    command
}

/// Runs the program to its end.
pub fn run<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Ended {
    Program::start(arguments).end()
}

/// A view that binds a free port and a serve that connects to it, both with `--json`, to the end of both.
pub fn stream(serve: &[&str], view: &[&str]) -> (Ended, Ended) {
    let (serve, view) = start_both(serve, view);
    (serve.end(), view.end())
}

/// As [`stream`], and both are still running.
pub fn start_both(serve: &[&str], view: &[&str]) -> (Program, Program) {
    let view = Program::start(&[&["view", "--bind", "tcp://127.0.0.1:0", "--json"], view].concat());
    let endpoint = view.listening();
    let serve = Program::start(&[&["serve", "--connect", &endpoint, "--json"], serve].concat());
    (serve, view)
}

/// A process that is killed when the test ends before it does.
pub struct Program {
    child: Child,
    arguments: String,
    stdout: Output,
    stderr: Output,
}

impl Program {
    pub fn start<S: AsRef<std::ffi::OsStr>>(arguments: &[S]) -> Self {
        Self::spawn(command(arguments))
    }

    pub fn spawn(mut command: Command) -> Self {
        let arguments = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{arguments}: {error}"));
        let stdout = Output::collect(child.stdout.take().unwrap());
        let stderr = Output::collect(child.stderr.take().unwrap());
        Self { child, arguments, stdout, stderr }
    }

    /// Where it says that it listens.
    pub fn listening(&self) -> String {
        let line = self.stderr_line("listening at ");
        line["listening at ".len()..].to_owned()
    }

    /// Waits for a line of the error output that begins so.
    pub fn stderr_line(&self, start: &str) -> String {
        self.stderr_lines(start, 1).remove(0)
    }

    /// Waits for so many lines of the error output that begin so.
    pub fn stderr_lines(&self, start: &str, count: usize) -> Vec<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let is_over = self.stderr.is_over();
            let text = self.stderr.text();
            let complete = text.rfind('\n').map_or("", |end| &text[..end]);
            let lines: Vec<_> =
                complete.lines().filter(|line| line.starts_with(start)).map(str::to_owned).collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(
                !is_over && Instant::now() < deadline,
                "{}: {count} × {start:?} never came in {text:?}",
                self.arguments
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// How many whole lines of the error output begin so, by now.
    pub fn stderr_count(&self, start: &str) -> usize {
        self.stderr
            .text()
            .split_inclusive('\n')
            .filter(|line| line.ends_with('\n') && line.starts_with(start))
            .count()
    }

    /// Sends a signal, by its name without SIG.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success(), "kill -{name}");
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits for its end.
    pub fn end(self) -> Ended {
        self.end_within(PATIENCE)
    }

    /// Waits for its end, which must come within this time.
    pub fn end_within(mut self, limit: Duration) -> Ended {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if start.elapsed() > limit {
                panic!(
                    "{} is still running after {limit:?}; stdout {:?}, stderr {:?}",
                    self.arguments,
                    self.stdout.text(),
                    self.stderr.text()
                );
            }
            thread::sleep(Duration::from_millis(5));
        };
        Ended {
            status,
            arguments: std::mem::take(&mut self.arguments),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process writes, as it comes.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Output {
    fn collect(mut from: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let collected = Arc::clone(&bytes);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = from.read(&mut buffer) {
                collected.lock().unwrap().extend_from_slice(&buffer[..read]);
            }
        });
        Self { bytes, thread: Some(thread) }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes.lock().unwrap()).into_owned()
    }

    /// Whether nothing more will come.
    fn is_over(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn finish(&mut self) -> String {
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
        self.text()
    }
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    pub arguments: String,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// Asserts the exit code.
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(
            self.status.code(),
            Some(code),
            "{} ended with {}; stdout {}, stderr {}",
            self.arguments,
            self.status,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Asserts code 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        self.with_code(0)
    }

    /// Asserts this code and an error that holds all of these.
    #[track_caller]
    pub fn fails(self, code: i32, parts: &[&str]) -> Self {
        let ended = self.with_code(code);
        assert!(ended.stderr.contains("error: "), "{}: no error in {}", ended.arguments, ended.stderr);
        for part in parts {
            assert!(ended.stderr.contains(part), "{}: no {part:?} in {}", ended.arguments, ended.stderr);
        }
        ended
    }

    /// The one object on the standard output.
    #[track_caller]
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{}: {error} in {:?}", self.arguments, self.stdout))
    }

    /// The data that `--print-data` printed beside `--json`.
    pub fn data(&self) -> Vec<Json> {
        self.stderr.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }
}

/// Asserts that a digest is there and is one.
#[track_caller]
pub fn digest(json: &Json, field: &str) -> String {
    let digest = json[field].as_str().unwrap_or_else(|| panic!("no {field} in {json}"));
    assert!(digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()), "{digest}");
    digest.to_owned()
}

/// Asserts that both ends counted the same frames, and gives how many.
#[track_caller]
pub fn same_frames(serve: &Json, view: &Json) -> u64 {
    assert_eq!(serve["frames"], view["frames"], "{serve} {view}");
    assert_eq!(serve["bytes"], view["bytes"], "{serve} {view}");
    assert_eq!(digest(serve, "digest"), digest(view, "digest"));
    serve["frames"].as_u64().unwrap()
}

/// An endpoint where nobody is: for an end that connects before the other binds.
///
/// It is none of those that a system gives by itself (from 32768 on with Linux, 49152 elsewhere): such a one may be
/// given to another test, or to the very connection that looks for it, before it is bound.
pub fn free_tcp() -> String {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 20_000;
    const PORTS: u16 = 12_000;
    // Each program begins elsewhere.
    let own = (std::process::id().wrapping_mul(97) % u32::from(PORTS)) as u16;
    for _ in 0..PORTS {
        let port = FIRST + (own + NEXT.fetch_add(1, Ordering::Relaxed) % PORTS) % PORTS;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return format!("tcp://127.0.0.1:{port}");
        }
    }
    panic!("no port is free");
}

/// A folder that goes with the test, of a short name, since the path of a socket has 107 bytes at most.
pub fn folder() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("ng").tempdir().unwrap()
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Whether there is such a program; if not, says loudly that the test is skipped, which with `CI=true` is a failure.
pub fn has(program: &str, test: &str) -> bool {
    let is_there =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if is_there.is_err() {
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{test}: there is no {program} on the PATH");
        eprintln!("SKIPPED: {test}: there is no {program} on the PATH");
    }
    is_there.is_ok()
}

/// Runs ffmpeg with these arguments, separated by spaces, unless the file is there already.
pub fn film(name: &str, arguments: &str) -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _one_at_a_time = MAKING.lock().unwrap();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if !path.is_file() {
        // Under another name until it is whole: another test program may look for it meanwhile.
        let making = path.with_file_name(format!("{}-{name}", std::process::id()));
        let result = Command::new("ffmpeg")
            .args(["-nostdin", "-v", "error", "-y"])
            .args(arguments.split_whitespace())
            .arg(&making)
            .output()
            .unwrap();
        assert!(result.status.success(), "ffmpeg {arguments}: {}", String::from_utf8_lossy(&result.stderr));
        std::fs::rename(making, &path).unwrap();
    }
    path
}
