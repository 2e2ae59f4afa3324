//! How fast this crate is on this machine: `cargo run --release -p netgear-media --example throughput -- [FILE]...`
//!
//! It times the test pattern, `reduce` with every filter, and, for each file named, decoding with colour conversion:
//! once with one thread and once with the default.

use std::hint::black_box;
use std::time::Instant;

use netgear_media::{Decoder, Filter, FrameSource, OpenOptions, Percent, Resizer, Source, TestPattern};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for size in ["1280x720", "1920x1080"] {
        let mut pattern = TestPattern::new(size.parse()?).with_frames(2000);
        report(&format!("test pattern {size}"), play(&mut pattern)?);

        let frame = pattern.frame(0);
        for filter in Filter::ALL {
            let mut resizer = Resizer::new();
            let percent = Percent::new(30.0)?;
            resizer.reduce(&frame, percent, filter)?;
            let started = Instant::now();
            for _ in 0..100 {
                black_box(resizer.reduce(&frame, percent, filter)?);
            }
            report(&format!("reduce {size} by 30 %, {filter}"), 100.0 / started.elapsed().as_secs_f64());
        }
    }
    for file in std::env::args().skip(1) {
        let source: Source = file.parse()?;
        for (name, options) in [
            ("1 thread", OpenOptions::new().with_decoder(Decoder::BuiltIn).with_threads(1)),
            ("default threads", OpenOptions::new().with_decoder(Decoder::BuiltIn)),
            ("ffmpeg", OpenOptions::new().with_decoder(Decoder::Ffmpeg)),
        ] {
            let mut frames = source.open(&options)?;
            let (width, height) = (frames.info().width, frames.info().height);
            report(&format!("{file} {width}x{height}, {name}"), play(&mut frames)?);
        }
    }
    Ok(())
}

/// Frames per second, over the whole source.
fn play(source: &mut dyn FrameSource) -> Result<f64, Box<dyn std::error::Error>> {
    let started = Instant::now();
    let mut frames = 0;
    while let Some(frame) = source.next_frame()? {
        black_box(frame);
        frames += 1;
    }
    Ok(f64::from(frames) / started.elapsed().as_secs_f64())
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn report(what: &str, frames_per_second: f64) {
    println!("{frames_per_second:8.0} fps  {what}");
}
