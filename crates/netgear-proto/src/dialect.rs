use alloc::string::{String, ToString};
use core::{fmt, str::FromStr};

/// What two ends say to each other over their ZeroMQ link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// NetGear for Rust with itself: [`native`](crate::native).
    Native,
    /// What the Python package says and understands, unchanged: [`vidgear`](crate::vidgear).
    VidGear,
}

/// `native` or `VidGear`.
impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "native",
            Self::VidGear => "VidGear",
        })
    }
}

/// Reads `native` and `vidgear`, in any case.
impl FromStr for Dialect {
    type Err = UnknownDialect;

    fn from_str(name: &str) -> Result<Self, UnknownDialect> {
        match name.to_ascii_lowercase().as_str() {
            "native" => Ok(Self::Native),
            "vidgear" => Ok(Self::VidGear),
            _ => Err(UnknownDialect(name.to_string())),
        }
    }
}

/// A name that is no [`Dialect`]'s.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no dialect {0:?}; use native or vidgear")]
pub struct UnknownDialect(String);
