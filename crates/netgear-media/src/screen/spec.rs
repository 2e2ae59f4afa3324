use std::fmt;
use std::str::FromStr;

use crate::{FrameRate, FrameRateError};

/// What of the screen is captured, as a user writes it after `screen:`.
///
/// | text | meaning |
/// | --- | --- |
/// | `0`, or nothing | the first monitor, which is the primary one if one is |
/// | `1`, … | a further monitor |
/// | `0?fps=30` | so many frames a second; 30 by default |
/// | `0?display=:1` | another display than that of the environment variable `DISPLAY` |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenSpec {
    monitor: usize,
    rate: FrameRate,
    display: Option<String>,
}

impl ScreenSpec {
    /// The monitor of this number, counted from 0, 30 times a second.
    pub const fn new(monitor: usize) -> Self {
        Self { monitor, rate: FrameRate::THIRTY, display: None }
    }

    /// How often the screen is captured. Default: 30 frames a second.
    #[must_use]
    pub const fn with_rate(mut self, rate: FrameRate) -> Self {
        self.rate = rate;
        self
    }

    /// The X display, as in `:1`. Default: that of the environment variable `DISPLAY`.
    #[must_use]
    pub fn with_display(mut self, display: impl Into<String>) -> Self {
        self.display = Some(display.into());
        self
    }

    /// The number of the monitor, counted from 0.
    pub const fn monitor(&self) -> usize {
        self.monitor
    }

    /// How often it is captured.
    pub const fn rate(&self) -> FrameRate {
        self.rate
    }

    /// The X display. `None` for that of the environment.
    pub fn display(&self) -> Option<&str> {
        self.display.as_deref()
    }
}

impl FromStr for ScreenSpec {
    type Err = ScreenSpecError;

    fn from_str(text: &str) -> Result<Self, ScreenSpecError> {
        let (monitor, options) = text.split_once('?').unwrap_or((text, ""));
        let mut spec = Self::new(match monitor {
            "" => 0,
            monitor => monitor.parse().map_err(|_| ScreenSpecError::Monitor(monitor.to_owned()))?,
        });
        let mut seen = Vec::new();
        for option in options.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            match (name, value) {
                ("fps", rate) => spec.rate = rate.parse()?,
                ("display", display) if !display.is_empty() => spec.display = Some(display.to_owned()),
                _ => return Err(ScreenSpecError::Option(option.to_owned())),
            }
            if seen.contains(&name) {
                return Err(ScreenSpecError::Twice(name.to_owned()));
            }
            seen.push(name);
        }
        Ok(spec)
    }
}

/// As it is parsed.
impl fmt::Display for ScreenSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}?fps={}", self.monitor, self.rate)?;
        self.display.as_ref().map_or(Ok(()), |display| write!(f, "&display={display}"))
    }
}

/// Why a text is no [`ScreenSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenSpecError {
    /// The monitor is no number.
    #[error("`{0}` is no number of a monitor; a screen is written screen:0 or screen:0?fps=30")]
    Monitor(String),
    /// The rate is malformed.
    #[error(transparent)]
    Rate(#[from] FrameRateError),
    /// An option is given more than once.
    #[error("the screen's option `{0}` is given twice")]
    Twice(String),
    /// There is no such option, or it has no value.
    #[error(
        "a screen has no option `{0}`; it has fps, as in screen:0?fps=30, and display, as in screen:0?display=:1"
    )]
    Option(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_is_written_as_a_number_and_options() {
        let parse = |text: &str| text.parse::<ScreenSpec>().unwrap();
        assert_eq!(parse(""), ScreenSpec::new(0));
        assert_eq!(parse("2"), ScreenSpec::new(2));
        let rate: FrameRate = "12.5".parse().unwrap();
        let spec = ScreenSpec::new(1).with_rate(rate).with_display(":7.1");
        assert_eq!(parse("1?fps=12.5&display=:7.1"), spec);
        for spec in [ScreenSpec::new(3), spec] {
            assert_eq!(parse(&spec.to_string()), spec);
        }
    }

    #[test]
    fn what_is_no_screen_is_an_error() {
        let parse = |text: &str| text.parse::<ScreenSpec>().unwrap_err();
        assert!(matches!(parse("left"), ScreenSpecError::Monitor(_)));
        assert!(matches!(parse("-1"), ScreenSpecError::Monitor(_)));
        assert!(matches!(parse("0?fps=fast"), ScreenSpecError::Rate(_)));
        assert!(matches!(parse("0?fps"), ScreenSpecError::Rate(_)));
        assert_eq!(parse("0?fps=1&fps=2"), ScreenSpecError::Twice("fps".to_owned()));
        for option in ["size=1x1", "display", "display="] {
            assert_eq!(parse(&format!("0?{option}")), ScreenSpecError::Option(option.to_owned()));
        }
    }
}
