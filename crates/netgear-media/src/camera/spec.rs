use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::FrameRate;

/// Which camera, and how it is to capture: what follows `camera:` in a [`Source`](crate::Source).
///
/// | text | camera |
/// | --- | --- |
/// | `0` | the first: on Linux `/dev/video0` |
/// | `/dev/video2`, `/dev/v4l/by-id/…` | on Linux, the one at this path |
/// | anything else | the one of this name, as `netgear devices` shows it |
///
/// After a `?`, in any order and joined by `&`:
///
/// | option | meaning | default |
/// | --- | --- | --- |
/// | `size=1280x720` | the size of the frames | 640x480 |
/// | `fps=60`, `fps=29.97` | the rate | 30 |
/// | `format=mjpeg` | how the pixels come: a [`CameraFormat`] | the one that costs least |
/// | `timeout=5` | seconds without a frame after which the camera counts as silent | 5 |
/// | `resume=30`, `resume=forever` | how long to wait for a camera that is unplugged or silent to come back | not at all |
///
/// What the camera has not is replaced by the nearest that it has: first the format, if one is given, then the size,
/// then the rate. A `?`, `&` or `%` within a name is written `%3F`, `%26` or `%25`.
///
/// ```
/// use netgear_media::{CameraFormat, CameraSpec};
///
/// let spec: CameraSpec = "0?size=1280x720&fps=60&format=mjpeg".parse()?;
/// assert_eq!(spec.size(), Some((1280, 720)));
/// assert_eq!(spec.format(), Some(CameraFormat::Mjpeg));
/// # Ok::<(), netgear_media::CameraSpecError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraSpec {
    device: CameraDevice,
    size: Option<(u32, u32)>,
    rate: Option<FrameRate>,
    format: Option<CameraFormat>,
    timeout: Option<Duration>,
    resume: Option<Resume>,
}

/// Which camera.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CameraDevice {
    /// By its number, from 0: on Linux the number in `/dev/video0`.
    Index(u32),
    /// By its path, on Linux.
    Path(PathBuf),
    /// By its name, as it is listed.
    Name(String),
}

/// What a source does when its camera is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resume {
    /// It waits for it to come back, for so long.
    Within(Duration),
    /// It waits for as long as it takes.
    Forever,
}

/// How a camera hands over its pixels.
///
/// It is printed and serialised as the lower-case name given with each, and parsed from that and from V4L2's four
/// characters in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CameraFormat {
    /// `bgr`: 8-bit blue, green, red. V4L2's `BGR3`.
    Bgr,
    /// `rgb`: 8-bit red, green, blue. V4L2's `RGB3`.
    Rgb,
    /// `yuyv`: 4:2:2 as Y U Y V. V4L2's `YUYV`.
    Yuyv,
    /// `uyvy`: 4:2:2 as U Y V Y. V4L2's `UYVY`.
    Uyvy,
    /// `nv12`: 4:2:0, Y and then U and V by turns. V4L2's `NV12`.
    Nv12,
    /// `i420`: 4:2:0, Y, U and V one after the other. V4L2's `YU12`.
    I420,
    /// `yv12`: as `i420`, with V before U. V4L2's `YV12`.
    Yv12,
    /// `mjpeg`: a JPEG picture each. V4L2's `MJPG` and `JPEG`.
    Mjpeg,
    /// `gray`: 8-bit gray; so are the frames. V4L2's `GREY`.
    Gray,
}

impl CameraSpec {
    /// The size that is asked for unless one is given: the one that every camera has.
    pub const DEFAULT_SIZE: (u32, u32) = (640, 480);
    /// How long a camera may be silent unless that is given.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
    /// The longest side that can be asked for.
    pub const LONGEST_SIDE: u32 = 16_384;
    /// The longest time that can be given: 1,000 days.
    const LONGEST_TIME: Duration = Duration::from_secs(1_000 * 24 * 60 * 60);

    /// This camera, with the defaults.
    pub const fn new(device: CameraDevice) -> Self {
        Self { device, size: None, rate: None, format: None, timeout: None, resume: None }
    }

    /// Asks for frames of this size.
    ///
    /// # Errors
    /// [`CameraSpecError::Size`] if a side is 0 or more than [`LONGEST_SIDE`](Self::LONGEST_SIDE).
    pub fn with_size(mut self, width: u32, height: u32) -> Result<Self, CameraSpecError> {
        let sides = 1..=Self::LONGEST_SIDE;
        if !sides.contains(&width) || !sides.contains(&height) {
            return Err(CameraSpecError::Size { text: format!("{width}x{height}") });
        }
        self.size = Some((width, height));
        Ok(self)
    }

