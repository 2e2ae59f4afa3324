//! What is measured: every exchange that the contenders may be put to.

use std::fmt;

use netgear_bench_end::{Job, Pattern, Returned, Side};
use serde::Serialize;

/// A size of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Size {
    /// As people call it.
    pub name: &'static str,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// 0.9 MB.
    pub const SD: Self = Self { name: "480p", width: 640, height: 480 };
    /// 6.2 MB.
    pub const HD: Self = Self { name: "1080p", width: 1920, height: 1080 };
    /// 24.9 MB.
    pub const UHD: Self = Self { name: "4K", width: 3840, height: 2160 };
    /// Hardly any: where only the data counts.
    pub const PIXEL: Self = Self { name: "a pixel", width: 1, height: 1 };
}

/// What crosses the link underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// TCP over loopback.
    Tcp,
    /// A Unix socket.
    Ipc,
}

/// One exchange: frames of one size one way, and answers back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Cell {
    /// The frames.
    pub size: Size,
    /// What comes back.
    pub returned: Returned,
    /// What carries it.
    pub carrier: Carrier,
    /// The pattern of the sockets, where they have one.
    pub pattern: Pattern,
    /// How many frames may be unanswered; 1 is lock-step.
    pub window: u16,
    /// The bytes of a small item of data.
    pub item_bytes: usize,
}

impl Carrier {
    /// As an endpoint has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Ipc => "ipc",
        }
    }
}

/// The frames that are on their way at once where it is not lock-step.
pub const WINDOW: u16 = 4;

/// About what a session sends for a short text.
const SMALL: usize = 32;

impl Cell {
    /// 1080p over TCP and PAIR in lock-step, with small data back.
    pub const PLAIN: Self = Self {
        size: Size::HD,
        returned: Returned::Data,
        carrier: Carrier::Tcp,
        pattern: Pattern::Pair,
        window: 1,
        item_bytes: SMALL,
    };

    /// All that the table has.
    pub fn all() -> Vec<Self> {
        let mut cells = Vec::new();
        for (window, patterns) in
            [(1, [Pattern::Pair, Pattern::ReqRep].as_slice()), (WINDOW, &[Pattern::Pair])]
        {
            for size in [Size::SD, Size::HD, Size::UHD] {
                for returned in [Returned::Data, Returned::Frame] {
                    for carrier in [Carrier::Tcp, Carrier::Ipc] {
                        cells.extend(patterns.iter().map(|pattern| Self {
                            size,
                            returned,
                            carrier,
                            pattern: *pattern,
                            window,
                            item_bytes: SMALL,
                        }));
                    }
                }
            }
        }
        cells
    }

    /// Those that show in little time that everything works: each value of each of the above at least once.
    pub fn few() -> Vec<Self> {
        let plain = Self { size: Size::SD, ..Self::PLAIN };
        vec![
            plain,
            Self { pattern: Pattern::ReqRep, ..plain },
            Self { carrier: Carrier::Ipc, returned: Returned::Frame, ..plain },
            Self { carrier: Carrier::Ipc, pattern: Pattern::ReqRep, ..plain },
            Self { window: WINDOW, ..plain },
            Self { window: WINDOW, returned: Returned::Frame, ..plain },
            Self::PLAIN,
            Self { returned: Returned::Frame, ..Self::PLAIN },
            Self { pattern: Pattern::ReqRep, ..Self::PLAIN },
            Self { size: Size::UHD, ..Self::PLAIN },
        ]
    }

    /// The job of one end of it.
    pub fn job(&self, side: Side, endpoint: String) -> Job {
        Job {
            side,
            endpoint,
            pattern: self.pattern,
            width: self.size.width,
            height: self.size.height,
            returned: self.returned,
            item_bytes: self.item_bytes,
            window: self.window,
        }
    }

    /// The bytes of one frame.
    pub fn frame_bytes(&self) -> u64 {
        u64::from(self.size.width) * u64::from(self.size.height) * 3
    }

    /// The bytes of pixels that cross in both directions for one frame.
    pub fn bytes_per_frame(&self) -> u64 {
        match self.returned {
            Returned::Data => self.frame_bytes(),
            Returned::Frame => 2 * self.frame_bytes(),
        }
    }

    /// The words of its name, which tables have in columns.
    pub fn words(&self) -> [String; 5] {
        let returned = match self.returned {
            Returned::Data => "small data",
            Returned::Frame => "frames",
        };
        let carrier = self.carrier.name();
        let pattern = match self.pattern {
            Pattern::Pair => "PAIR",
            Pattern::ReqRep => "REQ/REP",
        };
        let flow = match self.window {
            1 => "lock-step".to_owned(),
            window => format!("window of {window}"),
        };
        [self.size.name.to_owned(), returned.to_owned(), carrier.to_owned(), pattern.to_owned(), flow]
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [size, returned, carrier, pattern, flow] = self.words();
        write!(f, "{size}, {returned} back, {carrier}, {pattern}, {flow}")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_cell_stands_once_and_the_few_are_among_them() {
        let all = Cell::all();
        // 3 sizes, 2 returns, 2 carriers: 2 patterns in lock-step, and PAIR with a window.
        assert_eq!(all.len(), 36);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), 36);
        assert!(Cell::few().iter().all(|cell| all.contains(cell)));
    }

    #[test]
    fn a_cell_names_all_that_it_is() {
        let cell = Cell { window: WINDOW, returned: Returned::Frame, ..Cell::PLAIN };
        assert_eq!(cell.to_string(), "1080p, frames back, tcp, PAIR, window of 4");
        assert_eq!(cell.bytes_per_frame(), 2 * 1920 * 1080 * 3);
    }
}
