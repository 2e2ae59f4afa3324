//! What a native peer says, once it is there.

use super::{
    Delivery, Ending, Event, Link, PeerViolation, Request, Session, SessionError, clock_estimate::RoundTrip,
    frame_queue::Departure, inbox::Entry,
};
use crate::{
    Mode, Pattern, Role, Timestamp,
    native::{Acknowledgement, Answer, DataMessage, FrameMessage, Goodbye, Item, Message},
};

/// What matters of a message to how soon the next is asked for.
#[derive(Debug, Clone, Copy)]
enum Brings {
    Hello,
    Item,
    Neither,
}

impl Session {
    pub(super) fn handle_native(&mut self, now: Timestamp, message: Message) -> Result<(), SessionError> {
        if self.config.pattern() == Pattern::ReqRep {
            if self.our_turn || self.has_untransmitted() {
                return Err(PeerViolation::OutOfTurn.into());
            }
            self.our_turn = true;
            if self.config.role() == Role::Sender {
                self.idle_at = Some(now + self.config.idle_interval());
            }
        }
        let brings = match &message {
            Message::Hello(_) => Brings::Hello,
            Message::Answer(Answer { item: Some(_), .. }) | Message::Data(_) => Brings::Item,
            _ => Brings::Neither,
        };
        match (message, self.link == Link::Open) {
            (Message::Goodbye(goodbye), is_open) => self.handle_goodbye(goodbye, is_open)?,
            (Message::Hello(hello), false) => self.handle_hello(hello)?,
            (Message::Hello(_), true) => return Err(PeerViolation::HelloTwice.into()),
            (_, false) => return Err(PeerViolation::HelloMissing.into()),
            (message, true) => self.handle_exchange(now, message)?,
        }
        self.hasten(now, brings);
        Ok(())
    }

    /// What was lost with a connection is asked for at once: a REQ that waited first might lose the next one over it.
    fn hasten(&mut self, now: Timestamp, brings: Brings) {
        let is_owed = match brings {
            Brings::Hello => self.frames.unanswered().is_some() || self.inbox.awaits_promised(),
            Brings::Item => self.inbox.awaits_promised(),
            Brings::Neither => false,
        };
        if is_owed && self.idle_at.is_some() {
            self.idle_at = Some(now);
        }
    }

    fn handle_goodbye(&mut self, goodbye: Goodbye, is_open: bool) -> Result<(), PeerViolation> {
        let ending = if self.leaving.is_some() { Ending::Closed } else { Ending::PeerLeft };
        if is_open {
            self.outbox.acknowledge(goodbye.acknowledgement)?;
            self.frames.arrived_before(goodbye.next_frame)?;
            self.end(ending);
        } else {
            // It was never there.
            self.drop_connection(ending);
        }
        Ok(())
    }

    fn handle_exchange(&mut self, now: Timestamp, message: Message) -> Result<(), PeerViolation> {
        self.check_kind(&message)?;
        // It has heard this end's hello, and taken it for what it said it is.
        (self.has_met, self.is_nameless) = (true, false);
        match message {
            Message::Frame(message) => self.handle_frame(now, message),
            Message::Answer(answer) => self.handle_answer(now, answer),
            Message::Data(DataMessage { acknowledgement, item }) => {
                self.handle_aside(acknowledgement)?;
                let entry = self.take_item(item)?;
                self.inbox.keep(entry);
                self.tell(Event::DataArrived);
                Ok(())
            }
            Message::Idle(acknowledgement) => self.handle_aside(acknowledgement),
            Message::Hello(_) | Message::Goodbye(_) => Ok(()),
        }
    }

    /// Whether a message of this kind may come at all.
    fn check_kind(&self, message: &Message) -> Result<(), PeerViolation> {
        let role = self.config.role();
        let (name, is_wrong, has_data) = match message {
            Message::Frame(message) => ("a frame", role == Role::Sender, message.item.is_some()),
            Message::Answer(answer) => ("an answer", role == Role::Receiver, answer.item.is_some()),
            Message::Data(_) => ("data", false, true),
            Message::Idle(_) => ("an idle request", false, false),
            Message::Hello(_) => ("a hello", false, false),
            Message::Goodbye(_) => ("a goodbye", false, false),
        };
        if is_wrong {
            return Err(PeerViolation::WrongRole { message: name, role: role.opposite() });
        }
        if has_data && self.config.mode() == Mode::Unidirectional {
            return Err(PeerViolation::UnidirectionalData);
        }
        Ok(())
    }

    fn handle_frame(&mut self, now: Timestamp, message: FrameMessage) -> Result<(), PeerViolation> {
        let FrameMessage { sequence, captured_at, clock, acknowledgement, frame, item, .. } = message;
        let (encoding, decodes) = (frame.encoding(), self.config.encodings());
        if !decodes.contains(encoding) {
            return Err(PeerViolation::EncodingNotAnnounced { encoding, decodes });
        }
        if let Err(violation) = self.arrivals.check(sequence, frame.counted_bytes()) {
            if let PeerViolation::FrameOutOfTurn { .. } = violation {
                // It knows nothing of the answers that are due, or else the next connection would end like this one.
                self.arrivals.forget_unanswered();
            }
            return Err(violation);
        }
        self.outbox.acknowledge(acknowledgement)?;
        let items_before = self.inbox.arrived();
        let own = item.map(|item| self.take_item(item)).transpose()?;
        self.count_frame(encoding, frame.decoded_len(), frame.bytes().len());
        let mut delivery = Delivery::new(frame, sequence, now);
        delivery.captured_at = Some(captured_at);
        delivery.clock = clock;
        self.told_clock = clock.or(self.told_clock);
        if let Some(clock) = clock {
            self.latency.note(captured_at, now, clock);
        }
        self.arrivals.arrive(delivery, own, items_before);
        self.request = Request::Frame;
        self.counted.frames_received += 1;
        self.tell(Event::FrameArrived);
        Ok(())
    }

    fn handle_answer(&mut self, now: Timestamp, answer: Answer) -> Result<(), PeerViolation> {
        let Answer { sequence, arrived_at, sent_at, acknowledgement, next_item, item } = answer;
        let departure = self.frames.answered(sequence)?;
        self.outbox.acknowledge(acknowledgement)?;
        if let Some(Departure { captured_at, sent_at: left }) = departure {
            self.clock.note(RoundTrip { left, arrived: arrived_at, answered: sent_at, came_back: now });
            if let Some(clock) = self.clock.offset() {
                self.latency.note(captured_at, arrived_at, clock);
            }
        }
        self.inbox.promise(next_item);
        if let Some(entry) = item.map(|item| self.take_item(item)).transpose()? {
            self.inbox.keep(entry);
        }
        self.request = Request::Other;
        self.tell(Event::Answered);
        Ok(())
    }

    /// Anything but a frame and its answer.
    fn handle_aside(&mut self, acknowledgement: Acknowledgement) -> Result<(), PeerViolation> {
        if self.config.pattern() == Pattern::ReqRep {
            match (self.config.role(), self.request, self.frames.unanswered()) {
                (Role::Sender, Request::Frame, Some(expected)) => {
                    return Err(PeerViolation::FrameNotAnswered { expected });
                }
                _ => self.request = Request::Other,
            }
        }
        self.outbox.acknowledge(acknowledgement)
    }

    fn take_item(&mut self, item: Item) -> Result<Entry, PeerViolation> {
        let entry = self.inbox.arrive(item)?;
        self.counted.data_received += 1;
        Ok(entry)
    }
}
