use core::{fmt, time::Duration};

use super::{Drops, LatencyPercentiles};
use crate::{Dialect, Encoding, Encodings, Mode, Multipart, Pattern, Role, native::ClockOffset};

/// What a session wants done, or wants known.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Output {
    /// Give this to the link.
    Transmit(Multipart),
    /// Something happened.
    Event(Event),
}

/// What happened in a session. One that has happened again before the first was looked at is given once, as it was
/// the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The peer is there and fits this end: frames can flow. On each connection again.
    Connected(Peer),
    /// The connection is gone, or of no more use: close the link, establish another, and say so by
    /// [`Session::handle_connected`](super::Session::handle_connected). Only with
    /// [`SessionConfig::reconnect`](super::SessionConfig::reconnect).
    Disconnected,
    /// A frame has arrived; [`Session::recv`](super::Session::recv) gives it.
    FrameArrived,
    /// Data has arrived without a frame; [`Session::recv_data`](super::Session::recv_data) gives it.
    DataArrived,
    /// A frame was answered: the next can be sent, and [`Session::recv_data`](super::Session::recv_data) gives the
    /// answer's data if it had any.
    Answered,
    /// A frame or a reply that was refused as busy can be given again.
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
    /// Whether it sends and expects data both ways. A VidGear client says so only in its first answer; until then
    /// this is the mode of this end.
    pub mode: Mode,
    /// How frames may be encoded that are sent to it. A VidGear peer takes them raw.
    pub encodings: Encodings,
}

/// `native receiver on PAIR, bidirectional, decodes raw, jpeg`. What a sender decodes matters to nobody.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dialect, role, pattern, mode, encodings } = self;
        write!(f, "{dialect} {role} on {pattern}, {mode}")?;
        match role {
            Role::Sender => Ok(()),
            Role::Receiver => write!(f, ", decodes {encodings}"),
        }
    }
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
    /// The two ends do not fit, or (without [`SessionConfig::reconnect`](super::SessionConfig::reconnect)) the peer
    /// broke a rule: what `handle_message` or `handle_timeout` returned.
    Failed,
}

/// What has crossed so far, over all connections, and what waits.
///
/// At a sender `frames_offered` is always
/// `frames_delivered + frames_dropped.total() + frames_in_flight + frames_waiting`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Frames that the sender took from its application.
    pub frames_offered: u64,
    /// Frames that the sender gave to the link, those sent again included.
    pub frames_sent: u64,
    /// Of these, those that were given to a link before, whose connection broke.
    pub frames_resent: u64,
    /// Frames that are known to have arrived.
    pub frames_delivered: u64,
    /// Frames that the sender dropped, by cause.
    pub frames_dropped: Drops,
    /// Frames that wait at the sender for their turn, or at the receiver for its application.
    pub frames_waiting: usize,
    /// Frames that are on their way, and not known to have arrived.
    pub frames_in_flight: usize,
    /// Frames that the receiver got from the link.
    pub frames_received: u64,
    /// Of the frames that a sender gave to the link or a receiver got from it, those that were encoded.
    pub frames_encoded: u64,
    /// How the last of them was encoded.
    pub last_encoding: Encoding,
    /// The bytes of the pixels of all frames that a sender gave to the link or a receiver got from it, as they are
    /// decoded.
    pub pixel_bytes: u64,
    /// The bytes that these frames took on the link, raw or encoded.
    pub frame_bytes: u64,
    /// Of the frames that a receiver's application came for, those that could not be decoded.
    pub frames_undecodable: u64,
    /// Bytes given to the link, without what ZMTP adds.
    pub bytes_sent: u64,
    /// Bytes got from it.
    pub bytes_received: u64,
    /// Data items given to the link, those sent again not counted again.
    pub data_sent: u64,
    /// Data items that were given to a link before.
    pub data_resent: u64,
    /// Data items that the peer is known to have received, counted from the first of all.
    pub data_acknowledged: u64,
    /// Data items got from the link.
    pub data_received: u64,
    /// Data items that the application came for and is done with.
    pub data_taken: u64,
    /// Data items that are reported as undelivered.
    pub data_undelivered: u64,
    /// Data items that wait here for the peer to take them.
    pub data_waiting: usize,
    /// Data items that wait here for the application to come for them.
    pub data_to_take: usize,
    /// Connections on which the peer was there, after the first.
    pub reconnects: u64,
    /// The shortest time there and back of the last exchanges, without what the answer took. At a sender.
    pub round_trip: Option<Duration>,
    /// How far the receiver's clock is ahead of the sender's: measured by the sender, which tells the receiver.
    pub clock: Option<ClockOffset>,
    /// How long frames took from their capture to their arrival, the two clocks taken into account: of all whose
    /// clocks' offset was known, which it is from the second or third on. `None` with a VidGear peer.
    pub latency: Option<LatencyPercentiles>,
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn a_peer_is_said_in_words() {
        let receiver = Peer {
            dialect: Dialect::Native,
            role: Role::Receiver,
            pattern: Pattern::Pair,
            mode: Mode::Bidirectional,
            encodings: Encodings::RAW.with(Encoding::Jpeg),
        };
        assert_eq!(receiver.to_string(), "native receiver on PAIR, bidirectional, decodes raw, jpeg");
        let sender = Peer { dialect: Dialect::VidGear, role: Role::Sender, ..receiver };
        assert_eq!(sender.to_string(), "VidGear sender on PAIR, bidirectional");
    }
}
