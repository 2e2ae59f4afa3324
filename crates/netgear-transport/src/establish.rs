//! How a session comes by its link: it connects until somebody is there, or waits until somebody comes.

use std::{collections::VecDeque, future::pending, io, time::Duration};

use netgear_proto::{
    Dialect, Role,
    session::{Mismatch, PeerViolation, Session, SessionConfig, SessionError},
    zmtp::{ConnectionConfig, ZmtpError},
};
use tokio::{
    task::{AbortHandle, JoinSet},
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::{
    Endpoint, Link, LinkError, SessionFailure,
    clock::Clock,
    greeting::greet,
    link::{HandshakeError, ZmtpLink},
    socket::{Listener, Socket},
};

/// How a session comes by its link.
pub(crate) enum Way {
    /// Tries an endpoint until a peer is there.
    Connect { endpoint: Endpoint, zmtp: Zmtp, backoff: Backoff },
    /// Waits for a peer to come.
    Listen { listener: Option<Listener>, zmtp: Zmtp },
    /// Has it already.
    Given(Option<Box<dyn Link>>),
}

/// What the ZMTP handshake needs to know, and what its errors mean to the session.
#[derive(Debug, Clone)]
pub(crate) struct Zmtp {
    pub(crate) connection: ConnectionConfig,
    pub(crate) session: SessionConfig,
    /// Whether anybody may come, or the peer was chosen.
    pub(crate) binds: bool,
}

/// A link to somebody, and the session that runs over it: open already if it was waited for, where strangers may come.
pub(crate) struct Contact<L = Box<dyn Link>> {
    pub(crate) link: L,
    pub(crate) session: Session,
    /// The socket type of a peer that did not announce itself as NetGear.
    unannounced: Option<String>,
}

impl Contact<ZmtpLink<Socket>> {
    pub(crate) fn new(link: ZmtpLink<Socket>, zmtp: &Zmtp) -> Self {
        let unannounced = link.unannounced();
        let config = zmtp.session.clone().with_dialect(zmtp.dialect_with(unannounced.is_none()));
        Self { link, session: Session::new(config), unannounced }
    }

    pub(crate) fn boxed(self) -> Contact {
        let Self { link, session, unannounced } = self;
        Contact { link: Box::new(link), session, unannounced }
    }
}

impl<L> Contact<L> {
    /// What it means that no session came about: a peer that neither announced itself as NetGear nor speaks like it is
    /// something else.
    pub(crate) fn explain(&self, failure: SessionFailure) -> SessionFailure {
        match (&self.unannounced, &failure) {
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
}

impl Way {
    pub(crate) async fn establish(
        &mut self,
        config: &SessionConfig,
        clock: Clock,
    ) -> Result<Contact, SessionFailure> {
        match self {
            Self::Connect { endpoint, zmtp, backoff } => connect(endpoint, zmtp, backoff, clock).await,
            Self::Listen { listener: Some(listener), zmtp } => accept(listener, zmtp, clock).await,
            Self::Given(link) => {
                let link = link.take().ok_or(SessionFailure::PeerLost)?;
                Ok(Contact { link, session: Session::new(config.clone()), unannounced: None })
            }
            Self::Listen { listener: None, .. } => Err(SessionFailure::PeerLost),
        }
    }

    /// A peer is there, and fits: no other is let in from now on.
    pub(crate) fn settle(&mut self) {
        if let Self::Listen { listener, .. } = self {
            *listener = None;
        }
    }

    /// Whether to try again after a peer that was connected to never came as far as a session.
    ///
    /// Whoever connects has chosen the peer, and is told what is wrong with it, unless that one is only on its way out.
    /// (Whoever waits on an open port outlives strangers, and does so while they are greeted.)
    pub(crate) fn goes_on_after(&self, failure: &SessionFailure) -> bool {
        match (self, failure) {
            (Self::Connect { .. }, SessionFailure::PeerLost) => true,
            (Self::Connect { .. }, SessionFailure::Link(error)) => is_passing(error),
            _ => false,
        }
    }
}

async fn connect(
    endpoint: &Endpoint,
    zmtp: &Zmtp,
    backoff: &mut Backoff,
    clock: Clock,
) -> Result<Contact, SessionFailure> {
    loop {
        backoff.wait().await;
        match try_connect(endpoint, zmtp, clock).await {
            Ok(link) => return Ok(Contact::new(link, zmtp).boxed()),
            Err(error) if is_passing(&error) => debug!(%endpoint, %error, "nobody there yet"),
            Err(error) => return Err(zmtp.failure(error)),
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

/// Strangers that may be greeted at once on one port; the oldest makes room for a further one.
const MOST_GREETED: usize = 16;

async fn accept(listener: &Listener, zmtp: &Zmtp, clock: Clock) -> Result<Contact, SessionFailure> {
    let mut greeted = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(socket) => {
                    oldest_first.retain(|greeting| !greeting.is_finished());
                    if oldest_first.len() >= MOST_GREETED
                        && let Some(oldest) = oldest_first.pop_front()
                    {
                        oldest.abort();
                    }
                    oldest_first.push_back(greeted.spawn(greet(socket, zmtp.clone(), clock)));
                }
                Err(error) if is_of_one_connection(&error) => debug!(%error, "a connection was gone at once"),
                Err(error) => {
                    // Out of descriptors, most likely: trying again at once would only burn the processor.
                    warn!(%error, "cannot accept a connection; trying again shortly");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            next = next_greeted(&mut greeted) => match next {
                Ok(contact) => return Ok(contact),
                // NetGear, but set up differently: an error on both ends.
                Err(failure @ SessionFailure::Session(SessionError::Mismatch(_))) => return Err(failure),
                Err(SessionFailure::PeerLost) => debug!("a connection was closed before it came to a session"),
                Err(failure) => warn!(%failure, "refused a connection"),
            },
        }
    }
}

/// Whether accepting failed for a reason that ends with the one connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
            | io::ErrorKind::InvalidInput
    )
}

async fn next_greeted(
    greeted: &mut JoinSet<Result<Contact, SessionFailure>>,
) -> Result<Contact, SessionFailure> {
    loop {
        match greeted.join_next().await {
            Some(Ok(contact)) => return contact,
            // It made room for another.
            Some(Err(_)) => {}
            None => return pending().await,
        }
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
pub(crate) struct Backoff {
    /// How long before the next try; not at all before the first.
    delay: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(crate) fn new() -> Self {
        Self { delay: Duration::ZERO }
    }

    async fn wait(&mut self) {
        sleep(self.delay.mul_f64(0.5 + fastrand::f64())).await;
        self.delay = (self.delay * 2).clamp(Self::FIRST, Self::LONGEST);
    }
}
