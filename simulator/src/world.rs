use netgear_proto::{
    Pattern, Role,
    session::{Ending, Event, FramePolicy, Output},
};

use crate::{
    application::{Books, End, index},
    link::{Carried, Connection},
    scenario::{Scenario, any_scale},
};

/// What one run came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary {
    /// Items of data that applications were given.
    pub data: u64,
    /// Frames that applications were given.
    pub frames: u64,
    /// Connections that were made.
    pub connections: u64,
    /// Times that a program was killed.
    pub kills: u64,
}

const ROLES: [Role; 2] = [Role::Sender, Role::Receiver];

/// How much virtual time what is left may take at the end, in microseconds.
const DRAINED_WITHIN: u64 = 200_000_000;

/// More outputs than these never wait for one end.
const MOST_OUTPUTS: usize = 600;

pub(crate) struct World {
    scenario: Scenario,
    rng: fastrand::Rng,
    trace: bool,
    now: u64,
    ends: [End; 2],
    connection: Option<Connection>,
    connect_at: u64,
    act_at: [u64; 2],
    /// The ends do no more than take what comes.
    calm: bool,
    books: Books,
    runs: u64,
    /// The runs that were alive when their peer was over, each with the peer's run.
    summary: Summary,
    /// Runs whose peer of that role was killed while it lived.
    bereft: [bool; 2],
}

impl World {
    pub(crate) fn new(scenario: Scenario, mut rng: fastrand::Rng, trace: bool) -> Self {
        let ends =
            [End::start(Role::Sender, &scenario, 1, None), End::start(Role::Receiver, &scenario, 2, None)];
        let act_at = [rng.u64(..1000), rng.u64(..1000)];
        Self {
            scenario,
            rng,
            trace,
            now: 0,
            ends,
            connection: None,
            connect_at: 0,
            act_at,
            calm: false,
            books: Books::default(),
            runs: 2,
            summary: Summary::default(),
            bereft: [false; 2],
        }
    }

    pub(crate) fn run(mut self) -> Result<Summary, String> {
        let scenario = format!("{:?}", self.scenario);
        self.trace(|| scenario);
        self.live().map_err(|error| format!("at {} µs: {error}", self.now))?;
        self.summary.data = self.books.data.iter().map(|data| data.count()).sum();
        self.summary.frames = self.books.frames.count();
        Ok(self.summary)
    }

    fn live(&mut self) -> Result<(), String> {
        for _ in 0..self.scenario.actions {
            self.step_until(self.act_at.into_iter().min().unwrap_or(0))?;
            let role = ROLES[usize::from(self.act_at[1] < self.act_at[0])];
            self.act(role)?;
            self.fail_somehow()?;
            self.check_sums()?;
        }
        self.calm = true;
        for role in ROLES {
            if self.scenario.closes[index(role)] {
                self.close(role)?;
            }
        }
        self.drain()?;
        self.check_end()
    }

    fn act(&mut self, role: Role) -> Result<(), String> {
        let at = index(role);
        self.act_at[at] = self.now + self.rng.u64(..2 * self.scenario.pauses[at]);
        self.ends[at].act(&mut self.rng, self.now, &mut self.books)?;
        self.pump(role)
    }

    fn close(&mut self, role: Role) -> Result<(), String> {
        self.trace(|| format!("{role} closes"));
        let end = &mut self.ends[index(role)];
        if !end.closing {
            end.lingers_until = self.now + end.session.config().linger().as_micros() as u64;
        }
        end.closing = true;
        let clock = end.clock(self.now);
        end.session.close(clock);
        self.pump(role)
    }

    /// Something fails, if it is so decided.
    fn fail_somehow(&mut self) -> Result<(), String> {
        let [cut, stall, kill_sender, kill_receiver] = self.scenario.faults;
        if self.rng.u32(..10_000) < cut {
            self.cut();
        }
        if self.rng.u32(..10_000) < stall {
            self.stall();
        }
        if self.rng.u32(..10_000) < kill_sender {
            self.kill(Role::Sender)?;
        }
        if self.rng.u32(..10_000) < kill_receiver {
            self.kill(Role::Receiver)?;
        }
        if self.scenario.closes_early && self.rng.u32(..10_000) < 100 {
            let role = ROLES[self.rng.usize(..2)];
            self.close(role)?;
        }
        Ok(())
    }

    /// The connection breaks; either end gets some of what was on its way, and learns of it in its own time.
    fn cut(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        for side in connection.sides.iter_mut().filter(|side| !side.is_closed) {
            let keep = self.rng.usize(..=side.coming.len());
            let due = self.now + any_scale(&mut self.rng, 0..22);
            side.cut(keep, due);
        }
        self.trace(|| "the connection breaks".into());
    }

