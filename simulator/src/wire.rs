use bytes::Buf;
use netgear_proto::{
    BufferPool, Dialect, Multipart, Role, Timestamp,
    native::{READY_PROPERTY, READY_VALUE},
    zmtp::{Connection, ConnectionConfig, Event, SendError, SocketType, ZmtpError},
};

use crate::scenario::Scenario;

/// One end's ZMTP, between its session and a link that carries bytes.
#[derive(Debug)]
pub(crate) struct Wire {
    connection: Connection,
    pool: BufferPool,
}

impl Wire {
    pub(crate) fn new(role: Role, scenario: &Scenario, now: Timestamp) -> Self {
        let config = ConnectionConfig::new(SocketType::of(role, scenario.pattern))
            .with_limits(scenario.limits)
            .with_relaxed_requests();
        let config = match scenario.dialect {
            Dialect::VidGear => config,
            _ => config.with_property(READY_PROPERTY, READY_VALUE).expect("it is short, and set once"),
        };
        Self { connection: Connection::new(config, now), pool: BufferPool::default() }
    }

    /// What the peer's READY says that it speaks.
    pub(crate) fn dialect(&self) -> Dialect {
        match self.connection.peer().and_then(|peer| peer.property(READY_PROPERTY)) {
            Some(_) => Dialect::Native,
            None => Dialect::VidGear,
        }
    }

    /// Whether all that it was given has gone to the link.
    pub(crate) fn is_flushed(&mut self) -> bool {
        !self.connection.transmit().has_remaining()
    }

    /// Whether a message may be sent.
    pub(crate) fn can_send(&self) -> bool {
        self.connection.can_send()
    }

    pub(crate) fn send(&mut self, message: Multipart) -> Result<(), SendError> {
        self.connection.send(message)
    }

    /// The next bytes for the link, so many at most.
    pub(crate) fn next_bytes(&mut self, most: usize) -> Vec<u8> {
        let transmit = self.connection.transmit();
        let count = most.min(transmit.remaining());
        let mut bytes = vec![0; count];
        transmit.copy_to_slice(&mut bytes);
        bytes
    }

    pub(crate) fn hear(&mut self, now: Timestamp, bytes: &[u8]) -> Result<(), ZmtpError> {
        self.connection.handle_input(now, bytes, &mut self.pool)
    }

    /// The link is at its end. What had come of a message is lost.
    pub(crate) fn hear_end(&mut self) {
        drop(self.connection.handle_eof());
    }

    pub(crate) fn next_event(&mut self) -> Option<Event> {
        self.connection.poll_event()
    }

    pub(crate) fn next_timeout(&self) -> Option<Timestamp> {
        self.connection.next_timeout()
    }

    pub(crate) fn handle_timeout(&mut self, now: Timestamp) -> Result<(), ZmtpError> {
        self.connection.handle_timeout(now)
    }
}
