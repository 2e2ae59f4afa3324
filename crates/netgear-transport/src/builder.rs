use std::{marker::PhantomData, sync::Arc, time::Duration};

use netgear_proto::{
    Codec, Dialect, Encoding, EncodingChoice, Encodings, Limits, Mode, Pattern, Role,
    native::{READY_PROPERTY, READY_VALUE, SessionId},
    session::{FramePolicy, ResumeToken, SessionConfig},
    zmtp::{ConnectionConfig, Heartbeat, SocketType},
};
use tokio::{io, time::timeout};
use tracing::warn;

use crate::{
    BindError, ConnectError, Endpoint, FrameReceiver, FrameSender, Link,
    clock::Clock,
    decoding::Decoding,
    door::Door,
    driver::{Driver, drive},
    encoding::Encoder,
    establish::{Connecting, Way, Zmtp},
    handle::{End, Handle},
    shared::Shared,
    socket::{Listener, check_resolves},
};

/// Sets up one end of a session: a [`FrameSender`](crate::FrameSender) or a [`FrameReceiver`](crate::FrameReceiver).
///
/// Options first, then one of [`bind`](Builder::bind), [`connect`](Builder::connect) and [`over`](Builder::over),
/// each of which must be called within a tokio runtime. Either end may bind or connect, and either may be started
/// first.
#[derive(Debug)]
pub struct Builder<E> {
    session: SessionConfig,
    timeout: Duration,
    wait: Option<Duration>,
    handshake_timeout: Duration,
    heartbeat: Option<Heartbeat>,
    reconnect: bool,
    codec: Option<Arc<dyn Codec>>,
    encoding: EncodingChoice,
    /// Those of the codec if not set.
    encodings: Option<Encodings>,
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
            reconnect: true,
            codec: None,
            encoding: EncodingChoice::Raw,
            encodings: None,
            end: PhantomData,
        }
    }

    /// The messaging pattern, which must be the same on both ends. Default: [`Pattern::Pair`].
    #[must_use]
    pub fn pattern(mut self, pattern: Pattern) -> Self {
        self.session = self.session.with_pattern(pattern);
        self
    }

    /// Whether data goes with the frames and back, which must be the same on both ends. Default:
    /// [`Mode::Bidirectional`].
    #[must_use]
    pub fn mode(mut self, mode: Mode) -> Self {
        self.session = self.session.with_mode(mode);
        self
    }

    /// What to speak: [`Dialect::Native`] with another NetGear for Rust, [`Dialect::VidGear`] with the Python
    /// original, or, with `None`, whichever the peer speaks. Default: `None`.
    ///
    /// A peer that does not announce itself as NetGear is taken for a VidGear peer. There are two ends that cannot
    /// tell, and speak the native dialect unless told otherwise: a sender that binds, to which no VidGear client
    /// connects, but any ZeroMQ program might; and a sender [`over`](Builder::over) a link that announces nothing.
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

    /// What becomes of frames that the peer is too slow for. Default: [`FramePolicy::Block`], by which
    /// [`FrameSender::send`](crate::FrameSender::send) waits and no frame is dropped: right for a file. For a camera,
    /// or whatever else goes on by itself, [`FramePolicy::Latest`] keeps what arrives fresh. With a VidGear client it
    /// is always `Block`.
    #[must_use]
    pub fn frame_policy(mut self, policy: FramePolicy) -> Self {
        self.session = self.session.with_frame_policy(policy);
        self
    }

    /// Whether to look for the peer again when it is lost, for as long as [`Builder::wait_for_peer`] says. Default:
    /// yes.
    ///
    /// Data that was lost with a connection is then sent again, and delivered exactly once. Without, and with a
    /// VidGear peer, which numbers nothing, the session fails with its connection.
    #[must_use]
    pub fn reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// What the application had taken of the peer's data before it was restarted:
    /// [`FrameReceiver::resume_token`](crate::FrameReceiver::resume_token) or
    /// [`FrameSender::resume_token`](crate::FrameSender::resume_token) as it recorded it. The session goes on behind
    /// that. Default: none.
    ///
    /// It says something to the very session that it names, which must have lived on meanwhile, and nothing to any
    /// other: a peer that was itself restarted, or that has said goodbye, begins anew. If that one may be gone, set
    /// [`Builder::wait_for_peer`]. Write a token so that it is there whole or not at all, such as to a file beside
    /// the old one that is then renamed.
    #[must_use]
    pub fn resume(mut self, token: impl Into<Option<ResumeToken>>) -> Self {
        self.session = self.session.with_resume(token);
        self
    }

    /// How many frames may be on their way at once on PAIR: from 1, which is lock-step, to 16. Default: 2, so that
    /// the next is there when the receiver is done with one. On REQ/REP and with a VidGear peer it is always one.
    #[must_use]
    pub fn window(mut self, frames: u16) -> Self {
        self.session = self.session.with_window(frames);
        self
    }

    /// How long one call waits for a peer that is connected: for the answer to a frame, or for the next frame. A call
    /// that sends has its frame encoded within the same time, and one that receives waits as long again for a frame
    /// that has come to be decoded. Default: 15 s, as in VidGear.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait for a peer to appear, from now on and each time that it is lost. Default: for ever.
    #[must_use]
    pub fn wait_for_peer(mut self, wait: Duration) -> Self {
        self.wait = Some(wait);
        self
    }

    /// How long closing waits until the last frame is answered and all data received, and for the turn to say
    /// goodbye. Default: 1 s.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.session = self.session.with_linger(linger);
        self
    }

    /// How long a peer may take for the ZMTP handshake, and then again for its hello; and how long a host name may
    /// take to be looked up. Default: 5 s.
    ///
    /// A VidGear server says no hello, and may be silent as long as it likes; once its first frame has begun, that
    /// must be whole within this time.
    #[must_use]
    pub fn handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self.session = self.session.with_greeting_timeout(timeout);
        self
    }

    /// How long closing a sender waits for a VidGear client to confirm it, which hangs if nobody is left to confirm
    /// to. Default: 15 s.
    #[must_use]
    pub fn confirmation_timeout(mut self, timeout: Duration) -> Self {
        self.session = self.session.with_confirmation_timeout(timeout);
        self
    }

    /// How a peer is found to be gone when the network does not say so; `None` leaves a silent one alone. Default:
    /// asked after 1 s of silence, gone after 5 s.
    #[must_use]
    pub fn heartbeat(mut self, heartbeat: Option<Heartbeat>) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// What encodes the frames of a sender ([`Builder::encoding`]), and decodes those that a receiver gets: its peer
    /// is told what it may send. Default: none, and all frames are raw.
    ///
    /// It works on a thread of the runtime's for what blocks ([`tokio::task::spawn_blocking`]), on one frame at a
    /// time. Once a receiver's application has come for a frame by [`FrameReceiver::recv`] or as a stream, each
    /// further frame is decoded as soon as it is the next one, so that it is ready when the application is done with
    /// the one before; no more than that one is decoded ahead.
    ///
    /// How long it takes counts against [`Builder::timeout`]. A codec that never comes back is an error of each call
    /// that needs it ([`SendError::EncodingTimeout`](crate::SendError::EncodingTimeout),
    /// [`RecvError::DecodingTimeout`](crate::RecvError::DecodingTimeout)); the session goes on, and raw frames and
    /// data with it. Its thread is lost, and the runtime waits for it when it is dropped.
    #[must_use]
    pub fn codec(mut self, codec: Arc<dyn Codec>) -> Self {
        self.codec = Some(codec);
        self
    }

    /// Binds an endpoint and waits there for the peer, in the background.
    ///
    /// Strangers that are no NetGear peers are turned away. While a peer is there, no other is let in, but for
    /// another connection of the same peer, whose first one must be dead.
    ///
    /// # Errors
    /// [`BindError`] if the endpoint is taken, or not this machine's, or there is no codec for the encoding.
    pub async fn bind(self, endpoint: Endpoint) -> Result<E, BindError> {
        if let Some(encoding) = self.encoding_without_codec() {
            return Err(BindError::NoCodec { encoding });
        }
        let listener = match in_time(self.handshake_timeout, Listener::bind(&endpoint)).await {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(BindError::Taken { endpoint });
            }
            Err(source) => return Err(BindError::Io { endpoint, source }),
        };
        let endpoint = listener.endpoint().clone();
        let zmtp = self.zmtp(true);
        let way =
            |shared: &Arc<Shared>, clock| Way::Listen(Door::open(listener, zmtp, Arc::clone(shared), clock));
        Ok(self.start(way, Some(endpoint)))
    }

    /// Connects to an endpoint, in the background, and tries again until the peer is there.
    ///
    /// # Errors
    /// [`ConnectError`] if nobody can ever be there (`tcp://*`, port 0, a host name without an address), or there is
    /// no codec for the encoding.
    pub async fn connect(self, endpoint: Endpoint) -> Result<E, ConnectError> {
        if let Some(encoding) = self.encoding_without_codec() {
            return Err(ConnectError::NoCodec { encoding });
        }
        endpoint.check_connectable()?;
        in_time(self.handshake_timeout, check_resolves(&endpoint))
            .await
            .map_err(|source| ConnectError::Resolve { endpoint: endpoint.clone(), source })?;
        let way = Way::Connect(Box::new(Connecting::new(endpoint, self.zmtp(false))));
        Ok(self.start(|_, _| way, None))
    }

    /// Runs the session over a link that is there already. It must be of the same pattern: for REQ/REP, one that asks
    /// under a sender and one that answers under a receiver.
    ///
    /// Whether anybody is at the other end of a link is not known before it says hello. That is waited for as for a
    /// peer to appear: for as long as [`Builder::wait_for_peer`] says, and not by [`Builder::handshake_timeout`].
    pub fn over(mut self, link: impl Link) -> E {
        self.session = self.session.with_greeting_timeout(Duration::MAX);
        self.start(|_, _| Way::Given(Some(Box::new(link))), None)
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
        Zmtp { connection, session: self.session(), binds }
    }

    /// What frames are to be encoded as, where nothing encodes them.
    fn encoding_without_codec(&self) -> Option<Encoding> {
        let encoding = self.encoding.encoding();
        (self.codec.is_none() && encoding != Encoding::Raw).then_some(encoding)
    }

    /// With what follows from several options, in whichever order they were set.
    fn session(&self) -> SessionConfig {
        let decodes =
            self.codec.as_ref().filter(|_| E::ROLE == Role::Receiver).map(|codec| codec.encodings());
        self.session.clone().with_encodings(self.encodings.or(decodes).unwrap_or_default())
    }

    fn start(self, way: impl FnOnce(&Arc<Shared>, Clock) -> Way, endpoint: Option<Endpoint>) -> E {
        let clock = Clock::new();
        // That a session lives longer than its link is the driver's decision, who knows whether there may be another.
        let session = self.session().with_reconnect(true).with_id(random_id());
        let is_receiver = E::ROLE == Role::Receiver;
        let (decodes, encodes) = if is_receiver { (self.codec, None) } else { (None, self.codec) };
        let shared = Arc::new(Shared::new(session, |waiters| Decoding::new(decodes, waiters)));
        let way = way(&shared, clock);
        let driver = Driver { shared: Arc::clone(&shared), clock, reconnects: self.reconnect };
        tokio::spawn(drive(driver, way));
        #[cfg(feature = "metrics")]
        tokio::spawn(crate::metrics::report(Arc::clone(&shared)));
        let handle = Handle::new(shared, clock, self.timeout, self.wait, endpoint);
        E::from_handle(handle, Encoder::new(encodes, self.encoding))
    }
}