    /// Nothing moves for a while.
    fn stall(&mut self) {
        let Some(connection) = &mut self.connection else { return };
        let pause = self.rng.u64(..3_000_000);
        for side in &mut connection.sides {
            for (due, _) in &mut side.coming {
                *due += pause;
            }
        }
        self.trace(|| format!("nothing moves for {pause} µs"));
    }

    /// A program is killed, and started again with what is on its disk.
    fn kill(&mut self, role: Role) -> Result<(), String> {
        let at = index(role);
        if let Some(connection) = &mut self.connection {
            let (ours, theirs) = (at, 1 - at);
            connection.sides[ours].is_closed = true;
            connection.sides[ours].is_open = false;
            let due = self.now + any_scale(&mut self.rng, 0..22);
            let side = &mut connection.sides[theirs];
            if !side.is_closed {
                let keep = self.rng.usize(..=side.coming.len());
                side.cut(keep, due);
            }
        }
        self.runs += 1;
        self.summary.kills += 1;
        let keeps = self.scenario.keeps_token[at];
        let token = self.ends[at].token.filter(|_| keeps);
        let lineage = self.ends[at].lineage;
        self.ends[at] = End::start(role, &self.scenario, self.runs, token);
        if keeps {
            self.ends[at].lineage = lineage;
        }
        self.bereft = [self.bereft[0] || at == 1, self.bereft[1] || at == 0];
        self.bereft[at] = false;
        self.trace(|| format!("{role} is killed; run {} begins with {token:?}", self.runs));
        self.reap();
        Ok(())
    }

