use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How the pixels of a frame are written in their part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Encoding {
    // The order is the wire's (docs/wire.md): append, never reorder.
    /// As they stand in memory: row by row, no padding, little-endian. Every peer reads it. The default.
    #[default]
    Raw,
    /// JPEG (ITU-T T.81), baseline: small, and not quite the same picture. 8-bit pixels.
    Jpeg,
    /// The same pixels in fewer bytes; docs/wire.md has the format.
    Lossless,
}

impl Encoding {
    /// All that this version knows, in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Raw, Self::Jpeg, Self::Lossless];

    const fn bit(self) -> u64 {
        1 << self as u64
    }
}

/// `raw`, `jpeg` or `lossless`.
impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Raw => "raw",
            Self::Jpeg => "jpeg",
            Self::Lossless => "lossless",
        })
    }
}

/// A set of [`Encoding`]s: those that an end decodes. Raw is always among them.
///
/// ```
/// use netgear_proto::{Encoding, Encodings};
///
/// let decodes = Encodings::RAW.with(Encoding::Jpeg);
/// assert!(decodes.contains(Encoding::Raw) && decodes.contains(Encoding::Jpeg));
/// assert_eq!(decodes.to_string(), "raw, jpeg");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Encodings(u64);

impl Encodings {
    /// Raw alone: what a peer decodes that says nothing of it.
    pub const RAW: Self = Self(Encoding::Raw.bit());

    /// All that this version knows.
    pub const ALL: Self = Self::RAW.with(Encoding::Jpeg).with(Encoding::Lossless);

    /// Adds one.
    #[must_use]
    pub const fn with(self, encoding: Encoding) -> Self {
        Self(self.0 | encoding.bit())
    }

    /// Those of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether it is among them.
    pub const fn contains(self, encoding: Encoding) -> bool {
        self.0 & encoding.bit() != 0
    }

    /// As the wire has it: bit 0 for the encoding of number 0, and so on.
    pub(crate) const fn to_bits(self) -> u64 {
        self.0
    }

    /// Those of the bits that this version knows, and raw.
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits & Self::ALL.0 | Self::RAW.0)
    }

    /// Each of them, in the order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Encoding> {
        Encoding::ALL.into_iter().filter(move |encoding| self.contains(*encoding))
    }
}

/// Raw alone.
impl Default for Encodings {
    fn default() -> Self {
        Self::RAW
    }
}

/// `raw, jpeg`.
impl fmt::Display for Encodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.iter().enumerate().try_for_each(|(at, encoding)| {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{encoding}")
        })
    }
}

impl fmt::Debug for Encodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encodings({self})")
    }
}

/// How a sender would have its frames encoded, where the peer decodes it and the frame allows it; all others go raw.
///
/// ```
/// use netgear_proto::{Encoding, EncodingChoice};
///
/// let choice: EncodingChoice = "jpeg:90:444".parse()?;
/// assert_eq!(choice.encoding(), Encoding::Jpeg);
/// assert!(matches!(choice, EncodingChoice::Jpeg { quality, .. } if quality.get() == 90));
/// # Ok::<(), netgear_proto::EncodingChoiceError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum EncodingChoice {
    /// The pixels as they stand: the fastest, over a cable. The default.
    #[default]
    Raw,
    /// JPEG: the smallest.
    Jpeg {
        /// How much of the picture is kept.
        quality: JpegQuality,
        /// How much of its colour.
        subsampling: ChromaSubsampling,
    },
    /// The very same pixels in fewer bytes, if there is anything to save.
    Lossless,
}

impl EncodingChoice {
    /// JPEG of the default quality and subsampling.
    pub const JPEG: Self =
        Self::Jpeg { quality: JpegQuality::DEFAULT, subsampling: ChromaSubsampling::Quarter };

    /// What the frames are marked with.
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Raw => Encoding::Raw,
            Self::Jpeg { .. } => Encoding::Jpeg,
            Self::Lossless => Encoding::Lossless,
        }
    }
}

/// As it is read: `raw`, `jpeg:80:420`, `lossless`.
impl fmt::Display for EncodingChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw => f.write_str("raw"),
            Self::Jpeg { quality, subsampling } => write!(f, "jpeg:{quality}:{subsampling}"),
            Self::Lossless => f.write_str("lossless"),
        }
    }
}

/// Reads `raw`, `jpeg`, `jpeg:QUALITY`, `jpeg:QUALITY:SUBSAMPLING` and `lossless`, in capitals too, and `jpg` for
/// `jpeg`.
impl FromStr for EncodingChoice {
    type Err = EncodingChoiceError;

    fn from_str(text: &str) -> Result<Self, EncodingChoiceError> {
        let unknown = || EncodingChoiceError::Unknown(text.to_string());
        let (name, options) = match text.split_once(':') {
            Some((name, options)) => (name, Some(options)),
            None => (text, None),
        };
        match (name.to_ascii_lowercase().as_str(), options) {
            ("raw", None) => Ok(Self::Raw),
            ("lossless", None) => Ok(Self::Lossless),
            ("jpeg" | "jpg", None) => Ok(Self::JPEG),
            ("jpeg" | "jpg", Some(options)) => {
                let (quality, subsampling) = match options.split_once(':') {
                    Some((quality, subsampling)) => {
                        let subsampling = subsampling.parse();
                        (quality, subsampling.map_err(|_| EncodingChoiceError::Jpeg(text.to_string()))?)
                    }
                    None => (options, ChromaSubsampling::default()),
                };
                let quality = quality.parse().map_err(|_| EncodingChoiceError::Jpeg(text.to_string()))?;
                Ok(Self::Jpeg { quality, subsampling })
            }
            _ => Err(unknown()),
        }
    }
}

