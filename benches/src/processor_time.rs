//! The processor time of a process, where the system says: Linux does, to 10 ms.

use std::fs;

/// What all threads of a process have spent, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spent {
    /// Outside of the kernel.
    pub(crate) user: f64,
    kernel: f64,
}

impl Spent {
    pub(crate) fn in_all(self) -> f64 {
        self.user + self.kernel
    }
}

/// So far, by this process.
pub(crate) fn of(process: u32) -> Option<Spent> {
    let [user, kernel] = ticks(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?;
    let seconds = |ticks: u64| ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Some(Spent { user: seconds(user), kernel: seconds(kernel) })
}

/// Where the time stands behind the name: in user space, then in the kernel.
const TIMES: usize = 11;

/// Reads what Linux has in `/proc/PID/stat`.
fn ticks(stat: &str) -> Option<[u64; 2]> {
    // The name is the second field, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut of_time = fields.split(' ').skip(TIMES).map(str::parse);
    Some([of_time.next()?.ok()?, of_time.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_behind_any_name() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 0 0 75 25 6 1 20 0 1 0 100 1 1";
        assert_eq!(ticks(stat), Some([75, 25]));
        assert_eq!(ticks("42 (a) S 1"), None);
    }
}
