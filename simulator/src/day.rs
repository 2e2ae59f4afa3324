//! Hours of live video at 30 frames a second, with data both ways and a fault now and then.

use std::fs;

use netgear_proto::{Dialect, Limits, Mode, Pattern, Timestamp, session::FramePolicy};

use crate::{
    pictures::{Padding, Pictures},
    scenario::{Carries, Scenario},
    world::{Summary, World},
};

/// How long two ends that are together, over a link that moves, may be without a frame, in microseconds.
const A_FRAME_WITHIN: u64 = 1_000_000;

/// What a program may come to hold more between the first hour and the last, in bytes: what the allocator keeps.
const GROWTH: u64 = 4 << 20;

const FRAMES_PER_HOUR: u64 = 30 * 3600;

/// Below this are the numbers that have 32 bits.
const PAST_32_BITS: u64 = 1 << 32;

/// What hours of video came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Day {
    /// Frames that the sender was offered.
    pub offered: u64,
    /// What crossed, and what failed.
    pub summary: Summary,
    /// The longest time between two frames that the receiving application was given, in microseconds.
    pub longest_gap: u64,
    /// The most frames and items of data that both ends held at once.
    pub most_held: usize,
    /// What the program had in memory after the first hour and at the end, in bytes, where the system tells.
    pub resident: Option<[u64; 2]>,
    /// The highest numbers of a frame, of an item either way, of bytes that one session sent, and of microseconds on
    /// its clock.
    pub highest: [u64; 5],
}

/// Runs so many hours of video over this pattern, and over a link that carries messages, or bytes.
///
/// A session behaves as having nearly 2³² frames and items behind it, and goes past that. Over messages the frames
/// are so large that its bytes go past 2³² too, and either end is killed now and then; over bytes one connection
/// lasts from the second hour to the last.
///
/// # Errors
/// What promise was broken, and when.
pub fn run_hours(seed: u64, hours: u64, pattern: Pattern, over_bytes: bool) -> Result<Day, String> {
    let scenario = Scenario {
        encodes: false,
        pattern,
        mode: Mode::Bidirectional,
        dialect: Dialect::Native,
        receiver_listens: false,
        policy: FramePolicy::Latest,
        windows: [2, 2],
        limits: Limits::DEFAULT,
        behind: PAST_32_BITS - 20_000,
        ahead: 7_000_000_000,
        keeps_token: [true, true],
        actions: 0,
        pauses: [1, 1],
        latency: 4_000,
        carries: if over_bytes {
            Carries::Bytes { longest: 4096, room: 1 << 16 }
        } else {
            Carries::Messages { room: 8 }
        },
        // That a link stalls is expected; when it does is decided here.
        faults: [0, 1, 0, 0],
        vanishing: 0,
        flips: 0,
        guests: [0, 0],
        liar_leaves: false,
        closes: [false, false],
        closes_early: false,
        binder_waits: true,
    };
    let pictures =
        if over_bytes { Pictures::Small { padding: Padding::Always(2000) } } else { Pictures::large() };
    let world = World::with_pictures(scenario, fastrand::Rng::with_seed(seed), false, pictures);
    let mut hours = Hours { world, hours, over_bytes, day: Day::default(), last_frame: 0, last_trouble: 0 };
    hours.live().map_err(|error| format!("after {} s: {error}", hours.world.now / 1_000_000))?;
    Ok(hours.day)
}

struct Hours {
    world: World,
    hours: u64,
    over_bytes: bool,
    day: Day,
    /// When the receiving application was last given one.
    last_frame: u64,
    /// Until when the link, or one of the ends, was not as it should be.
    last_trouble: u64,
}

impl Hours {
    fn live(&mut self) -> Result<(), String> {
        let mut after_an_hour = None;
        for number in 0..self.hours * FRAMES_PER_HOUR {
            self.world.step_until(number * 1_000_000 / 30)?;
            self.offer()?;
            self.fail_somehow(number);
            self.world.step_until(number * 1_000_000 / 30 + 12_000)?;
            self.look()?;
            self.check()?;
            if number == FRAMES_PER_HOUR {
                after_an_hour = resident();
            }
        }
        self.world.is_calm = true;
        self.world.drain()?;
        self.world.check_end()?;
        self.day.resident = after_an_hour.zip(resident()).map(Into::into);
        self.day.summary = self.world.summed();
        if let Some([first, last]) = self.day.resident
            && last > first + GROWTH
        {
            return Err(format!("it grew from {first} to {last} bytes"));
        }
        if self.hours >= 24 && self.day.highest.iter().any(|number| *number < PAST_32_BITS) {
            return Err(format!("one of {:?} has not passed 2³²", self.day.highest));
        }
        Ok(())
    }

    /// The sending application has a frame, and takes what came back.
    fn offer(&mut self) -> Result<(), String> {
        let World { ends, rng, now, books, .. } = &mut self.world;
        self.day.offered += u64::from(ends[0].send(rng, *now, books)?);
        while ends[0].take_data(books)? {}
        self.world.pump(0)
    }

    /// The receiving application takes what has come, and replies.
    fn look(&mut self) -> Result<(), String> {
        let World { ends, rng, now, books, .. } = &mut self.world;
        while ends[1].take_data(books)? {}
        while ends[1].take_frame(*now, books)? {
            ends[1].reply(rng, books)?;
            self.day.longest_gap = self.day.longest_gap.max(*now - self.last_frame);
            self.last_frame = *now;
        }
        self.world.pump(1)
    }

    /// One of these every few minutes. Over bytes there are none after the first hour.
    fn fail_somehow(&mut self, number: u64) {
        if self.over_bytes && number >= FRAMES_PER_HOUR {
            return;
        }
        let world = &mut self.world;
        match world.rng.u32(..60_000) {
            0..3 => world.cut(),
            3..6 => {
                let pause = world.rng.u64(..3_000_000);
                world.stall(pause);
                self.last_trouble = world.now + pause;
            }
            6 => world.kill(0),
            7 => world.kill(1),
            8 if self.over_bytes => world.vanish(),
            _ => {}
        }
    }

    fn check(&mut self) -> Result<(), String> {
        let world = &self.world;
        world.check_sums()?;
        let is_dead = world.connection.as_ref().is_some_and(|connection| connection.vanished_at.is_some());
        if !world.is_whole() || is_dead {
            self.last_trouble = self.last_trouble.max(world.now);
        }
        if world.now > self.last_frame.max(self.last_trouble) + A_FRAME_WITHIN {
            return Err(format!(
                "no frame came for {} µs over a link that is well: {:?} {:?}",
                world.now - self.last_frame,
                world.stats(0),
                world.stats(1)
            ));
        }
        let [sender, receiver] = [world.stats(0), world.stats(1)];
        let held = [sender, receiver]
            .map(|stats| {
                stats.frames_waiting + stats.frames_in_flight + stats.data_waiting + stats.data_to_take
            })
            .iter()
            .sum();
        self.day.most_held = self.day.most_held.max(held);
        let highest = [
            sender.frames_delivered,
            sender.data_acknowledged,
            receiver.data_acknowledged,
            sender.bytes_sent.min(receiver.bytes_received),
            world.ends[0].clock(world.now).since(Timestamp::ZERO).as_micros() as u64,
        ];
        for (most, number) in self.day.highest.iter_mut().zip(highest) {
            *most = number.max(*most);
        }
        Ok(())
    }
}

/// What this program has in memory, in bytes, if the system is one that tells.
fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}
