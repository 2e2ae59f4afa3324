use std::{
    collections::VecDeque,
    pin::pin,
    time::{Duration, Instant},
};

use netgear::{
    media::{FrameRate, TimedFrame},
    prelude::{Frame, FramePolicy, FrameSender, Stats, Value},
    proto::session,
    transport::{CloseError, Closed, SendError, WaitError},
};
use tokio::time::{sleep, timeout};

use crate::{
    Failure,
    feed::Feed,
    live::LiveLine,
    lossy::{Crossing, Lossy},
    options::Fps,
    print,
    stop::Stop,
    summary::Tally,
    thinning::Thinning,
};

/// How a stream is sent.
#[derive(Debug)]
pub(crate) struct Sending {
    pub(crate) feed: Feed,
    pub(crate) pace: Pace,
    pub(crate) data: Outgoing,
    /// Whether frames may be dropped, rather than wait for the receiver.
    pub(crate) policy: FramePolicy,
    /// The end, in frames or in time since the first of them; the source's own end comes first.
    pub(crate) frames: Option<u64>,
    pub(crate) time: Option<Duration>,
    pub(crate) print_data: bool,
    pub(crate) json: bool,
    /// Runs from the first frame of all, whoever it went to: the next receiver gets what comes after.
    pub(crate) clock: Option<PaceClock>,
    /// What is left out of a device's frames, for a rate that is lower than its own.
    pub(crate) thinning: Thinning,
    /// Frames that were read so far, without those that were left out.
    pub(crate) read: u64,
    /// Those that are not known to have arrived, oldest first, if none is to be dropped: the next receiver gets them.
    pub(crate) unanswered: VecDeque<Unanswered>,
    /// What tells how frames arrive, if that matters and they do not as they are.
    pub(crate) lossy: Option<Lossy>,
}

/// A frame that is not known to have arrived.
#[derive(Debug, Clone)]
pub(crate) struct Unanswered {
    frame: Frame,
    data: Option<Value>,
    /// What the receiver has once it arrives.
    arrives: Frame,
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

impl Sending {
    /// How long the end may take before the user is told what it waits for. It takes longer where a VidGear client's
    /// application does.
    const SILENT_FOR: Duration = Duration::from_millis(1_500);
    /// What a device captured longer ago than this, before there was a receiver, is not what it sees now.
    const STALE: Duration = Duration::from_millis(250);

    /// Sends to one receiver until the source ends, the receiver leaves, or the user wants to stop.
    pub(crate) async fn run(
        &mut self,
        sender: FrameSender,
        stop: &mut Stop,
        tally: &mut Tally,
        mut live: LiveLine,
    ) -> Result<Ended, Failure> {
        let sent = tokio::select! {
            sent = self.send_all(&sender, tally, &mut live) => sent,
            () = stop.requested() => Ok(Ended::Done),
        };
        // The receiver is told goodbye whatever went wrong here; what counts first is what went wrong.
        let leaving = self.leave(sender, tally, live);
        let closed = tokio::select! {
            closed = leaving => closed,
            // A second time: at once.
            () = stop.requested() => Ok(()),
        };
        tally.end_session();
        let ended = sent?;
        closed?;
        Ok(ended)
    }

    async fn send_all(
        &mut self,
        sender: &FrameSender,
        tally: &mut Tally,
        live: &mut LiveLine,
    ) -> Result<Ended, Failure> {
        match sender.peer().await {
            Ok(peer) => tally.peer(peer),
            // It came and left before it was looked at.
            Err(WaitError::Over) => return Ok(Ended::PeerLeft),
            Err(error) => return Err(error.into()),
        }
        // What the receiver before did not get; those stay in the list until this one has them.
        tally.not_dropped(self.unanswered.len() as u64);
        for at in 0..self.unanswered.len() {
            let Some(Unanswered { frame, data, .. }) = self.unanswered.get(at).cloned() else { break };
            let Some(crossing) = self.crossing(sender, &frame).await? else { return Ok(Ended::PeerLeft) };
            if let Some(unanswered) = self.unanswered.get_mut(at) {
                unanswered.arrives = crossing.arrives;
            }
            let has_data = data.is_some();
            let mut outgoing = session::Outgoing::new(frame, sender.now()).with_encoded(crossing.encoded);
            outgoing.data = data;
            match sender.send_outgoing(outgoing).await {
                Err(SendError::PeerLeft) => return Ok(Ended::PeerLeft),
                sent => sent?,
            }
            tally.data_given += u64::from(has_data);
        }
        let began = Instant::now();
        let mut may_be_stale = Feed::MOST_WAITING;
        while self.frames.is_none_or(|frames| self.read < frames) {
            let Some(TimedFrame { frame, time, captured_at, .. }) = self.feed.next().await? else { break };
            if let Some(moment) = captured_at {
                if may_be_stale > 0 && sender.now().since(moment) > Self::STALE {
                    may_be_stale -= 1;
                    continue;
                }
                may_be_stale = 0;
                if let Pace::Rate(rate) = self.pace
                    && !self.thinning.keeps(time, rate)
                {
                    continue;
                }
            }
            let wait = match self.pace.due(self.read, time, captured_at.is_some()) {
                Some(due) => self.clock.get_or_insert_with(|| PaceClock { start: Instant::now() }).wait(due),
                None => Duration::ZERO,
            };
            if self.time.is_some_and(|end| began.elapsed().saturating_add(wait) >= end) {
                break;
            }
            // Even a wait for no time at all would be one until the timer's next millisecond.
            if !wait.is_zero() {
                sleep(wait).await;
            }
            let data = self.data.next(self.read);
            self.read += 1;
            let captured_at = captured_at.unwrap_or_else(|| sender.now());
            tally.frame_bytes = frame.pixels().len();
            tally.begin();
            if self.policy == FramePolicy::Block {
                // Until it is known otherwise: a stop may come in between, and the frame is not forgotten.
                self.unanswered.push_back(Unanswered {
                    arrives: frame.clone(),
                    frame: frame.clone(),
                    data: data.clone(),
                });
            }
            let Some(crossing) = self.crossing(sender, &frame).await? else { return Ok(Ended::PeerLeft) };
            if self.policy == FramePolicy::Block
                && let Some(unanswered) = self.unanswered.back_mut()
            {
                unanswered.arrives = crossing.arrives;
            }
            let has_data = data.is_some();
            let mut outgoing = session::Outgoing::new(frame, captured_at).with_encoded(crossing.encoded);
            outgoing.data = data;
            let sent = sender.send_outgoing(outgoing).await;
            tally.data_given += u64::from(has_data && sent.is_ok());
            self.count(sender, tally, live);
            match sent {
                Err(SendError::PeerLeft) => return Ok(Ended::PeerLeft),
                sent => sent?,
            }
            live.update(tally, None);
        }
        self.flush(sender, tally, live).await
    }

