use std::{mem, sync::Arc, task::Context, time::Duration};

use netgear_proto::{
    Dialect, Role, Value,
    session::{Ending, Peer, ResumeToken, Session, Stats},
};
use tokio::time::{Instant, timeout, timeout_at};
use tracing::warn;

use crate::{
    CloseError, Endpoint, SessionFailure, WaitError,
    clock::Clock,
    encoding::Encoder,
    shared::{Presence, Shared, State},
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

/// What a look at the session came to.
pub(crate) enum Look<R> {
    /// What was waited for.
    Found(R),
    /// It is there, and the codec is at it.
    InDecoding,
    /// It is not there.
    Nothing,
}

impl<R> From<Option<R>> for Look<R> {
    fn from(found: Option<R>) -> Self {
        found.map_or(Self::Nothing, Self::Found)
    }
}

/// What one call has waited for so far. A call that waits several times has one deadline.
#[derive(Debug, Default)]
pub(crate) struct Waited {
    /// How long the peer had been there when the call was made.
    there: Option<Duration>,
    /// Since when what the call waits for is being decoded.
    decoding_since: Option<Instant>,
}

/// Why waiting on the session came to nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unmet {
    /// No peer appeared within this time.
    NoPeer(Duration),
    /// The peer is there, and nothing came of it within this time.
    Timeout(Duration),
    /// It has come, and was not decoded within this time.
    Decoding(Duration),
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

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        self.shared.with(act)
    }

    /// A look on behalf of the stream, which is woken by the next change; and if nothing is found, until when it
    /// waits, and what it comes to then: for a peer if the user set a time for that, and for the codec.
    pub(crate) fn poll_stream<R>(
        &self,
        cx: &mut Context<'_>,
        waited: &mut Waited,
        look: impl FnOnce(&mut State) -> Look<R>,
    ) -> Result<R, Option<(Instant, Unmet)>> {
        let (look, presence) = self.shared.look_as_stream(cx, |state| (look(state), state.presence));
        match look {
            Look::Found(result) => Ok(result),
            Look::Nothing if presence.is_there() => {
                *waited = Waited::default();
                Err(None)
            }
            look => Err(self.deadline(&look, waited, presence)),
        }
    }

    /// Tries until `attempt` gives something: without end while no peer is there (unless the user set one), and for
    /// the timeout while one is. Cancel-safe if `attempt` is done when it gives something.
    pub(crate) async fn until<R>(
        &self,
        mut attempt: impl FnMut(&mut State) -> Option<R>,
    ) -> Result<R, Unmet> {
        self.until_found(&mut Waited::default(), |state| attempt(state).into()).await
    }

    /// The same for a call that has waited before, and for what may have to be decoded, which has the timeout once
    /// more.
    pub(crate) async fn until_found<R>(
        &self,
        waited: &mut Waited,
        mut look: impl FnMut(&mut State) -> Look<R>,
    ) -> Result<R, Unmet> {
        let mut is_late = false;
        loop {
            let changed = self.shared.changed();
            // What it comes to if the time is up is decided by the very state that was looked at.
            let (look, presence) = self.with(|state| (look(state), state.presence));
            if let Look::Found(result) = look {
                return Ok(result);
            }
            match self.deadline(&look, waited, presence) {
                Some((deadline, unmet)) if is_late && deadline <= Instant::now() => return Err(unmet),
                // Once it has passed, there is one more look. One that has passed already is awaited all the same:
                // whoever calls again and again must let others run.
                Some((deadline, _)) => is_late = timeout_at(deadline, changed).await.is_err(),
                None => changed.await,
            }
        }
    }

    /// Until when a call waits, and what it comes to then, as things stand now.
    fn deadline<R>(
        &self,
        look: &Look<R>,
        waited: &mut Waited,
        presence: Presence,
    ) -> Option<(Instant, Unmet)> {
        let there = *waited.there.get_or_insert_with(|| presence.there());
        // A moment past what the clock can say never comes.
        if let Look::InDecoding = look {
            let since = *waited.decoding_since.get_or_insert_with(Instant::now);
            return Some((since.checked_add(self.timeout)?, Unmet::Decoding(self.timeout)));
        }
        waited.decoding_since = None;
        if presence.is_there() {
            let left = self.timeout.saturating_sub(presence.there().saturating_sub(there));
            Some((Instant::now().checked_add(left)?, Unmet::Timeout(self.timeout)))
        } else {
            let wait = self.wait?;
            Some((presence.gone_since.checked_add(wait)?, Unmet::NoPeer(wait)))
        }
    }

    /// Work of this end's own, in what a call has left of its timeout; the timeout, if that is not enough.
    pub(crate) async fn in_time<R>(
        &self,
        waited: &mut Waited,
        work: impl Future<Output = R>,
    ) -> Result<R, Duration> {
        let presence = self.shared.lock().presence;
        let there = *waited.there.get_or_insert_with(|| presence.there());
        let left = self.timeout.saturating_sub(presence.there().saturating_sub(there));
        timeout(left, work).await.map_err(|_| self.timeout)
    }

    pub(crate) async fn peer(&self) -> Result<Peer, WaitError> {
        let settled = self.until(|state| match state.over() {
            Some(Err(failure)) => Some(Err(failure.into())),
            Some(Ok(_)) => Some(Err(WaitError::Over)),
            None => state.session.peer().filter(|_| state.session.is_open()).copied().map(Ok),
        });
        match settled.await {
            Ok(result) => result,
            Err(Unmet::NoPeer(wait) | Unmet::Timeout(wait) | Unmet::Decoding(wait)) => {
                Err(WaitError::NoPeer(wait))
            }
        }
    }

    /// Waits until the peer, having been there, is not; for ever once the session is over.
    pub(crate) async fn lost(&self) {
        let is_lost = |state: &mut State| {
            let was_there = state.session.peer().is_some();
            (was_there && !state.session.is_open() && state.over().is_none()).then_some(())
        };
        self.shared.until(is_lost).await;
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

#[cfg(test)]
mod tests {
    use netgear_proto::{
        Dialect, Role, Timestamp,
        session::{Event, SessionConfig},
    };
    use tokio::time::sleep;

    use super::*;
    use crate::decoding::Decoding;

    const TIMEOUT: Duration = Duration::from_secs(10);
    const WAIT: Duration = Duration::from_secs(20);

    /// A handle without a driver, whose peer is there or not.
    fn handle(peer_is_there: bool) -> Handle {
        let config = SessionConfig::new(Role::Sender).with_dialect(Dialect::VidGear);
        let shared = Shared::new(config, |waiters| Decoding::new(None, waiters));
        if peer_is_there {
            let mut state = shared.lock();
            state.session.handle_connected(Timestamp::ZERO);
            let peer = *state.session.peer().unwrap();
            state.presence.note(Event::Connected(peer));
        }
        Handle::new(Arc::new(shared), Clock::new(), TIMEOUT, Some(WAIT), None)
    }

    /// Looks that come to one after the other, and then to the last again and again. Nothing wakes whoever waits.
    fn looks<const N: usize>(looks: [Look<()>; N]) -> impl FnMut(&mut State) -> Look<()> {
        let mut at = 0;
        move |_| {
            let look = match looks[at] {
                Look::Found(()) => Look::Found(()),
                Look::InDecoding => Look::InDecoding,
                Look::Nothing => Look::Nothing,
            };
            at = (at + 1).min(N - 1);
            look
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_when_the_time_is_up_is_given_or_waited_for() {
        for peer_is_there in [true, false] {
            let until = async |script: &mut dyn FnMut(&mut State) -> Look<()>| {
                handle(peer_is_there).until_found(&mut Waited::default(), script).await
            };
            assert_eq!(until(&mut looks([Look::Nothing, Look::Found(())])).await, Ok(()));
            let decoded = [Look::Nothing, Look::InDecoding, Look::Found(())];
            assert_eq!(until(&mut looks(decoded)).await, Ok(()));
            let stuck = [Look::Nothing, Look::InDecoding];
            assert_eq!(until(&mut looks(stuck)).await, Err(Unmet::Decoding(TIMEOUT)));
            let unmet = if peer_is_there { Unmet::Timeout(TIMEOUT) } else { Unmet::NoPeer(WAIT) };
            assert_eq!(until(&mut looks([Look::Nothing])).await, Err(unmet));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_several_times_has_one_deadline() {
        let (handle, started) = (handle(true), Instant::now());
        let mut waited = Waited::default();
        let found = async {
            let waiting = handle.until_found(&mut waited, looks([Look::Nothing, Look::Found(())]));
            let waking = async {
                sleep(TIMEOUT * 4 / 10).await;
                handle.shared.wake_waiters();
            };
            tokio::join!(waiting, waking).0
        };
        assert_eq!(found.await, Ok(()));
        assert_eq!(handle.in_time(&mut waited, sleep(TIMEOUT * 4 / 10)).await, Ok(()));
        assert_eq!(
            handle.until_found(&mut waited, looks([Look::Nothing])).await,
            Err(Unmet::Timeout(TIMEOUT))
        );
        assert!(started.elapsed() < TIMEOUT * 11 / 10, "{:?}", started.elapsed());
        assert_eq!(handle.in_time(&mut waited, sleep(TIMEOUT)).await, Err(TIMEOUT));
        assert!(started.elapsed() < TIMEOUT * 11 / 10, "{:?}", started.elapsed());
    }
}
