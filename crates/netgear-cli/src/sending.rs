use std::{
    pin::pin,
    time::{Duration, Instant},
};

use netgear::{
    media::{FrameRate, TimedFrame},
    prelude::{Dialect, Frame, FrameSender, Value},
    transport::{CloseError, SendError, WaitError},
};
use tokio::time::{sleep, timeout_at};

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
    /// Runs from the first frame of all, whoever it went to: the next receiver gets what comes after.
    pub(crate) clock: Option<PaceClock>,
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

/// Why a stream ended in good order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All was done, or the user wants no more.
    Done,
    /// The other end left.
    PeerLeft,
}

/// What the end of the loop leaves to do.
#[derive(Debug, Default)]
struct Unfinished {
    in_flight: Option<InFlight>,
    /// Whether this receiver is a VidGear client.
    speaks_vidgear: bool,
}

/// A frame that was sent and is not answered yet.
#[derive(Debug)]
struct InFlight {
    frame: Frame,
    has_data: bool,
    sent_at: Instant,
}

impl Sending {
    /// How long the last answer and the goodbye may take when the receiver does not answer any more, so that Ctrl-C ends
    /// the program all the same. A VidGear client takes longer if its application does.
    const LONGEST_GOODBYE: Duration = Duration::from_millis(1_500);

