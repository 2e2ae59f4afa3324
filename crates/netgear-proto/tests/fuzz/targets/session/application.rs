use std::collections::VecDeque;

use netgear_proto::{
    Dialect, Frame, Mode, Role, Timestamp, Value, WireFrame,
    session::{Outgoing, ReplyError, ResumeToken, SendError, Session},
};

use super::{NAMED_BY, item, picture};
use crate::targets::{GIVEN_AS, encode, input::Input};

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
    /// The same of frames, as they came.
    expected_frames: VecDeque<WireFrame>,
    token: Option<ResumeToken>,
}

impl Application {
    pub(super) fn send(&mut self, session: &mut Session, input: &mut Input<'_>) {
        let choices = input.byte();
        let size = usize::from(choices >> 2 & 15);
        let picture = picture(self.frames_offered, size * 21);
        // Sometimes one that is not of the frame beside it.
        let other = (size % 5 == 4).then(|| Frame::gray8(1, 8, vec![0; 8]).expect("it has 8"));
        let encoded =
            encode(other.as_ref().unwrap_or(&picture), NAMED_BY, GIVEN_AS[usize::from(choices >> 6)]);
        let is_otherwise = encoded.as_ref().is_some_and(|encoded| !encoded.promises(&picture));
        let mut outgoing =
            Outgoing::new(picture, Timestamp::from_micros(self.frames_offered)).with_encoded(encoded);
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
                assert!(!is_otherwise, "it took what is not of the frame beside it");
                self.frames_offered += 1;
                self.data_offered += u64::from(outgoing.data.is_some());
            }
            Err(SendError::Busy(back) | SendError::ReturnedDataWaiting { outgoing: back, .. }) => {
                assert_eq!(*back, outgoing, "it is handed back");
            }
            Err(SendError::NotSender) => assert_eq!(session.config().role(), Role::Receiver),
            Err(SendError::EncodedOtherwise { encoded }) => {
                assert!(is_otherwise && outgoing.encoded == Some(encoded));
            }
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
        let next_encoded = session.next_encoded().cloned();
        let decoded = session.recv().map(|delivery| {
            let (delivery, frame) = delivery.exchange_frame(());
            delivery.exchange_frame(WireFrame::Raw(frame)).0
        });
        assert!(decoded.is_none() || next_encoded.is_none(), "it cannot decode");
        assert!(next_encoded.is_none() || session.next_encoded() == next_encoded.as_ref(), "it stays");
        let Some(delivery) = decoded.or_else(|| session.recv_undecoded()) else {
            assert!(!had_frame, "it has a frame and gives none");
            return;
        };
        assert!(had_frame);
        assert_eq!(Some(delivery.frame), self.expected_frames.pop_front(), "altered, or out of order");
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
            // What was received and not taken by a peer that is not there any more counts for the one that was there
            // last.
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

    /// The session accepted this frame of the peer.
    pub(super) fn expect_frame(&mut self, frame: WireFrame) {
        self.expected_frames.push_back(frame);
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
