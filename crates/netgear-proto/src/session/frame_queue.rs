use alloc::collections::VecDeque;

use super::PeerViolation;
use crate::{
    EncodedFrame, Frame, Timestamp,
    native::{Resume, Room},
};

/// What becomes of a frame that cannot go out yet, because those before it are not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FramePolicy {
    /// One frame waits, and a newer one takes its place: for live pictures, which must be fresh. The default.
    #[default]
    Latest,
    /// One frame waits, and the next is handed back until it has gone: for files, of which every frame counts.
    Block,
    /// One frame waits, and newer ones are dropped until it has gone.
    DropNewest,
}

/// Frames that were dropped, by cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Drops {
    /// A newer one took their place ([`FramePolicy::Latest`]).
    pub replaced: u64,
    /// Another waited already ([`FramePolicy::DropNewest`]).
    pub refused: u64,
    /// They were on their way when the connection broke.
    pub connection: u64,
    /// The session ended before they had gone, or before it was known that they had arrived.
    pub closed: u64,
}

impl Drops {
    /// All of them.
    pub const fn total(&self) -> u64 {
        self.replaced + self.refused + self.connection + self.closed
    }
}

/// The sender's frames: those that wait, and those on their way. What the application offered is delivered, dropped
/// for a cause, or in here.
#[derive(Debug)]
pub(super) struct FrameQueue {
    policy: FramePolicy,
    /// How many are on their way at most, as this end was set up.
    window: usize,
    room_frames: usize,
    room_bytes: usize,
    offered: u64,
    delivered: u64,
    resent: u64,
    dropped: Drops,
    waiting: VecDeque<Waiting>,
    on_their_way: VecDeque<OnItsWay>,
    /// One more than the highest number that was ever sent.
    sent: u64,
    /// It ended before all were answered.
    is_cut_short: bool,
}

/// A frame that waits for its turn.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) sequence: u64,
    pub(super) frame: Frame,
    /// The same, for a peer that decodes it. It is smaller, so that what counts is the frame's own size.
    pub(super) encoded: Option<EncodedFrame>,
    pub(super) captured_at: Timestamp,
    /// The number of its own item of data.
    pub(super) item: Option<u64>,
    /// It was on its way before.
    again: bool,
}

/// A frame that is not answered.
#[derive(Debug)]
struct OnItsWay {
    sequence: u64,
    bytes: usize,
    captured_at: Timestamp,
    sent_at: Timestamp,
    /// It is known to have arrived.
    delivered: bool,
    /// What to send again if the connection breaks ([`FramePolicy::Block`]).
    kept: Option<Waiting>,
}

/// When a frame was captured, and when it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Departure {
    pub(super) captured_at: Timestamp,
    pub(super) sent_at: Timestamp,
}

impl FrameQueue {
    pub(super) fn new(policy: FramePolicy, window: usize) -> Self {
        Self {
            policy,
            window,
            room_frames: 0,
            room_bytes: 0,
            offered: 0,
            delivered: 0,
            resent: 0,
            dropped: Drops::default(),
            waiting: VecDeque::new(),
            on_their_way: VecDeque::new(),
            sent: 0,
            is_cut_short: false,
        }
    }

    /// As though so many frames were delivered already. None is there yet.
    pub(super) fn begin_at(&mut self, number: u64) {
        (self.offered, self.delivered, self.sent) = (number, number, number);
    }

