use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::{
    Job, Returned,
    clock::{cpu_seconds, microseconds_since, stamp, stamp_of},
    lines::{Command, Report, Said, read_commands, say},
};

/// Latencies that are kept until they are asked for.
const MOST_LATENCIES: usize = 100_000;

/// What a receiver says to the bench, and gives back to the sender.
#[derive(Debug, Clone)]
pub struct Receiving {
    counted: Arc<Mutex<Counted>>,
    answer: Answer,
}

#[derive(Debug, Default)]
struct Counted {
    frames: u64,
    bytes: u64,
    latencies_us: Vec<f64>,
}

#[derive(Debug, Clone)]
enum Answer {
    /// Of so many bytes, of which the first are the time.
    Data(usize),
    Frame(Bytes),
}

impl Receiving {
    pub(crate) fn new(job: &Job) -> Self {
        let counted = Arc::new(Mutex::new(Counted::default()));
        let answer = match job.returned {
            Returned::Data => Answer::Data(job.item_bytes),
            Returned::Frame => Answer::Frame(job.pixels()),
        };
        let reported = Arc::clone(&counted);
        // The thread that answers frames may be deep in a socket.
        read_commands(move |command| match command {
            Command::Report => say(&Said::Report(report(&reported))),
            Command::Run { .. } | Command::Pace { .. } => {
                say(&Said::Failed("only a sender can do that".into()));
            }
        });
        Self { counted, answer }
    }

    /// It is bound here.
    pub fn ready(&self, endpoint: impl Into<String>) {
        say(&Said::Ready { endpoint: endpoint.into() });
    }

    /// The application has a frame with these pixels.
    pub fn arrived(&self, pixels: &[u8]) {
        let latency = stamp_of(pixels).map(microseconds_since);
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        counted.frames += 1;
        counted.bytes += pixels.len() as u64;
        if let Some(latency) = latency.filter(|_| counted.latencies_us.len() < MOST_LATENCIES) {
            counted.latencies_us.push(latency);
        }
    }

    /// What is to go back for it: data that was made just now, or always the same frame.
    pub fn answer(&self) -> Bytes {
        match &self.answer {
            Answer::Data(len) => {
                let mut item = vec![7; *len];
                stamp(&mut item);
                Bytes::from(item)
            }
            Answer::Frame(pixels) => pixels.clone(),
        }
    }
}

fn report(counted: &Mutex<Counted>) -> Report {
    let mut counted = counted.lock().unwrap_or_else(PoisonError::into_inner);
    Report {
        frames: counted.frames,
        bytes: counted.bytes,
        cpu_seconds: cpu_seconds(),
        latencies_us: std::mem::take(&mut counted.latencies_us),
    }
}