    /// Asks for this rate.
    #[must_use]
    pub const fn with_rate(mut self, rate: FrameRate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Asks for this format.
    #[must_use]
    pub const fn with_format(mut self, format: CameraFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// How long the camera may be silent. At least a millisecond.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout.clamp(Duration::from_millis(1), Self::LONGEST_TIME));
        self
    }

    /// Waits for the camera to come back when it is gone.
    #[must_use]
    pub const fn with_resume(mut self, resume: Resume) -> Self {
        self.resume = Some(resume);
        self
    }

    /// The camera.
    pub const fn device(&self) -> &CameraDevice {
        &self.device
    }

    /// The width and height that are asked for.
    pub const fn size(&self) -> Option<(u32, u32)> {
        self.size
    }

    /// The rate that is asked for.
    pub const fn rate(&self) -> Option<FrameRate> {
        self.rate
    }

    /// The format that is asked for.
    pub const fn format(&self) -> Option<CameraFormat> {
        self.format
    }

    /// How long the camera may be silent.
    pub fn timeout(&self) -> Duration {
        self.timeout.unwrap_or(Self::DEFAULT_TIMEOUT)
    }

    /// What is done when the camera is gone. `None`: it is an error.
    pub const fn resume(&self) -> Option<Resume> {
        self.resume
    }

    fn with_option(self, name: &str, value: &str) -> Result<Self, CameraSpecError> {
        match name {
            "size" => {
                let sides = value.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
                let (width, height) =
                    sides.ok_or_else(|| CameraSpecError::Size { text: value.to_owned() })?;
                self.with_size(width, height)
            }
            "fps" => {
                let rate = value.parse().map_err(|_| CameraSpecError::Rate { text: value.to_owned() })?;
                Ok(self.with_rate(rate))
            }
            "format" => Ok(self.with_format(value.parse()?)),
            "timeout" => Ok(self.with_timeout(seconds(name, value)?)),
            "resume" if value == "forever" => Ok(self.with_resume(Resume::Forever)),
            "resume" => Ok(self.with_resume(Resume::Within(seconds(name, value)?))),
            _ => Err(CameraSpecError::UnknownOption { name: name.to_owned() }),
        }
    }
}

fn seconds(name: &str, value: &str) -> Result<Duration, CameraSpecError> {
    let time = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    time.filter(|time| !time.is_zero() && *time <= CameraSpec::LONGEST_TIME)
        .ok_or_else(|| CameraSpecError::Seconds { name: name.to_owned(), text: value.to_owned() })
}

impl FromStr for CameraSpec {
    type Err = CameraSpecError;

    fn from_str(text: &str) -> Result<Self, CameraSpecError> {
        let (device, options) = text.split_once('?').unwrap_or((text, ""));
        let mut spec = Self::new(device.parse()?);
        let mut seen = Vec::new();
        // A `?` with nothing behind it asks for nothing.
        for option in options.split('&').filter(|_| !options.is_empty()) {
            let (name, value) = option
                .split_once('=')
                .ok_or_else(|| CameraSpecError::UnknownOption { name: option.to_owned() })?;
            spec = spec.with_option(name, value)?;
            if seen.contains(&name) {
                return Err(CameraSpecError::Twice { name: name.to_owned() });
            }
            seen.push(name);
        }
        Ok(spec)
    }
}

/// As it is parsed.
impl fmt::Display for CameraSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.device {
            CameraDevice::Index(index) => write!(f, "{index}")?,
            CameraDevice::Path(path) => f.write_str(&escape(&path.to_string_lossy()))?,
            CameraDevice::Name(name) => f.write_str(&escape(name))?,
        }
        let size = self.size.map(|(width, height)| format!("size={width}x{height}"));
        let resume = self.resume.map(|resume| match resume {
            Resume::Within(time) => format!("resume={}", time.as_secs_f64()),
            Resume::Forever => "resume=forever".to_owned(),
        });
        let options = [
            size,
            self.rate.map(|rate| format!("fps={rate}")),
            self.format.map(|format| format!("format={format}")),
            self.timeout.map(|time| format!("timeout={}", time.as_secs_f64())),
            resume,
        ];
        for (index, option) in options.iter().flatten().enumerate() {
            write!(f, "{}{option}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl FromStr for CameraDevice {
    type Err = CameraSpecError;

    fn from_str(text: &str) -> Result<Self, CameraSpecError> {
        let name = unescape(text).ok_or_else(|| CameraSpecError::Name { text: text.to_owned() })?;
        if name.is_empty() {
            return Err(CameraSpecError::NoDevice);
        }
        if name.contains('\0') {
            return Err(CameraSpecError::Name { text: text.to_owned() });
        }
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            let index = name.parse().map_err(|_| CameraSpecError::Name { text: text.to_owned() })?;
            return Ok(Self::Index(index));
        }
        // The first byte alone: Windows has no paths of cameras, but names that hold a slash.
        Ok(if name.starts_with('/') { Self::Path(name.into()) } else { Self::Name(name) })
    }
}

/// As it is called in a source: `camera:0`, `camera:/dev/video2`, `camera:HD Webcam`.
impl fmt::Display for CameraDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "camera:{index}"),
            Self::Path(path) => write!(f, "camera:{}", path.display()),
            Self::Name(name) => write!(f, "camera:{name}"),
        }
    }
}

