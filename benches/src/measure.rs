//! The measuring: the ends of all contenders live side by side, and take turns, in an order that is drawn anew for
//! each round, so that what the machine does meanwhile touches all alike.

use std::{
    hint::black_box,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use netgear_bench_end::{Command, Side};
use serde::Serialize;

use crate::{
    Cell, Error,
    cell::Carrier,
    contender::{Contender, OURS},
    process::{EndProcess, Memory},
    spread::Spread,
};

/// How often, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Turns of each contender.
    pub rounds: usize,
    /// What a turn takes, about.
    pub round: Duration,
}

/// What was measured in one cell.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The cell.
    pub cell: Cell,
    /// Of each contender that can do it, ours first.
    pub rows: Vec<Row>,
}

/// What one contender came to in one cell.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its name for programs.
    pub contender: &'static str,
    /// Its name for tables.
    pub title: &'static str,
    /// What went wrong, if it did; there may be no rounds then.
    pub failed: Option<String>,
    /// Every round, in order.
    pub rounds: Vec<Round>,
    /// Of the sender, before its first frame and in the end.
    pub sender_memory: Option<Growth>,
    /// Of the receiver.
    pub receiver_memory: Option<Growth>,
    /// The time that both ends spent on the pixels outside of the kernel, as a multiple of what it takes to copy them
    /// there once: pixels are copied in user space no more often than that. `None` where the system does not say.
    pub user_copies: Option<f64>,
}

/// One turn of one contender.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Round {
    /// Frames sent and answered.
    pub frames: u64,
    /// From the first of them until the last answer was in.
    pub seconds: f64,
    /// The processor time of the sender's process.
    pub sender_cpu_seconds: f64,
    /// The processor time of the receiver's process.
    pub receiver_cpu_seconds: f64,
}

/// Resident memory of a process, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Growth {
    /// Before its first frame.
    pub base: u64,
    /// The most that was.
    pub peak: u64,
}

impl Measured {
    /// What this contender came to; `None` if it is not among them or has failed.
    pub fn row(&self, contender: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contender == contender && row.failed.is_none())
    }

    /// Our rate as a multiple of this contender's: the ratio of the medians.
    pub fn ours_to(&self, contender: &str) -> Option<f64> {
        Some(self.row(OURS)?.fps().median / self.row(contender)?.fps().median)
    }
}

impl Row {
    /// Frames a second.
    pub fn fps(&self) -> Spread {
        Spread::of(self.rounds.iter().map(|round| round.frames as f64 / round.seconds).collect())
    }

    /// The processor time of both ends for a gigabyte of pixels, over all rounds.
    pub fn cpu_seconds_per_gigabyte(&self, cell: &Cell) -> f64 {
        let cpu = |round: &Round| round.sender_cpu_seconds + round.receiver_cpu_seconds;
        let cpu: f64 = self.rounds.iter().map(cpu).sum();
        let frames: u64 = self.rounds.iter().map(|round| round.frames).sum();
        cpu * 1e9 / (frames * cell.bytes_per_frame()) as f64
    }
}

/// Both ends of a contender, and what is known of them.
pub(crate) struct Pair {
    pub(crate) sender: EndProcess,
    pub(crate) receiver: EndProcess,
    sender_base: Option<Memory>,
    receiver_base: Option<Memory>,
    /// Frames sent so far.
    sent: u64,
    /// Frames of a round.
    frames: u64,
}

