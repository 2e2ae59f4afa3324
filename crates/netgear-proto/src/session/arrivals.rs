use alloc::collections::VecDeque;

use super::{Delivery, PeerViolation, inbox::Entry};
use crate::{EncodedFrame, Timestamp, WireFrame};

/// The receiver's frames: those that have arrived, and those that the sender still waits for an answer to.
#[derive(Debug)]
pub(super) struct Arrivals {
    window: usize,
    most_bytes: usize,
    /// One more than the number of the last that arrived.
    next_frame: u64,
    /// One more than the number of the last that was answered.
    next_answer: u64,
    queue: VecDeque<Arrived>,
    /// The frames of this peer that are not answered, oldest first. The first of them are due for it.
    unanswered: VecDeque<Unanswered>,
    due: usize,
    /// The application has a frame that it has not replied to, and where its answer stands: `None` if the peer that
    /// sent it is gone.
    in_hand: Option<Option<u64>>,
    /// Tells the frames of this peer from those of former ones.
    era: u64,
}

/// A frame that has arrived.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) delivery: Delivery<WireFrame>,
    /// Its own item of data.
    pub(super) own: Option<Entry>,
    /// How many items had arrived before it.
    pub(super) items_before: u64,
    era: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Unanswered {
    pub(super) sequence: u64,
    pub(super) arrived_at: Timestamp,
    bytes: usize,
}

impl Arrivals {
    pub(super) fn new(window: usize, most_bytes: usize) -> Self {
        Self {
            window,
            most_bytes,
            next_frame: 0,
            next_answer: 0,
            queue: VecDeque::new(),
            unanswered: VecDeque::new(),
            due: 0,
            in_hand: None,
            era: 0,
        }
    }

    /// One more than the number of the last that arrived.
    pub(super) fn next_frame(&self) -> u64 {
        self.next_frame
    }

    /// The first of this peer's that the application has not taken: it gets none of those behind when it leaves.
    pub(super) fn next_to_take(&self) -> u64 {
        self.queue
            .iter()
            .find(|arrived| arrived.era == self.era)
            .map_or(self.next_frame, |arrived| arrived.delivery.sequence)
    }

    /// One more than the number of the last that was answered.
    pub(super) fn next_answer(&self) -> u64 {
        self.next_answer
    }

    /// How many the application has not taken.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// What the next delivery would come after.
    pub(super) fn items_before_next(&self) -> Option<u64> {
        self.queue.front().map(|arrived| arrived.items_before)
    }

    /// Whether a peer would find no room that waits for none of the answers to what came before (or for those that
    /// are not forgotten, if it is not `another`), because the application does not take it.
    pub(super) fn is_clogged(&self, another: bool) -> bool {
        let forgotten = self.queue.iter().filter(|arrived| another || !self.has_to_answer(arrived)).count();
        forgotten > self.window
    }

    fn has_to_answer(&self, arrived: &Arrived) -> bool {
        let sequence = arrived.delivery.sequence;
        arrived.era == self.era && self.unanswered.iter().any(|frame| frame.sequence == sequence)
    }

    /// Another peer begins.
    pub(super) fn start_over(&mut self) {
        self.era += 1;
        (self.next_frame, self.next_answer, self.due) = (0, 0, 0);
        self.unanswered.clear();
        if let Some(answer) = &mut self.in_hand {
            *answer = None;
        }
    }

    /// Whether a frame with this number and so many bytes may come.
    pub(super) fn check(&self, sequence: u64, bytes: usize) -> Result<(), PeerViolation> {
        if sequence < self.next_frame {
            return Err(PeerViolation::Sequence { expected: self.next_frame, found: sequence });
        }
        if sequence == u64::MAX {
            return Err(PeerViolation::NumbersExhausted);
        }
        let held: usize = self.unanswered.iter().map(|frame| frame.bytes).sum();
        let is_over = self.unanswered.len() >= self.window || held.saturating_add(bytes) > self.most_bytes;
        if !self.unanswered.is_empty() && is_over {
            return Err(PeerViolation::FrameOutOfTurn { found: sequence });
        }
        Ok(())
    }

    /// Takes a frame that was checked.
    pub(super) fn arrive(&mut self, delivery: Delivery<WireFrame>, own: Option<Entry>, items_before: u64) {
        let sequence = delivery.sequence;
        let bytes = delivery.frame.counted_bytes();
        self.next_frame = sequence + 1;
        self.unanswered.push_back(Unanswered { sequence, arrived_at: delivery.received_at, bytes });
        self.queue.push_back(Arrived { delivery, own, items_before, era: self.era });
    }

    /// The next frame, if it is encoded.
    pub(super) fn next_encoded(&self) -> Option<&EncodedFrame> {
        match &self.queue.front()?.delivery.frame {
            WireFrame::Encoded(frame) => Some(frame),
            WireFrame::Raw(_) => None,
        }
    }

    /// Hands out the next frame. The one before must be done with.
    pub(super) fn take(&mut self) -> Option<Arrived> {
        let arrived = self.queue.pop_front()?;
        self.in_hand = Some(self.has_to_answer(&arrived).then_some(arrived.delivery.sequence));
        Some(arrived)
    }