/// The characters that end a name.
fn escape(name: &str) -> String {
    name.replace('%', "%25").replace('?', "%3F").replace('&', "%26")
}

fn unescape(text: &str) -> Option<String> {
    let mut name = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digit = |byte: u8| char::from(byte).to_digit(16);
            name.push((digit(digits[0])? * 16 + digit(digits[1])?) as u8);
        } else {
            name.push(byte);
        }
    }
    String::from_utf8(name).ok()
}

impl CameraFormat {
    /// Every format, the one that is preferred among equals first: the fewest losses, then the least work.
    pub const ALL: [Self; 9] = [
        Self::Bgr,
        Self::Rgb,
        Self::Yuyv,
        Self::Uyvy,
        Self::Nv12,
        Self::I420,
        Self::Yv12,
        Self::Mjpeg,
        Self::Gray,
    ];

    /// The name, as it is parsed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bgr => "bgr",
            Self::Rgb => "rgb",
            Self::Yuyv => "yuyv",
            Self::Uyvy => "uyvy",
            Self::Nv12 => "nv12",
            Self::I420 => "i420",
            Self::Yv12 => "yv12",
            Self::Mjpeg => "mjpeg",
            Self::Gray => "gray",
        }
    }

    /// The place in the order of preference.
    #[cfg(any(test, feature = "camera"))]
    pub(crate) fn cost(self) -> usize {
        Self::ALL.iter().position(|format| *format == self).unwrap_or(Self::ALL.len())
    }
}

impl FromStr for CameraFormat {
    type Err = CameraSpecError;

    fn from_str(text: &str) -> Result<Self, CameraSpecError> {
        let text = match text {
            "bgr3" => "bgr",
            "rgb3" => "rgb",
            "yu12" => "i420",
            "mjpg" => "mjpeg",
            "grey" => "gray",
            other => other,
        };
        let format = Self::ALL.into_iter().find(|format| format.name() == text);
        format.ok_or_else(|| CameraSpecError::Format { text: text.to_owned() })
    }
}

