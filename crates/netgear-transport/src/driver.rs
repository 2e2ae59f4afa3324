//! The task behind each session: finds the peer, then carries messages between link and session until it is over.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::{
    Timestamp,
    session::{Ending, Event, Output, Session},
};
use tracing::{debug, info, warn};

use crate::{
    LinkError, SessionFailure,
    clock::{Alarm, Clock},
    establish::{Contact, Way},
    link,
    shared::Shared,
};

/// How long a peer is heard out that takes nothing any more. The end of its stream mostly comes at once.
const HEARD_OUT_FOR: Duration = Duration::from_secs(1);

pub(crate) async fn drive(shared: Arc<Shared>, way: Way, clock: Clock) {
    let mut driving = Driving { shared: &shared, cut_off: true };
    if let Err(failure) = run(&shared, way, clock).await {
        debug!(%failure, "the session failed");
        shared.fail(failure);
    }
    driving.cut_off = false;
}

/// Tells those who wait that the driver is done, also when it panics or its runtime is shut down: nobody may wait for ever.
struct Driving<'a> {
    shared: &'a Shared,
    cut_off: bool,
}

impl Drop for Driving<'_> {
    fn drop(&mut self) {
        if self.cut_off {
            self.shared.fail(SessionFailure::Stopped);
        }
        self.shared.finish();
    }
}

async fn run(shared: &Shared, mut way: Way, clock: Clock) -> Result<(), SessionFailure> {
    let config = shared.lock().session.config().clone();
    loop {
        let contact = tokio::select! {
            biased;
            () = poll_fn(|cx| poll_closing(shared, cx)) => return Ok(()),
            contact = way.establish(&config, clock) => contact?,
        };
        let mut exchange = Exchange::new(shared, contact, clock);
        if exchange.opened {
            way.settle();
        }
        let result = poll_fn(|cx| exchange.poll(cx)).await;
        let Exchange { mut contact, opened, .. } = exchange;
        match result {
            Err(failure) if !opened && way.goes_on_after(&failure) => {
                // At once, or the application would find a session that is over.
                shared.with(|state| state.session = Session::new(config.clone()));
                warn!(%failure, "the peer was no use; trying again");
                link::close(&mut contact.link).await;
            }
            result => {
                if let Err(failure) = &result {
                    shared.fail(failure.clone());
                }
                link::close(&mut contact.link).await;
                return result;
            }
        }
    }
}

fn poll_closing(shared: &Shared, cx: &mut Context<'_>) -> Poll<()> {
    shared.register_driver(cx);
    if shared.lock().closing { Poll::Ready(()) } else { Poll::Pending }
}

/// One link's life with the session.
struct Exchange<'a> {
    shared: &'a Shared,
    contact: Contact,
    clock: Clock,
    alarm: Alarm,
    /// Whether the peer has said hello and fits.
    opened: bool,
    failure: Option<SessionFailure>,
    /// The link takes nothing any more. What the peer said before that still counts, a goodbye above all, and is read until
    /// the end of the stream, or until this moment.
    unwritten: Option<(LinkError, Timestamp)>,
}

impl<'a> Exchange<'a> {
    /// The session of the contact, which may be open already, takes the place of the one that waited.
    fn new(shared: &'a Shared, mut contact: Contact, clock: Clock) -> Self {
        contact.session.handle_connected(clock.now());
        let peer = contact.session.peer().copied();
        if let Some(peer) = peer {
            info!(?peer, "connected");
        }
        shared.with(|state| std::mem::swap(&mut state.session, &mut contact.session));
        shared.wake_waiters();
        Self {
            shared,
            contact,
            clock,
            alarm: Alarm::new(clock),
            opened: peer.is_some(),
            failure: None,
            unwritten: None,
        }
    }

