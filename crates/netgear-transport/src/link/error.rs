use std::{io, sync::Arc};

use netgear_proto::zmtp;

/// Why a link cannot carry anything any more.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The system's word for it.
    #[error("the connection broke: {0}")]
    Io(Arc<io::Error>),
    /// ZMTP's rules were broken, or the two sockets do not go together.
    #[error(transparent)]
    Zmtp(#[from] zmtp::ZmtpError),
    /// A message could not be given to the ZMTP connection.
    #[error("the message could not be sent: {0}")]
    Send(String),
    /// The peer speaks ZeroMQ, but does not announce itself as NetGear.
    #[error("the peer is a ZeroMQ {socket_type} socket, but not NetGear; connect to a NetGear program")]
    NotNetGear {
        /// Its socket type.
        socket_type: String,
    },
    /// A socket of the `zeromq` crate failed.
    #[cfg(feature = "zeromq")]
    #[error("the zeromq socket failed: {0}")]
    Zeromq(String),
}

impl From<io::Error> for LinkError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
