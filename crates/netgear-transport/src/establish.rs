//! How a session comes by its link: it connects until somebody is there, or waits until somebody comes.

use std::{collections::VecDeque, future::pending, io, time::Duration};

use netgear_proto::{
    session::{Mismatch, SessionConfig, SessionError},
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
    link::ZmtpLink,
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
}

impl Way {
    pub(crate) async fn establish(&mut self, clock: Clock) -> Result<Box<dyn Link>, SessionFailure> {
        match self {
            Self::Connect { endpoint, zmtp, backoff } => connect(endpoint, zmtp, backoff, clock).await,
            Self::Listen { listener: Some(listener), zmtp } => accept(listener, zmtp, clock).await,
            Self::Given(link) => link.take().ok_or(SessionFailure::PeerLost),
            Self::Listen { listener: None, .. } => Err(SessionFailure::PeerLost),
        }
    }

    /// A peer is there, and fits: no other is let in from now on.
    pub(crate) fn settle(&mut self) {
        if let Self::Listen { listener, .. } = self {
            *listener = None;
        }
    }

    /// Whether to look for another peer after one that connected never came as far as a session.
    ///
    /// Whoever waits on an open port must outlive strangers. Whoever connects has chosen the peer, and is told what is
    /// wrong with it, unless that one is only on its way out. A peer that is NetGear but set up differently is an error on
    /// both ends.
    pub(crate) fn goes_on_after(&self, failure: &SessionFailure) -> bool {
        let mismatch = matches!(failure, SessionFailure::Session(SessionError::Mismatch(_)));
        match self {
            Self::Listen { .. } => !mismatch,
            Self::Connect { .. } => match failure {
                SessionFailure::PeerLost => true,
                SessionFailure::Link(error) => is_passing(error),
                SessionFailure::Session(_) => false,
            },
            Self::Given(_) => false,
        }
    }
}

async fn connect(
    endpoint: &Endpoint,
    zmtp: &Zmtp,
    backoff: &mut Backoff,
    clock: Clock,
) -> Result<Box<dyn Link>, SessionFailure> {
    loop {
        match try_connect(endpoint, zmtp, clock).await {
            Ok(link) => return Ok(Box::new(link)),
            Err(error) if is_passing(&error) => debug!(%endpoint, %error, "nobody there yet"),
            Err(error) => return Err(zmtp.failure(error)),
        }
        backoff.wait().await;
    }
}

async fn try_connect(endpoint: &Endpoint, zmtp: &Zmtp, clock: Clock) -> Result<ZmtpLink<Socket>, LinkError> {
    let patience = zmtp.session.greeting_timeout();
    let socket = timeout(patience, Socket::connect(endpoint))
        .await
        .unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))?;
    ZmtpLink::handshake(socket, zmtp.connection.clone(), clock).await
}

/// Whether trying again may help: nobody there, gone again, or silent; not a peer that is something else.
fn is_passing(error: &LinkError) -> bool {
    match error {
        LinkError::Io(_) => true,
        LinkError::Zmtp(error) => {
            matches!(
                error,
                ZmtpError::HandshakeTimeout | ZmtpError::PeerSilent { .. } | ZmtpError::Truncated { .. }
            )
        }
        _ => false,
    }
}

/// Handshakes that may be under way at once on one port; the oldest makes room for a further one.
const MOST_HANDSHAKES: usize = 16;

async fn accept(listener: &Listener, zmtp: &Zmtp, clock: Clock) -> Result<Box<dyn Link>, SessionFailure> {
    let mut handshakes = JoinSet::new();
    let mut oldest_first: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok(socket) => {
                    oldest_first.retain(|handshake| !handshake.is_finished());
                    if oldest_first.len() >= MOST_HANDSHAKES
                        && let Some(oldest) = oldest_first.pop_front()
                    {
                        oldest.abort();
                    }
                    let config = zmtp.connection.clone();
                    oldest_first.push_back(handshakes.spawn(ZmtpLink::handshake(socket, config, clock)));
                }
                Err(error) => {
                    // Out of descriptors, most likely: trying again at once would only burn the processor.
                    warn!(%error, "cannot accept a connection; trying again shortly");
                    sleep(Duration::from_millis(100)).await;
                }
            },
            shaken = next_handshake(&mut handshakes) => match shaken {
                Ok(link) => return Ok(Box::new(link)),
                Err(error) => match zmtp.failure(error) {
                    failure @ SessionFailure::Session(SessionError::Mismatch(_)) => return Err(failure),
                    failure => warn!(%failure, "refused a connection"),
                },
            },
        }
    }
}

async fn next_handshake(
    handshakes: &mut JoinSet<Result<ZmtpLink<Socket>, LinkError>>,
) -> Result<ZmtpLink<Socket>, LinkError> {
    loop {
        match handshakes.join_next().await {
            Some(Ok(shaken)) => return shaken,
            // It made room for another.
            Some(Err(_)) => {}
            None => return pending().await,
        }
    }
}

impl Zmtp {
    /// Sockets that do not go together are a mistake in how the two ends were set up, where both are NetGear's.
    fn failure(&self, error: LinkError) -> SessionFailure {
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
    delay: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);

    pub(crate) fn new() -> Self {
        Self { delay: Self::FIRST }
    }

    async fn wait(&mut self) {
        sleep(self.delay.mul_f64(0.5 + fastrand::f64())).await;
        self.delay = (self.delay * 2).min(Self::LONGEST);
    }
}
