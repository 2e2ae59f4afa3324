//! Frames for tests.

use netgear_proto::{ElementType, Frame, PixelFormat, Shape};

/// Every byte differs from its neighbours. `tests/opencv_steps/expected.py` makes the same.
pub(crate) fn noise(width: u32, height: u32, pixel_format: PixelFormat, element_type: ElementType) -> Frame {
    let shape = Shape::new(height, width, pixel_format.channels().unwrap()).unwrap();
    noise_of(shape, pixel_format, element_type)
}

/// The same, of any number of channels.
pub(crate) fn noise_of(shape: Shape, pixel_format: PixelFormat, element_type: ElementType) -> Frame {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let elements = shape.byte_len(element_type).unwrap() / element_type.byte_len();
    let pixels: Vec<u8> = (0..elements)
        .flat_map(|_| match element_type {
            ElementType::F32 => (next() as f32 / 65536.0).to_le_bytes().to_vec(),
            _ => next().to_le_bytes()[..element_type.byte_len()].to_vec(),
        })
        .collect();
    Frame::new(pixels, shape, element_type, pixel_format).unwrap()
}
