use std::collections::VecDeque;

use netgear_proto::Multipart;

use crate::wire::Wire;

/// What a direction of a connection carries.
#[derive(Debug)]
pub(crate) enum Carried {
    Message(Multipart),
    /// Some of the bytes that ZMTP makes of messages.
    Bytes(Vec<u8>),
    /// Nothing comes after this.
    Closed,
}

/// Who is at a side of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seat {
    /// The end of this index.
    End(usize),
    Liar,
}

/// One connection between two programs. Either learns by itself that it is there, and that it is gone.
#[derive(Debug)]
pub(crate) struct Connection {
    /// By the role of who is there.
    pub(crate) sides: [Side; 2],
    pub(crate) seats: [Seat; 2],
    /// Since when nothing arrives at either side any more, without a word to either.
    pub(crate) vanished_at: Option<u64>,
    /// One of the two is not the end that belongs there.
    pub(crate) has_guest: bool,
    /// The guest was heard.
    pub(crate) guest_was_heard: bool,
}

/// What one program sees of a connection.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// When this end learns of the connection; `None` once it has.
    pub(crate) opens_at: Option<u64>,
    /// It waits for the first message before it begins.
    pub(crate) waits: bool,
    pub(crate) is_open: bool,
    /// Its ZMTP heard what breaks the rules.
    pub(crate) is_failed: bool,
    /// It is gone for this end.
    pub(crate) is_closed: bool,
    /// What comes to this end, in order, each when it is due.
    pub(crate) coming: VecDeque<(u64, Carried)>,
    /// How many bytes those are.
    coming_bytes: usize,
    /// Nothing more can be put on the way to this end.
    is_cut: bool,
    /// This end's ZMTP, if the link carries bytes.
    pub(crate) wire: Option<Wire>,
}

/// A moment that never comes.
const NEVER: u64 = u64::MAX;

impl Side {
    pub(crate) fn new(opens_at: u64, waits: bool) -> Self {
        Self { opens_at: Some(opens_at), waits, ..Self::default() }
    }

    pub(crate) fn put(&mut self, due: u64, carried: Carried) {
        if self.is_cut {
            return;
        }
        self.is_cut = matches!(carried, Carried::Closed);
        let due = self.coming.back().map_or(due, |(last, _)| due.max(*last));
        self.coming_bytes += len(&carried);
        self.coming.push_back((due, carried));
    }

    pub(crate) fn take(&mut self) -> Option<Carried> {
        let (_, carried) = self.coming.pop_front()?;
        self.coming_bytes -= len(&carried);
        Some(carried)
    }

    /// How many bytes are on their way to this end.
    pub(crate) const fn coming_bytes(&self) -> usize {
        self.coming_bytes
    }

    /// Loses what is on its way, but for the first of it.
    pub(crate) fn cut(&mut self, rng: &mut fastrand::Rng, due: u64) {
        self.is_cut = false;
        self.coming.truncate(rng.usize(..=self.coming.len()));
        self.coming.retain(|(_, carried)| !matches!(carried, Carried::Closed));
        if let Some((_, Carried::Bytes(last))) = self.coming.back_mut() {
            last.truncate(rng.usize(..=last.len()));
        }
        self.coming_bytes = self.coming.iter().map(|(_, carried)| len(carried)).sum();
        self.put(due, Carried::Closed);
    }

    /// Delays what is on its way.
    pub(crate) fn stall(&mut self, pause: u64) {
        for (due, _) in &mut self.coming {
            *due = due.saturating_add(pause);
        }
    }

    /// Nothing arrives any more.
    pub(crate) fn vanish(&mut self) {
        self.put(NEVER, Carried::Bytes(Vec::new()));
        self.stall(NEVER);
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        if self.is_closed {
            return None;
        }
        let due = match self.opens_at {
            Some(due) => Some(due),
            None => self.coming.front().map(|(due, _)| *due),
        };
        due.filter(|due| *due != NEVER)
    }
}

fn len(carried: &Carried) -> usize {
    if let Carried::Bytes(bytes) = carried { bytes.len() } else { 0 }
}

impl Connection {
    pub(crate) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.is_closed)
    }

    /// Where this end sits, if it does.
    pub(crate) fn side_of(&self, who: usize) -> Option<usize> {
        self.seats.iter().position(|seat| *seat == Seat::End(who))
    }
}
