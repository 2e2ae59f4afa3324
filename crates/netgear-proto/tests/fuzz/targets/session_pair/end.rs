use netgear_proto::{
    Dialect, Encodings, Frame, Limits, Mode, Pattern, Role, Timestamp, WireFrame,
    native::SessionId,
    session::{FramePolicy, Outgoing, ReplyError, ResumeToken, SendError, Session, SessionConfig},
};

use super::ledger::Ledger;
use crate::targets::{FILLING, GIVEN_AS, decode, encode};

/// What both ends are set up for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setup {
    pub(super) pattern: Pattern,
    pub(super) mode: Mode,
    pub(super) policy: FramePolicy,
    /// Of sender and receiver.
    pub(super) windows: [u16; 2],
    pub(super) limits: Limits,
    /// How far the receiver's clock is ahead, in microseconds.
    pub(super) ahead: u64,
    pub(super) dialect: Option<Dialect>,
    /// Whether the sessions outlive their connections.
    pub(super) reconnect: bool,
    /// What a program decodes that starts.
    pub(super) decodes: Encodings,
}

impl Setup {
    /// Whether nothing is numbered, so that what is lost with a connection cannot be sent again.
    pub(super) fn is_vidgear(&self) -> bool {
        self.dialect == Some(Dialect::VidGear)
    }
}

/// A program with one session.
pub(super) struct End {
    role: Role,
    pub(super) session: Session,
    /// No other program, of either end, has this number.
    pub(super) run: u64,
    /// Programs have it in common that go on where the one before was.
    lineage: u64,
    /// What the program has written down.
    token: Option<ResumeToken>,
    ahead: u64,
    pub(super) closing: bool,
}

impl End {
    /// A program that goes on where the former was, if one is given.
    pub(super) fn start(role: Role, setup: &Setup, run: u64, former: Option<&Self>) -> Self {
        let mut id = [0xA5; 16];
        id[..8].copy_from_slice(&run.to_be_bytes());
        let (is_sender, token) = (role == Role::Sender, former.and_then(|former| former.token));
        let config = SessionConfig::new(role)
            .with_pattern(setup.pattern)
            .with_mode(setup.mode)
            .with_dialect(setup.dialect)
            .with_limits(setup.limits)
            .with_frame_policy(setup.policy)
            .with_window(setup.windows[usize::from(!is_sender)])
            .with_id(SessionId::from_bytes(id))
            .with_resume(token)
            .with_reconnect(setup.reconnect)
            .with_encodings(setup.decodes);
        Self {
            role,
            session: Session::new(config),
            run,
            lineage: former.map_or(run, |former| former.lineage),
            token,
            ahead: if is_sender { 0 } else { setup.ahead },
            closing: false,
        }
    }

