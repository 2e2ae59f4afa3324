//! What was sent, delivered and reported lost, held against what is promised. It keeps numbers, and does not grow
//! with what crosses.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use netgear_proto::Value;

/// The run of the program that sent what a liar did.
pub(crate) const LIAR: u64 = u64::MAX;

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
        let [run, number, Value::Str(padding)] = &parts[..] else { return None };
        let is_whole = padding.bytes().all(|byte| byte == b'x');
        is_whole.then_some(Self { run: run.as_u64()?, number: number.as_u64()? })
    }
}

/// The books, which all runs share.
#[derive(Debug, Default)]
pub(crate) struct Books {
    pub(crate) frames: Frames,
    /// By the role that sends.
    pub(crate) data: [Data; 2],
    /// Bits were turned over: nothing is claimed for now of what is delivered.
    pub(crate) forgives: bool,
    /// What is said of clocks may be a lie.
    pub(crate) clocks_lie: bool,
    /// How many runs of programs there were.
    pub(crate) runs: u64,
}

impl Books {
    /// What a check came to, where it counts.
    pub(crate) fn judge(&self, found: Result<(), String>) -> Result<(), String> {
        if self.forgives { Ok(()) } else { found }
    }

    /// An end spoke with another than it did before: each stream may go on elsewhere so many times more.
    pub(crate) fn estrange(&mut self, breaks: u32) {
        self.frames.breaks += breaks;
        for data in &mut self.data {
            data.breaks += breaks;
        }
    }

    /// A liar may have claimed all that was accepted until now.
    pub(crate) fn give_up_what_was_accepted(&mut self) {
        for data in &mut self.data {
            data.claimed = data.accepted.clone();
        }
    }

    /// All that was accepted until now is done with, whatever became of it.
    pub(crate) fn start_over(&mut self) {
        self.forgives = false;
        for data in &mut self.data {
            data.given_to_any = data.accepted.clone();
            data.claimed = data.accepted.clone();
            for ((run, _), given) in &mut data.given {
                given.next = data.accepted.get(run).copied().unwrap_or(0);
                given.breaks = data.breaks;
            }
        }
        let frames = &mut self.frames;
        for ((run, _), given) in &mut frames.given {
            given.next = frames.offered.get(run).map_or(0, History::end);
            given.breaks = frames.breaks;
        }
    }
}

/// One direction's data.
#[derive(Debug, Default)]
pub(crate) struct Data {
    /// How many items each run of the sending program had accepted.
    accepted: BTreeMap<u64, u64>,
    /// What each receiving lineage was given of each run.
    given: BTreeMap<(u64, u64), Given>,
    /// The one after the last that any lineage was given of each run.
    given_to_any: BTreeMap<u64, u64>,
    undelivered: BTreeSet<ItemName>,
    /// Those before it a liar may have, of each run.
    claimed: BTreeMap<u64, u64>,
    /// How often a stream may have gone on elsewhere.
    breaks: u32,
    /// Every item that was given, where none is sent again and the peer numbers nothing.
    pub(crate) unnumbered: Option<BTreeSet<ItemName>>,
}

