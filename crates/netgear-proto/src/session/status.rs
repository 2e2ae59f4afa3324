//! What can be asked of a session without changing it.

use super::{Ending, Link, Peer, ResumeToken, Session, SessionConfig, Stats};
use crate::{Dialect, Role, Timestamp, native::SessionId};

/// Getters.
impl Session {
    /// How this end was set up.
    pub const fn config(&self) -> &SessionConfig {
        &self.config
    }

    /// What the peer is, once that is known. While there is no connection, what the last was.
    pub const fn peer(&self) -> Option<&Peer> {
        self.peer.as_ref()
    }

    /// Which session it is that is spoken with, or was last; [`SessionId::ANONYMOUS`] if that has no identity.
    pub const fn peer_id(&self) -> SessionId {
        self.last_peer
    }

    /// Whether the peer is there now: both ends have said hello.
    pub fn is_open(&self) -> bool {
        self.link == Link::Open && self.ending.is_none()
    }

    /// Whether a link was given by [`Session::handle_connected`] and is still of use.
    pub fn is_connected(&self) -> bool {
        self.link != Link::Down && self.ending.is_none()
    }

    /// Whether [`Session::send`] would take a frame now. One with data also needs room for that.
    pub fn can_send(&self) -> bool {
        self.config.role() == Role::Sender
            && self.ending.is_none()
            && self.leaving.is_none()
            && self.peer.is_some()
            && !self.has_much_returned()
            && if self.dialect == Some(Dialect::VidGear) {
                self.link == Link::Open && self.our_turn && self.frames.is_idle()
            } else {
                !self.frames.is_full(self.may_speak()) && self.outbox.has_room()
            }
    }

    /// Whether a frame was taken for sending that is not answered, and if the session is over never was; or data is
    /// still to come of answers that were lost with a connection.
    pub fn awaits_answer(&self) -> bool {
        let is_owed = self.ending.is_none() && self.inbox.awaits_promised();
        !self.frames.is_idle() || self.frames.is_cut_short() || is_owed
    }

    /// Whether the first frame of all was sent and its answer is still to come.
    pub fn awaits_first_answer(&self) -> bool {
        self.frames.unanswered() == Some(0)
    }

    /// Whether [`Session::recv`] would give a frame now.
    pub fn has_frame(&self) -> bool {
        self.arrivals.waiting() > 0
    }

    /// Whether [`Session::recv_data`] would give an item now.
    pub fn has_data(&self) -> bool {
        self.inbox.has_loose(self.arrivals.items_before_next().unwrap_or(u64::MAX))
    }

    /// Whether so much data waits to be taken here that no further peer would be let in, and this one may have to
    /// wait for room.
    pub fn is_clogged(&self) -> bool {
        self.inbox.is_clogged()
    }

    /// Whether [`Session::poll_output`] has something to give.
    pub fn has_output(&self) -> bool {
        !self.outputs.is_empty() || self.next_word().is_some() || self.may_try_again()
    }

    /// Whether [`Session::poll_output`] is to be called though it has nothing to give: the application has taken what
    /// came before, which is to be acknowledged in time, and from that call on [`Session::next_timeout`] says when.
    pub fn has_to_be_timed(&self) -> bool {
        self.acknowledge_at.is_none() && self.owes_acknowledgement()
    }

    /// How the session ended, once it has.
    pub const fn ending(&self) -> Option<Ending> {
        self.ending
    }

    /// What the application has taken of the peer's data up to now, the item taken last included. Given to the
    /// session of a restarted program, that one gets what comes behind it. `None` if nothing was taken of a peer with
    /// an identity.
    ///
    /// An application that records it when it is done with an item and before it takes the next never misses an item,
    /// and sees none again but one that it was killed over.
    pub fn resume_token(&self) -> Option<ResumeToken> {
        self.inbox.token()
    }

    /// What has crossed so far, and what waits.
    pub fn stats(&self) -> Stats {
        let is_sender = self.config.role() == Role::Sender;
        Stats {
            frames_offered: self.frames.offered(),
            frames_resent: self.frames.resent(),
            frames_delivered: self.frames.delivered(),
            frames_dropped: self.frames.dropped(),
            frames_waiting: self.frames.waiting() + self.arrivals.waiting(),
            frames_in_flight: self.frames.undecided(),
            data_acknowledged: self.outbox.received(),
            data_waiting: self.outbox.len(),
            data_to_take: self.inbox.waiting(),
            reconnects: self.opened.saturating_sub(1),
            round_trip: self.clock.round_trip(),
            clock: if is_sender { self.clock.offset() } else { self.told_clock },
            latency: self.latency.percentiles(),
            ..self.counted
        }
    }

    /// When [`Session::handle_timeout`] wants to be called, if nothing else happens first. Ask after
    /// [`Session::poll_output`].
    pub fn next_timeout(&self) -> Option<Timestamp> {
        if self.ending.is_some() {
            return None;
        }
        let due = match self.link {
            Link::Confirming { until } => return Some(until),
            Link::Greeting { deadline } => [deadline, None],
            Link::Open => [self.idle_at, self.acknowledge_at],
            Link::Down => [None, None],
        };
        // Once it has waited long enough it is for the link to take the goodbye.
        match self.leaving.filter(|_| !self.leaves_now) {
            Some(deadline) if matches!(self.link, Link::Greeting { .. }) => Some(deadline),
            leaving => due.into_iter().chain([leaving]).flatten().min(),
        }
    }
}
