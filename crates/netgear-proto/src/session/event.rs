use crate::{Dialect, Mode, Multipart, Pattern, Role};

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
    /// The peer is there and fits this end: frames can flow.
    Connected(Peer),
    /// A frame has arrived; [`Session::recv`](super::Session::recv) gives it.
    FrameArrived,
    /// A frame was answered: the next can be sent, and [`Session::recv_data`](super::Session::recv_data) gives the answer's data if it had any.
    Answered,
    /// An idle request of a REQ was answered: a frame that was refused as busy meanwhile can be sent now.
    CanSend,
    /// The session is over. Nothing is transmitted after this.
    Over(Ending),
}

/// What the other end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// What the two ends speak.
    pub dialect: Dialect,
    /// Which end it is.
    pub role: Role,
    /// The pattern that it was set up for.
    pub pattern: Pattern,
    /// Whether it sends and expects data both ways. A VidGear client says so only in its first answer; until then this is
    /// the mode of this end.
    pub mode: Mode,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// This end closed it.
    Closed,
    /// The peer said goodbye, or a VidGear server that it terminates.
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
