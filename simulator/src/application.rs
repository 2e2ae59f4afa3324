use netgear_proto::{
    Dialect, Encoding, Encodings, Mode, Role, Timestamp, Value, WireFrame,
    native::SessionId,
    session::{Delivery, Outgoing, ReplyError, ResumeToken, SendError, Session, SessionConfig},
};

use crate::{
    ledger::{Books, ItemName, LIAR},
    pictures::Pictures,
    scenario::Scenario,
};

/// One end: a program that is started, perhaps killed, and started again.
pub(crate) struct End {
    pub(crate) role: Role,
    pub(crate) session: Session,
    /// Which run of the program this is; no other, of either end, has its number.
    pub(crate) run: u64,
    /// All runs have it in common that go on where the one before was.
    pub(crate) lineage: u64,
    /// What the application keeps on its disk.
    pub(crate) token: Option<ResumeToken>,
    /// What its clock shows more than the true time.
    pub(crate) ahead: u64,
    /// It closes and takes no more.
    pub(crate) closing: bool,
    /// Until when it waits for all to be received, once it closes.
    pub(crate) lingers_until: u64,
    pub(crate) reported: bool,
    /// Its peer was killed while it lived, or was another for a while.
    pub(crate) is_bereft: bool,
    dialect: Dialect,
    behind: u64,
    encodes: bool,
    pictures: Pictures,
}

pub(crate) fn index(role: Role) -> usize {
    usize::from(role == Role::Receiver)
}

pub(crate) fn id_of(run: u64) -> SessionId {
    let mut id = [0xa5; 16];
    id[..8].copy_from_slice(&run.to_be_bytes());
    SessionId::from_bytes(id)
}

/// What this run decodes: where frames are encoded, two in three do.
fn decodes(scenario: &Scenario, run: u64) -> Encodings {
    match run % 3 {
        _ if !scenario.encodes => Encodings::RAW,
        0 => Encodings::ALL,
        1 => Encodings::RAW.with(Encoding::Jpeg),
        _ => Encodings::RAW,
    }
}

impl End {
    pub(crate) fn start(
        role: Role,
        scenario: &Scenario,
        pictures: &Pictures,
        run: u64,
        token: Option<ResumeToken>,
    ) -> Self {
        let config = SessionConfig::new(role)
            .with_pattern(scenario.pattern)
            .with_mode(scenario.mode)
            .with_limits(scenario.limits)
            .with_frame_policy(scenario.policy)
            .with_window(scenario.windows[index(role)])
            .with_encodings(decodes(scenario, run))
            .with_id(id_of(run))
            .with_resume(token)
            .with_reconnect(true);
        let listens = role == Role::Receiver && scenario.receiver_listens;
        let config = if listens { config } else { config.with_dialect(scenario.dialect) };
        Self {
            role,
            session: Session::new(config).with_so_many_behind(scenario.behind),
            run,
            lineage: run,
            token,
            ahead: if role == Role::Receiver { scenario.ahead } else { 0 },
            closing: false,
            lingers_until: 0,
            reported: false,
            is_bereft: false,
            dialect: scenario.dialect,
            behind: scenario.behind,
            encodes: scenario.encodes,
            pictures: pictures.clone(),
        }
    }

