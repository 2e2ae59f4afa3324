//! Resizing beside others: each library in a process of its own, on one thread and on two, all in turns, A B C A B C,
//! so that what the machine does meanwhile touches all alike.

use std::{
    fmt,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use netgear_media::{Filter, Percent};
use serde::{Serialize, Serializer};

use crate::{Error, Spread, cell::Size, measure::Order};

/// Who resizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Library {
    /// Ours.
    Netgear,
    /// OpenCV, from Python.
    Cv2,
    /// The crate pic-scale, whose pictures are not OpenCV's.
    PicScale,
}

impl Library {
    /// Ours, and those that it is measured beside.
    pub const ALL: [Self; 3] = [Self::Netgear, Self::Cv2, Self::PicScale];

    /// For tables.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Netgear => "netgear",
            Self::Cv2 => "cv2",
            Self::PicScale => "pic-scale",
        }
    }

    /// Whether it has the filter, or one of a like shape.
    const fn has(self, filter: Filter) -> bool {
        match self {
            Self::Netgear | Self::PicScale => true,
            Self::Cv2 => !matches!(
                filter,
                Filter::AntialiasedLinear | Filter::AntialiasedCubic | Filter::AntialiasedLanczos3
            ),
        }
    }
}

/// What a pixel is made of, a byte each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Pixels {
    /// Brightness.
    #[serde(rename = "gray")]
    Gray,
    /// Colours.
    #[serde(rename = "BGR")]
    Bgr,
    /// Colours and opacity.
    #[serde(rename = "BGRA")]
    Bgra,
}

impl Pixels {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Gray, Self::Bgr, Self::Bgra];

    /// For tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gray => "gray",
            Self::Bgr => "BGR",
            Self::Bgra => "BGRA",
        }
    }

    const fn channels(self) -> usize {
        match self {
            Self::Gray => 1,
            Self::Bgr => 3,
            Self::Bgra => 4,
        }
    }
}

/// How many percent frames are reduced by.
pub const PERCENTS: [u8; 3] = [30, 50, 85];

/// How many threads each is measured with.
pub const THREADS: [usize; 2] = [1, 2];

/// One way to make a frame smaller.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Reduction {
    /// The frame.
    pub size: Size,
    /// Its pixels.
    pub pixels: Pixels,
    /// VidGear's percentage.
    pub percent: u8,
    /// The filter by our name, which for others is the nearest that they have.
    #[serde(serialize_with = "by_name")]
    pub filter: Filter,
}

impl Reduction {
    /// All of these sizes.
    pub fn all(sizes: &[Size]) -> Vec<Self> {
        let mut all = Vec::new();
        for size in sizes {
            for pixels in Pixels::ALL {
                for percent in PERCENTS {
                    let reduction = |filter| Self { size: *size, pixels, percent, filter };
                    all.extend(Filter::ALL.map(reduction));
                }
            }
        }
        all
    }

    /// What a stopwatch is told.
    fn line(&self, threads: usize, count: usize) -> Result<String, Error> {
        let Size { width, height, .. } = self.size;
        let (to_width, to_height) = Percent::new(f64::from(self.percent))?.reduced_size(width, height);
        let (channels, filter) = (self.pixels.channels(), self.filter);
        Ok(format!("time {width} {height} {channels} {to_width} {to_height} {filter} {threads} {count}\n"))
    }
}

impl fmt::Display for Reduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { size, pixels, percent, filter } = self;
        write!(f, "{filter}, {}, {}, {percent} % off", size.name, pixels.name())
    }
}

fn by_name<S: Serializer>(filter: &Filter, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(filter.name())
}

/// How often, and how long.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// Turns of each.
    pub rounds: usize,
    /// What the calls of a turn that count take, about: one at least. A third as many before them do not, so that
    /// what has slept meanwhile, a thread or a processor, is awake; a long call has no need of them.
    pub turn: Duration,
}

/// What was measured of one reduction.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// The reduction.
    pub reduction: Reduction,
    /// Of each library and number of threads.
    pub rows: Vec<Row>,
}

/// What one library came to with so many threads.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The library.
    pub library: Library,
    /// How many threads it had.
    pub threads: usize,
    /// What went wrong, if it did.
    pub failed: Option<String>,
    /// What a call took in each round, in milliseconds: the median of those of its turn.
    pub rounds_ms: Vec<f64>,
}

impl Row {
    /// Milliseconds for a frame.
    pub fn ms(&self) -> Spread {
        Spread::of(self.rounds_ms.clone())
    }
}

impl Measured {
    /// Further rounds of the same reduction by the same libraries. One that failed has failed for good.
    pub fn add(&mut self, further: Self) {
        for (row, further) in self.rows.iter_mut().zip(further.rows) {
            row.rounds_ms.extend(further.rounds_ms);
            row.failed = row.failed.take().or(further.failed);
        }
    }

