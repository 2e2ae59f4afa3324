//! How an end of a session is set up.

use netgear_proto::{Dialect, Pattern, session::FramePolicy};
use netgear_transport::{Builder, End, Endpoint};
use serde::{Deserialize, Serialize};

use crate::Result;

/// What both ends of a session agree on, and the sender's policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Setup {
    pub(crate) pattern: Pattern,
    /// Only the newest frame waits.
    pub(crate) latest: bool,
    pub(crate) window: u16,
    pub(crate) port: u16,
}

impl Setup {
    pub(crate) fn policy(self) -> FramePolicy {
        if self.latest { FramePolicy::Latest } else { FramePolicy::Block }
    }

    pub(crate) fn builder<E: End>(self, builder: Builder<E>) -> Builder<E> {
        builder.dialect(Dialect::Native).pattern(self.pattern).frame_policy(self.policy()).window(self.window)
    }

    pub(crate) fn endpoint(self) -> Result<Endpoint> {
        Ok(format!("tcp://127.0.0.1:{}", self.port).parse()?)
    }
}
