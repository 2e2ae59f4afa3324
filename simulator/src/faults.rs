//! What goes wrong: connections break, stall and go dead, programs are killed, and others take their place.

use netgear_proto::{Dialect, Pattern};

use crate::{
    application::{End, id_of},
    liar::Liar,
    link::{Connection, Seat, Side},
    scenario::{Carries, any_scale},
    world::{ROLES, World},
};

impl World {
    /// Something fails, if it is so decided.
    pub(crate) fn fail_somehow(&mut self) -> Result<(), String> {
        let [cut, stall, kill_sender, kill_receiver] = self.scenario.faults;
        if self.rng.u32(..10_000) < cut {
            self.cut();
        }
        if self.rng.u32(..10_000) < stall {
            let pause = self.rng.u64(..3_000_000);
            self.stall(pause);
        }
        if self.rng.u32(..10_000) < kill_sender {
            self.kill(0);
        }
        if self.rng.u32(..10_000) < kill_receiver {
            self.kill(1);
        }
        if self.rng.u32(..10_000) < self.scenario.vanishing {
            self.vanish();
        }
        if self.scenario.closes_early && self.rng.u32(..10_000) < 100 {
            let who = self.rng.usize(..2);
            self.close(who)?;
        }
        Ok(())
    }

    /// The connection breaks; either end gets some of what was on its way, and learns of it in its own time.
    pub(crate) fn cut(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        for side in connection.sides.iter_mut().filter(|side| !side.is_closed) {
            let due = self.now + any_scale(&mut self.rng, 0..22);
            side.cut(&mut self.rng, due);
        }
        self.trace(|| "the connection breaks".into());
    }

    /// Nothing moves for a while.
    pub(crate) fn stall(&mut self, pause: u64) {
        let Some(connection) = &mut self.connection else { return };
        connection.sides.iter_mut().for_each(|side| side.stall(pause));
        self.trace(|| format!("nothing moves for {pause} µs"));
    }

    /// Nothing moves any more, and nobody is told.
    pub(crate) fn vanish(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        if connection.vanished_at.is_none() {
            connection.vanished_at = Some(self.now);
            connection.sides.iter_mut().for_each(Side::vanish);
            self.summary.vanished += 1;
            self.trace(|| "the connection goes dead".into());
        }
    }

    /// A program is killed, and started again with what is on its disk.
    pub(crate) fn kill(&mut self, who: usize) {
        let seat = self.connection.as_ref().and_then(|connection| connection.side_of(who));
        if let Some(at) = seat {
            self.tear(at);
        }
        let end = &self.ends[who];
        let keeps = self.scenario.keeps_token[who];
        let token = end.token.filter(|_| keeps);
        let (role, lineage) = (end.role, end.lineage);
        self.books.runs += 1;
        self.summary.kills += 1;
        let run = self.books.runs;
        let mut next = End::start(role, &self.scenario, &self.pictures, run, token);
        if keeps {
            next.lineage = lineage;
            // What it says that it has taken may be what the liar said.
            self.was_robbed |= self.is_tainted;
        }
        self.ends[who] = next;
        self.ends[1 - who].is_bereft = true;
        self.trace(|| format!("{role} is killed; run {run} begins with {token:?}"));
        self.reap();
    }

    /// The program at this side of the connection is gone; the other finds it out.
    fn tear(&mut self, at: usize) {
        let Some(connection) = &mut self.connection else { return };
        connection.sides[at].is_closed = true;
        connection.sides[at].is_open = false;
        let due = self.now + any_scale(&mut self.rng, 0..22);
        let side = &mut connection.sides[1 - at];
        if !side.is_closed {
            side.cut(&mut self.rng, due);
        }
    }

