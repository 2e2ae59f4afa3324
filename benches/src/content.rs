//! What is encoded in the benches.

use netgear_media::TestPattern;
use netgear_proto::Frame;

use crate::Error;

/// What a picture shows, of which it depends how small it becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Bars, a ramp, a block that moves and the frame's number: like a drawing or a screen.
    TestPattern,
    /// Hills of all sizes and grain: as much detail as a camera's picture has.
    Photograph,
}

impl Content {
    /// For tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::TestPattern => "test pattern",
            Self::Photograph => "photograph",
        }
    }

    /// The first frames of it, which are not all alike.
    ///
    /// # Errors
    /// If the size is 0.
    pub fn frames(self, width: u32, height: u32, count: u32) -> Result<Vec<Frame>, Error> {
        match self {
            Self::TestPattern => {
                let mut pattern = TestPattern::new(format!("{width}x{height}").parse()?);
                Ok((0..u64::from(count)).map(|number| pattern.frame(number)).collect())
            }
            Self::Photograph => (0..count).map(|number| photograph(width, height, 8 * number)).collect(),
        }
    }
}

/// A view over hills, seen from so far to the right.
fn photograph(width: u32, height: u32, from: u32) -> Result<Frame, Error> {
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    for y in 0..height {
        for x in from..from + width {
            let octaves = [(256, 90.0), (64, 60.0), (16, 36.0), (5, 22.0)];
            let light: f32 = octaves.iter().map(|&(size, high)| hills(x, y, size, size) * high).sum();
            for channel in 0..3 {
                let tint = hills(x, y, 120, 1000 + channel) * 40.0;
                let grain = hash(x, y, 2000 + channel) * 7.0;
                pixels.push((light + tint + grain).clamp(0.0, 255.0) as u8);
            }
        }
    }
    Ok(Frame::bgr8(width, height, pixels)?)
}

/// Between four corners, from 0 to 1, without an edge.
fn hills(x: u32, y: u32, size: u32, seed: u32) -> f32 {
    let (column, row) = (x / size, y / size);
    let (across, down) = ((x % size) as f32 / size as f32, (y % size) as f32 / size as f32);
    let top = hash(column, row, seed) * (1.0 - across) + hash(column + 1, row, seed) * across;
    let below = hash(column, row + 1, seed) * (1.0 - across) + hash(column + 1, row + 1, seed) * across;
    top * (1.0 - down) + below * down
}

/// Any number from 0 to 1, always the same.
fn hash(x: u32, y: u32, seed: u32) -> f32 {
    let mixed = (x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_add(seed);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x2c1b_3c6d);
    f32::from(((mixed ^ (mixed >> 13)) >> 16) as u16) / 65_535.0
}
