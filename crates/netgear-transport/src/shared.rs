use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use netgear_proto::{
    Timestamp,
    session::{Event, Session, SessionConfig},
};
use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

use crate::{SessionFailure, decoding::Decoding};

/// What an application's handle and the task that drives the session both hold.
///
/// The handle works on the session itself, under a lock that nobody holds while waiting or waking; the driver carries
/// out what comes of it, and wakes those who wait.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    driver: AtomicWaker,
    /// The driver was called, to look at the session, and has not come yet.
    is_called: AtomicBool,
    waiters: Arc<Waiters>,
}

/// Those who wait for a change.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    /// Those who wait in a method of the handle.
    changed: Notify,
    /// The one who polls the handle as a stream.
    stream: AtomicWaker,
}

impl Waiters {
    /// Something has changed. Wakers may run anything, so that the session's lock must not be held.
    pub(crate) fn wake(&self) {
        self.changed.notify_waiters();
        self.stream.wake();
    }
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) session: Session,
    pub(crate) presence: Presence,
    /// When the application closed or dropped its handle.
    pub(crate) closing_since: Option<Timestamp>,
    /// The driver is done, and nothing will change any more.
    pub(crate) finished: bool,
    /// Why the session failed, if it did.
    pub(crate) failure: Option<SessionFailure>,
    /// The application has been told what VidGear makes of falsy data.
    pub(crate) falsy_data_noted: bool,
    /// What the receiver makes of encoded frames.
    pub(crate) decoding: Decoding,
}

/// Whether the peer is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presence {
    /// Since when it is there; `None` while it is gone.
    there_since: Option<Instant>,
    /// Since when it is gone, or would be if it went now and had shown no more than its hello.
    pub(crate) gone_since: Instant,
    /// How long it was there in all, before this time.
    there_before: Duration,
}

/// A peer that says hello and goes, and comes again, is as good as none: each wait would begin anew. It counts as
/// found when it has stayed so long, or has brought something.
const STAYS: Duration = Duration::from_millis(100);

impl Presence {
    fn new() -> Self {
        Self { there_since: None, gone_since: Instant::now(), there_before: Duration::ZERO }
    }

    pub(crate) fn note(&mut self, event: Event) {
        let now = Instant::now();
        match (event, self.there_since) {
            (Event::Connected(_), None) => self.there_since = Some(now),
            (Event::Disconnected, Some(since)) => {
                self.there_since = None;
                self.there_before += now - since;
                if now - since >= STAYS || self.gone_since > since {
                    self.gone_since = now;
                }
            }
            (Event::FrameArrived | Event::DataArrived | Event::Answered, Some(_)) => self.gone_since = now,
            _ => {}
        }
    }

    pub(crate) fn is_there(&self) -> bool {
        self.there_since.is_some()
    }

    /// How long it was there, over all connections.
    pub(crate) fn there(&self) -> Duration {
        self.there_before + self.there_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl State {
    /// Has the next frame decoded, if the application takes its frames so: while it is at one, that is all that is
    /// done ahead.
    pub(crate) fn decode_ahead(&mut self) {
        if let Some(next) = self.session.next_encoded() {
            self.decoding.prepare(next);
        }
    }

    /// Has the session close, if the application asked for it, and counts from then.
    pub(crate) fn close_if_asked(&mut self) {
        if let Some(since) = self.closing_since {
            self.session.close(since);
        }
    }
}

impl Shared {
    /// What decodes is made of those who wait for it.
    pub(crate) fn new(config: SessionConfig, decoding: impl FnOnce(Arc<Waiters>) -> Decoding) -> Self {
        let waiters = Arc::default();
        let state = State {
            session: Session::new(config),
            presence: Presence::new(),
            closing_since: None,
            finished: false,
            failure: None,
            falsy_data_noted: false,
            decoding: decoding(Arc::clone(&waiters)),
        };
        Self {
            state: Mutex::new(state),
            driver: AtomicWaker::new(),
            is_called: AtomicBool::new(false),
            waiters,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves no half-done state behind: every method of a session is done when it returns.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody holds the lock.
    #[cfg(test)]
    pub(crate) fn is_unlocked(&self) -> bool {
        self.state.try_lock().is_ok()
    }

    /// Does something with the session, and has the driver carry out what comes of it, and the codec begin with what
    /// is due.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        let driver_is_due = state.session.has_output() || state.session.has_to_be_timed();
        let decoding_is_due = state.decoding.due();
        drop(state);
        if driver_is_due {
            self.call_driver();
        }
        if let Some(job) = decoding_is_due {
            job.begin();
        }
        result
    }

    /// Ready after the next change. Made before a look at the state, it hears of every change after that.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.waiters.changed.notified()
    }

    /// Waits until `attempt` gives something, which is tried after every change. Nothing is left behind when it is
    /// dropped.
    pub(crate) async fn until<R>(&self, mut attempt: impl FnMut(&mut State) -> Option<R>) -> R {
        loop {
            let changed = self.changed();
            if let Some(result) = self.with(&mut attempt) {
                return result;
            }
            changed.await;
        }
    }

    /// As [`Shared::with`], for the one stream that there is, which is woken by every change after that.
    pub(crate) fn look_as_stream<R>(&self, cx: &Context<'_>, look: impl FnOnce(&mut State) -> R) -> R {
        self.waiters.stream.register(cx.waker());
        self.with(look)
    }

    /// Something has changed. Wakers may run anything, so that the lock must not be held.
    pub(crate) fn wake_waiters(&self) {
        self.waiters.wake();
    }

    /// Asks the driver to say goodbye and end.
    pub(crate) fn request_close(&self, now: Timestamp) {
        self.lock().closing_since.get_or_insert(now);
        self.call_driver();
    }

    fn call_driver(&self) {
        self.is_called.store(true, Ordering::Release);
        self.driver.wake();
    }

    /// Whether the driver was called since it was last asked. To be asked behind [`Shared::register_driver`], so that
    /// no call is missed.
    pub(crate) fn take_call(&self) -> bool {
        self.is_called.swap(false, Ordering::AcqRel)
    }

    /// The driver's task is to be woken when the application does something.
    pub(crate) fn register_driver(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
    }

    /// The session has failed; the driver still has the connection to close.
    pub(crate) fn fail(&self, failure: SessionFailure) {
        let mut state = self.lock();
        state.failure.get_or_insert(failure);
        state.session.abort();
        drop(state);
        self.wake_waiters();
    }

    /// The driver is done.
    pub(crate) fn finish(&self) {
        let mut state = self.lock();
        state.session.abort();
        state.finished = true;
        drop(state);
        self.wake_waiters();
    }
}