    /// Milliseconds of a library; `None` if it has no such filter, was not there, or has failed.
    pub fn ms(&self, library: Library, threads: usize) -> Option<Spread> {
        let is_meant = |row: &&Row| row.library == library && row.threads == threads && row.failed.is_none();
        self.rows.iter().find(is_meant).map(Row::ms)
    }

    /// The time of another as a multiple of ours, each on one thread: the ratio of the medians.
    pub fn to_ours(&self, library: Library) -> Option<f64> {
        Some(self.ms(library, 1)?.median / self.ms(Library::Netgear, 1)?.median)
    }

    /// The time of a library on one thread as a multiple of that on two.
    pub fn one_thread_to_two(&self, library: Library) -> Option<f64> {
        Some(self.ms(library, 1)?.median / self.ms(library, 2)?.median)
    }
}

/// Measures one reduction by all that have its filter.
pub fn measure(reduction: &Reduction, stopwatches: &mut [Stopwatch], plan: Plan) -> Measured {
    let mut rows = Vec::new();
    for threads in THREADS {
        for (of, stopwatch) in stopwatches.iter().enumerate() {
            if stopwatch.library.has(reduction.filter) {
                let row = Row { library: stopwatch.library, threads, failed: None, rounds_ms: Vec::new() };
                rows.push((of, row, Calls { before: 1, counted: 1 }));
            }
        }
    }
    // The round before the first tells how many calls fill a turn.
    let mut order = Order::of(rows.len());
    for round in 0..=plan.rounds {
        for at in order.draw() {
            let Some((of, row, calls)) = rows.get_mut(*at).filter(|(_, row, _)| row.failed.is_none()) else {
                continue;
            };
            let Some(stopwatch) = stopwatches.get_mut(*of) else { continue };
            match stopwatch.time(reduction, row.threads, *calls) {
                Ok(ms) if round == 0 => *calls = Calls::in_turn(plan.turn, ms),
                Ok(ms) => row.rounds_ms.push(ms),
                Err(error) => row.failed = Some(error.to_string()),
            }
        }
    }
    Measured { reduction: *reduction, rows: rows.into_iter().map(|(_, row, _)| row).collect() }
}

/// Enough for a median, however short a call is.
const MOST_CALLS: usize = 200;

/// A call that takes so many milliseconds is as long for who was asleep before it.
const LONG_MS: f64 = 10.0;

/// The calls of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Calls {
    /// They are not counted.
    before: usize,
    counted: usize,
}

impl Calls {
    /// Where one takes so many milliseconds.
    fn in_turn(turn: Duration, ms: f64) -> Self {
        // What is no number becomes 0, and what is too much the most.
        let counted = ((1e3 * turn.as_secs_f64() / ms).round() as usize).clamp(1, MOST_CALLS);
        Self { before: if ms >= LONG_MS { 0 } else { counted.div_ceil(3) }, counted }
    }

    fn in_all(self) -> usize {
        self.before + self.counted
    }
}

/// A library in a process of its own, which times itself. Dropping it kills it.
#[derive(Debug)]
pub struct Stopwatch {
    library: Library,
    child: Child,
    orders: ChildStdin,
    answers: mpsc::Receiver<String>,
    /// It owes an answer, which would be taken for that to a later question.
    is_late: bool,
}

/// How long an answer may take: Python has to start, and the machine may be busy. It is waited for twice, because a
/// machine that was stopped for a while, as virtual ones are, finds that one such time has passed at once.
const PATIENCE: Duration = Duration::from_secs(30);

impl Stopwatch {
    /// Starts the program of a library. It answers lines as [`crate::ends::resizing`] does.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(library: Library, command: &mut Command) -> Result<Self, Error> {
        let mut child = command
            // The sources' folder is no place for what Python makes of them.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", library.title()))?;
        let orders = child.stdin.take().ok_or("it has no input")?;
        let lines = BufReader::new(child.stdout.take().ok_or("it has no output")?).lines();
        let (answer, answers) = mpsc::channel();
        // It ends with the process.
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| answer.send(line)));
        Ok(Self { library, child, orders, answers, is_late: false })
    }

    /// Milliseconds of the call in the middle of those that count.
    fn time(&mut self, reduction: &Reduction, threads: usize, calls: Calls) -> Result<f64, Error> {
        if self.is_late {
            return Err("it did not answer in time before".into());
        }
        self.orders.write_all(reduction.line(threads, calls.in_all())?.as_bytes())?;
        let answer = self.answers.recv_timeout(PATIENCE).or_else(|error| match error {
            RecvTimeoutError::Timeout => self.answers.recv_timeout(PATIENCE),
            RecvTimeoutError::Disconnected => Err(error),
        });
        let answer = answer.map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                self.is_late = true;
                format!("it did not answer within {} s", 2 * PATIENCE.as_secs())
            }
            RecvTimeoutError::Disconnected => "it has ended".to_owned(),
        })?;
        let taken: Result<Vec<f64>, _> = answer.split_whitespace().map(str::parse::<f64>).collect();
        match taken {
            Ok(mut taken) if taken.len() == calls.in_all() => {
                Ok(Spread::of(taken.split_off(calls.before)).median / 1e6)
            }
            _ => Err(format!("it said {answer:?}").into()),
        }
    }
}

