//! The two ledgers, held against what is promised.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ledger::Record;
use crate::picture::Name;

/// What the two ledgers come to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(super) struct Verdict {
    /// Frames that either receiver was given, whole and in order.
    pub(super) frames: u64,
    /// Data that the surviving end had accepted.
    pub(super) accepted: u64,
    /// Of that, what the killed end recorded as taken.
    pub(super) taken: u64,
    /// Of that, what was reported as undelivered.
    pub(super) undelivered: u64,
    /// What is neither.
    pub(super) lost: u64,
    /// What came again that was recorded as taken.
    pub(super) again: u64,
    /// What came before something older.
    pub(super) out_of_order: u64,
    /// Data that the killed end had accepted and the surviving one took.
    pub(super) taken_by_survivor: u64,
    /// Partial frames.
    pub(super) partial: u64,
    /// What was wrong besides: in words.
    pub(super) wrong: Vec<String>,
}

impl Verdict {
    /// Of the end that was killed, and the one that survived.
    pub(super) fn of(killed: &[Record], survivor: &[Record]) -> Self {
        let mut verdict = Self::default();
        verdict.of_what_survived(killed, survivor);
        verdict.of_what_was_killed(killed, survivor);
        for record in killed.iter().chain(survivor) {
            match record {
                Record::Taken { frame: Some(_), .. } => verdict.frames += 1,
                Record::Broken(what) if what.contains("partial") => verdict.partial += 1,
                Record::Broken(what) => verdict.wrong.push(what.clone()),
                _ => {}
            }
        }
        verdict
    }

    /// Whether all is as promised.
    pub(super) fn holds(&self) -> bool {
        let Self { lost, again, out_of_order, partial, .. } = *self;
        [lost, again, out_of_order, partial] == [0; 4] && self.wrong.is_empty()
    }

    /// The data of the end that lived on: exactly once and in order over all runs of the other, or reported.
    fn of_what_survived(&mut self, killed: &[Record], survivor: &[Record]) {
        let mut ends: BTreeMap<Name, u32> = BTreeMap::new();
        for record in survivor {
            if let Record::Accepted(name) = record {
                self.accepted += 1;
                ends.insert(*name, 0);
            }
        }
        let mut last = None;
        for name in taken(killed) {
            let Some(times) = ends.get_mut(&name) else {
                self.wrong.push(format!("{name:?} was never accepted"));
                continue;
            };
            *times += 1;
            self.taken += u64::from(*times == 1);
            self.again += u64::from(*times > 1);
            self.out_of_order += u64::from(last > Some(name));
            last = last.max(Some(name));
        }
        for name in undelivered(survivor) {
            self.undelivered += 1;
            match ends.get_mut(&name) {
                Some(times) => *times += 1,
                None => self.wrong.push(format!("{name:?} was reported, and never accepted")),
            }
        }
        self.lost = ends.values().filter(|times| **times == 0).count() as u64;
    }

    /// The data of the end that was killed: of each run a beginning without a gap, and none of an older run behind a
    /// newer one.
    fn of_what_was_killed(&mut self, killed: &[Record], survivor: &[Record]) {
        let mut accepted: BTreeMap<u64, u64> = BTreeMap::new();
        for record in killed {
            if let Record::Accepted(name) = record {
                *accepted.entry(name.run).or_default() += 1;
            }
        }
        let mut last: Option<Name> = None;
        for name in taken(survivor) {
            self.taken_by_survivor += 1;
            let is_next = match last {
                Some(last) if last.run == name.run => name.number == last.number + 1,
                Some(last) => last.run < name.run && name.number == 0,
                None => name.number == 0,
            };
            if !is_next {
                self.wrong.push(format!("the survivor took {name:?} behind {last:?}"));
            }
            // It may have been killed before it recorded the last.
            if name.number > accepted.get(&name.run).copied().unwrap_or(0) {
                self.wrong.push(format!("the survivor took {name:?}, which was never accepted"));
            }
            last = Some(name);
        }
    }
}

fn taken(records: &[Record]) -> impl Iterator<Item = Name> {
    records.iter().flat_map(|record| match record {
        Record::Taken { items, .. } => items.clone(),
        _ => Vec::new(),
    })
}

fn undelivered(records: &[Record]) -> impl Iterator<Item = Name> {
    records.iter().flat_map(|record| match record {
        Record::Undelivered(names) => names.clone(),
        _ => Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(run: u64, number: u64) -> Name {
        Name { run, number }
    }

    fn accepted(names: &[(u64, u64)]) -> Vec<Record> {
        names.iter().map(|&(run, number)| Record::Accepted(name(run, number))).collect()
    }

    fn took(names: &[(u64, u64)]) -> Record {
        let items = names.iter().map(|&(run, number)| name(run, number)).collect();
        Record::Taken { frame: None, items, token: None }
    }

    #[test]
    fn everything_taken_once_or_reported_is_as_promised() {
        let mut survivor = accepted(&[(0, 0), (0, 1), (0, 2), (0, 3)]);
        survivor.push(Record::Undelivered(vec![name(0, 3)]));
        let verdict = Verdict::of(&[took(&[(0, 0), (0, 1)]), took(&[(0, 2)])], &survivor);
        assert!(verdict.holds(), "{verdict:?}");
        assert_eq!((verdict.accepted, verdict.taken, verdict.undelivered), (4, 3, 1));
    }

    #[test]
    fn what_is_lost_comes_again_or_too_late_is_found() {
        let survivor = accepted(&[(0, 0), (0, 1), (0, 2)]);
        let of = |items: &[(u64, u64)]| {
            let Verdict { lost, again, out_of_order, .. } = Verdict::of(&[took(items)], &survivor);
            (lost, again, out_of_order)
        };
        assert_eq!(of(&[(0, 0), (0, 1)]), (1, 0, 0));
        assert_eq!(of(&[(0, 0), (0, 1), (0, 1), (0, 2)]), (0, 1, 0));
        assert_eq!(of(&[(0, 0), (0, 2), (0, 1)]), (0, 0, 1));
        assert!(!Verdict::of(&[took(&[(0, 0), (0, 1), (0, 2), (0, 3)])], &survivor).holds());
    }

    #[test]
    fn a_gap_in_what_the_survivor_took_of_a_run_is_found() {
        let killed = accepted(&[(1, 0), (1, 1), (1, 2), (2, 0)]);
        let holds = |items: &[(u64, u64)]| Verdict::of(&killed, &[took(items)]).holds();
        assert!(holds(&[(1, 0), (1, 1), (2, 0), (2, 1)]), "the last may not be recorded");
        for wrong in
            [&[(1, 0), (1, 2)][..], &[(1, 1)], &[(2, 0), (1, 0)], &[(1, 0), (2, 1)], &[(1, 0), (1, 0)]]
        {
            assert!(!holds(wrong), "{wrong:?}");
        }
        assert!(!holds(&[(2, 0), (2, 1), (2, 2)]));
    }

    #[test]
    fn a_partial_frame_counts() {
        let verdict = Verdict::of(&[Record::Broken("a partial frame".into())], &[]);
        assert_eq!((verdict.partial, verdict.holds()), (1, false));
    }
}
