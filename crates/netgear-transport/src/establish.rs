//! How a session comes by its links: it connects until somebody is there, or waits until somebody comes.

use std::{future::pending, io, time::Duration};

use netgear_proto::{
    Dialect, Multipart, Role,
    session::{Mismatch, PeerViolation, SessionConfig, SessionError},
    zmtp::{ConnectionConfig, ZmtpError},
};
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::{
    Endpoint, Link, LinkError, SessionFailure,
    clock::Clock,
    door::Door,
    link::{HandshakeError, ZmtpLink},
    shared::Shared,
    socket::Socket,
};

/// How a session comes by its links.
pub(crate) enum Way {
    /// Tries an endpoint until a peer is there.
    Connect(Box<Connecting>),
    /// Waits for a peer to come.
    Listen(Door),
    /// Has its only one already.
    Given(Option<Box<dyn Link>>),
}

/// A peer that was chosen, and how it is tried.
pub(crate) struct Connecting {
    pub(crate) endpoint: Endpoint,
    pub(crate) zmtp: Zmtp,
    backoff: Backoff,
}

/// What the ZMTP handshake needs to know, and what its errors mean to the session.
#[derive(Debug, Clone)]
pub(crate) struct Zmtp {
    pub(crate) connection: ConnectionConfig,
    pub(crate) session: SessionConfig,
    /// Whether anybody may come, or the peer was chosen.
    pub(crate) binds: bool,
}

/// A link to somebody.
pub(crate) struct Contact<L = Box<dyn Link>> {
    pub(crate) link: L,
    /// Its first message, if that was waited for, since strangers may come.
    pub(crate) first: Option<Multipart>,
    /// What it speaks; `None` if its first message tells.
    pub(crate) dialect: Option<Dialect>,
    /// The socket type of a peer that did not announce itself as NetGear.
    pub(crate) unannounced: Option<String>,
}

impl Contact<ZmtpLink<Socket>> {
    pub(crate) fn new(link: ZmtpLink<Socket>, zmtp: &Zmtp) -> Self {
        let unannounced = link.unannounced();
        let dialect = zmtp.dialect_with(unannounced.is_none());
        Self { link, first: None, dialect, unannounced }
    }

    pub(crate) fn boxed(self) -> Contact {
        let Self { link, first, dialect, unannounced } = self;
        Contact { link: Box::new(link), first, dialect, unannounced }
    }
}

/// What it means that no session came about: a peer that neither announced itself as NetGear (but as this socket
/// type) nor speaks like it is something else.
pub(crate) fn explain(unannounced: Option<&String>, failure: SessionFailure) -> SessionFailure {
    match (unannounced, &failure) {
        (
            Some(socket_type),
            SessionFailure::Session(
                SessionError::GreetingTimeout
                | SessionError::Violation(PeerViolation::Malformed(_) | PeerViolation::HelloMissing),
            )
            | SessionFailure::Link(LinkError::Zmtp(ZmtpError::PeerSilent { .. }))
            | SessionFailure::PeerLost,
        ) => LinkError::NotNetGear { socket_type: socket_type.clone() }.into(),
        _ => failure,
    }
}

impl Way {
    /// The next link to somebody who may be the peer. Cancel-safe.
    ///
    /// # Errors
    /// [`SessionFailure`] if there can be none.
    pub(crate) async fn establish(
        &mut self,
        shared: &Shared,
        clock: Clock,
    ) -> Result<Contact, SessionFailure> {
        match self {
            Self::Connect(connecting) => connecting.connect(shared, clock).await,
            Self::Listen(door) => loop {
                match door.next().await {
                    Err(failure @ SessionFailure::Session(_)) if is_known(shared) => {
                        warn!(%failure, "refused a connection");
                    }
                    visitor => return visitor,
                }
            },
            Self::Given(link) => {
                let link = link.take().ok_or(SessionFailure::PeerLost)?;
                Ok(Contact { link, first: None, dialect: None, unannounced: None })
            }
        }
    }

    /// Another connection of the peer that is there: the one that there is must be dead, though nobody has said so.
    /// All others are refused. Cancel-safe.
    pub(crate) async fn replacement(&mut self, shared: &Shared) -> Contact {
        let Self::Listen(door) = self else { return pending().await };
        loop {
            match door.next().await {
                Ok(contact) if is_of_the_peer(&contact, shared) => return contact,
                Ok(_) => debug!("refused a connection: there is a peer already"),
                Err(SessionFailure::Stopped) => return pending().await,
                Err(failure) => warn!(%failure, "refused a connection"),
            }
        }
    }

    /// A peer was there: if it is lost, it may be back soon.
    pub(crate) fn reached(&mut self) {
        if let Self::Connect(connecting) = self {
            connecting.backoff = Backoff::again();
        }
    }

