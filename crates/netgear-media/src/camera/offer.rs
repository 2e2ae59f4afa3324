use std::fmt;

use serde::Serialize;

use super::CameraFormat;
use crate::FrameRate;

/// A camera, and what it offers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CameraInfo {
    /// What it is opened by: its number.
    pub index: u32,
    /// Its path, on Linux.
    pub path: Option<String>,
    /// Its name.
    pub name: String,
    /// What it offers.
    pub formats: Vec<OfferedFormat>,
    /// Why it cannot be asked what it offers, if so.
    pub error: Option<String>,
}

/// A format that a camera offers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OfferedFormat {
    /// What the system calls it: on Linux the four characters of V4L2.
    pub code: String,
    /// What it is here. `None` if it is not understood.
    pub format: Option<CameraFormat>,
    /// The sizes that it comes in.
    pub sizes: Vec<OfferedSize>,
}

/// A size, or a range of them, and its rates.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OfferedSize {
    /// The size.
    #[serde(flatten)]
    pub size: CameraSize,
    /// The rates. None are listed if the camera does not tell.
    pub rates: Vec<OfferedRate>,
}

/// The width and height of a camera's frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum CameraSize {
    /// Just this.
    Exact {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// Any from the smallest to the largest, in steps: width and height each.
    Stepped {
        /// The smallest.
        smallest: (u32, u32),
        /// The largest.
        largest: (u32, u32),
        /// The steps.
        step: (u32, u32),
    },
}

/// A rate that a camera offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum OfferedRate {
    /// Just this.
    Exact(FrameRate),
    /// Any between two.
    Between {
        /// The lowest.
        slowest: FrameRate,
        /// The highest.
        fastest: FrameRate,
    },
}

/// How a camera captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct CameraMode {
    /// The format.
    pub format: CameraFormat,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Frames per second, if the camera tells.
    pub rate: Option<FrameRate>,
}

/// As in `1280×720 at 30 fps in mjpeg`.
impl fmt::Display for CameraMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.width, self.height)?;
        if let Some(rate) = self.rate {
            write!(f, " at {rate} fps")?;
        }
        write!(f, " in {}", self.format)
    }
}

impl fmt::Display for CameraSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact { width, height } => write!(f, "{width}×{height}"),
            Self::Stepped { smallest, largest, step } => {
                write!(f, "{}×{} to {}×{}", smallest.0, smallest.1, largest.0, largest.1)?;
                match step {
                    (0 | 1, 0 | 1) => Ok(()),
                    (width, height) => write!(f, " in steps of {width}×{height}"),
                }
            }
        }
    }
}

impl fmt::Display for OfferedRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(rate) => write!(f, "{rate}"),
            Self::Between { slowest, fastest } => write!(f, "{slowest} to {fastest}"),
        }
    }
}

/// A camera, and below it what it offers.
impl fmt::Display for CameraInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.index, self.name)?;
        if let Some(path) = &self.path {
            write!(f, " ({path})")?;
        }
        if let Some(error) = &self.error {
            write!(f, "\n  {error}")?;
        }
        for offered in &self.formats {
            let name = offered.format.map_or("not understood", CameraFormat::name);
            write!(f, "\n  {name} ({})", offered.code)?;
            for OfferedSize { size, rates } in &offered.sizes {
                write!(f, "\n    {size}")?;
                if !rates.is_empty() {
                    let rates: Vec<_> = rates.iter().map(OfferedRate::to_string).collect();
                    write!(f, " at {} fps", rates.join(", "))?;
                }
            }
        }
        Ok(())
    }
}
