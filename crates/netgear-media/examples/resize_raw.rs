//! Resizes raw pixels from file to file, and times resizing, as told line by line on standard input. Each line is answered with
//! one: `cargo run --release -p netgear-media --example resize_raw`. `cargo xtask opencv` and `cargo xtask bench --only resize` ask it for
//! what they hold against OpenCV.
//!
//! * `resize INPUT WIDTH HEIGHT CHANNELS ELEMENT X,Y,WIDTH,HEIGHT WIDTH HEIGHT FILTER THREADS OUTPUT`: the element is `uint8`, `uint16`
//!   or `float32` (NumPy's names), the region is that of the input to resize, and the sizes are the input's and the output's. The
//!   answer is `ok`.
//! * `time WIDTH HEIGHT CHANNELS WIDTH HEIGHT FILTER THREADS COUNT`: resizes noise of bytes into the same memory so many times. The
//!   answer is the nanoseconds that each took.
//!
//! Or it is what is wrong.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead as _};
use std::time::Instant;

use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape};
use netgear_media::{Filter, PixelsMut, Region, Resizer};

#[expect(clippy::print_stdout, reason = "the answers are what the program is for")]
fn main() -> io::Result<()> {
    let mut stopwatch = Stopwatch::default();
    for line in io::stdin().lock().lines() {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match words.split_first() {
            Some((&"resize", words)) => resize(words).map(|()| "ok".to_owned()),
            Some((&"time", words)) => stopwatch.time(words),
            _ => Err("a line begins with `resize` or `time`".into()),
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

/// What is kept from line to line.
#[derive(Default)]
struct Stopwatch {
    noise: Option<Frame>,
    resizer: Option<(usize, Resizer)>,
    output: Vec<u8>,
}

impl Stopwatch {
    fn time(&mut self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let &[width, height, channels, to_width, to_height, filter, threads, count] = words else {
            return Err(format!("`time` has 8 words behind it, and not {}", words.len()).into());
        };
        let shape = Shape::new(height.parse()?, width.parse()?, channels.parse()?)?;
        let frame = match self.noise.take() {
            Some(noise) if noise.shape() == shape => noise,
            _ => noise(shape)?,
        };
        let threads: usize = threads.parse()?;
        let mut resizer = match self.resizer.take() {
            Some((of, resizer)) if of == threads => resizer,
            _ => Resizer::new().with_threads(threads),
        };
        let to = Shape::new(to_height.parse()?, to_width.parse()?, shape.channels())?;
        self.output.resize(to.byte_len(ElementType::U8)?, 0);
        let filter: Filter = filter.parse()?;
        let mut answer = Vec::new();
        // The first time makes the tables, and is not counted.
        for _ in 0..=count.parse::<u32>()? {
            let target = PixelsMut::contiguous(&mut self.output, to, ElementType::U8)?;
            let started = Instant::now();
            resizer.resize_into(&frame, Region::whole(shape), target, filter)?;
            answer.push(started.elapsed().as_nanos().to_string());
        }
        self.noise = Some(frame);
        self.resizer = Some((threads, resizer));
        Ok(answer.split_off(1).join(" "))
    }
}

fn noise(shape: Shape) -> Result<Frame, Box<dyn Error>> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..shape.byte_len(ElementType::U8)?).map(|_| next()).collect();
    Ok(Frame::new(pixels, shape, ElementType::U8, PixelFormat::from_channels(shape.channels()))?)
}
