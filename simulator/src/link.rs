use std::collections::VecDeque;

use netgear_proto::Multipart;

/// What a direction of a connection carries.
#[derive(Debug)]
pub(crate) enum Carried {
    Message(Multipart),
    /// Nothing comes after this.
    Closed,
}

/// One connection between the two ends. Either learns by itself that it is there, and that it is gone.
#[derive(Debug, Default)]
pub(crate) struct Connection {
    pub(crate) sides: [Side; 2],
}

/// What one end sees of a connection.
#[derive(Debug, Default)]
pub(crate) struct Side {
    /// When this end learns of the connection; `None` once it has.
    pub(crate) opens_at: Option<u64>,
    /// It waits for the first message before it begins.
    pub(crate) waits: bool,
    pub(crate) is_open: bool,
    /// It is gone for this end.
    pub(crate) is_closed: bool,
    /// What comes to this end, in order, each when it is due.
    pub(crate) coming: VecDeque<(u64, Carried)>,
    /// Nothing more can be put on the way to this end.
    pub(crate) is_cut: bool,
}

impl Side {
    pub(crate) fn put(&mut self, due: u64, carried: Carried) {
        if self.is_cut {
            return;
        }
        self.is_cut = matches!(carried, Carried::Closed);
        let due = self.coming.back().map_or(due, |(last, _)| due.max(*last));
        self.coming.push_back((due, carried));
    }

    /// Loses what is on its way behind the first few.
    pub(crate) fn cut(&mut self, keep: usize, due: u64) {
        self.is_cut = false;
        self.coming.truncate(keep);
        self.coming.retain(|(_, carried)| matches!(carried, Carried::Message(_)));
        self.put(due, Carried::Closed);
    }

    pub(crate) fn next_due(&self) -> Option<u64> {
        if self.is_closed {
            return None;
        }
        match self.opens_at {
            Some(due) => Some(due),
            None => self.coming.front().map(|(due, _)| *due),
        }
    }
}

impl Connection {
    pub(crate) fn is_over(&self) -> bool {
        self.sides.iter().all(|side| side.is_closed)
    }
}
