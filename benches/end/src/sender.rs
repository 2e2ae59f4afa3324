use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    Error, Job,
    clock::{cpu_seconds, microseconds_since, stamp},
    lines::{Command, Ran, Said, read_commands, say},
};

/// What a sender's end is made of.
#[allow(async_fn_in_trait, reason = "the futures stay on the thread that made them")]
pub trait Exchange {
    /// Sends a frame of these pixels with this item of data, where there is a place for data, and waits for its
    /// answer: the time that stands in that ([`stamp_of`](crate::stamp_of)).
    async fn exchange(&mut self, pixels: Bytes, item: Bytes) -> Result<Option<u64>, Error>;

    /// Sends so many frames, of which no more than the job's window are unanswered at any time, and waits for all
    /// answers.
    ///
    /// Only jobs with a window of more than one come to this.
    async fn pipeline(&mut self, pixels: Bytes, item: Bytes, frames: u64) -> Result<(), Error> {
        let _ = (pixels, item, frames);
        Err("it has no window".into())
    }
}

/// What a sender hears from the bench, and does.
#[derive(Debug)]
pub struct Sending {
    commands: mpsc::UnboundedReceiver<Command>,
    pixels: Bytes,
    item: Bytes,
    window: u16,
    endpoint: String,
}

impl Sending {
    pub(crate) fn new(job: &Job) -> Self {
        // The bench gives one command after the other.
        let (commands_in, commands) = mpsc::unbounded_channel();
        read_commands(move |command| {
            // What obeys has failed if nobody listens, and has said so.
            let _ = commands_in.send(command);
        });
        Self {
            commands,
            pixels: job.pixels(),
            item: job.item(),
            window: job.window,
            endpoint: job.endpoint.clone(),
        }
    }

    /// It is connected. Obeys until the bench has enough.
    ///
    /// # Errors
    /// If an exchange fails.
    pub async fn obey(mut self, mut exchange: impl Exchange) -> Result<(), Error> {
        say(&Said::Ready { endpoint: self.endpoint.clone() });
        while let Some(command) = self.commands.recv().await {
            let (started, cpu) = (Instant::now(), cpu_seconds());
            let back_us = match command {
                Command::Run { frames } => {
                    self.run(&mut exchange, frames).await?;
                    Vec::new()
                }
                Command::Pace { fps, frames } => self.pace(&mut exchange, fps, frames).await?,
                Command::Report => return Err("only a receiver can do that".into()),
            };
            let seconds = started.elapsed().as_secs_f64();
            say(&Said::Ran(Ran { seconds, cpu_seconds: cpu_seconds() - cpu, back_us }));
        }
        Ok(())
    }

    async fn run(&self, exchange: &mut impl Exchange, frames: u64) -> Result<(), Error> {
        if self.window > 1 {
            return exchange.pipeline(self.pixels.clone(), self.item.clone(), frames).await;
        }
        for _ in 0..frames {
            exchange.exchange(self.pixels.clone(), self.item.clone()).await?;
        }
        Ok(())
    }

    async fn pace(&self, exchange: &mut impl Exchange, fps: f64, frames: u64) -> Result<Vec<f64>, Error> {
        let interval = Duration::try_from_secs_f64(1.0 / fps)?;
        let mut back_us = Vec::new();
        let mut next = tokio::time::Instant::now();
        for _ in 0..frames {
            // A camera gives each frame in memory of its own. Who is late has missed one.
            let mut pixels = self.pixels.to_vec();
            next = (next + interval).max(tokio::time::Instant::now());
            tokio::time::sleep_until(next).await;
            stamp(&mut pixels);
            let answered = exchange.exchange(Bytes::from(pixels), self.item.clone()).await?;
            back_us.extend(answered.map(microseconds_since));
        }
        Ok(back_us)
    }
}
