use alloc::{collections::VecDeque, vec::Vec};

use super::PeerViolation;
use crate::{
    Limits, Value, budget,
    native::{Acknowledgement, Resume, Room},
};

/// The data of this end that its peer has not taken yet, each item under its number.
///
/// Numbers go up by one from 0 for the life of the session. In order: `first ≤ received`,
/// `first ≤ next ≤ sent ≤ end`.
#[derive(Debug)]
pub(super) struct Outbox {
    most_bytes: usize,
    items: VecDeque<Kept>,
    /// What all of them count for.
    bytes: usize,
    /// The number of the first that is kept: the peer has taken those before it.
    first: u64,
    /// The peer is known to have received those before it.
    received: u64,
    /// The next to be sent on this connection.
    next: u64,
    /// One more than the highest number that was ever sent.
    sent: u64,
    /// One more than the number of the last that went out before the last frame did, or with it, on this connection.
    behind_frame: u64,
    /// How many went out since.
    since_frame: u64,
    /// What those from the first to the next count for.
    sent_bytes: usize,
    /// What the peer has room for.
    room_items: usize,
    room_bytes: usize,
}

#[derive(Debug)]
struct Kept {
    value: Value,
    bytes: usize,
}

impl Outbox {
    /// Items that wait at most.
    pub(super) const MOST_ITEMS: usize = 256;

    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            most_bytes: limits.content_bytes().saturating_mul(2),
            items: VecDeque::new(),
            bytes: 0,
            first: 0,
            received: 0,
            next: 0,
            sent: 0,
            behind_frame: 0,
            since_frame: 0,
            sent_bytes: 0,
            room_items: 0,
            room_bytes: 0,
        }
    }

    /// As though so many items were received and taken already. None is there yet.
    pub(super) fn begin_at(&mut self, number: u64) {
        (self.first, self.received, self.next, self.sent) = (number, number, number, number);
    }

    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    /// The number of the first item that the peer has not taken.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// How many items there ever were.
    pub(super) fn end(&self) -> u64 {
        self.first + self.items.len() as u64
    }

    /// Whether a further item would be taken: one always is where there is none.
    pub(super) fn has_room_for(&self, value: &Value) -> bool {
        self.has_room()
            && (self.items.is_empty() || self.bytes.saturating_add(bytes_of(value)) <= self.most_bytes)
    }

    /// Whether a further item would be taken that is small enough.
    pub(super) fn has_room(&self) -> bool {
        self.items.is_empty() || (self.items.len() < Self::MOST_ITEMS && self.bytes < self.most_bytes)
    }

    /// Keeps an item, and gives its number.
    pub(super) fn push(&mut self, value: Value) -> u64 {
        let bytes = bytes_of(&value);
        let number = self.end();
        self.bytes += bytes;
        self.items.push_back(Kept { value, bytes });
        number
    }

    /// The next item to be sent on this connection, whether or not the peer has room for it.
    pub(super) fn next(&self) -> Option<u64> {
        (self.next < self.end()).then_some(self.next)
    }

    /// Whether there is a next item to be sent, and the peer has room for it.
    pub(super) fn may_send(&self) -> bool {
        let Some(kept) = self.get(self.next) else { return false };
        let waiting = (self.next - self.first) as usize;
        waiting == 0
            || (waiting < self.room_items && self.sent_bytes.saturating_add(kept.bytes) <= self.room_bytes)
    }

    /// Whether the next item may only go once the peer's application has been given another frame: it has no room for
    /// it, is done with all that it had up to the last frame, and may be one that comes for frames alone.
    pub(super) fn awaits_a_frame(&self) -> bool {
        self.next().is_some() && !self.may_send() && self.first >= self.behind_frame
    }

    /// How many items went out since the last frame did, on this connection.
    pub(super) fn since_frame(&self) -> u64 {
        self.since_frame
    }

    /// A frame went out, with its own item or without.
    pub(super) fn mark_frame_sent(&mut self) {
        self.behind_frame = self.next;
        self.since_frame = 0;
    }

    /// The value of the next item.
    pub(super) fn next_value(&self) -> Option<&Value> {
        self.get(self.next).map(|kept| &kept.value)
    }

    /// The next item goes out. Gives whether it did so before.
    pub(super) fn mark_sent(&mut self) -> bool {
        let Some(bytes) = self.get(self.next).map(|kept| kept.bytes) else { return false };
        let again = self.next < self.sent;
        self.next += 1;
        self.since_frame += 1;
        self.sent_bytes += bytes;
        self.sent = self.sent.max(self.next);
        again
    }

    /// The peer says on this connection what it has.
    pub(super) fn acknowledge(&mut self, said: Acknowledgement) -> Result<(), PeerViolation> {
        let Acknowledgement { received, taken } = said;
        if received > self.next || taken > received || received < self.received || taken < self.first {
            return Err(PeerViolation::Acknowledgement { received, taken, sent: self.next });
        }
        self.received = received;
        self.drop_before(taken);
        Ok(())
    }

    /// A connection begins with a peer that has this room, and what it says it has already; `is_same` if the peer is
    /// the session that was spoken with before.
    pub(super) fn resume(
        &mut self,
        room: &Room,
        resume: Option<&Resume>,
        is_same: bool,
    ) -> Result<(), PeerViolation> {
        if let Some(Resume { data: Acknowledgement { received, taken }, .. }) = resume.copied() {
            let goes_back = is_same && (received < self.received || taken < self.first);
            if received > self.sent || taken > received || goes_back {
                return Err(PeerViolation::Acknowledgement { received, taken, sent: self.sent });
            }
            self.drop_before(taken);
            self.next = received.max(self.first);
        } else {
            self.next = self.first;
        }
        self.received = self.next;
        // What it still has of frames that came before is not known.
        (self.behind_frame, self.since_frame) = (0, 0);
        let before = (self.next - self.first) as usize;
        self.sent_bytes = self.items.iter().take(before).map(|kept| kept.bytes).sum();
        self.room_items = usize::try_from(room.items).unwrap_or(usize::MAX);
        self.room_bytes = usize::try_from(room.item_bytes).unwrap_or(usize::MAX);
        Ok(())
    }

    /// Whether the peer is known to have received all.
    pub(super) fn is_received(&self) -> bool {
        self.received == self.end()
    }

    /// How many items are known to be received, of all that there ever were.
    pub(super) fn received(&self) -> u64 {
        self.received
    }

    /// The items that are not known to be received, oldest first. Nothing is kept.
    pub(super) fn take_undelivered(&mut self) -> Vec<Value> {
        let received = self.received.saturating_sub(self.first) as usize;
        self.first = self.end();
        self.next = self.first;
        (self.bytes, self.sent_bytes) = (0, 0);
        self.items.drain(..).skip(received).map(|kept| kept.value).collect()
    }

    fn get(&self, number: u64) -> Option<&Kept> {
        self.items.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn drop_before(&mut self, taken: u64) {
        while self.first < taken {
            let Some(kept) = self.items.pop_front() else { return };
            if self.first < self.next {
                self.sent_bytes -= kept.bytes;
            }
            self.first += 1;
            self.bytes -= kept.bytes;
        }
        self.next = self.next.max(self.first);
    }
}

