//! Hellos on a port where anybody may come: whoever says one that fits is let in, however many others say nothing.

use std::{
    future::poll_fn,
    task::{Context, Poll},
    time::Duration,
};

use netgear_proto::{
    Dialect, Timestamp,
    session::{Event, Output, SessionError},
    zmtp::SocketType,
};

use crate::{
    LinkError, SessionFailure,
    clock::{Alarm, Clock},
    establish::{Contact, Zmtp},
    link::{self, HandshakeError, Link, ZmtpLink},
    socket::Socket,
};

/// Shakes hands with whoever has come, and hears its hello.
///
/// # Errors
/// [`SessionFailure`] if it is no use; it has been told why, as far as it listens.
pub(crate) async fn greet(socket: Socket, zmtp: Zmtp, clock: Clock) -> Result<Contact, SessionFailure> {
    let link = match ZmtpLink::handshake(socket, zmtp.connection.clone(), clock).await {
        Ok(link) => link,
        // Any ZeroMQ socket may stray here; only with NetGear's is it a mistake in how the two ends were set up.
        Err(HandshakeError { error, is_netgear }) => {
            return Err(match zmtp.failure(error) {
                SessionFailure::Session(SessionError::Mismatch(mismatch)) if !is_netgear => {
                    LinkError::OtherSocket(mismatch).into()
                }
                failure => failure,
            });
        }
    };
    let mut contact = Contact::new(link, &zmtp);
    // A REQ must speak first (RFC 28). The others wait for the peer's hello before they say theirs, so that only the one
    // peer that is let in has a session that is open.
    // A VidGear server says nothing before its first frame, and may take its time until that begins.
    let dialect = contact.session.config().dialect();
    if zmtp.connection.socket_type() == SocketType::Req || dialect == Some(Dialect::VidGear) {
        contact.session.handle_connected(clock.now());
    }
    let patience = zmtp.session.greeting_timeout();
    let deadline = (dialect == Some(Dialect::Native)).then(|| clock.now() + patience);
    let mut greeting = Greeting { contact, clock, alarm: Alarm::new(clock), deadline, patience };
    match poll_fn(|cx| greeting.poll(cx)).await {
        Ok(()) => Ok(greeting.contact.boxed()),
        Err(failure) => {
            link::close(&mut greeting.contact.link).await;
            Err(match failure {
                // Whoever comes and goes is nobody's concern; only one that was chosen is.
                SessionFailure::PeerLost => failure,
                failure => greeting.contact.explain(failure),
            })
        }
    }
}

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
    /// Ready once the peer has said a hello that fits, or is no use.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SessionFailure>> {
        loop {
            if self.carry_out()? {
                return Poll::Ready(Ok(()));
            }
            // A hello is a few bytes: whether they are written yet makes no difference to what may be read.
            let _ = self.contact.link.poll_flush(cx)?;
            match self.contact.link.poll_receive(cx)? {
                Poll::Ready(Some(message)) => {
                    let now = self.clock.now();
                    self.contact.session.handle_connected(now);
                    let handled = self.contact.session.handle_message(now, message);
                    if let Err(error) = handled {
                        // What it still has to say lets the peer find out the same.
                        let _ = self.carry_out();
                        return Poll::Ready(Err(error.into()));
                    }
                }
                Poll::Ready(None) => return Poll::Ready(Err(SessionFailure::PeerLost)),
                Poll::Pending => {
                    if self.contact.link.is_receiving() {
                        self.deadline.get_or_insert(self.clock.now() + self.patience);
                    }
                    if self.alarm.poll_due(cx, self.deadline).is_ready() {
                        return Poll::Ready(Err(SessionError::GreetingTimeout.into()));
                    }
                    return Poll::Pending;
                }
            }
        }
    }

    /// Gives the link what the session wants transmitted, until the session is open; true once it is.
    fn carry_out(&mut self) -> Result<bool, SessionFailure> {
        while let Some(output) = self.contact.session.poll_output(self.clock.now()) {
            match output {
                Output::Transmit(message) => self.contact.link.send(message).map_err(SessionFailure::from)?,
                Output::Event(Event::Connected(_)) => return Ok(true),
                // A goodbye before any hello.
                Output::Event(Event::Over(_)) => return Err(SessionFailure::PeerLost),
                _ => {}
            }
        }
        Ok(false)
    }
}
