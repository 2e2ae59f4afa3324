//! How fast a demo is that is seen, beside one that is not.

use std::{
    io::{BufRead, BufReader},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio_tungstenite::tungstenite::{Message, client::client};

use crate::Result;

/// Who looks.
#[derive(Debug, Clone, Copy)]
enum Seen {
    ByNobody,
    InAWindow,
    OnAPage,
}

const WAYS: [Seen; 3] = [Seen::ByNobody, Seen::InAWindow, Seen::OnAPage];

/// As fast as it goes, and at a camera's pace.
const RATES: [&str; 2] = ["max", "60"];

/// One run of the program.
struct Run {
    fps: f64,
    /// Pictures that a page's viewer got, a second.
    seen_fps: Option<f64>,
}

pub(crate) fn run(program: &Path, quick: bool) -> Result {
    let (rounds, seconds) = if quick { (1, "1") } else { (5, "3") };
    let screen = Screen::start()?;
    println!("\ndemo at 1920x1080 on one machine, medians of {rounds} runs of {seconds} s in turns\n");
    println!("| asked for | seen | frames a second | pictures a second on the page |");
    println!("|---|---|---:|---:|");
    for rate in RATES {
        let mut runs = WAYS.map(|_| Vec::new());
        for _ in 0..rounds {
            for (seen, runs) in WAYS.into_iter().zip(&mut runs) {
                runs.push(demo(program, seen, rate, seconds, &screen)?);
            }
        }
        for (seen, runs) in WAYS.into_iter().zip(runs) {
            let fps = median(runs.iter().map(|run| run.fps));
            let pictures = runs.iter().filter_map(|run| run.seen_fps);
            let pictures =
                if matches!(seen, Seen::OnAPage) { format!("{:.0}", median(pictures)) } else { "".into() };
            println!("| {rate} | {} | {fps:.0} | {pictures} |", seen.name());
        }
    }
    Ok(())
}

impl Seen {
    fn name(self) -> &'static str {
        match self {
            Self::ByNobody => "by nobody",
            Self::InAWindow => "in a window (Xvfb)",
            Self::OnAPage => "on a page, by one viewer",
        }
    }
}

fn demo(program: &Path, seen: Seen, rate: &str, seconds: &str, screen: &Screen) -> Result<Run> {
    let mut command = Command::new(program);
    command.args(["demo", "--size", "1920x1080", "--fps", rate, "--seconds", seconds, "--json"]);
    match seen {
        Seen::ByNobody => &mut command,
        Seen::InAWindow => command.arg("--window"),
        Seen::OnAPage => command.args(["--web", "127.0.0.1:0"]),
    };
    command.env("DISPLAY", &screen.display).env_remove("WAYLAND_DISPLAY");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let stderr = child.stderr.take().ok_or("no error output")?;
    let pictures = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    for line in BufReader::new(stderr).lines() {
        // `showing at http://127.0.0.1:12345/`
        if let Some(address) = line?.strip_prefix("showing at http://") {
            let address = address.trim_end_matches('/').to_owned();
            let (pictures, is_over) = (Arc::clone(&pictures), Arc::clone(&is_over));
            thread::spawn(move || look(&address, &pictures, &is_over));
        }
    }
    let output = child.wait_with_output()?;
    is_over.store(true, Ordering::Relaxed);
    if !output.status.success() {
        return Err(format!("the demo ended with {}", output.status).into());
    }
    let summary: Value = serde_json::from_slice(&output.stdout)?;
    let fps = summary["fps"].as_f64().ok_or("the summary has no fps")?;
    let took = summary["seconds"].as_f64().ok_or("the summary has no seconds")?;
    let seen_fps = matches!(seen, Seen::OnAPage).then(|| pictures.load(Ordering::Relaxed) as f64 / took);
    Ok(Run { fps, seen_fps })
}

/// Looks as the page does: acknowledges each picture that comes. It ends with the stream.
fn look(address: &str, pictures: &AtomicU64, is_over: &AtomicBool) {
    let Ok(stream) = TcpStream::connect(address) else { return };
    // Longer than any picture takes.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(60)));
    let Ok((mut socket, _)) = client(format!("ws://{address}/socket"), stream) else { return };
    while !is_over.load(Ordering::Relaxed) {
        match socket.read() {
            Ok(Message::Binary(_)) => {
                pictures.fetch_add(1, Ordering::Relaxed);
                if socket.send(Message::text("{\"type\":\"shown\"}")).is_err() {
                    return;
                }
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// An X server without hardware, which ends with this.
struct Screen {
    process: Child,
    display: String,
}

impl Screen {
    fn start() -> Result<Self> {
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "2400x1400x24", "-nolisten", "tcp", "-noreset"]);
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut number = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut number)?;
        Ok(Self { process, display: format!(":{}", number.trim()) })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
