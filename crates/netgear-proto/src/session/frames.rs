use crate::{Frame, Timestamp, Value};

/// A frame on its way out, and what goes with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// The picture.
    pub frame: Frame,
    /// What the application says with it.
    pub data: Option<Value>,
    /// When it was captured: microseconds since 1970-01-01 00:00 UTC.
    pub captured_at: Timestamp,
}

impl Outgoing {
    /// A frame without data.
    pub const fn new(frame: Frame, captured_at: Timestamp) -> Self {
        Self { frame, data: None, captured_at }
    }

    /// Adds data, which the receiver gets together with the frame.
    #[must_use]
    pub fn with_data(mut self, data: impl Into<Value>) -> Self {
        self.data = Some(data.into());
        self
    }
}

/// A frame that arrived, and what came with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    /// The picture.
    pub frame: Frame,
    /// What the sending application said with it.
    pub data: Option<Value>,
    /// 0 for the first frame of the session, one more for each further frame.
    pub sequence: u64,
    /// When it was captured, by the sender's clock: microseconds since 1970-01-01 00:00 UTC. `None` from a VidGear server,
    /// which does not say.
    pub captured_at: Option<Timestamp>,
    /// When its last byte had arrived, by this end's clock.
    pub received_at: Timestamp,
}