impl Drop for Stopwatch {
    fn drop(&mut self) {
        // Nothing is left to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANCZOS4: Reduction =
        Reduction { size: Size::HD, pixels: Pixels::Bgr, percent: 30, filter: Filter::Lanczos4 };

    #[test]
    fn every_reduction_is_there_once() {
        let all = Reduction::all(&[Size::SD, Size::HD, Size::UHD]);
        assert_eq!(all.len(), 8 * 3 * 3 * 3);
        let names: std::collections::HashSet<String> = all.iter().map(Reduction::to_string).collect();
        assert_eq!(names.len(), all.len());
        assert!(names.contains("lanczos4, 1080p, BGR, 30 % off"), "{names:?}");
    }

    #[test]
    fn a_turn_is_filled_but_has_one_call_at_least() {
        let turn = Duration::from_millis(6);
        let calls = |ms| {
            let Calls { before, counted } = Calls::in_turn(turn, ms);
            (before, counted)
        };
        assert_eq!([0.5, 4.0, 150.0].map(calls), [(4, 12), (1, 2), (0, 1)]);
        assert_eq!([0.000_1, 0.0].map(|ms| calls(ms).1), [MOST_CALLS; 2]);
        assert_eq!(calls(f64::NAN), (1, 1));
    }

    /// A shell that answers each line with as many numbers as it asks for, and the size that it asks for.
    #[cfg(unix)]
    #[test]
    fn libraries_take_turns_and_one_that_fails_is_left_alone() {
        let shell = |library, script: &str| {
            Stopwatch::start(library, Command::new("sh").args(["-c", script])).unwrap()
        };
        let answering = r#"while read -r time w h c tw th filter threads count; do
            [ "$w $h $c $tw $th $filter" = "1920 1080 3 1344 756 lanczos4" ] || exit
            line=; while [ "$count" -gt 0 ]; do line="$line ${threads}000000"; count=$((count - 1)); done; echo $line
        done"#;
        let mut stopwatches = [
            shell(Library::Netgear, answering),
            shell(Library::Cv2, "while read -r line; do echo it is broken; done"),
            shell(Library::PicScale, "exit"),
        ];
        let measured =
            measure(&LANCZOS4, &mut stopwatches, Plan { rounds: 3, turn: Duration::from_millis(4) });
        let rounds = |library, threads| {
            let row = measured.rows.iter().find(|row| (row.library, row.threads) == (library, threads));
            row.unwrap().rounds_ms.clone()
        };
        assert_eq!(rounds(Library::Netgear, 1), [1.0; 3]);
        assert_eq!(rounds(Library::Netgear, 2), [2.0; 3]);
        assert_eq!(measured.one_thread_to_two(Library::Netgear), Some(0.5));
        assert_eq!(measured.to_ours(Library::Cv2), None);
        let failed = |at: usize| measured.rows[at].failed.as_deref();
        assert_eq!(failed(1), Some("it said \"it is broken\""));
        assert!(failed(2).is_some_and(|why| why == "it has ended" || why.contains("pipe")));
    }

    #[test]
    fn rounds_of_several_lives_are_added_up_and_a_failure_stays() {
        let reduction = Reduction { size: Size::SD, pixels: Pixels::Bgr, percent: 30, filter: Filter::Area };
        let of = |rounds: [&[f64]; 2], failed: Option<&str>| Measured {
            reduction,
            rows: [Library::Netgear, Library::Cv2]
                .into_iter()
                .zip(rounds)
                .map(|(library, rounds)| Row {
                    library,
                    threads: 1,
                    failed: failed.filter(|_| library == Library::Cv2).map(str::to_owned),
                    rounds_ms: rounds.to_vec(),
                })
                .collect(),
        };
        let mut measured = of([&[1.0], &[2.0]], None);
        measured.add(of([&[3.0, 5.0], &[]], Some("it has ended")));
        measured.add(of([&[7.0], &[8.0]], None));
        assert_eq!(measured.rows[0].rounds_ms, [1.0, 3.0, 5.0, 7.0]);
        assert_eq!(measured.rows[1].failed.as_deref(), Some("it has ended"));
        assert_eq!(measured.to_ours(Library::Cv2), None);
    }

    #[test]
    fn opencv_is_not_asked_for_what_it_has_not() {
        let theirs = Filter::ALL.into_iter().filter(|filter| Library::Cv2.has(*filter));
        assert_eq!(
            theirs.map(Filter::name).collect::<Vec<_>>(),
            ["nearest", "linear", "cubic", "area", "lanczos4"]
        );
    }
}