    /// Sends to one receiver until the source ends, the receiver leaves, or the user wants to stop.
    pub(crate) async fn run(
        &mut self,
        sender: FrameSender,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<Ended, Failure> {
        let mut unfinished = Unfinished::default();
        let sent = tokio::select! {
            sent = self.send_all(&sender, tally, &mut live, &mut unfinished) => sent,
            () = stop.requested() => Ok(Ended::Done),
        };
        // The receiver is told goodbye whatever went wrong here; what counts first is what went wrong.
        let leaving = self.leave(sender, tally, live, unfinished);
        let closed = tokio::select! {
            closed = leaving => closed,
            // A second time: at once.
            () = stop.requested() => Ok(()),
        };
        let ended = sent?;
        closed?;
        Ok(ended)
    }

    async fn send_all(
        &mut self,
        sender: &FrameSender,
        tally: &mut Tally,
        live: &mut LiveLine,
        unfinished: &mut Unfinished,
    ) -> Result<Ended, Failure> {
        match sender.peer().await {
            Ok(peer) => {
                unfinished.speaks_vidgear = peer.dialect == Dialect::VidGear;
                tally.peer(peer);
            }
            // It came and left before it was looked at.
            Err(WaitError::Over) => return Ok(Ended::PeerLeft),
            Err(error) => return Err(error.into()),
        }
        let began = Instant::now();
        while self.frames.is_none_or(|frames| tally.frames() < frames) {
            let Some(TimedFrame { frame, time }) = self.feed.next().await? else { break };
            let wait = match self.pace.due(tally.frames(), time) {
                Some(due) => self.clock.get_or_insert(PaceClock { start: began }).wait(due),
                None => Duration::ZERO,
            };
            if self.time.is_some_and(|end| began.elapsed().saturating_add(wait) >= end) {
                break;
            }
            // Even a wait for no time at all would be one until the timer's next millisecond.
            if !wait.is_zero() {
                sleep(wait).await;
            }
            let data = self.data.next(tally.frames());
            let (has_data, sent_at) = (data.is_some(), Instant::now());
            match sender.send(frame.clone(), data).await {
                Err(SendError::PeerLeft) => return Ok(Ended::PeerLeft),
                sent => sent?,
            }
            unfinished.in_flight = Some(InFlight { frame, has_data, sent_at });
            // What is counted as sent has been answered, and so has arrived.
            match sender.flush().await {
                Err(SendError::PeerLeft) => return Ok(Ended::PeerLeft),
                flushed => flushed?,
            }
            self.count(unfinished.in_flight.take(), sender, tally, live);
            live.update(tally);
        }
        Ok(Ended::Done)
    }

    /// Says goodbye, after the answer to the frame that is still on its way, which is no lost one if it comes.
    async fn leave(
        &self,
        sender: FrameSender,
        tally: &mut Tally,
        live: LiveLine,
        unfinished: Unfinished,
    ) -> Result<(), CloseError> {
        let Unfinished { in_flight, speaks_vidgear } = unfinished;
        let deadline = Instant::now() + Self::LONGEST_GOODBYE;
        if in_flight.is_some() {
            tally.dropped += 1;
            let flushed = timeout_at(deadline.into(), sender.flush()).await;
            // A receiver that leaves may say so in the place of the answer, and says what it has taken.
            let is_taken = sender.stats().frames_delivered > tally.frames();
            if matches!(flushed, Ok(Ok(()))) || is_taken {
                tally.dropped -= 1;
                self.count(in_flight, &sender, tally, &live);
            }
        }
        drop(live);
        let mut closing = pin!(sender.close());
        let closed = match timeout_at(deadline.into(), &mut closing).await {
            Ok(closed) => closed,
            Err(_) if speaks_vidgear => {
                print::note(&"waiting for the VidGear client to confirm the end; Ctrl-C leaves at once");
                closing.await
            }
            Err(_) => return Ok(()),
        };
        closed.map(drop)
    }

    /// A frame has been answered.
    fn count(&self, frame: Option<InFlight>, sender: &FrameSender, tally: &mut Tally, live: &LiveLine) {
        if let Some(InFlight { frame, has_data, sent_at }) = frame {
            tally.data_sent += u64::from(has_data);
            tally.frame(&frame, Some(sent_at.elapsed()));
        }
        while let Some(data) = sender.try_recv_data() {
            tally.data_received += 1;
            if self.print_data {
                live.suspend(|| print::data(&data, self.json));
            }
            if let Value::Frame(frame) = &data {
                tally.returned_frame(frame);
            }
        }
    }
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
    /// When the frame of that number, which the source has at `time`, is due after the start; `None` if that does not matter.
    fn due(self, number: u64, time: Duration) -> Option<Duration> {
        match self {
            Self::Max => None,
            Self::Source => Some(time),
            Self::Rate(rate) => Some(rate.time_of(number)),
        }
    }
}

/// Tells how long until a frame is due.
#[derive(Debug)]
pub(crate) struct PaceClock {
    start: Instant,
}

impl PaceClock {
    /// A delay up to this is made up for by the frames that follow, so that the rate is kept on average. After a longer one
    /// the stream goes on at its pace: a receiver that could not keep up is not sent all that it missed in one burst.
    const MADE_UP_FOR: Duration = Duration::from_millis(200);

    fn wait(&mut self, due: Duration) -> Duration {
        let elapsed = self.start.elapsed();
        let late = elapsed.saturating_sub(due);
        if late > Self::MADE_UP_FOR {
            self.start += late;
        }
        due.saturating_sub(elapsed)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_delay_is_made_up_for_and_a_long_one_is_not() {
        let seconds = Duration::from_secs_f64;
        let since = |passed: f64| PaceClock { start: Instant::now() - seconds(passed) };

        let mut punctual = since(1.0);
        assert!(punctual.wait(seconds(1.5)).abs_diff(seconds(0.5)) < seconds(0.1));

        let mut late = since(1.0);
        assert_eq!(late.wait(seconds(0.9)), Duration::ZERO);
        assert!(late.wait(seconds(1.5)).abs_diff(seconds(0.5)) < seconds(0.1));

        let mut stalled = since(10.0);
        assert_eq!(stalled.wait(seconds(1.0)), Duration::ZERO);
        // The next one comes half a second after, and not at once.
        assert!(stalled.wait(seconds(1.5)).abs_diff(seconds(0.5)) < seconds(0.1));
    }
}