/// A stream of items or frames.
#[derive(Debug, Clone, Copy, Default)]
struct Given {
    /// What may come next.
    next: u64,
    count: u64,
    /// How often it went on elsewhere.
    breaks: u32,
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
        if run == LIAR {
            return Ok(());
        }
        if number >= self.accepted_by(run) {
            return Err(format!("{item:?} was never sent"));
        }
        let claimed = self.claimed.get(&run).copied().unwrap_or(0);
        let any = self.given_to_any.entry(run).or_default();
        let is_first = !self.given.contains_key(&(run, lineage));
        let given = self.given.entry((run, lineage)).or_default();
        if let Some(seen) = &mut self.unnumbered {
            seen.insert(item);
            if number < given.next {
                return Err(format!("{item:?} came where {} was due, lineage {lineage}", given.next));
            }
        } else if is_first {
            // A new lineage may get again what a former one was given but not known to be done with.
            if number > (*any).max(claimed) {
                return Err(format!(
                    "{item:?} is the first of lineage {lineage}, and nobody was given {any}"
                ));
            }
        } else if number != given.next {
            if given.breaks >= self.breaks || number > (*any).max(claimed) {
                return Err(format!("{item:?} came where {} was due, lineage {lineage}", given.next));
            }
            given.breaks += 1;
        }
        given.next = number + 1;
        given.count += 1;
        *any = (*any).max(number + 1);
        Ok(())
    }

    pub(crate) fn report(&mut self, value: &Value) -> Result<(), String> {
        let item = ItemName::of(value).ok_or_else(|| format!("altered: {value:?}"))?;
        if self.undelivered.insert(item) { Ok(()) } else { Err(format!("{item:?} was reported twice")) }
    }

    /// Every item of this run was given to somebody or reported.
    pub(crate) fn check_all_accounted_for(&self, run: u64) -> Result<(), String> {
        let claimed = self.claimed.get(&run).copied().unwrap_or(0);
        let begins = if self.unnumbered.is_some() { claimed } else { self.given_of(run) };
        let was_seen =
            |item: &ItemName| self.unnumbered.as_ref().is_some_and(|unnumbered| unnumbered.contains(item));
        for number in begins..self.accepted_by(run) {
            let item = ItemName { run, number };
            if !self.undelivered.contains(&item) && !was_seen(&item) {
                return Err(format!("item {number} of run {run} is lost; {begins} were given"));
            }
        }
        Ok(())
    }

    pub(crate) fn accepted_by(&self, run: u64) -> u64 {
        self.accepted.get(&run).copied().unwrap_or(0)
    }

    /// How many of a run somebody was given, or a liar may have.
    pub(crate) fn given_of(&self, run: u64) -> u64 {
        let claimed = self.claimed.get(&run).copied().unwrap_or(0);
        self.given_to_any.get(&run).copied().unwrap_or(0).max(claimed)
    }

    pub(crate) fn count(&self) -> u64 {
        self.given.values().map(|given| given.count).sum()
    }
}

/// The frames.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// What each run of the sender was offered.
    offered: BTreeMap<u64, History>,
    /// What each run of the receiver was given of each run of the sender.
    given: BTreeMap<(u64, u64), Given>,
    breaks: u32,
}

/// The last frames that a sender was offered: when each was captured, and which item went with it.
#[derive(Debug, Default)]
struct History {
    first: u64,
    last: VecDeque<(u64, Option<ItemName>)>,
}

impl History {
    /// More than are offered while one waits anywhere.
    const MOST: usize = 1024;

    fn end(&self) -> u64 {
        self.first + self.last.len() as u64
    }

    fn push(&mut self, captured_at: u64, item: Option<ItemName>) {
        if self.last.len() == Self::MOST {
            self.last.pop_front();
            self.first += 1;
        }
        self.last.push_back((captured_at, item));
    }

    fn get(&self, number: u64) -> Option<(u64, Option<ItemName>)> {
        self.last.get(usize::try_from(number.checked_sub(self.first)?).ok()?).copied()
    }
}

impl Frames {
    /// More runs than those whose frames wait anywhere.
    const MOST_RUNS: usize = 16;

    pub(crate) fn offer(&mut self, run: u64, captured_at: u64, item: Option<ItemName>) {
        self.offered.entry(run).or_default().push(captured_at, item);
        if self.offered.len() > Self::MOST_RUNS {
            self.offered.pop_first();
        }
    }

    pub(crate) fn offered_by(&self, run: u64) -> u64 {
        self.offered.get(&run).map_or(0, History::end)
    }

    /// A receiver was given a frame. Gives when it was captured, and what went with it.
    pub(crate) fn give(
        &mut self,
        run: u64,
        receiver: u64,
        sequence: u64,
    ) -> Result<(u64, Option<ItemName>), String> {
        let offered = self.offered.get(&run).and_then(|frames| frames.get(sequence));
        let expected = offered.ok_or_else(|| format!("frame {sequence} was never offered"))?;
        let given = self.given.entry((run, receiver)).or_default();
        if sequence < given.next {
            if given.breaks >= self.breaks {
                return Err(format!("frame {sequence} came where {} was due", given.next));
            }
            given.breaks += 1;
        }
        given.next = sequence + 1;
        given.count += 1;
        Ok(expected)
    }

    /// How many a run of the receiver was given of a run of the sender.
    pub(crate) fn given(&self, run: u64, receiver: u64) -> u64 {
        self.given.get(&(run, receiver)).map_or(0, |given| given.count)
    }

    pub(crate) fn count(&self) -> u64 {
        self.given.values().map(|given| given.count).sum()
    }
}
