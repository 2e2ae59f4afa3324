//! A receiver that takes 10 frames a second from a sender of 60, which keeps them fresh: how old they are, what
//! memory it takes, and whether the drops add up.

mod ends;

use std::{thread, time::Duration};

use netgear_proto::Pattern;
use serde::Serialize;
use serde_json::json;

pub(crate) use self::ends::{Camera, Viewer};
use self::ends::{FRAME_BYTES, Order, Sent, Viewed};
use crate::{
    Extent, Result,
    end::Setup,
    port, proc_status,
    program::Program,
    table::{Report, markdown},
    task::Task,
};

/// What the age may be, in milliseconds.
const MEDIAN_AGE: f64 = 150.0;
const P99_AGE: f64 = 400.0;

/// What either end may take beyond its base, in frames.
const FRAMES_OF_MEMORY: f64 = 6.0;

const PATIENCE: Duration = Duration::from_secs(10);

/// How the two ends are set up.
#[derive(Debug, Clone, Copy, Serialize)]
struct Case {
    pattern: Pattern,
    window: u16,
    /// Whether the receiver answers a frame when it gets it, or when it comes for the next.
    answers_first: bool,
}

const CASES: [Case; 6] = [
    Case { pattern: Pattern::Pair, window: 2, answers_first: false },
    Case { pattern: Pattern::Pair, window: 1, answers_first: false },
    Case { pattern: Pattern::ReqRep, window: 2, answers_first: false },
    Case { pattern: Pattern::Pair, window: 2, answers_first: true },
    Case { pattern: Pattern::Pair, window: 1, answers_first: true },
    Case { pattern: Pattern::ReqRep, window: 2, answers_first: true },
];

#[derive(Debug, Serialize)]
struct Row {
    case: Case,
    sent: Sent,
    viewed: Viewed,
    sender: Memory,
    receiver: Memory,
}

/// Of a process, in bytes.
#[derive(Debug, Clone, Copy, Serialize)]
struct Memory {
    /// When the peer was there, before the first frame was made or received.
    base: u64,
    /// The most that it ever had.
    most: u64,
}

impl Memory {
    fn growth_in_frames(self) -> f64 {
        self.most.saturating_sub(self.base) as f64 / FRAME_BYTES as f64
    }
}

pub(crate) fn run(extent: &Extent) -> Result<Report> {
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for case in CASES.into_iter().filter(|case| !extent.quick || !case.answers_first) {
        match case.run(extent.seconds) {
            Ok(row) => {
                failures.extend(row.failures().into_iter().map(|failure| format!("{case:?}: {failure}")));
                rows.push(row);
            }
            Err(error) => failures.push(format!("{case:?}: {error}")),
        }
    }
    Ok(Report { text: text(&rows, extent.seconds), rows: json!(rows), failures })
}

impl Case {
    /// A receiver that answers a frame before it looks at it has the next one waiting all that time, and in a window
    /// of 2 a further one behind that: it is not done with a frame when it says so, and chose the age.
    fn is_held_to_age(self) -> bool {
        !(self.answers_first && self.pattern == Pattern::Pair && self.window > 1)
    }

    fn run(self, seconds: u64) -> Result<Row> {
        let Self { pattern, window, answers_first } = self;
        let setup = Setup { pattern, latest: true, window, port: port::free()? };
        let mut receiver = Program::start(&Task::SlowViewer(Viewer { setup, answers_first }))?;
        let mut sender = Program::start(&Task::Camera(Camera { setup, seconds }))?;
        for program in [&receiver, &sender] {
            // That it is connected.
            program.hear::<()>(PATIENCE)?;
        }
        thread::sleep(Duration::from_millis(200));
        let bases = [proc_status::resident(sender.id())?, proc_status::resident(receiver.id())?];
        receiver.tell(&Order::Go)?;
        sender.tell(&Order::Go)?;
        let (_, sent) = sender.hear(PATIENCE + Duration::from_secs(seconds))?;
        let (_, viewed) = receiver.hear(PATIENCE)?;
        let memory = |base, program: &Program| {
            Ok::<_, Box<dyn std::error::Error>>(Memory {
                base,
                most: proc_status::resident_at_most(program.id())?,
            })
        };
        let row = Row {
            case: self,
            sent,
            viewed,
            sender: memory(bases[0], &sender)?,
            receiver: memory(bases[1], &receiver)?,
        };
        Ok(row)
    }
}

impl Row {
    fn failures(&self) -> Vec<String> {
        let Self { sent, viewed, .. } = self;
        let mut failures = Vec::new();
        if self.case.is_held_to_age() && (viewed.age.median > MEDIAN_AGE || viewed.age.p99 > P99_AGE) {
            failures.push(format!("too old: {:?}", viewed.age));
        }
        if viewed.partial > 0 {
            failures.push(format!("{} partial frames", viewed.partial));
        }
        if sent.offered != sent.delivered + sent.dropped || sent.delivered != viewed.frames {
            failures.push(format!("the counters do not add up: {sent:?}, {viewed:?}"));
        }
        for (name, memory) in [("sender", self.sender), ("receiver", self.receiver)] {
            if memory.growth_in_frames() > FRAMES_OF_MEMORY {
                failures.push(format!("the {name} grew by {:.1} frames", memory.growth_in_frames()));
            }
        }
        failures
    }
}

fn text(rows: &[Row], seconds: u64) -> String {
    let memory = |memory: Memory| {
        format!("{:.1} + {:.1} frames", memory.base as f64 / f64::from(1 << 20), memory.growth_in_frames())
    };
    let cells: Vec<_> = rows
        .iter()
        .map(|row| {
            let Row { case, sent, viewed, .. } = row;
            [
                case.pattern.to_string(),
                case.window.to_string(),
                if case.answers_first { "when it comes" } else { "with the next" }.to_owned(),
                format!("{} = {} + {}", sent.offered, sent.delivered, sent.dropped),
                viewed.frames.to_string(),
                format!("{:.1}", viewed.frames as f64 / seconds as f64),
                format!("{:.0} / {:.0} / {:.0}", viewed.age.median, viewed.age.p99, viewed.age.worst),
                format!("{:.0}", viewed.estimated_age.median),
                memory(row.sender),
                memory(row.receiver),
            ]
        })
        .collect();
    let headings = [
        "pattern",
        "window",
        "answered",
        "offered = delivered + dropped",
        "received",
        "a second",
        "age, ms: median / p99 / worst",
        "by Delivery::age",
        "sender: base MiB + growth",
        "receiver: base MiB + growth",
    ];
    format!(
        "1080p at 60 frames/s, kept fresh, for {seconds} s, to a receiver that comes for a frame every 100 ms.\n\
         The base is what the process had when it was connected, before the first frame was made or received; the growth is up to the most it ever had.\n\
         A receiver that answers each frame as it comes asks for more than it can take: with a window of 2 that costs its interval once more.\n\n{}",
        markdown(headings, &cells),
    )
}
