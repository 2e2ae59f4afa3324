use core::time::Duration;

use bytes::Bytes;

use super::{
    PropertyError, SocketType, command,
    properties::{self, Properties, is_name},
};
use crate::Limits;

/// How a connection finds out that its peer is gone when the network does not say so. Any bytes prove life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    /// After so long a silence a PING asks for a sign of life. While a long part is being received, one gives it as
    /// often.
    pub interval: Duration,
    /// After so long a silence the peer counts as gone.
    pub timeout: Duration,
}

/// A PING after 1 s of silence, gone after 5 s.
impl Default for Heartbeat {
    fn default() -> Self {
        Self { interval: Duration::from_secs(1), timeout: Duration::from_secs(5) }
    }
}

/// How one end of a connection behaves.
#[derive(Debug, Clone)]
pub struct ConnectionConfig {
    socket_type: SocketType,
    limits: Limits,
    properties: Properties,
    handshake_timeout: Duration,
    heartbeat: Option<Heartbeat>,
    correlate: bool,
    relaxed: bool,
}

impl ConnectionConfig {
    /// A connection with the default limits and heartbeat.
    pub fn new(socket_type: SocketType) -> Self {
        let mut properties = Properties::default();
        properties.push("Socket-Type", Bytes::from_static(socket_type.name().as_bytes()));
        Self {
            socket_type,
            limits: Limits::DEFAULT,
            properties,
            handshake_timeout: Duration::from_secs(5),
            heartbeat: Some(Heartbeat::default()),
            correlate: false,
            relaxed: false,
        }
    }

    /// The socket type of this end.
    pub const fn socket_type(&self) -> SocketType {
        self.socket_type
    }

    /// What the peer may make this end hold. Default: [`Limits::DEFAULT`].
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How long the peer may take for the handshake. Default: 5 s.
    pub const fn handshake_timeout(&self) -> Duration {
        self.handshake_timeout
    }

    /// How a silent peer is found out. Default: [`Heartbeat::default`].
    pub const fn heartbeat(&self) -> Option<Heartbeat> {
        self.heartbeat
    }

    /// Whether a REQ numbers its requests, so that a late answer is not taken for that of the next. Default: no.
    pub const fn correlate(&self) -> bool {
        self.correlate
    }

    /// Whether a REQ may ask again before it has been answered (`ZMQ_REQ_RELAXED`), whereby it gives up on what it
    /// asked before. Default: no.
    pub const fn relaxed(&self) -> bool {
        self.relaxed
    }

    pub(super) fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Sets [`ConnectionConfig::limits`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(super) fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Adds a property to READY. Names that begin with `X-` belong to the application (RFC 37).
    ///
    /// # Errors
    /// [`PropertyError`] if the name is malformed or set already, or READY would be over the limit, or have more than
    /// 64.
    pub fn with_property(mut self, name: &str, value: impl Into<Bytes>) -> Result<Self, PropertyError> {
        if !is_name(name) {
            return Err(PropertyError::Name);
        }
        if self.properties.get(name).is_some() {
            return Err(PropertyError::Twice);
        }
        self.properties.push(name, value.into());
        let ready_len = command::ready(&self.properties).len();
        if ready_len > self.limits.metadata_bytes() || self.properties.len() > properties::MOST {
            return Err(PropertyError::TooLong);
        }
        Ok(self)
    }

    /// Sets [`ConnectionConfig::handshake_timeout`].
    #[must_use]
    pub const fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets [`ConnectionConfig::heartbeat`]; `None` leaves a silent peer alone.
    #[must_use]
    pub const fn with_heartbeat(mut self, heartbeat: Option<Heartbeat>) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Sets [`ConnectionConfig::correlate`]. Only a REQ heeds it.
    #[must_use]
    pub const fn with_correlation(mut self, correlate: bool) -> Self {
        self.correlate = correlate;
        self
    }

    /// Sets [`ConnectionConfig::relaxed`], and with it [`ConnectionConfig::correlate`], without which a late answer
    /// would be taken for that of the next request. Only a REQ heeds it.
    #[must_use]
    pub const fn with_relaxed_requests(mut self) -> Self {
        self.relaxed = true;
        self.correlate = true;
        self
    }
}
