//! What is encoded.

use super::soft_colours::level;
use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape};

pub(crate) const FORMATS: [PixelFormat; 5] =
    [PixelFormat::Gray, PixelFormat::Bgr, PixelFormat::Rgb, PixelFormat::Bgra, PixelFormat::Rgba];

pub(crate) const ELEMENT_TYPES: [ElementType; 7] = [
    ElementType::U8,
    ElementType::U16,
    ElementType::F32,
    ElementType::I8,
    ElementType::I16,
    ElementType::I32,
    ElementType::F64,
];

pub(crate) fn of_u8(pixels: Vec<u8>, width: u32, height: u32, format: PixelFormat) -> Frame {
    let channels = format.channels().unwrap();
    Frame::new(pixels, Shape::new(height, width, channels).unwrap(), ElementType::U8, format).unwrap()
}

/// As a camera has it; opaque, where there is opacity.
pub(crate) fn photograph(width: u32, height: u32, format: PixelFormat) -> Frame {
    let mut pixels = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let [red, green, blue] = [0, 1, 2].map(|colour| level(x, y, colour));
            match format {
                PixelFormat::Gray => pixels.push(red),
                PixelFormat::Bgr => pixels.extend([blue, green, red]),
                PixelFormat::Rgb => pixels.extend([red, green, blue]),
                PixelFormat::Bgra => pixels.extend([blue, green, red, 255]),
                _ => pixels.extend([red, green, blue, 255]),
            }
        }
    }
    of_u8(pixels, width, height, format)
}

/// Nothing of which can be guessed from the rest.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}
