use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use netgear_proto::Timestamp;
use tokio::time::{Instant, Sleep, sleep_until};

/// The time that sessions and frames are stamped with: microseconds since 1970-01-01 00:00 UTC, read once from the
/// system's clock and carried on by the monotonic one, so that it never steps back while a session lasts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    started_at: Timestamp,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_at: Timestamp::ZERO + since_1970 }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.started_at + self.started.elapsed()
    }

    fn instant(&self, timestamp: Timestamp) -> Instant {
        // tokio's timer holds no more than some years. A wait that is cut short is looked at again when it ends.
        let ahead = timestamp.since(self.now()).min(Duration::from_secs(86_400 * 365));
        Instant::now() + ahead
    }
}

/// Tells when a moment has come that may move between one look and the next.
///
/// Deadlines mostly move away, with every byte that proves a peer alive. The timer is left as it is then, and looked
/// at when it fires: one wake-up too many now and then, in place of one re-arming for each message.
#[derive(Debug)]
pub(crate) struct Alarm {
    clock: Clock,
    sleep: Pin<Box<Sleep>>,
    armed: Option<Timestamp>,
}

impl Alarm {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, sleep: Box::pin(sleep_until(Instant::now())), armed: None }
    }

    /// Ready once the moment has come; never without one.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>, due: Option<Timestamp>) -> Poll<Timestamp> {
        let Some(due) = due else { return Poll::Pending };
        if self.armed.is_some_and(|armed| armed <= due) {
            // The clock need not be read to know that it is not yet time.
            ready!(self.sleep.as_mut().poll(cx));
            self.armed = None;
        }
        loop {
            let now = self.clock.now();
            if now >= due {
                return Poll::Ready(now);
            }
            if self.armed.is_none_or(|armed| armed > due) {
                self.sleep.as_mut().reset(self.clock.instant(due));
                self.armed = Some(due);
            }
            ready!(self.sleep.as_mut().poll(cx));
            self.armed = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_follows_a_deadline_that_moves_either_way() {
        let clock = Clock::new();
        let start = clock.now();
        let mut alarm = Alarm::new(clock);
        let after = |seconds| Some(start + Duration::from_secs(seconds));
        // Armed for 10 s, then asked for 5 s: the earlier one counts.
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll_due(cx, after(10)))).await.is_pending());
        let fired = poll_fn(|cx| alarm.poll_due(cx, after(5))).await;
        assert!(fired.since(start) >= Duration::from_secs(5) && fired.since(start) < Duration::from_secs(6));
        // Armed for 10 s, then asked for 20 s: it does not fire early.
        assert!(poll_fn(|cx| Poll::Ready(alarm.poll_due(cx, after(10)))).await.is_pending());
        let fired = poll_fn(|cx| alarm.poll_due(cx, after(20))).await;
        assert!(fired.since(start) >= Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_year_an_alarm_still_waits() {
        let clock = Clock::new();
        tokio::time::advance(Duration::from_secs(86_400 * 400)).await;
        let mut alarm = Alarm::new(clock);
        let start = clock.now();
        let fired = poll_fn(|cx| alarm.poll_due(cx, Some(start + Duration::from_secs(5)))).await;
        assert!(fired.since(start) >= Duration::from_secs(5));
        assert!(
            poll_fn(|cx| Poll::Ready(alarm.poll_due(cx, Some(Timestamp::FAR_FUTURE)))).await.is_pending()
        );
    }
}
