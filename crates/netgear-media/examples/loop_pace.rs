//! How late frames are where a film begins again:
//! `cargo run --release -p netgear-media --example loop_pace -- FILE [ROUNDS]`
//!
//! The film is played over and over at its own pace, as the program `netgear` would send it, and each frame is held
//! against the moment that it was due at. It is played twice: with the next round prepared while this one ends, and
//! without.

use std::time::{Duration, Instant};

use netgear_media::{
    FrameSource, FrameStream, Looped, OpenOptions, ReadError, Source, SourceInfo, TimedFrame,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("name a film")?;
    let rounds = std::env::args().nth(2).map_or(Ok(4), |rounds| rounds.parse())?;
    let open = || Ok::<_, Box<dyn std::error::Error>>(file.parse::<Source>()?.open(&OpenOptions::new())?);
    let frames = open()?.info().frames.ok_or("the film must say how many frames it has")? as usize;
    play("prepared", Looped::new(open()?), frames, rounds)?;
    play("rewound", Looped::new(Alone(open()?)), frames, rounds)?;
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures are what the program is for")]
fn play(name: &str, looped: Looped, frames: usize, rounds: usize) -> Result<(), ReadError> {
    let mut stream = FrameStream::spawn(looped);
    let mut start = None;
    let (mut at_begin, mut elsewhere) = (Vec::new(), Vec::new());
    for number in 0..frames * rounds {
        let Some(frame) = stream.next().transpose()? else { break };
        let start = *start.get_or_insert_with(Instant::now);
        let late = start.elapsed().saturating_sub(frame.time);
        std::thread::sleep(frame.time.saturating_sub(start.elapsed()));
        // A frame that is late makes those behind it late.
        let is_begin = number % frames < 10 && number >= frames;
        if is_begin {
            at_begin.push(late)
        } else if number >= 10 {
            elsewhere.push(late)
        }
    }
    let worst = |late: &[Duration]| late.iter().max().copied().unwrap_or_default().as_secs_f64() * 1e3;
    println!(
        "{name:>9}: worst delay of the first 10 frames of {} rounds {:6.1} ms, of all others {:6.1} ms",
        rounds - 1,
        worst(&at_begin),
        worst(&elsewhere)
    );
    Ok(())
}

/// A source without a second one.
struct Alone(Box<dyn FrameSource>);

impl FrameSource for Alone {
    fn info(&self) -> &SourceInfo {
        self.0.info()
    }

    fn next_frame(&mut self) -> Result<Option<TimedFrame>, ReadError> {
        self.0.next_frame()
    }

    fn rewind(&mut self) -> Result<(), ReadError> {
        self.0.rewind()
    }
}