impl fmt::Display for CameraFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for CameraFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Why a text is no [`CameraSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CameraSpecError {
    /// There is no camera in it.
    #[error("which camera? give its number, as in camera:0, its path, as in camera:/dev/video2, or its name")]
    NoDevice,
    /// The name is malformed.
    #[error(
        "`{text}` is no name of a camera; `%` begins a character in two hexadecimal digits, and stands for itself as %25"
    )]
    Name {
        /// The name.
        text: String,
    },
    /// There is no such option.
    #[error(
        "a camera has no option `{name}`; there are size=1280x720, fps=30, format=mjpeg, timeout=5 and resume=30, joined by &"
    )]
    UnknownOption {
        /// The option.
        name: String,
    },
    /// An option is given more than once.
    #[error("the camera's option `{name}` is given twice")]
    Twice {
        /// The option.
        name: String,
    },
    /// The size is malformed, 0 or too large.
    #[error(
        "`{text}` is not a size for a camera; give size=WIDTHxHEIGHT, as in size=1280x720, with sides of 1 to {}",
        CameraSpec::LONGEST_SIDE
    )]
    Size {
        /// The size.
        text: String,
    },
    /// The rate is malformed or 0.
    #[error(
        "`{text}` is not a rate for a camera; give frames per second, as in fps=30, fps=29.97 or fps=30000/1001"
    )]
    Rate {
        /// The rate.
        text: String,
    },
    /// The format is unknown.
    #[error("`{text}` is not a format of cameras; there are {}", names(CameraFormat::ALL.iter().map(|format| format.name())))]
    Format {
        /// The format.
        text: String,
    },
    /// A time is malformed, 0 or too long.
    #[error("`{text}` is not a time for {name}; give seconds, as in {name}=5 or {name}=0.5{}", if name == "resume" { ", or resume=forever" } else { "" })]
    Seconds {
        /// The option.
        name: String,
        /// The time.
        text: String,
    },
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> CameraSpec {
        text.parse().unwrap()
    }

    #[test]
    fn a_camera_is_told_by_number_path_or_name() {
        assert_eq!(parse("0").device(), &CameraDevice::Index(0));
        assert_eq!(parse("12?").device(), &CameraDevice::Index(12));
        assert_eq!(parse("/dev/video2").device(), &CameraDevice::Path("/dev/video2".into()));
        assert_eq!(parse("HD Webcam C525").device(), &CameraDevice::Name("HD Webcam C525".to_owned()));
        assert_eq!(parse("A/B 3%3F%26%25").device(), &CameraDevice::Name("A/B 3?&%".to_owned()));
    }

    #[test]
    fn all_that_is_asked_for_is_kept() {
        let spec = parse("0?size=1280x720&fps=30000/1001&format=mjpeg&timeout=0.5&resume=30");
        assert_eq!(spec.size(), Some((1280, 720)));
        assert_eq!(spec.rate(), FrameRate::new(30000, 1001));
        assert_eq!(spec.format(), Some(CameraFormat::Mjpeg));
        assert_eq!(spec.timeout(), Duration::from_millis(500));
        assert_eq!(spec.resume(), Some(Resume::Within(Duration::from_secs(30))));
        assert_eq!(parse("0?fps=12.5").rate(), FrameRate::new(25, 2));
        assert_eq!(parse("0?resume=forever").resume(), Some(Resume::Forever));
        let defaults = parse("0");
        assert_eq!((defaults.size(), defaults.rate(), defaults.format()), (None, None, None));
        assert_eq!((defaults.timeout(), defaults.resume()), (Duration::from_secs(5), None));
    }

    #[test]
    fn it_prints_what_it_parses() {
        for text in [
            "0",
            "/dev/video2?size=640x480",
            "USB 2.0 Camera%3F?fps=25&format=nv12",
            "1?size=1280x720&fps=30000/1001&format=mjpeg&timeout=2.5&resume=30",
            "1?resume=forever",
        ] {
            assert_eq!(parse(text).to_string(), text);
        }
        for format in CameraFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        assert_eq!(parse("0?format=grey").to_string(), "0?format=gray");
        assert_eq!(parse("HD Webcam").device().to_string(), "camera:HD Webcam");
    }

    #[test]
    fn what_is_wrong_is_said() {
        use CameraSpecError as Error;
        let error = |text: &str| text.parse::<CameraSpec>().unwrap_err();
        assert_eq!(error(""), Error::NoDevice);
        assert_eq!(error("?fps=30"), Error::NoDevice);
        for text in ["%", "%2", "%zz", "%ff", "a%00b", "99999999999"] {
            assert!(matches!(error(text), Error::Name { .. }), "{text}");
        }
        for size in ["", "640", "640x", "0x480", "640x480x3", "-1x2", "16385x1", "640X480"] {
            assert!(matches!(error(&format!("0?size={size}")), Error::Size { .. }), "{size}");
        }
        for rate in ["", "0", "x", "30/0"] {
            assert!(matches!(error(&format!("0?fps={rate}")), Error::Rate { .. }), "{rate}");
        }
        for format in ["", "MJPEG", "h264"] {
            assert!(matches!(error(&format!("0?format={format}")), Error::Format { .. }), "{format}");
        }
        for time in ["", "0", "-1", "inf", "NaN", "1e9", "never"] {
            assert!(matches!(error(&format!("0?timeout={time}")), Error::Seconds { .. }), "{time}");
            assert!(matches!(error(&format!("0?resume={time}")), Error::Seconds { .. }), "{time}");
        }
        for text in ["0?fps", "0?&", "0?rate=30", "0?fps=30&", "0?fps=30?size=1x1&x=1"] {
            assert!(matches!(error(text), Error::UnknownOption { .. } | Error::Rate { .. }), "{text}");
        }
        assert_eq!(error("0?fps=30&fps=30"), Error::Twice { name: "fps".to_owned() });
        assert!(error("0?format=h264").to_string().contains("yuyv, uyvy"));
    }
}
