use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::{
    Dialect, Role,
    session::{Ending, Peer, Stats},
};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use crate::{
    Endpoint, SessionFailure, WaitError,
    clock::Clock,
    shared::{Shared, State},
};

/// One of the two ends, which a [`Builder`](crate::Builder) makes. Only this crate has such.
pub trait End: private::Sealed {
    /// Which end it is.
    const ROLE: Role;

    #[doc(hidden)]
    fn from_handle(handle: Handle) -> Self;
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
    wait: Option<(Duration, Instant)>,
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
        // A moment past what the clock can say never comes.
        let wait = wait.and_then(|wait| Some((wait, Instant::now().checked_add(wait)?)));
        Self { shared, clock, timeout, wait, endpoint }
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
    /// timeout once one is. Cancel-safe if `attempt` is done when it gives something.
    pub(crate) async fn until<R>(
        &self,
        mut attempt: impl FnMut(&mut State) -> Option<R>,
    ) -> Result<R, Unmet> {
        // What can be had at once, such as a frame that came before the peer left, needs no peer.
        if let Some(result) = self.with(&mut attempt) {
            return Ok(result);
        }
        let peer_is_there = self.shared.until(|state| state.is_settled().then_some(()));
        match self.wait {
            Some((wait, deadline)) => {
                timeout_at(deadline, peer_is_there).await.map_err(|_| Unmet::NoPeer(wait))?;
            }
            None => peer_is_there.await,
        }
        timeout(self.timeout, self.shared.until(attempt)).await.map_err(|_| Unmet::Timeout(self.timeout))
    }

    pub(crate) async fn peer(&self) -> Result<Peer, WaitError> {
        let settled = self.until(|state| match (state.session.peer(), state.over()) {
            (_, Some(Err(failure))) => Some(Err(failure.into())),
            (_, Some(Ok(_))) => Some(Err(WaitError::Over)),
            (Some(peer), None) => Some(Ok(*peer)),
            (None, None) => None,
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

    /// Says goodbye and waits until the driver is done, which takes the linger time and a second at most, and
    /// the confirmation of a VidGear client.
    pub(crate) async fn close(&self) -> Result<(), SessionFailure> {
        self.shared.request_close();
        self.shared.until(|state| state.finished.then_some(())).await;
        self.with(|state| state.failure.clone().map_or(Ok(()), Err))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.request_close();
    }
}

impl State {
    /// Whether a peer is there, or none will be any more.
    fn is_settled(&self) -> bool {
        self.session.peer().is_some() || self.failure.is_some() || self.finished
    }

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
