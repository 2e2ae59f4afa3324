use std::str::FromStr;

use clap::Args;
use netgear::{
    media::{Annotation, Caption, Filter, Fit, Flip, Percent, Pipeline, Region, Rotation},
    prelude::PixelFormat,
};

use crate::options::Size;

/// What is done with each frame before it is sent, in this order.
#[derive(Debug, Args)]
pub(crate) struct Picture {
    /// Cut this part out of each frame, first of all: its size, its first column and its first row, as in
    /// 640x480+100+50.
    #[arg(long, value_name = "WIDTHxHEIGHT+X+Y")]
    crop: Option<Crop>,
    /// Then rotate the frames by 90, 180 or 270 degrees clockwise.
    #[arg(long, value_name = "DEGREES", allow_negative_numbers = true)]
    rotate: Option<Rotation>,
    /// Then flip the frames: h (left and right), v (top and bottom) or both. What follows is done in the order of
    /// this list, too.
    #[arg(long, value_name = "h|v|both")]
    flip: Option<Flip>,
    #[command(flatten)]
    new_size: NewSize,
    /// How frames of another shape go into --size: stretch, fit (inside it, so one side may be less), fill (what is
    /// too much is cut off) or letterbox (with black bars; letterbox:#rrggbb for others).
    #[arg(long, value_name = "HOW", default_value_t, requires = "size")]
    fit: Fit,
    /// The filter that --reduce and --size use: nearest, linear, cubic, area, lanczos4, antialiased-linear,
    /// antialiased-cubic or antialiased-lanczos3.
    #[arg(long, value_name = "NAME", default_value_t, requires = "NewSize")]
    filter: Filter,
    /// Send gray frames, of one channel.
    #[arg(long)]
    gray: bool,
    /// Write on the frames, last of all: `number`, `time`, or any text, in which {number} and {time} are filled in,
    /// both counted from the first frame that is sent. Once for each line.
    #[arg(long, value_name = "TEXT|number|time")]
    annotate: Vec<String>,
}

/// The one or the other.
#[derive(Debug, Args)]
#[group(multiple = false)]
struct NewSize {
    /// Make the frames smaller before they are sent, by more than 0 and less than 90 per cent.
    #[arg(long, value_name = "PERCENT", allow_negative_numbers = true)]
    reduce: Option<Percent>,
    /// Make the frames larger or smaller before they are sent: to this size, in the way that --fit says.
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    size: Option<Size>,
}

impl Picture {
    /// The steps.
    pub(crate) fn pipeline(&self) -> Pipeline {
        let mut pipeline = Pipeline::new();
        if let Some(Crop(region)) = self.crop {
            pipeline = pipeline.crop(region);
        }
        if let Some(rotation) = self.rotate {
            pipeline = pipeline.rotate(rotation);
        }
        if let Some(flip) = self.flip {
            pipeline = pipeline.flip(flip);
        }
        if let Some(percent) = self.new_size.reduce {
            pipeline = pipeline.reduce(percent, self.filter);
        }
        if let Some(Size { width, height }) = self.new_size.size {
            pipeline = pipeline.fit(width, height, self.fit, self.filter);
        }
        if self.gray {
            pipeline = pipeline.convert(PixelFormat::Gray);
        }
        if !self.annotate.is_empty() {
            pipeline = pipeline.annotate(Annotation::text(self.caption()));
        }
        pipeline
    }

    /// All lines as one text.
    fn caption(&self) -> Caption {
        let lines = self.annotate.iter().map(|line| match line.as_str() {
            "number" => "{number}",
            "time" => "{time}",
            text => text,
        });
        Caption::new(&lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A region as X11 and ImageMagick write it.
#[derive(Debug, Clone, Copy)]
struct Crop(Region);

impl FromStr for Crop {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u32>().ok().filter(|_| !text.starts_with('+'));
        let region = text.split_once('x').and_then(|(width, rest)| {
            let (height, rest) = rest.split_once('+')?;
            let (x, y) = rest.split_once('+')?;
            Some(Region::new(number(x)?, number(y)?, number(width)?, number(height)?))
        });
        match region {
            Some(region) if region.width > 0 && region.height > 0 => Ok(Self(region)),
            Some(_) => Err("a part of a frame has pixels: both sides must be at least 1".to_owned()),
            None => Err(format!("{text:?} is no part of a frame; it is written 640x480+100+50")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        picture: Picture,
    }

    fn steps(arguments: &[&str]) -> String {
        let program = Program::try_parse_from([&["program"], arguments].concat()).unwrap();
        format!("{:?}", program.picture.pipeline())
    }

    #[test]
    fn the_steps_have_one_order_whatever_that_of_the_options() {
        assert!(Program::try_parse_from(["program"]).unwrap().picture.pipeline().is_empty());
        let forth = [
            "--crop", "8x6+4+2", "--rotate", "90", "--flip", "h", "--size", "4x4", "--fit", "fill", "--gray",
        ];
        let back = [
            "--gray", "--fit", "fill", "--size", "4x4", "--flip", "h", "--rotate", "90", "--crop", "8x6+4+2",
        ];
        let steps = [steps(&forth), steps(&back)];
        assert_eq!(steps[0], steps[1]);
        let mut rest = steps[0].as_str();
        let order = [
            "crop 8×6 at 4,2",
            "rotate 90°",
            "flip horizontal",
            "resize to 4×4, fill, lanczos4",
            "convert to gray",
        ];
        for step in order {
            let at = rest.find(step).unwrap_or_else(|| panic!("no {step} in {rest}"));
            rest = &rest[at..];
        }
    }

    #[test]
    fn each_annotation_is_a_line() {
        let arguments =
            ["program", "--annotate", "number", "--annotate", "north {time}", "--annotate", "time"];
        let program = Program::try_parse_from(arguments).unwrap();
        assert_eq!(program.picture.caption().to_string(), "{number}\nnorth {time}\n{time}");
    }

    #[test]
    fn a_part_of_a_frame_is_written_as_in_x11() {
        assert_eq!("640x480+100+50".parse::<Crop>().unwrap().0, Region::new(100, 50, 640, 480));
        for text in [
            "",
            "640x480",
            "640x480+1",
            "640x480-1+1",
            "x480+1+1",
            "640x480+1+1+1",
            "0x1+0+0",
            "640x480++1+1",
        ] {
            assert!(text.parse::<Crop>().is_err(), "{text}");
        }
    }
}