/// What a value counts for, pixels and all.
pub(super) fn bytes_of(value: &Value) -> usize {
    let (data, pixels) = budget::cost(value);
    data + pixels
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { frames: 1, frame_bytes: 0, items: 3, item_bytes: 200 };

    fn outbox(items: u64) -> Outbox {
        let mut outbox = Outbox::new(&Limits::DEFAULT);
        for number in 0..items {
            assert_eq!(outbox.push(number.into()), number);
        }
        outbox.resume(&ROOM, None, false).unwrap();
        outbox
    }

    fn sent(outbox: &mut Outbox) -> Vec<u64> {
        let mut numbers = Vec::new();
        while outbox.may_send() {
            numbers.extend(outbox.next());
            outbox.mark_sent();
        }
        numbers
    }

    fn said(received: u64, taken: u64) -> Acknowledgement {
        Acknowledgement { received, taken }
    }

    fn resume(received: u64, taken: u64) -> Resume {
        Resume { data: said(received, taken), ..NAMED }
    }

    const NAMED: Resume = Resume {
        peer: crate::native::SessionId::ANONYMOUS,
        data: Acknowledgement { received: 0, taken: 0 },
        next_frame: 0,
        next_answer: 0,
    };

    #[test]
    fn no_more_is_sent_than_the_peer_has_room_for() {
        let mut outbox = outbox(5);
        assert_eq!(sent(&mut outbox), [0, 1, 2]);
        outbox.acknowledge(said(3, 0)).unwrap();
        assert!(!outbox.may_send(), "received is not taken");
        outbox.acknowledge(said(3, 1)).unwrap();
        assert_eq!(sent(&mut outbox), [3]);
        // 64 for a number: two of them and this are more than 200.
        outbox.acknowledge(said(4, 4)).unwrap();
        assert_eq!(sent(&mut outbox), [4]);
        outbox.push("x".repeat(100).as_str().into());
        assert!(!outbox.may_send());
        outbox.acknowledge(said(5, 5)).unwrap();
        assert_eq!(sent(&mut outbox), [5], "one may always go where none waits");
    }

    #[test]
    fn a_lie_about_what_was_received_is_found() {
        for (received, taken) in [(4, 0), (2, 3), (0, 0), (1, 0), (2, 0), (u64::MAX, u64::MAX)] {
            let mut outbox = outbox(5);
            sent(&mut outbox);
            outbox.acknowledge(said(2, 1)).unwrap();
            assert!(outbox.acknowledge(said(received, taken)).is_err(), "{received} {taken}");
            assert_eq!(outbox.len(), 4, "nothing is dropped for it");
        }
    }

    #[test]
    fn the_same_peer_goes_on_behind_what_it_received() {
        let mut outbox = outbox(5);
        sent(&mut outbox);
        outbox.acknowledge(said(1, 1)).unwrap();
        outbox.resume(&ROOM, Some(&resume(2, 1)), true).unwrap();
        assert_eq!(sent(&mut outbox), [2, 3]);
        for lie in [(6, 0), (1, 1), (2, 0), (5, 5), (u64::MAX, 0)] {
            assert!(outbox.resume(&ROOM, Some(&resume(lie.0, lie.1)), true).is_err(), "{lie:?}");
        }
    }

    #[test]
    fn a_new_peer_gets_again_what_was_not_taken() {
        let mut outbox = outbox(5);
        sent(&mut outbox);
        outbox.acknowledge(said(3, 1)).unwrap();
        outbox.resume(&ROOM, None, false).unwrap();
        assert_eq!(sent(&mut outbox), [1, 2, 3]);
        // One that has a token is done with more than was known.
        outbox.resume(&ROOM, Some(&resume(2, 2)), false).unwrap();
        assert_eq!((outbox.first(), sent(&mut outbox)), (2, [2, 3, 4].into()));
        // One whose token is older than what its former self acknowledged goes on behind that.
        outbox.resume(&ROOM, Some(&resume(0, 0)), false).unwrap();
        assert_eq!(outbox.next(), Some(2));
    }

    #[test]
    fn numbers_go_on_past_those_of_32_bits() {
        let begin = u64::from(u32::MAX) - 1;
        let mut outbox = Outbox::new(&Limits::DEFAULT);
        outbox.begin_at(begin);
        for number in begin..begin + 5 {
            assert_eq!(outbox.push(number.into()), number);
        }
        outbox.resume(&ROOM, None, false).unwrap();
        assert_eq!(sent(&mut outbox), [begin, begin + 1, begin + 2]);
        outbox.acknowledge(said(begin + 3, begin + 2)).unwrap();
        assert_eq!((outbox.first(), sent(&mut outbox)), (begin + 2, [begin + 3, begin + 4].into()));
        assert!(outbox.acknowledge(said(begin + 6, begin)).is_err());
        outbox.resume(&ROOM, Some(&resume(begin + 4, begin + 3)), true).unwrap();
        assert_eq!(sent(&mut outbox), [begin + 4]);
        outbox.acknowledge(said(begin + 5, begin + 5)).unwrap();
        assert!(outbox.is_received() && outbox.len() == 0);
    }

    #[test]
    fn it_is_full_at_its_bounds() {
        let mut outbox = Outbox::new(&Limits::DEFAULT.with_frame_bytes(0).with_data_bytes(1024));
        let long: Value = "x".repeat(1900).as_str().into();
        assert!(outbox.has_room_for(&long));
        outbox.push(long);
        assert!(outbox.has_room_for(&1.into()) && !outbox.has_room_for(&"x".repeat(80).as_str().into()));
        let mut outbox = Outbox::new(&Limits::DEFAULT);
        for _ in 0..Outbox::MOST_ITEMS {
            assert!(outbox.has_room_for(&1.into()));
            outbox.push(1.into());
        }
        assert!(!outbox.has_room_for(&1.into()));
    }

    #[test]
    fn undelivered_is_what_is_not_known_to_be_received() {
        let mut outbox = outbox(5);
        sent(&mut outbox);
        outbox.acknowledge(said(2, 1)).unwrap();
        assert_eq!(outbox.take_undelivered(), [2.into(), 3.into(), 4.into()]);
        assert_eq!(outbox.take_undelivered(), []);
    }
}
