//! What this end says to a native peer, and when: each message is made at the moment at which the link can take it.

use core::time::Duration;

use super::{Ending, Link, Request, Session};
use crate::{
    Dialect, Encoding, Encodings, Pattern, Role, Timestamp, WireFrame,
    native::{self, FrameHeader, Goodbye, Header},
};

/// How long what was received may stay unacknowledged on PAIR, where nothing else is said.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_millis(100);

/// How long a frame waits for data that is not its own, where an item takes a round trip.
const FRAME_WITHIN: Duration = Duration::from_millis(100);

/// What is to be said next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// The next frame, with its own item of data if that is still to be sent.
    Frame,
    /// The answer that is due, with the next item of data.
    Answer,
    /// The next item of data, whose frame was dropped or has gone already.
    Data,
    /// What was received, and nothing else.
    Idle,
    Goodbye,
}

impl Session {
    /// What this end has to say now, if it may speak.
    pub(super) fn next_word(&self) -> Option<Word> {
        // A goodbye before the peer's hello could not say what was received: of whom?
        if self.dialect != Some(Dialect::Native) || !self.is_open() || !self.our_turn {
            return None;
        }
        let has_done = self.leaving.is_some() && (self.leaves_now || self.is_drained());
        let is_req_rep = self.config.pattern() == Pattern::ReqRep;
        if self.leaves_now || (has_done && is_req_rep) {
            return Some(Word::Goodbye);
        }
        if self.catches_up() {
            return Some(Word::Idle);
        }
        let exchange = match self.config.role() {
            Role::Sender => self.next_of_sender(),
            Role::Receiver => self.next_of_receiver(),
        };
        let idle = || match (self.config.pattern(), self.config.role()) {
            (Pattern::Pair, _) => self.inbox.has_news() && (self.idle_is_due || self.inbox.has_urgent_news()),
            (Pattern::ReqRep, Role::Sender) => self.idle_is_due,
            (Pattern::ReqRep, Role::Receiver) => self.request == Request::Other,
        };
        exchange.or_else(|| has_done.then_some(Word::Goodbye)).or_else(|| idle().then_some(Word::Idle))
    }

    /// Whether a REQ asks for data in between. An answer has one item, so that what came behind when a connection
    /// broke would stay behind.
    fn catches_up(&self) -> bool {
        self.config.pattern() == Pattern::ReqRep
            && self.config.role() == Role::Sender
            && self.inbox.awaits_promised()
            && !self.asked_idly
    }

    /// Data goes with its frame, and before any later data. What has lost its frame goes at once.
    ///
    /// A frame leaves its data behind if that could not go without it, and if it would be late behind the data
    /// before.
    fn next_of_sender(&self) -> Option<Word> {
        let item = self.outbox.next();
        let passes = self.frames.may_send() && (self.outbox.awaits_a_frame() || self.is_behind_with_frames());
        if item.is_some_and(|item| !self.frames.owns(item)) && self.outbox.may_send() && !passes {
            return Some(Word::Data);
        }
        let own = self.frames.next()?.item;
        let fits = match (own, item) {
            (Some(own), Some(next)) if own >= next => own == next && self.outbox.may_send(),
            _ => true,
        };
        (passes || (fits && self.frames.may_send())).then_some(Word::Frame)
    }

    /// Whether data has been going for so long that the frame that waits is not fresh any more. On REQ/REP each item
    /// takes a round trip, and there may always be a further one.
    fn is_behind_with_frames(&self) -> bool {
        let items = match self.clock.round_trip().map(|time| time.as_micros()) {
            // At least one, or data would never have its turn.
            Some(round_trip) => (FRAME_WITHIN.as_micros() / round_trip.max(1)).max(1),
            None => 8,
        };
        u128::from(self.outbox.since_frame()) >= items
    }

    fn next_of_receiver(&self) -> Option<Word> {
        if self.arrivals.due().is_some() {
            return Some(Word::Answer);
        }
        let may_aside = self.config.pattern() == Pattern::Pair || self.request == Request::Other;
        (may_aside && self.outbox.may_send()).then_some(Word::Data)
    }

    /// Says it.
    pub(super) fn speak(&mut self, now: Timestamp, word: Word) {
        self.asked_idly = word == Word::Idle;
        let said = match word {
            Word::Frame => self.say_frame(now),
            Word::Answer => self.say_answer(now),
            Word::Data => self.say_data(),
            Word::Idle => {
                let acknowledgement = self.inbox.tell();
                self.request = Request::Other;
                self.say(&Header::Idle(acknowledgement))
            }
            Word::Goodbye => {
                let goodbye =
                    Goodbye { acknowledgement: self.inbox.tell(), next_frame: self.arrivals.next_to_take() };
                let said = self.say(&Header::Goodbye(goodbye));
                self.end(Ending::Closed);
                said
            }
        };
        if said.is_err() {
            // It was checked when it was taken: a fault of this crate, after which nothing can be relied on.
            self.end(Ending::Failed);
        }
    }