impl Pair {
    /// Starts the ends of all that can do this cell: the receivers first and all at once, for some take long to
    /// start.
    pub(crate) fn start_all<'a>(
        cell: &Cell,
        contenders: &'a [Contender],
        folder: &Path,
    ) -> Vec<(&'a Contender, Result<Self, Error>)> {
        let receivers: Vec<_> = contenders
            .iter()
            .filter(|contender| contender.can(cell))
            .map(|contender| {
                let endpoint = match cell.carrier {
                    Carrier::Tcp => "tcp://127.0.0.1:0".to_owned(),
                    // VidGear glues a port to the path.
                    Carrier::Ipc => format!("ipc://{}/{}:1", folder.display(), contender.id),
                };
                let job = contender.cell(cell).job(Side::Receiver, endpoint);
                (contender, EndProcess::start(&contender.receiver, &job, folder))
            })
            .collect();
        let senders: Vec<_> = receivers
            .into_iter()
            .map(|(contender, receiver)| {
                let started = receiver.and_then(|mut receiver| {
                    let job = contender.cell(cell).job(Side::Sender, receiver.ready()?);
                    Ok((EndProcess::start(&contender.sender, &job, folder)?, receiver))
                });
                (contender, started)
            })
            .collect();
        let ready = |(contender, started): (&'a Contender, Result<(EndProcess, EndProcess), Error>)| {
            let pair = started.and_then(|(mut sender, receiver)| {
                sender.ready()?;
                let (sender_base, receiver_base) = (sender.memory(), receiver.memory());
                Ok(Self { sender, receiver, sender_base, receiver_base, sent: 0, frames: 1 })
            });
            (contender, pair)
        };
        senders.into_iter().map(ready).collect()
    }

    /// Sends so many frames.
    fn round(&mut self, frames: u64, about: Duration) -> Result<Round, Error> {
        let before = self.receiver.report()?.cpu_seconds;
        let ran = self.sender.run(Command::Run { frames }, about)?;
        let after = self.receiver.report()?.cpu_seconds;
        self.sent += frames;
        Ok(Round {
            frames,
            seconds: ran.seconds,
            sender_cpu_seconds: ran.cpu_seconds,
            receiver_cpu_seconds: after - before,
        })
    }

    /// Lets buffers and windows grow, and finds how many frames a round has.
    fn calibrate(&mut self, round: Duration) -> Result<u64, Error> {
        let mut frames = 1;
        loop {
            let seconds = self.round(frames, round)?.seconds;
            if seconds >= round.as_secs_f64() / 4.0 || frames >= MOST_FRAMES {
                return Ok(frames_for(round, frames, seconds));
            }
            // The first frames are slow, so that this is no time to guess how many it will be.
            frames = (frames * 8).min(frames_for(round, frames, seconds)).max(frames + 1);
        }
    }

    /// Whether the receiver's application had every pixel. VidGear's answers a frame before its application has it.
    fn check(&mut self, cell: &Cell) -> Result<(), Error> {
        let report = self.receiver.report()?;
        if report.frames + 1 < self.sent || report.bytes != report.frames * cell.frame_bytes() {
            let sent = self.sent;
            return Err(
                format!("{} frames of {sent} came, with {} bytes", report.frames, report.bytes).into()
            );
        }
        Ok(())
    }

    /// What both ends have spent outside of the kernel so far.
    fn user_seconds(&self) -> Option<f64> {
        Some(self.sender.processor_time()?.user + self.receiver.processor_time()?.user)
    }

    fn memory(&self) -> (Option<Growth>, Option<Growth>) {
        let growth = |base: Option<Memory>, end: &EndProcess| {
            Some(Growth { base: base?.now, peak: end.memory()?.peak })
        };
        (growth(self.sender_base, &self.sender), growth(self.receiver_base, &self.receiver))
    }
}

/// Fast enough for any machine of these years: a round of so many frames of a pixel takes some seconds.
const MOST_FRAMES: u64 = 100_000;

/// How many frames fill a round, if so many took so long. At least two, so that one follows another.
fn frames_for(round: Duration, frames: u64, seconds: f64) -> u64 {
    let fit = round.as_secs_f64() * frames as f64 / seconds;
    // What is no number becomes 0, and what is too much the most.
    (fit.round() as u64).clamp(2, MOST_FRAMES)
}

/// Measures all contenders that can do this cell. One that fails is a row that says why.
pub fn measure(cell: &Cell, contenders: &[Contender], plan: Plan, folder: &Path) -> Measured {
    let mut runs: Vec<Run<'_>> =
        Pair::start_all(cell, contenders, folder).into_iter().map(Run::new).collect();
    for run in &mut runs {
        run.attempt(|pair, _| pair.calibrate(plan.round).map(|frames| pair.frames = frames));
    }
    for run in &mut runs {
        run.user_before = run.pair.as_ref().ok().and_then(Pair::user_seconds);
    }
    let mut copying = Copying::new(cell.frame_bytes());
    let mut order = Order::of(runs.len());
    for _ in 0..plan.rounds {
        for at in order.draw() {
            runs[*at].attempt(|pair, rounds| {
                thread::sleep(REST);
                rounds.push(pair.round(pair.frames, plan.round)?);
                Ok(())
            });
        }
        copying.again();
    }
    for run in &mut runs {
        run.attempt(|pair, _| pair.check(cell));
    }
    let seconds_per_byte = copying.seconds_per_byte();
    Measured { cell: *cell, rows: runs.into_iter().map(|run| run.row(cell, seconds_per_byte)).collect() }
}

/// Who takes which turn of a round. Drawn anew for each, and alike in each run of the program, so that nobody always
/// comes behind the same one.
pub(crate) struct Order {
    drawn: Vec<usize>,
    random: fastrand::Rng,
}

impl Order {
    pub(crate) fn of(contenders: usize) -> Self {
        Self { drawn: (0..contenders).collect(), random: fastrand::Rng::with_seed(1) }
    }

    pub(crate) fn draw(&mut self) -> &[usize] {
        self.random.shuffle(&mut self.drawn);
        &self.drawn
    }
}

/// Between two turns: some ends are not done with their last frame when they have answered it, and would take the
/// time of whoever comes next.
pub(crate) const REST: Duration = Duration::from_millis(10);

