//! What the session's side and the server's side share.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use bytes::Bytes;
use netgear_media::proto::{Frame, Value};
use serde::Serialize;
use tokio::sync::{broadcast, watch};

use super::typed::Typed;
use crate::{Presence, statistics::Meter};

/// Which way data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// It came from the other end.
    Received,
    /// It goes to the other end, by the program's own doing.
    Sent,
    /// It goes to the other end, and somebody typed it on the page.
    Typed,
}

/// A picture for all who look.
#[derive(Debug, Clone)]
pub(super) struct Picture {
    /// Which of the frames shown it is, from 1.
    pub(super) number: u64,
    /// The number in 8 bytes, little-endian, and the JPEG.
    pub(super) message: Bytes,
}

/// An item of data, as the page has it.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Item {
    pub(super) direction: Direction,
    /// Which frame was the newest.
    pub(super) frame: u64,
    pub(super) text: String,
    /// The text is cut short.
    pub(super) cut: bool,
}

/// Between the handle, the encoder and the server.
pub(super) struct Shared {
    newest: Mutex<Newest>,
    /// The encoder waits here for a frame that somebody wants.
    pub(super) wanted: Condvar,
    pub(super) picture: watch::Sender<Option<Picture>>,
    pub(super) data: broadcast::Sender<Item>,
    typed: Mutex<VecDeque<Typed>>,
    pub(super) viewers: AtomicUsize,
}

pub(super) struct Newest {
    pub(super) frame: Option<Frame>,
    /// How many were shown.
    pub(super) number: u64,
    /// Somebody waits for a picture that is newer than the last one that was encoded.
    pub(super) is_wanted: bool,
    pub(super) is_over: bool,
    pub(super) meter: Meter,
    /// When the frame was shown.
    pub(super) shown_at: Option<Instant>,
    pub(super) presence: Presence,
}

impl Shared {
    /// Items of data that a viewer may be behind before it misses some.
    const DATA: usize = 64;
    /// Items that may have been typed and not been sent.
    pub(super) const TYPED: usize = 16;
    /// Bytes of an item's text.
    const TEXT: usize = 2048;

    pub(super) fn new() -> Self {
        Self {
            newest: Mutex::new(Newest {
                frame: None,
                number: 0,
                is_wanted: false,
                is_over: false,
                meter: Meter::default(),
                shown_at: None,
                presence: Presence::default(),
            }),
            wanted: Condvar::new(),
            picture: watch::Sender::new(None),
            data: broadcast::Sender::new(Self::DATA),
            typed: Mutex::new(VecDeque::new()),
            viewers: AtomicUsize::new(0),
        }
    }

    /// Held for a moment, and never while anything is waited for.
    pub(super) fn newest(&self) -> MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn typed(&self) -> MutexGuard<'_, VecDeque<Typed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn show(&self, frame: &Frame) {
        let mut newest = self.newest();
        let before = newest.frame.replace(frame.clone());
        newest.number += 1;
        let now = Instant::now();
        newest.meter.frame(frame, now);
        newest.shown_at = Some(now);
        let is_wanted = newest.is_wanted;
        drop(newest);
        if is_wanted {
            self.wanted.notify_one();
        }
        // Its memory may be given back, which nobody needs to wait for.
        drop(before);
    }

    pub(super) fn show_data(&self, direction: Direction, data: &Value) {
        if self.viewers.load(Ordering::Acquire) == 0 {
            return;
        }
        let (text, cut) = cut_short(data, Self::TEXT);
        // Nobody looks any more.
        let _ = self.data.send(Item { direction, frame: self.newest().number, text, cut });
    }

    /// Somebody wants a picture that is newer than this one. Gives the number from which on it is.
    pub(super) fn want(&self, last: u64) -> u64 {
        let mut newest = self.newest();
        newest.is_wanted = true;
        let from = newest.number.max(last + 1);
        drop(newest);
        self.wanted.notify_one();
        from
    }

    /// Data to send back, if there is room for it.
    pub(super) fn type_in(&self, data: Typed) -> bool {
        let mut typed = self.typed();
        let has_room = typed.len() < Self::TYPED;
        if has_room {
            typed.push_back(data);
        }
        has_room
    }

    pub(super) fn stop(&self) {
        self.newest().is_over = true;
        self.wanted.notify_one();
    }
}

/// The text of it, of so many bytes at most, and whether it was cut short.
pub(super) fn cut_short(what: impl fmt::Display, most: usize) -> (String, bool) {
    let mut cut = Cut { text: String::new(), most };
    let is_cut = write!(cut, "{what}").is_err();
    (cut.text, is_cut)
}

/// Text that takes no more than so many bytes, however long what is written to it.
struct Cut {
    text: String,
    most: usize,
}

impl fmt::Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.most - self.text.len();
        if text.len() <= room {
            self.text.push_str(text);
            return Ok(());
        }
        let end = (0..=room).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        self.text.push_str(&text[..end]);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_formatted_for_viewers_alone_and_cut_short() {
        let shared = Shared::new();
        let mut data = shared.data.subscribe();
        shared.show_data(Direction::Received, &Value::from("nobody looks"));
        shared.viewers.store(1, Ordering::Release);
        shared.show_data(Direction::Sent, &Value::from("ü".repeat(Shared::TEXT)));
        let item = data.try_recv().unwrap();
        assert_eq!((item.direction, item.cut), (Direction::Sent, true));
        assert!(item.text.len() <= Shared::TEXT && item.text.starts_with("\"üü"), "{}", item.text.len());
        shared.show_data(Direction::Received, &Value::from(1));
        let item = data.try_recv().unwrap();
        assert_eq!((item.text.as_str(), item.cut), ("1", false));
    }

    #[test]
    fn no_more_is_typed_than_there_is_room_for() {
        let shared = Shared::new();
        let (typist, _) = tokio::sync::mpsc::channel(1);
        let typed = |number: u64| Typed::new(Value::from(number), number, typist.clone());
        let taken = (0..100).filter(|number| shared.type_in(typed(*number))).count();
        assert_eq!(taken, Shared::TYPED);
        assert_eq!(shared.typed().pop_front().unwrap().value(), &Value::from(0));
        assert!(shared.type_in(typed(7)));
    }
}
