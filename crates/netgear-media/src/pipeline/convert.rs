//! Pixels of one kind out of those of another, row by row.

use netgear_proto::{ElementType, PixelFormat};

use super::ConvertError;
use crate::colour::PixelKind;
use crate::luminance;

/// How the channels of one pixel become those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FormatConversion {
    element_type: ElementType,
    from: PixelFormat,
    to: PixelFormat,
}

impl FormatConversion {
    /// # Errors
    /// [`ConvertError`] for formats that have no meaning, and for elements that are no levels.
    pub(crate) fn new(from: PixelKind, to: PixelFormat) -> Result<Self, ConvertError> {
        let known =
            [PixelFormat::Bgr, PixelFormat::Gray, PixelFormat::Bgra, PixelFormat::Rgb, PixelFormat::Rgba];
        if !known.contains(&from.pixel_format) || !known.contains(&to) {
            return Err(ConvertError::Format { from: from.pixel_format, to });
        }
        if !matches!(from.element_type, ElementType::U8 | ElementType::U16 | ElementType::F32) {
            return Err(ConvertError::Element { from: from.element_type, to: from.element_type });
        }
        Ok(Self { element_type: from.element_type, from: from.pixel_format, to })
    }

    /// Converts a row; both are as many pixels long.
    pub(crate) fn convert(self, row: &[u8], out: &mut [u8]) {
        match self.element_type {
            ElementType::U16 => {
                self.convert_elements(row, out, u16::MAX.to_le_bytes(), |red, green, blue| {
                    let [red, green, blue] = [red, green, blue].map(u16::from_le_bytes);
                    luminance::of_u16(red, green, blue).to_le_bytes()
                })
            }
            ElementType::F32 => self.convert_elements(row, out, 1.0_f32.to_le_bytes(), |red, green, blue| {
                let [red, green, blue] = [red, green, blue].map(f32::from_le_bytes);
                luminance::of_f32(red, green, blue).to_le_bytes()
            }),
            // There is no other.
            _ => self.convert_elements(row, out, [u8::MAX], |[red], [green], [blue]| {
                [luminance::of_u8(red, green, blue)]
            }),
        }
    }

    fn convert_elements<const E: usize>(
        self,
        row: &[u8],
        out: &mut [u8],
        opaque: [u8; E],
        gray: impl Fn([u8; E], [u8; E], [u8; E]) -> [u8; E],
    ) {
        use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};
        match (self.from, self.to) {
            (Bgr, Rgb) | (Rgb, Bgr) => each::<E, _, _>(row, out, |[a, b, c]| [c, b, a]),
            (Bgra, Rgba) | (Rgba, Bgra) => each::<E, _, _>(row, out, |[a, b, c, d]| [c, b, a, d]),
            (Bgr, Bgra) | (Rgb, Rgba) => each::<E, _, _>(row, out, |[a, b, c]| [a, b, c, opaque]),
            (Bgr, Rgba) | (Rgb, Bgra) => each::<E, _, _>(row, out, |[a, b, c]| [c, b, a, opaque]),
            (Bgra, Bgr) | (Rgba, Rgb) => each::<E, _, _>(row, out, |[a, b, c, _]| [a, b, c]),
            (Bgra, Rgb) | (Rgba, Bgr) => each::<E, _, _>(row, out, |[a, b, c, _]| [c, b, a]),
            (Gray, Bgr | Rgb) => each::<E, _, _>(row, out, |[level]| [level; 3]),
            (Gray, Bgra | Rgba) => each::<E, _, _>(row, out, |[level]| [level, level, level, opaque]),
            (Bgr, Gray) => each::<E, _, _>(row, out, |[blue, green, red]| [gray(red, green, blue)]),
            (Rgb, Gray) => each::<E, _, _>(row, out, |[red, green, blue]| [gray(red, green, blue)]),
            (Bgra, Gray) => each::<E, _, _>(row, out, |[blue, green, red, _]| [gray(red, green, blue)]),
            (Rgba, Gray) => each::<E, _, _>(row, out, |[red, green, blue, _]| [gray(red, green, blue)]),
            // A format and itself.
            _ => out.copy_from_slice(row),
        }
    }
}

/// Pixels of `I` channels to pixels of `O` channels, each channel `E` bytes.
fn each<const E: usize, const I: usize, const O: usize>(
    row: &[u8],
    out: &mut [u8],
    convert: impl Fn([[u8; E]; I]) -> [[u8; E]; O],
) {
    let pixels = row.as_chunks::<E>().0.as_chunks::<I>().0;
    let out = out.as_chunks_mut::<E>().0.as_chunks_mut::<O>().0;
    for (pixel, out) in pixels.iter().zip(out) {
        *out = convert(*pixel);
    }
}

