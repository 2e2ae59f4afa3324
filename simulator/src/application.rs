use netgear_proto::{
    Dialect, Frame, Role, Timestamp, Value,
    native::SessionId,
    session::{Outgoing, ReplyError, ResumeToken, SendError, Session, SessionConfig},
};

use crate::{
    ledger::{Data, Frames, ItemName},
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
}

/// The books, which all runs share.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) frames: Frames,
    /// By the role that sends.
    pub(crate) data: [Data; 2],
}

pub(crate) fn index(role: Role) -> usize {
    usize::from(role == Role::Receiver)
}

impl End {
    pub(crate) fn start(role: Role, scenario: &Scenario, run: u64, token: Option<ResumeToken>) -> Self {
        let mut id = [0xa5; 16];
        id[..8].copy_from_slice(&run.to_be_bytes());
        let config = SessionConfig::new(role)
            .with_pattern(scenario.pattern)
            .with_mode(scenario.mode)
            .with_dialect(Dialect::Native)
            .with_limits(scenario.limits)
            .with_frame_policy(scenario.policy)
            .with_window(scenario.windows[index(role)])
            .with_id(SessionId::from_bytes(id))
            .with_resume(token)
            .with_reconnect(true);
        Self {
            role,
            session: Session::new(config),
            run,
            lineage: run,
            token,
            ahead: if role == Role::Receiver { scenario.ahead } else { 0 },
            closing: false,
            lingers_until: 0,
            reported: false,
        }
    }

    /// What this end's clock shows.
    pub(crate) fn clock(&self, now: u64) -> Timestamp {
        Timestamp::from_micros(1_000_000 + now + self.ahead)
    }

    /// Does one of the things that an application may do.
    pub(crate) fn act(&mut self, rng: &mut fastrand::Rng, now: u64, books: &mut Books) -> Result<(), String> {
        match (self.role, rng.u8(..4)) {
            (Role::Sender, 0..3) => self.send(rng, now, books),
            (Role::Sender, _) => self.take_data(now, books).map(drop),
            (Role::Receiver, 0..2) => self.take_frame(now, books).map(drop),
            (Role::Receiver, 2) => self.reply(rng, books),
            (Role::Receiver, _) => self.take_data(now, books).map(drop),
        }
    }

    fn send(&mut self, rng: &mut fastrand::Rng, now: u64, books: &mut Books) -> Result<(), String> {
        let sequence = books.frames.offered_by(self.run);
        let bidirectional = self.session.config().mode() == netgear_proto::Mode::Bidirectional;
        let data = &mut books.data[0];
        let item = (bidirectional && rng.u8(..3) > 0).then(|| data.accept(self.run));
        let captured_at = self.clock(now);
        let outgoing = Outgoing {
            frame: picture(self.run, sequence, rng.usize(..100)),
            data: item.map(|item| item.value(rng.usize(..100))),
            captured_at,
        };
        match self.session.send(outgoing.clone()) {
            Ok(()) => {
                books.frames.offer(self.run, captured_at.as_micros(), item);
                return Ok(());
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
        Ok(())
    }

    fn reply(&mut self, rng: &mut fastrand::Rng, books: &mut Books) -> Result<(), String> {
        let data = &mut books.data[1];
        let item = data.accept(self.run);
        match self.session.reply(item.value(rng.usize(..100))) {
            Ok(()) => return Ok(()),
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
        Ok(())
    }

    /// Takes what there is of data without a frame.
    pub(crate) fn take_data(&mut self, _now: u64, books: &mut Books) -> Result<bool, String> {
        let Some(value) = self.session.recv_data() else { return Ok(false) };
        self.note(books, &value)?;
        self.token = self.session.resume_token();
        Ok(true)
    }

    /// Takes the frame that has arrived.
    pub(crate) fn take_frame(&mut self, now: u64, books: &mut Books) -> Result<bool, String> {
        let Some(delivery) = self.session.recv() else { return Ok(false) };
        for value in &delivery.earlier {
            self.note(books, value)?;
        }
        let item = delivery.data.as_ref().map(|value| self.note(books, value)).transpose()?;
        self.token = self.session.resume_token();
        let (run, sequence) = named(&delivery.frame).ok_or("a frame was altered")?;
        if sequence != delivery.sequence {
            return Err(format!("frame {sequence} came under the number {}", delivery.sequence));
        }
        let captured_at = books.frames.give(run, self.run, sequence, item)?;
        if delivery.captured_at.map(Timestamp::as_micros) != Some(captured_at) {
            return Err(format!(
                "frame {sequence} was captured at {captured_at}, not {:?}",
                delivery.captured_at
            ));
        }
        if let Some(age) = delivery.age(self.clock(now)) {
            let truth = self.clock(now).as_micros() - self.ahead - captured_at;
            let wrong_by = u128::from(truth).abs_diff(age.duration.as_micros());
            if wrong_by > age.uncertainty.as_micros() + 1 {
                return Err(format!("the age {age:?} is wrong by {wrong_by} µs"));
            }
        }
        Ok(true)
    }

    fn note(&self, books: &mut Books, value: &Value) -> Result<ItemName, String> {
        books.data[index(self.role.opposite())].give(self.lineage, value)?;
        ItemName::of(value).ok_or_else(|| "altered".into())
    }
}

/// A picture that names itself.
fn picture(run: u64, sequence: u64, padding: usize) -> Frame {
    let mut pixels = [run.to_le_bytes(), sequence.to_le_bytes()].concat();
    pixels.resize(16 + padding, 0xee);
    let width = pixels.len() as u32;
    Frame::gray8(width, 1, pixels).expect("it has the bytes of its shape")
}

fn named(frame: &Frame) -> Option<(u64, u64)> {
    let (run, rest) = frame.pixels().split_first_chunk()?;
    let (sequence, padding) = rest.split_first_chunk()?;
    padding
        .iter()
        .all(|byte| *byte == 0xee)
        .then(|| (u64::from_le_bytes(*run), u64::from_le_bytes(*sequence)))
}
