//! What somebody types on a page.

use std::fmt;

use netgear_media::proto::Value;
use tokio::sync::mpsc;

use super::shared::cut_short;

/// What somebody typed on the page to send back: text, or what JSON says.
///
/// The page says of it that it waits, until it is told by [`sent`](Self::sent) or [`refused`](Self::refused) what
/// became of it.
#[derive(Debug)]
#[must_use = "whoever typed it waits to hear what becomes of it"]
pub struct Typed {
    value: Value,
    /// The page's number of it.
    id: u64,
    typist: mpsc::Sender<Answer>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Sent { id: u64 },
    Refused { id: u64, why: String },
}

impl Typed {
    /// Bytes of a reason.
    const WHY: usize = 500;

    pub(super) fn new(value: Value, id: u64, typist: mpsc::Sender<Answer>) -> Self {
        Self { value, id, typist }
    }

    /// The data.
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// It is on its way to the other end.
    pub fn sent(self) {
        // The page may be gone.
        let _ = self.typist.try_send(Answer::Sent { id: self.id });
    }

    /// It cannot be sent, and why, which the page shows.
    pub fn refused(self, why: impl fmt::Display) {
        let (why, _) = cut_short(why, Self::WHY);
        let _ = self.typist.try_send(Answer::Refused { id: self.id, why });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_typed_hears_what_became_of_it() {
        let (typist, mut answers) = mpsc::channel(2);
        Typed::new(Value::Null, 1, typist.clone()).sent();
        Typed::new(Value::Null, 2, typist.clone()).refused("x".repeat(10_000));
        // Nobody hears any more: nothing waits.
        Typed::new(Value::Null, 3, typist.clone()).sent();
        assert_eq!(answers.try_recv(), Ok(Answer::Sent { id: 1 }));
        assert_eq!(answers.try_recv(), Ok(Answer::Refused { id: 2, why: "x".repeat(Typed::WHY) }));
        drop(answers);
        Typed::new(Value::Null, 4, typist).sent();
    }
}
