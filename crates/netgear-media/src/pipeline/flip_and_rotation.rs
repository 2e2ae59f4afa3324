use std::fmt;
use std::str::FromStr;

/// Which sides of a picture change places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flip {
    /// Left and right, as in a mirror: `cv2.flip(image, 1)`.
    Horizontal,
    /// Top and bottom: `cv2.flip(image, 0)`.
    Vertical,
    /// Both, which is half a turn: `cv2.flip(image, -1)`.
    Both,
}

/// By how much a picture is turned, clockwise. Every pixel is kept as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Rotation {
    /// Not at all.
    #[default]
    None,
    /// A quarter: what was on the left is on top. `cv2.ROTATE_90_CLOCKWISE`.
    Clockwise90,
    /// A half: `cv2.ROTATE_180`.
    Half,
    /// Three quarters, which is one the other way: what was on the right is on top. `cv2.ROTATE_90_COUNTERCLOCKWISE`.
    Clockwise270,
}

impl Flip {
    /// The name by which [`FromStr`] knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Horizontal => "horizontal",
            Self::Vertical => "vertical",
            Self::Both => "both",
        }
    }
}

impl Rotation {
    /// By so many degrees: 0, 90, 180 or 270. `None` for all others.
    pub const fn from_degrees(degrees: u32) -> Option<Self> {
        Some(match degrees {
            0 => Self::None,
            90 => Self::Clockwise90,
            180 => Self::Half,
            270 => Self::Clockwise270,
            _ => return None,
        })
    }

    /// The degrees: 0, 90, 180 or 270.
    pub const fn degrees(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Clockwise90 => 90,
            Self::Half => 180,
            Self::Clockwise270 => 270,
        }
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The names of [`Flip::name`], or `h`, `v` and `both`, in upper or lower case.
impl FromStr for Flip {
    type Err = FlipError;

    fn from_str(text: &str) -> Result<Self, FlipError> {
        match text.to_ascii_lowercase().as_str() {
            "h" | "horizontal" => Ok(Self::Horizontal),
            "v" | "vertical" => Ok(Self::Vertical),
            "both" => Ok(Self::Both),
            _ => Err(FlipError { text: text.to_owned() }),
        }
    }
}

/// The degrees, as in `90°`.
impl fmt::Display for Rotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}°", self.degrees())
    }
}

/// The degrees, with or without a sign for them.
impl FromStr for Rotation {
    type Err = RotationError;

    fn from_str(text: &str) -> Result<Self, RotationError> {
        let degrees = text.strip_suffix('°').unwrap_or(text).parse().ok();
        degrees.and_then(Self::from_degrees).ok_or_else(|| RotationError { text: text.to_owned() })
    }
}

/// A text that is no [`Flip`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a frame cannot be flipped `{text}`; use h or horizontal (left and right), v or vertical (top and bottom), or both"
)]
pub struct FlipError {
    /// The text.
    pub text: String,
}

/// A text that is no [`Rotation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a frame cannot be rotated by `{text}`; use 0, 90, 180 or 270, which are degrees clockwise")]
pub struct RotationError {
    /// The text.
    pub text: String,
}