/// How elements of one type become those of another: times `alpha`, plus `beta`, to the nearest that there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ElementConversion {
    from: ElementType,
    to: ElementType,
    alpha: f32,
    beta: f32,
}

impl ElementConversion {
    /// # Errors
    /// [`ConvertError::Element`] for elements other than `u8`, `u16` and `f32`.
    pub(crate) fn new(
        from: ElementType,
        to: ElementType,
        alpha: f32,
        beta: f32,
    ) -> Result<Self, ConvertError> {
        white(from).and(white(to)).ok_or(ConvertError::Element { from, to })?;
        Ok(Self { from, to, alpha, beta })
    }

    /// The conversion that makes white white.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn of_levels(from: ElementType, to: ElementType) -> Result<Self, ConvertError> {
        let (white_before, white_after) =
            white(from).zip(white(to)).ok_or(ConvertError::Element { from, to })?;
        Ok(Self { from, to, alpha: white_after / white_before, beta: 0.0 })
    }

    /// Converts a row; both have as many elements.
    pub(crate) fn convert(self, row: &[u8], out: &mut [u8]) {
        match self.from {
            ElementType::U16 => self.convert_from(row, out, |bytes| f32::from(u16::from_le_bytes(bytes))),
            ElementType::F32 => self.convert_from(row, out, f32::from_le_bytes),
            // There is no other.
            _ => self.convert_from(row, out, |[byte]| f32::from(byte)),
        }
    }

    fn convert_from<const I: usize>(self, row: &[u8], out: &mut [u8], level: impl Fn([u8; I]) -> f32) {
        let Self { alpha, beta, .. } = self;
        let scaled = |bytes| level(bytes) * alpha + beta;
        match self.to {
            ElementType::U16 => {
                each_element(row, out, |bytes| (to_nearest(scaled(bytes), 65_535.0) as u16).to_le_bytes());
            }
            ElementType::F32 => each_element(row, out, |bytes| scaled(bytes).to_le_bytes()),
            // There is no other.
            _ => each_element(row, out, |bytes| [to_nearest(scaled(bytes), 255.0) as u8]),
        }
    }
}

fn each_element<const I: usize, const O: usize>(
    row: &[u8],
    out: &mut [u8],
    convert: impl Fn([u8; I]) -> [u8; O],
) {
    let out = out.as_chunks_mut::<O>().0;
    for (element, out) in row.as_chunks::<I>().0.iter().zip(out) {
        *out = convert(*element);
    }
}

/// The level of white.
fn white(element_type: ElementType) -> Option<f32> {
    match element_type {
        ElementType::U8 => Some(255.0),
        ElementType::U16 => Some(65_535.0),
        ElementType::F32 => Some(1.0),
        _ => None,
    }
}

