use alloc::{collections::VecDeque, vec::Vec};

use super::{PeerViolation, ResumeToken, outbox::bytes_of};
use crate::{
    Limits, Value,
    native::{Acknowledgement, Hello, Item, SessionId},
};

/// The peer's data at this end: what has arrived, what the application has, and what it is done with.
///
/// An item is held from its arrival until the application comes for the next one, which says that it is done with it.
#[derive(Debug)]
pub(super) struct Inbox {
    most_bytes: usize,
    /// Whose data it is, as far as that is known, and the number of peers before.
    origin: Origin,
    /// The number of the next that has not arrived, which must come next.
    received: u64,
    /// The application is done with those before it.
    taken: u64,
    /// The peer has none before it any more.
    base: u64,
    /// The peer has said that it has those before it.
    promised: u64,
    /// What the peer was told that there is room for.
    offered: (u32, u64),
    /// Items without a frame.
    loose: VecDeque<Entry>,
    /// What the application has, and may not be done with.
    handed: Vec<Mark>,
    held: Held,
    /// The numbers and bytes of those that are held, in order.
    numbers: VecDeque<(u64, usize)>,
    /// What is held of former peers, and what the peer gave up since another took it.
    left: Held,
    /// How many items ever arrived, so that each has its place among the frames.
    arrived: u64,
    /// What is held of this peer since it was last told, and no more.
    freed: Held,
    told: Acknowledgement,
    token: Option<ResumeToken>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Origin {
    peer: SessionId,
    /// Tells peers apart that have no identity.
    era: u64,
}

/// An item that has arrived.
#[derive(Debug)]
pub(super) struct Entry {
    mark: Mark,
    value: Value,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    origin: Origin,
    number: u64,
    place: u64,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, Default)]
struct Held {
    items: usize,
    bytes: usize,
}

impl Held {
    fn add(&mut self, bytes: usize) {
        self.items += 1;
        self.bytes += bytes;
    }

    fn remove(&mut self, bytes: usize) {
        self.items -= 1;
        self.bytes -= bytes;
    }
}

impl Inbox {
    /// Items of one peer that are held at most.
    pub(super) const MOST_ITEMS: usize = 128;

    pub(super) fn new(limits: &Limits, token: Option<ResumeToken>) -> Self {
        let (peer, taken) = token.map_or((SessionId::ANONYMOUS, 0), |token| (token.peer, token.data_taken));
        let told = Acknowledgement { received: taken, taken };
        Self {
            most_bytes: limits.content_bytes().saturating_mul(2),
            origin: Origin { peer, era: 0 },
            received: taken,
            taken,
            base: 0,
            promised: 0,
            offered: (Self::MOST_ITEMS as u32, u64::MAX),
            loose: VecDeque::new(),
            handed: Vec::new(),
            held: Held::default(),
            numbers: VecDeque::new(),
            left: Held::default(),
            arrived: 0,
            freed: Held::default(),
            told,
            token,
        }
    }

    /// What the peer is told that there is room for.
    pub(super) fn offer_room(&mut self) -> (u32, u64) {
        self.offered = self.room();
        self.offered
    }

    /// What a peer may make this end hold: all, or if the application has not taken what former peers sent, what is
    /// left.
    fn room(&self) -> (u32, u64) {
        let items = Self::MOST_ITEMS.saturating_sub(self.left.items);
        let bytes = self.most_bytes.saturating_sub(self.left.bytes);
        (u32::try_from(items).unwrap_or(u32::MAX), bytes as u64)
    }

    /// Whether a further peer would find no room, because the application does not take what those before it sent.
    pub(super) fn is_clogged(&self) -> bool {
        self.left.items + self.held.items > Self::MOST_ITEMS / 2
            || self.left.bytes.saturating_add(self.held.bytes) > self.most_bytes / 2
    }

    /// Whether items are held that a peer, which goes on with this one, does not count any more.
    pub(super) fn holds_before(&self, first_item: u64) -> bool {
        self.numbers.front().is_some_and(|(number, _)| *number < first_item)
    }