    /// Lets everything happen that is due until then.
    fn step_until(&mut self, until: u64) -> Result<(), String> {
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.step()?;
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn next_due(&self) -> Option<u64> {
        let mut due: Vec<u64> = Vec::new();
        match &self.connection {
            Some(connection) => due.extend(connection.sides.iter().filter_map(|side| side.next_due())),
            None if self.ends.iter().all(|end| end.session.ending().is_none()) => due.push(self.connect_at),
            None => {}
        }
        for end in &self.ends {
            let base = end.clock(0).as_micros();
            due.extend(end.session.next_timeout().map(|at| at.as_micros().saturating_sub(base)));
        }
        due.into_iter().min()
    }

    fn step(&mut self) -> Result<(), String> {
        if self.connection.is_none()
            && self.connect_at <= self.now
            && self.ends.iter().all(|end| end.session.ending().is_none())
        {
            self.connect();
        }
        for role in ROLES {
            self.open_if_due(role)?;
            self.hear_if_due(role)?;
            let clock = self.ends[index(role)].clock(self.now);
            let session = &mut self.ends[index(role)].session;
            if session.next_timeout().is_some_and(|due| due <= clock) {
                let handled = session.handle_timeout(clock);
                if let Err(error) = handled {
                    self.trace(|| format!("{role} gives up: {error}"));
                }
                self.pump(role)?;
            }
        }
        self.reap();
        Ok(())
    }

    fn connect(&mut self) {
        let mut connection = Connection::default();
        let waiting = self.rng.usize(..2);
        for (at, side) in connection.sides.iter_mut().enumerate() {
            side.opens_at = Some(self.now + self.rng.u64(..=2 * self.scenario.latency));
            // A REQ must speak first.
            side.waits = self.scenario.binder_waits
                && at == waiting
                && (self.scenario.pattern == Pattern::Pair || at == 1);
        }
        self.connection = Some(connection);
        self.summary.connections += 1;
        self.trace(|| "a connection is made".into());
    }

    fn open_if_due(&mut self, role: Role) -> Result<(), String> {
        let at = index(role);
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let side = &mut connection.sides[at];
        if side.is_closed || side.opens_at.is_none_or(|due| due > self.now) {
            return Ok(());
        }
        side.opens_at = None;
        if !side.waits {
            self.begin(role);
        }
        self.pump(role)
    }

    fn begin(&mut self, role: Role) {
        let at = index(role);
        let clock = self.ends[at].clock(self.now);
        self.ends[at].session.handle_connected(clock);
        if let Some(connection) = &mut self.connection {
            connection.sides[at].is_open = true;
        }
    }

    fn hear_if_due(&mut self, role: Role) -> Result<(), String> {
        let at = index(role);
        loop {
            let Some(connection) = &mut self.connection else { return Ok(()) };
            let side = &mut connection.sides[at];
            if side.opens_at.is_some() || side.next_due().is_none_or(|due| due > self.now) {
                return Ok(());
            }
            let is_open = side.is_open;
            match side.coming.pop_front() {
                Some((_, Carried::Message(message))) => {
                    if !is_open {
                        self.begin(role);
                    }
                    let clock = self.ends[at].clock(self.now);
                    let session = &mut self.ends[at].session;
                    if let Err(error) = session.handle_message(clock, message) {
                        // Both keep the rules, so that the only thing to go wrong is that there is no room for another peer.
                        if !matches!(error, netgear_proto::session::SessionError::Clogged) {
                            return Err(format!("{role}: {error}"));
                        }
                        self.trace(|| format!("{role} has no room for another peer"));
                    }
                    // The other end may have something to say that had no room.
                    self.pump(role)?;
                    self.pump(role.opposite())?;
                }
                Some((_, Carried::Closed)) => {
                    self.close_side(role);
                    self.pump(role)?;
                }
                None => return Ok(()),
            }
        }
    }

    /// This end's connection is gone.
    fn close_side(&mut self, role: Role) {
        let at = index(role);
        let Some(connection) = &mut self.connection else { return };
        let due = self.now + self.rng.u64(..=self.scenario.latency);
        connection.sides[at].is_closed = true;
        connection.sides[at].is_open = false;
        connection.sides[1 - at].put(due, Carried::Closed);
        drop(self.ends[at].session.handle_disconnected());
        self.trace(|| format!("{role} has no connection any more"));
        self.reap();
    }

    /// A further connection may be made once both know that the last is gone.
    fn reap(&mut self) {
        if self.connection.as_ref().is_some_and(Connection::is_over) {
            self.connection = None;
            let most = if self.calm { 14 } else { 22 };
            self.connect_at = self.now + any_scale(&mut self.rng, 1..most);
        }
    }

    /// Gives the link what an end has to say, as long as it takes it.
    fn pump(&mut self, role: Role) -> Result<(), String> {
        let at = index(role);
        for _ in 0..MOST_OUTPUTS {
            let room = self.scenario.link_room;
            let is_full = self
                .connection
                .as_ref()
                .is_some_and(|connection| connection.sides[1 - at].coming.len() >= room);
            if is_full {
                return Ok(());
            }
            let clock = self.ends[at].clock(self.now);
            let has_output = self.ends[at].session.has_output();
            let output = self.ends[at].session.poll_output(clock);
            if output.is_some() != has_output {
                return Err(format!("{role}: has_output says {has_output}, and {output:?} came"));
            }
            match output {
                None => return Ok(()),
                Some(Output::Transmit(message)) => self.transmit(role, message)?,
                Some(Output::Event(event)) => self.note_event(role, event)?,
                Some(other) => return Err(format!("{other:?}")),
            }
        }
        Err(format!("{role} speaks without end"))
    }

    fn transmit(&mut self, role: Role, message: netgear_proto::Multipart) -> Result<(), String> {
        let at = index(role);
        let due = self.now + self.rng.u64(..=self.scenario.latency);
        if self.trace {
            let said = netgear_proto::native::Message::decode(message.clone(), &self.scenario.limits);
            let said = format!("{said:?}");
            let said: String = said.chars().take(300).collect();
            self.trace(|| format!("{role} says {said}"));
        }
        let Some(connection) = &mut self.connection else {
            return Err(format!("{role} speaks without a connection"));
        };
        connection.sides[1 - at].put(due, Carried::Message(message));
        Ok(())
    }

    fn note_event(&mut self, role: Role, event: Event) -> Result<(), String> {
        self.trace(|| format!("{role}: {event:?}"));
        match event {
            Event::Disconnected | Event::Over(_) => {
                if self.connection.as_ref().is_some_and(|connection| !connection.sides[index(role)].is_closed)
                {
                    self.close_side(role);
                }
                if let Event::Over(Ending::Failed) = event {
                    return Err(format!("{role} failed"));
                }
            }
            _ => {}
        }
        let end = &mut self.ends[index(role)];
        if end.session.ending().is_some() && !end.reported {
            end.reported = true;
            let undelivered = end.session.take_undelivered();
            let closed_early = end.closing && self.now < end.lingers_until;
            let peer_stays = !self.ends[1 - index(role)].closing && !self.bereft[index(role)];
            if closed_early && !undelivered.is_empty() && peer_stays {
                return Err(format!("{role} did not wait until all was received: {undelivered:?}"));
            }
            for value in undelivered {
                self.books.data[index(role)].report(&value)?;
            }
        }
        Ok(())
    }

    /// Nothing fails any more, and both applications take what comes until nothing does.
    fn drain(&mut self) -> Result<(), String> {
        let end = self.now + DRAINED_WITHIN;
        loop {
            let mut taken = false;
            for role in ROLES {
                let at = index(role);
                let (now, books) = (self.now, &mut self.books);
                while self.ends[at].take_data(now, books)? {
                    taken = true;
                }
                if role == Role::Receiver && self.ends[at].take_frame(now, books)? {
                    taken = true;
                    self.ends[at].take_data(now, books)?;
                }
                self.pump(role)?;
            }
            self.check_sums()?;
            if !taken && self.is_drained() {
                return Ok(());
            }
            if self.now > end {
                return Err(format!("it hangs: {:?} {:?}", self.stats(0), self.stats(1)));
            }
            self.step_until(self.now + 20_000)?;
        }
    }

    /// Nothing is on its way, or will ever be.
    fn is_drained(&self) -> bool {
        let over = self.ends.each_ref().map(|end| end.session.ending().is_some());
        if over[0] || over[1] {
            // Whoever closes ends, and so does its peer unless the goodbye was lost: that one waits for another peer.
            let told =
                self.ends.iter().all(|end| end.reported || (end.session.ending().is_none() && !end.closing));
            return self.connection.is_none() && told;
        }
        self.ends
            .iter()
            .all(|end| !end.closing && !end.session.awaits_answer() && end.session.stats().data_waiting == 0)
    }

    fn stats(&self, at: usize) -> netgear_proto::session::Stats {
        self.ends[at].session.stats()
    }

    /// What must hold at any moment.
    fn check_sums(&self) -> Result<(), String> {
        let (sender, receiver) = (self.stats(0), self.stats(1));
        let undecided = (sender.frames_in_flight + sender.frames_waiting) as u64;
        let sum = sender.frames_delivered + sender.frames_dropped.total() + undecided;
        if sender.frames_offered != sum
            || sender.frames_offered != self.books.frames.offered_by(self.ends[0].run)
        {
            return Err(format!("the frames do not add up: {sender:?}"));
        }
        for stats in [sender, receiver] {
            let bounded = stats.data_waiting <= 256
                && stats.data_to_take <= 128 + 64
                && stats.frames_waiting <= 16
                && stats.data_received >= stats.data_taken;
            if !bounded {
                return Err(format!("it is not bounded: {stats:?}"));
            }
        }
        if let Some(clock) = sender.clock
            && clock.micros.abs_diff(self.scenario.ahead as i64) > clock.uncertainty_micros + 1
        {
            return Err(format!("the clock is off: {clock:?}"));
        }
        Ok(())
    }

    /// What must hold when nothing is on its way any more.
    fn check_end(&self) -> Result<(), String> {
        let over = self.ends.each_ref().map(|end| end.session.ending().is_some());
        for (at, role) in ROLES.into_iter().enumerate() {
            let (run, data) = (self.ends[at].run, &self.books.data[at]);
            // What the peer had received and not taken when it was killed, it had when this end left.
            if !(over[at] && self.bereft[at]) && (over[at] || !over[1 - at]) {
                data.check_all_accounted_for(run).map_err(|error| format!("{role}: {error}"))?;
            }
            if !over[0] && !over[1] && data.given_of(run) != data.accepted_by(run) {
                return Err(format!("{role}: {} of {}", data.given_of(run), data.accepted_by(run)));
            }
        }
        let stats = self.stats(0);
        let given = self.books.frames.given(self.ends[0].run, self.ends[1].run);
        if !self.bereft[0] && !over[0] && !over[1] {
            if given.len() as u64 != stats.frames_delivered {
                return Err(format!("{} frames were given: {stats:?}", given.len()));
            }
            if self.scenario.policy == FramePolicy::Block && stats.frames_dropped.total() > 0 {
                return Err(format!("no frame may be dropped: {stats:?}"));
            }
            if stats.frames_in_flight + stats.frames_waiting > 0 {
                return Err(format!("frames are left: {stats:?}"));
            }
        }
        if self.scenario.policy == FramePolicy::Block && stats.frames_dropped.connection > 0 {
            return Err(format!("a frame was dropped that should be sent again: {stats:?}"));
        }
        Ok(())
    }

    fn trace(&self, what: impl FnOnce() -> String) {
        if self.trace {
            #[expect(clippy::print_stdout, reason = "it was asked for")]
            {
                println!("{:>12} {}", self.now, what());
            }
        }
    }
}
