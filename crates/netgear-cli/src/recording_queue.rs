//! Frames that wait for the disk, bounded in bytes and in how old they grow.

use std::{
    collections::VecDeque,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use netgear::prelude::Frame;
use tokio::sync::Notify;

/// Between a session, which gives frames and need not wait, and a thread that writes them.
#[derive(Debug)]
pub(crate) struct RecordingQueue {
    state: Mutex<State>,
    /// There is a frame, or the end.
    filled: Condvar,
    /// There is room, or nobody writes any more.
    emptied: Notify,
    most_bytes: usize,
    most_age: Duration,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Waiting>,
    /// Of their pixels.
    bytes: usize,
    /// Whether the first frame is written. Until then an ffmpeg may be starting, which says nothing of how fast it
    /// is.
    has_begun: bool,
    /// No further frame is given.
    is_ended: bool,
    /// No further frame is written.
    is_closed: bool,
}

#[derive(Debug)]
struct Waiting {
    frame: Frame,
    time: Duration,
    since: Instant,
}

/// What became of a frame that was offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offered {
    Taken,
    /// There is no room for it.
    Full,
    /// Nobody writes any more.
    Closed,
}

impl RecordingQueue {
    /// What may wait, in bytes of pixels. A single frame may be larger.
    const MOST_BYTES: usize = 256 << 20;
    /// Where the first of those that wait is older, no other is taken: what waits is what a program that is killed
    /// loses. With the frame that is being written it is less than a second.
    const MOST_AGE: Duration = Duration::from_millis(750);

    pub(crate) fn new() -> Self {
        Self::bounded(Self::MOST_BYTES, Self::MOST_AGE)
    }

    fn bounded(most_bytes: usize, most_age: Duration) -> Self {
        let (state, filled, emptied) = Default::default();
        Self { state, filled, emptied, most_bytes, most_age }
    }

    /// Takes the frame, if there is room for it now. Until the first frame is written, those that wait may grow old:
    /// there would be gaps while an ffmpeg starts.
    pub(crate) fn offer(&self, frame: &Frame, time: Duration) -> Offered {
        self.take(frame, time, |state, age| !state.has_begun || age < self.most_age)
    }

    fn take(&self, frame: &Frame, time: Duration, is_fresh: impl Fn(&State, Duration) -> bool) -> Offered {
        let mut state = self.lock();
        let len = frame.pixels().len();
        let has_room = state.waiting.front().is_none_or(|first| {
            state.bytes.saturating_add(len) <= self.most_bytes && is_fresh(&state, first.since.elapsed())
        });
        if state.is_closed {
            return Offered::Closed;
        }
        if !has_room {
            return Offered::Full;
        }
        state.bytes += len;
        state.waiting.push_back(Waiting { frame: frame.clone(), time, since: Instant::now() });
        drop(state);
        self.filled.notify_one();
        Offered::Taken
    }

    /// Waits until there is room for the frame, and takes it. Whether anybody will write it.
    pub(crate) async fn put(&self, frame: &Frame, time: Duration) -> bool {
        loop {
            // What happens from here on is heard.
            let emptied = self.emptied.notified();
            match self.take(frame, time, |_, age| age < self.most_age) {
                Offered::Taken => return true,
                Offered::Closed => return false,
                Offered::Full => emptied.await,
            }
        }
    }

    /// Blocks until there is a frame, and gives it with its time; `None` after the last.
    pub(crate) fn next(&self) -> Option<(Frame, Duration)> {
        let mut state = self.lock();
        loop {
            if let Some(Waiting { frame, time, .. }) = state.waiting.pop_front() {
                state.bytes -= frame.pixels().len();
                drop(state);
                self.emptied.notify_one();
                return Some((frame, time));
            }
            if state.is_ended {
                return None;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// A frame is written: from now on those that wait are not to grow old.
    pub(crate) fn begin(&self) {
        self.lock().has_begun = true;
    }

    /// There are no further frames. What waits is still written.
    pub(crate) fn end(&self) {
        self.lock().is_ended = true;
        self.filled.notify_one();
    }

    /// Nobody writes any more, and what waits is let go.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        (state.waiting, state.bytes) = Default::default();
        drop(state);
        self.emptied.notify_one();
    }

    /// Nothing here panics while it has the lock.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    fn frame(bytes: u32) -> Frame {
        Frame::gray8(bytes, 1, vec![0; bytes as usize]).unwrap()
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn it_holds_so_many_bytes_or_one_frame() {
        let queue = RecordingQueue::bounded(100, LONG);
        assert_eq!(queue.offer(&frame(500), Duration::ZERO), Offered::Taken);
        assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Full);
        queue.next().unwrap();
        for number in 0..4 {
            assert_eq!(queue.offer(&frame(25), Duration::from_secs(number)), Offered::Taken);
        }
        assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Full);
        for number in 0..4 {
            assert_eq!(queue.next().unwrap().1, Duration::from_secs(number));
        }
        assert_eq!(queue.offer(&frame(100), Duration::ZERO), Offered::Taken);
    }

    #[test]
    fn what_waits_does_not_grow_old_once_the_first_is_written() {
        let queue = RecordingQueue::bounded(100, Duration::ZERO);
        for _ in 0..3 {
            assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Taken);
        }
        queue.next().unwrap();
        // Who waits for room may as well wait for the first to be written.
        assert_eq!(queue.take(&frame(1), Duration::ZERO, |_, age| age < queue.most_age), Offered::Full);
        queue.begin();
        assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Full);
        queue.next().unwrap();
        queue.next().unwrap();
        assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Taken);
    }

    #[test]
    fn what_waits_is_still_written_after_the_end() {
        let queue = RecordingQueue::new();
        queue.offer(&frame(1), Duration::ZERO);
        queue.end();
        assert!(queue.next().is_some());
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_frame_that_waits_for_room_gets_it_or_hears_that_there_will_be_none() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let queue = Arc::new(RecordingQueue::bounded(1, LONG));
        let other = Arc::clone(&queue);
        let writer = thread::spawn(move || {
            for _ in 0..50 {
                other.next().unwrap();
            }
            other.close();
        });
        let mut taken = 0;
        while runtime.block_on(queue.put(&frame(1), Duration::ZERO)) {
            taken += 1;
        }
        writer.join().unwrap();
        assert!(taken >= 50, "{taken}");
        assert_eq!(queue.offer(&frame(1), Duration::ZERO), Offered::Closed);
    }
}