    /// The peer whose data it is; `None` if that has no identity.
    pub(super) fn peer(&self) -> Option<SessionId> {
        (!self.origin.peer.is_anonymous()).then_some(self.origin.peer)
    }

    /// A connection begins with the peer that said this. `is_known` if it is [`Inbox::peer`], and was told so.
    pub(super) fn resume(&mut self, hello: &Hello, is_known: bool) {
        if is_known {
            // What it does not have any more, another took in between.
            self.received = self.received.max(hello.first_item);
            while let Some((number, bytes)) = self.numbers.front().copied()
                && number < hello.first_item
            {
                self.numbers.pop_front();
                self.held.remove(bytes);
                self.left.add(bytes);
            }
        } else {
            self.origin = Origin { peer: hello.id, era: self.origin.era + 1 };
            self.left.items += self.held.items;
            self.left.bytes += self.held.bytes;
            self.held = Held::default();
            self.numbers.clear();
            self.freed = Held::default();
            (self.received, self.taken) = (hello.first_item, hello.first_item);
        }
        self.base = hello.first_item;
        self.promised = hello.next_item;
        if self.held.items == 0 {
            self.taken = self.received;
        }
        // A known one was told by the hello; what was taken since is news to it.
        if !is_known {
            self.told = self.acknowledgement();
        }
    }

    /// Takes note of an item that came. None comes twice: the peer goes on where it was told that this end stands.
    pub(super) fn arrive(&mut self, item: Item) -> Result<Entry, PeerViolation> {
        let Item { number, value } = item;
        if number != self.received {
            return Err(PeerViolation::DataSequence { expected: self.received, found: number });
        }
        let next = number.checked_add(1).ok_or(PeerViolation::NumbersExhausted)?;
        let bytes = bytes_of(&value);
        let (items, most_bytes) = self.offered;
        let has_room = self.held.items < items as usize && (self.held.bytes + bytes) as u64 <= most_bytes;
        if self.held.items > 0 && !has_room {
            return Err(PeerViolation::DataOverRoom { number });
        }
        self.received = next;
        self.held.add(bytes);
        self.numbers.push_back((number, bytes));
        let mark = Mark { origin: self.origin, number, place: self.arrived, bytes };
        self.arrived += 1;
        Ok(Entry { mark, value })
    }

    /// Takes an item from a peer that does not number what it says.
    pub(super) fn arrive_unnumbered(&mut self, value: Value) -> Result<Entry, PeerViolation> {
        self.arrive(Item { number: self.received, value })
    }

    /// The peer says that it has all items before this one.
    pub(super) fn promise(&mut self, next_item: u64) {
        self.promised = self.promised.max(next_item);
    }

    /// Whether items are still to come that the peer has said it has.
    pub(super) fn awaits_promised(&self) -> bool {
        self.received < self.promised
    }

    /// Keeps an item that belongs to no frame.
    pub(super) fn keep(&mut self, entry: Entry) {
        self.loose.push_back(entry);
    }

    /// How many items have ever arrived.
    pub(super) fn arrived(&self) -> u64 {
        self.arrived
    }

    /// Whether there is an item without a frame that came before so many had arrived.
    pub(super) fn has_loose(&self, before: u64) -> bool {
        self.loose.front().is_some_and(|entry| entry.mark.place < before)
    }

    /// The next item without a frame that came before so many had arrived.
    pub(super) fn take_loose(&mut self, before: u64) -> Option<Value> {
        if !self.has_loose(before) {
            return None;
        }
        let entry = self.loose.pop_front()?;
        Some(self.hand(entry))
    }

    /// Gives the item to the application.
    pub(super) fn hand(&mut self, entry: Entry) -> Value {
        let Entry { mark, value } = entry;
        self.handed.push(mark);
        if !mark.origin.peer.is_anonymous() {
            self.token = Some(ResumeToken { peer: mark.origin.peer, data_taken: mark.number + 1 });
        }
        value
    }