    /// Two programs find each other: mostly the two ends.
    pub(crate) fn connect(&mut self) {
        self.dismiss_guest();
        if self.is_tainted {
            // Until its lies are found out, an end may have no name.
            self.books.estrange(1);
        }
        if self.was_robbed {
            self.was_robbed = false;
            self.books.give_up_what_was_accepted();
        }
        let mut seats = [Seat::End(0), Seat::End(1)];
        let [strangers, liars] = self.scenario.guests;
        let comes = if self.is_calm { 100 } else { self.rng.u8(..100) };
        let has_guest = comes < strangers + liars;
        if has_guest {
            let at = self.rng.usize(..2);
            self.guest_leaves_at = self.now + any_scale(&mut self.rng, 4..24);
            self.summary.guests += 1;
            seats[at] = if comes < strangers { self.welcome_stranger(at) } else { self.welcome_liar(at) };
        }
        let waiting = self.rng.usize(..2);
        let is_listener = |at: usize| at == 1 && self.scenario.receiver_listens;
        // A REQ must speak first, and somebody must.
        let may_wait = |at: usize| {
            (self.scenario.pattern == Pattern::Pair || at == 1)
                && self.scenario.dialect == Dialect::Native
                && !is_listener(1 - at)
                && !has_guest
        };
        let sides = [0, 1].map(|at| {
            let opens_at = self.now + self.rng.u64(..=2 * self.scenario.latency);
            Side::new(opens_at, self.scenario.binder_waits && at == waiting && may_wait(at))
        });
        self.connection =
            Some(Connection { sides, seats, vanished_at: None, has_guest, guest_was_heard: false });
        self.summary.connections += 1;
        self.trace(|| format!("a connection is made between {seats:?}"));
    }

    /// A session of another program takes this end's place.
    fn welcome_stranger(&mut self, at: usize) -> Seat {
        self.books.runs += 1;
        let end = End::start(ROLES[at], &self.scenario, &self.pictures, self.books.runs, None);
        self.welcome(end);
        Seat::End(2)
    }

    /// What keeps no rule takes this end's place.
    fn welcome_liar(&mut self, at: usize) -> Seat {
        let (victim, impersonated) = (&self.ends[1 - at], &self.ends[at]);
        self.liar = Some(Liar::new(
            id_of(victim.run),
            id_of(impersonated.run),
            impersonated.session.config(),
            self.scenario.liar_leaves,
            // That ends a session which never had a peer.
            victim.session.peer().is_some(),
        ));
        self.liar_speaks_at = self.now;
        Seat::Liar
    }

    /// The liar says something, and either kind of guest leaves at last.
    pub(crate) fn let_guest_act(&mut self) -> Result<(), String> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let guest = connection.seats.iter().position(|seat| !matches!(seat, Seat::End(0 | 1)));
        let Some(at) = guest else { return Ok(()) };
        if self.guest_leaves_at <= self.now {
            if !connection.sides[at].is_closed {
                self.trace(|| "the guest leaves".into());
                self.tear(at);
            }
            self.guest_leaves_at = u64::MAX;
        }
        if self.liar.is_some() && self.liar_speaks_at <= self.now {
            self.liar_speaks_at = self.now + any_scale(&mut self.rng, 6..20);
            self.lie(at)?;
        }
        Ok(())
    }

    fn lie(&mut self, at: usize) -> Result<(), String> {
        let now = self.now;
        let (Some(liar), Some(connection)) = (&mut self.liar, &mut self.connection) else { return Ok(()) };
        let is_full = match self.scenario.carries {
            Carries::Messages { room } => connection.sides[1 - at].coming.len() >= room,
            Carries::Bytes { .. } => {
                let wire = connection.sides[at].wire.as_mut();
                !wire.is_some_and(|wire| wire.can_send() && wire.is_flushed())
            }
        };
        if connection.sides[at].is_closed || connection.sides[at].opens_at.is_some() || is_full {
            return Ok(());
        }
        if let Some(message) = liar.say(&mut self.rng, now) {
            self.transmit(at, message)?;
            self.flush(at);
        }
        Ok(())
    }

    /// A guest was heard by the end that it speaks with.
    pub(crate) fn note_guest(&mut self, at: usize) {
        let Some(connection) = &mut self.connection else { return };
        let (Seat::End(who), guest) = (connection.seats[at], connection.seats[1 - at]) else { return };
        let has_met = guest == Seat::Liar || self.ends[who].session.is_open();
        if !connection.has_guest || connection.guest_was_heard || !has_met || who > 1 {
            return;
        }
        connection.guest_was_heard = true;
        // What it has of either, or either of it, the other knows nothing of.
        self.ends.iter_mut().for_each(|end| end.is_bereft = true);
        if guest == Seat::Liar {
            (self.is_tainted, self.was_robbed, self.books.clocks_lie) = (true, true, true);
        }
        self.books.estrange(1);
    }

    /// A further connection may be made once both know that the last is gone.
    pub(crate) fn reap(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::is_over) {
            self.connection = None;
            let most = if self.is_calm { 14 } else { 22 };
            self.connect_at = self.now + any_scale(&mut self.rng, 1..most);
        }
    }
}