    pub(super) fn offered(&self) -> u64 {
        self.offered
    }

    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) fn resent(&self) -> u64 {
        self.resent
    }

    pub(super) fn dropped(&self) -> Drops {
        self.dropped
    }

    /// How many wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// How many are on their way, and not known to have arrived.
    pub(super) fn undecided(&self) -> usize {
        self.on_their_way.iter().filter(|frame| !frame.delivered).count()
    }

    /// Whether none waits and every one that went out was answered.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.on_their_way.is_empty()
    }

    /// Whether it ended before every frame was answered.
    pub(super) fn is_cut_short(&self) -> bool {
        self.is_cut_short
    }

    /// The frame that is to be answered next.
    pub(super) fn unanswered(&self) -> Option<u64> {
        self.on_their_way.front().map(|frame| frame.sequence)
    }

    /// Whether a further frame would be handed back. `may_go` if the link would take what waits at once.
    pub(super) fn is_full(&self, may_go: bool) -> bool {
        self.policy == FramePolicy::Block && self.waiting.len() >= self.places(may_go)
    }

    /// Takes a frame, whose own item of data has this number.
    pub(super) fn offer(
        &mut self,
        frame: Frame,
        encoded: Option<EncodedFrame>,
        captured_at: Timestamp,
        item: Option<u64>,
        may_go: bool,
    ) {
        let sequence = self.offered;
        self.offered += 1;
        let is_full = self.waiting.len() >= self.places(may_go);
        if is_full && self.policy == FramePolicy::DropNewest {
            self.dropped.refused += 1;
            return;
        }
        self.waiting.push_back(Waiting { sequence, frame, encoded, captured_at, item, again: false });
        if is_full && self.policy == FramePolicy::Latest {
            self.waiting.pop_front();
            self.dropped.replaced += 1;
        }
    }

    /// Those that may wait: one, and as many as could go out before it.
    fn places(&self, may_go: bool) -> usize {
        let free = self.most().saturating_sub(self.on_their_way.len());
        1 + if may_go { free } else { 0 }
    }

    fn most(&self) -> usize {
        self.window.min(self.room_frames)
    }

    /// The frame that would go out next, whether or not it may.
    pub(super) fn next(&self) -> Option<&Waiting> {
        self.waiting.front()
    }

    /// Whether this item of data goes with a frame that waits.
    pub(super) fn owns(&self, item: u64) -> bool {
        self.waiting.iter().any(|frame| frame.item == Some(item))
    }

    /// Whether there is a next frame, and the peer has room for it.
    pub(super) fn may_send(&self) -> bool {
        let Some(next) = self.waiting.front() else { return false };
        let bytes: usize = self.on_their_way.iter().map(|frame| frame.bytes).sum();
        self.on_their_way.is_empty()
            || (self.on_their_way.len() < self.most()
                && bytes.saturating_add(next.frame.pixels().len()) <= self.room_bytes)
    }

    /// The next frame goes out.
    pub(super) fn mark_sent(&mut self, now: Timestamp) {
        let Some(frame) = self.waiting.pop_front() else { return };
        self.sent = self.sent.max(frame.sequence + 1);
        self.resent += u64::from(frame.again);
        self.on_their_way.push_back(OnItsWay {
            sequence: frame.sequence,
            bytes: frame.frame.pixels().len(),
            captured_at: frame.captured_at,
            sent_at: now,
            delivered: false,
            kept: (self.policy == FramePolicy::Block).then_some(Waiting { again: true, ..frame }),
        });
    }

    /// A frame goes out as it is offered, to a peer that is to answer it before the next.
    pub(super) fn offer_at_once(&mut self, captured_at: Timestamp) {
        self.is_cut_short = false;
        let sequence = self.offered;
        self.offered += 1;
        self.sent = self.offered;
        let (bytes, sent_at, delivered, kept) = (0, Timestamp::ZERO, false, None);
        self.on_their_way.push_back(OnItsWay { sequence, bytes, captured_at, sent_at, delivered, kept });
    }

    /// The connection is gone, and no other will tell what became of the frames that were on their way.
    pub(super) fn lose_what_is_on_its_way(&mut self) {
        self.is_cut_short = self.undecided() > 0;
        self.dropped.connection += self.undecided() as u64;
        self.on_their_way.clear();
    }

    /// Another connection is there: those that were lost with the one before are not waited for.
    pub(super) fn go_on(&mut self) {
        self.is_cut_short = false;
    }

    /// A frame is answered: those are in the order in which the frames went out. Gives its times, if it went out on
    /// this connection.
    pub(super) fn answered(&mut self, sequence: u64) -> Result<Option<Departure>, PeerViolation> {
        if self.unanswered() != Some(sequence) {
            return Err(PeerViolation::UnexpectedAnswer { found: sequence });
        }
        let Some(frame) = self.on_their_way.pop_front() else { return Ok(None) };
        self.delivered += u64::from(!frame.delivered);
        let OnItsWay { captured_at, sent_at, delivered, .. } = frame;
        Ok((!delivered).then_some(Departure { captured_at, sent_at }))
    }

    /// The peer says that all frames before this one have arrived that went out, and it is leaving.
    pub(super) fn arrived_before(&mut self, next_frame: u64) -> Result<(), PeerViolation> {
        if next_frame > self.sent {
            return Err(PeerViolation::FrameNeverSent { next_frame, sent: self.sent });
        }
        for frame in
            self.on_their_way.iter_mut().filter(|frame| frame.sequence < next_frame && !frame.delivered)
        {
            frame.delivered = true;
            frame.kept = None;
            self.delivered += 1;
        }
        Ok(())
    }

    /// A connection begins with a peer that has this room, and what it says it has already; `will_answer` if it is
    /// told that this end spoke with no other since. What was on its way and did not arrive is dropped, or waits
    /// again.
    pub(super) fn resume(
        &mut self,
        room: &Room,
        resume: Option<&Resume>,
        will_answer: bool,
    ) -> Result<(), PeerViolation> {
        let (next_frame, next_answer) =
            resume.map_or((0, 0), |resume| (resume.next_frame, resume.next_answer));
        if next_answer > next_frame {
            return Err(PeerViolation::FrameNeverSent { next_frame: next_answer, sent: next_frame });
        }
        let next_answer = if will_answer { next_answer } else { next_frame };
        self.arrived_before(next_frame)?;
        // A frame that waits again may have arrived when it first went out.
        let waiting = self.waiting.len();
        self.waiting.retain(|frame| frame.sequence >= next_frame);
        self.delivered += (waiting - self.waiting.len()) as u64;
        self.room_frames = usize::from(room.frames).max(1);
        self.room_bytes = usize::try_from(room.frame_bytes).unwrap_or(usize::MAX);
        // Nobody answers those that a former peer had, or that are answered.
        while let Some(frame) = self.on_their_way.pop_back() {
            match frame.kept {
                _ if frame.delivered && frame.sequence < next_frame && frame.sequence >= next_answer => {
                    self.on_their_way.push_back(frame);
                    break;
                }
                _ if frame.delivered => {}
                Some(kept) => self.waiting.push_front(kept),
                None => self.dropped.connection += 1,
            }
        }
        let answered = self.on_their_way.iter().take_while(|frame| frame.sequence < next_answer).count();
        self.on_their_way.drain(..answered);
        Ok(())
    }

    /// The connection is gone: only the newest may wait for the next, if the frames are to be fresh.
    pub(super) fn disconnected(&mut self) {
        while self.policy == FramePolicy::Latest && self.waiting.len() > 1 {
            self.waiting.pop_front();
            self.dropped.replaced += 1;
        }
    }

    /// Whatever has not arrived does so no more.
    pub(super) fn end(&mut self) {
        self.is_cut_short |= !self.is_idle();
        self.dropped.closed += (self.waiting.len() + self.undecided()) as u64;
        self.waiting.clear();
        self.on_their_way.clear();
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;
    use crate::native::{Acknowledgement, SessionId};

    const NOW: Timestamp = Timestamp::ZERO;
    const ROOM: Room = Room { frames: 9, frame_bytes: 25, items: 0, item_bytes: 0 };

    fn queue_of(policy: FramePolicy, window: usize) -> FrameQueue {
        let mut queue = FrameQueue::new(policy, window);
        queue.resume(&ROOM, None, true).unwrap();
        queue
    }

    fn offer(queue: &mut FrameQueue, bytes: usize) {
        queue.offer(Frame::gray8(bytes as u32, 1, vec![0; bytes]).unwrap(), None, NOW, None, true);
    }

    fn send(queue: &mut FrameQueue) -> Vec<u64> {
        let mut sent = Vec::new();
        while queue.may_send() {
            sent.extend(queue.next().map(|frame| frame.sequence));
            queue.mark_sent(NOW);
        }
        sent
    }

    fn assert_adds_up(queue: &FrameQueue) {
        let undecided = (queue.waiting() + queue.undecided()) as u64;
        assert_eq!(queue.offered(), queue.delivered() + queue.dropped().total() + undecided);
    }

    fn resume(next_frame: u64, next_answer: u64) -> Resume {
        Resume { peer: SessionId::ANONYMOUS, data: Acknowledgement::default(), next_frame, next_answer }
    }

    #[test]
    fn as_many_are_on_their_way_as_the_window_allows_and_one_waits() {
        for (policy, replaced, refused, next) in
            [(FramePolicy::Latest, 2, 0, 4), (FramePolicy::DropNewest, 0, 2, 2)]
        {
            let mut queue = queue_of(policy, 2);
            for _ in 0..5 {
                offer(&mut queue, 1);
                send(&mut queue);
                assert_adds_up(&queue);
            }
            assert_eq!((queue.waiting(), queue.undecided()), (1, 2));
            assert_eq!(queue.dropped(), Drops { replaced, refused, ..Drops::default() });
            queue.answered(0).unwrap();
            assert_eq!(send(&mut queue), [next]);
        }
        let mut queue = queue_of(FramePolicy::Block, 2);
        for _ in 0..3 {
            assert!(!queue.is_full(true));
            offer(&mut queue, 1);
        }
        assert!(queue.is_full(true));
        assert_eq!(send(&mut queue), [0, 1]);
        assert!(queue.is_full(true));
        queue.answered(0).unwrap();
        assert_eq!(send(&mut queue), [2]);
        assert!(!queue.is_full(true));
    }

    #[test]
    fn as_many_bytes_are_on_their_way_as_the_peer_has_room_for_but_one_frame_always_may() {
        let mut queue = queue_of(FramePolicy::Block, 9);
        for bytes in [10, 10, 10, 30] {
            offer(&mut queue, bytes);
        }
        assert_eq!(send(&mut queue), [0, 1]);
        queue.answered(0).unwrap();
        assert_eq!(send(&mut queue), [2]);
        queue.answered(1).unwrap();
        assert!(send(&mut queue).is_empty());
        queue.answered(2).unwrap();
        assert_eq!(send(&mut queue), [3]);
    }

    #[test]
    fn what_was_lost_with_a_connection_is_dropped_or_sent_again_and_never_what_arrived() {
        for (policy, again) in [(FramePolicy::Latest, false), (FramePolicy::Block, true)] {
            let mut queue = queue_of(policy, 4);
            for _ in 0..4 {
                offer(&mut queue, 1);
            }
            assert_eq!(send(&mut queue), [0, 1, 2, 3]);
            // 0 was answered, 1 and 2 arrived.
            queue.resume(&ROOM, Some(&resume(3, 1)), true).unwrap();
            assert_adds_up(&queue);
            assert_eq!(queue.unanswered(), Some(1));
            assert_eq!((queue.delivered(), queue.dropped().connection), (3, u64::from(!again)));
            assert_eq!(send(&mut queue), if again { vec![3] } else { vec![] });
            assert_eq!(queue.resent(), u64::from(again));
            // One that is told that this end spoke with another since answers none.
            let mut estranged = queue_of(policy, 4);
            for _ in 0..4 {
                offer(&mut estranged, 1);
            }
            send(&mut estranged);
            estranged.resume(&ROOM, Some(&resume(3, 1)), false).unwrap();
            assert_eq!((estranged.unanswered(), estranged.delivered()), (None, 3));
            assert_adds_up(&estranged);
            // A peer that knows nothing of it answers none of them, and gets 3 if nobody has.
            queue.resume(&ROOM, None, true).unwrap();
            assert_adds_up(&queue);
            assert_eq!((queue.delivered(), queue.unanswered()), (3, None));
            assert_eq!(send(&mut queue), if again { vec![3] } else { vec![] });
        }
    }

    #[test]
    fn a_peer_that_has_what_was_never_sent_is_found_out() {
        let mut queue = queue_of(FramePolicy::Block, 1);
        offer(&mut queue, 1);
        assert!(queue.resume(&ROOM, Some(&resume(1, 0)), true).is_err(), "it waits still");
        send(&mut queue);
        assert!(queue.resume(&ROOM, Some(&resume(2, 0)), true).is_err());
        assert!(queue.resume(&ROOM, Some(&resume(u64::MAX, 0)), true).is_err());
        assert!(queue.resume(&ROOM, Some(&resume(0, 1)), true).is_err());
        assert!(queue.answered(1).is_err());
        assert_eq!(queue.delivered(), 0);
    }

    #[test]
    fn numbers_go_on_past_those_of_32_bits() {
        let begin = u64::from(u32::MAX) - 1;
        let mut queue = queue_of(FramePolicy::Block, 3);
        queue.begin_at(begin);
        for _ in 0..4 {
            offer(&mut queue, 1);
        }
        assert_eq!(send(&mut queue), [begin, begin + 1, begin + 2]);
        queue.answered(begin).unwrap();
        queue.resume(&ROOM, Some(&resume(begin + 2, begin + 1)), true).unwrap();
        assert_eq!((queue.unanswered(), send(&mut queue)), (Some(begin + 1), vec![begin + 2, begin + 3]));
        assert!(queue.resume(&ROOM, Some(&resume(begin + 5, 0)), true).is_err());
        assert_adds_up(&queue);
    }

    #[test]
    fn what_is_left_at_the_end_is_dropped() {
        let mut queue = queue_of(FramePolicy::Block, 2);
        for _ in 0..3 {
            offer(&mut queue, 1);
        }
        send(&mut queue);
        queue.arrived_before(1).unwrap();
        queue.end();
        assert_eq!((queue.delivered(), queue.dropped().closed), (1, 2));
        assert_adds_up(&queue);
    }
}