    /// The application comes for the next item, or for none any more: it is done with those that it has. Gives how
    /// many.
    pub(super) fn done(&mut self) -> usize {
        let done = self.handed.len();
        for mark in self.handed.drain(..) {
            let is_next = self.numbers.front().is_some_and(|(number, _)| *number == mark.number);
            if mark.origin == self.origin && is_next {
                self.taken = mark.number + 1;
                self.numbers.pop_front();
                self.held.remove(mark.bytes);
                self.freed.add(mark.bytes);
            } else {
                self.left.remove(mark.bytes);
            }
        }
        done
    }

    pub(super) fn acknowledgement(&self) -> Acknowledgement {
        Acknowledgement { received: self.received, taken: self.taken.max(self.base) }
    }

    /// The peer is being told.
    pub(super) fn tell(&mut self) -> Acknowledgement {
        self.told = self.acknowledgement();
        self.freed = Held::default();
        self.told
    }

    /// Whether there is something to tell.
    pub(super) fn has_news(&self) -> bool {
        self.told != self.acknowledgement()
    }

    /// Whether the peer may wait for the room that there is again.
    pub(super) fn has_urgent_news(&self) -> bool {
        let (items, bytes) = self.room();
        self.freed.items > items as usize / 2 || self.freed.bytes as u64 > bytes / 2
    }

    /// What the application has had, to go on behind it after a restart.
    pub(super) fn token(&self) -> Option<ResumeToken> {
        self.token
    }

    /// Items that the application has not come for.
    pub(super) fn waiting(&self) -> usize {
        self.held.items + self.left.items - self.handed.len()
    }

    /// What those count for.
    pub(super) fn waiting_bytes(&self) -> usize {
        let handed: usize = self.handed.iter().map(|mark| mark.bytes).sum();
        self.held.bytes + self.left.bytes - handed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Mode, Pattern, Role};

    fn hello(id: u8, first_item: u64) -> Hello {
        let hello = Hello::new(Role::Sender, Pattern::Pair, Mode::Bidirectional);
        Hello { id: SessionId::from_bytes([id; 16]), first_item, ..hello }
    }

    fn inbox() -> Inbox {
        let mut inbox = Inbox::new(&Limits::DEFAULT, None);
        inbox.resume(&hello(1, 0), false);
        inbox
    }

    fn hear(inbox: &mut Inbox, number: u64) -> Result<bool, PeerViolation> {
        let entry = inbox.arrive(Item { number, value: number.into() })?;
        inbox.keep(entry);
        Ok(true)
    }

    fn acknowledged(inbox: &Inbox) -> (u64, u64) {
        let Acknowledgement { received, taken } = inbox.acknowledgement();
        (received, taken)
    }

    #[test]
    fn an_item_is_taken_when_the_application_comes_for_the_next() {
        let mut inbox = inbox();
        for number in 0..3 {
            assert_eq!(hear(&mut inbox, number), Ok(true));
        }
        assert_eq!(acknowledged(&inbox), (3, 0));
        assert_eq!(inbox.take_loose(u64::MAX), Some(0.into()));
        assert_eq!(acknowledged(&inbox), (3, 0));
        assert_eq!(
            inbox.token().unwrap().data_taken,
            1,
            "a token recorded now covers what the application has"
        );
        assert_eq!(inbox.done(), 1);
        assert_eq!(acknowledged(&inbox), (3, 1));
    }

    #[test]
    fn what_is_skipped_or_sent_again_on_one_connection_breaks_the_rules() {
        for found in [0, 2, u64::MAX] {
            let mut inbox = inbox();
            hear(&mut inbox, 0).unwrap();
            assert_eq!(hear(&mut inbox, found), Err(PeerViolation::DataSequence { expected: 1, found }));
        }
    }

