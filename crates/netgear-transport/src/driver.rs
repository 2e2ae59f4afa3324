//! The task behind each session: finds the peer, carries messages between link and session, and finds the peer again
//! when the link is lost, until the session is over.

use std::{
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use netgear_proto::{
    Dialect, Multipart, Timestamp,
    session::{Ending, Event, Output},
};
use tracing::{debug, info, warn};

use crate::{
    Link, LinkError, SessionFailure,
    clock::{Alarm, Clock},
    establish::{Contact, Way, explain},
    link,
    shared::{Shared, State},
};

/// How long a peer is heard out that takes nothing any more. The end of its stream mostly comes at once.
const HEARD_OUT_FOR: Duration = Duration::from_secs(1);

/// What drives one session.
pub(crate) struct Driver {
    pub(crate) shared: Arc<Shared>,
    pub(crate) clock: Clock,
    /// Whether to look for the peer again when it is lost.
    pub(crate) reconnects: bool,
}

pub(crate) async fn drive(driver: Driver, mut way: Way) {
    let mut driving = Driving { shared: &driver.shared, cut_off: true };
    if let Err(failure) = driver.run(&mut way).await {
        debug!(%failure, "the session failed");
        driver.shared.fail(failure);
    }
    way.close().await;
    driving.cut_off = false;
}

/// Tells those who wait that the driver is done, also when it panics or its runtime is shut down: nobody may wait for
/// ever.
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

/// What became of a link.
enum Outcome {
    /// The session is over. Its last words may still wait in the link.
    Over,
    /// The link is of no more use.
    Lost(SessionFailure),
    /// The peer has made another.
    Replaced(Contact),
}

impl Driver {
    async fn run(&self, way: &mut Way) -> Result<(), SessionFailure> {
        let mut replacement = None;
        loop {
            let contact = match replacement.take() {
                Some(contact) => contact,
                None => tokio::select! {
                    biased;
                    () = self.until_over() => return Ok(()),
                    contact = way.establish(&self.shared, self.clock) => contact?,
                },
            };
            let mut exchange = Exchange::begin(self, contact);
            let outcome = tokio::select! {
                biased;
                outcome = poll_fn(|cx| exchange.poll(cx)) => outcome,
                contact = way.replacement(&self.shared) => Outcome::Replaced(contact),
            };
            let Exchange { mut link, opened, unannounced, .. } = exchange;
            if opened {
                way.reached();
            }
            match outcome {
                Outcome::Over => {
                    link::close(&mut link).await;
                    return Ok(());
                }
                Outcome::Replaced(contact) => {
                    info!("the peer is back on another connection");
                    let _ = self.shared.lock().session.handle_disconnected();
                    replacement = Some(contact);
                }
                Outcome::Lost(failure) => {
                    let failure = if opened { failure } else { explain(unannounced.as_ref(), failure) };
                    let is_final = self.is_final(&failure, way);
                    if is_final && self.is_closing() {
                        self.shared.lock().session.abort();
                        return Ok(());
                    }
                    if is_final {
                        // At once, for those who wait, and then the last words to the peer.
                        self.shared.fail(failure.clone());
                        link::close(&mut link).await;
                        return Err(failure);
                    }
                    if matches!(failure, SessionFailure::Session(_)) {
                        tokio::select! {
                            () = link::close(&mut link) => {}
                            // Who closes waits for the next link, and not for the peer to take leave of this one.
                            () = self.until_closing() => {}
                        }
                    }
                    note_loss(&failure, opened);
                }
            }
        }
    }

    /// Whether the session cannot go on over another link.
    fn is_final(&self, failure: &SessionFailure, way: &Way) -> bool {
        let state = self.shared.lock();
        let session = &state.session;
        let is_lost = session.peer().is_some_and(|peer| {
            // A VidGear peer knows no sessions: a further connection would be a further one.
            !self.reconnects || peer.dialect == Dialect::VidGear
        });
        session.ending().is_some() || is_lost || !way.goes_on_after(failure, session.peer().is_some())
    }

    fn is_closing(&self) -> bool {
        self.shared.lock().closing_since.is_some()
    }

    async fn until_closing(&self) {
        poll_fn(|cx| {
            self.shared.register_driver(cx);
            if self.is_closing() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Waits until the session is over, while it has no link.
    async fn until_over(&self) {
        let mut alarm = Alarm::new(self.clock);
        poll_fn(|cx| {
            self.shared.register_driver(cx);
            loop {
                self.next_message();
                let (ending, due) = {
                    let state = self.shared.lock();
                    (state.session.ending(), state.session.next_timeout())
                };
                if ending.is_some() {
                    return Poll::Ready(());
                }
                let now = ready!(alarm.poll_due(cx, due));
                let handled = self.shared.lock().session.handle_timeout(now);
                debug_assert_eq!(handled, Ok(()), "nobody is there who could break a rule");
            }
        })
        .await;
    }

    /// What the session wants transmitted now. The application learns what has happened.
    fn next_message(&self) -> Option<Multipart> {
        let mut state = self.shared.lock();
        state.close_if_asked();
        let (mut message, mut happened, mut connected) = (None, false, None);
        while message.is_none()
            && let Some(output) = state.session.poll_output(self.clock.now())
        {
            match output {
                Output::Transmit(transmit) => message = Some(transmit),
                Output::Event(event) => {
                    happened = true;
                    if let Event::Connected(peer) = event {
                        connected = Some((peer, state.session.stats().reconnects > 0));
                    }
                    state.presence.note(event);
                }
                _ => {}
            }
        }
        drop(state);
        match connected {
            Some((peer, true)) => info!(%peer, "the peer is back"),
            Some((peer, false)) => info!(%peer, "connected"),
            None => {}
        }
        if happened {
            self.shared.wake_waiters();
        }
        message
    }
}

fn note_loss(failure: &SessionFailure, opened: bool) {
    match failure {
        _ if opened => warn!(%failure, "lost the peer; waiting for it to come back"),
        SessionFailure::PeerLost => debug!("the peer went before it came to a session; trying again"),
        _ => warn!(%failure, "the peer was no use; trying again"),
    }
}

/// One link's life with the session.
struct Exchange<'a> {
    driver: &'a Driver,
    link: Box<dyn Link>,
    unannounced: Option<String>,
    alarm: Alarm,
    /// When the session wants to be asked again, as of the last look at it.
    timeout: Option<Timestamp>,
    /// Something has come of what the session was told since the last look at it.
    is_due: bool,
    /// The link has more to write than it could.
    is_unflushed: bool,
    /// Whether the peer has said hello and fits.
    opened: bool,
    /// What broke first is the cause of what follows.
    failure: Option<SessionFailure>,
    /// The link takes nothing any more. What the peer said before that still counts, a goodbye above all, and is read
    /// until the end of the stream, or until this moment.
    unwritten: Option<(LinkError, Timestamp)>,
}

impl<'a> Exchange<'a> {
    fn begin(driver: &'a Driver, contact: Contact) -> Self {
        let Contact { link, first, dialect, unannounced } = contact;
        let alarm = Alarm::new(driver.clock);
        let mut exchange = Self {
            driver,
            link,
            unannounced,
            alarm,
            timeout: None,
            is_due: true,
            is_unflushed: false,
            opened: false,
            failure: None,
            unwritten: None,
        };
        exchange.note(driver.shared.with(|State { session, .. }| {
            let now = driver.clock.now();
            if let Some(dialect) = dialect {
                session.set_dialect(dialect);
            }
            match first {
                Some(first) => session.handle_greeted(now, first),
                None => {
                    session.handle_connected(now);
                    Ok(())
                }
            }
        }));
        exchange
    }

    /// Ready once the link is of no more use.
    ///
    /// A large frame comes in many pieces, and each of them wakes this task: then the link reads on, and the session,
    /// which knows nothing of a message that is not whole, is left alone.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Outcome> {
        self.driver.shared.register_driver(cx);
        loop {
            self.is_due |= self.driver.shared.take_call();
            if mem::take(&mut self.is_due) || self.is_unflushed {
                self.speak(cx);
                if let Some(outcome) = self.outcome() {
                    return Poll::Ready(outcome);
                }
            }
            match self.link.poll_receive(cx) {
                Poll::Ready(Ok(Some(message))) => {
                    let now = self.driver.clock.now();
                    let (handled, decoding_is_due) = {
                        let mut state = self.driver.shared.lock();
                        let handled = state.session.handle_message(now, message);
                        state.decode_ahead();
                        (handled, state.decoding.due())
                    };
                    if let Some(job) = decoding_is_due {
                        job.begin();
                    }
                    self.note(handled);
                    self.is_due = true;
                    // What came may be waited for, though this end cannot speak.
                    self.driver.shared.wake_waiters();
                    continue;
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(self.lost(SessionFailure::PeerLost)),
                Poll::Ready(Err(error)) => return Poll::Ready(self.lost(error.into())),
                Poll::Pending => {}
            }
            let heard_out = self.unwritten.as_ref().map(|(_, until)| *until);
            let due = [heard_out, self.timeout].into_iter().flatten().min();
            let now = ready!(self.alarm.poll_due(cx, due));
            if heard_out.is_some_and(|until| until <= now) {
                return Poll::Ready(self.lost(SessionFailure::PeerLost));
            }
            let handled = self.driver.shared.lock().session.handle_timeout(now);
            self.note(handled);
            self.is_due = true;
            if self.has_lingered(now) {
                // A link that takes nothing is not waited for any longer; closing it tries once more.
                self.give_all();
            }
        }
    }

    /// Gives the link what the session wants transmitted, one message at a time: each is made when the link can take
    /// it.
    fn speak(&mut self, cx: &mut Context<'_>) {
        self.is_unflushed = false;
        if self.failure.is_some() {
            // The peer should find out why.
            return self.give_all();
        }
        while self.unwritten.is_none() {
            match self.link.poll_flush(cx) {
                Poll::Ready(Ok(())) if self.give() => {}
                Poll::Ready(Ok(())) => break,
                Poll::Ready(Err(error)) => {
                    self.unwritten = Some((error, self.driver.clock.now() + HEARD_OUT_FOR));
                }
                Poll::Pending => {
                    self.is_unflushed = true;
                    // To close is not to wait for the link.
                    self.driver.shared.lock().close_if_asked();
                    break;
                }
            }
        }
    }

    fn give_all(&mut self) {
        while self.give() {}
    }

    /// False once there is nothing to give.
    fn give(&mut self) -> bool {
        // A link may be anybody's code, and is not called under the lock.
        let Some(message) = self.driver.next_message() else { return false };
        let sent = self.link.send(message);
        let is_sent = sent.is_ok();
        self.note(sent);
        is_sent
    }

    fn has_lingered(&self, now: Timestamp) -> bool {
        let state = self.driver.shared.lock();
        state.closing_since.is_some_and(|since| since + state.session.config().linger() <= now)
    }

    fn note<E: Into<SessionFailure>>(&mut self, handled: Result<(), E>) {
        if let Err(error) = handled {
            self.failure.get_or_insert(error.into());
        }
    }

    fn outcome(&mut self) -> Option<Outcome> {
        if let Some(failure) = self.failure.take() {
            return Some(self.lost(failure));
        }
        let state = self.driver.shared.lock();
        let session = &state.session;
        self.opened |= session.is_open();
        self.timeout = session.next_timeout();
        let (ending, is_connected) = (session.ending(), session.is_connected());
        drop(state);
        match ending {
            Some(Ending::Closed | Ending::PeerLeft) => Some(Outcome::Over),
            None if is_connected => None,
            // Among others by a goodbye before any hello.
            _ => Some(self.lost(SessionFailure::PeerLost)),
        }
    }

    /// The link is gone; that is a failure unless the session was ending anyway.
    fn lost(&mut self, failure: SessionFailure) -> Outcome {
        let is_silent = matches!(failure, SessionFailure::PeerLost | SessionFailure::Link(_));
        let failure = match self.unwritten.take() {
            Some((error, _)) if is_silent => error.into(),
            _ => failure,
        };
        let mut state = self.driver.shared.lock();
        let failure = match (state.session.handle_disconnected(), failure) {
            // A peer that is gone, and no more than that.
            (Err(error), SessionFailure::PeerLost | SessionFailure::Link(LinkError::Io(_))) => error.into(),
            (_, failure) => failure,
        };
        match state.session.ending() {
            Some(Ending::Closed | Ending::PeerLeft) => Outcome::Over,
            _ => Outcome::Lost(failure),
        }
    }
}
