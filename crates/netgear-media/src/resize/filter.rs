use std::fmt;
use std::str::FromStr;

/// How the pixels of a resized frame are made of those of the original.
///
/// The first five are OpenCV's interpolations, by its rules: the same pictures as `cv2.resize` makes, borders
/// included, to within one level of 8 bits (docs/resizing.md has the figures). When a frame is made smaller they look
/// at as many pixels as when it is made larger, so fine detail aliases ([`Area`](Self::Area) aside); that is OpenCV's
/// way. The *antialiased* ones widen their kernel with the reduction, and are the better choice for making frames
/// smaller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Filter {
    /// The pixel under the top left corner of the new one. The fastest, and the roughest.
    Nearest,
    /// Bilinear, of 2 × 2 pixels.
    Linear,
    /// Bicubic, of 4 × 4 pixels (a = −0.75).
    Cubic,
    /// The mean of the pixels under the new one, parts of pixels included. The best of OpenCV's for making frames
    /// smaller. A frame that grows on either side becomes sharp-edged pixels, mixed where the new ones lie across a
    /// border.
    Area,
    /// Lanczos, of 8 × 8 pixels (a = 4). The default, as in VidGear's `reducer`.
    #[default]
    Lanczos4,
    /// Bilinear, widened with the reduction.
    AntialiasedLinear,
    /// Bicubic (Catmull-Rom), widened with the reduction.
    AntialiasedCubic,
    /// Lanczos (a = 3), widened with the reduction: the sharpest without aliasing, and the slowest.
    AntialiasedLanczos3,
}

impl Filter {
    /// Every filter.
    pub const ALL: [Self; 8] = [
        Self::Nearest,
        Self::Linear,
        Self::Cubic,
        Self::Area,
        Self::Lanczos4,
        Self::AntialiasedLinear,
        Self::AntialiasedCubic,
        Self::AntialiasedLanczos3,
    ];

    /// The name by which [`FromStr`] knows the filter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Linear => "linear",
            Self::Cubic => "cubic",
            Self::Area => "area",
            Self::Lanczos4 => "lanczos4",
            Self::AntialiasedLinear => "antialiased-linear",
            Self::AntialiasedCubic => "antialiased-cubic",
            Self::AntialiasedLanczos3 => "antialiased-lanczos3",
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names of [`Filter::name`], in any case.
impl FromStr for Filter {
    type Err = UnknownFilter;

    fn from_str(text: &str) -> Result<Self, UnknownFilter> {
        Self::ALL
            .into_iter()
            .find(|filter| filter.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownFilter { name: text.to_owned() })
    }
}

/// A name that no [`Filter`] has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no filter `{name}`; use one of {}", Filter::ALL.map(Filter::name).join(", "))]
pub struct UnknownFilter {
    /// The name.
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_found_by_its_name() {
        for filter in Filter::ALL {
            assert_eq!(filter.to_string().parse(), Ok(filter));
        }
        assert_eq!("LANCZOS4".parse(), Ok(Filter::Lanczos4));
        let message = "lanczos".parse::<Filter>().unwrap_err().to_string();
        assert!(message.contains("lanczos4, antialiased-linear"), "{message}");
    }
}
