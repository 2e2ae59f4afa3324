use netgear_proto::{Dialect, Role, Timestamp};

use crate::{
    application::{End, index},
    ledger::Books,
    liar::Liar,
    link::Connection,
    pictures::{Padding, Pictures},
    scenario::Scenario,
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
    /// Of these, those that a stranger made, or a liar.
    pub guests: u64,
    /// Times that a program was killed.
    pub kills: u64,
    /// Connections that went dead without a word.
    pub vanished: u64,
    /// Bits that were turned over.
    pub flips: u64,
}

impl Summary {
    /// What this and another run came to.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            data: self.data + other.data,
            frames: self.frames + other.frames,
            connections: self.connections + other.connections,
            guests: self.guests + other.guests,
            kills: self.kills + other.kills,
            vanished: self.vanished + other.vanished,
            flips: self.flips + other.flips,
        }
    }
}

pub(crate) const ROLES: [Role; 2] = [Role::Sender, Role::Receiver];

/// How much virtual time what is left may take at the end, in microseconds.
const DRAINED_WITHIN: u64 = 200_000_000;

/// More than these never happen at one moment.
const MOST_STEPS: u32 = 10_000;

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) rng: fastrand::Rng,
    pub(crate) is_traced: bool,
    pub(crate) now: u64,
    /// The sender, the receiver, and perhaps a stranger.
    pub(crate) ends: Vec<End>,
    act_at: Vec<u64>,
    pub(crate) connection: Option<Connection>,
    pub(crate) connect_at: u64,
    pub(crate) liar: Option<Liar>,
    pub(crate) liar_speaks_at: u64,
    /// When the stranger or the liar leaves.
    pub(crate) guest_leaves_at: u64,
    /// The ends do no more than take what comes, and nothing fails.
    pub(crate) is_calm: bool,
    /// A liar was heard: either end may believe of the other what is not so.
    pub(crate) is_tainted: bool,
    /// And it may have claimed all data until it left.
    pub(crate) was_robbed: bool,
    /// A bit was turned over.
    pub(crate) is_altered: bool,
    pub(crate) pictures: Pictures,
    pub(crate) books: Books,
    pub(crate) summary: Summary,
}

impl World {
    pub(crate) fn new(scenario: Scenario, rng: fastrand::Rng, is_traced: bool) -> Self {
        // Of more bytes than 255, ZMTP makes something else.
        let is_roomy = scenario.carries_bytes() && scenario.limits.frame_bytes() > 1000;
        let padding = Padding::UpTo(if is_roomy { 600 } else { 100 });
        Self::with_pictures(scenario, rng, is_traced, Pictures::Small { padding })
    }

    pub(crate) fn with_pictures(
        scenario: Scenario,
        mut rng: fastrand::Rng,
        is_traced: bool,
        pictures: Pictures,
    ) -> Self {
        let mut books = Books { runs: 2, ..Books::default() };
        if scenario.dialect == Dialect::VidGear {
            for data in &mut books.data {
                data.unnumbered = Some(Default::default());
            }
        }
        let ends =
            (1..).zip(ROLES).map(|(run, role)| End::start(role, &scenario, &pictures, run, None)).collect();
        Self {
            act_at: vec![rng.u64(..1000), rng.u64(..1000)],
            scenario,
            rng,
            is_traced,
            now: 0,
            ends,
            connection: None,
            connect_at: 0,
            liar: None,
            liar_speaks_at: 0,
            guest_leaves_at: 0,
            is_calm: false,
            is_tainted: false,
            was_robbed: false,
            is_altered: false,
            pictures,
            books,
            summary: Summary::default(),
        }
    }

    pub(crate) fn run(mut self) -> Result<Summary, String> {
        let scenario = format!("{:?}", self.scenario);
        self.trace(|| scenario);
        self.live().map_err(|error| format!("at {} µs: {error}", self.now))?;
        Ok(self.summed())
    }

    pub(crate) fn summed(&self) -> Summary {
        Summary {
            data: self.books.data.iter().map(|data| data.count()).sum(),
            frames: self.books.frames.count(),
            ..self.summary
        }
    }

