//! What is carried between the two sides of a connection.

use netgear_proto::{
    Dialect, Multipart,
    native::Message,
    session::{Ending, Event, Output, SessionError},
    zmtp,
};

use crate::{
    application::index,
    link::{Carried, Seat},
    scenario::Carries,
    wire::Wire,
    world::{ROLES, World, link_clock},
};

/// More outputs than these never wait for one end.
const MOST_OUTPUTS: usize = 600;

/// How long a connection that is dead may go unnoticed, in microseconds: the heartbeat takes 5 s from the last sign
/// of life, and what still fits on the link is one.
const NOTICED_WITHIN: u64 = 12_000_000;

impl World {
    pub(crate) fn open_if_due(&mut self, at: usize) -> Result<(), String> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let side = &mut connection.sides[at];
        if side.is_closed || side.opens_at.is_none_or(|due| due > self.now) {
            return Ok(());
        }
        side.opens_at = None;
        if let Carries::Bytes { .. } = self.scenario.carries {
            side.wire = Some(Wire::new(ROLES[at], &self.scenario, link_clock(self.now)));
            self.flush(at);
        } else if !side.waits {
            self.begin(at);
        }
        self.pump_side(at)
    }

    /// The session at this side learns of the connection.
    fn begin(&mut self, at: usize) {
        let Some(connection) = &mut self.connection else { return };
        connection.sides[at].is_open = true;
        if let Seat::End(who) = connection.seats[at] {
            let clock = self.ends[who].clock(self.now);
            self.ends[who].session.handle_connected(clock);
        }
    }

    pub(crate) fn hear_if_due(&mut self, at: usize) -> Result<(), String> {
        loop {
            let Some(connection) = &mut self.connection else { return Ok(()) };
            let side = &mut connection.sides[at];
            if side.opens_at.is_some() || side.next_due().is_none_or(|due| due > self.now) {
                return Ok(());
            }
            match side.take() {
                Some(Carried::Message(message)) => self.hear_message(at, message)?,
                Some(Carried::Bytes(mut bytes)) => {
                    // What has come by now may be read at once, whichever way it was sent.
                    while self.rng.bool()
                        && let Some((due, Carried::Bytes(_))) = side.coming.front()
                        && *due <= self.now
                        && let Some(Carried::Bytes(more)) = side.take()
                    {
                        bytes.extend(more);
                    }
                    self.hear_bytes(at, &bytes)?;
                }
                Some(Carried::Closed) => {
                    if let Some(wire) = &mut side.wire {
                        wire.hear_end();
                    }
                    self.close_side(at)?;
                }
                None => return Ok(()),
            }
            // The other end may have something to say that had no room.
            self.pump_side(at)?;
            self.pump_side(1 - at)?;
        }
    }

    fn hear_bytes(&mut self, at: usize, bytes: &[u8]) -> Result<(), String> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let Some(wire) = &mut connection.sides[at].wire else { return Ok(()) };
        let heard = wire.hear(link_clock(self.now), bytes);
        connection.sides[at].is_failed = heard.is_err();
        loop {
            let Some(connection) = &mut self.connection else { return Ok(()) };
            let seat = connection.seats[at];
            let side = &mut connection.sides[at];
            let Some(wire) = side.wire.as_mut().filter(|_| !side.is_closed) else { return Ok(()) };
            match wire.next_event() {
                Some(zmtp::Event::Established) => {
                    let (dialect, waits) = (wire.dialect(), side.waits);
                    if let Seat::End(who) = seat {
                        self.ends[who].session.set_dialect(dialect);
                    }
                    if !waits {
                        self.begin(at);
                    }
                    self.pump_side(at)?;
                }
                Some(zmtp::Event::Message(message)) => {
                    self.hear_message(at, message)?;
                    self.pump_side(at)?;
                }
                Some(_) => return Err("there is a further event".into()),
                None => break,
            }
        }
        if let Err(error) = heard {
            if !self.is_altered {
                return Err(format!("the ZMTP of side {at}: {error}"));
            }
            self.trace(|| format!("the ZMTP of side {at}: {error}"));
            self.flush(at);
            self.close_side(at)?;
        }
        Ok(())
    }

    fn hear_message(&mut self, at: usize, message: Multipart) -> Result<(), String> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let Seat::End(who) = connection.seats[at] else {
            if let Some(liar) = &mut self.liar {
                liar.hear(message);
            }
            return Ok(());
        };
        let is_from_liar = connection.seats[1 - at] == Seat::Liar;
        if !connection.sides[at].is_open {
            self.begin(at);
        }
        let clock = self.ends[who].clock(self.now);
        let handled = self.ends[who].session.handle_message(clock, message);
        self.note_guest(at);
        if let Err(error) = handled {
            // Where both keep the rules, the only thing to go wrong is that there is no room for another peer.
            let is_expected = self.is_altered || self.is_tainted || is_from_liar;
            if !matches!(error, SessionError::Clogged) && !is_expected {
                return Err(format!("end {who}: {error}"));
            }
            self.trace(|| format!("end {who} takes offence: {error}"));
        }
        Ok(())
    }

    pub(crate) fn handle_wire_timeout(&mut self, at: usize) -> Result<(), String> {
        let clock = link_clock(self.now);
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let vanished_at = connection.vanished_at;
        let side = &mut connection.sides[at];
        if side.is_closed {
            return Ok(());
        }
        if vanished_at.is_some_and(|since| since + NOTICED_WITHIN < self.now) {
            return Err(format!("side {at} does not notice that the connection is dead"));
        }
        let Some(wire) = &mut side.wire else { return Ok(()) };
        if wire.next_timeout().is_none_or(|due| due > clock) {
            return Ok(());
        }
        let handled = wire.handle_timeout(clock);
        if let Err(error) = handled {
            let may_be_silent = vanished_at.is_some() || self.scenario.faults[1] > 0 || self.is_altered;
            if !may_be_silent {
                return Err(format!("the ZMTP of side {at}: {error}"));
            }
            self.trace(|| format!("the ZMTP of side {at}: {error}"));
            self.close_side(at)?;
        }
        self.flush(at);
        self.pump_side(at)
    }

    /// This side's connection is gone.
    fn close_side(&mut self, at: usize) -> Result<(), String> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        if connection.sides[at].is_closed {
            return Ok(());
        }
        let due = self.now + self.rng.u64(..=self.scenario.latency);
        connection.sides[at].is_closed = true;
        connection.sides[at].is_open = false;
        connection.sides[1 - at].put(due, Carried::Closed);
        let seat = connection.seats[at];
        self.trace(|| format!("side {at} has no connection any more"));
        if let Seat::End(who) = seat {
            drop(self.ends[who].session.handle_disconnected());
            self.pump(who)?;
        }
        self.reap();
        Ok(())
    }

    /// Both ends are told that the connection is gone.
    pub(crate) fn break_off(&mut self) -> Result<(), String> {
        self.close_side(0)?;
        self.close_side(1)
    }

    fn pump_side(&mut self, at: usize) -> Result<(), String> {
        match self.connection.as_ref().map(|connection| connection.seats[at]) {
            Some(Seat::End(who)) => self.pump(who),
            Some(Seat::Liar) => {
                self.flush(at);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Gives the link what an end has to say, as long as it takes it.
    pub(crate) fn pump(&mut self, who: usize) -> Result<(), String> {
        for _ in 0..MOST_OUTPUTS {
            let at = self.connection.as_ref().and_then(|connection| connection.side_of(who));
            if who > 1 && at.is_none() {
                // The stranger is gone with its connection.
                return Ok(());
            }
            if let Some(at) = at {
                self.flush(at);
                if !self.has_room(at) {
                    return Ok(());
                }
            }
            let Some(end) = self.ends.get_mut(who) else { return Ok(()) };
            let clock = end.clock(self.now);
            let has_output = end.session.has_output();
            let output = end.session.poll_output(clock);
            if output.is_some() != has_output {
                return Err(format!("end {who}: has_output says {has_output}, and {output:?} came"));
            }
            match output {
                None => {
                    if self.scenario.dialect == Dialect::VidGear {
                        end.report(&mut self.books)?;
                    }
                    return Ok(());
                }
                Some(Output::Transmit(message)) => {
                    let at = at.ok_or_else(|| format!("end {who} speaks without a connection"))?;
                    self.transmit(at, message)?;
                }
                Some(Output::Event(event)) => self.note_event(who, event)?,
                Some(other) => return Err(format!("{other:?}")),
            }
        }
        Err(format!("end {who} speaks without end"))
    }

    /// Whether the link takes a message at once.
    fn has_room(&mut self, at: usize) -> bool {
        let Some(connection) = &mut self.connection else { return true };
        if connection.sides[at].is_closed {
            return true;
        }
        match self.scenario.carries {
            Carries::Messages { room } => connection.sides[1 - at].coming.len() < room,
            Carries::Bytes { .. } => connection.sides[at].wire.as_mut().is_none_or(Wire::is_flushed),
        }
    }

    /// Says something at this side.
    pub(crate) fn transmit(&mut self, at: usize, message: Multipart) -> Result<(), String> {
        let due = self.now + self.rng.u64(..=self.scenario.latency);
        if self.is_traced {
            let said = match self.scenario.dialect {
                Dialect::Native => {
                    format!("{:?}", Message::decode(message.clone(), &self.scenario.limits))
                }
                _ => format!("{message:?}"),
            };
            let said: String = said.chars().take(400).collect();
            self.trace(|| format!("side {at} says {said}"));
        }
        let Some(connection) = &mut self.connection else {
            return Err(format!("side {at} speaks without a connection"));
        };
        match &mut connection.sides[at].wire {
            // What it heard was altered, and nobody hears it any more.
            Some(_) if self.is_altered && connection.sides[at].is_failed => {}
            Some(wire) => wire.send(message).map_err(|error| format!("the ZMTP of side {at}: {error}"))?,
            None => connection.sides[1 - at].put(due, Carried::Message(message)),
        }
        Ok(())
    }

    /// Gives the link the bytes that wait, as far as it takes them.
    pub(crate) fn flush(&mut self, at: usize) {
        let Carries::Bytes { longest, room } = self.scenario.carries else { return };
        loop {
            let Some(connection) = &mut self.connection else { return };
            let [first, second] = &mut connection.sides;
            let (side, other) = if at == 0 { (first, second) } else { (second, first) };
            let Some(wire) = side.wire.as_mut().filter(|_| !side.is_closed) else { return };
            let free = room.saturating_sub(other.coming_bytes());
            if free == 0 || wire.is_flushed() {
                return;
            }
            let mut bytes = wire.next_bytes(self.rng.usize(1..=longest).min(free));
            let flips = !self.is_calm && self.rng.u32(..10_000) < self.scenario.flips;
            if flips {
                let bit = self.rng.usize(..8 * bytes.len());
                bytes[bit / 8] ^= 1 << (bit % 8);
                (self.is_altered, self.books.forgives, self.books.clocks_lie) = (true, true, true);
                self.summary.flips += 1;
            }
            let due = self.now + self.rng.u64(..=self.scenario.latency);
            other.put(due, Carried::Bytes(bytes));
            if flips {
                self.trace(|| format!("a bit is turned over on its way from side {at}"));
            }
        }
    }

    fn note_event(&mut self, who: usize, event: Event) -> Result<(), String> {
        self.trace(|| format!("end {who}: {event:?}"));
        match event {
            Event::Disconnected | Event::Over(_) => {
                if let Some(at) = self.connection.as_ref().and_then(|connection| connection.side_of(who)) {
                    self.close_side(at)?;
                }
                if event == Event::Over(Ending::Failed) && !self.is_altered {
                    return Err(format!("end {who} failed"));
                }
            }
            _ => {}
        }
        let Some(end) = self.ends.get_mut(who) else { return Ok(()) };
        if end.session.ending().is_some() && !end.reported {
            end.reported = true;
            let undelivered = end.report(&mut self.books)?;
            let closed_early = end.closing && self.now < end.lingers_until;
            let peer_stays = !self.ends[1 - index(self.ends[who].role)].closing && !self.ends[who].is_bereft;
            let is_claimed = self.scenario.dialect == Dialect::Native && !self.is_altered;
            if is_claimed && closed_early && !undelivered.is_empty() && peer_stays {
                return Err(format!("end {who} did not wait until all was received: {undelivered:?}"));
            }
        }
        Ok(())
    }
}