/// How much of a picture a JPEG keeps: 1, the least, to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JpegQuality(u8);

impl JpegQuality {
    /// 80: hard to tell from the original at a glance.
    pub const DEFAULT: Self = Self(80);

    /// A quality from 1 to 100.
    ///
    /// # Errors
    /// [`EncodingChoiceError::Quality`] for any other.
    pub fn new(quality: u8) -> Result<Self, EncodingChoiceError> {
        if (1..=100).contains(&quality) {
            Ok(Self(quality))
        } else {
            Err(EncodingChoiceError::Quality(quality.to_string()))
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// [`JpegQuality::DEFAULT`].
impl Default for JpegQuality {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for JpegQuality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for JpegQuality {
    type Err = EncodingChoiceError;

    fn from_str(text: &str) -> Result<Self, EncodingChoiceError> {
        let quality: u8 = text.parse().map_err(|_| EncodingChoiceError::Quality(text.to_string()))?;
        Self::new(quality)
    }
}

/// How much of the colour a JPEG keeps, beside the brightness of each pixel. A gray picture has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ChromaSubsampling {
    /// 4:4:4: that of each pixel. For drawings, text and screens.
    Full,
    /// 4:2:2: one for each two pixels of a row.
    Half,
    /// 4:2:0: one for each square of four pixels. The smallest, for camera pictures. The default.
    #[default]
    Quarter,
}

/// `444`, `422` or `420`.
impl fmt::Display for ChromaSubsampling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "444",
            Self::Half => "422",
            Self::Quarter => "420",
        })
    }
}

/// Reads `444`, `422` and `420`, with colons or without.
impl FromStr for ChromaSubsampling {
    type Err = EncodingChoiceError;

    fn from_str(text: &str) -> Result<Self, EncodingChoiceError> {
        match text {
            "444" | "4:4:4" => Ok(Self::Full),
            "422" | "4:2:2" => Ok(Self::Half),
            "420" | "4:2:0" => Ok(Self::Quarter),
            _ => Err(EncodingChoiceError::Subsampling(text.to_string())),
        }
    }
}

/// A text that is no [`EncodingChoice`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodingChoiceError {
    /// No encoding has this name.
    #[error(
        "there is no encoding {0:?}; use raw, jpeg, jpeg:QUALITY, jpeg:QUALITY:444, :422 or :420, or lossless"
    )]
    Unknown(String),
    /// JPEG, and what follows is no quality, or no subsampling.
    #[error(
        "{0:?} is no encoding; write jpeg:QUALITY, from 1, the smallest picture, to 100, the best, as in jpeg:75, or with \
         444, 422 or 420 behind it, as in jpeg:75:444"
    )]
    Jpeg(String),
    /// No quality of a JPEG.
    #[error("a JPEG has no quality {0:?}; use a number from 1, the smallest picture, to 100, the best")]
    Quality(String),
    /// No subsampling of a JPEG.
    #[error("there is no chroma subsampling {0:?}; use 444, 422 or 420")]
    Subsampling(String),
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn raw_is_in_every_set() {
        assert!(Encodings::default().contains(Encoding::Raw));
        assert_eq!(Encodings::RAW.iter().collect::<Vec<_>>(), [Encoding::Raw]);
        assert_eq!(Encodings::ALL.iter().collect::<Vec<_>>(), Encoding::ALL);
        assert_eq!(Encodings::RAW.union(Encodings::ALL), Encodings::ALL);
    }

    #[test]
    fn a_choice_comes_back_as_it_was_written() {
        for text in ["raw", "lossless", "jpeg:1:444", "jpeg:80:422", "jpeg:100:420"] {
            assert_eq!(text.parse::<EncodingChoice>().unwrap().to_string(), text);
        }
        assert_eq!("jpeg".parse(), Ok(EncodingChoice::JPEG));
        for (text, same) in
            [("JPEG:90", "jpeg:90"), ("jpg", "jpeg"), ("Jpg:70:444", "jpeg:70:444"), ("Raw", "raw")]
        {
            assert_eq!(text.parse::<EncodingChoice>(), same.parse(), "{text}");
        }
        assert_eq!("LOSSLESS".parse(), Ok(EncodingChoice::Lossless));
        assert_eq!("jpeg".parse::<EncodingChoice>().unwrap().to_string(), "jpeg:80:420");
        assert_eq!("jpeg:90:4:4:4".parse::<EncodingChoice>().unwrap().to_string(), "jpeg:90:444");
        assert_eq!("jpeg:7".parse::<EncodingChoice>().unwrap().to_string(), "jpeg:7:420");
    }

    #[test]
    fn what_is_no_choice_is_refused_by_what_is_wrong_with_it() {
        for text in ["", "png", "raw:1", "lossless:", "jpegs:80"] {
            assert_eq!(text.parse::<EncodingChoice>(), Err(EncodingChoiceError::Unknown(text.into())));
        }
        for quality in ["0", "101", "256", "-1", "", "80%"] {
            let error = quality.parse::<JpegQuality>().unwrap_err();
            assert_eq!(error, EncodingChoiceError::Quality(quality.into()));
            let text = alloc::format!("jpeg:{quality}");
            assert_eq!(text.parse::<EncodingChoice>(), Err(EncodingChoiceError::Jpeg(text)));
        }
        for text in ["jpeg::444", "jpeg:444", "jpeg:80:411", "jpeg:80:", "jpeg:80:444:"] {
            let error = text.parse::<EncodingChoice>().unwrap_err();
            assert_eq!(error, EncodingChoiceError::Jpeg(text.into()));
            assert!(error.to_string().contains("jpeg:75:444"), "{error}");
        }
        assert_eq!("411".parse::<ChromaSubsampling>(), Err(EncodingChoiceError::Subsampling("411".into())));
    }
}