    /// What this end's clock shows.
    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_micros(now.as_micros() + self.ahead)
    }

    /// When this end's clock shows that.
    pub(super) fn true_time(&self, clock: Timestamp) -> Timestamp {
        Timestamp::from_micros(clock.as_micros().saturating_sub(self.ahead))
    }

    pub(super) fn send(&mut self, choices: u8, now: Timestamp, ledger: &mut Ledger) {
        let with_data = choices & 1 == 1 && self.session.config().mode() == Mode::Bidirectional;
        let sequence = ledger.frames_offered(self.run);
        let item = with_data.then(|| ledger.next_item(self.role, self.run));
        let frame = picture(self.run, sequence, usize::from(choices >> 1 & 7) * 16);
        let outgoing = Outgoing {
            encoded: encode(&frame, NAMED_BY, GIVEN_AS[usize::from(choices >> 6)]),
            frame,
            data: item.map(|item| item.value(usize::from(choices >> 4 & 3) * 64)),
            captured_at: self.clock(now),
        };
        match self.session.send(outgoing.clone()) {
            Ok(()) => {
                ledger.offer_frame(self.run, item);
                item.into_iter().for_each(|item| ledger.accept(self.role, item));
            }
            Err(SendError::Busy(back) | SendError::ReturnedDataWaiting { outgoing: back, .. }) => {
                assert_eq!(*back, outgoing, "it is handed back");
            }
            Err(SendError::Over) => assert!(self.closing || self.session.ending().is_some()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(super) fn reply(&mut self, choices: u8, ledger: &mut Ledger) {
        let item = ledger.next_item(self.role, self.run);
        let value = item.value(usize::from(choices >> 4) * 16);
        match self.session.reply(value.clone()) {
            Ok(()) => ledger.accept(self.role, item),
            Err(ReplyError::Busy(back)) => assert_eq!(*back, value, "it is handed back"),
            Err(ReplyError::Encode(error)) => panic!("{error}"),
            Err(_) => {}
        }
    }

    /// Takes the next frame and what comes with it, and writes down how far it is. Gives whether there was one.
    pub(super) fn recv(&mut self, now: Timestamp, ledger: &mut Ledger) -> bool {
        let decodes = self.session.config().encodings();
        let raw = self.session.recv().map(|delivery| {
            let (delivery, frame) = delivery.exchange_frame(());
            (delivery, WireFrame::Raw(frame))
        });
        let undecoded = || self.session.recv_undecoded().map(|delivery| delivery.exchange_frame(()));
        let Some((delivery, frame)) = raw.or_else(undecoded) else { return false };
        assert!(decodes.contains(frame.encoding()), "{frame:?} for an end that decodes {decodes}");
        let is_encoded = matches!(frame, WireFrame::Encoded(_));
        let theirs = self.role.opposite();
        for value in &delivery.earlier {
            ledger.give(theirs, self.lineage, value);
        }
        let item = delivery.data.as_ref().map(|value| ledger.give(theirs, self.lineage, value));
        self.token = self.session.resume_token();
        let (run, sequence) = named(&decode(&frame));
        let is_numbered = delivery.captured_at.is_some();
        assert!(sequence == delivery.sequence || !is_numbered, "frame {sequence} as {}", delivery.sequence);
        ledger.give_frame(run, self.run, sequence, item, is_encoded);
        if let (Some(age), Some(captured_at)) = (delivery.age(self.clock(now)), delivery.captured_at) {
            let wrong_by = now.since(captured_at).abs_diff(age.duration);
            assert!(
                wrong_by.as_micros() <= age.uncertainty.as_micros() + 1,
                "{age:?} is wrong by {wrong_by:?}"
            );
        }
        true
    }

    /// Takes the next item of data, and writes down how far it is. Gives whether there was one.
    pub(super) fn recv_data(&mut self, ledger: &mut Ledger) -> bool {
        let Some(value) = self.session.recv_data() else { return false };
        ledger.give(self.role.opposite(), self.lineage, &value);
        self.token = self.session.resume_token();
        true
    }

    /// What could not be delivered.
    pub(super) fn report(&mut self, ledger: &mut Ledger) {
        for value in self.session.take_undelivered() {
            ledger.report(self.role, &value);
        }
    }
}

/// What names a picture: its run, and its place there.
const NAMED_BY: usize = 16;

/// A picture that names itself.
fn picture(run: u64, sequence: u64, padding: usize) -> Frame {
    let mut pixels = [run.to_le_bytes(), sequence.to_le_bytes()].concat();
    pixels.resize(NAMED_BY + padding, FILLING);
    Frame::gray8(pixels.len() as u32, 1, pixels).expect("it has the bytes of its shape")
}

fn named(frame: &Frame) -> (u64, u64) {
    let (run, rest) = frame.pixels().split_first_chunk().expect("a picture as it was sent");
    let (sequence, padding) = rest.split_first_chunk().expect("a picture as it was sent");
    assert!(padding.iter().all(|byte| *byte == FILLING), "a frame was altered");
    (u64::from_le_bytes(*run), u64::from_le_bytes(*sequence))
}
