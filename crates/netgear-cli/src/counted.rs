use std::fmt;

/// So many of something, as people write it: `1 frame`, `2 frames`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    number: u64,
    one: &'static str,
    several: &'static str,
}

impl Counted {
    pub(crate) const fn frames(number: u64) -> Self {
        Self { number, one: "frame", several: "frames" }
    }

    pub(crate) const fn items_of_data(number: u64) -> Self {
        Self { number, one: "item of data", several: "items of data" }
    }

    pub(crate) const fn reconnects(number: u64) -> Self {
        Self { number, one: "reconnect", several: "reconnects" }
    }
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, one, several } = self;
        write!(f, "{number} {}", if *number == 1 { one } else { several })
    }
}
