use std::f64::consts::PI;
use std::fmt;
use std::str::FromStr;

use fast_image_resize::{Filter as CustomFilter, FilterType, ResizeAlg};

/// How the pixels of a resized frame are made of those of the original.
///
/// The first five bear the names of OpenCV's interpolations and use kernels of the same shape and width. When a frame is
/// made smaller they look at as many pixels as when it is made larger, so fine detail aliases ([`Area`](Self::Area)
/// aside); that is OpenCV's way. The *antialiased* ones widen their kernel with the reduction.
///
/// How near to OpenCV they are: `Linear`, `Cubic` and `Lanczos4` differ by the rounding of fixed-point coefficients;
/// `Nearest` takes the pixel under the *centre* of the new one, where OpenCV takes the one under its corner; `Area` takes
/// whole source pixels by their centres, where OpenCV counts parts of pixels at the rim, and enlarges as `Nearest` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Filter {
    /// The nearest pixel.
    Nearest,
    /// Bilinear, of 2 × 2 pixels.
    Linear,
    /// Bicubic, of 4 × 4 pixels (a = −0.75).
    Cubic,
    /// The mean of the pixels under the new one. The best of OpenCV's for making frames smaller.
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

    pub(crate) fn algorithm(self) -> ResizeAlg {
        match self {
            Self::Nearest => ResizeAlg::Nearest,
            Self::Linear => ResizeAlg::Interpolation(FilterType::Bilinear),
            Self::Cubic => ResizeAlg::Interpolation(kernel("cubic", cubic, 2.0)),
            Self::Area => ResizeAlg::Convolution(FilterType::Box),
            Self::Lanczos4 => ResizeAlg::Interpolation(kernel("lanczos4", lanczos4, 4.0)),
            Self::AntialiasedLinear => ResizeAlg::Convolution(FilterType::Bilinear),
            Self::AntialiasedCubic => ResizeAlg::Convolution(FilterType::CatmullRom),
            Self::AntialiasedLanczos3 => ResizeAlg::Convolution(FilterType::Lanczos3),
        }
    }
}

/// The library refuses only a radius that is not a positive number.
fn kernel(name: &'static str, function: fn(f64) -> f64, radius: f64) -> FilterType {
    CustomFilter::new(name, function, radius).map_or(FilterType::Lanczos3, FilterType::Custom)
}

/// Keys' cubic convolution, with OpenCV's a.
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.75;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A
    } else {
        0.0
    }
}

fn lanczos4(x: f64) -> f64 {
    if x.abs() < 4.0 { sinc(x) * sinc(x / 4.0) } else { 0.0 }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) }
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

    #[test]
    fn the_kernels_interpolate() {
        for kernel in [cubic, lanczos4] {
            assert!((kernel(0.0) - 1.0).abs() < 1e-12);
            for x in 1..8 {
                assert!(kernel(f64::from(x)).abs() < 1e-12);
            }
        }
        // The weight of a = −0.75 at half a pixel, both sides.
        assert!((cubic(0.5) - 0.59375).abs() < 1e-12);
        assert!((cubic(1.5) + 0.09375).abs() < 1e-12);
    }
}