    /// Whether the application has a frame that it has not replied to.
    pub(super) fn is_in_hand(&self) -> bool {
        self.in_hand.is_some()
    }

    /// Whether the peer still waits for the answer to the frame that the application has.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.in_hand, Some(Some(_)))
    }

    /// Whether the peer waits for any answer.
    pub(super) fn has_unanswered(&self) -> bool {
        !self.unanswered.is_empty()
    }

    /// The application is done with the frame that it has, so that its answer is due.
    pub(super) fn done(&mut self) {
        if let Some(Some(sequence)) = self.in_hand.take()
            && self.unanswered.get(self.due).is_some_and(|frame| frame.sequence == sequence)
        {
            self.due += 1;
        }
    }

    /// The answer that is due next.
    pub(super) fn due(&self) -> Option<Unanswered> {
        if self.due > 0 { self.unanswered.front().copied() } else { None }
    }

    /// The answer that is due next goes out.
    pub(super) fn mark_answered(&mut self) {
        if let Some(frame) = self.due().and_then(|_| self.unanswered.pop_front()) {
            self.due -= 1;
            self.next_answer = frame.sequence + 1;
        }
    }

    /// The peer waits for the answers to none of the frames that came until now.
    pub(super) fn forget_unanswered(&mut self) {
        self.due = 0;
        self.unanswered.clear();
        self.next_answer = self.next_frame;
        if let Some(answer) = &mut self.in_hand {
            *answer = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::Frame;

    fn arrive(arrivals: &mut Arrivals, sequence: u64) -> Result<(), PeerViolation> {
        let frame = Frame::gray8(10, 1, vec![0; 10]).unwrap();
        arrivals.check(sequence, 10)?;
        arrivals.arrive(Delivery::new(frame.into(), sequence, Timestamp::ZERO), None, 0);
        Ok(())
    }

    fn take(arrivals: &mut Arrivals) -> Option<u64> {
        arrivals.done();
        arrivals.take().map(|arrived| arrived.delivery.sequence)
    }

    fn answers(arrivals: &mut Arrivals) -> vec::Vec<u64> {
        let mut answers = vec![];
        while let Some(frame) = arrivals.due() {
            answers.push(frame.sequence);
            arrivals.mark_answered();
        }
        answers
    }

    #[test]
    fn frames_are_answered_in_order_as_the_application_is_done_with_them() {
        let mut arrivals = Arrivals::new(3, 100);
        for sequence in [0, 3, 4] {
            arrive(&mut arrivals, sequence).unwrap();
        }
        assert_eq!(arrive(&mut arrivals, 5), Err(PeerViolation::FrameOutOfTurn { found: 5 }));
        assert_eq!(take(&mut arrivals), Some(0));
        assert!(answers(&mut arrivals).is_empty());
        assert_eq!(take(&mut arrivals), Some(3));
        assert_eq!(take(&mut arrivals), Some(4));
        assert_eq!(answers(&mut arrivals), [0, 3]);
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (None, vec![4]));
        assert_eq!((arrivals.next_frame(), arrivals.next_answer()), (5, 5));
    }

    #[test]
    fn the_answer_to_a_frame_that_is_forgotten_is_not_that_to_the_next() {
        let mut arrivals = Arrivals::new(2, 100);
        arrive(&mut arrivals, 0).unwrap();
        arrive(&mut arrivals, 1).unwrap();
        arrivals.forget_unanswered();
        assert_eq!((arrivals.next_frame(), arrivals.next_answer()), (2, 2));
        arrive(&mut arrivals, 2).unwrap();
        for sequence in [0, 1] {
            assert_eq!(take(&mut arrivals), Some(sequence));
            assert!(arrivals.is_in_hand() && !arrivals.is_awaited());
        }
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (Some(2), vec![]));
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (None, vec![2]));
    }

    #[test]
    fn frames_go_up_and_stay_within_the_room() {
        let mut arrivals = Arrivals::new(9, 25);
        arrive(&mut arrivals, 7).unwrap();
        for found in [0, 6, 7] {
            assert_eq!(arrive(&mut arrivals, found), Err(PeerViolation::Sequence { expected: 8, found }));
        }
        assert_eq!(arrive(&mut arrivals, u64::MAX), Err(PeerViolation::NumbersExhausted));
        arrive(&mut arrivals, 8).unwrap();
        assert_eq!(arrive(&mut arrivals, 9), Err(PeerViolation::FrameOutOfTurn { found: 9 }), "bytes");
    }

    #[test]
    fn nobody_waits_for_the_answers_to_a_former_peers_frames() {
        let mut arrivals = Arrivals::new(2, 100);
        arrive(&mut arrivals, 0).unwrap();
        arrive(&mut arrivals, 1).unwrap();
        assert_eq!(take(&mut arrivals), Some(0));
        arrivals.start_over();
        arrive(&mut arrivals, 0).unwrap();
        assert!(arrivals.is_in_hand(), "it may still be replied to");
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (Some(1), vec![]));
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (Some(0), vec![]));
        assert_eq!((take(&mut arrivals), answers(&mut arrivals)), (None, vec![0]));
    }
}
