//! Our resizing, timed as told line by line.

use std::{collections::HashMap, process::ExitCode, time::Instant};

use netgear_media::{Filter, PixelsMut, Region, Resizer};
use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

use crate::Error;

/// Answers lines of `time WIDTH HEIGHT CHANNELS WIDTH HEIGHT FILTER THREADS COUNT`: noise of bytes is resized into
/// the same memory so many times. The ends of others answer alike.
pub fn answer_lines() -> ExitCode {
    let mut stopwatch = Stopwatch::default();
    netgear_bench_end::answer_lines(|words| stopwatch.time(words))
}

/// What is kept from line to line.
#[derive(Default)]
struct Stopwatch {
    noise: Option<Frame>,
    /// One for each number of threads.
    resizers: HashMap<usize, Resizer>,
    output: Vec<u8>,
}

impl Stopwatch {
    fn time(&mut self, words: &[&str]) -> Result<String, Error> {
        let &[width, height, channels, to_width, to_height, filter, threads, count] = words else {
            return Err(format!("`time` has 8 words behind it, and not {}", words.len()).into());
        };
        let shape = Shape::new(height.parse()?, width.parse()?, channels.parse()?)?;
        let frame = match self.noise.take() {
            Some(noise) if noise.shape() == shape => noise,
            _ => noise(shape)?,
        };
        let threads: usize = threads.parse()?;
        let resizer = self.resizers.entry(threads).or_insert_with(|| Resizer::new().with_threads(threads));
        let to = Shape::new(to_height.parse()?, to_width.parse()?, shape.channels())?;
        self.output.resize(to.byte_len(ElementType::U8)?, 0);
        let filter: Filter = filter.parse()?;
        let mut answer = Vec::new();
        for _ in 0..count.parse::<u32>()? {
            let target = PixelsMut::contiguous(&mut self.output, to, ElementType::U8)?;
            let started = Instant::now();
            resizer.resize_into(&frame, Region::whole(shape), target, filter)?;
            answer.push(started.elapsed().as_nanos().to_string());
        }
        self.noise = Some(frame);
        Ok(answer.join(" "))
    }
}

fn noise(shape: Shape) -> Result<Frame, Error> {
    let pixels = netgear_bench_end::noise(shape.byte_len(ElementType::U8)?);
    Ok(Frame::new(pixels, shape, ElementType::U8, PixelFormat::from_channels(shape.channels()))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_time_for_each_call_or_a_reason() {
        let mut stopwatch = Stopwatch::default();
        let mut times = |line: &str| {
            let answer = stopwatch.time(&line.split(' ').collect::<Vec<_>>());
            let answer = answer.map_err(|error| error.to_string())?;
            let times: Vec<u64> = answer.split(' ').map(|word| word.parse().unwrap()).collect();
            Ok::<_, String>(times.len())
        };
        assert_eq!(times("64 48 3 44 33 lanczos4 1 3"), Ok(3));
        assert_eq!(times("64 48 1 44 33 area 2 1"), Ok(1));
        assert!(times("64 48 3 44 33 lanczos 1 3").is_err());
        assert_eq!(times("64 48"), Err("`time` has 8 words behind it, and not 2".to_owned()));
    }
}
