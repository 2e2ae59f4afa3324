use std::{io, sync::Arc};

use netgear_proto::{session::Mismatch, zmtp};

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
    #[error(
        "the peer is a ZeroMQ {socket_type} socket, but not NetGear, as far as it says; if it is VidGear's other end, \
         do not force the native dialect, and with a sender that binds force that of VidGear"
    )]
    NotNetGear {
        /// Its socket type.
        socket_type: String,
    },
    /// The peer does not announce itself as NetGear, and its socket does not go with this end's: a stranger, or a
    /// VidGear peer that was set up for the other pattern.
    #[error("it is not NetGear; if it is VidGear: {0}")]
    OtherSocket(Mismatch),
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
