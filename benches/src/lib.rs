//! What the benches share: exchanges of frames between two ends, each on a thread and a runtime of its own, as two programs
//! would run them.

mod content;
pub mod encoded;
pub mod raw;
pub mod session;
pub mod vidgear;

use std::{
    fs, io,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

pub use content::Content;

use bytes::Bytes;
use netgear_proto::{Frame, Pattern};
use serde::Serialize;
use tokio::runtime::{Builder, Runtime};

/// Any error of a bench ends it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What crosses the link underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TCP over loopback.
    Tcp,
    /// A Unix socket.
    Ipc,
}

impl Carrier {
    /// As in an endpoint.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        }
    }

    /// A place that no other exchange uses; TCP lets the system choose the port.
    pub fn fresh_endpoint(self) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        match self {
            Self::Tcp => "tcp://127.0.0.1:0".to_owned(),
            Self::Ipc => {
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                format!("ipc:///tmp/netgear-bench-{}-{number}.sock", std::process::id())
            }
        }
    }
}

/// What comes back for a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Returned {
    /// A small item of data.
    Data,
    /// A frame of the same size.
    Frame,
}

impl Returned {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Data => "small data back",
            Self::Frame => "frames both ways",
        }
    }
}

/// One exchange: so many frames of one size, in lock-step.
#[derive(Debug, Clone, Copy)]
pub struct Exchange {
    /// What carries it.
    pub carrier: Carrier,
    /// The pattern of the session; raw sockets have none.
    pub pattern: Pattern,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// What comes back.
    pub returned: Returned,
    /// Frames that are not timed, while buffers and windows grow.
    pub warm_up: u32,
    /// Frames that are timed.
    pub frames: u32,
}

impl Exchange {
    /// The bytes of one BGR frame.
    pub fn frame_bytes(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    /// A frame whose pixels are not all alike.
    ///
    /// # Errors
    /// If the size is 0.
    pub fn frame(&self) -> Result<Frame, Error> {
        let pixels: Vec<u8> = (0..self.frame_bytes()).map(|at| (at % 251) as u8).collect();
        Ok(Frame::bgr8(self.width, self.height, Bytes::from(pixels))?)
    }

    /// The bytes that cross in both directions for one frame, small data aside.
    pub fn bytes_per_frame(&self) -> usize {
        match self.returned {
            Returned::Data => self.frame_bytes(),
            Returned::Frame => 2 * self.frame_bytes(),
        }
    }
}

/// What every program that measures side by side is asked: how long, and where its table goes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Fewer and shorter rounds.
    #[arg(long)]
    pub quick: bool,
    /// Write the table as Markdown to this file.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Print one JSON object in place of the table.
    #[arg(long)]
    json: bool,
}

impl Options {
    /// Prints the table, or its rows as JSON, and writes the table to the file if there is to be one.
    ///
    /// # Errors
    /// If the file cannot be written.
    #[allow(clippy::print_stdout, reason = "the table is what the programs are for")]
    pub fn print_or_write(&self, rows: &[impl Serialize], table: &str) -> Result<(), Error> {
        if let Some(path) = &self.markdown {
            fs::write(path, table)?;
        }
        if self.json {
            println!("{}", serde_json::to_string_pretty(rows)?);
        } else {
            println!("{table}");
        }
        Ok(())
    }
}

/// What a number was in several rounds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Spread {
    /// The one in the middle.
    pub median: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Spread {
    /// Of at least one number.
    pub fn of(mut numbers: Vec<f64>) -> Self {
        numbers.sort_by(f64::total_cmp);
        let at = |number: Option<&f64>| number.copied().unwrap_or(f64::NAN);
        Self {
            median: at(numbers.get(numbers.len() / 2)),
            least: at(numbers.first()),
            most: at(numbers.last()),
        }
    }
}

/// Times the frames behind the warm-up.
#[derive(Debug)]
pub(crate) struct Stopwatch {
    warm_up: u32,
    started: Instant,
}

impl Stopwatch {
    pub(crate) fn new(exchange: &Exchange) -> Self {
        Self { warm_up: exchange.warm_up, started: Instant::now() }
    }

    pub(crate) fn frame_done(&mut self) {
        if self.warm_up > 0 {
            self.warm_up -= 1;
            self.started = Instant::now();
        }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A runtime like that of a small program: one thread for everything.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs one end on a thread of its own.
pub(crate) fn on_a_thread<R: Send + 'static>(
    end: impl FnOnce(Runtime) -> Result<R, Error> + Send + 'static,
) -> thread::JoinHandle<Result<R, Error>> {
    thread::spawn(move || end(runtime()?))
}

/// What the other end came to; a panic there is one here.
pub(crate) fn join<R>(end: thread::JoinHandle<Result<R, Error>>) -> Result<R, Error> {
    end.join().map_err(|_| "the other end panicked")?
}