    /// What becomes of a frame on its way; `None` if the receiver has left.
    async fn crossing(&self, sender: &FrameSender, frame: &Frame) -> Result<Option<Crossing>, Failure> {
        let Some(lossy) = &self.lossy else {
            return Ok(Some(Crossing { encoded: None, arrives: frame.clone() }));
        };
        match lossy.crossing(sender, frame).await {
            Ok(crossing) => Ok(Some(crossing)),
            Err(WaitError::Over) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits for the last answers, as long as they keep coming.
    async fn flush(
        &mut self,
        sender: &FrameSender,
        tally: &mut Tally,
        live: &mut LiveLine,
    ) -> Result<Ended, Failure> {
        loop {
            let before = sender.stats().frames_delivered;
            let flushed = sender.flush().await;
            self.count(sender, tally, live);
            match flushed {
                Ok(()) => return Ok(Ended::Done),
                Err(SendError::PeerLeft) => return Ok(Ended::PeerLeft),
                Err(SendError::Timeout(_)) if sender.stats().frames_delivered > before => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Says goodbye, after the answers to the frames that are still on their way, which are no lost ones if they
    /// come.
    async fn leave(
        &mut self,
        sender: FrameSender,
        tally: &mut Tally,
        live: LiveLine,
    ) -> Result<(), CloseError> {
        self.count(&sender, tally, &live);
        let mut closing = pin!(sender.close());
        let closed = match timeout(Self::SILENT_FOR, &mut closing).await {
            Ok(closed) => closed,
            Err(_) => {
                if tally.speaks_vidgear() {
                    live.suspend(|| {
                        print::note(
                            &"waiting for the VidGear client to confirm the end; Ctrl-C leaves at once",
                        )
                    });
                }
                closing.await
            }
        };
        let Closed { stats, undelivered, untaken, .. } = closed?;
        for data in untaken {
            self.take(data, tally, &live);
        }
        self.note(stats, tally);
        drop(live);
        print::undelivered(&undelivered);
        Ok(())
    }

    /// Takes what has come back, and notes what has arrived.
    fn count(&mut self, sender: &FrameSender, tally: &mut Tally, live: &LiveLine) {
        while let Some(data) = sender.try_recv_data() {
            self.take(data, tally, live);
        }
        let returns = tally.returns();
        self.note(sender.stats(), tally);
        if tally.returns() > returns {
            live.suspend(|| print::note(&"the receiver is back"));
        }
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

    fn note(&mut self, stats: Stats, tally: &mut Tally) {
        let arrived = tally.note(stats);
        for _ in 0..arrived {
            if let Some(Unanswered { arrives, .. }) = self.unanswered.pop_front() {
                tally.digest(&arrives);
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
    /// When the frame of that number, which the source has at `time`, is due after the start; `None` if that does not
    /// matter.
    fn due(self, number: u64, time: Duration, is_captured: bool) -> Option<Duration> {
        match self {
            Self::Max => None,
            // A device has kept its own pace, and to hold back what it captured would only make it older.
            Self::Source | Self::Rate(_) if is_captured => None,
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
    /// A delay up to this is made up for by the frames that follow, so that the rate is kept on average. After a
    /// longer one the stream goes on at its pace: a receiver that could not keep up is not sent all that it missed in
    /// one burst.
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
