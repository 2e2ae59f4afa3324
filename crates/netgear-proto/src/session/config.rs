use core::time::Duration;

use super::{FramePolicy, ResumeToken};
use crate::{Dialect, Encodings, Limits, Mode, Pattern, Role, native::SessionId};

/// How one end of a session behaves. Both ends must agree on pattern and mode, and have opposite roles.
///
/// ```
/// use netgear_proto::{Mode, Pattern, Role, session::SessionConfig};
///
/// let config = SessionConfig::new(Role::Sender).with_pattern(Pattern::ReqRep);
/// assert_eq!(config.mode(), Mode::Bidirectional);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionConfig {
    role: Role,
    pattern: Pattern,
    mode: Mode,
    dialect: Option<Dialect>,
    limits: Limits,
    greeting_timeout: Duration,
    linger: Duration,
    confirmation_timeout: Duration,
    idle_interval: Duration,
    id: SessionId,
    resume: Option<ResumeToken>,
    reconnect: bool,
    frame_policy: FramePolicy,
    window: u16,
    encodings: Encodings,
}

impl SessionConfig {
    /// A bidirectional PAIR session with the default limits.
    pub const fn new(role: Role) -> Self {
        Self {
            role,
            pattern: Pattern::Pair,
            mode: Mode::Bidirectional,
            dialect: None,
            limits: Limits::DEFAULT,
            greeting_timeout: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            confirmation_timeout: Duration::from_secs(15),
            idle_interval: Duration::from_millis(250),
            id: SessionId::ANONYMOUS,
            resume: None,
            reconnect: false,
            frame_policy: FramePolicy::Latest,
            window: 2,
            encodings: Encodings::RAW,
        }
    }

    /// Which end this is.
    pub const fn role(&self) -> Role {
        self.role
    }

    /// The messaging pattern. Default: [`Pattern::Pair`].
    pub const fn pattern(&self) -> Pattern {
        self.pattern
    }

    /// Whether data goes both ways. Default: [`Mode::Bidirectional`].
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// What this end speaks; `None` leaves it to the peer: a receiver hears it in the peer's first message, before
    /// which it says nothing, and a sender speaks the native dialect. Default: `None`.
    pub const fn dialect(&self) -> Option<Dialect> {
        self.dialect
    }

    /// What a message may hold. Default: [`Limits::DEFAULT`].
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long a connected peer may take to say hello. Default: 5 s. A VidGear server says none, and may take as
    /// long as it likes for its first frame.
    pub const fn greeting_timeout(&self) -> Duration {
        self.greeting_timeout
    }

    /// How long [`Session::close`](super::Session::close) waits at most until all is answered and received, and for
    /// its turn to say goodbye. Default: 1 s.
    pub const fn linger(&self) -> Duration {
        self.linger
    }

    /// How long a sender that leaves a VidGear client waits for its confirmation. Default: 15 s, as long as that one
    /// waits for anything. A client that finds nobody to confirm to hangs for ever.
    pub const fn confirmation_timeout(&self) -> Duration {
        self.confirmation_timeout
    }

    /// How long a REQ/REP sender without a frame to send leaves the receiver without a turn to speak. Default: 250
    /// ms.
    pub const fn idle_interval(&self) -> Duration {
        self.idle_interval
    }

    /// By what the peer knows this session again on a further connection: 16 bytes drawn at random, by whoever has a
    /// source of them. Default: [`SessionId::ANONYMOUS`], by which it is not known, and gets data again that it has
    /// but has not taken.
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// What the application had taken before it was restarted. Default: `None`.
    pub const fn resume(&self) -> Option<ResumeToken> {
        self.resume
    }

    /// Whether the session outlives its connections: it then ends by [`Session::close`](super::Session::close), by
    /// the peer's goodbye, or because the two ends were set up for different things, and goes on after anything else
    /// over the next connection. Default: no.
    pub const fn reconnect(&self) -> bool {
        self.reconnect
    }

    /// What becomes of frames that the peer is too slow for. Default: [`FramePolicy::Latest`]. With a VidGear peer a
    /// frame is always handed back.
    pub const fn frame_policy(&self) -> FramePolicy {
        self.frame_policy
    }

    /// How many frames may be on their way, or wait for the receiving application: the lower of what the two ends
    /// say. Default: 2 on PAIR, so that a frame travels while the one before it is looked at. On REQ/REP always 1.
    pub const fn window(&self) -> u16 {
        match self.pattern {
            Pattern::Pair => self.window,
            Pattern::ReqRep => 1,
        }
    }

    /// How frames may be encoded that are sent to this end. The peer is told, and one that sends any other breaks the
    /// protocol. Default: [`Encodings::RAW`]. With more, a receiver takes its frames by
    /// [`Session::recv_undecoded`](super::Session::recv_undecoded).
    pub const fn encodings(&self) -> Encodings {
        self.encodings
    }

    /// Sets [`SessionConfig::encodings`].
    #[must_use]
    pub const fn with_encodings(mut self, encodings: Encodings) -> Self {
        self.encodings = encodings;
        self
    }

    /// Sets [`SessionConfig::id`].
    #[must_use]
    pub const fn with_id(mut self, id: SessionId) -> Self {
        self.id = id;
        self
    }

    /// Sets [`SessionConfig::resume`]: a token, or `None`.
    #[must_use]
    pub fn with_resume(mut self, token: impl Into<Option<ResumeToken>>) -> Self {
        self.resume = token.into();
        self
    }

    /// Sets [`SessionConfig::reconnect`].
    #[must_use]
    pub const fn with_reconnect(mut self, reconnect: bool) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Sets [`SessionConfig::frame_policy`].
    #[must_use]
    pub const fn with_frame_policy(mut self, policy: FramePolicy) -> Self {
        self.frame_policy = policy;
        self
    }

    /// Sets [`SessionConfig::window`]. 1 to 16 are kept.
    #[must_use]
    pub fn with_window(mut self, frames: u16) -> Self {
        self.window = frames.clamp(1, 16);
        self
    }

    /// Sets [`SessionConfig::pattern`].
    #[must_use]
    pub const fn with_pattern(mut self, pattern: Pattern) -> Self {
        self.pattern = pattern;
        self
    }

    /// Sets [`SessionConfig::mode`].
    #[must_use]
    pub const fn with_mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets [`SessionConfig::dialect`]: one of them, or `None`.
    #[must_use]
    pub fn with_dialect(mut self, dialect: impl Into<Option<Dialect>>) -> Self {
        self.dialect = dialect.into();
        self
    }

    /// Sets [`SessionConfig::limits`].
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets [`SessionConfig::greeting_timeout`].
    #[must_use]
    pub const fn with_greeting_timeout(mut self, timeout: Duration) -> Self {
        self.greeting_timeout = timeout;
        self
    }

    /// Sets [`SessionConfig::linger`].
    #[must_use]
    pub const fn with_linger(mut self, linger: Duration) -> Self {
        self.linger = linger;
        self
    }

    /// Sets [`SessionConfig::confirmation_timeout`].
    #[must_use]
    pub const fn with_confirmation_timeout(mut self, timeout: Duration) -> Self {
        self.confirmation_timeout = timeout;
        self
    }

    /// Sets [`SessionConfig::idle_interval`]. At least 1 ms is kept.
    #[must_use]
    pub fn with_idle_interval(mut self, interval: Duration) -> Self {
        self.idle_interval = interval.max(Duration::from_millis(1));
        self
    }
}
