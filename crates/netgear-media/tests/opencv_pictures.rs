//! Small pictures as `cv2.resize` makes them, from `tests/data/resize`; `cargo xtask opencv --expected` writes them,
//! and `cargo xtask opencv` compares with OpenCV itself.

#![allow(clippy::unwrap_used, reason = "it is test code, outside the test functions too")]

use std::fs;
use std::path::{Path, PathBuf};

use image::DynamicImage;
use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape};
use netgear_media::{Filter, Resizer};

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/resize").join(name)
}

/// A PNG file in OpenCV's order of channels.
fn read(path: &Path) -> Frame {
    let picture = image::open(path).unwrap();
    let (width, height) = (picture.width(), picture.height());
    let (mut pixels, channels) = match picture {
        DynamicImage::ImageLuma8(gray) => (gray.into_raw(), 1),
        DynamicImage::ImageRgb8(rgb) => (rgb.into_raw(), 3),
        DynamicImage::ImageRgba8(rgba) => (rgba.into_raw(), 4),
        other => panic!("{}: {:?}", path.display(), other.color()),
    };
    if channels > 1 {
        pixels.chunks_exact_mut(usize::from(channels)).for_each(|pixel| pixel.swap(0, 2));
    }
    frame(width, height, channels, ElementType::U8, pixels)
}

fn frame(width: u32, height: u32, channels: u16, element_type: ElementType, pixels: Vec<u8>) -> Frame {
    let shape = Shape::new(height, width, channels).unwrap();
    Frame::new(pixels, shape, element_type, PixelFormat::from_channels(channels)).unwrap()
}

/// A BGR picture, or what the script makes of it for other numbers of channels.
fn in_channels(bgr: &Frame, channels: u16) -> Frame {
    let pixels = bgr.pixels().chunks_exact(3);
    let pixels = match channels {
        1 => pixels.map(|pixel| pixel[1]).collect(),
        4 => pixels.flat_map(|pixel| [pixel[0], pixel[1], pixel[2], 255 - pixel[0]]).collect(),
        _ => return bgr.clone(),
    };
    frame(bgr.width(), bgr.height(), channels, ElementType::U8, pixels)
}

#[test]
fn every_sample_is_within_a_level_of_opencv() {
    let mut compared = 0;
    for entry in fs::read_dir(data("")).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let [picture, channels, filter, _] = stem.split('-').collect::<Vec<_>>()[..] else { continue };
        let expected = read(&path);
        let original = in_channels(&read(&data(&format!("{picture}.png"))), channels.parse().unwrap());
        let filter: Filter = filter.parse().unwrap();
        let found = Resizer::new().resize(&original, expected.width(), expected.height(), filter).unwrap();
        assert_eq!(found.shape(), expected.shape(), "{stem}");
        for (at, (&found, &expected)) in found.pixels().iter().zip(expected.pixels()).enumerate() {
            assert!(found.abs_diff(expected) <= 1, "{stem}: sample {at} is {found}, and OpenCV's {expected}");
        }
        compared += 1;
    }
    assert_eq!(compared, 4 * (8 + 5), "pictures in {}", data("").display());
}

#[test]
fn the_nearest_pixels_are_opencvs() {
    let text = fs::read_to_string(data("checksums.txt")).unwrap();
    for line in text.lines() {
        let [picture, channels, width, height, checksum] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let original = in_channels(&read(&data(&format!("{picture}.png"))), channels.parse().unwrap());
        let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
        let found = Resizer::new().resize(&original, width, height, Filter::Nearest).unwrap();
        assert_eq!(crc32fast::hash(found.pixels()), checksum.parse::<u32>().unwrap(), "{line}");
    }
    assert_eq!(text.lines().count(), 8 + 5);
}

#[test]
fn wider_elements_are_as_near() {
    let bgr = read(&data("photograph.png"));
    let text = fs::read_to_string(data("samples.txt")).unwrap();
    for line in text.lines() {
        let [element, filter, width, height, step, samples @ ..] = &line.split(' ').collect::<Vec<_>>()[..]
        else {
            panic!("{line}");
        };
        let (element_type, pixels, tolerance): (_, Vec<u8>, f64) = match *element {
            "uint16" => (
                ElementType::U16,
                bgr.pixels().iter().flat_map(|&level| (u16::from(level) * 257).to_le_bytes()).collect(),
                1.0,
            ),
            _ => (
                ElementType::F32,
                bgr.pixels().iter().flat_map(|&level| (f32::from(level) / 256.0).to_le_bytes()).collect(),
                1e-5,
            ),
        };
        let original = frame(bgr.width(), bgr.height(), 3, element_type, pixels);
        let (width, height) = (width.parse().unwrap(), height.parse().unwrap());
        let found = Resizer::new().resize(&original, width, height, filter.parse().unwrap()).unwrap();
        let found: Vec<f64> = match element_type {
            ElementType::U16 => {
                found.pixels().as_chunks().0.iter().map(|bytes| u16::from_le_bytes(*bytes).into()).collect()
            }
            _ => found.pixels().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes).into()).collect(),
        };
        let found = found.iter().step_by(step.parse().unwrap());
        assert_eq!(found.len(), samples.len(), "{element} {filter}");
        for (found, expected) in found.zip(samples) {
            let expected: f64 = expected.parse().unwrap();
            assert!(
                (found - expected).abs() <= tolerance,
                "{element} {filter}: {found} for OpenCV's {expected}"
            );
        }
    }
    assert_eq!(text.lines().count(), 5 * 2 * 2);
}