/// How long it takes to copy a frame in user space.
struct Copying {
    from: Vec<u8>,
    to: Vec<u8>,
    seconds: Vec<f64>,
}

impl Copying {
    fn new(bytes: u64) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        // The first copy has the target mapped, and is slower. The median is of one that has it.
        Self { from: vec![7; bytes], to: vec![0; bytes], seconds: Vec::new() }
    }

    fn again(&mut self) {
        for _ in 0..3 {
            let started = Instant::now();
            self.to.copy_from_slice(black_box(&self.from));
            black_box(&self.to);
            self.seconds.push(started.elapsed().as_secs_f64());
        }
    }

    fn seconds_per_byte(self) -> f64 {
        Spread::of(self.seconds).median / self.from.len() as f64
    }
}

/// A contender in a cell, for as long as it does not fail.
struct Run<'a> {
    contender: &'a Contender,
    pair: Result<Pair, Error>,
    rounds: Vec<Round>,
    /// What both ends had spent outside of the kernel before the first round.
    user_before: Option<f64>,
}

impl<'a> Run<'a> {
    fn new((contender, pair): (&'a Contender, Result<Pair, Error>)) -> Self {
        Self { contender, pair, rounds: Vec::new(), user_before: None }
    }

    fn attempt(&mut self, act: impl FnOnce(&mut Pair, &mut Vec<Round>) -> Result<(), Error>) {
        if let Ok(pair) = &mut self.pair
            && let Err(error) = act(pair, &mut self.rounds)
        {
            self.pair = Err(error);
        }
    }

    fn row(self, cell: &Cell, seconds_per_byte: f64) -> Row {
        let memory = self.pair.as_ref().map(Pair::memory);
        let (sender_memory, receiver_memory) = memory.unwrap_or_default();
        let user_after = self.pair.as_ref().ok().and_then(Pair::user_seconds);
        let bytes = self.rounds.iter().map(|round| round.frames).sum::<u64>() * cell.bytes_per_frame();
        let user_copies = self
            .user_before
            .zip(user_after)
            .map(|(before, after)| (after - before) / (bytes as f64 * seconds_per_byte));
        Row {
            contender: self.contender.id,
            title: self.contender.title,
            failed: self.pair.err().map(|error| error.to_string()),
            rounds: self.rounds,
            sender_memory,
            receiver_memory,
            user_copies,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(contender: &'static str, frames: &[u64]) -> Row {
        let round = |frames: &u64| Round {
            frames: *frames,
            seconds: 0.5,
            sender_cpu_seconds: 0.25,
            receiver_cpu_seconds: 0.5,
        };
        Row {
            contender,
            title: contender,
            failed: None,
            rounds: frames.iter().map(round).collect(),
            sender_memory: None,
            receiver_memory: None,
            user_copies: None,
        }
    }

    #[test]
    fn a_round_has_as_many_frames_as_fill_it() {
        let round = Duration::from_millis(200);
        assert_eq!(frames_for(round, 8, 0.016), 100);
        assert_eq!(frames_for(round, 1, 0.13), 2);
        assert_eq!(frames_for(round, 1, 10.0), 2);
        assert_eq!(frames_for(round, 1_000, 0.000_001), MOST_FRAMES);
        assert_eq!(frames_for(round, 1, 0.0), MOST_FRAMES);
    }

    #[test]
    fn everybody_has_a_turn_in_each_round_and_no_fixed_place() {
        let mut order = Order::of(4);
        let rounds: Vec<Vec<usize>> = (0..7).map(|_| order.draw().to_vec()).collect();
        for round in &rounds {
            let mut sorted = round.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [0, 1, 2, 3]);
        }
        assert!(rounds.iter().any(|round| *round != rounds[0]));
    }

    #[test]
    fn the_ratio_is_that_of_the_medians_and_not_of_who_failed() {
        let failed = Row { failed: Some("it is gone".into()), ..row("zeromq", &[1, 1, 1]) };
        let rows = vec![row("netgear", &[90, 100, 400]), row("raw", &[10, 200, 210]), failed];
        let measured = Measured { cell: Cell::PLAIN, rows };
        assert_eq!(measured.ours_to("raw"), Some(0.5));
        assert_eq!(measured.ours_to("zeromq"), None);
        assert_eq!(measured.ours_to("omq"), None);
        let fps = measured.rows[0].fps();
        assert_eq!((fps.least, fps.median, fps.most), (180.0, 200.0, 800.0));
    }

    #[test]
    fn processor_time_is_of_both_ends_over_all_rounds() {
        let cell = Cell { returned: netgear_bench_end::Returned::Frame, ..Cell::PLAIN };
        // 1.5 s for 300 frames of 2 * 6,220,800 bytes.
        let expected = 1.5e9 / (300.0 * 12_441_600.0);
        assert!((row("raw", &[100, 200]).cpu_seconds_per_gigabyte(&cell) - expected).abs() < 1e-9);
    }
}
