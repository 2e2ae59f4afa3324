//! How fast this crate is on this machine: `cargo run --release -p netgear-media --example throughput -- [FILE]...`
//!
//! It times the test pattern, `reduce` with every filter, each step of a pipeline, and, for each file named, decoding
//! with colour conversion: with 1, 2, 4 and 8 pictures at a time, the default, and by ffmpeg. With files, those alone
//! are timed; each way is tried three times, in turns, since other work on the machine would else favour one of them,
//! and the best is told.

use std::hint::black_box;
use std::time::{Duration, Instant};

use netgear_media::proto::{ElementType, PixelFormat};
use netgear_media::{
    Annotation, Colour, Decoder, Filter, Fit, Flip, FrameSource, OpenOptions, Pen, Percent, Pipeline, Region,
    Resizer, Rotation, Source, TestPattern,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let files: Vec<String> = std::env::args().skip(1).collect();
    if files.is_empty() {
        return patterns();
    }
    let built_in = || OpenOptions::new().with_decoder(Decoder::BuiltIn);
    let ways = [
        ("1 thread", built_in().with_threads(1)),
        ("2 threads", built_in().with_threads(2)),
        ("4 threads", built_in().with_threads(4)),
        ("8 threads", built_in().with_threads(8)),
        ("default threads", built_in()),
        ("ffmpeg", OpenOptions::new().with_decoder(Decoder::Ffmpeg)),
    ];
    for file in files {
        let source: Source = file.parse()?;
        let mut best = [0.0_f64; 6];
        for _ in 0..3 {
            for ((_, options), best) in ways.iter().zip(&mut best) {
                *best = best.max(play(&mut source.open(options)?)?);
            }
        }
        let info = source.probe(&built_in())?;
        for ((name, _), best) in ways.iter().zip(best) {
            report(&format!("{file} {}x{}, {name}", info.width, info.height), best);
        }
    }
    Ok(())
}

fn patterns() -> Result<(), Box<dyn std::error::Error>> {
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
        for (name, mut pipeline) in pipelines() {
            // The fastest of many, as it is what the machine can do when nothing else wants it.
            let mut fastest = Duration::MAX;
            for _ in 0..200 {
                let started = Instant::now();
                black_box(pipeline.run(&frame)?);
                fastest = fastest.min(started.elapsed());
            }
            report(&format!("{name}, {size}"), 1.0 / fastest.as_secs_f64());
        }
    }
    Ok(())
}

/// Each step on its own, and some together.
fn pipelines() -> Vec<(&'static str, Pipeline)> {
    let label = || Annotation::text("frame {number} at {time}");
    let found = || Annotation::LabelledBox {
        region: Region::new(200, 150, 300, 400),
        label: "person 0.92".into(),
        pen: Pen::new(Colour::GREEN, 3),
    };
    let part = Region::new(64, 32, 1000, 600);
    let new = Pipeline::new;
    let boxed = Fit::Letterbox(Colour::BLACK);
    vec![
        ("BGR to RGB", new().convert(PixelFormat::Rgb)),
        ("BGR to BGRA", new().convert(PixelFormat::Bgra)),
        ("BGR to gray", new().convert(PixelFormat::Gray)),
        ("u8 to u16", new().convert_elements(ElementType::U16)),
        ("u8 to f32", new().convert_elements(ElementType::F32)),
        ("u8 to u8, scaled", new().convert_elements_scaled(ElementType::U8, 1.2, -10.0)),
        ("crop to 1000x600", new().crop(part)),
        ("flip horizontally", new().flip(Flip::Horizontal)),
        ("flip vertically", new().flip(Flip::Vertical)),
        ("rotate by 90°", new().rotate(Rotation::Clockwise90)),
        ("rotate by 180°", new().rotate(Rotation::Half)),
        ("rotate by 270°", new().rotate(Rotation::Clockwise270)),
        ("text", new().annotate(label())),
        ("box with label", new().annotate(found())),
        ("resize to 640x640, area", new().resize(640, 640, Filter::Area)),
        ("letterbox in 640x640, area", new().fit(640, 640, boxed, Filter::Area)),
        ("fill 640x640, area", new().fit(640, 640, Fit::Fill, Filter::Area)),
        ("crop, then resize to 640x360, area", new().crop(part).resize(640, 360, Filter::Area)),
        ("gray, then rotate by 90°", new().convert(PixelFormat::Gray).rotate(Rotation::Clockwise90)),
        ("rotate by 90°, then gray", new().rotate(Rotation::Clockwise90).convert(PixelFormat::Gray)),
    ]
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
