//! What must hold at any moment, and what at the end.

use netgear_proto::{
    Dialect,
    session::{FramePolicy, Stats},
};

use crate::world::World;

impl World {
    pub(crate) fn stats(&self, who: usize) -> Stats {
        self.ends[who].session.stats()
    }

    /// What must hold at any moment.
    pub(crate) fn check_sums(&self) -> Result<(), String> {
        let (sender, receiver) = (self.stats(0), self.stats(1));
        let undecided = (sender.frames_in_flight + sender.frames_waiting) as u64;
        let sum = sender.frames_delivered + sender.frames_dropped.total() + undecided;
        let offered = self.scenario.behind + self.books.frames.offered_by(self.ends[0].run);
        if sender.frames_offered != sum || sender.frames_offered != offered {
            return Err(format!("the frames do not add up: {sender:?}"));
        }
        for stats in [sender, receiver] {
            let bounded = stats.data_waiting <= 256
                && stats.data_to_take <= 128 + 64
                && stats.frames_waiting <= 16
                && stats.data_received >= stats.data_taken;
            if !bounded {
                return Err(format!("it is not bounded: {stats:?}"));
            }
        }
        if let Some(clock) = sender.clock
            && !self.books.clocks_lie
            && !self.books.forgives
            && clock.micros.abs_diff(self.scenario.ahead as i64) > clock.uncertainty_micros + 1
        {
            return Err(format!("the clock is off: {clock:?}"));
        }
        Ok(())
    }

    /// What must hold when nothing is on its way any more.
    pub(crate) fn check_end(&self) -> Result<(), String> {
        if self.is_altered || self.is_tainted {
            // One of the two was made to end.
            return Ok(());
        }
        let is_native = self.scenario.dialect == Dialect::Native;
        let over = [0, 1].map(|who| self.ends[who].session.ending().is_some());
        for (at, data) in self.books.data.iter().enumerate() {
            let end = &self.ends[at];
            let judge = |found: Result<(), String>| found.map_err(|error| format!("end {at}: {error}"));
            // What the peer had received and not taken when it was killed, it had when this end left. A VidGear
            // sender hears that its frame was received when the application is done with it.
            let may_be_lost = end.is_bereft && (over[at] || (!is_native && at == 1));
            if !may_be_lost && (over[at] || !over[1 - at]) {
                judge(data.check_all_accounted_for(end.run))?;
            }
            let (given, accepted) = (data.given_of(end.run), data.accepted_by(end.run));
            if is_native && !over[0] && !over[1] && given != accepted {
                return judge(Err(format!("{given} of {accepted}")));
            }
        }
        self.check_frames_at_the_end(is_native, over[0] || over[1])
    }

    fn check_frames_at_the_end(&self, is_native: bool, is_over: bool) -> Result<(), String> {
        let stats = self.stats(0);
        let delivered = stats.frames_delivered - self.scenario.behind;
        let given = self.books.frames.given(self.ends[0].run, self.ends[1].run);
        if !self.ends[0].is_bereft && !is_over {
            // Without numbers, nobody knows of a frame whose answer is lost whether it was.
            let adds_up = if is_native { given == delivered } else { given >= delivered };
            if !adds_up {
                return Err(format!("{given} frames were given: {stats:?}"));
            }
            if is_native && self.scenario.policy == FramePolicy::Block && stats.frames_dropped.total() > 0 {
                return Err(format!("no frame may be dropped: {stats:?}"));
            }
            if stats.frames_in_flight + stats.frames_waiting > 0 {
                return Err(format!("frames are left: {stats:?}"));
            }
        }
        if is_native && self.scenario.policy == FramePolicy::Block && stats.frames_dropped.connection > 0 {
            return Err(format!("a frame was dropped that should be sent again: {stats:?}"));
        }
        Ok(())
    }
}