    /// Has what was received acknowledged in time, if nothing else does it before.
    pub(super) fn arm_acknowledgement(&mut self, now: Timestamp) {
        if !self.owes_acknowledgement() {
            self.acknowledge_at = None;
        } else if self.acknowledge_at.is_none() {
            self.acknowledge_at = Some(now + ACKNOWLEDGE_WITHIN);
        }
    }

    pub(super) fn owes_acknowledgement(&self) -> bool {
        self.link == Link::Open
            && self.config.pattern() == Pattern::Pair
            && self.dialect == Some(Dialect::Native)
            && self.inbox.has_news()
    }

    fn say_frame(&mut self, now: Timestamp) -> Result<(), native::EncodeError> {
        let acknowledgement = self.inbox.tell();
        let Some(waiting) = self.frames.next() else { return Ok(()) };
        let item = waiting.item.filter(|own| Some(*own) == self.outbox.next() && self.outbox.may_send());
        // It never goes encoded to a peer that did not say that it decodes it: this one may be another than when it
        // was offered.
        let decodes = self.peer.map_or(Encodings::RAW, |peer| peer.encodings);
        let encoded = waiting.encoded.as_ref().filter(|encoded| decodes.contains(encoded.encoding()));
        let frame = match encoded {
            Some(encoded) => WireFrame::Encoded(encoded.clone()),
            None => WireFrame::Raw(waiting.frame.clone()),
        };
        let header = Header::Frame {
            sequence: waiting.sequence,
            captured_at: waiting.captured_at,
            sent_at: now,
            clock: self.clock.offset(),
            acknowledgement,
            frame: FrameHeader::of_wire(&frame),
            item,
        };
        let value = item.and_then(|_| self.outbox.next_value());
        let message = native::encode(&header, Some(&frame), value, self.config.limits(), &mut self.scratch)?;
        let (encoding, bytes, pixels) = (frame.encoding(), frame.bytes().len(), frame.decoded_len());
        self.frames.mark_sent(now);
        self.counted.frames_sent += 1;
        self.count_frame(encoding, pixels, bytes);
        self.request = Request::Frame;
        if item.is_some() {
            self.count_sent_item();
        }
        self.outbox.mark_frame_sent();
        self.transmit(message);
        Ok(())
    }

    /// A frame of so many pixels in bytes went or came in so many.
    pub(super) fn count_frame(&mut self, encoding: Encoding, pixels: usize, bytes: usize) {
        self.counted.frames_encoded += u64::from(encoding != Encoding::Raw);
        self.counted.last_encoding = encoding;
        self.counted.pixel_bytes += pixels as u64;
        self.counted.frame_bytes += bytes as u64;
    }

    fn say_answer(&mut self, now: Timestamp) -> Result<(), native::EncodeError> {
        let acknowledgement = self.inbox.tell();
        let Some(due) = self.arrivals.due() else { return Ok(()) };
        let item = self.outbox.next().filter(|_| self.outbox.may_send());
        let (sequence, arrived_at) = (due.sequence, due.arrived_at);
        let next_item = self.outbox.end();
        let header = Header::Answer { sequence, arrived_at, sent_at: now, acknowledgement, next_item, item };
        let value = item.and_then(|_| self.outbox.next_value());
        let message = native::encode(&header, None, value, self.config.limits(), &mut self.scratch)?;
        self.arrivals.mark_answered();
        if item.is_some() {
            self.count_sent_item();
        }
        self.transmit(message);
        Ok(())
    }

    fn say_data(&mut self) -> Result<(), native::EncodeError> {
        let acknowledgement = self.inbox.tell();
        let Some(item) = self.outbox.next() else { return Ok(()) };
        let header = Header::Data { acknowledgement, item };
        let message =
            native::encode(&header, None, self.outbox.next_value(), self.config.limits(), &mut self.scratch)?;
        self.request = Request::Other;
        self.count_sent_item();
        self.transmit(message);
        Ok(())
    }

    fn say(&mut self, header: &Header) -> Result<(), native::EncodeError> {
        let message = native::encode(header, None, None, self.config.limits(), &mut self.scratch)?;
        self.transmit(message);
        Ok(())
    }

    fn count_sent_item(&mut self) {
        let again = self.outbox.mark_sent();
        self.counted.data_sent += u64::from(!again);
        self.counted.data_resent += u64::from(again);
    }
}
