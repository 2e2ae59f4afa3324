use std::{marker::PhantomData, sync::Arc, time::Duration};

use netgear_proto::{
    Dialect, Limits, Mode, Pattern,
    native::{READY_PROPERTY, READY_VALUE},
    session::{FramePolicy, SessionConfig},
    zmtp::{ConnectionConfig, Heartbeat, SocketType},
};
use tokio::io;

use crate::{
    BindError, ConnectError, Endpoint, Link,
    clock::Clock,
    driver::drive,
    establish::{Backoff, Way, Zmtp},
    handle::{End, Handle},
    shared::Shared,
    socket::{Listener, check_resolves},
};

/// Sets up one end of a session: a [`FrameSender`](crate::FrameSender) or a [`FrameReceiver`](crate::FrameReceiver).
///
/// Options first, then one of [`bind`](Builder::bind), [`connect`](Builder::connect) and [`over`](Builder::over), each of
/// which must be called within a tokio runtime. Either end may bind or connect, and either may be started first.
#[derive(Debug)]
pub struct Builder<E> {
    session: SessionConfig,
    timeout: Duration,
    wait: Option<Duration>,
    handshake_timeout: Duration,
    heartbeat: Option<Heartbeat>,
    end: PhantomData<fn() -> E>,
}

impl<E: End> Builder<E> {
    pub(crate) fn new() -> Self {
        Self {
            session: SessionConfig::new(E::ROLE).with_frame_policy(FramePolicy::Block),
            timeout: Duration::from_secs(15),
            wait: None,
            handshake_timeout: Duration::from_secs(5),
            heartbeat: Some(Heartbeat::default()),
            end: PhantomData,
        }
    }

    /// The messaging pattern, which must be the same on both ends. Default: [`Pattern::Pair`].
    #[must_use]
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.session = self.session.with_pattern(pattern);
        self
    }

    /// Whether data goes with the frames and back, which must be the same on both ends. Default: [`Mode::Bidirectional`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.session = self.session.with_mode(mode);
        self
    }

    /// What to speak: [`Dialect::Native`] with another NetGear for Rust, [`Dialect::VidGear`] with the Python original, or,
    /// with `None`, whichever the peer speaks. Default: `None`.
    ///
    /// A peer that does not announce itself as NetGear is taken for a VidGear peer. There are two ends that cannot tell, and
    /// speak the native dialect unless told otherwise: a sender that binds, to which no VidGear client connects, but any
    /// ZeroMQ program might; and a sender [`over`](Builder::over) a link that announces nothing.
    #[must_use]
    pub fn dialect(mut self, dialect: impl Into<Option<Dialect>>) -> Self {
        self.session = self.session.with_dialect(dialect);
        self
    }

    /// What a message may hold. Default: [`Limits::DEFAULT`], pixels of 128 MiB and data of 16 MiB.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.session = self.session.with_limits(limits);
        self
    }

    /// How many frames may be on their way at once on PAIR: from 1, which is lock-step, to 16. Default: 2, so that the next is
    /// there when the receiver is done with one. On REQ/REP and with a VidGear peer it is always one.
    #[must_use]
    pub fn window(mut self, frames: u16) -> Self {
        self.session = self.session.with_window(frames);
        self
    }

    /// How long one call waits for a peer that is connected: for the answer to a frame, or for the next frame.
    /// Default: 15 s, as in VidGear.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait for a peer to appear, from now on. Default: for ever.
    #[must_use]
    pub fn wait_for_peer(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// How long closing waits for the last answer, or for the turn to say goodbye. Default: 1 s.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.session = self.session.with_linger(linger);
        self
    }

    /// How long a peer may take for the ZMTP handshake, and then again for its hello. Default: 5 s.
    ///
    /// A VidGear server says no hello, and may be silent as long as it likes; once its first frame has begun, that must be
    /// whole within this time.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self.session = self.session.with_greeting_timeout(timeout);
        self
    }

    /// How long closing a sender waits for a VidGear client to confirm it, which hangs if nobody is left to confirm to.
    /// Default: 15 s.
    #[must_use]
    pub fn confirmation_timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.with_confirmation_timeout(timeout);
        self
    }

    /// How a peer is found to be gone when the network does not say so; `None` leaves a silent one alone. Default: asked
    /// after 1 s of silence, gone after 5 s.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Option<Heartbeat>) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Binds an endpoint and waits there for the peer, in the background.
    ///
    /// Strangers that are no NetGear peers are turned away. Once a peer is there, no other is let in.
    ///
    /// # Errors
    /// [`BindError`] if the endpoint is taken, or not this machine's.
    pub async fn bind(self, endpoint: Endpoint) -> Result<E, BindError> {
        let listener = match Listener::bind(&endpoint).await {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError::Taken { endpoint });
            }
            Err(source) => return Err(BindError::Io { endpoint, source }),
        };
        let endpoint = listener.endpoint().clone();
        let way = Way::Listen { listener: Some(listener), zmtp: self.zmtp(true) };
        Ok(self.start(way, Some(endpoint)))
    }

    /// Connects to an endpoint, in the background, and tries again until the peer is there.
    ///
    /// # Errors
    /// [`ConnectError`] if nobody can ever be there: `tcp://*`, port 0, a host name without an address.
    pub async fn connect(self, endpoint: Endpoint) -> Result<E, ConnectError> {
        endpoint.check_connectable()?;
        check_resolves(&endpoint)
            .await
            .map_err(|source| ConnectError::Resolve { endpoint: endpoint.clone(), source })?;
        let way = Way::Connect { endpoint, zmtp: self.zmtp(false), backoff: Backoff::new() };
        Ok(self.start(way, None))
    }

    /// Runs the session over a link that is there already. It must be of the same pattern: for REQ/REP, one that asks under a
    /// sender and one that answers under a receiver.
    ///
    /// Whether anybody is at the other end of a link is not known before it says hello. That is waited for as for a peer to
    /// appear: for as long as [`Builder::wait_for_peer`] says, and not by [`Builder::handshake_timeout`].
    pub fn over(mut self, link: impl Link) -> E {
        self.session = self.session.with_greeting_timeout(Duration::MAX);
        self.start(Way::Given(Some(Box::new(link))), None)
    }

    fn zmtp(&self, binds: bool) -> Zmtp {
        let socket_type = SocketType::of(self.session.role(), self.session.pattern());
        let connection = ConnectionConfig::new(socket_type)
            .with_limits(*self.session.limits())
            .with_handshake_timeout(self.handshake_timeout)
            .with_heartbeat(self.heartbeat)
            .with_relaxed_requests();
        // Whoever is announced to would expect the native dialect.
        let connection = match self.session.dialect() {
            Some(Dialect::VidGear) => connection,
            _ => connection
                .with_property(READY_PROPERTY, READY_VALUE)
                .expect("a short property, set once, is within every limit"),
        };
        Zmtp { connection, session: self.session.clone(), binds }
    }

    fn start(self, way: Way, endpoint: Option<Endpoint>) -> E {
        let clock = Clock::new();
        let shared = Arc::new(Shared::new(self.session));
        tokio::spawn(drive(Arc::clone(&shared), way, clock));
        E::from_handle(Handle::new(shared, clock, self.timeout, self.wait, endpoint))
    }
}
