use crate::{Multipart, native::Hello};

/// What a session wants done, or wants known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Give this to the link.
    Transmit(Multipart),
    /// Something happened.
    Event(Event),
}

/// What happened in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer said hello and fits this end: frames can flow.
    Connected(Hello),
    /// A frame has arrived; [`Session::recv`](super::Session::recv) gives it.
    FrameArrived,
    /// A frame was answered: the next can be sent, and [`Session::recv_data`](super::Session::recv_data) gives the answer's data if it had any.
    Answered,
    /// An idle request of a REQ was answered: a frame that was refused as busy meanwhile can be sent now.
    CanSend,
    /// The session is over. Nothing is transmitted after this.
    Over(Ending),
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// This end closed it.
    Closed,
    /// The peer said goodbye.
    PeerLeft,
    /// The link broke without a goodbye.
    LinkLost,
    /// The two ends do not fit, or the peer broke a rule: what `handle_message` or `handle_timeout` returned.
    Failed,
}

/// What has crossed so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Frames that the sender gave to the link.
    pub frames_sent: u64,
    /// Frames that the receiver got from it.
    pub frames_received: u64,
    /// Data items given to the link, from either role.
    pub data_sent: u64,
    /// Data items got from it.
    pub data_received: u64,
}
