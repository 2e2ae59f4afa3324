use netgear_media::proto::{ElementType, Frame, PixelFormat, Shape};

/// The frame in levels of 8 bits and a format that has a meaning, so that it can be shown: gray, BGR, RGB, BGRA or
/// RGBA.
///
/// As `cv2.imshow` does it: `u16` has black at 0 and white at 65535, floats have them at 0 and 1, signed whole
/// numbers of 8 and 16 bits at their least and greatest. `i32` has no usual scale, so there it is the least and
/// greatest of this frame. Of unspecified channels 1 is gray, 3 are BGR and 4 BGRA; of 2 the first is gray, and of
/// more the first three are BGR.
///
/// A frame that is such already is shared, not copied.
pub(crate) fn displayable(frame: &Frame) -> Frame {
    let channels = frame.channels();
    let pixel_format = match (frame.pixel_format(), channels) {
        (PixelFormat::Unspecified, 1 | 2) => PixelFormat::Gray,
        (PixelFormat::Unspecified, 4) => PixelFormat::Bgra,
        (PixelFormat::Unspecified, _) => PixelFormat::Bgr,
        (known, _) => known,
    };
    let shown_channels = pixel_format.channels().unwrap_or(channels);
    let levels = if frame.element_type() == ElementType::U8 && shown_channels == channels {
        frame.pixels().clone()
    } else {
        let (from, to) = (usize::from(channels), usize::from(shown_channels));
        let mut levels = levels(frame);
        if to < from {
            levels = levels.chunks_exact(from).flat_map(|pixel| &pixel[..to]).copied().collect();
        }
        levels.into()
    };
    Shape::new(frame.height(), frame.width(), shown_channels)
        .ok()
        .and_then(|shape| Frame::new(levels, shape, ElementType::U8, pixel_format).ok())
        // The bytes are as many as the shape has.
        .unwrap_or_else(|| frame.clone())
}

/// Each element as a level of 0 to 255.
fn levels(frame: &Frame) -> Vec<u8> {
    let bytes = frame.pixels();
    match frame.element_type() {
        ElementType::I8 => bytes.iter().map(|level| level ^ 0x80).collect(),
        ElementType::U16 => each(bytes, |bytes| level_of_u16(u16::from_le_bytes(bytes))),
        ElementType::I16 => each(bytes, |bytes| level_of_u16(u16::from_le_bytes(bytes) ^ 0x8000)),
        ElementType::F32 => each(bytes, |bytes| level_of_part(f32::from_le_bytes(bytes).into())),
        ElementType::F64 => each(bytes, |bytes| level_of_part(f64::from_le_bytes(bytes))),
        ElementType::I32 => {
            let values = || bytes.as_chunks().0.iter().map(|bytes| f64::from(i32::from_le_bytes(*bytes)));
            let least = values().fold(f64::INFINITY, f64::min);
            let extent = (values().fold(f64::NEG_INFINITY, f64::max) - least).max(1.0);
            values().map(|value| level_of_part((value - least) / extent)).collect()
        }
        // 8 bits unsigned.
        _ => bytes.to_vec(),
    }
}

fn each<const N: usize>(bytes: &[u8], level: impl Fn([u8; N]) -> u8) -> Vec<u8> {
    bytes.as_chunks().0.iter().map(|bytes| level(*bytes)).collect()
}

fn level_of_u16(value: u16) -> u8 {
    // At most 65535 / 257, which is 255.
    ((u32::from(value) + 128) / 257) as u8
}

/// What is no number is black.
fn level_of_part(part: f64) -> u8 {
    // A cast of a float goes to the nearest that there is.
    (part * 255.0).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(pixels: Vec<u8>, channels: u16, element_type: ElementType, format: PixelFormat) -> Frame {
        let width = pixels.len() / element_type.byte_len() / usize::from(channels);
        let shape = Shape::new(1, width as u32, channels).unwrap();
        displayable(&Frame::new(pixels, shape, element_type, format).unwrap())
    }

    #[test]
    fn a_frame_of_8_bits_is_shared() {
        let frame = Frame::bgr8(2, 1, vec![1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(displayable(&frame).pixels().as_ptr(), frame.pixels().as_ptr());
    }

    #[test]
    fn black_is_black_and_white_is_white_in_every_element_type() {
        let gray = |pixels, element_type| shown(pixels, 1, element_type, PixelFormat::Gray).into_pixels();
        assert_eq!(
            gray([0_u16, 257, 65535].map(u16::to_le_bytes).concat(), ElementType::U16)[..],
            [0, 1, 255]
        );
        assert_eq!(
            gray([-1.0_f32, f32::NAN, 0.5, 1.0, 7.0].map(f32::to_le_bytes).concat(), ElementType::F32)[..],
            [0, 0, 128, 255, 255]
        );
        assert_eq!(gray([0.0_f64, 1.0].map(f64::to_le_bytes).concat(), ElementType::F64)[..], [0, 255]);
        assert_eq!(
            gray([-128_i8, 0, 127].map(|level| level as u8).to_vec(), ElementType::I8)[..],
            [0, 128, 255]
        );
        assert_eq!(gray([i16::MIN, i16::MAX].map(i16::to_le_bytes).concat(), ElementType::I16)[..], [0, 255]);
        assert_eq!(
            gray([-1000, 0, 1000].map(i32::to_le_bytes).concat(), ElementType::I32)[..],
            [0, 128, 255]
        );
        // All alike: nothing is divided by nothing.
        assert_eq!(gray([7, 7].map(i32::to_le_bytes).concat(), ElementType::I32)[..], [0, 0]);
    }

    #[test]
    fn unspecified_channels_are_shown_as_far_as_they_can_be() {
        for (channels, format, pixels) in [
            (1, PixelFormat::Gray, vec![1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
            (2, PixelFormat::Gray, vec![1, 3, 5, 7, 9]),
            (5, PixelFormat::Bgr, vec![1, 2, 3, 6, 7, 8]),
        ] {
            let shown = shown((1..=10).collect(), channels, ElementType::U8, PixelFormat::Unspecified);
            assert_eq!((shown.pixel_format(), &shown.pixels()[..]), (format, &pixels[..]), "{channels}");
        }
    }
}