    /// Whether there may be another link after one that came to no session, or failed in one.
    ///
    /// Whoever connects has chosen the peer, and is told what is wrong with it, unless that one is only on its way
    /// out, or was right before. (Whoever waits on an open port outlives strangers.)
    pub(crate) fn goes_on_after(&self, failure: &SessionFailure, is_known: bool) -> bool {
        match (self, failure) {
            (Self::Given(_), _) | (_, SessionFailure::Stopped) => false,
            (Self::Listen(_), _) => true,
            (Self::Connect(_), _) if is_known => true,
            (Self::Connect(_), SessionFailure::PeerLost) => true,
            (Self::Connect(_), SessionFailure::Link(error)) => is_passing(error),
            _ => false,
        }
    }

    /// Once this is done, another may bind what was bound.
    pub(crate) async fn close(self) {
        if let Self::Listen(door) = self {
            door.close().await;
        }
    }
}

/// Whether the peer that is there has made this connection too.
fn is_of_the_peer(contact: &Contact, shared: &Shared) -> bool {
    let state = shared.lock();
    let id = contact.first.clone().and_then(|first| state.session.check_hello(first).ok());
    id.is_some_and(|id| !id.is_anonymous() && id == state.session.peer_id())
}

/// Whether a peer that fits was ever there.
fn is_known(shared: &Shared) -> bool {
    shared.lock().session.peer().is_some()
}

impl Connecting {
    pub(crate) fn new(endpoint: Endpoint, zmtp: Zmtp) -> Self {
        Self { endpoint, zmtp, backoff: Backoff::new() }
    }

    async fn connect(&mut self, shared: &Shared, clock: Clock) -> Result<Contact, SessionFailure> {
        let Self { endpoint, zmtp, backoff } = self;
        let mut is_told = false;
        loop {
            backoff.wait().await;
            match try_connect(endpoint, zmtp, clock).await {
                Ok(link) => {
                    let contact = Contact::new(link, zmtp).boxed();
                    let known = shared.lock().session.peer().map(|peer| peer.dialect);
                    if known.is_none() || contact.dialect.is_none() || known == contact.dialect {
                        return Ok(contact);
                    }
                    warn!(%endpoint, "what is there now speaks another dialect than the peer did; trying again");
                }
                // It is mostly the same again some times a second.
                Err(error) if is_passing(&error) && is_told => debug!(%endpoint, %error, "nobody there yet"),
                Err(error) if is_passing(&error) => {
                    info!(%endpoint, %error, "nobody there yet; trying again");
                    is_told = true;
                }
                Err(error) if is_known(shared) => {
                    warn!(%endpoint, %error, "what is there now is not the peer; trying again");
                }
                Err(error) => return Err(zmtp.failure(error)),
            }
        }
    }
}

async fn try_connect(endpoint: &Endpoint, zmtp: &Zmtp, clock: Clock) -> Result<ZmtpLink<Socket>, LinkError> {
    let patience = zmtp.connection.handshake_timeout();
    let socket = timeout(patience, Socket::connect(endpoint))
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
    let shaken = ZmtpLink::handshake(socket, zmtp.connection.clone(), clock).await;
    shaken.map_err(|HandshakeError { error, .. }| error)
}

/// Whether trying again may help: nobody there, gone again, or silent; not a peer that is something else.
fn is_passing(error: &LinkError) -> bool {
    match error {
        // What this program may not do, it may not do the next time either.
        LinkError::Io(error) => !matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
        ),
        LinkError::Zmtp(error) => {
            matches!(
                error,
                ZmtpError::HandshakeTimeout | ZmtpError::PeerSilent { .. } | ZmtpError::Truncated { .. }
            )
        }
        _ => false,
    }
}

impl Zmtp {
    /// What to speak with a peer; `None` if its first message tells.
    fn dialect_with(&self, announced: bool) -> Option<Dialect> {
        match (self.session.dialect(), self.session.role()) {
            (Some(forced), _) => Some(forced),
            (None, _) if announced => Some(Dialect::Native),
            (None, Role::Receiver) => None,
            // A VidGear client never connects, so that this is somebody else.
            (None, Role::Sender) if self.binds => Some(Dialect::Native),
            (None, Role::Sender) => Some(Dialect::VidGear),
        }
    }

    /// Sockets that do not go together are a mistake in how the two ends were set up.
    pub(crate) fn failure(&self, error: LinkError) -> SessionFailure {
        if let LinkError::Zmtp(ZmtpError::SocketType { theirs, .. }) = &error
            && let Some(mismatch) =
                Mismatch::of_socket_types(self.session.role(), self.session.pattern(), theirs)
        {
            return mismatch.into();
        }
        error.into()
    }
}

/// Waits longer from one try to the next, and never quite as long as another program that lost the same peer.
#[derive(Debug)]
struct Backoff {
    /// How long before the next try; not at all before the first.
    delay: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    // A program that was restarted is back in session within half a second.
    const LONGEST: Duration = Duration::from_millis(400);

    fn new() -> Self {
        Self { delay: Duration::ZERO }
    }

    /// After a success. A peer that lets everybody in and goes must not be hammered, so that there is a pause.
    fn again() -> Self {
        Self { delay: Self::FIRST }
    }

    async fn wait(&mut self) {
        sleep(self.delay.mul_f64(0.5 + fastrand::f64())).await;
        self.delay = (self.delay * 2).clamp(Self::FIRST, Self::LONGEST);
    }
}
