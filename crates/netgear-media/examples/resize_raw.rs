//! Resizes raw pixels from file to file, as told line by line on standard input. Each line is answered with one:
//! `cargo run --release -p netgear-media --example resize_raw`. `cargo xtask opencv` asks it for what it holds
//! against OpenCV.
//!
//! A line is `resize INPUT WIDTH HEIGHT CHANNELS ELEMENT X,Y,WIDTH,HEIGHT WIDTH HEIGHT FILTER THREADS OUTPUT`: the
//! element is `uint8`, `uint16` or `float32` (NumPy's names), the region is that of the input to resize, and the
//! sizes are the input's and the output's. The answer is `ok`, or what is wrong.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _};

use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape};
use netgear_media::{Filter, Region, Resizer};

#[expect(clippy::print_stdout, reason = "the answers are what the program is for")]
fn main() -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.split_first() {
            Some((&"resize", words)) => resize(words).map(|()| "ok".to_owned()),
            _ => Err("a line begins with `resize`".into()),
        };
        println!("{}", answer.unwrap_or_else(|error| error.to_string()));
    }
    Ok(())
}

fn resize(words: &[&str]) -> Result<(), Box<dyn Error>> {
    let &[input, width, height, channels, element, region, to_width, to_height, filter, threads, output] =
        words
    else {
        return Err(format!("`resize` has 11 words behind it, and not {}", words.len()).into());
    };
    let element_type = match element {
        "uint8" => ElementType::U8,
        "uint16" => ElementType::U16,
        "float32" => ElementType::F32,
        other => return Err(format!("`{other}` is none of uint8, uint16 and float32").into()),
    };
    let shape = Shape::new(height.parse()?, width.parse()?, channels.parse()?)?;
    let format = PixelFormat::from_channels(shape.channels());
    let frame = Frame::new(fs::read(input)?, shape, element_type, format)?;
    let sides: Vec<u32> = region.split(',').map(str::parse).collect::<Result<_, _>>()?;
    let &[x, y, width, height] = sides.as_slice() else {
        return Err("a region has four numbers, with commas between them".into());
    };
    let filter: Filter = filter.parse()?;
    let resized = Resizer::new().with_threads(threads.parse()?).resize_region(
        &frame,
        Region::new(x, y, width, height),
        to_width.parse()?,
        to_height.parse()?,
        filter,
    )?;
    fs::write(output, resized.pixels())?;
    Ok(())
}
