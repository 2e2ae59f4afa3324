use std::fmt;
use std::str::FromStr;

/// By how much a frame is made smaller: more than 0 and less than 90 percent of each side.
///
/// The range is that of VidGear's `reducer`, so that a script's numbers keep their meaning.
///
/// ```
/// use netgear_media::Percent;
///
/// let percent: Percent = "30".parse()?;
/// assert_eq!(percent.reduced_size(1920, 1080), (1344, 756));
/// # Ok::<(), netgear_media::PercentError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Percent(f64);

impl Percent {
    /// A percentage between 0 and 90, both excluded.
    ///
    /// # Errors
    /// [`PercentError::OutOfRange`] for any other number, NaN among them.
    pub fn new(percent: f64) -> Result<Self, PercentError> {
        if percent > 0.0 && percent < 90.0 {
            Ok(Self(percent))
        } else {
            Err(PercentError::OutOfRange(percent))
        }
    }

    /// The number of percent.
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The width and the height of a frame of `width` × `height` pixels after the reduction.
    ///
    /// VidGear's rule: the width is rounded down; the height follows the ratio of the *unrounded* width, and is
    /// rounded down too. A side of a frame of a few pixels may come out as 0.
    pub fn reduced_size(self, width: u32, height: u32) -> (u32, u32) {
        let reduced_width = ((100.0 - self.0) / 100.0) * f64::from(width);
        let ratio = reduced_width / f64::from(width);
        let reduced_height = f64::from(height) * ratio;
        // `as` truncates towards zero, as Python's int() does.
        (reduced_width as u32, reduced_height as u32)
    }
}

impl TryFrom<f64> for Percent {
    type Error = PercentError;

    fn try_from(percent: f64) -> Result<Self, PercentError> {
        Self::new(percent)
    }
}

/// A decimal number, with or without a `%` behind it.
impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let number = text.strip_suffix('%').unwrap_or(text);
        Self::new(number.trim().parse().map_err(|_| PercentError::NotANumber(text.to_owned()))?)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", self.0)
    }
}

/// Why something is not a [`Percent`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PercentError {
    /// The number is 0 or less, 90 or more, or NaN.
    #[error("a frame cannot be reduced by {0} percent; give a number greater than 0 and less than 90")]
    OutOfRange(f64),
    /// The text is no number.
    #[error("`{0}` is not a percentage; give a number greater than 0 and less than 90, as in 30")]
    NotANumber(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_excludes_both_ends() {
        for outside in [0.0, -0.0, -1.0, 90.0, 100.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(Percent::new(outside), Err(PercentError::OutOfRange(_))), "{outside}");
        }
        for inside in [f64::MIN_POSITIVE, 0.5, 30.0, 89.999] {
            assert_eq!(Percent::new(inside).unwrap().get(), inside);
        }
    }

    #[test]
    fn text_is_parsed_with_and_without_a_percent_sign() {
        assert_eq!("30".parse::<Percent>().unwrap().get(), 30.0);
        assert_eq!("12.5 %".parse::<Percent>().unwrap().get(), 12.5);
        assert_eq!("x".parse::<Percent>(), Err(PercentError::NotANumber("x".to_owned())));
        assert_eq!("95".parse::<Percent>(), Err(PercentError::OutOfRange(95.0)));
    }

    #[test]
    fn the_height_follows_the_unrounded_width() {
        let size = |percent, width, height| Percent::new(percent).unwrap().reduced_size(width, height);
        // int((70/100)*641) = int(448.7) = 448; the rounded width would give int(479*448/641) = 334.
        assert_eq!(size(30.0, 641, 479), (448, 335));
        // 720 * 0.7 is a hair less than 504 in f64; Python says 503 too.
        assert_eq!(size(30.0, 1280, 720), (896, 503));
        assert_eq!(size(50.0, 3, 3), (1, 1));
        assert_eq!(size(89.0, 4, 4), (0, 0));
    }
}
