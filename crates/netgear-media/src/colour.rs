use std::fmt;
use std::str::FromStr;

use netgear_proto::{ElementType, PixelFormat};

/// A colour to draw with: red, green and blue of 0 to 255, whatever the frame is made of.
///
/// In a gray frame it is its luminance (BT.601, as [`Pipeline::convert`](crate::Pipeline::convert) has it). In 16
/// bits 255 becomes 65535, in `f32` 1.0. It is opaque where there is opacity.
///
/// ```
/// use netgear_media::Colour;
///
/// assert_eq!("#ff8000".parse(), Ok(Colour::new(255, 128, 0)));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[doc(alias = "Color")]
pub struct Colour {
    /// How red.
    pub red: u8,
    /// How green.
    pub green: u8,
    /// How blue.
    pub blue: u8,
}

impl Colour {
    /// Black, the default.
    pub const BLACK: Self = Self::new(0, 0, 0);
    /// White.
    pub const WHITE: Self = Self::new(255, 255, 255);
    /// Red.
    pub const RED: Self = Self::new(255, 0, 0);
    /// Green.
    pub const GREEN: Self = Self::new(0, 255, 0);
    /// Blue.
    pub const BLUE: Self = Self::new(0, 0, 255);
    /// Yellow.
    pub const YELLOW: Self = Self::new(255, 255, 0);

    /// A colour of so much red, green and blue.
    pub const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { red, green, blue }
    }

    /// The brightness, of BT.601.
    pub(crate) fn luminance(self) -> u8 {
        crate::luminance::of_u8(self.red, self.green, self.blue)
    }

    /// One pixel of such a frame, `None` for elements that are no levels. Of unspecified pixels those of 3 channels
    /// are taken for BGR, those of 4 for BGRA, and all others have the luminance in every channel.
    pub(crate) fn pixel(self, kind: PixelKind) -> Option<PixelBytes> {
        let Self { red, green, blue } = self;
        let format = match kind.pixel_format {
            PixelFormat::Unspecified => PixelFormat::from_channels(kind.channels),
            format => format,
        };
        let mut bytes = PixelBytes { bytes: [0; PixelBytes::MOST], len: 0 };
        match format {
            PixelFormat::Bgr => bytes.extend(&[blue, green, red], kind.element_type)?,
            PixelFormat::Bgra => bytes.extend(&[blue, green, red, 255], kind.element_type)?,
            PixelFormat::Rgb => bytes.extend(&[red, green, blue], kind.element_type)?,
            PixelFormat::Rgba => bytes.extend(&[red, green, blue, 255], kind.element_type)?,
            _ => {
                for _ in 0..kind.channels {
                    bytes.extend(&[self.luminance()], kind.element_type)?;
                }
            }
        }
        Some(bytes)
    }
}

/// What one pixel is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PixelKind {
    pub(crate) element_type: ElementType,
    pub(crate) pixel_format: PixelFormat,
    pub(crate) channels: u16,
}

impl PixelKind {
    /// The bytes of a pixel.
    pub(crate) fn byte_len(self) -> usize {
        usize::from(self.channels) * self.element_type.byte_len()
    }
}

/// The bytes of one pixel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PixelBytes {
    bytes: [u8; Self::MOST],
    len: usize,
}

impl PixelBytes {
    /// Those of 4 channels of `f32`.
    const MOST: usize = 16;

    pub(crate) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Paints a run of pixels, which is whole pixels long.
    pub(crate) fn fill(&self, run: &mut [u8]) {
        let pixel = self.as_slice();
        match pixel {
            &[level] => run.fill(level),
            _ => run.chunks_exact_mut(pixel.len().max(1)).for_each(|at| at.copy_from_slice(pixel)),
        }
    }

    /// `None` if the pixel would be longer than any that can be drawn, or its elements are no levels.
    fn extend(&mut self, levels: &[u8], element_type: ElementType) -> Option<()> {
        for &level in levels {
            match element_type {
                ElementType::U8 => self.push(&[level])?,
                ElementType::U16 => self.push(&(u16::from(level) * 257).to_le_bytes())?,
                ElementType::F32 => self.push(&(f32::from(level) / 255.0).to_le_bytes())?,
                _ => return None,
            }
        }
        Some(())
    }

    fn push(&mut self, element: &[u8]) -> Option<()> {
        self.bytes.get_mut(self.len..self.len + element.len())?.copy_from_slice(element);
        self.len += element.len();
        Some(())
    }
}

/// `#rrggbb`, in hexadecimal digits.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

/// `#rrggbb`, in hexadecimal digits of either case.
impl FromStr for Colour {
    type Err = ColourError;

    fn from_str(text: &str) -> Result<Self, ColourError> {
        let digits = text
            .strip_prefix('#')
            .filter(|digits| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let [_, red, green, blue] =
            number.ok_or_else(|| ColourError { text: text.to_owned() })?.to_be_bytes();
        Ok(Self::new(red, green, blue))
    }
}

/// A text that is no [`Colour`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a colour; write it as #rrggbb in hexadecimal digits, as in #ff8000 for orange")]
pub struct ColourError {
    /// The text.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_written_as_in_html() {
        for colour in [Colour::RED, Colour::new(1, 0x23, 0xab)] {
            assert_eq!(colour.to_string().parse(), Ok(colour));
        }
        assert_eq!("#FF8000".parse(), Ok(Colour::new(255, 128, 0)));
        for text in ["", "#", "ff8000", "#ff800", "#ff80000", "#ff80 0", "#+f8000", "#ü8000", "red"] {
            assert_eq!(text.parse::<Colour>(), Err(ColourError { text: text.to_owned() }), "{text}");
        }
    }

    #[test]
    fn a_pixel_has_the_order_and_the_scale_of_its_frame() {
        let pixel = |element_type, pixel_format, channels| {
            let kind = PixelKind { element_type, pixel_format, channels };
            Colour::new(255, 128, 0).pixel(kind).map(|pixel| pixel.as_slice().to_vec())
        };
        assert_eq!(pixel(ElementType::U8, PixelFormat::Bgr, 3), Some(vec![0, 128, 255]));
        assert_eq!(pixel(ElementType::U8, PixelFormat::Rgba, 4), Some(vec![255, 128, 0, 255]));
        assert_eq!(pixel(ElementType::U8, PixelFormat::Unspecified, 4), Some(vec![0, 128, 255, 255]));
        // 0.299 × 255 + 0.587 × 128
        assert_eq!(pixel(ElementType::U8, PixelFormat::Gray, 1), Some(vec![151]));
        assert_eq!(pixel(ElementType::U8, PixelFormat::Unspecified, 2), Some(vec![151, 151]));
        let sixteen = [65535_u16, 128 * 257, 0].map(u16::to_le_bytes).concat();
        assert_eq!(pixel(ElementType::U16, PixelFormat::Rgb, 3), Some(sixteen));
        let float = [0.0_f32, 128.0 / 255.0, 1.0].map(f32::to_le_bytes).concat();
        assert_eq!(pixel(ElementType::F32, PixelFormat::Bgr, 3), Some(float));
        assert_eq!(pixel(ElementType::F64, PixelFormat::Bgr, 3), None);
        assert_eq!(pixel(ElementType::F32, PixelFormat::Unspecified, 5), None);
    }
}
