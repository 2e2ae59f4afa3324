use netgear_proto::{Dialect, Limits, Mode, Pattern, session::FramePolicy};

/// What one run is about.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The pattern of both ends.
    pub pattern: Pattern,
    /// The mode of both ends.
    pub mode: Mode,
    /// What both ends speak.
    pub dialect: Dialect,
    /// Whether the sender offers its frames encoded as well, to receivers of which two in three decode them.
    pub encodes: bool,
    /// Whether the receiver finds out by itself what the sender speaks.
    pub receiver_listens: bool,
    /// What the sender does with frames that the receiver is too slow for.
    pub policy: FramePolicy,
    /// The windows of sender and receiver.
    pub windows: [u16; 2],
    /// What both allow.
    pub limits: Limits,
    /// How many frames and items of data each session behaves as having behind it.
    pub behind: u64,
    /// How far the receiver's clock is ahead, in microseconds.
    pub ahead: u64,
    /// Whether each end's application keeps its resume token.
    pub keeps_token: [bool; 2],
    /// So many things that applications do.
    pub actions: u32,
    /// How long they wait on average from one to the next, in microseconds.
    pub pauses: [u64; 2],
    /// The most that a message, or a piece of bytes, takes, in microseconds.
    pub latency: u64,
    /// What the link carries.
    pub carries: Carries,
    /// Of 10 000 things that happen, how many are a cut, a stall, a kill of either end.
    pub faults: [u32; 4],
    /// Of 10 000 things that happen, how many have a connection of bytes go dead without a word.
    pub vanishing: u32,
    /// Of 10 000 pieces of bytes, how many have a bit turned over.
    pub flips: u32,
    /// Of 100 connections, how many a stranger makes, and how many a liar.
    pub guests: [u8; 2],
    /// Whether a liar may say goodbye, which is the end of the session that hears it.
    pub liar_leaves: bool,
    /// Which end closes at the end, if any does.
    pub closes: [bool; 2],
    /// Whether one end may close while the faults go on.
    pub closes_early: bool,
    /// Whether the end that binds says nothing before it has heard the peer.
    pub binder_waits: bool,
}

/// What a link carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Whole messages, and so many at once.
    Messages {
        /// At once.
        room: usize,
    },
    /// The bytes of ZMTP.
    Bytes {
        /// The longest piece in which they travel.
        longest: usize,
        /// How many fit on the link.
        room: usize,
    },
}

impl Scenario {
    pub(crate) fn any(rng: &mut fastrand::Rng) -> Self {
        let policies = [FramePolicy::Latest, FramePolicy::Block, FramePolicy::DropNewest];
        let limits = match rng.u8(..4) {
            // So small that rooms in bytes are what stops an end.
            0 => Limits::DEFAULT.with_frame_bytes(300).with_data_bytes(1024),
            _ => Limits::DEFAULT,
        };
        let often = |rng: &mut fastrand::Rng| if rng.bool() { rng.u32(..400) } else { 0 };
        let plain = Self {
            pattern: if rng.bool() { Pattern::Pair } else { Pattern::ReqRep },
            mode: if rng.u8(..5) == 0 { Mode::Unidirectional } else { Mode::Bidirectional },
            dialect: Dialect::Native,
            // Drawn aside, so that every seed goes on as it did before there were encodings.
            encodes: rng.clone().u8(..3) == 0,
            receiver_listens: rng.u8(..4) == 0,
            policy: policies[rng.usize(..3)],
            windows: [rng.u16(1..=4), rng.u16(1..=4)],
            limits,
            behind: [0, 0, u64::from(u32::MAX) - rng.u64(..40), rng.u64(..1 << 62)][rng.usize(..4)],
            ahead: any_scale(rng, 1..44),
            keeps_token: [rng.bool(), rng.bool()],
            actions: rng.u32(20..800),
            pauses: [1 << rng.u32(8..18), 1 << rng.u32(8..18)],
            latency: 1 << rng.u32(1..18),
            carries: Carries::Messages { room: rng.usize(1..6) },
            faults: [often(rng), often(rng), often(rng), often(rng)],
            vanishing: 0,
            flips: 0,
            guests: [0, 0],
            liar_leaves: false,
            closes: [rng.u8(..3) == 0, rng.u8(..3) == 0],
            closes_early: rng.u8(..5) == 0,
            binder_waits: rng.bool(),
        };
        plain.with_more(rng)
    }

    pub(crate) const fn carries_bytes(&self) -> bool {
        matches!(self.carries, Carries::Bytes { .. })
    }

    /// In part of the runs, bytes instead of messages, strangers and liars, or VidGear.
    fn with_more(mut self, rng: &mut fastrand::Rng) -> Self {
        if rng.u8(..3) == 0 {
            self.carries = Carries::Bytes { longest: 1 << rng.u32(1..13), room: 1 << rng.u32(8..15) };
            self.actions = self.actions.min(300);
            self.vanishing = if rng.bool() { rng.u32(..100) } else { 0 };
            self.flips = if rng.bool() { rng.u32(..1000) >> rng.u32(..10) } else { 0 };
        }
        if rng.u8(..3) == 0 {
            self.guests = [[40, 0], [0, 40], [20, 20]][rng.usize(..3)];
            self.liar_leaves = rng.u8(..8) == 0;
        }
        if rng.u8(..6) == 0 {
            (self.dialect, self.behind) = (Dialect::VidGear, 0);
            self.guests[1] = 0;
        }
        self
    }
}

/// A number of any size: as likely a small as a large one.
pub(crate) fn any_scale(rng: &mut fastrand::Rng, bits: std::ops::Range<u32>) -> u64 {
    let most = 1 << rng.u32(bits);
    rng.u64(..most)
}
