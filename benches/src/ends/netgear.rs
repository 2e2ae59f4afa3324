//! Our sessions, used as a small program would use them.

use std::time::Duration;

use bytes::Bytes;
use netgear_bench_end::{Error, Exchange, Job, Pattern, Receiving, Returned, Sending, stamp_of};
use netgear_proto::{Dialect, Frame, Value};
use netgear_transport::{FrameReceiver, FrameSender};

/// Longer than the others of a round take together.
const PATIENCE: Duration = Duration::from_secs(300);

struct Session {
    sender: FrameSender,
    job: Job,
    /// VidGear's receivers answer the first frame before they have anything to say.
    first_is_empty: bool,
}

/// The end with the frames.
///
/// # Errors
/// If the session fails.
pub async fn send(job: Job, end: Sending) -> Result<(), Error> {
    let mut builder = FrameSender::builder().pattern(pattern(&job)).timeout(PATIENCE);
    if job.window > 1 {
        builder = builder.window(job.window);
    }
    let sender = builder.connect(job.endpoint.parse()?).await?;
    let first_is_empty = sender.peer().await?.dialect == Dialect::VidGear;
    end.obey(Session { sender, job, first_is_empty }).await
}

impl Session {
    fn frame(&self, pixels: Bytes) -> Result<Frame, Error> {
        Ok(Frame::bgr8(self.job.width, self.job.height, pixels)?)
    }

    async fn answer(&mut self) -> Result<Option<u64>, Error> {
        match (self.sender.recv_data().await?, self.job.returned) {
            (Some(Value::Bytes(item)), Returned::Data) => Ok(stamp_of(&item)),
            (Some(Value::Frame(_)), Returned::Frame) => Ok(None),
            (None, _) if std::mem::take(&mut self.first_is_empty) => Ok(None),
            (other, _) => Err(format!("the answer is {other:?}").into()),
        }
    }
}

impl Exchange for Session {
    async fn exchange(&mut self, pixels: Bytes, item: Bytes) -> Result<Option<u64>, Error> {
        self.sender.send(self.frame(pixels)?, Some(Value::Bytes(item))).await?;
        self.answer().await
    }

    async fn pipeline(&mut self, pixels: Bytes, item: Bytes, frames: u64) -> Result<(), Error> {
        let frame = self.frame(pixels)?;
        let mut unanswered = 0;
        for _ in 0..frames {
            if unanswered == self.job.window {
                self.answer().await?;
                unanswered -= 1;
            }
            self.sender.send(frame.clone(), Some(Value::Bytes(item.clone()))).await?;
            unanswered += 1;
        }
        for _ in 0..unanswered {
            self.answer().await?;
        }
        Ok(())
    }
}

/// The end that answers.
///
/// # Errors
/// If the session fails.
pub async fn receive(job: Job, end: Receiving) -> Result<(), Error> {
    let mut builder = FrameReceiver::builder().pattern(pattern(&job)).timeout(PATIENCE);
    if job.window > 1 {
        builder = builder.window(job.window);
    }
    let receiver = builder.bind(job.endpoint.parse()?).await?;
    end.ready(receiver.endpoint().ok_or("it is not bound")?.to_string());
    while let Some(delivery) = receiver.recv().await? {
        end.arrived(delivery.frame.pixels());
        let answer = end.answer();
        match job.returned {
            Returned::Data => receiver.reply(Value::Bytes(answer))?,
            Returned::Frame => receiver.reply(Frame::bgr8(job.width, job.height, answer)?)?,
        }
    }
    Ok(())
}

fn pattern(job: &Job) -> netgear_proto::Pattern {
    match job.pattern {
        Pattern::Pair => netgear_proto::Pattern::Pair,
        Pattern::ReqRep => netgear_proto::Pattern::ReqRep,
    }
}
