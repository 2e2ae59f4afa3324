//! Sessions whose frames are encoded: what crosses, what it costs, and how long a frame is on its way.

use std::{
    io,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use netgear_media::FrameCodec;
use netgear_proto::{EncodingChoice, Frame, Value};
use netgear_transport::{FrameReceiver, FrameSender};
use rustix::time::{ClockId, clock_gettime};
use tokio::runtime::{Builder, Runtime};

use crate::Error;

/// What one run came to.
#[derive(Debug, Clone)]
pub struct Measured {
    /// The bytes of a frame on the link, in the mean.
    pub frame_bytes: f64,
    /// The processor time that both ends took for a frame together.
    pub cpu: Duration,
    /// From the call of `send` until the receiver had the frame, decoded; in rising order.
    pub latencies: Vec<Duration>,
    /// The time from one frame to the next, each sent when the one before was answered.
    pub interval: Duration,
}

impl Measured {
    /// The latency that this part of all frames did not exceed.
    pub fn latency(&self, part: f64) -> Duration {
        let at = (self.latencies.len() as f64 * part) as usize;
        self.latencies.get(at.min(self.latencies.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

/// Frames that are not counted, while buffers and windows grow.
const WARM_UP: usize = 5;

/// Sends so many of these frames over TCP, over and over, one at a time.
///
/// # Errors
/// If the session fails.
pub fn run(frames: &[Frame], choice: EncodingChoice, count: usize) -> Result<Measured, Error> {
    let (bound, where_bound) = mpsc::channel();
    let receiver = on_a_thread(move |runtime| {
        runtime.block_on(async {
            let endpoint = "tcp://127.0.0.1:0".parse()?;
            let receiver = FrameReceiver::builder().codec(Arc::new(FrameCodec::new())).bind(endpoint).await?;
            bound.send(receiver.endpoint().cloned())?;
            let mut arrivals = Vec::with_capacity(WARM_UP + count);
            while let Some(delivery) = receiver.recv().await? {
                arrivals.push(Instant::now());
                receiver.reply(delivery.data.unwrap_or(Value::Null))?;
            }
            Ok(arrivals)
        })
    });
    let endpoint = where_bound.recv()?.ok_or("the receiver is not bound")?;
    let sent = runtime()?.block_on(async {
        let builder = FrameSender::builder().codec(Arc::new(FrameCodec::new())).encoding(choice);
        let sender = builder.connect(endpoint).await?;
        sender.peer().await?;
        let mut starts = Vec::with_capacity(WARM_UP + count);
        let mut before = (cpu_time(), Instant::now(), 0);
        for (number, frame) in frames.iter().cycle().take(WARM_UP + count).enumerate() {
            if number == WARM_UP {
                before = (cpu_time(), Instant::now(), sender.stats().frame_bytes);
            }
            starts.push(Instant::now());
            sender.send(frame.clone(), Some(Value::from(number as u64))).await?;
            if sender.recv_data().await?.is_none() {
                return Err("an answer came without data".into());
            }
        }
        let (cpu, started, bytes) = before;
        let after = (cpu_time() - cpu, started.elapsed(), sender.stats().frame_bytes - bytes);
        sender.close().await?;
        Ok::<_, Error>((starts, after))
    });
    let (starts, (cpu, took, bytes)) = sent?;
    let arrivals = join(receiver)?;
    if arrivals.len() != starts.len() {
        return Err("not every frame arrived".into());
    }
    let ways = arrivals.iter().zip(&starts).skip(WARM_UP);
    let mut latencies: Vec<_> = ways.map(|(arrival, start)| arrival.duration_since(*start)).collect();
    latencies.sort_unstable();
    let count = u32::try_from(count)?;
    Ok(Measured {
        frame_bytes: bytes as f64 / f64::from(count),
        cpu: cpu / count,
        latencies,
        interval: took / count,
    })
}

/// Of all threads of this process, in user space and in the kernel.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// A runtime like that of a small program: one thread for everything.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// Runs one end on a thread of its own.
fn on_a_thread<R: Send + 'static>(
    end: impl FnOnce(Runtime) -> Result<R, Error> + Send + 'static,
) -> thread::JoinHandle<Result<R, Error>> {
    thread::spawn(move || end(runtime()?))
}

/// What the other end came to; a panic there is one here.
fn join<R>(end: thread::JoinHandle<Result<R, Error>>) -> Result<R, Error> {
    end.join().map_err(|_| "the other end panicked")?
}
