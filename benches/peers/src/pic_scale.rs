//! pic-scale's resizing, timed as told line by line on standard input:
//! `time WIDTH HEIGHT CHANNELS WIDTH HEIGHT FILTER THREADS COUNT` is answered with the nanoseconds that each took, as
//! `end resizing` does. The filters have the names of ours, and are the nearest that there are.

use std::{process::ExitCode, sync::Arc, time::Instant};

use netgear_bench_end::Error;
use pic_scale::{
    ImageSize, ImageStore, ImageStoreMut, PicScaleError, Resampling, ResamplingFunction, Scaler,
    ThreadingPolicy,
};

/// Answers every line, until there is none.
pub(crate) fn answer_lines() -> ExitCode {
    let mut stopwatch = Stopwatch::default();
    netgear_bench_end::answer_lines(|words| stopwatch.time(words))
}

/// What is kept from line to line: pixels to read, memory to write to, and memory for what is between.
#[derive(Default)]
struct Stopwatch {
    noise: Vec<u8>,
    output: Vec<u8>,
    scratch: Vec<u8>,
}

impl Stopwatch {
    fn time(&mut self, words: &[&str]) -> Result<String, Error> {
        let &[width, height, channels, to_width, to_height, filter, threads, count] = words else {
            return Err(format!("`time` has 8 words behind it, and not {}", words.len()).into());
        };
        let from = ImageSize::new(width.parse()?, height.parse()?);
        let to = ImageSize::new(to_width.parse()?, to_height.parse()?);
        let mut scaler = Scaler::new(function(filter)?);
        scaler.set_threading_policy(match threads.parse()? {
            1 => ThreadingPolicy::Single,
            threads => ThreadingPolicy::Fixed(threads),
        });
        let count = count.parse()?;
        match channels {
            "1" => self.measure(scaler.plan_planar_resampling(from, to)?, count),
            "3" => self.measure(scaler.plan_rgb_resampling(from, to)?, count),
            // Colours are not weighted by opacity, as they are not by the others.
            "4" => self.measure(scaler.plan_rgba_resampling(from, to, false)?, count),
            other => Err(format!("there is nothing for {other} channels").into()),
        }
    }

    fn measure<const N: usize>(
        &mut self,
        plan: Arc<Resampling<u8, N>>,
        count: usize,
    ) -> Result<String, Error> {
        let (from, to) = (plan.source_size(), plan.target_size());
        let len = from.width * from.height * N;
        if self.noise.len() != len {
            self.noise = netgear_bench_end::noise(len);
        }
        self.output.resize(to.width * to.height * N, 0);
        self.scratch.resize(plan.scratch_size(), 0);
        let source = ImageStore::from_slice(&self.noise, from.width, from.height)?;
        let mut target = ImageStoreMut::from_slice(&mut self.output, to.width, to.height)?;
        let mut resample = || -> Result<u128, PicScaleError> {
            let started = Instant::now();
            plan.resample_with_scratch(&source, &mut target, &mut self.scratch)?;
            Ok(started.elapsed().as_nanos())
        };
        let taken: Result<Vec<String>, PicScaleError> =
            (0..count).map(|_| Ok(resample()?.to_string())).collect();
        Ok(taken?.join(" "))
    }
}

/// The nearest to each of ours. All but the first are widened with a reduction, so that for the antialiased ones of
/// ours they are of the same shape, and for the others look at more pixels.
fn function(filter: &str) -> Result<ResamplingFunction, String> {
    Ok(match filter {
        "nearest" => ResamplingFunction::Nearest,
        "linear" | "antialiased-linear" => ResamplingFunction::Bilinear,
        "cubic" | "antialiased-cubic" => ResamplingFunction::CatmullRom,
        "area" => ResamplingFunction::Area,
        "lanczos4" => ResamplingFunction::Lanczos4,
        "antialiased-lanczos3" => ResamplingFunction::Lanczos3,
        other => return Err(format!("there is no filter like {other}")),
    })
}
