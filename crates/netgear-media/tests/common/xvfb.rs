//! An X server without hardware, for the tests of netgear-cli too.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// The server, which ends with this.
pub struct Xvfb {
    pub process: Child,
    /// As `DISPLAY` has it.
    pub display: String,
}

impl Xvfb {
    /// With a screen such as `1280x800x24`, the last of which is bits a pixel. `None` where there is no Xvfb, which
    /// is said loudly and in CI is a failure.
    pub fn start(screen: &str) -> Option<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp", "-noreset"]);
        let started = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let Ok(mut process) = started else {
            assert!(std::env::var("CI").as_deref() != Ok("true"), "there is no Xvfb on the PATH");
            eprintln!("SKIPPED: there is no Xvfb on the PATH");
            return None;
        };
        let mut number = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.trim().is_empty(), "Xvfb has not started");
        Some(Self { process, display: format!(":{}", number.trim()) })
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
