use core::fmt;

use crate::{Pattern, Role};

/// The ZeroMQ socket type of this end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketType {
    /// One peer, either end may speak at any time (RFC 31).
    Pair,
    /// Asks, then waits for the answer (RFC 28).
    Req,
    /// Waits for a request, then answers it (RFC 28).
    Rep,
}

impl SocketType {
    /// The socket of a session's end: the sender of a REQ/REP asks, the receiver answers.
    pub const fn of(role: Role, pattern: Pattern) -> Self {
        match (pattern, role) {
            (Pattern::Pair, _) => Self::Pair,
            (Pattern::ReqRep, Role::Sender) => Self::Req,
            (Pattern::ReqRep, Role::Receiver) => Self::Rep,
        }
    }

    /// The name that stands in READY, in exactly this case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pair => "PAIR",
            Self::Req => "REQ",
            Self::Rep => "REP",
        }
    }

    /// Whether a peer of that name goes with this socket (RFC 28 and 31).
    pub fn accepts(self, peer: &str) -> bool {
        match self {
            Self::Pair => peer == "PAIR",
            Self::Req => matches!(peer, "REP" | "ROUTER"),
            Self::Rep => matches!(peer, "REQ" | "DEALER"),
        }
    }
}

impl fmt::Display for SocketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
