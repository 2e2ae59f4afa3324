use std::collections::VecDeque;

use netgear_proto::{
    Dialect, Mode, Role, Timestamp, Value,
    session::{Outgoing, ReplyError, ResumeToken, SendError, Session},
};

use super::{item, picture};
use crate::targets::input::Input;

/// What uses the session: it says things, takes what came, and knows what is due.
#[derive(Debug, Default)]
pub(super) struct Application {
    pub(super) frames_offered: u64,
    pub(super) frames_taken: u64,
    /// The items that the session took for sending.
    data_offered: u64,
    undelivered: u64,
    /// What the session accepted of the peer and has to hand out, in this order.
    expected: VecDeque<Value>,
    token: Option<ResumeToken>,
}

impl Application {
    pub(super) fn send(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let choices = input.byte();
        let mut outgoing = Outgoing::new(
            picture(self.frames_offered, usize::from(choices >> 2) * 5),
            Timestamp::from_micros(self.frames_offered),
        );
        if choices & 3 > 0 {
            let padding = if choices & 3 == 3 { usize::from(input.byte()) * 4 } else { 0 };
            outgoing = outgoing.with_data(item(self.data_offered, padding));
        }
        let could_send = session.can_send();
        let result = session.send(outgoing.clone());
        if outgoing.data.is_none() {
            // With data it also needs room for that, and with too large a frame it is the caller's fault.
            assert!(could_send || result.is_err());
            assert!(!could_send || !matches!(result, Err(SendError::Busy(_) | SendError::Over)));
        }
        match result {
            Ok(()) => {
                self.frames_offered += 1;
                self.data_offered += u64::from(outgoing.data.is_some());
            }
            Err(SendError::Busy(back) | SendError::ReturnedDataWaiting { outgoing: back, .. }) => {
                assert_eq!(*back, outgoing, "it is handed back");
            }
            Err(SendError::NotSender) => assert_eq!(session.config().role(), Role::Receiver),
            Err(SendError::Unidirectional) => assert_eq!(session.config().mode(), Mode::Unidirectional),
            Err(_) => {}
        }
    }

    pub(super) fn reply(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let choices = input.byte();
        let padding = if choices & 1 == 1 { usize::from(choices) * 4 } else { 0 };
        let data = item(self.data_offered, padding);
        // What answers a frame of a VidGear server that is gone reaches nobody.
        match session.reply(data.clone()) {
            Ok(()) => self.data_offered += 1,
            Err(ReplyError::Busy(back)) => assert_eq!(*back, data, "it is handed back"),
            Err(_) => {}
        }
    }

    pub(super) fn recv(&mut self, session: &mut Session) {
        let had_frame = session.has_frame();
        let Some(delivery) = session.recv() else {
            assert!(!had_frame, "it has a frame and gives none");
            return;
        };
        assert!(had_frame);
        self.frames_taken += 1;
        for value in &delivery.earlier {
            self.note(value);
        }
        if let Some(value) = &delivery.data {
            self.note(value);
        }
        self.note_token(session);
    }

    pub(super) fn recv_data(&mut self, session: &mut Session) {
        let had_data = session.has_data();
        let value = session.recv_data();
        assert_eq!(value.is_some(), had_data);
        if let Some(value) = value {
            self.note(&value);
        }
        self.note_token(session);
    }

    /// All that came, and all that could not be delivered once the session is over.
    pub(super) fn take_all(&mut self, session: &mut Session) {
        while session.has_frame() || session.has_data() {
            self.recv_data(session);
            self.recv(session);
        }
        assert_eq!(self.data_to_take(), 0, "what was accepted is handed out");
        self.take_undelivered(session);
        let stats = session.stats();
        if session.ending().is_some() && session.peer().is_none_or(|peer| peer.dialect == Dialect::Native) {
            assert_eq!(stats.data_undelivered, self.undelivered);
            // What was received and not taken by a peer that is not there any more counts for the one that was there last.
            assert_eq!(self.data_offered, stats.data_acknowledged + self.undelivered, "{stats:?}");
        }
    }

    pub(super) fn take_undelivered(&mut self, session: &mut Session) {
        self.undelivered += session.take_undelivered().len() as u64;
        assert!(session.stats().data_undelivered >= self.undelivered);
    }

    /// The session accepted this of the peer.
    pub(super) fn expect(&mut self, value: Value) {
        self.expected.push_back(value);
    }

    pub(super) fn data_to_take(&self) -> usize {
        self.expected.len()
    }

    /// The bytes in what the session has to hand out. It counts for more.
    pub(super) fn bytes_to_take(&self) -> usize {
        self.expected.iter().map(payload).sum()
    }

    fn note(&mut self, value: &Value) {
        let expected = self.expected.pop_front().expect("nothing is handed out that did not come");
        // NaN is not equal to itself.
        assert!(
            expected == *value || format!("{expected:?}") == format!("{value:?}"),
            "altered, or out of order"
        );
    }

    fn note_token(&mut self, session: &Session) {
        let token = session.resume_token();
        if let (Some(before), Some(now)) = (self.token, token)
            && before.peer == now.peer
            && session.stats().reconnects == 0
        {
            assert!(before.data_taken <= now.data_taken, "a token never goes back");
        }
        self.token = token;
    }
}

fn payload(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => bytes.len(),
        Value::Str(text) => text.len(),
        Value::List(values) => values.iter().map(payload).sum(),
        _ => 0,
    }
}
