use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::{
    Dialect, Role, Value,
    session::{Ending, Peer, ResumeToken, Session, Stats},
};
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::{
    CloseError, Endpoint, SessionFailure, WaitError,
    clock::Clock,
    encoding::Encoder,
    shared::{Shared, State},
};

/// One of the two ends, which a [`Builder`](crate::Builder) makes. Only this crate has such.
pub trait End: private::Sealed {
    /// Which end it is.
    const ROLE: Role;

    #[doc(hidden)]
    fn from_handle(handle: Handle, encoder: Option<Encoder>) -> Self;
}

pub(crate) mod private {
    pub trait Sealed {}
}

/// What both ends have: the session, and how long to wait for it. Dropping it says goodbye in the background.
#[derive(Debug)]
pub struct Handle {
    shared: Arc<Shared>,
    clock: Clock,
    timeout: Duration,
    wait: Option<Duration>,
    endpoint: Option<Endpoint>,
}

/// Why waiting on the session came to nothing.
pub(crate) enum Unmet {
    /// No peer appeared within this time.
    NoPeer(Duration),
    /// The peer is there, and nothing came of it within this time.
    Timeout(Duration),
}

impl Handle {
    pub(crate) fn new(
        shared: Arc<Shared>,
        clock: Clock,
        timeout: Duration,
        wait: Option<Duration>,
        endpoint: Option<Endpoint>,
    ) -> Self {
        Self { shared, clock, timeout, wait, endpoint }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        self.shared.with(act)
    }

    pub(crate) fn poll_stream<R>(
        &self,
        cx: &mut Context<'_>,
        attempt: impl FnOnce(&mut State) -> Option<R>,
    ) -> Poll<R> {
        self.shared.poll_stream(cx, attempt)
    }

    /// Tries until `attempt` gives something: without end while no peer is there (unless the user set one), and for the
    /// timeout while one is. Cancel-safe if `attempt` is done when it gives something.
    pub(crate) async fn until<R>(
        &self,
        mut attempt: impl FnMut(&mut State) -> Option<R>,
    ) -> Result<R, Unmet> {
        // Most calls are done at once, and need no clock.
        let mut there = None;
        loop {
            let changed = self.shared.changed();
            if let Some(result) = self.with(&mut attempt) {
                return Ok(result);
            }
            match self.deadline(*there.get_or_insert_with(|| self.shared.lock().presence.there())) {
                Some((deadline, unmet)) => timeout_at(deadline, changed).await.map_err(|_| unmet)?,
                None => changed.await,
            }
        }
    }

    /// Until when a call waits, and what it comes to then, as things stand now. When it was made, the peer had been there for
    /// so long.
    fn deadline(&self, there: Duration) -> Option<(Instant, Unmet)> {
        let presence = self.shared.lock().presence;
        // A moment past what the clock can say never comes.
        if presence.is_there() {
            let waited = presence.there().saturating_sub(there);
            let left = self.timeout.saturating_sub(waited);
            Some((Instant::now().checked_add(left)?, Unmet::Timeout(self.timeout)))
        } else {
            let wait = self.wait?;
            Some((presence.gone_since.checked_add(wait)?, Unmet::NoPeer(wait)))
        }
    }

    /// Until when a peer has to appear, if there is none and the user set a time.
    pub(crate) fn peer_due(&self) -> Option<(Instant, Duration)> {
        match self.deadline(Duration::ZERO)? {
            (deadline, Unmet::NoPeer(wait)) => Some((deadline, wait)),
            (_, Unmet::Timeout(_)) => None,
        }
    }

    pub(crate) async fn peer(&self) -> Result<Peer, WaitError> {
        let settled = self.until(|state| match state.over() {
            Some(Err(failure)) => Some(Err(failure.into())),
            Some(Ok(_)) => Some(Err(WaitError::Over)),
            None => state.session.peer().filter(|_| state.session.is_open()).copied().map(Ok),
        });
        match settled.await {
            Ok(result) => result,
            Err(Unmet::NoPeer(wait) | Unmet::Timeout(wait)) => Err(WaitError::NoPeer(wait)),
        }
    }

    /// Data was sent that Python takes for none: said once, since it may be a mistake and may be meant.
    pub(crate) fn note_falsy_data(&self) {
        let is_news = self.with(|state| {
            let is_vidgear = state.session.peer().is_some_and(|peer| peer.dialect == Dialect::VidGear);
            is_vidgear && !mem::replace(&mut state.falsy_data_noted, true)
        });
        if is_news {
            warn!(
                "VidGear hands falsy data (0, false, an empty text, list or map) to its application as None"
            );
        }
    }

    pub(crate) fn stats(&self) -> Stats {
        self.with(|state| state.session.stats())
    }

    pub(crate) fn resume_token(&self) -> Option<ResumeToken> {
        self.with(|state| state.session.resume_token())
    }

    pub(crate) fn take_undelivered(&self) -> Vec<Value> {
        self.with(|state| state.session.take_undelivered())
    }

    /// Says goodbye and waits until the driver is done, which takes the linger time and a second at most, and
    /// the confirmation of a VidGear client.
    pub(crate) async fn close(&self) -> Result<Closed, CloseError> {
        self.shared.request_close(self.clock.now());
        self.shared.until(|state| state.finished.then_some(())).await;
        self.with(|state| {
            let undelivered = state.session.take_undelivered();
            let untaken = take_rest(&mut state.session);
            match state.failure.clone() {
                None => Ok(Closed { stats: state.session.stats(), undelivered, untaken }),
                Some(failure) => Err(CloseError { failure, undelivered, untaken }),
            }
        })
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.request_close(self.clock.now());
    }
}

/// What closing an end came to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Closed {
    /// What has crossed, over all connections.
    pub stats: Stats,
    /// Data of this end that is not known to have been received, oldest first. Empty if all was.
    pub undelivered: Vec<Value>,
    /// Data of the peer that came and was not taken, oldest first: for the peer it is delivered.
    pub untaken: Vec<Value>,
}

/// All data that the application has not come for, with that of the frames.
fn take_rest(session: &mut Session) -> Vec<Value> {
    let mut rest = Vec::new();
    loop {
        while let Some(data) = session.recv_data() {
            rest.push(data);
        }
        let Some(delivery) = session.recv_undecoded() else { return rest };
        rest.extend(delivery.earlier.into_iter().chain(delivery.data));
    }
}

impl State {
    /// How it ended, once the driver is done with it, or the session is over in good order.
    pub(crate) fn over(&self) -> Option<Result<Ending, SessionFailure>> {
        match (&self.failure, self.session.ending()) {
            (Some(failure), _) => Some(Err(failure.clone())),
            (None, Some(ending @ (Ending::Closed | Ending::PeerLeft))) => Some(Ok(ending)),
            (None, _) if self.finished => Some(Ok(Ending::Closed)),
            // The failure itself is known when the driver is done.
            (None, _) => None,
        }
    }
}