    #[test]
    fn numbers_have_an_end() {
        let mut inbox = Inbox::new(&Limits::DEFAULT, None);
        inbox.resume(&hello(1, u64::MAX - 1), false);
        assert_eq!(hear(&mut inbox, u64::MAX - 1), Ok(true));
        assert_eq!(hear(&mut inbox, u64::MAX), Err(PeerViolation::NumbersExhausted));
    }

    #[test]
    fn what_the_application_does_not_take_is_bounded_and_clogs_for_further_peers() {
        let mut inbox = inbox();
        for number in 0..Inbox::MOST_ITEMS as u64 {
            hear(&mut inbox, number).unwrap();
        }
        let number = Inbox::MOST_ITEMS as u64;
        assert_eq!(hear(&mut inbox, number), Err(PeerViolation::DataOverRoom { number }));
        assert!(inbox.is_clogged());
        while inbox.waiting() > Inbox::MOST_ITEMS / 2 {
            inbox.take_loose(u64::MAX).unwrap();
        }
        assert!(inbox.is_clogged(), "what the application has is still held");
        inbox.done();
        assert!(!inbox.is_clogged());
        inbox.resume(&hello(2, 0), false);
        assert_eq!(inbox.offer_room().0 as usize, Inbox::MOST_ITEMS / 2);
    }

    #[test]
    fn another_peers_items_come_after_those_of_the_one_before_and_count_for_themselves() {
        let mut inbox = inbox();
        hear(&mut inbox, 0).unwrap();
        inbox.resume(&hello(2, 7), false);
        assert_eq!(acknowledged(&inbox), (7, 7));
        hear(&mut inbox, 7).unwrap();
        assert_eq!(inbox.take_loose(u64::MAX), Some(0.into()));
        inbox.done();
        assert_eq!(acknowledged(&inbox), (8, 7), "that was not of this peer");
        assert_eq!(inbox.token().unwrap().peer, SessionId::from_bytes([1; 16]));
        assert_eq!(inbox.take_loose(u64::MAX), Some(7.into()));
        assert_eq!(
            inbox.token().unwrap(),
            ResumeToken { peer: SessionId::from_bytes([2; 16]), data_taken: 8 }
        );
        inbox.done();
        assert_eq!((acknowledged(&inbox), inbox.waiting(), inbox.waiting_bytes()), ((8, 8), 0, 0));
    }

    #[test]
    fn what_another_took_in_between_counts_no_more_against_the_peers_room() {
        let mut inbox = inbox();
        for number in 0..100 {
            hear(&mut inbox, number).unwrap();
        }
        assert!(!inbox.holds_before(0) && inbox.holds_before(1));
        // It has those before 98 no more, and counts two.
        inbox.resume(&hello(1, 98), true);
        assert_eq!((acknowledged(&inbox), inbox.waiting()), ((100, 98), 100));
        for number in 100..226 {
            hear(&mut inbox, number).unwrap();
        }
        assert!(hear(&mut inbox, 226).is_err());
        for number in 0..99 {
            assert_eq!(inbox.take_loose(u64::MAX), Some(number.into()));
        }
        inbox.done();
        assert_eq!((acknowledged(&inbox), inbox.waiting()), ((226, 99), 127));
        hear(&mut inbox, 226).unwrap();
        assert!(hear(&mut inbox, 227).is_err());
    }

    #[test]
    fn a_token_goes_on_where_it_says() {
        let token = ResumeToken { peer: SessionId::from_bytes([1; 16]), data_taken: 5 };
        let mut inbox = Inbox::new(&Limits::DEFAULT, Some(token));
        assert_eq!((inbox.peer(), acknowledged(&inbox)), (Some(token.peer), (5, 5)));
        inbox.resume(&hello(1, 3), true);
        assert_eq!(hear(&mut inbox, 5), Ok(true));
        // Whoever it names is not there any more.
        let mut inbox = Inbox::new(&Limits::DEFAULT, Some(token));
        inbox.resume(&hello(2, 0), false);
        assert_eq!(hear(&mut inbox, 0), Ok(true));
        assert_eq!(inbox.token(), Some(token), "until something of the new one is taken");
    }
}
