//! What Linux says of a process in /proc.

use std::{fs, time::Duration};

use crate::Result;

/// Memory in bytes: what it has now.
pub(crate) fn resident(process: u32) -> Result<u64> {
    memory(process, "VmRSS:")
}

/// Memory in bytes: the most that it ever had.
pub(crate) fn resident_at_most(process: u32) -> Result<u64> {
    memory(process, "VmHWM:")
}

fn memory(process: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("not in /proc")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kibibytes << 10)
}

/// How many descriptors it has open.
pub(crate) fn descriptors(process: u32) -> Result<usize> {
    Ok(fs::read_dir(format!("/proc/{process}/fd"))?.count())
}

/// Processor time, in its own code and in the system's for it.
pub(crate) fn processor_time(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // proc(5): the 14th and the 15th, in ticks; the name in the 2nd may hold anything, and ends with the last
    // bracket.
    let (_, rest) = stat.rsplit_once(") ").ok_or("not in /proc")?;
    let ticks = rest.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    // USER_HZ, which is 100 on every architecture that Rust's standard library runs on.
    Ok(Duration::from_millis(ticks * 10))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{fs::File, process, time::Instant};

    use super::*;

    #[test]
    fn what_this_process_has_is_found() {
        let this = process::id();
        let before = (resident(this).unwrap(), descriptors(this).unwrap());
        let memory = vec![1_u8; 64 << 20];
        let files: Vec<File> = (0..50).map(|_| File::open("/proc/self/stat").unwrap()).collect();
        assert!(resident(this).unwrap() >= before.0 + memory.len() as u64 - (1 << 20));
        assert!(resident_at_most(this).unwrap() >= resident(this).unwrap() - (1 << 20));
        assert!(descriptors(this).unwrap() >= before.1 + files.len());
        let (started, busy) = (Instant::now(), processor_time(this).unwrap());
        while started.elapsed() < Duration::from_millis(200) {}
        assert!(processor_time(this).unwrap() - busy >= Duration::from_millis(50));
    }
}
