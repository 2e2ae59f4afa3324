//! Our ends and VidGear's, in every combination: the same frames, with a number each way.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use netgear_proto::{Pattern, Value};
use netgear_transport::{FrameReceiver, FrameSender};
use serde_json::json;

use crate::{Carrier, Error, Exchange, Returned, Stopwatch, join, on_a_thread, runtime};

/// Whose an end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// `FrameSender` or `FrameReceiver`, on a thread of this process.
    Ours,
    /// VidGear's NetGear_Async, in a Python process.
    VidGear,
}

/// Where VidGear is.
#[derive(Debug, Clone)]
pub struct VidGear {
    /// A Python interpreter that has the package.
    pub python: PathBuf,
    /// xtask's peers.py, which runs VidGear's ends.
    pub script: PathBuf,
}

impl VidGear {
    /// The frames of the exchange, for us and as content.py names them.
    const SIZE: (u32, u32) = (1920, 1080);
    const FRAME: &str = "1080p BGR u8";

    /// The exchange that is run: 1080p BGR over TCP, PAIR.
    pub fn exchange(frames: u32) -> Exchange {
        Exchange {
            carrier: Carrier::Tcp,
            pattern: Pattern::Pair,
            width: Self::SIZE.0,
            height: Self::SIZE.1,
            returned: Returned::Data,
            warm_up: 20,
            frames,
        }
    }

    /// Runs [`VidGear::exchange`] between these ends, and gives the time that the timed frames took at the sender.
    ///
    /// # Errors
    /// If an end fails.
    pub fn run(&self, sender: End, receiver: End, frames: u32) -> Result<Duration, Error> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let exchange = Self::exchange(frames);
        match (sender, receiver) {
            (End::Ours, End::Ours) => {
                let receiver = on_a_thread(move |runtime| runtime.block_on(receive(port, exchange)));
                let elapsed = runtime()?.block_on(send(port, exchange))?;
                join(receiver)?;
                Ok(elapsed)
            }
            (End::Ours, End::VidGear) => {
                let receiver = self.start("view", port, exchange)?;
                let elapsed = runtime()?.block_on(send(port, exchange))?;
                receiver.seconds()?;
                Ok(elapsed)
            }
            (End::VidGear, End::Ours) => {
                let receiver = on_a_thread(move |runtime| runtime.block_on(receive(port, exchange)));
                let elapsed = self.start("serve", port, exchange)?.seconds()?;
                join(receiver)?;
                Ok(elapsed)
            }
            (End::VidGear, End::VidGear) => {
                let receiver = self.start("view", port, exchange)?;
                let elapsed = self.start("serve", port, exchange)?.seconds()?;
                receiver.seconds()?;
                Ok(elapsed)
            }
        }
    }

    fn start(&self, role: &str, port: u16, exchange: Exchange) -> Result<Python, Error> {
        let job = json!({
            "role": role,
            "address": "127.0.0.1",
            "port": port.to_string(),
            "frame": Self::FRAME,
            "frames": exchange.warm_up + exchange.frames,
            "warm up": exchange.warm_up,
            "data": "numbers",
            "returned": "numbers",
            "check": false,
            // Of a receiver, so that what it said last is not lost.
            "stay": 0.3,
            "time limit": TIME_LIMIT.as_secs(),
        });
        let mut command = Command::new(&self.python);
        command.arg(&self.script).arg(job.to_string()).env("PYTHONDONTWRITEBYTECODE", "1");
        // It logs what it does.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        Ok(Python(command.spawn()?))
    }
}

/// How long one of VidGear's ends may take for an exchange.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// A process with one of VidGear's ends. Dropping it kills it.
struct Python(Child);

impl Python {
    /// What it took by its own clock, once it has ended well.
    fn seconds(mut self) -> Result<Duration, Error> {
        let output = self.0.stdout.take().ok_or("the Python process has no output")?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| sender.send(line)));
        // It ends itself before that, unless it cannot.
        let until = Instant::now() + TIME_LIMIT + Duration::from_secs(5);
        let mut seconds = None;
        loop {
            match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    let message: serde_json::Value = serde_json::from_str(&line?)?;
                    seconds = message["report"]["seconds"].as_f64().or(seconds);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("VidGear's end was not done after {} s", TIME_LIMIT.as_secs()).into());
                }
            }
        }
        // Its output has ended, and so has it.
        let status = self.0.wait()?;
        match seconds {
            Some(seconds) if status.success() => Ok(Duration::from_secs_f64(seconds)),
            _ => Err(format!("VidGear's end: {status}").into()),
        }
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// In lock-step, as VidGear does it.
async fn send(port: u16, exchange: Exchange) -> Result<Duration, Error> {
    let endpoint = format!("tcp://127.0.0.1:{port}").parse()?;
    let sender = FrameSender::builder().pattern(exchange.pattern).connect(endpoint).await?;
    let frame = exchange.frame()?;
    let mut stopwatch = Stopwatch::new(&exchange);
    for number in 1..=exchange.warm_up + exchange.frames {
        sender.send(frame.clone(), Some(Value::from(number))).await?;
        // VidGear's first answer is without data.
        if sender.recv_data().await?.is_none() && number > 1 {
            return Err("an answer came without data".into());
        }
        stopwatch.frame_done();
    }
    let elapsed = stopwatch.elapsed();
    sender.close().await?;
    Ok(elapsed)
}

async fn receive(port: u16, exchange: Exchange) -> Result<(), Error> {
    let endpoint = format!("tcp://127.0.0.1:{port}").parse()?;
    let receiver = FrameReceiver::builder().pattern(exchange.pattern).bind(endpoint).await?;
    let mut frames = 0;
    while let Some(delivery) = receiver.recv().await? {
        frames += 1;
        receiver.reply(delivery.data.ok_or("a frame came without data")?)?;
    }
    receiver.close().await?;
    match exchange.warm_up + exchange.frames {
        expected if expected == frames => Ok(()),
        expected => Err(format!("{frames} of {expected} frames came").into()),
    }
}
