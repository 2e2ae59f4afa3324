//! The steps of a pipeline give OpenCV's pixels, every one of them: `expected.py` prints the table.
#![allow(clippy::unwrap_used, reason = "it is part of the tests")]

#[path = "../../src/noise.rs"]
mod noise;

use netgear_media::proto::{ElementType, PixelFormat};
use netgear_media::{Flip, Pipeline, Rotation};
use noise::noise;

/// What OpenCV 5.0.0 makes of it, as a digest of the pixels.
const EXPECTED: [(&str, &str); 35] = [
    ("BGR to gray u8", "3e578aa98bcb54b5"),
    ("RGB to gray u8", "6ff0449be876f661"),
    ("BGRA to gray u8", "b493bb81ecbabbae"),
    ("RGBA to BGR u8", "65e45f814c64ca45"),
    ("BGR to RGBA u8", "3db0c186ed27545f"),
    ("gray to BGRA u8", "4534e5e5da60f2d9"),
    ("BGR to gray u16", "5da0344b2da8436a"),
    ("RGB to gray u16", "0addfb88d94fef37"),
    ("BGRA to gray u16", "497d60fe83f4c727"),
    ("RGBA to BGR u16", "a15b59f58a709898"),
    ("BGR to RGBA u16", "1f5c7eefd0595a75"),
    ("gray to BGRA u16", "2cd58b0b558ce00b"),
    ("flip horizontal u8", "de8b73ce017699f0"),
    ("flip vertical u8", "cb4e30c2ffdc02c4"),
    ("flip both u8", "0eb5bc4f19e81db8"),
    ("rotate 90 u8", "8bc6cc24ac8ad2d4"),
    ("rotate 180 u8", "0eb5bc4f19e81db8"),
    ("rotate 270 u8", "8dc505249c06ed20"),
    ("flip horizontal u16", "e828b119f5bd7f07"),
    ("flip vertical u16", "9edfd494f7cf44df"),
    ("flip both u16", "1114961769d413f7"),
    ("rotate 90 u16", "e3c52a34f8420213"),
    ("rotate 180 u16", "1114961769d413f7"),
    ("rotate 270 u16", "f2ba5dc75b33eecb"),
    ("flip horizontal f32", "58065ab884a5cc7f"),
    ("flip vertical f32", "bedc787a3348ef9f"),
    ("flip both f32", "188a3fb32612285b"),
    ("rotate 90 f32", "483754481e58ac73"),
    ("rotate 180 f32", "188a3fb32612285b"),
    ("rotate 270 f32", "81969a0d38e30253"),
    ("u8 to u16", "5d8284e975c94d57"),
    ("u16 to u8", "32c775915c059f21"),
    ("f32 to u8", "438ef4882590737b"),
    ("f32 to u16", "c1a1de0e6e74ac4e"),
    ("u16 to u8, × 0.01 + 3", "08ba456ac83ba066"),
];

/// FNV-1a of 64 bits.
fn digest(pixels: &[u8]) -> String {
    let digest = pixels.iter().fold(0xcbf2_9ce4_8422_2325_u64, |state, &byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{digest:016x}")
}

#[test]
fn every_step_gives_the_pixels_of_opencv() {
    use ElementType::{F32, U8, U16};
    use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};
    let mut cases = Vec::new();
    for element in [U8, U16] {
        for (from, to) in [(Bgr, Gray), (Rgb, Gray), (Bgra, Gray), (Rgba, Bgr), (Bgr, Rgba), (Gray, Bgra)] {
            let frame = noise(61, 37, from, element);
            cases.push((format!("{from} to {to} {element}"), frame, Pipeline::new().convert(to)));
        }
    }
    for element in [U8, U16, F32] {
        for flip in [Flip::Horizontal, Flip::Vertical, Flip::Both] {
            let name = format!("flip {flip} {element}");
            cases.push((name, noise(61, 37, Bgr, element), Pipeline::new().flip(flip)));
        }
        for rotation in [Rotation::Clockwise90, Rotation::Half, Rotation::Clockwise270] {
            let name = format!("rotate {} {element}", rotation.degrees());
            cases.push((name, noise(61, 37, Bgr, element), Pipeline::new().rotate(rotation)));
        }
    }
    for (from, to) in [(U8, U16), (U16, U8), (F32, U8), (F32, U16)] {
        cases.push((
            format!("{from} to {to}"),
            noise(61, 37, Bgr, from),
            Pipeline::new().convert_elements(to),
        ));
    }
    let scaled = Pipeline::new().convert_elements_scaled(U8, 0.01, 3.0);
    cases.push(("u16 to u8, × 0.01 + 3".to_owned(), noise(61, 37, Bgr, U16), scaled));

    assert_eq!(cases.len(), EXPECTED.len());
    for ((name, frame, mut pipeline), (expected_name, expected)) in cases.into_iter().zip(EXPECTED) {
        assert_eq!(name, expected_name);
        assert_eq!(digest(pipeline.run(&frame).unwrap().pixels()), expected, "{name}");
    }
}
