use core::fmt;

use serde::{Deserialize, Serialize};

/// What the channels of a pixel mean, and their order in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum PixelFormat {
    // The order is the wire's (docs/wire.md): append, never reorder.
    /// Blue, green, red: what OpenCV users expect, and the default everywhere here.
    Bgr,
    /// One channel of luminance (or depth, or heat).
    Gray,
    /// Blue, green, red, opacity.
    Bgra,
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue, opacity.
    Rgba,
    /// Any number of channels whose meaning the two applications know.
    Unspecified,
}

impl PixelFormat {
    /// The channels that this format has, or `None` where any number will do.
    pub const fn channels(self) -> Option<u16> {
        match self {
            Self::Gray => Some(1),
            Self::Bgr | Self::Rgb => Some(3),
            Self::Bgra | Self::Rgba => Some(4),
            Self::Unspecified => None,
        }
    }

    /// The usual format of so many channels: gray for 1, BGR for 3, BGRA for 4, as in OpenCV.
    pub const fn from_channels(channels: u16) -> Self {
        match channels {
            1 => Self::Gray,
            3 => Self::Bgr,
            4 => Self::Bgra,
            _ => Self::Unspecified,
        }
    }
}

impl fmt::Display for PixelFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bgr => "BGR",
            Self::Gray => "gray",
            Self::Bgra => "BGRA",
            Self::Rgb => "RGB",
            Self::Rgba => "RGBA",
            Self::Unspecified => "unspecified",
        })
    }
}