    fn live(&mut self) -> Result<(), String> {
        for _ in 0..self.scenario.actions {
            self.act_next()?;
            self.fail_somehow()?;
            self.check_sums()?;
        }
        self.is_calm = true;
        if self.is_altered || self.is_tainted {
            self.recover()?;
        }
        for role in ROLES {
            if self.scenario.closes[index(role)] {
                self.close(index(role))?;
            }
        }
        self.drain()?;
        self.check_end()
    }

    /// The next application does something.
    fn act_next(&mut self) -> Result<(), String> {
        self.step_until(self.act_at.iter().copied().min().unwrap_or(0))?;
        self.dismiss_guest();
        let Some(who) = (0..self.ends.len()).min_by_key(|who| self.act_at[*who]) else { return Ok(()) };
        let pause = self.scenario.pauses[index(self.ends[who].role)];
        self.act_at[who] = self.now + self.rng.u64(..2 * pause);
        self.ends[who].act(&mut self.rng, self.now, &mut self.books)?;
        self.pump(who)
    }

    pub(crate) fn close(&mut self, who: usize) -> Result<(), String> {
        let end = &mut self.ends[who];
        if !end.closing {
            end.lingers_until = self.now + end.session.config().linger().as_micros() as u64;
        }
        end.closing = true;
        let clock = end.clock(self.now);
        end.session.close(clock);
        self.trace(|| format!("{} closes", ROLES[who]));
        self.pump(who)
    }

    /// Lets everything happen that is due until then.
    pub(crate) fn step_until(&mut self, until: u64) -> Result<(), String> {
        let mut steps = 0;
        while let Some(due) = self.next_due().filter(|due| *due <= until) {
            steps = if due > self.now { 0 } else { steps + 1 };
            if steps > MOST_STEPS {
                return Err("the time stands still: something is due for ever".into());
            }
            self.now = self.now.max(due);
            self.step()?;
        }
        self.now = self.now.max(until);
        Ok(())
    }

    fn next_due(&self) -> Option<u64> {
        let mut next = None;
        let mut note = |due: Option<u64>| next = next.into_iter().chain(due).min();
        match &self.connection {
            Some(connection) => {
                for side in &connection.sides {
                    note(side.next_due());
                    let wire = side.wire.as_ref().filter(|_| !side.is_closed);
                    note(wire.and_then(|wire| wire.next_timeout()).map(self::since_start));
                }
                if connection.has_guest {
                    note(Some(self.guest_leaves_at));
                    note(self.liar.as_ref().map(|_| self.liar_speaks_at));
                }
            }
            None if self.may_connect() => note(Some(self.connect_at)),
            None => {}
        }
        for end in &self.ends {
            let due = end.session.next_timeout();
            note(due.map(|due| due.as_micros().saturating_sub(end.clock(0).as_micros())));
        }
        next
    }

    fn step(&mut self) -> Result<(), String> {
        if self.connection.is_none() && self.connect_at <= self.now && self.may_connect() {
            self.connect();
        }
        for at in 0..2 {
            self.open_if_due(at)?;
            self.hear_if_due(at)?;
            self.handle_wire_timeout(at)?;
        }
        for who in 0..self.ends.len() {
            let clock = self.ends[who].clock(self.now);
            let session = &mut self.ends[who].session;
            if session.next_timeout().is_some_and(|due| due <= clock) {
                if let Err(error) = session.handle_timeout(clock) {
                    self.trace(|| format!("end {who} gives up: {error}"));
                }
                self.pump(who)?;
            }
        }
        self.let_guest_act()?;
        self.reap();
        self.dismiss_guest();
        Ok(())
    }

    pub(crate) fn may_connect(&self) -> bool {
        self.ends.iter().take(2).all(|end| end.session.ending().is_none())
    }

    /// The program is gone that took the place of another.
    pub(crate) fn dismiss_guest(&mut self) {
        if !self.connection.as_ref().is_some_and(|connection| connection.has_guest) {
            self.ends.truncate(2);
            self.act_at.truncate(2);
            self.liar = None;
        }
    }