    /// Ready once the session is over. Its last words may still wait in the link, which is to be closed then.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SessionFailure>> {
        self.shared.register_driver(cx);
        loop {
            if let Some(ending) = self.carry_out() {
                return Poll::Ready(self.over(ending));
            }
            if self.unwritten.is_none()
                && let Poll::Ready(Err(error)) = self.contact.link.poll_flush(cx)
            {
                self.unwritten = Some((error, self.clock.now() + HEARD_OUT_FOR));
            }
            match self.contact.link.poll_receive(cx) {
                Poll::Ready(Ok(Some(message))) => {
                    let handled = self.shared.lock().session.handle_message(self.clock.now(), message);
                    self.note(handled);
                    continue;
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(self.broken(SessionFailure::PeerLost)),
                Poll::Ready(Err(error)) => return Poll::Ready(self.broken(error.into())),
                Poll::Pending => {}
            }
            let heard_out = self.unwritten.as_ref().map(|(_, until)| *until);
            let timeout = self.shared.lock().session.next_timeout();
            let due = [heard_out, timeout].into_iter().flatten().min();
            if let Poll::Ready(now) = self.alarm.poll_due(cx, due) {
                if heard_out.is_some_and(|until| until <= now) {
                    return Poll::Ready(self.broken(SessionFailure::PeerLost));
                }
                let handled = self.shared.lock().session.handle_timeout(now);
                self.note(handled);
                continue;
            }
            return Poll::Pending;
        }
    }

    /// Gives the link what the session wants transmitted, and the application what happened.
    fn carry_out(&mut self) -> Option<Ending> {
        let mut state = self.shared.lock();
        if state.closing {
            state.session.close(self.clock.now());
        }
        let mut happened = false;
        loop {
            match state.session.poll_output(self.clock.now()) {
                Some(Output::Transmit(message)) => {
                    // A link may be anybody's code, and is not called under the lock.
                    drop(state);
                    let sent = self.contact.link.send(message);
                    state = self.shared.lock();
                    if let Err(error) = sent {
                        self.failure.get_or_insert(error.into());
                        // What broke the link is known, and says more than the session could.
                        let _ = state.session.handle_disconnected();
                    }
                }
                Some(Output::Event(event)) => {
                    happened = true;
                    if let Event::Connected(peer) = event {
                        info!(?peer, "connected");
                        self.opened = true;
                    }
                }
                Some(_) => {}
                None => break,
            }
        }
        let ending = state.session.ending();
        drop(state);
        if happened {
            self.shared.wake_waiters();
        }
        ending
    }

    fn note<E: Into<SessionFailure>>(&mut self, handled: Result<(), E>) {
        if let Err(error) = handled {
            self.failure.get_or_insert(error.into());
        }
    }

    /// The link is gone; that is a failure unless the session was ending anyway. What broke first is the cause.
    fn broken(&mut self, failure: SessionFailure) -> Result<(), SessionFailure> {
        let failure = self.unwritten.take().map_or(failure, |(error, _)| error.into());
        let mut state = self.shared.lock();
        let failure = match (state.session.handle_disconnected(), failure) {
            // A peer that is gone, and no more than that.
            (Err(error), SessionFailure::PeerLost | SessionFailure::Link(LinkError::Io(_))) => error.into(),
            (_, failure) => failure,
        };
        let ending = state.session.ending();
        drop(state);
        match ending {
            Some(ending @ (Ending::Closed | Ending::PeerLeft)) => self.over(ending),
            _ => Err(self.explained(failure)),
        }
    }

    fn over(&mut self, ending: Ending) -> Result<(), SessionFailure> {
        match ending {
            // A goodbye before any hello: it was never there.
            Ending::PeerLeft if !self.opened => Err(self.explained(SessionFailure::PeerLost)),
            _ if self.failure.is_some() => Err(self.explained(SessionFailure::PeerLost)),
            _ => Ok(()),
        }
    }

    /// The first failure is the cause of what follows.
    fn explained(&mut self, failure: SessionFailure) -> SessionFailure {
        let failure = self.failure.take().unwrap_or(failure);
        if self.opened { failure } else { self.contact.explain(failure) }
    }
}
