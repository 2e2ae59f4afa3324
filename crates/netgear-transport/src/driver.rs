//! The task behind each session: finds the peer, then carries messages between link and session until it is over.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::session::{Ending, Event, Output, Session};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::{
    Link, SessionFailure,
    clock::{Alarm, Clock},
    establish::Way,
    shared::Shared,
};

/// How long a link may take to send what is left and see the peer close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) async fn drive(shared: Arc<Shared>, way: Way, clock: Clock) {
    let result = run(&shared, way, clock).await;
    if let Err(failure) = &result {
        debug!(%failure, "the session failed");
    }
    shared.finish(result);
}

async fn run(shared: &Shared, mut way: Way, clock: Clock) -> Result<(), SessionFailure> {
    loop {
        let link = tokio::select! {
            biased;
            () = poll_fn(|cx| poll_closing(shared, cx)) => return Ok(()),
            link = way.establish(clock) => link?,
        };
        let mut exchange = Exchange::new(shared, link, clock);
        let result = poll_fn(|cx| exchange.poll(cx, &mut way)).await;
        let _ = timeout(CLOSE_TIMEOUT, poll_fn(|cx| exchange.link.poll_close(cx))).await;
        match result {
            Err(failure) if !exchange.opened && way.goes_on_after(&failure) => {
                warn!(%failure, "a peer connected and was no use; waiting for another");
                let mut state = shared.lock();
                state.session = Session::new(state.session.config().clone());
            }
            result => return result,
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
    link: Box<dyn Link>,
    clock: Clock,
    alarm: Alarm,
    /// Whether the peer has said hello and fits.
    opened: bool,
    failure: Option<SessionFailure>,
}

impl<'a> Exchange<'a> {
    fn new(shared: &'a Shared, link: Box<dyn Link>, clock: Clock) -> Self {
        shared.lock().session.handle_connected(clock.now());
        Self { shared, link, clock, alarm: Alarm::new(clock), opened: false, failure: None }
    }

    /// Ready once the session is over, and what it still had to say is sent.
    fn poll(&mut self, cx: &mut Context<'_>, way: &mut Way) -> Poll<Result<(), SessionFailure>> {
        self.shared.register_driver(cx);
        loop {
            let ending = self.carry_out(way);
            let flushed = self.link.poll_flush(cx);
            if let Poll::Ready(Err(error)) = flushed {
                return Poll::Ready(self.broken(error.into()));
            }
            if let Some(ending) = ending {
                // A peer that has left reads nothing, and one that broke the rules may not.
                if flushed.is_ready() || ending == Ending::PeerLeft {
                    return Poll::Ready(self.failure.take().map_or(Ok(()), Err));
                }
                return Poll::Pending;
            }
            match self.link.poll_receive(cx) {
                Poll::Ready(Ok(Some(message))) => {
                    let handled = self.shared.lock().session.handle_message(self.clock.now(), message);
                    self.note(handled);
                    continue;
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(self.broken(SessionFailure::PeerLost)),
                Poll::Ready(Err(error)) => return Poll::Ready(self.broken(error.into())),
                Poll::Pending => {}
            }
            let due = self.shared.lock().session.next_timeout();
            if let Poll::Ready(now) = self.alarm.poll_due(cx, due) {
                let handled = self.shared.lock().session.handle_timeout(now);
                self.note(handled);
                continue;
            }
            return Poll::Pending;
        }
    }

    /// Gives the link what the session wants transmitted, and the application what happened.
    fn carry_out(&mut self, way: &mut Way) -> Option<Ending> {
        let mut state = self.shared.lock();
        if state.closing {
            state.session.close(self.clock.now());
        }
        let mut happened = false;
        while let Some(output) = state.session.poll_output() {
            match output {
                Output::Transmit(message) => {
                    if let Err(error) = self.link.send(message) {
                        self.failure.get_or_insert(error.into());
                        state.session.handle_disconnected();
                    }
                }
                Output::Event(event) => {
                    happened = true;
                    if let Event::Connected(peer) = event {
                        info!(?peer, "connected");
                        self.opened = true;
                        way.settle();
                    }
                }
                _ => {}
            }
        }
        if happened {
            state.wake_waiters();
        }
        state.session.ending()
    }

    fn note<E: Into<SessionFailure>>(&mut self, handled: Result<(), E>) {
        if let Err(error) = handled {
            self.failure.get_or_insert(error.into());
        }
    }

    /// The link is gone; that is a failure unless the session was ending anyway.
    fn broken(&mut self, failure: SessionFailure) -> Result<(), SessionFailure> {
        let mut state = self.shared.lock();
        state.session.handle_disconnected();
        match (self.failure.take(), state.session.ending()) {
            (Some(earlier), _) => Err(earlier),
            (None, Some(Ending::Closed | Ending::PeerLeft)) => Ok(()),
            (None, _) => Err(failure),
        }
    }
}
