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
    read(&process.to_string(), OWN)
}

/// By all programs that this one has started and that are over, and by those that they have started.
pub(crate) fn of_children() -> Option<Spent> {
    read("self", OF_CHILDREN)
}

/// Where the time of a process stands behind its name, and that of its children: in user space, then in the kernel.
const OWN: usize = 11;
const OF_CHILDREN: usize = 13;

fn read(process: &str, at: usize) -> Option<Spent> {
    let [user, kernel] = ticks(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?, at)?;
    let seconds = |ticks: u64| ticks as f64 / rustix::param::clock_ticks_per_second() as f64;
    Some(Spent { user: seconds(user), kernel: seconds(kernel) })
}

/// Reads what Linux has in `/proc/PID/stat`.
fn ticks(stat: &str, at: usize) -> Option<[u64; 2]> {
    // The name is the second field, in brackets, and may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut of_time = fields.split(' ').skip(at).map(str::parse);
    Some([of_time.next()?.ok()?, of_time.next()?.ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_behind_any_name() {
        let stat = "42 (a) b) (c) S 1 42 42 0 -1 4194560 100 0 0 0 75 25 6 1 20 0 1 0 100 1 1";
        assert_eq!((ticks(stat, OWN), ticks(stat, OF_CHILDREN)), (Some([75, 25]), Some([6, 1])));
        assert_eq!(ticks("42 (a) S 1", OWN), None);
    }
}