/// Between 0 and `most`, rounded to the nearest whole number, halves to even; what is no number is 0.
///
/// Adding 1.5 × 2²³ leaves no room for a fraction in an `f32`, so the processor rounds it away, and the whole number
/// stands in the lowest bits. That takes two operations that every processor does many at a time, where
/// `round_ties_even` is a call for each element.
fn to_nearest(level: f32, most: f32) -> u32 {
    const NO_FRACTION: f32 = 12_582_912.0;
    // `max` of what is no number and 0 is 0.
    (level.max(0.0).min(most) + NO_FRACTION).to_bits() & 0xffff
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(element_type: ElementType, pixel_format: PixelFormat) -> PixelKind {
        PixelKind { element_type, pixel_format, channels: pixel_format.channels().unwrap_or(3) }
    }

    fn converted(from: PixelFormat, to: PixelFormat, pixel: &[u8]) -> Vec<u8> {
        let mut out = vec![0; usize::from(to.channels().unwrap())];
        FormatConversion::new(kind(ElementType::U8, from), to).unwrap().convert(pixel, &mut out);
        out
    }

    #[test]
    fn each_channel_goes_to_its_place() {
        use PixelFormat::{Bgr, Bgra, Gray, Rgb, Rgba};
        let of = |format| match format {
            Bgr => vec![10, 20, 30],
            Rgb => vec![30, 20, 10],
            Bgra => vec![10, 20, 30, 40],
            _ => vec![30, 20, 10, 40],
        };
        for from in [Bgr, Rgb, Bgra, Rgba] {
            for to in [Bgr, Rgb, Bgra, Rgba] {
                let mut expected = of(to);
                if let (Some(3), Some(opacity)) = (from.channels(), expected.get_mut(3)) {
                    *opacity = 255;
                }
                assert_eq!(converted(from, to, &of(from)), expected, "{from} to {to}");
            }
            // 0.299 × 30 + 0.587 × 20 + 0.114 × 10 = 21.85
            assert_eq!(converted(from, Gray, &of(from)), [22], "{from}");
        }
        assert_eq!(converted(Gray, Rgb, &[7]), [7, 7, 7]);
        assert_eq!(converted(Gray, Bgra, &[7]), [7, 7, 7, 255]);
    }

    #[test]
    fn longer_elements_are_kept_whole() {
        let sixteen =
            |levels: &[u16]| levels.iter().flat_map(|level| level.to_le_bytes()).collect::<Vec<_>>();
        let conversion = FormatConversion::new(kind(ElementType::U16, PixelFormat::Bgr), PixelFormat::Rgba);
        let mut out = vec![0; 8];
        conversion.unwrap().convert(&sixteen(&[1000, 20_000, 65_000]), &mut out);
        assert_eq!(out, sixteen(&[65_000, 20_000, 1000, 65_535]));

        let float = |levels: &[f32]| levels.iter().flat_map(|level| level.to_le_bytes()).collect::<Vec<_>>();
        let conversion = FormatConversion::new(kind(ElementType::F32, PixelFormat::Rgb), PixelFormat::Gray);
        let mut out = vec![0; 4];
        conversion.unwrap().convert(&float(&[0.5, 1.5, -1.0]), &mut out);
        let gray = f32::from_le_bytes(out.try_into().unwrap());
        assert!((gray - (0.299 * 0.5 + 0.587 * 1.5 - 0.114)).abs() < 1e-6, "{gray}");
    }

    fn elements(from: ElementType, to: ElementType, alpha_beta: Option<(f32, f32)>, row: &[u8]) -> Vec<u8> {
        let conversion = match alpha_beta {
            Some((alpha, beta)) => ElementConversion::new(from, to, alpha, beta),
            None => ElementConversion::of_levels(from, to),
        };
        let mut out = vec![0; row.len() / from.byte_len() * to.byte_len()];
        conversion.unwrap().convert(row, &mut out);
        out
    }

    #[test]
    fn every_level_survives_the_way_to_a_longer_element_and_back() {
        use ElementType::{F32, U8, U16};
        let bytes: Vec<u8> = (0..=255).collect();
        for longer in [U16, F32] {
            let there = elements(U8, longer, None, &bytes);
            assert_eq!(elements(longer, U8, None, &there), bytes, "{longer}");
        }
        let sixteen: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        let float = elements(U16, F32, None, &sixteen);
        assert_eq!(elements(F32, U16, None, &float), sixteen);
        assert_eq!(elements(U8, U16, None, &[0, 1, 255]), [0, 0, 1, 1, 255, 255]);
        for white in [elements(U8, F32, None, &[255]), elements(U16, F32, None, &[255, 255])] {
            assert_eq!(white, 1.0_f32.to_le_bytes());
        }
    }

    #[test]
    fn levels_are_rounded_and_kept_within_bounds() {
        use ElementType::{F32, U8, U16};
        let levels = [-1.0_f32, -0.4, 0.5, 1.5, 2.5, 254.5, 254.6, 300.0, 1e30, f32::NAN, f32::NEG_INFINITY];
        let row: Vec<u8> = levels.iter().flat_map(|level| level.to_le_bytes()).collect();
        assert_eq!(elements(F32, U8, Some((1.0, 0.0)), &row), [0, 0, 0, 2, 2, 254, 255, 255, 255, 0, 0]);
        // A depth of 5 m in millimetres as white.
        let depth: Vec<u8> = [0_u16, 2500, 5000, 60_000].iter().flat_map(|mm| mm.to_le_bytes()).collect();
        assert_eq!(elements(U16, U8, Some((255.0 / 5000.0, 0.0)), &depth), [0, 128, 255, 255]);
        assert_eq!(elements(U8, U8, Some((-1.0, 255.0)), &[0, 1, 255]), [255, 254, 0]);
    }

    #[test]
    fn what_has_no_meaning_is_an_error() {
        use ElementType::{F64, U8};
        let unspecified = kind(U8, PixelFormat::Unspecified);
        assert!(matches!(
            FormatConversion::new(unspecified, PixelFormat::Gray),
            Err(ConvertError::Format { from: PixelFormat::Unspecified, .. })
        ));
        let bgr = kind(U8, PixelFormat::Bgr);
        assert!(FormatConversion::new(bgr, PixelFormat::Unspecified).is_err());
        assert!(matches!(
            FormatConversion::new(kind(F64, PixelFormat::Bgr), PixelFormat::Gray),
            Err(ConvertError::Element { from: F64, .. })
        ));
        assert!(ElementConversion::of_levels(U8, F64).is_err());
        assert!(ElementConversion::new(F64, U8, 1.0, 0.0).is_err());
    }
}