impl Builder<FrameSender> {
    /// How frames are encoded, by the [`Builder::codec`], for a receiver that decodes that; any other gets them raw,
    /// and so does a VidGear client. Default: [`EncodingChoice::Raw`].
    ///
    /// Without a codec, binding and connecting fail; [`over`](Builder::over) a link all go raw, which is logged. Raw
    /// go also the frames that the encoding cannot take, such as those of u16 or f32 as JPEG, and those that it would
    /// not make smaller. Frames among the data are always raw. An application that encodes its frames itself, for
    /// [`FrameSender::send_outgoing`], needs neither.
    #[must_use]
    pub fn encoding(mut self, encoding: EncodingChoice) -> Self {
        self.encoding = encoding;
        self
    }
}

impl Builder<FrameReceiver> {
    /// How frames may be encoded that this receiver is sent. Default: as its [`Builder::codec`] decodes, and without
    /// one raw.
    ///
    /// An application that takes encoded frames as they come, by [`FrameReceiver::recv_undecoded`], needs no codec:
    /// it sets this.
    #[must_use]
    pub fn encodings(mut self, encodings: Encodings) -> Self {
        self.encodings = Some(encodings);
        self
    }
}

/// To look a name up may take long.
async fn in_time<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(limit, work).await.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut)))
}

/// Nobody else's, and nothing that a stranger could guess.
fn random_id() -> SessionId {
    let mut bytes = [0; 16];
    if let Err(error) = getrandom::fill(&mut bytes) {
        warn!(%error, "the system has no random numbers; a restarted peer may not be known again");
        return SessionId::ANONYMOUS;
    }
    SessionId::from_bytes(bytes)
}