    /// A stranger is there, and acts like any other.
    pub(crate) fn welcome(&mut self, end: End) {
        self.ends.truncate(2);
        self.ends.push(end);
        self.act_at.truncate(2);
        self.act_at.push(self.now);
    }

    /// Nothing fails any more: what was altered or lied about is found, and from then on all is as it should be.
    fn recover(&mut self) -> Result<(), String> {
        if self.is_altered {
            // What is on its way may be altered, and even that an end has heartbeats.
            self.break_off()?;
        }
        let until = self.now + DRAINED_WITHIN;
        while !self.is_whole() {
            if !self.may_connect() || self.ends.iter().any(|end| end.closing) {
                return Ok(());
            }
            if self.now > until {
                return Err("the two ends do not find each other any more".into());
            }
            self.take_all()?;
            self.step_until(self.now + 20_000)?;
        }
        self.drain()?;
        // What is due only when an end has its turn to speak.
        self.step_until(self.now + 1_000_000)?;
        self.drain()?;
        if !self.may_connect() {
            return Ok(());
        }
        self.trace(|| "from here on all holds".into());
        self.books.start_over();
        self.ends.iter_mut().for_each(|end| end.is_bereft = true);
        (self.is_altered, self.is_tainted) = (false, false);
        for _ in 0..30 {
            self.act_next()?;
            self.check_sums()?;
        }
        Ok(())
    }

    /// Whether the two ends speak with each other.
    pub(crate) fn is_whole(&self) -> bool {
        let is_open = |end: &End| match self.scenario.dialect {
            Dialect::Native => end.session.is_open(),
            // A receiver says and hears nothing before the first frame.
            _ => end.session.is_connected(),
        };
        self.connection.as_ref().is_some_and(|connection| !connection.has_guest)
            && self.ends.iter().take(2).all(is_open)
    }

    /// Nothing fails any more, and both applications take what comes until nothing does.
    pub(crate) fn drain(&mut self) -> Result<(), String> {
        let end = self.now + DRAINED_WITHIN;
        loop {
            let taken = self.take_all()?;
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

    /// The applications take what there is. Gives whether there was anything.
    pub(crate) fn take_all(&mut self) -> Result<bool, String> {
        let mut taken = false;
        self.dismiss_guest();
        for who in 0..self.ends.len() {
            let (now, books) = (self.now, &mut self.books);
            while self.ends[who].take_data(books)? {
                taken = true;
            }
            if self.ends[who].role == Role::Receiver && self.ends[who].take_frame(now, books)? {
                taken = true;
                self.ends[who].take_data(books)?;
            }
            self.pump(who)?;
        }
        Ok(taken)
    }

    /// Nothing is on its way, or will ever be.
    fn is_drained(&self) -> bool {
        if self.connection.as_ref().is_some_and(|connection| connection.has_guest) {
            return false;
        }
        if !self.may_connect() {
            // Whoever closes ends, and so does its peer unless the goodbye was lost: that one waits for another peer.
            let told =
                self.ends.iter().all(|end| end.reported || (end.session.ending().is_none() && !end.closing));
            return self.connection.is_none() && told;
        }
        let is_native = self.scenario.dialect == Dialect::Native;
        let is_quiet = |connection: &Connection| {
            connection.sides.iter().all(|side| !side.is_closed && side.coming.is_empty())
        };
        if !is_native && !self.connection.as_ref().is_none_or(is_quiet) {
            // Nobody acknowledges what was said last: it has arrived, or it is reported.
            return false;
        }
        self.ends.iter().all(|end| {
            let waiting = if is_native { end.session.stats().data_waiting } else { 0 };
            !end.closing && !end.session.awaits_answer() && waiting == 0
        })
    }

    pub(crate) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            #[expect(clippy::print_stdout, reason = "it was asked for")]
            {
                println!("{:>12} {}", self.now, what());
            }
        }
    }
}

/// What the clock of the links shows, which no session sees.
pub(crate) const fn link_clock(now: u64) -> Timestamp {
    Timestamp::from_micros(now)
}

const fn since_start(clock: Timestamp) -> u64 {
    clock.as_micros()
}
