use std::time::{Duration, Instant};

use netgear::{
    media::{FrameRate, TimedFrame},
    prelude::{Frame, FrameSender, Value},
    transport::SendError,
};
use tokio::time::sleep_until;

use crate::{Failure, feed::Feed, live::LiveLine, options::Fps, print, stop::Stop, summary::Tally};

/// How a stream is sent.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) feed: Feed,
    pub(crate) pace: Pace,
    pub(crate) data: Outgoing,
    /// The end, in frames or in time since the first of them; the source's own end comes first.
    pub(crate) frames: Option<u64>,
    pub(crate) time: Option<Duration>,
    pub(crate) print_data: bool,
    pub(crate) json: bool,
}

/// When a frame is due.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// At once.
    Max,
    /// When the source says.
    Source,
    /// At this rate.
    Rate(FrameRate),
}

/// What goes with each frame.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Nothing,
    Same(Value),
    /// The number of the frame.
    Number,
}

impl Sending {
    /// Sends until the source ends, the receiver leaves, or the user wants to stop.
    pub(crate) async fn run(
        mut self,
        sender: FrameSender,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<(), Failure> {
        tally.peer = tokio::select! {
            peer = sender.peer() => Some(peer?),
            () = stop.requested() => None,
        };
        if tally.peer.is_some() {
            tokio::select! {
                sent = self.send_all(&sender, tally, &mut live) => sent?,
                () = stop.requested() => {}
            }
        }
        let stats = sender.stats();
        sender.close().await?;
        tally.dropped = stats.frames_sent.saturating_sub(tally.frames());
        Ok(())
    }

    async fn send_all(
        &mut self,
        sender: &FrameSender,
        tally: &mut Tally,
        live: &mut LiveLine,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        while self.frames.is_none_or(|frames| tally.frames() < frames) {
            let Some(TimedFrame { frame, time }) = self.feed.next().await? else { break };
            let due = self.pace.due(tally.frames(), time).unwrap_or_else(|| start.elapsed());
            if self.time.is_some_and(|end| due >= end) {
                break;
            }
            sleep_until((start + due).into()).await;
            let data = self.data.next(tally.frames());
            let has_data = data.is_some();
            let sent_at = Instant::now();
            match send(sender, frame.clone(), data).await {
                Err(SendError::PeerLeft) => break,
                sent => sent?,
            }
            tally.data_sent += u64::from(has_data);
            tally.frame(&frame, sent_at.elapsed());
            while let Some(data) = sender.try_recv_data() {
                self.take(data, tally, live);
            }
            live.update(tally);
        }
        Ok(())
    }

    fn take(&self, data: Value, tally: &mut Tally, live: &LiveLine) {
        tally.data_received += 1;
        if self.print_data {
            live.suspend(|| print::data(&data, self.json));
        }
        if let Value::Frame(frame) = &data {
            tally.returned_frame(frame);
        }
    }
}

/// Sends a frame and waits for its answer, so that what is counted as sent has arrived.
async fn send(sender: &FrameSender, frame: Frame, data: Option<Value>) -> Result<(), SendError> {
    sender.send(frame, data).await?;
    sender.flush().await
}

impl From<Fps> for Pace {
    fn from(fps: Fps) -> Self {
        match fps {
            Fps::Max => Self::Max,
            Fps::Rate(rate) => Self::Rate(rate),
        }
    }
}

impl Pace {
    /// When the frame of that number, which the source has at `time`, is due after the start.
    fn due(self, number: u64, time: Duration) -> Option<Duration> {
        match self {
            Self::Max => None,
            Self::Source => Some(time),
            Self::Rate(rate) => Some(rate.time_of(number)),
        }
    }
}

impl Outgoing {
    fn next(&self, number: u64) -> Option<Value> {
        match self {
            Self::Nothing => None,
            Self::Same(value) => Some(value.clone()),
            Self::Number => Some(Value::from(number)),
        }
    }
}
