//! Hellos on a port where anybody may come: whoever says one that fits is let in, however many others say nothing.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::{
    Dialect, Limits, Multipart, Role, Timestamp,
    session::SessionError,
    zmtp::{SocketType, ZmtpError},
};

use crate::{
    LinkError, SessionFailure,
    clock::{Alarm, Clock},
    establish::{Contact, Zmtp, explain},
    link::{self, HandshakeError, Link, ZmtpLink},
    places::Place,
    shared::Shared,
    socket::Socket,
};

/// What a native peer may say before it is known: a hello, of some hundred bytes.
const HELLO: Limits = Limits::DEFAULT.with_frame_bytes(4 << 10).with_data_bytes(4 << 10);

/// Why somebody was not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is a peer already")]
    Occupied,
    #[error("it was closed before it came to a session")]
    Gone,
    #[error("it made room for another")]
    Crowded,
    /// NetGear, but set up for something else: an error on both ends, unless there ever was one that fits.
    #[error(transparent)]
    NeverFits(SessionFailure),
    #[error(transparent)]
    Useless(SessionFailure),
}

/// Shakes hands with whoever has come, and hears its first message.
///
/// Whoever was heard out and is not let in has been told why, as far as it listens.
pub(crate) async fn greet(
    socket: Socket,
    zmtp: &Zmtp,
    shared: &Shared,
    clock: Clock,
    take_place: impl FnOnce() -> Place,
) -> Result<Contact, Refusal> {
    let link = match ZmtpLink::handshake(socket, zmtp.connection.clone(), clock).await {
        Ok(link) => link,
        // Any ZeroMQ socket may stray here; only with NetGear's is it a mistake in how the two ends were set up.
        Err(HandshakeError { error, is_netgear }) => {
            return Err(match zmtp.failure(error) {
                SessionFailure::Session(SessionError::Mismatch(mismatch)) if !is_netgear => {
                    Refusal::Useless(LinkError::OtherSocket(mismatch).into())
                }
                failure @ SessionFailure::Session(SessionError::Mismatch(_)) => Refusal::NeverFits(failure),
                // A scanner, or a peer that has given up and tries again.
                SessionFailure::Link(LinkError::Io(_) | LinkError::Zmtp(ZmtpError::Truncated { .. })) => {
                    Refusal::Gone
                }
                failure => Refusal::Useless(failure),
            });
        }
    };
    let mut contact = Contact::new(link, zmtp);
    if contact.dialect == Some(Dialect::VidGear) && zmtp.session.role() == Role::Sender {
        // A VidGear client says nothing before its first frame.
        return if shared.lock().session.is_connected() {
            Err(Refusal::Occupied)
        } else {
            Ok(contact.boxed())
        };
    }
    let place = match contact.dialect {
        Some(Dialect::Native) => {
            contact.link.set_limits(HELLO).map_err(useless)?;
            None
        }
        _ => Some(take_place()),
    };
    let mut greeting = Greeting::new(contact, zmtp, clock);
    if zmtp.connection.socket_type() == SocketType::Req {
        let mut state = shared.lock();
        // It must speak first (RFC 28), and what it says may not hold any more once there is another connection.
        if state.session.is_connected() {
            return Err(Refusal::Occupied);
        }
        let hello = state.session.hello();
        drop(state);
        greeting.contact.link.send(hello).map_err(useless)?;
    }
    let heard = tokio::select! {
        heard = poll_fn(|cx| greeting.poll(cx)) => heard,
        () = lost(place) => return Err(Refusal::Crowded),
    };
    let mut contact = greeting.contact;
    let refusal = match heard {
        Ok(first) => match judge(&first, shared) {
            None => {
                contact.link.set_limits(*zmtp.session.limits()).map_err(useless)?;
                contact.first = Some(first);
                return Ok(contact.boxed());
            }
            Some(Refusal::Useless(failure)) => {
                // So that the other end finds out the same.
                let waits = zmtp.connection.socket_type() != SocketType::Req;
                if waits && contact.dialect == Some(Dialect::Native) {
                    let hello = shared.lock().session.hello();
                    let _ = contact.link.send(hello);
                }
                Refusal::Useless(explain(contact.unannounced.as_ref(), failure))
            }
            Some(refusal) => refusal,
        },
        // Whoever comes and goes is nobody's concern; only one that was chosen is.
        Err(SessionFailure::PeerLost) => Refusal::Gone,
        Err(failure) => Refusal::Useless(explain(contact.unannounced.as_ref(), failure)),
    };
    link::close(&mut contact.link).await;
    Err(refusal)
}

/// Holds a first message against the session as it stands.
fn judge(first: &Multipart, shared: &Shared) -> Option<Refusal> {
    let state = shared.lock();
    let session = &state.session;
    match session.check_hello(first.clone()) {
        Ok(id) if session.is_connected() && (id.is_anonymous() || id != session.peer_id()) => {
            Some(Refusal::Occupied)
        }
        Ok(_) => None,
        // The session ends by it, and says so to both.
        Err(SessionError::Mismatch(_)) if session.peer().is_none() => None,
        Err(error) => Some(Refusal::Useless(error.into())),
    }
}

fn useless(error: LinkError) -> Refusal {
    Refusal::Useless(error.into())
}

async fn lost(place: Option<Place>) {
    match place {
        Some(mut place) => place.lost().await,
        None => std::future::pending().await,
    }
}

/// Somebody whose first message is waited for.
struct Greeting {
    contact: Contact<ZmtpLink<Socket>>,
    clock: Clock,
    alarm: Alarm,
    /// Without one while a peer that may be a VidGear server is silent.
    deadline: Option<Timestamp>,
    /// How long it may take for its first message once that has begun.
    patience: Duration,
}

impl Greeting {
    fn new(contact: Contact<ZmtpLink<Socket>>, zmtp: &Zmtp, clock: Clock) -> Self {
        let patience = zmtp.session.greeting_timeout();
        // A VidGear server says nothing before its first frame, and may take its time until that begins.
        let deadline = (contact.dialect == Some(Dialect::Native)).then(|| clock.now() + patience);
        Self { contact, clock, alarm: Alarm::new(clock), deadline, patience }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Multipart, SessionFailure>> {
        let link = &mut self.contact.link;
        // A hello is a few bytes: whether they are written yet makes no difference to what may be read.
        let _ = link.poll_flush(cx)?;
        match link.poll_receive(cx)? {
            Poll::Ready(Some(first)) => return Poll::Ready(Ok(first)),
            Poll::Ready(None) => return Poll::Ready(Err(SessionFailure::PeerLost)),
            Poll::Pending => {}
        }
        if link.is_receiving() {
            self.deadline.get_or_insert(self.clock.now() + self.patience);
        }
        if self.alarm.poll_due(cx, self.deadline).is_ready() {
            return Poll::Ready(Err(SessionError::GreetingTimeout.into()));
        }
        Poll::Pending
    }
}