    /// What this end's clock shows.
    pub(crate) fn clock(&self, now: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000 + now + self.ahead)
    }

    /// Does one of the things that an application may do.
    pub(crate) fn act(&mut self, rng: &mut fastrand::Rng, now: u64, books: &mut Books) -> Result<(), String> {
        match (self.role, rng.u8(..4)) {
            (Role::Sender, 0..3) => self.send(rng, now, books).map(drop),
            (Role::Sender, _) => self.take_data(books).map(drop),
            (Role::Receiver, 0..2) => self.take_frame(now, books).map(drop),
            (Role::Receiver, 2) => self.reply(rng, books).map(drop),
            (Role::Receiver, _) => self.take_data(books).map(drop),
        }
    }

    /// Offers a frame, mostly with data. Gives whether it was taken.
    pub(crate) fn send(
        &mut self,
        rng: &mut fastrand::Rng,
        now: u64,
        books: &mut Books,
    ) -> Result<bool, String> {
        let sequence = books.frames.offered_by(self.run);
        let bidirectional = self.session.config().mode() == Mode::Bidirectional;
        let data = &mut books.data[0];
        let item = (bidirectional && rng.u8(..3) > 0).then(|| data.accept(self.run));
        let captured_at = self.clock(now);
        let outgoing = Outgoing {
            frame: self.pictures.picture(rng, self.run, sequence),
            encoded: None,
            data: item.map(|item| item.value(rng.usize(..100))),
            captured_at,
        };
        let encoded = self.encodes.then(|| self.pictures.encode(&outgoing.frame, sequence)).flatten();
        let outgoing = outgoing.with_encoded(encoded);
        match self.session.send(outgoing.clone()) {
            Ok(()) => {
                books.frames.offer(self.run, captured_at.as_micros(), item);
                return Ok(true);
            }
            Err(SendError::Busy(back) | SendError::ReturnedDataWaiting { outgoing: back, .. }) => {
                if *back != outgoing {
                    return Err(format!("{back:?} was handed back for {outgoing:?}"));
                }
            }
            Err(SendError::Over) => {}
            Err(error) => return Err(error.to_string()),
        }
        if item.is_some() {
            data.take_back(self.run);
        }
        Ok(false)
    }

    /// Answers the frame taken last. Gives whether the reply was taken.
    pub(crate) fn reply(&mut self, rng: &mut fastrand::Rng, books: &mut Books) -> Result<bool, String> {
        let data = &mut books.data[1];
        let item = data.accept(self.run);
        match self.session.reply(item.value(rng.usize(..100))) {
            Ok(()) => return Ok(true),
            Err(ReplyError::Busy(back)) if ItemName::of(&back) != Some(item) => {
                return Err(format!("{back:?} was handed back for {item:?}"));
            }
            Err(
                ReplyError::Busy(_)
                | ReplyError::NothingToAnswer
                | ReplyError::Unidirectional
                | ReplyError::Over,
            ) => {}
            Err(error) => return Err(error.to_string()),
        }
        data.take_back(self.run);
        Ok(false)
    }

    /// Takes what there is of data without a frame.
    pub(crate) fn take_data(&mut self, books: &mut Books) -> Result<bool, String> {
        let Some(value) = self.session.recv_data() else { return Ok(false) };
        self.note(books, &value)?;
        self.token = self.session.resume_token();
        Ok(true)
    }

    /// Takes the frame that has arrived.
    pub(crate) fn take_frame(&mut self, now: u64, books: &mut Books) -> Result<bool, String> {
        let undecoded = if self.session.next_encoded().is_some() {
            self.session.recv_undecoded()
        } else {
            self.session.recv().map(|delivery| {
                let (delivery, frame) = delivery.exchange_frame(());
                delivery.exchange_frame(WireFrame::Raw(frame)).0
            })
        };
        let Some(delivery) = undecoded else { return Ok(false) };
        for value in delivery.earlier.iter().chain(&delivery.data) {
            self.note(books, value)?;
        }
        self.token = self.session.resume_token();
        let found = self.check(&delivery, now, books);
        books.judge(found)?;
        Ok(true)
    }

    /// Whether a frame is what was sent.
    fn check(&self, delivery: &Delivery<WireFrame>, now: u64, books: &mut Books) -> Result<(), String> {
        let is_native = self.dialect == Dialect::Native;
        let number = delivery.sequence.wrapping_sub(self.behind);
        let frame = match &delivery.frame {
            WireFrame::Raw(frame) => frame.clone(),
            WireFrame::Encoded(encoded) if self.session.config().encodings().contains(encoded.encoding()) => {
                self.pictures.decode(encoded).ok_or("an encoded frame was altered")?
            }
            WireFrame::Encoded(encoded) => {
                return Err(format!("{encoded:?} came to an end that does not decode it"));
            }
        };
        let (run, sequence) = self.pictures.name(&frame, books.runs, number).ok_or("a frame was altered")?;
        if run == LIAR {
            return Ok(());
        }
        if is_native && sequence != number {
            return Err(format!("frame {sequence} came under the number {number}"));
        }
        let (captured_at, expected) = books.frames.give(run, self.run, sequence)?;
        // Its item may have come to a former receiver or without it, but never another with it.
        let item = delivery.data.as_ref().and_then(ItemName::of);
        if item != expected && (item.is_some() || !is_native) {
            return Err(format!("frame {sequence} came with {item:?}, not with {expected:?}"));
        }
        if is_native && delivery.captured_at.map(Timestamp::as_micros) != Some(captured_at) {
            return Err(format!(
                "frame {sequence} was captured at {captured_at}, not {:?}",
                delivery.captured_at
            ));
        }
        if let Some(age) = delivery.age(self.clock(now)).filter(|_| !books.clocks_lie) {
            let truth = self.clock(now).as_micros() - self.ahead - captured_at;
            let wrong_by = u128::from(truth).abs_diff(age.duration.as_micros());
            if wrong_by > age.uncertainty.as_micros() + 1 {
                return Err(format!("the age {age:?} is wrong by {wrong_by} µs"));
            }
        }
        Ok(())
    }

    /// Reports what is known to be undelivered.
    pub(crate) fn report(&mut self, books: &mut Books) -> Result<Vec<Value>, String> {
        let undelivered = self.session.take_undelivered();
        for value in &undelivered {
            let found = books.data[index(self.role)].report(value);
            books.judge(found)?;
        }
        Ok(undelivered)
    }

    fn note(&self, books: &mut Books, value: &Value) -> Result<(), String> {
        let found = books.data[index(self.role.opposite())].give(self.lineage, value);
        books.judge(found)
    }
}
