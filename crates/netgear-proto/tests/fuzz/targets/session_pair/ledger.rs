//! What was sent, given and reported, held against what is promised.

use std::collections::{BTreeMap, BTreeSet};

use netgear_proto::{Role, Value};

/// The run of the program that sent an item of data, and the how manieth of its items it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item {
    run: u64,
    number: u64,
}

impl Item {
    /// The item, with so many bytes more.
    pub(super) fn value(self, padding: usize) -> Value {
        Value::List(vec![self.run.into(), self.number.into(), Value::Bytes(vec![0xEE; padding].into())])
    }

    fn of(value: &Value) -> Self {
        let read = || {
            let Value::List(parts) = value else { return None };
            let [run, number, Value::Bytes(padding)] = &parts[..] else { return None };
            let is_whole = padding.iter().all(|byte| *byte == 0xEE);
            if is_whole { Some(Self { run: run.as_u64()?, number: number.as_u64()? }) } else { None }
        };
        read().unwrap_or_else(|| panic!("altered: {value:?}"))
    }
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Items may be lost that are reported, and may be reported that have come.
    is_lossy: bool,
    /// By the role that sends.
    data: [Data; 2],
    /// What each run of the sender offered: the item that went with each frame.
    offered: BTreeMap<u64, Vec<Option<Item>>>,
    /// By run of the sender and of the receiver: how many frames were given, and the last.
    frames: BTreeMap<(u64, u64), (u64, u64)>,
    /// How many of them came encoded.
    encoded: u64,
}

/// One direction's data.
#[derive(Debug, Default)]
struct Data {
    /// How many items each run of the sending program had accepted.
    accepted: BTreeMap<u64, u64>,
    /// By run and receiving lineage: the item that is due next.
    next: BTreeMap<(u64, u64), u64>,
    /// The one after the last that any lineage was given of each run.
    next_to_any: BTreeMap<u64, u64>,
    reported: BTreeSet<Item>,
    given: BTreeSet<Item>,
    /// How many were given, again or not.
    count: u64,
}

impl Ledger {
    pub(super) fn new(is_lossy: bool) -> Self {
        Self { is_lossy, ..Self::default() }
    }

    pub(super) fn next_item(&self, role: Role, run: u64) -> Item {
        Item { run, number: self.data(role).accepted(run) }
    }

    pub(super) fn accept(&mut self, role: Role, item: Item) {
        self.data_mut(role).accepted.insert(item.run, item.number + 1);
    }

    /// An application of this lineage was given an item of the role's.
    pub(super) fn give(&mut self, role: Role, lineage: u64, value: &Value) -> Item {
        let is_lossy = self.is_lossy;
        let data = self.data_mut(role);
        let item = Item::of(value);
        let Item { run, number } = item;
        assert!(number < data.accepted(run), "{item:?} was never sent");
        let any = data.next_to_any.get(&run).copied().unwrap_or(0);
        let next = data.next.get(&(run, lineage)).copied();
        match next {
            _ if is_lossy => {
                assert!(next.is_none_or(|next| next <= number), "{role}: twice, or out of order")
            }
            Some(next) => assert_eq!(next, number, "{role}: lost, twice, or out of order"),
            // A new lineage may get again what a former one was given and not known to be done with.
            None => assert!(number <= any, "{item:?} is the first, and nobody was given {any}"),
        }
        data.next.insert((run, lineage), number + 1);
        data.next_to_any.insert(run, any.max(number + 1));
        data.given.insert(item);
        data.count += 1;
        item
    }

    pub(super) fn report(&mut self, role: Role, value: &Value) {
        let item = Item::of(value);
        assert!(self.data_mut(role).reported.insert(item), "{item:?} was reported twice");
    }

    pub(super) fn offer_frame(&mut self, run: u64, item: Option<Item>) {
        self.offered.entry(run).or_default().push(item);
    }

    pub(super) fn frames_offered(&self, run: u64) -> u64 {
        self.offered.get(&run).map_or(0, Vec::len) as u64
    }

    /// A receiving program was given a frame, with this item of data.
    pub(super) fn give_frame(
        &mut self,
        run: u64,
        receiver: u64,
        sequence: u64,
        item: Option<Item>,
        is_encoded: bool,
    ) {
        let offered = self.offered.get(&run).and_then(|frames| frames.get(usize::try_from(sequence).ok()?));
        let expected = offered.expect("no frame comes that was never offered");
        // Its item may have come to a former receiver, but never to this one without it.
        assert!(item.is_none() || item == *expected, "{item:?} for {expected:?}");
        let (count, last) = self.frames.entry((run, receiver)).or_default();
        assert!(*count == 0 || *last < sequence, "frame {sequence} after frame {last}");
        (*count, *last) = (*count + 1, sequence);
        self.encoded += u64::from(is_encoded);
    }

    /// Every item of this run was given to somebody or reported.
    pub(super) fn check_all_accounted_for(&self, role: Role, run: u64) {
        let data = self.data(role);
        let missing =
            data.items(run).find(|item| !data.given.contains(item) && !data.reported.contains(item));
        assert_eq!(missing, None, "{role}: an item is lost");
    }

    /// Every item of this run was given to somebody.
    pub(super) fn check_all_given(&self, role: Role, run: u64) {
        let data = self.data(role);
        assert_eq!(data.items(run).find(|item| !data.given.contains(item)), None, "{role}: an item is lost");
    }

    pub(super) fn frames_given_to(&self, run: u64, receiver: u64) -> u64 {
        self.frames.get(&(run, receiver)).map_or(0, |(count, _)| *count)
    }

    pub(super) fn frames_given(&self) -> u64 {
        self.frames.values().map(|(count, _)| count).sum()
    }

    pub(super) fn encoded_given(&self) -> u64 {
        self.encoded
    }

    pub(super) fn data_given(&self) -> u64 {
        self.data.iter().map(|data| data.count).sum()
    }

    fn data(&self, role: Role) -> &Data {
        &self.data[usize::from(role == Role::Receiver)]
    }

    fn data_mut(&mut self, role: Role) -> &mut Data {
        &mut self.data[usize::from(role == Role::Receiver)]
    }
}

impl Data {
    fn accepted(&self, run: u64) -> u64 {
        self.accepted.get(&run).copied().unwrap_or(0)
    }

    /// All that this run had accepted.
    fn items(&self, run: u64) -> impl Iterator<Item = Item> {
        (0..self.accepted(run)).map(move |number| Item { run, number })
    }
}
