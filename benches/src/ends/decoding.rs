//! A film that is read as the `netgear` program reads it, and no more.

use std::{path::PathBuf, time::Instant};

use netgear_bench_end::{Error, cpu_seconds};
use netgear_media::{OpenOptions, Source};
use serde::Serialize;

/// What was read.
#[derive(Debug, Serialize)]
pub struct Decoded {
    frames: u64,
    bytes: u64,
    /// From the opening of the file until its last frame is there.
    seconds: f64,
    cpu_seconds: f64,
}

/// Reads all frames of a film, one after the other.
///
/// # Errors
/// If it cannot be read.
pub fn decode(film: &str) -> Result<Decoded, Error> {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut source = Source::Path(PathBuf::from(film)).open(&OpenOptions::new())?;
    let (mut frames, mut bytes) = (0, 0);
    while let Some(timed) = source.next_frame()? {
        frames += 1;
        bytes += timed.frame.pixels().len() as u64;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Decoded { frames, bytes, seconds, cpu_seconds: cpu_seconds() - cpu })
}
