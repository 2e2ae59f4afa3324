//! The virtual machine.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    thread,
    time::{Duration, Instant},
};

use crate::{Result, process::human};

/// What the guest says when it has its camera, and what when all is over.
const READY: &str = "VM-READY";
const EXIT: &str = "VM-EXIT rc=";

/// A machine that boots a kernel, and whose console is read.
#[derive(Debug)]
pub(super) struct Machine<'a> {
    pub(super) kernel: PathBuf,
    pub(super) initramfs: &'a Path,
}

/// How it went.
#[derive(Debug)]
pub(super) struct Report {
    /// Until the guest had its camera.
    pub(super) boot: Duration,
    /// What the guest ended with.
    pub(super) code: i32,
    /// Of each test program, how many tests passed.
    pub(super) passed: Vec<u64>,
    /// The files that were recorded, each with its name.
    pub(super) recorded: Vec<(String, Vec<u8>)>,
}

impl Machine<'_> {
    /// Boots, and prints what the guest writes until it switches itself off. Each limit is for the part that its name
    /// says.
    pub(super) fn run(&self, boot_limit: Duration, suite_limit: Duration) -> Result<Report> {
        let started = Instant::now();
        let mut running = Running(self.command().spawn()?);
        let console = running.0.stdout.take().ok_or("the machine has no console")?;
        let lines = lines_of(console);
        let mut boot = None;
        let mut code = None;
        let (mut passed, mut recorded) = (Vec::new(), Vec::new());
        loop {
            let (limit, what) = match boot {
                None => (boot_limit, "has no camera"),
                Some(boot) => (boot + suite_limit, "is still at its tests"),
            };
            let line = match lines.recv_timeout(limit.saturating_sub(started.elapsed())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    drop(running);
                    // What it was at, it had not written to the end.
                    lines.iter().for_each(|line| println!("  | {line}"));
                    let after = human(started.elapsed());
                    return Err(format!("the machine {what} after {after}; see its console above").into());
                }
            };
            if let Some(file) = file_recorded(&line) {
                recorded.push(file);
                continue;
            }
            println!("  | {line}");
            if line == READY {
                boot = Some(started.elapsed());
            } else if let Some(text) = line.strip_prefix(EXIT) {
                code = text.parse().ok();
            } else if let Some(tests) = tests_passed(&line) {
                passed.push(tests);
            }
        }
        let boot = boot.ok_or("the machine ended before it had a camera; see its console above")?;
        let code = code.ok_or("the machine ended in the middle of its tests; see its console above")?;
        Ok(Report { boot, code, passed, recorded })
    }

    fn command(&self) -> Command {
        let mut qemu = Command::new("qemu-system-x86_64");
        // Emulated: what would be faster needs a device of the host's.
        qemu.args(["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", "1024"]);
        qemu.arg("-kernel").arg(&self.kernel).arg("-initrd").arg(self.initramfs);
        // After a panic it ends, and does not begin again.
        qemu.args(["-append", "console=ttyS0 panic=-1 loglevel=4", "-no-reboot"]);
        qemu.args(["-nodefaults", "-display", "none", "-nic", "none", "-serial", "stdio"]);
        qemu.stdin(Stdio::null()).stdout(Stdio::piped());
        qemu
    }
}

/// A process that is killed when it is no longer wanted.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines of a console, as they come.
fn lines_of(console: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = sync_channel(1024);
    thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        while let Ok(1..) = console.read_until(b'\n', &mut line) {
            if sender.send(readable(&line)).is_err() {
                return;
            }
            line.clear();
        }
    });
    lines
}

/// A line without what would only move a terminal's cursor.
fn readable(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    let mut readable = String::new();
    let mut rest = text.as_ref();
    while let Some(escape) = rest.find('\x1b') {
        readable.push_str(&rest[..escape]);
        // `ESC [`, numbers, and the letter that says what to do.
        let sequence = &rest[escape + 1..];
        let end = sequence.find(|c: char| c.is_ascii_alphabetic()).map_or(sequence.len(), |end| end + 1);
        rest = &sequence[end..];
    }
    readable.push_str(rest);
    readable.retain(|c| !c.is_control());
    readable
}

/// How many tests passed, where a test program says that none failed.
fn tests_passed(line: &str) -> Option<u64> {
    line.strip_prefix("test result: ok. ")?.split_once(" passed;")?.0.parse().ok()
}

/// A file that a test program prints: its name, and its bytes in hex.
fn file_recorded(line: &str) -> Option<(String, Vec<u8>)> {
    // Before it may stand the name of the test, whose line is not ended yet.
    let (name, hex) = line.split_once("RECORDED ")?.1.split_once(' ')?;
    let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok());
    Some((name.to_owned(), bytes.collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_console_is_read_without_its_escape_sequences() {
        assert_eq!(readable(b"\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1)\r\n"), "SeaBIOS (version 1)");
        assert_eq!(readable(b"VM-EXIT rc=0\r\n"), "VM-EXIT rc=0");
        assert_eq!(readable(b"ends in \x1b["), "ends in ");
    }

    #[test]
    fn a_recorded_file_is_read_whole_or_not_at_all() {
        assert_eq!(file_recorded("RECORDED a-1 00ff7f"), Some(("a-1".to_owned(), vec![0, 255, 127])));
        assert_eq!(file_recorded("test it ... RECORDED a 01"), Some(("a".to_owned(), vec![1])));
        for line in ["RECORDED a-1 00f", "RECORDED a-1 0g", "RECORDED a-1", "a-1 00"] {
            assert_eq!(file_recorded(line), None, "{line}");
        }
    }

    #[test]
    fn only_passed_tests_count() {
        let line =
            "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 1 filtered out; finished in 1s";
        assert_eq!(tests_passed(line), Some(12));
        assert_eq!(tests_passed(&line.replace("ok", "FAILED")), None);
    }
}
