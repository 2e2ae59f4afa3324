//! How a connection begins and ends: the two hellos, and what each end has of the other already.

use super::{
    Ending, Event, Link, Mismatch, Output, Peer, PeerViolation, Request, Session, SessionError,
    wording::Heard,
};
use crate::{
    Dialect, Multipart, Pattern, Role, Timestamp,
    native::{self, Hello, Message, Resume, Room, SessionId},
};

impl Session {
    /// A link is there, the first or another: both ends of a PAIR say hello at once, and the REQ of a REQ/REP; only a
    /// receiver whose peer may yet turn out to be a VidGear server says nothing, and a sender to a VidGear client can
    /// send at once.
    pub fn handle_connected(&mut self, now: Timestamp) {
        if self.link != Link::Down || self.ending.is_some() {
            return;
        }
        self.forget_messages();
        let role = self.config.role();
        self.our_turn = self.config.pattern() == Pattern::Pair || role == Role::Sender;
        self.request = Request::Other;
        (self.idle_at, self.acknowledge_at, self.idle_is_due) = (None, None, false);
        match (self.dialect, role) {
            (Some(Dialect::Native), _) | (None, Role::Sender) => {
                self.dialect = Some(Dialect::Native);
                self.link = Link::Greeting { deadline: Some(now + self.config.greeting_timeout()) };
                if self.our_turn {
                    self.say_hello();
                }
            }
            (Some(Dialect::VidGear), Role::Sender) => self.open_to_vidgear(),
            (Some(Dialect::VidGear) | None, Role::Receiver) => {
                self.link = Link::Greeting { deadline: None };
            }
        }
    }

    /// The link is gone. Without [`SessionConfig::reconnect`](super::SessionConfig::reconnect) the session is over
    /// then.
    ///
    /// # Errors
    /// [`SessionError::FirstFrameUnanswered`] if that is what a VidGear client does that was set up differently.
    pub fn handle_disconnected(&mut self) -> Result<(), SessionError> {
        self.forget_messages();
        if self.ending.is_some() || (self.link == Link::Down && self.config.reconnect()) {
            return Ok(());
        }
        let is_told = self.link == Link::Open
            && self.leaving.is_none()
            && self.dialect == Some(Dialect::VidGear)
            && self.awaits_first_answer();
        self.drop_connection(Ending::LinkLost);
        if is_told {
            return Err(SessionError::FirstFrameUnanswered { ours: self.config.mode() });
        }
        Ok(())
    }

    /// Which dialect the next connection speaks, if the link tells (a ZMTP peer's READY does) and the config leaves
    /// it open. Once a peer was there it is its dialect, and this changes nothing.
    pub fn set_dialect(&mut self, dialect: Dialect) {
        if self.config.dialect().is_none() && self.peer.is_none() && self.link == Link::Down {
            self.dialect = Some(dialect);
        }
    }

    /// The hello that this end would say now, for whoever binds a REQ (which must speak first, RFC 28) on a port
    /// where several may come: each is told it before [`Session::handle_greeted`] gets the first whose answer
    /// [`Session::check_hello`] finds good. It says nothing that another peer's data could make untrue, as long as
    /// there is no connection.
    pub fn hello(&mut self) -> Multipart {
        let hello = Message::Hello(self.make_hello());
        // A few bytes, which no limit refuses.
        hello.encode(self.config.limits()).unwrap_or_default()
    }

    /// Whether the first message of a peer would be taken as its hello, or with VidGear as a message at all: for an
    /// open port, where several may come and the first that fits is to be let in. Nothing is changed. It gives who
    /// says so: another connection of the session that is spoken with, which takes the place of the one that there
    /// is, has [`Session::peer_id`]. VidGear says no id.
    ///
    /// # Errors
    /// [`SessionError`] as [`Session::handle_message`] would give it.
    pub fn check_hello(&self, message: Multipart) -> Result<SessionId, SessionError> {
        match self.read(self.dialect_of(&message), &mut message.into_parts())? {
            Heard::Native(Message::Hello(hello)) => self.check_fit(&hello).map(|()| hello.id),
            Heard::Native(_) => Err(PeerViolation::HelloMissing.into()),
            Heard::VidGear(_) => Ok(SessionId::ANONYMOUS),
        }
    }

    /// A link is there, and this is the first message that came over it; a REQ has said [`Session::hello`] on it
    /// before. What [`Session::handle_connected`] and [`Session::handle_message`] do, in one.
    ///
    /// # Errors
    /// As [`Session::handle_message`].
    pub fn handle_greeted(&mut self, now: Timestamp, first: Multipart) -> Result<(), SessionError> {
        self.handle_connected(now);
        if self.config.pattern() == Pattern::ReqRep && self.config.role() == Role::Sender {
            self.forget_messages();
        }
        self.handle_message(now, first)
    }

    /// This is no use any more with this peer: the session's end if the two will never fit, else the connection's.
    pub(super) fn give_up(&mut self, error: &SessionError) {
        let never_fits = matches!(error, SessionError::Mismatch(_)) && self.opened == 0;
        if never_fits {
            self.end(Ending::Failed);
        } else if self.leaving.is_some() && self.config.reconnect() {
            self.drop_connection(Ending::Closed);
        } else {
            self.drop_connection(Ending::Failed);
        }
    }

