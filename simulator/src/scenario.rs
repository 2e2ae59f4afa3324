use netgear_proto::{Limits, Mode, Pattern, session::FramePolicy};

/// What one run is about.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The pattern of both ends.
    pub pattern: Pattern,
    /// The mode of both ends.
    pub mode: Mode,
    /// What the sender does with frames that the receiver is too slow for.
    pub policy: FramePolicy,
    /// The windows of sender and receiver.
    pub windows: [u16; 2],
    /// What both allow.
    pub limits: Limits,
    /// How far the receiver's clock is ahead, in microseconds.
    pub ahead: u64,
    /// Whether each end's application keeps its resume token.
    pub keeps_token: [bool; 2],
    /// So many things that applications do.
    pub actions: u32,
    /// How long they wait on average from one to the next, in microseconds.
    pub pauses: [u64; 2],
    /// The most that a message takes, in microseconds.
    pub latency: u64,
    /// How many messages fit on the link.
    pub link_room: usize,
    /// Of 10 000 things that happen, how many are a cut, a stall, a kill of either end.
    pub faults: [u32; 4],
    /// Which end closes at the end, if any does.
    pub closes: [bool; 2],
    /// Whether one end may close while the faults go on.
    pub closes_early: bool,
    /// Whether the end that binds says nothing before it has heard the peer.
    pub binder_waits: bool,
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
        Self {
            pattern: if rng.bool() { Pattern::Pair } else { Pattern::ReqRep },
            mode: if rng.u8(..5) == 0 { Mode::Unidirectional } else { Mode::Bidirectional },
            policy: policies[rng.usize(..3)],
            windows: [rng.u16(1..=4), rng.u16(1..=4)],
            limits,
            ahead: any_scale(rng, 1..44),
            keeps_token: [rng.bool(), rng.bool()],
            actions: rng.u32(20..800),
            pauses: [1 << rng.u32(8..18), 1 << rng.u32(8..18)],
            latency: 1 << rng.u32(1..18),
            link_room: rng.usize(1..6),
            faults: [often(rng), often(rng), often(rng), often(rng)],
            closes: [rng.u8(..3) == 0, rng.u8(..3) == 0],
            closes_early: rng.u8(..5) == 0,
            binder_waits: rng.bool(),
        }
    }
}

/// A number of any size: as likely a small as a large one.
pub(crate) fn any_scale(rng: &mut fastrand::Rng, bits: std::ops::Range<u32>) -> u64 {
    let most = 1 << rng.u32(bits);
    rng.u64(..most)
}
