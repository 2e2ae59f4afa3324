//! VidGear's `reducer`: every frame of a film at 70 % of its size, recorded.
//!
//! ```text
//! cargo run --release -p netgear-media --example reduce -- [FILM [OUT.y4m]]
//! ```
//!
//! Without a film it takes three seconds of the test pattern; without a name for the result it writes `reduced.y4m`
//! into the folder for temporary files. `ffplay` and most players show it.

use std::error::Error;
use std::path::PathBuf;

use netgear_media::{
    Filter, FrameSource, OpenOptions, Percent, RecordOptions, Recorder, Resizer, Source, TestPattern,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut film: Box<dyn FrameSource> = match arguments.next() {
        Some(film) => film.parse::<Source>()?.open(&OpenOptions::new())?,
        None => Box::new(TestPattern::new("1280x720@30".parse()?).with_frames(90)),
    };
    let out = arguments.next().map_or_else(|| std::env::temp_dir().join("reduced.y4m"), PathBuf::from);

    let percent = Percent::new(30.0)?;
    let mut options = RecordOptions::new();
    if let Some(rate) = film.info().frame_rate {
        options = options.with_rate(rate);
    }
    // One resizer for all frames: it uses its memory again.
    let mut resizer = Resizer::new();
    let mut recorder = Recorder::create(&out, &options)?;
    while let Some(next) = film.next_frame()? {
        // Lanczos4 is what VidGear takes. Area is as good for most films, and faster.
        let smaller = resizer.reduce(&next.frame, percent, Filter::Lanczos4)?;
        recorder.write(&smaller, next.time)?;
    }
    let recorded = recorder.finish()?;
    report(&format!("{recorded} in {}", out.display()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "it says where the result is")]
fn report(line: &str) {
    println!("{line}");
}