    /// The connection is of no more use, and the session is over with it if it was to have only one.
    pub(super) fn drop_connection(&mut self, ending: Ending) {
        let is_leaving = self.leaving.is_some() || matches!(self.link, Link::Confirming { .. });
        if !self.config.reconnect() {
            self.end(if is_leaving && ending == Ending::LinkLost { Ending::Closed } else { ending });
            return;
        }
        if self.dialect == Some(Dialect::VidGear) {
            self.note_unconfirmed();
            self.frames.lose_what_is_on_its_way();
            self.arrivals.forget_unanswered();
        }
        let has_left = matches!(self.link, Link::Confirming { .. });
        self.link = Link::Down;
        if self.peer.is_none() {
            // What a stranger spoke says nothing of the next.
            self.dialect = self.config.dialect();
        }
        self.our_turn = false;
        self.frames.disconnected();
        self.tell(Event::Disconnected);
        if is_leaving && (has_left || self.leaves_now || self.is_done_without_a_link()) {
            self.end(Ending::Closed);
        }
    }

    pub(super) fn handle_hello(&mut self, hello: Hello) -> Result<(), SessionError> {
        // A REP answers even a hello that does not fit, so that the other end finds it out as well.
        if self.config.pattern() == Pattern::ReqRep && self.config.role() == Role::Receiver {
            self.say_hello();
        }
        self.check_fit(&hello)?;
        let is_known = self.knows(&hello);
        let is_same = is_known && self.last_peer == hello.id;
        let resume = self.known_of(&hello);
        let resumed = self
            .outbox
            .resume(&hello.room, resume.as_ref(), is_same)
            .and_then(|()| self.frames.resume(&hello.room, resume.as_ref(), is_known));
        if let Err(violation) = resumed {
            // Somebody else took the name of one of the two, or a message was altered. They would never agree: on the
            // next connection this end remembers less, and if that is not it, has no name.
            self.is_nameless = !is_same;
            self.last_peer = SessionId::ANONYMOUS;
            return Err(violation.into());
        }
        self.inbox.resume(&hello, is_known);
        if !is_known {
            self.has_met = false;
            self.arrivals.start_over();
        } else if resume.is_none() {
            // It spoke with another since, and waits for none of these answers any more.
            self.arrivals.forget_unanswered();
        }
        if !is_same {
            self.clock.start_over();
            self.told_clock = None;
        }
        self.last_peer = hello.id;
        let Hello { role, pattern, mode, encodings, .. } = hello;
        self.open(Peer { dialect: Dialect::Native, role, pattern, mode, encodings });
        Ok(())
    }

    pub(super) fn open(&mut self, peer: Peer) {
        self.peer = Some(peer);
        self.link = Link::Open;
        self.opened += 1;
        self.frames.go_on();
        if self.leaving.is_none() {
            self.tell(Event::Connected(peer));
        }
    }

    fn check_fit(&self, peer: &Hello) -> Result<(), SessionError> {
        if peer.version == 0 {
            return Err(PeerViolation::Version.into());
        }
        let role = self.config.role();
        if peer.role == role {
            return Err(Mismatch::SameRole(role).into());
        }
        if peer.pattern != self.config.pattern() {
            return Err(Mismatch::Pattern { role, ours: self.config.pattern(), theirs: peer.pattern }.into());
        }
        if peer.mode != self.config.mode() {
            return Err(Mismatch::Mode { role, ours: self.config.mode(), theirs: peer.mode }.into());
        }
        let is_another = !self.knows(peer);
        let waits_for_none = is_another || self.known_of(peer).is_none();
        let has_fresh_room = is_another || self.inbox.holds_before(peer.first_item);
        if (has_fresh_room && self.inbox.is_clogged()) || self.arrivals.is_clogged(waits_for_none) {
            return Err(SessionError::Clogged);
        }
        Ok(())
    }

    /// Whether this end goes on with that peer's data and frames where it was.
    fn knows(&self, peer: &Hello) -> bool {
        self.has_met && self.inbox.peer() == Some(peer.id)
    }

    /// What the peer has of this end, if it knows it.
    fn known_of(&self, peer: &Hello) -> Option<Resume> {
        let ours = self.id();
        peer.resume.filter(|resume| resume.peer == ours && !ours.is_anonymous())
    }

    pub(super) fn say_hello(&mut self) {
        let hello = self.make_hello();
        self.transmit_small(Message::Hello(hello));
    }

    fn make_hello(&mut self) -> Hello {
        // One that it may not have been told it is known to is another still.
        let known: Option<SessionId> = self.inbox.peer().filter(|_| self.has_met);
        let resume = known.map(|peer| Resume {
            peer,
            data: self.inbox.tell(),
            next_frame: self.arrivals.next_frame(),
            next_answer: self.arrivals.next_answer(),
        });
        let (items, item_bytes) = self.inbox.offer_room();
        let frame_bytes = self.config.limits().frame_bytes() as u64;
        Hello {
            version: native::VERSION,
            role: self.config.role(),
            pattern: self.config.pattern(),
            mode: self.config.mode(),
            id: self.id(),
            room: Room { frames: self.config.window(), frame_bytes, items, item_bytes },
            first_item: self.outbox.first(),
            next_item: self.outbox.end(),
            resume,
            encodings: self.config.encodings(),
        }
    }

    /// The name that this end goes by on this connection.
    fn id(&self) -> SessionId {
        if self.is_nameless { SessionId::ANONYMOUS } else { self.config.id() }
    }

    /// Messages of a connection that is gone are of no use on the next.
    fn forget_messages(&mut self) {
        self.outputs.retain(|output| !matches!(output, Output::Transmit(_)));
    }
}
