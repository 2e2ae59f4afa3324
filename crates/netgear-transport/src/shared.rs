use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures_util::task::AtomicWaker;
use netgear_proto::session::{Session, SessionConfig};

use crate::SessionFailure;

/// What an application's handle and the task that drives the session both hold.
///
/// The handle works on the session itself, under a lock that nobody holds while waiting; the driver carries out what comes
/// of it, and wakes those who wait.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    driver: AtomicWaker,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) session: Session,
    /// The application has closed or dropped its handle.
    pub(crate) closing: bool,
    /// The driver is done, and nothing will change any more.
    pub(crate) finished: bool,
    /// Why the session failed, if it did.
    pub(crate) failure: Option<SessionFailure>,
    /// Who waits for a change: the tasks that hold the handle, each once.
    waiters: Vec<Waker>,
}

impl Shared {
    pub(crate) fn new(config: SessionConfig) -> Self {
        let state = State {
            session: Session::new(config),
            closing: false,
            finished: false,
            failure: None,
            waiters: Vec::new(),
        };
        Self { state: Mutex::new(state), driver: AtomicWaker::new() }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves no half-done state behind: every method of a session is done when it returns.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with the session, and has the driver carry out what comes of it.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        let mut state = self.lock();
        let result = act(&mut state);
        let driver_is_due = state.session.has_output();
        drop(state);
        if driver_is_due {
            self.driver.wake();
        }
        result
    }

    /// Ready once `attempt` gives something; until then, tried again after every change.
    pub(crate) fn poll_with<R>(
        &self,
        cx: &mut Context<'_>,
        mut attempt: impl FnMut(&mut State) -> Option<R>,
    ) -> Poll<R> {
        self.with(|state| match attempt(state) {
            Some(result) => Poll::Ready(result),
            None => {
                state.wait(cx.waker());
                Poll::Pending
            }
        })
    }

    /// Asks the driver to say goodbye and end.
    pub(crate) fn request_close(&self) {
        self.lock().closing = true;
        self.driver.wake();
    }

    /// The driver's task is to be woken when the application does something.
    pub(crate) fn register_driver(&self, cx: &Context<'_>) {
        self.driver.register(cx.waker());
    }

    /// The driver is done.
    pub(crate) fn finish(&self, result: Result<(), SessionFailure>) {
        let mut state = self.lock();
        state.finished = true;
        state.failure = result.err();
        state.wake_waiters();
    }
}

impl State {
    fn wait(&mut self, waker: &Waker) {
        if !self.waiters.iter().any(|waiter| waiter.will_wake(waker)) {
            self.waiters.push(waker.clone());
        }
    }

    pub(crate) fn wake_waiters(&mut self) {
        for waiter in mem::take(&mut self.waiters) {
            waiter.wake();
        }
    }
}
