//! What a screen shows, as frames.

#[cfg(all(feature = "screen", unix, not(target_vendor = "apple")))]
mod deadline_stream;
mod spec;
#[cfg(all(feature = "screen", unix, not(target_vendor = "apple")))]
mod x11;

pub use spec::{ScreenSpec, ScreenSpecError};

use crate::{FrameSource, OpenError, OpenOptions};

/// Why a screen cannot be captured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenError {
    /// The feature `screen` is not there.
    #[error("this program was built without the capture of screens; build it with `--features screen`")]
    NotBuilt,
    /// No display is named anywhere.
    #[error("there is no display: run it in a session with X11, or name one, as in screen:0?display=:0")]
    NoDisplay,
    /// The display is Wayland's, whose screens no program may look at unasked.
    #[error("the session is Wayland's, and only X11 can be captured: log in with X11 (Xorg)")]
    Wayland,
    /// The system has another kind of display.
    #[error("only X11 can be captured, which this system does not have")]
    UnsupportedSystem,
    /// The X server cannot be reached, or does not let us in.
    #[error("the display cannot be opened: {reason}")]
    Connect {
        /// Why.
        reason: String,
    },
    /// The X server refused, does not answer in time, or has gone.
    #[error("the display gives no picture: {reason}")]
    Display {
        /// Why.
        reason: String,
    },
    /// There is no monitor of that number.
    #[error("there is no monitor {number}: the display has {found}, counted from 0")]
    NoSuchMonitor {
        /// The number that was asked for.
        number: usize,
        /// How many there are.
        found: usize,
    },
    /// The pixels of the display are not 8 bits each of blue, green and red.
    #[error("the display's pixels are of a kind that is not known here; set it to 24 bits a pixel")]
    UnknownPixels,
    /// The server gave less or more than the monitor has.
    #[error("the display gave a picture of another size than it has")]
    WrongSize,
}

#[cfg(all(feature = "screen", unix, not(target_vendor = "apple")))]
pub(crate) fn open(spec: &ScreenSpec, options: &OpenOptions) -> Result<Box<dyn FrameSource>, OpenError> {
    Ok(Box::new(x11::ScreenSource::open(spec, options)?))
}

#[cfg(not(all(feature = "screen", unix, not(target_vendor = "apple"))))]
pub(crate) fn open(spec: &ScreenSpec, _: &OpenOptions) -> Result<Box<dyn FrameSource>, OpenError> {
    let error = if cfg!(feature = "screen") { ScreenError::UnsupportedSystem } else { ScreenError::NotBuilt };
    Err(OpenError::Screen { origin: format!("screen:{spec}"), error })
}
