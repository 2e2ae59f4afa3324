//! What was sent, delivered and reported lost, held against what is promised.

use std::collections::{BTreeMap, BTreeSet};

use netgear_proto::Value;

/// Names an item of data: the run of the program that sent it, and the how manieth of its items it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ItemName {
    pub(crate) run: u64,
    pub(crate) number: u64,
}

impl ItemName {
    /// The item, with so many bytes more.
    pub(crate) fn value(self, padding: usize) -> Value {
        let padding: String = std::iter::repeat_n('x', padding).collect();
        Value::List(vec![self.run.into(), self.number.into(), padding.as_str().into()])
    }

    pub(crate) fn of(value: &Value) -> Option<Self> {
        let Value::List(parts) = value else { return None };
        let [run, number, _] = &parts[..] else { return None };
        Some(Self { run: run.as_u64()?, number: number.as_u64()? })
    }
}

/// One direction's data.
#[derive(Debug, Default)]
pub(crate) struct Data {
    /// How many items each run of the sending program had accepted.
    pub(crate) accepted: BTreeMap<u64, u64>,
    /// What each receiving lineage was given of each run: the first, and the one after the last.
    given: BTreeMap<(u64, u64), (u64, u64)>,
    /// The one after the last that any lineage was given of each run.
    given_to_any: BTreeMap<u64, u64>,
    undelivered: BTreeSet<ItemName>,
}

impl Data {
    pub(crate) fn accept(&mut self, run: u64) -> ItemName {
        let count = self.accepted.entry(run).or_default();
        *count += 1;
        ItemName { run, number: *count - 1 }
    }

    /// What was accepted last was handed back.
    pub(crate) fn take_back(&mut self, run: u64) {
        *self.accepted.entry(run).or_default() -= 1;
    }

    /// An application was given an item. Its lineage is all runs that go on where the one before was.
    pub(crate) fn give(&mut self, lineage: u64, value: &Value) -> Result<(), String> {
        let item = ItemName::of(value).ok_or_else(|| format!("altered: {value:?}"))?;
        let ItemName { run, number } = item;
        if number >= self.accepted.get(&run).copied().unwrap_or(0) {
            return Err(format!("{item:?} was never sent"));
        }
        let any = self.given_to_any.entry(run).or_default();
        match self.given.get_mut(&(run, lineage)) {
            Some((_, next)) if *next == number => *next += 1,
            Some((_, next)) => return Err(format!("{item:?} came where {next} was due, lineage {lineage}")),
            // A new lineage may get again what a former one was given but not known to be done with.
            None if number > *any => {
                return Err(format!(
                    "{item:?} is the first of lineage {lineage}, and nobody was given {any}"
                ));
            }
            None => drop(self.given.insert((run, lineage), (number, number + 1))),
        }
        *any = (*any).max(number + 1);
        Ok(())
    }

    pub(crate) fn report(&mut self, value: &Value) -> Result<(), String> {
        let item = ItemName::of(value).ok_or_else(|| format!("altered: {value:?}"))?;
        if self.undelivered.insert(item) { Ok(()) } else { Err(format!("{item:?} was reported twice")) }
    }

    /// Every item of this run was given to somebody or reported.
    pub(crate) fn check_all_accounted_for(&self, run: u64) -> Result<(), String> {
        let given = self.given_to_any.get(&run).copied().unwrap_or(0);
        for number in given..self.accepted.get(&run).copied().unwrap_or(0) {
            if !self.undelivered.contains(&ItemName { run, number }) {
                return Err(format!("item {number} of run {run} is lost; {given} were given"));
            }
        }
        Ok(())
    }

    pub(crate) fn accepted_by(&self, run: u64) -> u64 {
        self.accepted.get(&run).copied().unwrap_or(0)
    }

    pub(crate) fn given_of(&self, run: u64) -> u64 {
        self.given_to_any.get(&run).copied().unwrap_or(0)
    }

    pub(crate) fn count(&self) -> u64 {
        self.given.values().map(|(first, next)| next - first).sum()
    }
}

/// The frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// How many each run of the sender was offered, and which item went with which.
    pub(crate) offered: BTreeMap<u64, Vec<(u64, Option<ItemName>)>>,
    /// What each run of the receiver was given of each run of the sender.
    given: BTreeMap<(u64, u64), Vec<u64>>,
}

impl Frames {
    pub(crate) fn offer(&mut self, run: u64, captured_at: u64, item: Option<ItemName>) {
        self.offered.entry(run).or_default().push((captured_at, item));
    }

    pub(crate) fn offered_by(&self, run: u64) -> u64 {
        self.offered.get(&run).map_or(0, Vec::len) as u64
    }

    /// A receiver was given a frame. Gives when it was captured.
    pub(crate) fn give(
        &mut self,
        run: u64,
        receiver: u64,
        sequence: u64,
        item: Option<ItemName>,
    ) -> Result<u64, String> {
        let offered = self.offered.get(&run).and_then(|frames| frames.get(sequence as usize));
        let (captured_at, expected) =
            *offered.ok_or_else(|| format!("frame {sequence} was never offered"))?;
        // Its item may have come to a former receiver, but never to this one without it.
        if item.is_some() && item != expected {
            return Err(format!("frame {sequence} came with {item:?}, not with {expected:?}"));
        }
        let given = self.given.entry((run, receiver)).or_default();
        if given.last().is_some_and(|last| *last >= sequence) {
            return Err(format!("frame {sequence} came after {given:?}"));
        }
        given.push(sequence);
        Ok(captured_at)
    }

    pub(crate) fn given(&self, run: u64, receiver: u64) -> &[u64] {
        self.given.get(&(run, receiver)).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn count(&self) -> u64 {
        self.given.values().map(|frames| frames.len() as u64).sum()
    }
}
